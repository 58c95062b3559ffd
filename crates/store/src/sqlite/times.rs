//! Times and counts of relations and machines, made anew from what they are summed from.

use inventory::time::TICKS_PER_SECOND;
use rusqlite::{Connection, params};

use super::Failure;

/// Ticks of a day, for times made of a day and a time of day in SQL.
pub(super) const DAY: i64 = 864_000_000_000;

/// Makes a relation's times anew from its events of one day, after an event's time moved.
pub(super) fn recompute_day(
    db: &Connection,
    account: i64,
    machine: i64,
    day: i32,
) -> Result<(), Failure> {
    db.prepare_cached(
        "UPDATE relation_day SET first_tick = times.first, last_tick = times.last
         FROM (SELECT logon_type, min(second * ?4 + fraction) AS first,
                   max(second * ?4 + fraction) AS last
               FROM event
               WHERE day = ?3 AND quarter IN quarters AND account = ?1 AND machine = ?2
               GROUP BY logon_type) AS times
         WHERE relation_day.account = ?1 AND relation_day.machine = ?2
         AND relation_day.day = ?3 AND relation_day.logon_type = times.logon_type",
    )?
    .execute(params![account, machine, day, TICKS_PER_SECOND])?;
    recompute_relation(db, account, machine)?;
    recompute_machine(db, machine)
}

/// Sets a relation's times from its days.
pub(super) fn recompute_relation(
    db: &Connection,
    account: i64,
    machine: i64,
) -> Result<(), Failure> {
    db.prepare_cached(
        "UPDATE relation SET first_seen = times.first, last_seen = times.last,
             logon_types = times.types, logon_count = times.count
         FROM (SELECT min(day * ?3 + first_tick) AS first, max(day * ?3 + last_tick) AS last,
                   sum(DISTINCT 1 << logon_type) AS types, sum(logon_count) AS count
               FROM relation_day WHERE account = ?1 AND machine = ?2) AS times
         WHERE account = ?1 AND machine = ?2",
    )?
    .execute(params![account, machine, DAY])?;
    Ok(())
}

/// Sets a machine's times from its relations and reports.
pub(super) fn recompute_machine(db: &Connection, machine: i64) -> Result<(), Failure> {
    // min() and max() of one row are NULL when any argument is, hence the coalesce.
    db.prepare_cached(
        "UPDATE machine SET
             first_seen = min(coalesce(times.first, first_report), coalesce(first_report, times.first)),
             last_seen = max(coalesce(times.last, last_report), coalesce(last_report, times.last))
         FROM (SELECT min(first_seen) AS first, max(last_seen) AS last
               FROM relation WHERE machine = ?1) AS times
         WHERE number = ?1",
    )?
    .execute([machine])?;
    Ok(())
}
