//! The audit: a file of its own beside the inventory's, to which entries are only added.
//!
//! The file is opened when it is first needed. Its triggers refuse every change of an entry but the one
//! of [`Audit::pseudonymise`], and every removal but the one of [`Audit::prune`].

mod pseudonym;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use inventory::access::audit::{Deed, Entry, Filter};
use inventory::fold;
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, named_params, params};

use super::connections::lock;
use super::values::timestamp;
use super::{Failure, schema};
use crate::Error;

/// Entries forgotten in one transaction, so that others get to write in between.
const FORGOTTEN_AT_ONCE: i64 = 10_000;

pub(super) struct Audit {
    path: PathBuf,
    writer: Mutex<Option<Connection>>,
}

impl Audit {
    /// The audit beside an inventory; touches no file yet.
    pub(super) fn beside(inventory: &Path) -> Self {
        let mut path = inventory.as_os_str().to_owned();
        path.push("-audit");
        Self { path: path.into(), writer: Mutex::default() }
    }

    /// Adds entries in one transaction.
    pub(super) fn append(&self, entries: &[Entry]) -> Result<(), Error> {
        self.write("add to the audit", |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            {
                let mut insert = transaction.prepare_cached(INSERT)?;
                for entry in entries {
                    add(&mut insert, entry)?;
                }
            }
            Ok(transaction.commit()?)
        })
    }

    /// Forgets entries from before a moment.
    pub(super) fn prune(&self, before: Timestamp) -> Result<u64, Error> {
        let mut forgotten = 0;
        loop {
            let step = self.write("apply the retention of the audit", |connection| {
                forget_some(connection, before)
            })?;
            forgotten += step;
            if step < FORGOTTEN_AT_ONCE.cast_unsigned() {
                return Ok(forgotten);
            }
        }
    }

    /// Puts a pseudonym in the place of a name, which is folded; the number of entries that held it.
    pub(super) fn pseudonymise(
        &self,
        tenant: TenantId,
        name: &str,
        pseudonym: &str,
    ) -> Result<u64, Error> {
        self.write("pseudonymise the audit", |connection| {
            connection.pragma_update(None, "secure_delete", true)?;
            let changed = pseudonymise(connection, tenant, name, pseudonym);
            connection.pragma_update(None, "secure_delete", false)?;
            let changed = changed?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).optional()?;
            Ok(changed)
        })
    }

    /// Gives each entry of a filter to `take`, which answers whether it wants more.
    pub(super) fn read(
        &self,
        filter: &Filter,
        take: impl FnMut(Entry) -> bool,
    ) -> Result<(), Error> {
        // Makes the file where there is none: an audit without entries is read like any other.
        self.write("open the audit", |_| Ok(()))?;
        let reader = schema::open_reader(&self.path)?;
        super::connections::in_snapshot(&reader, |db| read(db, filter, take))
            .map_err(|failure| failure.at("read the audit"))
    }

    fn write<T>(
        &self,
        doing: &'static str,
        change: impl FnOnce(&mut Connection) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        let mut writer = lock(&self.writer);
        let connection = match &mut *writer {
            Some(connection) => connection,
            none => none.insert(schema::open_writer(&self.path, &schema::AUDIT)?),
        };
        change(connection).map_err(|failure| failure.at(doing))
    }
}

fn pseudonymise(
    connection: &mut Connection,
    tenant: TenantId,
    name: &str,
    pseudonym: &str,
) -> Result<u64, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut changes: Vec<(i64, i64, Option<String>, String)> = Vec::new();
    {
        let mut entries = transaction.prepare(
            "SELECT time, place, person, detail FROM entry WHERE tenant = ?1 OR tenant IS NULL",
        )?;
        let mut rows = entries.query([tenant.0])?;
        while let Some(row) = rows.next()? {
            let (person, detail): (Option<String>, String) = (row.get(2)?, row.get(3)?);
            let other =
                person.as_deref().and_then(|text| pseudonym::replaced(text, name, pseudonym));
            let others = pseudonym::replaced(&detail, name, pseudonym);
            if other.is_some() || others.is_some() {
                let (person, detail) = (other.or(person), others.unwrap_or(detail));
                changes.push((row.get(0)?, row.get(1)?, person, detail));
            }
        }
    }
    transaction.execute("INSERT INTO pseudonymising VALUES (1)", [])?;
    for (time, place, person, detail) in &changes {
        transaction
            .prepare_cached(
                "UPDATE entry SET person = ?3, detail = ?4 WHERE time = ?1 AND place = ?2",
            )?
            .execute(params![time, place, person, detail])?;
    }
    transaction.execute("DELETE FROM pseudonymising", [])?;
    transaction.commit()?;
    Ok(changes.len() as u64)
}

const INSERT: &str = "INSERT INTO entry (time, place, tenant, deed, correlation, app, person,
        address, operation, detail, status, rows, latency_us)
    VALUES (?1, coalesce((SELECT max(place) + 1 FROM entry WHERE time = ?1), 0), ?2, ?3, ?4, ?5,
        ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

/// The columns that [`entry_of`] reads, in its order.
const COLUMNS: &str = "time, tenant, deed, correlation, app, person, address, operation, detail,
    status, rows, latency_us";

fn add(insert: &mut rusqlite::Statement<'_>, entry: &Entry) -> Result<(), Failure> {
    let octets = entry.address.map(|address| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    });
    insert.execute(params![
        entry.time.ticks(),
        entry.tenant.map(|tenant| tenant.0),
        entry.deed as u8,
        entry.correlation,
        entry.app,
        entry.person,
        octets,
        entry.operation,
        entry.detail,
        entry.status,
        entry.rows.map(u64::cast_signed),
        entry.latency_us.cast_signed()
    ])?;
    Ok(())
}

