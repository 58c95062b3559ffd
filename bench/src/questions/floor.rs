//! The floor of a page: the sqlite3 program printing the same rows, from the same file, with the same
//! condition and order.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

/// Everything that an answer holds of a machine.
const COLUMNS: &str =
    "hex(id), hex(merged_into), is_potential_duplication, exclusion, name, first_seen,
    last_seen, os_platform, os_processor, version, last_ip_address, last_external_ip_address,
    agent_version, os_build, device_value, rbac_group_id, risk_score, exposure_level,
    is_aad_joined, hex(aad_device_id), tags, onboarding_status, os_architecture, managed_by,
    managed_by_status, ip_addresses, vm_metadata";

/// Whether there is such a program.
pub(crate) fn is_installed() -> bool {
    let version = Command::new("sqlite3").arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// The time of the whole program, start and end with it.
pub(crate) fn print(database: &Path, condition: &str, top: u64) -> anyhow::Result<Duration> {
    let question = format!(
        "SELECT {COLUMNS} FROM machine WHERE tenant = 1 AND {condition}
         ORDER BY last_seen DESC, id LIMIT {top}"
    );
    let start = Instant::now();
    let status = Command::new("sqlite3")
        .arg(database)
        .arg(&question)
        .stdout(Stdio::null())
        .status()
        .context("cannot run sqlite3")?;
    anyhow::ensure!(status.success(), "sqlite3 failed at {question}");
    Ok(start.elapsed())
}
