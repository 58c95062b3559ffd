//! Forgetting what is older than the configuration keeps.

use std::sync::Arc;

use inventory::ids::TenantId;
use server::clock::{Clock, SystemClock};
use store::Store;

use crate::config::Config;

/// Applies the configured retention as of now.
pub(crate) async fn apply(
    config: &Config,
    store: &Arc<dyn Store>,
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
