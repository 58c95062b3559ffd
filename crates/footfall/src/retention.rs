//! Forgetting what is older than the configuration keeps.

use inventory::ids::TenantId;
use inventory::time::Timestamp;
use serde_json::json;
use server::clock::{Clock, SystemClock};
use store::{Pruned, Store};

use crate::cli::Retention;
use crate::config::Config;
use crate::output;
use crate::place::Place;

/// `footfall retention`: does it now, and says what was forgotten.
pub(crate) async fn run(config: &Config, args: &Retention) -> anyhow::Result<()> {
    let place = Place::open_existing(config).await?;
    let pruned = apply(config, &*place.store, place.tenant.number).await?;
    let entries = apply_to_audit(config, &*place.store).await?;
    if args.json {
        output::json(&json!({
            "logons": pruned.events,
            "relations": pruned.relations,
            "machines": pruned.machines,
            "accounts": pruned.accounts,
            "auditEntries": entries,
        }))?;
        return Ok(());
    }
    if config.retention.first_day(SystemClock.now()).is_none() {
        eprintln!("The configuration keeps all logons.");
        eprintln!("hint: retention = \"180d\" keeps those of 180 days");
    }
    output::line(&format!(
        "Forgot {}, {}, {}, {} and {} of the audit.",
        output::count(pruned.events, "logon"),
        output::count(pruned.relations, "relation"),
        output::count(pruned.machines, "machine"),
        output::count(pruned.accounts, "account"),
        if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") },
    ))?;
    Ok(())
}

/// Applies the configured retention as of now; what was forgotten.
pub(crate) async fn apply(
    config: &Config,
    store: &dyn Store,
    tenant: TenantId,
) -> Result<Pruned, store::Error> {
    let Some(first_day) = config.retention.first_day(SystemClock.now()) else {
        return Ok(Pruned::default());
    };
    let pruned = store.prune(tenant, first_day).await?;
    if pruned != Pruned::default() {
        tracing::info!(
            events = pruned.events,
            relations = pruned.relations,
            machines = pruned.machines,
            accounts = pruned.accounts,
            "forgot what is older than the retention"
        );
    }
    Ok(pruned)
}

/// Forgets entries of the audit that are older than the configuration keeps; how many there were.
pub(crate) async fn apply_to_audit(
    config: &Config,
    store: &dyn Store,
) -> Result<u64, store::Error> {
    let first_day = config.audit.retention.first_day(SystemClock.now());
    let Some(before) = first_day.and_then(|day| Timestamp::from_day(day, 0)) else {
        return Ok(0);
    };
    let entries = store.prune_audit(before).await?;
    if entries > 0 {
        tracing::info!(entries, "forgot what is older than the audit's retention");
    }
    Ok(entries)
}
