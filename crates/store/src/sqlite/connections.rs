//! The connections to a database file: one that writes, some that read, and one that asks for the
//! version, so that none of the three waits for another kind.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{Semaphore, mpsc};

use super::audit::Audit;
use super::deadline::{Deadline, Waiting};
use super::{Failure, failed, record, schema};
use crate::{Error, Settings};

/// Read connections at most; more questions at once wait for one.
const READERS: usize = 8;
/// How long what was told of the version holds for changes by other processes; changes by this one
/// end it at once. Asking locks and unlocks a file: two system calls of the four that a
/// remembered answer would need.
const VERSION_HOLDS: Duration = Duration::from_micros(100);

pub(super) struct Connections {
    path: PathBuf,
    settings: Settings,
    writer: Mutex<record::Writer>,
    /// Idle read connections. As many exist as were ever needed at once, up to [`READERS`].
    readers: Mutex<Vec<Connection>>,
    reader_permits: Arc<Semaphore>,
    version: Mutex<Version>,
    pub(super) audit: Audit,
}

/// The connection that asks for `data_version` and the access version alone, so that it never waits
/// for a question, and what it was told last.
struct Version {
    connection: Connection,
    told: Option<(u64, Instant)>,
}

impl Connections {
    pub(super) fn open(path: &Path, settings: Settings) -> Result<Self, Error> {
        let writer = schema::open_writer(path, &schema::INVENTORY)?;
        Ok(Self {
            version: Mutex::new(Version { connection: schema::open_reader(path)?, told: None }),
            writer: Mutex::new(record::Writer::new(writer)),
            readers: Mutex::default(),
            reader_permits: Arc::new(Semaphore::new(READERS)),
            audit: Audit::beside(path),
            path: path.to_owned(),
            settings,
        })
    }

    /// Asks on a thread that may block. Who stops waiting for the answer ends the work on it.
    pub(super) async fn read<T, F>(
        self: &Arc<Self>,
        doing: &'static str,
        question: F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let this = Arc::clone(self);
        // The semaphore is never closed; an error here could only mean that it was.
        let permits = Arc::clone(&self.reader_permits);
        let permit = permits.acquire_owned().await.map_err(|e| failed(doing, e))?;
        let (waiting, waiter) = Waiting::begin();
        let answer = tokio::task::spawn_blocking(move || {
            // Held by the work and not by who waits for it, who may be gone before it ends.
            let _permit = permit;
            this.ask_while(doing, Some(waiting), question)
        });
        let answer = answer.await.map_err(|e| failed(doing, e))?;
        drop(waiter);
        answer
    }

    /// Asks on this thread.
    pub(super) fn ask<T>(
        &self,
        doing: &'static str,
        question: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        self.ask_while(doing, None, question)
    }

    fn ask_while<T>(
        &self,
        doing: &'static str,
        waiting: Option<Waiting>,
        question: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        let idle = lock(&self.readers).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => schema::open_reader(&self.path)?,
        };
        let deadline = Deadline { limit: self.settings.longest_question, waiting };
        let question = |connection: &Connection| in_snapshot(connection, question);
        let answer = deadline.bound(&mut connection, doing, question);
        lock(&self.readers).push(connection);
        answer
    }

    pub(super) async fn write<T, F>(
        self: &Arc<Self>,
        doing: &'static str,
        change: F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut record::Writer) -> Result<T, Failure> + Send + 'static,
    {
        let this = Arc::clone(self);
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = change(&mut lock(&this.writer)).map_err(|failure| failure.at(doing));
            lock(&this.version).told = None;
            outcome
        });
        outcome.await.map_err(|e| failed(doing, e))?
    }

    /// Does something with the audit on a thread that may block.
    pub(super) async fn audit<T, F>(
        self: &Arc<Self>,
        doing: &'static str,
        work: F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Audit) -> Result<T, Error> + Send + 'static,
    {
        let this = Arc::clone(self);
        let outcome = tokio::task::spawn_blocking(move || work(&this.audit));
        outcome.await.map_err(|e| failed(doing, e))?
    }

    /// SQLite's number of the state of the file.
    pub(super) fn version(&self) -> Result<u64, Error> {
        let mut version = lock(&self.version);
        if let Some((told, at)) = version.told
            && at.elapsed() < VERSION_HOLDS
        {
            return Ok(told);
        }
        // Before the question, so that the answer is no older than it says.
        let at = Instant::now();
        let told = version.number("PRAGMA data_version", "read the version")?;
        version.told = Some((told, at));
        Ok(told)
    }

    pub(super) fn access_version(&self) -> Result<u64, Error> {
        lock(&self.version)
            .number("SELECT version FROM access_version", "read the version of access")
    }
}

impl Version {
    fn number(&self, question: &str, doing: &'static str) -> Result<u64, Error> {
        let number = self
            .connection
            .prepare_cached(question)
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
        Ok(number.map_err(|e| failed(doing, e))?.cast_unsigned())
    }
}

/// Asks within one read transaction: every statement sees the same commit, and the file is locked
/// once and not once a statement, which is what many readers at a time wait for.
pub(super) fn in_snapshot<T>(
    connection: &Connection,
    question: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let transaction = connection.unchecked_transaction()?;
    let answer = question(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

/// Hands what is read to a visitor while it is read. A visitor that fails ends the reading.
pub(super) async fn visited<T>(
    reading: impl Future<Output = Result<(), Error>>,
    mut read: mpsc::Receiver<T>,
    visit: &mut (dyn FnMut(T) -> std::io::Result<()> + Send + '_),
) -> Result<(), Error> {
    // The receiver goes with this future: the sender of what nobody takes any more stops.
    let visiting = async move {
        while let Some(row) = read.recv().await {
            visit(row).map_err(Error::Visitor)?;
        }
        Ok(())
    };
    let (read, visited) = tokio::join!(reading, visiting);
    visited.and(read)
}

/// A lock is poisoned only by a panic in here; the connection behind it is as good as before, as
/// its transaction was rolled back when it was dropped.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