fn entry_of(row: &Row<'_>) -> Result<Entry, Failure> {
    let damaged = |what: &str| Failure::Damaged(format!("an entry of the audit has {what}"));
    let deed = match row.get(2)? {
        1 => Deed::Call,
        2 => Deed::Administration,
        3 => Deed::SignIn,
        number => return Err(damaged(&format!("the kind {number}"))),
    };
    let octets: Option<Vec<u8>> = row.get(6)?;
    let address = octets.map(|octets| match octets.len() {
        4 => <[u8; 4]>::try_from(octets).map(IpAddr::from).ok(),
        16 => <[u8; 16]>::try_from(octets).map(IpAddr::from).ok(),
        _ => None,
    });
    Ok(Entry {
        time: timestamp(row.get(0)?)?,
        tenant: row.get::<_, Option<i64>>(1)?.map(TenantId),
        deed,
        correlation: row.get(3)?,
        app: row.get(4)?,
        person: row.get(5)?,
        address: address
            .map(|address| address.ok_or_else(|| damaged("an address of no known length")))
            .transpose()?,
        operation: row.get(7)?,
        detail: row.get(8)?,
        status: row.get(9)?,
        rows: row.get::<_, Option<i64>>(10)?.map(i64::cast_unsigned),
        latency_us: row.get::<_, i64>(11)?.cast_unsigned(),
    })
}

/// The entries of a filter but for its person, whom SQL cannot compare without regard to case.
const MATCHING: &str = "FROM entry WHERE (time, place) >= (:since, :place) AND time < :until
    AND (:tenant IS NULL OR tenant = :tenant) AND (:deed IS NULL OR deed = :deed)
    AND (:app IS NULL OR app = :app)";

fn read(
    db: &Connection,
    filter: &Filter,
    mut take: impl FnMut(Entry) -> bool,
) -> Result<(), Failure> {
    let person = filter.person.as_deref().map(fold);
    let is_of_person = |name: Option<&str>| {
        person.as_ref().is_none_or(|person| name.is_some_and(|name| fold(name) == *person))
    };
    let (since, place) = match filter.last {
        None => (filter.since.map_or(i64::MIN, Timestamp::ticks), 0),
        Some(last) => match start_of_last(db, filter, last, is_of_person)? {
            None => return Ok(()),
            Some(start) => start,
        },
    };
    let mut statement = db.prepare(&format!("SELECT {COLUMNS} {MATCHING} ORDER BY time, place"))?;
    let mut rows = statement.query(named_params! {
        ":since": since,
        ":place": place,
        ":until": filter.until.map_or(i64::MAX, Timestamp::ticks),
        ":tenant": filter.tenant.map(|tenant| tenant.0),
        ":deed": filter.deed.map(|deed| deed as u8),
        ":app": filter.app,
    })?;
    while let Some(row) = rows.next()? {
        let name = row.get_ref(5)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        if is_of_person(name) && !take(entry_of(row)?) {
            break;
        }
    }
    Ok(())
}

/// The key of the first of the last so many entries; `None` when there is no entry to read. The
/// entries are walked twice, so that none needs to be held.
fn start_of_last(
    db: &Connection,
    filter: &Filter,
    last: u64,
    is_of_person: impl Fn(Option<&str>) -> bool,
) -> Result<Option<(i64, i64)>, Failure> {
    let mut statement = db.prepare(&format!(
        "SELECT time, place, person {MATCHING} ORDER BY time DESC, place DESC"
    ))?;
    let mut rows = statement.query(named_params! {
        ":since": filter.since.map_or(i64::MIN, Timestamp::ticks),
        ":place": 0,
        ":until": filter.until.map_or(i64::MAX, Timestamp::ticks),
        ":tenant": filter.tenant.map(|tenant| tenant.0),
        ":deed": filter.deed.map(|deed| deed as u8),
        ":app": filter.app,
    })?;
    let mut start = None;
    let mut found = 0;
    while found < last
        && let Some(row) = rows.next()?
    {
        if is_of_person(row.get_ref(2)?.as_str_or_null().map_err(rusqlite::Error::from)?) {
            start = Some((row.get(0)?, row.get(1)?));
            found += 1;
        }
    }
    Ok(start)
}

/// Forgets the oldest entries of those from before a moment; how many.
fn forget_some(connection: &mut Connection, before: Timestamp) -> Result<u64, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Up to where this step goes: the moment, or the entry that is one too many for it.
    let next: Option<(i64, i64)> = transaction
        .prepare_cached(
            "SELECT time, place FROM entry WHERE time < ?1 ORDER BY time, place LIMIT 1 OFFSET ?2",
        )?
        .query_row(params![before.ticks(), FORGOTTEN_AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (time, place) = next.unwrap_or((before.ticks(), 0));
    transaction.execute("INSERT INTO forgetting VALUES (1, ?1)", [before.ticks()])?;
    let forgotten = transaction
        .execute("DELETE FROM entry WHERE (time, place) < (?1, ?2)", params![time, place])?;
    transaction.execute("DELETE FROM forgetting", [])?;
    transaction.commit()?;
    Ok(forgotten as u64)
}
