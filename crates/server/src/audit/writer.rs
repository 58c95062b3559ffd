//! The task that writes entries: many in one commit, in the order in which they came.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use inventory::access::audit::Entry;
use store::Store;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::Item;
use crate::error::chain;

/// Entries in a commit at most.
const BATCH: usize = 1000;
/// How long calls wait for others to share their commit.
const GATHER: Duration = Duration::from_millis(100);
/// How long after a failure the store is asked again, unless somebody waits.
const RETRY: Duration = Duration::from_secs(1);

struct Writer {
    store: Arc<dyn Store>,
    items: mpsc::Receiver<Item>,
    failing: Arc<AtomicBool>,
    batch: Vec<Item>,
    /// Somebody waits for the batch.
    awaited: bool,
}

/// Whether more can come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Queue {
    Open,
    Closed,
}

/// Writes until nobody can send any more.
pub(super) async fn run(
    store: Arc<dyn Store>,
    items: mpsc::Receiver<Item>,
    failing: Arc<AtomicBool>,
) {
    let mut writer = Writer { store, items, failing, batch: Vec::new(), awaited: false };
    loop {
        let queue = writer.gather().await;
        writer.write().await;
        if queue == Queue::Closed {
            if !writer.batch.is_empty() {
                tracing::error!(entries = writer.batch.len(), "entries of the audit are lost");
            }
            return;
        }
    }
}

impl Writer {
    /// Collects what shares the next commit.
    async fn gather(&mut self) -> Queue {
        if self.batch.is_empty() {
            match self.items.recv().await {
                Some(item) => self.push(item),
                None => return Queue::Closed,
            }
        }
        let failing = self.failing.load(Ordering::Relaxed);
        let enough = sleep(if failing { RETRY } else { GATHER });
        tokio::pin!(enough);
        loop {
            if self.awaited {
                // Somebody waits: what is there goes with them, and nothing else is waited for.
                while self.batch.len() < BATCH
                    && let Ok(item) = self.items.try_recv()
                {
                    self.push(item);
                }
                return Queue::Open;
            }
            if self.batch.len() >= BATCH && !failing {
                return Queue::Open;
            }
            tokio::select! {
                () = &mut enough => return Queue::Open,
                item = self.items.recv(), if self.batch.len() < BATCH => match item {
                    Some(item) => self.push(item),
                    None => return Queue::Closed,
                },
            }
        }
    }

    fn push(&mut self, item: Item) {
        self.awaited |= item.written.is_some();
        self.batch.push(item);
    }

    /// Writes the batch. After a failure the calls in it stay, and whoever waits is refused.
    async fn write(&mut self) {
        self.awaited = false;
        // Who waits no longer was refused: the entry would tell of an answer that nobody got.
        self.batch.retain(|item| item.written.as_ref().is_none_or(|written| !written.is_closed()));
        let entries: Vec<Entry> = self.batch.iter().filter_map(|item| item.entry.clone()).collect();
        let written =
            if entries.is_empty() { Ok(()) } else { self.store.append_audit(entries).await };
        let failed_before = self.failing.swap(written.is_err(), Ordering::Relaxed);
        match written {
            Ok(()) => {
                for item in self.batch.drain(..) {
                    // Who waited may have gone.
                    let _ = item.written.map(|written| written.send(()));
                }
                if failed_before {
                    tracing::info!("the audit is written again");
                }
            }
            Err(error) => {
                self.batch.retain(|item| item.written.is_none());
                if !failed_before {
                    tracing::error!("the audit cannot be written: {}", chain(&error));
                }
            }
        }
    }
}
