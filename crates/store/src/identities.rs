//! What a machine consists of, for whoever asks why.

use inventory::identity::{Decision, Held};
use inventory::ids::MachineId;
use inventory::machine::Machine;
use inventory::time::Timestamp;

/// A machine with the records that are one with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Identities {
    /// As it is shown.
    pub machine: Machine,
    /// Its records, the one that it is shown as first.
    pub records: Vec<MachineRecord>,
    /// Records of other machines that share an identifier with it.
    pub lookalikes: Vec<Lookalike>,
}

/// What telemetry told under one id.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineRecord {
    /// The id.
    pub id: MachineId,
    /// The name as last reported.
    pub name: String,
    /// First sign of life under this id.
    pub first_seen: Timestamp,
    /// Last sign of life under this id.
    pub last_seen: Timestamp,
    /// The machine is shown as this one.
    pub is_shown: bool,
    /// What a person decided.
    pub decision: Decision,
    /// The identifiers that were told of it.
    pub held: Vec<Held>,
    /// Those of them by which it is one with other records, by their places.
    pub shared: Vec<usize>,
}

/// A record of another machine that shares an identifier.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookalike {
    /// The machine that it is shown as.
    pub machine: MachineId,
    /// Its own id.
    pub record: MachineId,
    /// Its name.
    pub name: String,
    /// The identifier that says most of those that both have.
    pub same: Held,
}
