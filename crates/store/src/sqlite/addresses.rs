//! When machines had which addresses.
//!
//! Kept are spans of reports at most [`GAP`] apart. A span says that within any time as long as the gap
//! there was a report, so it answers questions about such times as the reports themselves would, and the
//! spans are the same in whichever order reports come.

use std::collections::BTreeSet;
use std::net::IpAddr;

use inventory::ids::TenantId;
use inventory::machine::MachineReport;
use inventory::query::AddressSelector;
use inventory::time::TICKS_PER_SECOND;
use rusqlite::{Connection, params};

use super::Failure;

/// Ticks between two reports of one span at most.
const GAP: i64 = 2 * AddressSelector::AROUND_S * TICKS_PER_SECOND;

/// Keeps which addresses a machine had when it reported.
pub(super) fn note(
    db: &Connection,
    tenant: TenantId,
    machine: i64,
    report: &MachineReport,
) -> Result<(), Failure> {
    let facts = &report.facts;
    let of_adapters = facts.ip_addresses.iter().map(|adapter| adapter.ip_address);
    let addresses: BTreeSet<IpAddr> = of_adapters
        .chain(facts.last_ip_address)
        .map(|address| address.to_canonical())
        // Addresses that every machine has tell nothing.
        .filter(|address| !address.is_loopback() && !address.is_unspecified())
        .collect();
    for address in addresses {
        note_one(db, tenant, machine, address, report.time.ticks())?;
    }
    Ok(())
}

fn note_one(
    db: &Connection,
    tenant: TenantId,
    machine: i64,
    address: IpAddr,
    time: i64,
) -> Result<(), Failure> {
    let address = address.to_string();
    let mut near = db.prepare_cached(
        "SELECT first_seen, last_seen FROM machine_address
         WHERE tenant = ?1 AND address = ?2 AND machine = ?3
         AND first_seen <= ?4 + ?5 AND last_seen >= ?4 - ?5",
    )?;
    let near: Vec<(i64, i64)> = near
        .query_map(params![tenant.0, address, machine, time, GAP], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<_, _>>()?;
    if near.iter().any(|&(first, last)| first <= time && time <= last) {
        return Ok(());
    }
    let first = near.iter().fold(time, |first, span| first.min(span.0));
    let last = near.iter().fold(time, |last, span| last.max(span.1));
    let mut remove = db.prepare_cached(
        "DELETE FROM machine_address
         WHERE tenant = ?1 AND address = ?2 AND machine = ?3 AND first_seen = ?4",
    )?;
    for (first_seen, _) in near {
        remove.execute(params![tenant.0, address, machine, first_seen])?;
    }
    db.prepare_cached(
        "INSERT INTO machine_address (tenant, address, machine, first_seen, last_seen)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![tenant.0, address, machine, first, last])?;
    Ok(())
}

/// Forgets what ended before a moment.
pub(super) fn prune(db: &Connection, tenant: TenantId, before: i64) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM machine_address WHERE tenant = ?1 AND last_seen < ?2")?
        .execute(params![tenant.0, before])?;
    Ok(())
}

/// Forgets the addresses of a machine.
pub(super) fn forget(db: &Connection, tenant: TenantId, machine: i64) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM machine_address WHERE tenant = ?1 AND machine = ?2")?
        .execute(params![tenant.0, machine])?;
    Ok(())
}
