//! An SQLite database that somebody gives us, opened so that nothing in it can do harm.
//!
//! The one idea: only rows of plain tables are read, with statements of our own, from a private
//! copy that cannot change. Views, triggers, virtual tables and generated columns are a schema's
//! ways to make a reader do something (sqlite.org/security.html); none of them runs here. What a
//! damaged or malicious file can still do, going round in its pages, has an end that follows from
//! its size.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use tempfile::NamedTempFile;

use crate::stream::Stream;

/// What every database begins with.
pub(crate) const MAGIC: &[u8] = b"SQLite format 3\0";
/// The largest database that is read: some ten million logons.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;
/// Bytes of one value, or of a row.
const MAX_VALUE_BYTES: i32 = 1024 * 1024;
/// Bytes that the smallest row takes: its cell's pointer, size, number and header.
const MIN_ROW_BYTES: u64 = 6;
/// Steps of SQLite's machine between two questions whether to stop.
const STEPS: i32 = 4096;
/// Steps that a row, and the schema, may take.
const STEPS_PER_ROW: u64 = 64;
const STEPS_OF_SCHEMA: u64 = 10_000_000;

/// A database, open for reading.
pub(crate) struct Database {
    connection: Connection,
    /// More rows than fit into it.
    max_rows: u64,
    /// Kept as long as it is read.
    _file: NamedTempFile,
    /// It is one whose last changes may be in a file beside it.
    pub(crate) has_log: bool,
}

/// A row that was asked for.
pub(crate) struct Row<'r>(&'r rusqlite::Row<'r>);

impl Row<'_> {
    /// A text, or a number as text; empty for null and anything else.
    pub(crate) fn text(&self, column: usize) -> String {
        match self.0.get_ref(column) {
            Ok(ValueRef::Text(bytes)) => String::from_utf8_lossy(bytes).trim().to_owned(),
            Ok(ValueRef::Integer(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    pub(crate) fn integer(&self, column: usize) -> Option<i64> {
        match self.0.get_ref(column) {
            Ok(ValueRef::Integer(number)) => Some(number),
            _ => None,
        }
    }
}

impl Database {
    /// Copies what comes out of a stream, and opens the copy.
    pub(crate) fn open(stream: Stream<'_>) -> io::Result<Self> {
        let mut file = tempfile::Builder::new().prefix("footfall").tempfile()?;
        let bytes = io::copy(&mut stream.take(MAX_BYTES + 1), &mut file)?;
        if bytes > MAX_BYTES {
            let reason = format!("it has more than {} GiB", MAX_BYTES >> 30);
            return Err(io::Error::other(reason));
        }
        file.flush()?;
        let mut header = [0; 20];
        let is_whole = std::fs::File::open(file.path())?.read_exact(&mut header).is_ok();
        // The file format's write and read version: 2 is a write-ahead log (fileformat2.html §1.3).
        let has_log = is_whole && (header[18] == 2 || header[19] == 2);
        let max_rows = bytes / MIN_ROW_BYTES + 1;
        let connection = connect(file.path(), max_rows).map_err(io::Error::other)?;
        Ok(Self { connection, max_rows, _file: file, has_log })
    }

    /// Whether there is a plain table of this name with these columns, all of them stored.
    pub(crate) fn has_table(&self, name: &str, columns: &[&str]) -> rusqlite::Result<bool> {
        // A virtual table has no page of its own.
        let plain: i64 = self.connection.query_row(
            "SELECT count(*) FROM sqlite_schema
             WHERE type = 'table' AND name = ?1 COLLATE NOCASE AND rootpage > 0",
            [name],
            |row| row.get(0),
        )?;
        if plain != 1 {
            return Ok(false);
        }
        let mut statement = self.connection.prepare(
            "SELECT count(*) FROM pragma_table_xinfo(?1)
             WHERE hidden = 0 AND name = ?2 COLLATE NOCASE",
        )?;
        for column in columns {
            let stored: i64 = statement.query_row([name, column], |row| row.get(0))?;
            if stored != 1 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Gives the rows of a table with these columns in the order in which they were written, until
    /// `each` says to stop.
    pub(crate) fn rows(
        &self,
        table: &str,
        columns: &[&str],
        each: &mut dyn FnMut(&Row<'_>) -> bool,
    ) -> rusqlite::Result<()> {
        // Both are our own constants.
        let mut statement =
            self.connection.prepare(&format!("SELECT {} FROM {table}", columns.join(", ")))?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            if count > self.max_rows {
                return Err(rusqlite::Error::SqliteFailure(
                    rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
                    Some("more rows than the file has room for".to_owned()),
                ));
            }
            if !each(&Row(row)) {
                break;
            }
        }
        Ok(())
    }
}

fn connect(path: &Path, max_rows: u64) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(immutable(path), flags)?;
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        connection.set_db_config(setting, value)?;
    }
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 64 * 1024),
        (Limit::SQLITE_LIMIT_COLUMN, 100),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 20),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 3),
        (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 8),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, value)?;
    }
    let mut questions = (max_rows * STEPS_PER_ROW + STEPS_OF_SCHEMA) / STEPS as u64;
    let stop = move || {
        questions = questions.saturating_sub(1);
        questions == 0
    };
    connection.progress_handler(STEPS, Some(stop))?;
    connection.execute_batch(
        "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -4096;
         PRAGMA query_only = ON;",
    )?;
    Ok(connection)
}

/// A file that nobody changes, for which SQLite makes no files beside it (uri.html §3.2).
fn immutable(path: &Path) -> String {
    let mut uri = String::from("file:");
    for char in path.to_string_lossy().chars() {
        match char {
            // What a URI gives a meaning of its own.
            '%' | '?' | '#' => {
                let _ = write!(uri, "%{:02X}", u32::from(char));
            }
            '\\' => uri.push('/'),
            char => uri.push(char),
        }
    }
    uri.push_str("?immutable=1");
    uri
}
