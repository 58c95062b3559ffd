//! When the work on a question ends: after a time, or when nobody waits for the answer any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use super::Failure;
use crate::Error;

/// Steps of SQLite's machine between two looks at the time: some 50 µs of work, beside which a look
/// costs nothing.
const STEPS: i32 = 2_000;

/// Whether somebody still waits for an answer.
#[derive(Clone, Default)]
pub(super) struct Waiting(Arc<AtomicBool>);

/// Dropped by whoever waits, with the answer or without.
pub(super) struct Waiter(Waiting);

/// When the work on a question ends.
#[derive(Clone, Default)]
pub(super) struct Deadline {
    /// How long it may take.
    pub(super) limit: Option<Duration>,
    /// Who waits; `None` for those who cannot go away meanwhile.
    pub(super) waiting: Option<Waiting>,
}

impl Waiting {
    /// For as long as the guard lives.
    pub(super) fn begin() -> (Self, Waiter) {
        let waiting = Self::default();
        (waiting.clone(), Waiter(waiting))
    }

    fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Deadline {
    /// Does some work on a connection, which is as good as before when the work was ended early.
    pub(super) fn bound<T>(
        self,
        connection: &mut Connection,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        let limit = self.limit;
        self.set(connection).map_err(|error| Failure::from(error).at(doing))?;
        let outcome = work(connection);
        connection
            .progress_handler(0, None::<fn() -> bool>)
            .map_err(|error| Failure::from(error).at(doing))?;
        outcome.map_err(|failure| match (&failure, limit) {
            // Nothing else interrupts; without a limit it is nobody who hears of it.
            (Failure::Sqlite(error), Some(limit)) if is_interrupt(error) => {
                Error::TooLong { doing, limit }
            }
            _ => failure.at(doing),
        })
    }

    fn set(self, connection: &mut Connection) -> rusqlite::Result<()> {
        let Self { limit, waiting } = self;
        if limit.is_none() && waiting.is_none() {
            return Ok(());
        }
        let start = Instant::now();
        let is_over = move || {
            limit.is_some_and(|limit| start.elapsed() >= limit)
                || waiting.as_ref().is_some_and(Waiting::is_over)
        };
        connection.progress_handler(STEPS, Some(is_over))
    }
}

fn is_interrupt(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}
