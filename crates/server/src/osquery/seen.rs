//! When nodes were heard of: kept here, and written together once a minute, since each of them calls
//! every few seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use inventory::ids::TenantId;
use inventory::node::Sighting;
use store::Store;
use uuid::Uuid;

/// From one writing to the next.
const EVERY: Duration = Duration::from_secs(60);
/// How long the first one waits for others.
const GATHER: Duration = Duration::from_secs(1);

/// Sightings that are not written yet; of each node the last. Clones are one.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Pending>>);

#[derive(Default)]
struct Pending {
    sightings: HashMap<(TenantId, Uuid), Sighting>,
    written: Option<Instant>,
    is_scheduled: bool,
}

impl Seen {
    /// Notes that a node was heard of.
    pub(super) fn note(&self, store: &Arc<dyn Store>, tenant: TenantId, sighting: Sighting) {
        let mut pending = self.lock();
        pending.sightings.insert((tenant, sighting.node), sighting);
        if pending.is_scheduled {
            return;
        }
        pending.is_scheduled = true;
        let since = pending.written.map_or(EVERY, |written| written.elapsed());
        let wait = EVERY.saturating_sub(since).max(GATHER);
        drop(pending);
        let (this, store) = (self.clone(), Arc::clone(store));
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            this.write(store).await;
        });
    }

    async fn write(&self, store: Arc<dyn Store>) {
        let sightings = {
            let mut pending = self.lock();
            pending.is_scheduled = false;
            pending.written = Some(Instant::now());
            std::mem::take(&mut pending.sightings)
        };
        let sightings = sightings.into_iter().map(|((tenant, _), one)| (tenant, one)).collect();
        if let Err(error) = store.note_nodes(sightings).await {
            // The next ones are newer anyway.
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "when nodes were heard of could not be written");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
