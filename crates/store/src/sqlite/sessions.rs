//! What happened to sessions after their logons.

use std::collections::HashMap;

use inventory::ids::{MachineId, TenantId};
use inventory::session::{SessionChange, SessionEvent};
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::Failure;
use super::values::timestamp;

/// Keeps changes of sessions; those that are known change nothing but the precision of their time.
pub(super) fn note(
    db: &Connection,
    tenant: TenantId,
    events: &[SessionEvent],
) -> Result<(), Failure> {
    let mut hosts: HashMap<MachineId, i64> = HashMap::new();
    let mut rows = Vec::with_capacity(events.len());
    for event in events {
        let id = event.machine.machine_id();
        let host = match hosts.get(&id) {
            Some(&host) => host,
            None => {
                let host = host(db, tenant, id)?;
                hosts.insert(id, host);
                host
            }
        };
        let (second, fraction) = (event.time.seconds(), event.time.fraction());
        rows.push((host, event.session.cast_signed(), second, event.change as u8, fraction));
    }
    // In the order of the key, so that pages are visited once.
    rows.sort_unstable();
    let mut insert = db.prepare_cached(
        "INSERT INTO session_event (host, session, second, change, fraction)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET fraction = excluded.fraction
         WHERE excluded.fraction > fraction",
    )?;
    for (host, session, second, change, fraction) in rows {
        insert.execute(params![host, session, second, change, fraction])?;
    }
    Ok(())
}

/// The number of a machine here, made when it is new.
fn host(db: &Connection, tenant: TenantId, id: MachineId) -> Result<i64, Failure> {
    let known = find_host(db, tenant, id)?;
    if let Some(host) = known {
        return Ok(host);
    }
    db.prepare_cached("INSERT INTO session_host (tenant, id) VALUES (?1, ?2)")?
        .execute(params![tenant.0, id.0])?;
    Ok(db.last_insert_rowid())
}

/// The number of a machine here.
pub(super) fn find_host(
    db: &Connection,
    tenant: TenantId,
    id: MachineId,
) -> Result<Option<i64>, Failure> {
    let mut find =
        db.prepare_cached("SELECT number FROM session_host WHERE tenant = ?1 AND id = ?2")?;
    Ok(find.query_row(params![tenant.0, id.0], |row| row.get(0)).optional()?)
}

/// What happened to the sessions of one id on a machine.
pub(super) fn changes(
    db: &Connection,
    host: i64,
    session: i64,
) -> Result<Vec<(Timestamp, SessionChange)>, Failure> {
    let mut find = db.prepare_cached(
        "SELECT second * ?3 + fraction, change FROM session_event WHERE host = ?1 AND session = ?2",
    )?;
    let mut rows = find.query(params![host, session, TICKS_PER_SECOND])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let number: u8 = row.get(1)?;
        let change = SessionChange::from_number(number)
            .ok_or_else(|| Failure::Damaged(format!("{number} is no change of a session")))?;
        changes.push((timestamp(row.get(0)?)?, change));
    }
    Ok(changes)
}

/// Forgets what happened before a moment, and machines of which nothing is left.
pub(super) fn prune(db: &Connection, tenant: TenantId, before: Timestamp) -> Result<(), Failure> {
    db.execute(
        "DELETE FROM session_event WHERE second < ?2
         AND host IN (SELECT number FROM session_host WHERE tenant = ?1)",
        params![tenant.0, before.seconds()],
    )?;
    db.execute(
        "DELETE FROM session_host WHERE tenant = ?1 AND NOT EXISTS (
             SELECT 1 FROM session_event WHERE host = session_host.number)",
        [tenant.0],
    )?;
    Ok(())
}

/// Forgets what happened to the sessions that an account's logons of a day opened on a record.
pub(super) fn forget(
    db: &Connection,
    tenant: TenantId,
    day: i64,
    account: i64,
    record: i64,
) -> Result<(), Failure> {
    db.prepare_cached(
        "DELETE FROM session_event
         WHERE host = (SELECT number FROM session_host WHERE tenant = ?1 AND id = (
             SELECT id FROM machine WHERE number = ?4
             UNION SELECT id FROM machine_record WHERE number = ?4))
         AND session IN (
             SELECT session FROM event
             WHERE day = ?2 AND quarter IN quarters AND account = ?3 AND machine = ?4)",
    )?
    .execute(params![tenant.0, day, account, record])?;
    Ok(())
}
