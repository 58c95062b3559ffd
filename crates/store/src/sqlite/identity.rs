//! Which records are one machine (docs/adr/0017-one-machine.md).
//!
//! `told` keeps what telemetry tells of a record beside its name. `cluster` finds all that this connects
//! with a record, and `inventory::identity` says what is one machine; `settle` makes the database so:
//! `rows` moves and sums the records of a machine, `relations` makes its relations anew from the events
//! of its records, `gone` forgets those of which nothing is left. `decide` takes people's word, and `shown` tells why something is one machine.
//!
//! Where nothing is joined, which is nearly everywhere, none of this runs.

mod cluster;
pub(super) mod decide;
mod gone;
mod relations;
pub(super) mod rows;
mod settle;
pub(super) mod shown;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use inventory::ids::TenantId;
use inventory::logon::MachineRef;
use inventory::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::Failure;

pub(super) use gone::{forget, prune, recheck, retime};
pub(super) use relations::rebuild;
pub(super) use settle::{settle, settle_and_place, settle_some};
pub(super) use told::{arrived, note};

/// A record and the machine that it is shown as, by their numbers: equal where nothing is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Belongs {
    pub(super) record: i64,
    pub(super) machine: i64,
    /// The machine has more than one record.
    pub(super) is_joined: bool,
    /// The record was made just now.
    pub(super) is_new: bool,
}

/// The records of the machine that is shown under a number: itself where nothing is joined.
pub(super) fn records_of(db: &Connection, machine: i64) -> Result<Vec<i64>, Failure> {
    let mut find =
        db.prepare_cached("SELECT number FROM machine_record WHERE machine = ?1 ORDER BY number")?;
    let mut records: Vec<i64> =
        find.query_map([machine], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if records.is_empty() {
        records.push(machine);
    }
    Ok(records)
}

/// The record with an id of the wire, and the machine that it is shown as, where it is one of several.
pub(super) fn joined_by_id(
    db: &Connection,
    tenant: TenantId,
    id: &[u8],
) -> Result<Option<Belongs>, Failure> {
    let found = db
        .prepare_cached("SELECT number, machine FROM machine_record WHERE tenant = ?1 AND id = ?2")?
        .query_row(params![tenant.0, id], |row| {
            let (record, machine) = (row.get(0)?, row.get(1)?);
            Ok(Belongs { record, machine, is_joined: true, is_new: false })
        });
    Ok(found.optional()?)
}

/// What a batch may have changed of who is who.
#[derive(Default)]
pub(super) struct Doubts {
    /// Records that may belong with others than they do.
    pub(super) unsettled: BTreeSet<i64>,
    /// Machines of several records of which one has changed.
    pub(super) changed: BTreeSet<i64>,
    /// Of the records that are one of several, the machine.
    pub(super) joined: BTreeMap<i64, i64>,
}

impl Doubts {
    /// The machine that a record is shown as.
    pub(super) fn machine_of(&self, record: i64) -> i64 {
        self.joined.get(&record).copied().unwrap_or(record)
    }

    /// Keeps what a batch told of a machine, from when until when.
    pub(super) fn note(
        &mut self,
        db: &Connection,
        tenant: TenantId,
        record: i64,
        machine: &MachineRef,
        times: (Timestamp, Timestamp),
    ) -> Result<(), Failure> {
        note(db, tenant, record, machine, times, &mut self.unsettled)
    }
}
