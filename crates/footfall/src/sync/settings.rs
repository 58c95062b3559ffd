//! What is in force: flags over the configuration, and the secret from where neither shows it.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use clap::CommandFactory;
use clap::error::ErrorKind;
use server::origin::Origin;
use store::{CallLimit, SyncSource};
use ureq::tls::TlsConfig;
use uuid::Uuid;

use super::patience::Patience;
use crate::cli::{Cli, SyncDefender};
use crate::config::Config;

/// The environment variable that holds the secret.
const SECRET_VARIABLE: &str = "FOOTFALL_SYNC_SECRET";
/// Bytes of a file with a secret that are read at most.
const MAX_SECRET_BYTES: u64 = 4096;
const MINUTE_S: u32 = 60;
const HOUR_S: u32 = 3600;
/// Seconds by which periods of limits are taken to be longer: one call may take longer to arrive than
/// another, and who counts there sees them nearer to each other.
const MARGIN_S: u32 = 1;

/// A text that nothing prints.
pub(super) struct Secret(pub(super) String);

/// What is in force.
pub(super) struct Settings {
    pub(super) url: Origin,
    pub(super) authority: Origin,
    pub(super) audience: String,
    pub(super) directory: String,
    pub(super) client_id: Uuid,
    pub(super) secret: Secret,
    pub(super) tls: TlsConfig,
    /// None at all for no limit.
    pub(super) limits: Vec<CallLimit>,
    pub(super) page_rows: u32,
    pub(super) overlap_s: u32,
    pub(super) list_all_every_s: u32,
    pub(super) patience: Patience,
}

impl Settings {
    pub(super) fn new(config: &Config, args: &SyncDefender) -> anyhow::Result<Self> {
        let set = &config.sync.defender;
        let directory = args.tenant_id.clone().or_else(|| set.tenant_id.clone());
        let Some(directory) = directory else { missing("--tenant-id", "tenant_id") };
        let Some(client_id) = args.client_id.or(set.client_id) else {
            missing("--client-id", "client_id")
        };
        let origin = |flag: &Option<Origin>, set: &str| match flag {
            Some(origin) => Ok(origin.clone()),
            None => set.parse::<Origin>(),
        };
        let url = origin(&args.url, &set.url)?;
        let authority = origin(&args.authority, &set.authority)?;
        for origin in [&url, &authority] {
            if !origin.keeps_secrets() {
                let what = format!("no secret is sent to {origin} in clear: write https");
                Cli::command().error(ErrorKind::InvalidValue, what).exit();
            }
        }
        let ca = args.ca.as_deref().or(set.ca.as_deref());
        let limit = |calls, period_s| CallLimit { calls, period_s: period_s + MARGIN_S };
        Ok(Self {
            url,
            authority,
            audience: set.audience.trim_end_matches('/').to_owned(),
            directory,
            client_id,
            secret: secret(args, set.client_secret_file.as_deref())?,
            tls: server::outside::client_tls(ca)?,
            limits: match (set.per_minute, set.per_hour) {
                (0, 0) => Vec::new(),
                (minute, hour) => vec![limit(minute, MINUTE_S), limit(hour, HOUR_S)],
            },
            page_rows: set.page_rows.get(),
            overlap_s: set.overlap.get(),
            list_all_every_s: set.list_all_every.get(),
            patience: Patience {
                attempts: set.attempts.get(),
                first_wait: Duration::from(set.first_wait),
                longest_wait: Duration::from(set.longest_wait),
            },
        })
    }

    /// What progress is kept under.
    pub(super) fn source(&self) -> SyncSource {
        SyncSource {
            origin: self.url.to_string().to_ascii_lowercase(),
            directory: self.directory.clone(),
        }
    }
}

/// Ends as clap does: it is the command line that lacks something, unless the configuration has it.
fn missing(flag: &str, key: &str) -> ! {
    let what = format!("{flag} is needed, or `{key}` in [sync.defender] of the configuration");
    Cli::command().error(ErrorKind::MissingRequiredArgument, what).exit()
}

/// The flag's file, else the environment, else the configuration's file.
fn secret(args: &SyncDefender, configured: Option<&Path>) -> anyhow::Result<Secret> {
    if let Some(path) = &args.client_secret_file {
        return of_file(path);
    }
    if let Ok(secret) = std::env::var(SECRET_VARIABLE)
        && !secret.is_empty()
    {
        return Ok(Secret(secret));
    }
    match configured {
        Some(path) => of_file(path),
        None => missing(
            &format!("--client-secret-file, or {SECRET_VARIABLE} in the environment,"),
            "client_secret_file",
        ),
    }
}

fn of_file(path: &Path) -> anyhow::Result<Secret> {
    let failed = || format!("cannot read the client secret in {}", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(failed)?;
    file.take(MAX_SECRET_BYTES).read_to_end(&mut bytes).with_context(failed)?;
    // The error of the conversion would show the bytes.
    let text = String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("it is no text"));
    let text = text.with_context(failed)?;
    let line = text.lines().next().unwrap_or_default();
    anyhow::ensure!(!line.is_empty(), "{} holds no client secret", path.display());
    Ok(Secret(line.to_owned()))
}
