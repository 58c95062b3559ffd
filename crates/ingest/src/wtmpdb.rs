//! wtmpdb and lastlog2: what Debian 13, openSUSE and others write in place of wtmp and lastlog,
//! in SQLite (telemetry.md §4.1).
//!
//! They hold what wtmp holds, so one logon is the same event in all of them.

use std::ops::ControlFlow;

use inventory::logon::{Logon, Source};
use inventory::rule::Opening;
use inventory::time::{TICKS_PER_SECOND, TimeError, Timestamp};

use crate::linux::{self, Place};
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::sqlite::{Database, Row};
use crate::stream::Stream;
use crate::utmp;
use crate::windows::FieldError;
use crate::{Format, Options};

/// Rows that are handed on together.
const BATCH: u64 = 4096;
/// The type of a user's logon (wtmpdb's `USER_PROCESS`).
const USER: i64 = 3;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// The column of the PAM service; what stands in its place where a table lacks it.
const SERVICE: &str = "Service";
const NO_SERVICE: &str = "NULL";

/// A table of logons.
struct Table {
    format: Format,
    source: Source,
    name: &'static str,
    /// Row number, user, time, terminal, remote side, and the type where there is one.
    columns: &'static [&'static str],
    /// Units of its time in a second.
    unit: i64,
}

const TABLES: [Table; 2] = [
    Table {
        format: Format::Wtmpdb,
        source: Source::Wtmpdb,
        name: "wtmp",
        columns: &["rowid", "User", "Login", "TTY", "RemoteHost", "Type"],
        unit: MICROS_PER_SECOND,
    },
    Table {
        format: Format::Lastlog2,
        source: Source::Lastlog2,
        name: "Lastlog2",
        columns: &["rowid", "Name", "Time", "TTY", "RemoteHost"],
        unit: 1,
    },
];

/// Reads a file that is an SQLite database.
pub(crate) fn read(session: &mut Session<'_>, name: &str, stream: Stream<'_>) -> ControlFlow<()> {
    let known = Database::open(stream).and_then(|database| {
        let mut tables = Vec::new();
        for table in &TABLES {
            // The number of a row is no column of its own.
            let has = database.has_table(table.name, &table.columns[1..]);
            if has.map_err(std::io::Error::other)? {
                tables.push(table);
            }
        }
        Ok((database, tables))
    });
    let (database, tables) = match known {
        Ok(known) => known,
        Err(error) => {
            session.skipped(name, format!("an SQLite database that cannot be read: {error}"));
            return ControlFlow::Continue(());
        }
    };
    if tables.is_empty() {
        let reason = "an SQLite database without a table of logons (of wtmpdb or lastlog2)";
        session.skipped(name, reason);
    }
    for table in tables {
        read_table(session, name, &database, table)?;
    }
    ControlFlow::Continue(())
}

fn read_table(
    session: &mut Session<'_>,
    name: &str,
    database: &Database,
    table: &Table,
) -> ControlFlow<()> {
    let options = session.options;
    let mut file = OpenFile::new(session, name, table.format);
    if database.has_log {
        file.warn(
            "its last changes may be in a file beside it (-wal), which is not read; \
             `sqlite3 FILE 'PRAGMA wal_checkpoint'` brings them into it",
        );
    }
    let mut flow = ControlFlow::Continue(());
    let mut outcome = Outcome::default();
    let mut count = 0;
    let has_service = database.has_table(table.name, &[SERVICE]).unwrap_or(false);
    let service = if has_service { SERVICE } else { NO_SERVICE };
    let columns = [table.columns, &[service]].concat();
    let read = database.rows(table.name, &columns, &mut |row| {
        count += 1;
        table.row(row, options, &mut outcome);
        if count % BATCH == 0 {
            flow = file.take(std::mem::take(&mut outcome));
        }
        flow.is_continue()
    });
    if flow.is_continue() {
        flow = file.take(outcome);
    }
    if let (Err(error), true) = (read, flow.is_continue()) {
        file.reject(Position::Record(count + 1), format_args!("cannot be read further: {error}"));
    }
    file.close(flow)
}

impl Table {
    fn row(&self, row: &Row<'_>, options: &Options, outcome: &mut Outcome) {
        let is_logon = self.columns.len() < 6 || row.integer(5) == Some(USER);
        // Of a user who never logged on lastlog2 has no time, or 0.
        let has_time = self.columns.len() == 6 || row.integer(2).is_some_and(|time| time != 0);
        if !is_logon || !has_time {
            outcome.part(self.format).tally.records += 1;
            return;
        }
        let logon = self.logon(row, options);
        let part = outcome.part(self.format);
        match logon.and_then(|logon| part.count(&options.rule, logon)) {
            Ok(()) => {}
            Err(error) => {
                let number = row.integer(0).and_then(|number| u64::try_from(number).ok());
                outcome.rejects.push(Position::Record(number.unwrap_or_default()), error);
            }
        }
    }

    fn logon(&self, row: &Row<'_>, options: &Options) -> Result<Option<Logon>, FieldError> {
        let field = self.columns[2];
        let time = row.integer(2).ok_or(FieldError::Missing(field))?;
        let ticks = time.rem_euclid(self.unit) * (TICKS_PER_SECOND / self.unit);
        let time = Timestamp::from_seconds(time.div_euclid(self.unit), ticks)
            .ok_or(FieldError::Time { field, error: TimeError::Range })?;
        let (user, line, host) = (row.text(1), row.text(3), row.text(4));
        let remote = utmp::remote_side(&host);
        let service = row.text(self.columns.len());
        let entry = linux::Entry {
            user: &user,
            host: "",
            time,
            place: if remote.is_empty() { Place::Local } else { Place::Remote },
            remote,
            source: self.source,
            key: utmp::key(&line, &host),
        };
        let opening = Opening { service: &service, terminal: &line, ..Opening::default() };
        linux::logon_of(options, &entry, opening)
    }
}
