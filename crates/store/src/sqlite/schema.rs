//! Opening a database file: permissions, settings, migrations.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::functions;
use crate::Error;

/// A kind of database file.
pub(super) struct Kind {
    /// Marks the file as one of this kind (`PRAGMA application_id`).
    application_id: i64,
    /// The migrations in order; the schema version is how many of them a file has had.
    migrations: &'static [&'static str],
}

/// The inventory; its mark is "Foot".
pub(super) const INVENTORY: Kind = Kind {
    application_id: 0x466F_6F74,
    migrations: &[
        include_str!("../../migrations/sqlite/0001_inventory.sql"),
        include_str!("../../migrations/sqlite/0002_access.sql"),
        include_str!("../../migrations/sqlite/0003_queries.sql"),
        include_str!("../../migrations/sqlite/0004_addresses.sql"),
        include_str!("../../migrations/sqlite/0005_walks.sql"),
        include_str!("../../migrations/sqlite/0006_one_machine.sql"),
        include_str!("../../migrations/sqlite/0007_fact_times.sql"),
        include_str!("../../migrations/sqlite/0008_sessions.sql"),
        include_str!("../../migrations/sqlite/0009_one_person.sql"),
        include_str!("../../migrations/sqlite/0010_senders.sql"),
        include_str!("../../migrations/sqlite/0011_sync.sql"),
        include_str!("../../migrations/sqlite/0012_nodes.sql"),
        include_str!("../../migrations/sqlite/0013_watch.sql"),
        include_str!("../../migrations/sqlite/0014_quarters.sql"),
        include_str!("../../migrations/sqlite/0015_namesakes.sql"),
        include_str!("../../migrations/sqlite/0016_clocks.sql"),
    ],
};

/// The audit; its mark is "FooA".
pub(super) const AUDIT: Kind = Kind {
    application_id: 0x466F_6F41,
    migrations: &[
        include_str!("../../migrations/sqlite/audit_0001_entries.sql"),
        include_str!("../../migrations/sqlite/audit_0002_pseudonyms.sql"),
    ],
};

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait where SQLite itself does not.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Opens the file for writing, made where it does not exist.
pub(super) fn open_writer(path: &Path, kind: &Kind) -> Result<Connection, Error> {
    create_private(path).map_err(|source| open_error(path, source))?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    migrate(&mut connection, path, kind)?;
    // FULL: a commit is on the disk when it returns, so that what was reported as recorded
    // survives a power cut, and not only a kill.
    // What a single statement would have to undo stays in memory: with triggers on a table every
    // statement keeps it, and a file for it costs more than the statement.
    configure(
        &connection,
        "PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;",
    )
    .map_err(|source| open_error(path, source))?;
    Ok(connection)
}

pub(super) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // A reader needs write access to the file for WAL's shared memory, but never writes rows. It
    // reads pages where the system keeps them (mmap) instead of copying each: a third more answers
    // a second from a database that is larger than the page cache.
    configure(
        &connection,
        "PRAGMA query_only = ON; PRAGMA cache_size = -32768; PRAGMA mmap_size = 4294967296;",
    )
    .map_err(|source| open_error(path, source))?;
    Ok(connection)
}

pub(super) fn open_error(
    path: &Path,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::Open { path: path.to_owned(), source: source.into() }
}

/// Creates the file for its owner's eyes only: it holds keys, and who was where and when. SQLite
/// gives its side files the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn connect(path: &Path, mode: OpenFlags) -> Result<Connection, Error> {
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|source| open_error(path, source))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|source| open_error(path, source))?;
    connection.set_prepared_statement_cache_capacity(128);
    // A statement is planned once and not again for every value that is bound to it, which takes
    // longer than most statements do.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(|source| open_error(path, source))?;
    functions::register(&connection).map_err(|source| open_error(path, source))?;
    Ok(connection)
}

fn configure(connection: &Connection, pragmas: &str) -> rusqlite::Result<()> {
    connection.execute_batch(pragmas)
}

fn migrate(connection: &mut Connection, path: &Path, kind: &Kind) -> Result<(), Error> {
    let failed = |source: rusqlite::Error| open_error(path, source);
    let known = kind.migrations.len() as i64;
    // In a transaction, so that another process that migrates is seen before or after, whole.
    let reading = connection.transaction().map_err(failed)?;
    let found = version(&reading, path, kind)?;
    reading.rollback().map_err(failed)?;
    if found == known {
        return Ok(());
    }
    switch_to_wal(connection).map_err(failed)?;
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Asked again under the lock: another process may have migrated meanwhile.
    let found = version(&transaction, path, kind)?;
    for migration in kind.migrations.iter().skip(found as usize) {
        transaction.execute_batch(migration).map_err(failed)?;
    }
    transaction.pragma_update(None, "user_version", known).map_err(failed)?;
    transaction.pragma_update(None, "application_id", kind.application_id).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Turns WAL on. SQLite does not wait for the lock that this takes (the busy handler is not asked),
/// so two processes that make a database at once would fail one another.
fn switch_to_wal(connection: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match connection.execute_batch("PRAGMA journal_mode = WAL") {
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.code == ErrorCode::DatabaseBusy && start.elapsed() < BUSY_TIMEOUT =>
            {
                std::thread::sleep(BUSY_PAUSE);
            }
            outcome => return outcome,
        }
    }
}

/// The schema version of the file; 0 for a new one.
fn version(connection: &Connection, path: &Path, kind: &Kind) -> Result<i64, Error> {
    let failed = |source: rusqlite::Error| open_error(path, source);
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let application = number("application_id").map_err(failed)?;
    let found = number("user_version").map_err(failed)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    if application != kind.application_id && (tables > 0 || application != 0) {
        return Err(Error::Foreign { path: path.to_owned() });
    }
    let known = kind.migrations.len() as i64;
    if found > known {
        return Err(Error::Newer { path: path.to_owned(), found, known });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_planned_once_whatever_is_bound_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_writer(&folder.path().join("plans.sqlite"), &INVENTORY).unwrap();
        let mut statement = connection
            .prepare("SELECT number FROM machine WHERE tenant = ?1 AND id = ?2 AND os_build > ?3 LIMIT ?4")
            .unwrap();
        for bound in 0..10 {
            let found =
                statement.query_row([bound, bound, bound, 1 + bound], |row| row.get::<_, i64>(0));
            assert!(matches!(found, Err(rusqlite::Error::QueryReturnedNoRows)));
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
