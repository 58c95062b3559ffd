//! The record of every call, change and sign-in, on its way to the store
//! (docs/adr/0011-audit.md).
//!
//! Entries go through one bounded queue to one task, so that they are kept in their order and many
//! share a commit. Who records a call goes on as soon as the entry is in the queue; who records a
//! sign-in or a change waits until it is durable. An entry is never dropped: while the queue is
//! full, requests wait, and when the store does not take entries at all they are refused.

mod writer;

pub(crate) mod entry;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use inventory::access::audit::{Deed, Entry};
use store::Store;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::error::ApiError;

/// Entries that may wait to be written.
const QUEUE: usize = 8192;
/// How long a request waits for room in the queue, or to become durable.
const WAIT: Duration = Duration::from_secs(10);

/// The entry could not be kept; the log says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit could not be written")]
pub(crate) struct Unwritten;

/// Takes entries and makes them durable.
pub(crate) struct Audit {
    queue: mpsc::Sender<Item>,
    /// The last batch could not be written.
    failing: Arc<AtomicBool>,
    /// Whether calls are recorded, beside changes and sign-ins.
    calls: bool,
}

/// What goes through the queue.
struct Item {
    /// What is to be written; nothing for who only waits for all before.
    entry: Option<Entry>,
    /// Told once it is durable; dropped when it could not be written.
    written: Option<oneshot::Sender<()>>,
}

impl Audit {
    /// Starts the task that writes; it ends with this value.
    pub(crate) fn new(store: Arc<dyn Store>, calls: bool) -> Self {
        let (queue, items) = mpsc::channel(QUEUE);
        let failing = Arc::new(AtomicBool::new(false));
        tokio::spawn(writer::run(store, items, Arc::clone(&failing)));
        Self { queue, failing, calls }
    }

    /// Whether entries of a kind are kept at all.
    pub(crate) fn keeps(&self, deed: Deed) -> bool {
        self.calls || deed != Deed::Call
    }

    /// Records an entry. When this returns, a change or a sign-in is durable and a call will be.
    pub(crate) async fn record(&self, entry: Entry) -> Result<(), Unwritten> {
        if entry.deed == Deed::Call {
            return self.enqueue(Item { entry: Some(entry), written: None }).await;
        }
        self.wait_for(Some(entry)).await
    }

    /// Waits until all that was recorded before is durable.
    pub(crate) async fn flush(&self) -> Result<(), Unwritten> {
        self.wait_for(None).await
    }

    async fn wait_for(&self, entry: Option<Entry>) -> Result<(), Unwritten> {
        let (written, done) = oneshot::channel();
        self.enqueue(Item { entry, written: Some(written) }).await?;
        match tokio::time::timeout(WAIT, done).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Unwritten),
        }
    }

    async fn enqueue(&self, item: Item) -> Result<(), Unwritten> {
        match self.queue.try_send(item) {
            Ok(()) => Ok(()),
            // Waiting helps while the store is slow, and not while it fails.
            Err(TrySendError::Full(item)) if !self.failing.load(Ordering::Relaxed) => {
                let sent = tokio::time::timeout(WAIT, self.queue.send(item)).await;
                sent.map_err(|_| Unwritten)?.map_err(|_| Unwritten)
            }
            Err(_) => Err(Unwritten),
        }
    }
}

impl Unwritten {
    /// The answer that is given in the place of one that nobody can account for.
    pub(crate) fn refusal(self, deed: Deed) -> ApiError {
        match deed {
            // It may be asked again: nothing came of it.
            Deed::Call => ApiError::Unavailable,
            Deed::Administration | Deed::SignIn => ApiError::internal(self.to_string()),
        }
    }
}
