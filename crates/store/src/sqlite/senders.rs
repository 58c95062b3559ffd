//! Who sends telemetry while it happens.

use inventory::ids::TenantId;
use rusqlite::{Connection, params};

use super::Failure;
use super::values::timestamp;
use crate::{Counts, Delivery, Recorded, Sender};

/// Senders of one kind that are kept by name; others are one. Addresses can be anybody's.
const MAX_NAMES: i64 = 10_000;
/// What senders beyond that are called.
const OTHERS: &str = "(others)";

/// Counts what became of a delivery.
pub(super) fn count(
    db: &Connection,
    delivery: &Delivery,
    recorded: Recorded,
) -> Result<(), Failure> {
    let Delivery { tenant, sender, at, read, .. } = delivery;
    let logons = delivery.logons.len();
    let kept = recorded.added + (delivery.weight() - logons) as u64;
    let newest = delivery.logons.iter().map(|logon| logon.time.ticks()).max();
    let told = newest.max(delivery.ahead.map(|time| time.ticks()));
    let ahead = told.map(|told| told - at.ticks());
    let mut add = db.prepare_cached(
        "INSERT INTO sender (tenant, kind, name, first_at, last_at, newest, received, accepted,
             duplicates, noise, rejected, ahead)
         VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT DO UPDATE SET first_at = min(first_at, excluded.first_at),
             last_at = max(last_at, excluded.last_at),
             newest = max(coalesce(newest, excluded.newest), coalesce(excluded.newest, newest)),
             received = received + excluded.received, accepted = accepted + excluded.accepted,
             duplicates = duplicates + excluded.duplicates, noise = noise + excluded.noise,
             rejected = rejected + excluded.rejected, ahead = coalesce(excluded.ahead, ahead)",
    )?;
    let name = name(db, delivery)?;
    let [received, noise, rejected] =
        [read.received, read.noise, read.rejected].map(u64::cast_signed);
    let [kept, duplicates] = [kept, recorded.duplicates].map(u64::cast_signed);
    add.execute(params![
        tenant.0,
        sender.kind,
        name,
        at.ticks(),
        newest,
        received,
        kept,
        duplicates,
        noise,
        rejected,
        ahead
    ])?;
    Ok(())
}

fn name<'d>(db: &Connection, delivery: &'d Delivery) -> Result<&'d str, Failure> {
    let Delivery { tenant, sender, .. } = delivery;
    let has_place: bool = db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM sender WHERE tenant = ?1 AND kind = ?2 AND name = ?3)
             OR (SELECT count(*) FROM sender WHERE tenant = ?1 AND kind = ?2) < ?4",
        )?
        .query_row(params![tenant.0, sender.kind, sender.name, MAX_NAMES], |row| row.get(0))?;
    Ok(if has_place { &sender.name } else { OTHERS })
}

/// Every sender of a tenant, by kind and name.
pub(super) fn list(db: &Connection, tenant: TenantId) -> Result<Vec<Sender>, Failure> {
    let mut find = db.prepare_cached(
        "SELECT kind, name, first_at, last_at, newest, received, accepted, duplicates, noise,
             rejected, ahead
         FROM sender WHERE tenant = ?1 ORDER BY kind, name",
    )?;
    let mut rows = find.query([tenant.0])?;
    let mut senders = Vec::new();
    while let Some(row) = rows.next()? {
        let number = |at| row.get(at).map(i64::cast_unsigned);
        senders.push(Sender {
            kind: row.get(0)?,
            name: row.get(1)?,
            first_at: timestamp(row.get(2)?)?,
            last_at: timestamp(row.get(3)?)?,
            newest: row.get::<_, Option<i64>>(4)?.map(timestamp).transpose()?,
            ahead_ticks: row.get(10)?,
            counts: Counts {
                received: number(5)?,
                accepted: number(6)?,
                duplicates: number(7)?,
                noise: number(8)?,
                rejected: number(9)?,
            },
        });
    }
    Ok(senders)
}
