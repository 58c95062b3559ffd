//! Rendered answers, remembered while nothing changed.
//!
//! An answer is a function of the request's origin and target, of the caller's scope, of the store's
//! content and of the time, which enters only as the minute (`healthStatus`, the look-back). So a
//! remembered answer is right as long as the store's version and the minute are the ones it was
//! made at. Whatever else an answer comes to depend on must enter [`Key`].

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use axum::http::uri::PathAndQuery;
use inventory::access::scope::Scope;
use inventory::time::Timestamp;

use crate::call::Call;
use crate::generations::Generations;
use crate::origin::Origin;

const MINUTE_S: i64 = 60;
/// Bytes that an entry costs beside its body and target, roughly.
const ENTRY_BYTES: usize = 300;

/// A time with the minute's resolution, which is the one that answers have.
pub(crate) fn minute(now: Timestamp) -> Timestamp {
    let seconds = now.seconds();
    Timestamp::from_seconds(seconds - seconds.rem_euclid(MINUTE_S), 0)
        // The first minute of the calendar begins at its first second.
        .unwrap_or(now)
}

/// What an answer depends on.
#[derive(Clone, Debug)]
pub(crate) struct Key<'c> {
    pub(crate) scope: &'c Scope,
    pub(crate) call: &'c Call,
    /// The store's version, read before the store was asked.
    pub(crate) version: u64,
    /// Rows of a page, which a header of the request can say.
    pub(crate) page_rows: u64,
}

#[derive(Clone)]
struct Entry {
    scope: Scope,
    origin: Origin,
    target: PathAndQuery,
    version: u64,
    page_rows: u64,
    minute: Timestamp,
    body: Bytes,
    /// Rows in the body, for the audit.
    rows: Option<u64>,
}

/// The remembered answers, bounded in bytes.
pub(crate) struct Answers {
    /// By hash, so that looking up copies nothing; the entry is compared with what is asked.
    entries: Mutex<Generations<u64, Entry>>,
    hasher: RandomState,
}

impl Answers {
    pub(crate) fn new(bound_bytes: usize) -> Self {
        Self { entries: Mutex::new(Generations::new(bound_bytes)), hasher: RandomState::new() }
    }

    /// The remembered answer, or the one that `answer` gives.
    pub(crate) async fn get_or<E>(
        &self,
        key: Key<'_>,
        answer: impl Future<Output = Result<Bytes, E>>,
    ) -> Result<Bytes, E> {
        let hash = self.hash(&key);
        if let Some(body) = self.get(hash, &key) {
            return Ok(body);
        }
        let body = answer.await?;
        let entry = Entry {
            scope: key.scope.clone(),
            origin: key.call.origin.clone(),
            target: key.call.target.clone(),
            version: key.version,
            page_rows: key.page_rows,
            minute: minute(key.call.now),
            body: body.clone(),
            rows: key.call.rows.get().copied(),
        };
        let weight = body.len() + entry.target.as_str().len() + ENTRY_BYTES;
        self.lock().insert(hash, entry, weight);
        Ok(body)
    }

    fn get(&self, hash: u64, key: &Key<'_>) -> Option<Bytes> {
        let entry = self.lock().get(&hash)?;
        let holds = entry.version == key.version
            && entry.page_rows == key.page_rows
            && entry.minute == minute(key.call.now)
            && entry.scope == *key.scope
            && entry.target == key.call.target
            && entry.origin == key.call.origin;
        if !holds {
            return None;
        }
        if let Some(rows) = entry.rows {
            // The first to set it: an answer is looked up once.
            let _ = key.call.rows.set(rows);
        }
        Some(entry.body)
    }

    fn hash(&self, key: &Key<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        key.scope.hash(&mut hasher);
        key.call.origin.authority().hash(&mut hasher);
        key.call.target.as_str().hash(&mut hasher);
        hasher.finish()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations<u64, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
