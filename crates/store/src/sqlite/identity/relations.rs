//! The relations of a machine, made anew from the events of its records.

use std::collections::{BTreeMap, BTreeSet};

use inventory::logon::LogonType;
use inventory::relation::Relation;
use inventory::time::TICKS_PER_SECOND;
use rusqlite::{Connection, params};

use crate::sqlite::Failure;
use crate::sqlite::times::DAY;
use crate::sqlite::values::timestamp;

/// An account, and a day on which it logged on.
pub(in crate::sqlite) type AccountDay = (i64, i32);

/// The accounts and days of a machine's relations.
pub(super) fn days_of(db: &Connection, machine: i64) -> Result<BTreeSet<AccountDay>, Failure> {
    let mut find = db.prepare_cached(
        "SELECT DISTINCT account, day FROM relation_day
         WHERE account IN (SELECT account FROM relation WHERE machine = ?1) AND machine = ?1",
    )?;
    let days = find.query_map([machine], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(days.collect::<Result<_, _>>()?)
}

/// Takes all relations of a machine away.
pub(super) fn clear(
    db: &Connection,
    machine: i64,
    days: &BTreeSet<AccountDay>,
) -> Result<(), Failure> {
    let accounts: BTreeSet<i64> = days.iter().map(|&(account, _)| account).collect();
    for account in accounts {
        for table in ["relation_day", "relation"] {
            let delete = format!("DELETE FROM {table} WHERE account = ?1 AND machine = ?2");
            db.prepare_cached(&delete)?.execute([account, machine])?;
        }
    }
    Ok(())
}

/// Makes what a machine's relations say of some days anew from the events of its records, and what
/// follows for the relations.
pub(in crate::sqlite) fn rebuild(
    db: &Connection,
    machine: i64,
    records: &[i64],
    days: &BTreeSet<AccountDay>,
) -> Result<(), Failure> {
    for &(account, day) in days {
        rebuild_day(db, (account, machine, day), records)?;
    }
    let accounts: BTreeSet<i64> = days.iter().map(|&(account, _)| account).collect();
    for account in accounts {
        db.prepare_cached("DELETE FROM relation WHERE account = ?1 AND machine = ?2")?
            .execute([account, machine])?;
        db.prepare_cached(
            "INSERT INTO relation (account, machine, first_seen, last_seen, logon_types,
                 logon_count)
             SELECT account, machine, min(day * ?3 + first_tick), max(day * ?3 + last_tick),
                 sum(DISTINCT 1 << logon_type), sum(logon_count)
             FROM relation_day WHERE account = ?1 AND machine = ?2 GROUP BY account, machine",
        )?
        .execute(params![account, machine, DAY])?;
    }
    Ok(())
}

fn rebuild_day(
    db: &Connection,
    (account, machine, day): (i64, i64, i32),
    records: &[i64],
) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM relation_day WHERE account = ?1 AND machine = ?2 AND day = ?3")?
        .execute(params![account, machine, day])?;
    let mut insert = db.prepare_cached(
        "INSERT INTO relation_day (account, machine, day, logon_type, first_tick, last_tick,
             logon_count) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (logon_type, relation) in told(db, account, day, records)? {
        insert.execute(params![
            account,
            machine,
            day,
            logon_type,
            relation.first_seen.ticks_of_day(),
            relation.last_seen.ticks_of_day(),
            relation.logon_count.cast_signed()
        ])?;
    }
    Ok(())
}

/// What records tell of an account's day. An event that two of them tell counts once: same second and
/// session, and the same record number unless one has none (docs/adr/0004-event-identity.md).
fn told(
    db: &Connection,
    account: i64,
    day: i32,
    records: &[i64],
) -> Result<BTreeMap<u8, Relation>, Failure> {
    let mut find = db.prepare_cached(
        "SELECT second, session, record, fraction, logon_type FROM event
         WHERE day = ?1 AND quarter IN quarters AND account = ?2 AND machine = ?3",
    )?;
    let mut sights: BTreeMap<(i64, i64), BTreeMap<i64, Exact>> = BTreeMap::new();
    for &record in records {
        let mut rows = find.query(params![day, account, record])?;
        while let Some(row) = rows.next()? {
            let exact = Exact { fraction: row.get(3)?, logon_type: row.get(4)? };
            let of_session = sights.entry((row.get(0)?, row.get(1)?)).or_default();
            of_session.entry(row.get(2)?).and_modify(|one| one.refine(exact)).or_insert(exact);
        }
    }
    let mut relations: BTreeMap<u8, Relation> = BTreeMap::new();
    for ((second, _), mut numbered) in sights {
        let unnumbered = if numbered.len() > 1 { numbered.remove(&0) } else { None };
        if let (Some(exact), Some(first)) = (unnumbered, numbered.values_mut().next()) {
            first.refine(exact);
        }
        for exact in numbered.into_values() {
            let ticks = i64::from(day) * DAY + second * TICKS_PER_SECOND + exact.fraction;
            let kind = LogonType::new(exact.logon_type.into()).ok_or_else(|| {
                Failure::Damaged(format!("{} is no logon type", exact.logon_type))
            })?;
            let one = Relation::of(timestamp(ticks)?, kind);
            let of_type = relations.entry(exact.logon_type);
            of_type.and_modify(|sum| sum.add(&one)).or_insert(one);
        }
    }
    Ok(relations)
}

/// What two sights of an event may differ in.
#[derive(Clone, Copy)]
struct Exact {
    fraction: i64,
    logon_type: u8,
}

impl Exact {
    /// The larger fraction is the more exact; of equal ones the smaller type, so that the order does not
    /// matter.
    fn refine(&mut self, other: Exact) {
        if (other.fraction, self.logon_type) > (self.fraction, other.logon_type) {
            *self = other;
        }
    }
}
