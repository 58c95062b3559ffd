//! What telemetry tells of a record beside its name.

use std::collections::BTreeSet;

use inventory::identity::{IdentifierKind, MAX_HOLDERS, full_name};
use inventory::ids::{MachineId, TenantId};
use inventory::logon::MachineRef;
use inventory::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::sqlite::Failure;

/// Keeps the identifiers that came with a machine's name. Records that now may be one machine, or no
/// more, are unsettled.
pub(in crate::sqlite) fn note(
    db: &Connection,
    tenant: TenantId,
    record: i64,
    machine: &MachineRef,
    (first, last): (Timestamp, Timestamp),
    unsettled: &mut BTreeSet<i64>,
) -> Result<(), Failure> {
    for (kind, value) in values(machine) {
        let known = db
            .prepare_cached(
                "SELECT first_seen, last_seen FROM machine_identifier
                 WHERE tenant = ?1 AND kind = ?2 AND value = ?3 AND machine = ?4",
            )?
            .query_row(params![tenant.0, kind.number(), value, record], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()?;
        if known.is_some_and(|(from, until)| from <= first.ticks() && last.ticks() <= until) {
            continue;
        }
        db.prepare_cached(
            "INSERT INTO machine_identifier (tenant, kind, value, machine, first_seen, last_seen)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET first_seen = min(first_seen, excluded.first_seen),
                 last_seen = max(last_seen, excluded.last_seen)",
        )?
        .execute(params![
            tenant.0,
            kind.number(),
            value,
            record,
            first.ticks(),
            last.ticks()
        ])?;
        // When something was told matters for those kinds alone that clones share.
        let may_be_cloned =
            matches!(kind, IdentifierKind::MachineId | IdentifierKind::HardwareUuid);
        if known.is_none() {
            // One that nobody else has may part what was one machine until now.
            unsettled.insert(record);
        }
        if known.is_none() || may_be_cloned {
            doubt(db, tenant, record, (kind, &value), unsettled)?;
        }
    }
    Ok(())
}

/// A record is new: what a person decided of it, and a vendor's record of its full name, are there
/// before it.
pub(in crate::sqlite) fn arrived(
    db: &Connection,
    tenant: TenantId,
    record: i64,
    machine: &MachineRef,
    unsettled: &mut BTreeSet<i64>,
) -> Result<(), Failure> {
    if machine.id.is_none()
        && let Some(name) = full_name(&machine.name)
    {
        doubt(db, tenant, record, (IdentifierKind::DnsName, name.as_bytes()), unsettled)?;
    }
    let id = machine.machine_id().0;
    let is_decided: bool = db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM machine_decision WHERE tenant = ?1 AND machine = ?2)
                 OR EXISTS (SELECT 1 FROM machine_decision WHERE tenant = ?1 AND merged_into = ?2)",
        )?
        .query_row(params![tenant.0, id], |row| row.get(0))?;
    if is_decided {
        unsettled.insert(record);
    }
    Ok(())
}

fn values(machine: &MachineRef) -> Vec<(IdentifierKind, Vec<u8>)> {
    let told = machine.identifiers.iter().map(|one| (one.kind, one.value.as_bytes().to_vec()));
    let mut values: Vec<_> = told.collect();
    if let Some(device) = machine.aad_device_id {
        values.push((IdentifierKind::EntraDeviceId, device.as_bytes().to_vec()));
    }
    // The name of a record without the vendor's id is its id already.
    if machine.id.is_some()
        && let Some(name) = full_name(&machine.name)
    {
        values.push((IdentifierKind::DnsName, name.into_bytes()));
    }
    values
}

/// Whoever holds a value with a record is unsettled. Of a value that was common before, and so joins
/// nothing, the others stay as they are.
fn doubt(
    db: &Connection,
    tenant: TenantId,
    record: i64,
    (kind, value): (IdentifierKind, &[u8]),
    unsettled: &mut BTreeSet<i64>,
) -> Result<(), Failure> {
    let holders = holders(db, tenant, kind, value, MAX_HOLDERS + 2)?;
    match holders.len() {
        0 | 1 => {}
        count if count <= MAX_HOLDERS + 1 => unsettled.extend(holders),
        _ => {
            unsettled.insert(record);
        }
    }
    Ok(())
}

/// The records that hold a value, that many at most; the one that is known by a name among those of it.
pub(super) fn holders(
    db: &Connection,
    tenant: TenantId,
    kind: IdentifierKind,
    value: &[u8],
    most: usize,
) -> Result<Vec<i64>, Failure> {
    let mut find = db.prepare_cached(
        "SELECT machine FROM machine_identifier
         WHERE tenant = ?1 AND kind = ?2 AND value = ?3 ORDER BY machine LIMIT ?4",
    )?;
    let mut holders: Vec<i64> = find
        .query_map(params![tenant.0, kind.number(), value, most as i64], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if kind == IdentifierKind::DnsName
        && !holders.is_empty()
        && let Ok(name) = std::str::from_utf8(value)
    {
        holders.extend(number_of(db, tenant, MachineId::derived_from_name(name))?);
    }
    Ok(holders)
}

/// The number of the record with an id.
pub(super) fn number_of(
    db: &Connection,
    tenant: TenantId,
    id: MachineId,
) -> Result<Option<i64>, Failure> {
    if let Some(joined) = super::joined_by_id(db, tenant, &id.0)? {
        return Ok(Some(joined.record));
    }
    Ok(db
        .prepare_cached("SELECT number FROM machine WHERE tenant = ?1 AND id = ?2")?
        .query_row(params![tenant.0, id.0], |row| row.get(0))
        .optional()?)
}
