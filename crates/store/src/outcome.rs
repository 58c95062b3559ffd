//! What methods of the store answer, beside the domain's own types.

use inventory::access::directory::Directory;
use inventory::account::Account;
use inventory::ids::MachineId;
use inventory::relation::Relation;
use uuid::Uuid;

/// What became of a batch of logons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Logons that were new.
    pub added: u64,
    /// Logons that the store already had.
    pub duplicates: u64,
}

/// How much a tenant's inventory holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Machines.
    pub machines: u64,
    /// Accounts.
    pub accounts: u64,
    /// Relations between an account and a machine.
    pub relations: u64,
}

/// What a retention run removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Logon events.
    pub events: u64,
    /// Relations of which nothing was left.
    pub relations: u64,
    /// Machines of which nothing was left.
    pub machines: u64,
    /// Accounts of which nothing was left.
    pub accounts: u64,
}

/// What was erased of a person.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forgotten {
    /// The accounts, as they were known.
    pub accounts: Vec<Account>,
    /// Their relations.
    pub relations: u64,
    /// Their logons.
    pub logons: u64,
    /// Machines of which nothing else was known.
    pub machines: u64,
    /// What directories said of them.
    pub identities: u64,
}

/// One relation as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct RelationRow {
    /// Who.
    pub account: Account,
    /// Where: the machine's id.
    pub machine_id: MachineId,
    /// Where: the machine's name as last reported.
    pub computer_dns_name: String,
    /// First and last logon, types and count.
    pub relation: Relation,
}

/// A tenant's directory with the number of the state that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptDirectory {
    /// The directory.
    pub directory: Directory,
    /// Grows with every change of it.
    pub generation: i64,
}

/// How far machines were put into device groups after the rules changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regrouped {
    /// Machines that were looked at in this step.
    pub machines: u64,
    /// Of these, machines that are in another group now.
    pub moved: u64,
    /// Nothing is left to do.
    pub finished: bool,
}

/// Machines in a device group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCount {
    /// The group's id; 0 for machines of no group.
    pub group: i32,
    /// Its machines.
    pub machines: u64,
}

/// What became of a machine that wants to enroll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolled {
    /// It is enrolled, under this id.
    As(Uuid),
    /// It was revoked and may not.
    Revoked,
    /// There are as many machines as there may be.
    Full,
}
