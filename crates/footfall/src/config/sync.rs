//! `[sync]`: other servers of the API that are read.

use std::num::NonZeroU32;
use std::path::PathBuf;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use server::limits::Limit;
use server::origin::Origin;
use uuid::Uuid;

use super::seconds::Seconds;
use crate::cli;

/// Rows of a page at most, as with the vendor (defender-api.md §5.3).
const MAX_PAGE_ROWS: u32 = 10_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sync {
    pub(crate) defender: Defender,
}

/// A tenant of Microsoft Defender, or another Footfall.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Defender {
    pub(crate) url: String,
    pub(crate) authority: String,
    pub(crate) audience: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) every: Option<Seconds>,
    pub(crate) per_minute: u32,
    pub(crate) per_hour: u32,
    pub(crate) page_rows: NonZeroU32,
    pub(crate) overlap: Seconds,
    pub(crate) list_all_every: Seconds,
    pub(crate) attempts: NonZeroU32,
    pub(crate) first_wait: Seconds,
    pub(crate) longest_wait: Seconds,
}

impl Sync {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let defender = &self.defender;
        let origin = |name: &str, url: &str| {
            let url: Origin = url.parse().with_context(|| format!("sync.defender.{name}"))?;
            anyhow::ensure!(
                url.keeps_secrets(),
                "sync.defender.{name}: no secret is sent to {url} in clear; write https"
            );
            anyhow::Ok(())
        };
        origin("url", &defender.url)?;
        origin("authority", &defender.authority)?;
        if let Some(tenant) = &defender.tenant_id {
            let checked = cli::directory(tenant).map_err(anyhow::Error::msg);
            checked.context("sync.defender.tenant_id")?;
        }
        if (defender.per_minute, defender.per_hour) != (0, 0) {
            Limit::new(defender.per_minute, defender.per_hour).context("sync.defender")?;
        }
        anyhow::ensure!(
            defender.page_rows.get() <= MAX_PAGE_ROWS,
            "sync.defender.page_rows: a page has at most {MAX_PAGE_ROWS} rows"
        );
        Ok(())
    }
}
