//! Forgetting what is older than the configuration keeps.

use inventory::ids::TenantId;
use inventory::time::Timestamp;
use server::clock::{Clock, SystemClock};
use store::Store;

use crate::config::Config;

/// Applies the configured retention as of now.
pub(crate) async fn apply(
    config: &Config,
    store: &dyn Store,
    tenant: TenantId,
) -> Result<(), store::Error> {
    let Some(first_day) = config.retention.first_day(SystemClock.now()) else { return Ok(()) };
    let pruned = store.prune(tenant, first_day).await?;
    if pruned != store::Pruned::default() {
        tracing::info!(
            events = pruned.events,
            relations = pruned.relations,
            machines = pruned.machines,
            accounts = pruned.accounts,
            "forgot what is older than the retention"
        );
    }
    Ok(())
}

/// Forgets entries of the audit that are older than the configuration keeps.
pub(crate) async fn apply_to_audit(config: &Config, store: &dyn Store) -> Result<(), store::Error> {
    let first_day = config.audit.retention.first_day(SystemClock.now());
    let Some(before) = first_day.and_then(|day| Timestamp::from_day(day, 0)) else {
        return Ok(());
    };
    let entries = store.prune_audit(before).await?;
    if entries > 0 {
        tracing::info!(entries, "forgot what is older than the audit's retention");
    }
    Ok(())
}
