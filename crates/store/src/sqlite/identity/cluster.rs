//! All records that anything connects with one another.

use std::collections::{BTreeSet, VecDeque};

use inventory::identity::{Decision, Held, IdentifierKind, MAX_HOLDERS, Record};
use inventory::ids::{MachineId, TenantId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::told::{holders, number_of};
use crate::sqlite::Failure;
use crate::sqlite::values::machine_id;

/// Records of a cluster at most; no value leads to more than a few, so that only chains made on purpose
/// get there.
const MAX_RECORDS: usize = 1_000;

/// Connected records, and as what they are shown now.
#[derive(Default)]
pub(super) struct Cluster {
    pub(super) numbers: Vec<i64>,
    pub(super) records: Vec<Record>,
    pub(super) now: Vec<Now>,
}

/// As what a record is shown now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Now {
    /// The number of the machine.
    pub(super) machine: i64,
    pub(super) is_merged: bool,
    /// It is kept as one of several.
    pub(super) is_joined: bool,
}

/// The cluster that a record is in; empty when there is no such record.
pub(super) fn load(db: &Connection, tenant: TenantId, record: i64) -> Result<Cluster, Failure> {
    let mut cluster = Cluster::default();
    let mut waiting = VecDeque::from([record]);
    let mut met: BTreeSet<i64> = waiting.iter().copied().collect();
    while let Some(number) = waiting.pop_front() {
        let Some((record, now)) = read(db, tenant, number)? else { continue };
        for neighbour in neighbours(db, tenant, &record, now)? {
            if met.len() < MAX_RECORDS && met.insert(neighbour) {
                waiting.push_back(neighbour);
            }
        }
        cluster.numbers.push(number);
        cluster.records.push(record);
        cluster.now.push(now);
    }
    Ok(cluster)
}

fn read(db: &Connection, tenant: TenantId, number: i64) -> Result<Option<(Record, Now)>, Failure> {
    let kept = |row: &Row<'_>| {
        let id: Vec<u8> = row.get(0)?;
        let now = Now { machine: row.get(2)?, is_merged: row.get(3)?, is_joined: row.get(4)? };
        Ok((id, row.get::<_, String>(1)?, now))
    };
    let found = db
        .prepare_cached(
            "SELECT id, name, machine, is_merged, 1 FROM machine_record
             WHERE number = ?1 AND tenant = ?2
             UNION ALL
             SELECT id, name, number, 0, 0 FROM machine WHERE number = ?1 AND tenant = ?2 LIMIT 1",
        )?
        .query_row(params![number, tenant.0], kept)
        .optional()?;
    let Some((id, name, now)) = found else { return Ok(None) };
    let id = machine_id(&id)?;
    let mut held = held(db, tenant, number)?;
    if id == MachineId::derived_from_name(&name)
        && let Some(mut own) = Held::name(&name)
    {
        own.is_common = is_common(db, tenant, &own)?;
        held.push(own);
    }
    Ok(Some((Record { id, name, held, decision: decision(db, tenant, id)? }, now)))
}

fn held(db: &Connection, tenant: TenantId, number: i64) -> Result<Vec<Held>, Failure> {
    let mut find = db.prepare_cached(
        "SELECT kind, value, first_seen, last_seen FROM machine_identifier
         WHERE machine = ?1 ORDER BY kind, value",
    )?;
    let rows = find.query_map([number], |row| {
        Ok((row.get::<_, u8>(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    let mut all = Vec::new();
    for row in rows {
        let (kind, value, first_seen, last_seen) = row?;
        // One of a kind that a newer version knows.
        let Some(kind) = IdentifierKind::from_number(kind) else { continue };
        let mut held = Held { kind, value, first_seen, last_seen, is_common: false };
        held.is_common = is_common(db, tenant, &held)?;
        all.push(held);
    }
    Ok(all)
}

fn is_common(db: &Connection, tenant: TenantId, held: &Held) -> Result<bool, Failure> {
    Ok(holders(db, tenant, held.kind, &held.value, MAX_HOLDERS + 1)?.len() > MAX_HOLDERS)
}

/// What a person decided about the record with an id.
pub(super) fn decision(
    db: &Connection,
    tenant: TenantId,
    id: MachineId,
) -> Result<Decision, Failure> {
    let found: Option<(bool, Option<Vec<u8>>)> = db
        .prepare_cached(
            "SELECT is_apart, merged_into FROM machine_decision WHERE tenant = ?1 AND machine = ?2",
        )?
        .query_row(params![tenant.0, id.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((is_apart, merged_into)) = found else { return Ok(Decision::default()) };
    Ok(Decision { is_apart, merged_into: merged_into.as_deref().map(machine_id).transpose()? })
}

/// The records that share a value with one, that a person merged with it, or that are one machine with
/// it now.
fn neighbours(
    db: &Connection,
    tenant: TenantId,
    record: &Record,
    now: Now,
) -> Result<Vec<i64>, Failure> {
    let mut numbers = Vec::new();
    for held in record.held.iter().filter(|held| !held.is_common) {
        numbers.extend(holders(db, tenant, held.kind, &held.value, MAX_HOLDERS)?);
    }
    if let Some(target) = record.decision.merged_into {
        numbers.extend(number_of(db, tenant, target)?);
    }
    let mut merged = db.prepare_cached(
        "SELECT machine FROM machine_decision WHERE tenant = ?1 AND merged_into = ?2",
    )?;
    let merged: Vec<Vec<u8>> = merged
        .query_map(params![tenant.0, record.id.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in merged {
        numbers.extend(number_of(db, tenant, machine_id(&id)?)?);
    }
    if now.is_joined {
        numbers.extend(super::records_of(db, now.machine)?);
    }
    Ok(numbers)
}
