//! `footfall sync`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use server::origin::Origin;
use uuid::Uuid;

use crate::moment::seconds;

#[derive(Debug, Subcommand)]
pub(crate) enum Sync {
    /// Read a tenant of Microsoft Defender, or another Footfall, through its API
    Defender(SyncDefender),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  export FOOTFALL_SYNC_SECRET=...
  footfall sync defender --tenant-id contoso.onmicrosoft.com --client-id $ID
  footfall sync defender --every 1h     # with what the configuration says in [sync.defender]
  footfall sync defender --once --full --json
  footfall sync defender --tenant-id $TENANT --client-id $ID --ca footfall.pem \\
      --url https://footfall.corp.example --authority https://footfall.corp.example

It reads the machines that were seen since the last time, and who logged on to each that changed,
and keeps to the vendor's limits: 100 calls in any minute and 1,500 in any hour for each API. So
the first time takes an hour for every 1,500 machines. It may be stopped at any moment; the next
run goes on from there. The app needs Machine.Read.All and User.Read.All.

Exit codes: 0 done; 1 failed, or the users of some machines could not be had (what was recorded is
kept); 2 wrong usage or configuration; 130 interrupted.")]
pub(crate) struct SyncDefender {
    /// The tenant there, by id or domain
    #[arg(long, value_name = "TENANT", value_parser = directory)]
    pub(crate) tenant_id: Option<String>,
    /// The app's client id
    #[arg(long, value_name = "ID", value_parser = client_id)]
    pub(crate) client_id: Option<Uuid>,
    /// The file whose first line is the app's client secret. Without it: FOOTFALL_SYNC_SECRET in the
    /// environment
    #[arg(long, value_name = "FILE")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// The API. Default: api.security.microsoft.com over https
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<Origin>,
    /// Where its tokens come from. Default: login.microsoftonline.com over https
    #[arg(long, value_name = "URL")]
    pub(crate) authority: Option<Origin>,
    /// Authorities of both certificates (PEM), in place of those that the web trusts
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Ask for every machine and its users again
    #[arg(long)]
    pub(crate) full: bool,
    /// Go on until stopped, and do it again after so long: 30m, 1h
    #[arg(long, value_name = "TIME", value_parser = every)]
    pub(crate) every: Option<u32>,
    /// Do it once, whatever the configuration says
    #[arg(long, conflicts_with = "every")]
    pub(crate) once: bool,
    /// Print the summary as JSON, a line each time
    #[arg(long)]
    pub(crate) json: bool,
}

fn client_id(text: &str) -> Result<Uuid, String> {
    Uuid::try_parse(text).map_err(|_| "write the app's client id, a GUID".to_owned())
}

/// What may stand for a tenant in the URL of its tokens (defender-api.md §7.1).
pub(crate) fn directory(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let is_name = (1..=253).contains(&text.len()) && text.bytes().all(allowed);
    match is_name && text.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        true => Ok(text.to_owned()),
        false => Err("write the tenant's id, a GUID, or its domain".to_owned()),
    }
}

fn every(text: &str) -> Result<u32, String> {
    match seconds(text)? {
        0 => Err(format!("`{text}` is no time at all")),
        seconds => Ok(seconds),
    }
}
