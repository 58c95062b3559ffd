//! Records of which nothing is left.

use std::collections::BTreeSet;

use inventory::identity::{IdentifierKind, MAX_HOLDERS};
use inventory::ids::TenantId;
use rusqlite::{Connection, OptionalExtension, params};

use super::relations::days_of;
use super::told::holders;
use super::{cluster, records_of, rows};
use crate::sqlite::times::DAY;
use crate::sqlite::{Failure, addresses};

/// Forgets the records of joined machines that were not seen since a moment; how many machines went
/// whole. The others of each are unsettled.
pub(in crate::sqlite) fn prune(
    db: &Connection,
    tenant: TenantId,
    before: i64,
    unsettled: &mut BTreeSet<i64>,
) -> Result<u64, Failure> {
    let gone: Vec<(i64, i64)> = db
        .prepare_cached(
            "SELECT number, machine FROM machine_record WHERE tenant = ?1 AND last_seen < ?2",
        )?
        .query_map(params![tenant.0, before], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for &(record, _) in &gone {
        remove(db, tenant, record, unsettled)?;
    }
    let machines: BTreeSet<i64> = gone.into_iter().map(|(_, machine)| machine).collect();
    let mut whole = 0;
    for machine in machines {
        let is_left: bool = db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM machine_record WHERE machine = ?1)")?
            .query_row([machine], |row| row.get(0))?;
        whole += u64::from(!is_left);
    }
    // Of what is left the first logons are gone; a machine's own row is exact.
    db.prepare_cached(
        "UPDATE machine_record SET first_seen = max(first_seen, min(?2, coalesce(first_report, ?2)))
         WHERE tenant = ?1 AND first_seen < ?2",
    )?
    .execute(params![tenant.0, before])?;
    Ok(whole)
}

/// Sets the times of the records of a joined machine anew after logons were erased, and forgets those
/// of which nothing is left. `None` of a machine that is one record, else whether anything is left.
pub(in crate::sqlite) fn recheck(
    db: &Connection,
    tenant: TenantId,
    machine: i64,
    unsettled: &mut BTreeSet<i64>,
) -> Result<Option<bool>, Failure> {
    let is_joined: Option<i64> = db
        .prepare_cached("SELECT 1 FROM machine_record WHERE machine = ?1 LIMIT 1")?
        .query_row([machine], |row| row.get(0))
        .optional()?;
    if is_joined.is_none() {
        return Ok(None);
    }
    let mut is_left = false;
    for record in records_of(db, machine)? {
        if retime(db, record, machine)? {
            is_left = true;
        } else {
            remove(db, tenant, record, unsettled)?;
        }
    }
    Ok(Some(is_left))
}

/// Sets a record's own times from its events and reports; `false` when it has none.
pub(in crate::sqlite) fn retime(
    db: &Connection,
    record: i64,
    machine: i64,
) -> Result<bool, Failure> {
    let mut of_day = db.prepare_cached(
        "SELECT min(second * 10000000 + fraction), max(second * 10000000 + fraction) FROM event
         WHERE day = ?1 AND quarter IN quarters AND account = ?2 AND machine = ?3",
    )?;
    let (mut first, mut last): (Option<i64>, Option<i64>) = (None, None);
    for (account, day) in days_of(db, machine)? {
        let times: (Option<i64>, Option<i64>) = of_day
            .query_row(params![day, account, record], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let start = i64::from(day) * DAY;
        first = first.into_iter().chain(times.0.map(|tick| start + tick)).min();
        last = last.max(times.1.map(|tick| start + tick));
    }
    let changed = db
        .prepare_cached(
            "UPDATE machine_record SET
                 first_seen = min(coalesce(?2, first_report), coalesce(first_report, ?2)),
                 last_seen = max(coalesce(?3, last_report), coalesce(last_report, ?3))
             WHERE number = ?1 AND coalesce(?2, first_report) IS NOT NULL",
        )?
        .execute(params![record, first, last])?;
    Ok(changed == 1)
}

/// Takes away a record of which nothing is left; whoever was connected with it is unsettled.
fn remove(
    db: &Connection,
    tenant: TenantId,
    record: i64,
    unsettled: &mut BTreeSet<i64>,
) -> Result<(), Failure> {
    let connected = cluster::load(db, tenant, record)?.numbers;
    unsettled.extend(connected);
    forget(db, tenant, record, unsettled)?;
    addresses::forget(db, tenant, record)?;
    rows::unkeep(db, record)?;
    rows::hide(db, record)?;
    Ok(())
}

/// Forgets what was told of a record that goes; whoever held the same is unsettled.
pub(in crate::sqlite) fn forget(
    db: &Connection,
    tenant: TenantId,
    record: i64,
    unsettled: &mut BTreeSet<i64>,
) -> Result<(), Failure> {
    let told: Vec<(u8, Vec<u8>)> = db
        .prepare_cached("DELETE FROM machine_identifier WHERE machine = ?1 RETURNING kind, value")?
        .query_map([record], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (kind, value) in told {
        let Some(kind) = IdentifierKind::from_number(kind) else { continue };
        let others = holders(db, tenant, kind, &value, MAX_HOLDERS + 1)?;
        // What is still common joins nothing, as before.
        if others.len() <= MAX_HOLDERS {
            unsettled.extend(others);
        }
    }
    unsettled.remove(&record);
    Ok(())
}
