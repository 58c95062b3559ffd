//! How much goes on at once, and the bounds of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use crate::config::Bounds;

/// Requests in flight and connections.
pub(crate) struct Load {
    requests: AtomicUsize,
    max_requests: usize,
    /// One permit for each connection that may still come.
    slots: Arc<Semaphore>,
    max_connections: usize,
}

impl Load {
    pub(crate) fn new(bounds: &Bounds) -> Self {
        let max_connections = bounds.max_connections.min(Semaphore::MAX_PERMITS);
        Self {
            requests: AtomicUsize::new(0),
            max_requests: bounds.max_requests,
            slots: Arc::new(Semaphore::new(max_connections)),
            max_connections,
        }
    }

    /// Counts a request until the result is dropped; `None` when there are too many.
    pub(crate) fn enter(&self) -> Option<InFlight<'_>> {
        let entered = InFlight(&self.requests);
        // Counted before it is compared, so that the bound holds however many come at once.
        let before = self.requests.fetch_add(1, Ordering::Relaxed);
        (before < self.max_requests).then_some(entered)
    }

    /// Requests in flight and how many may be.
    pub(crate) fn requests(&self) -> (usize, usize) {
        (self.requests.load(Ordering::Relaxed), self.max_requests)
    }

    /// Connections and how many may be.
    pub(crate) fn connections(&self) -> (usize, usize) {
        (self.max_connections - self.slots.available_permits(), self.max_connections)
    }

    /// Where connections take their places.
    pub(crate) fn slots(&self) -> &Arc<Semaphore> {
        &self.slots
    }
}

/// A request that is being answered.
pub(crate) struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
