//! The relation between an account and a machine, and how logons fold into it.

use std::net::IpAddr;

use crate::account::Account;
use crate::ids::MachineId;
use crate::logon::{LogonType, LogonTypes};
use crate::machine::Machine;
use crate::time::Timestamp;

/// What is known of one account on one machine, over the logons that a [`Window`] admits.
///
/// [`Window`]: crate::query::Window
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The first logon.
    pub first_seen: Timestamp,
    /// The last logon.
    pub last_seen: Timestamp,
    /// The types of all logons.
    pub logon_types: LogonTypes,
    /// How many logons.
    pub logon_count: u64,
}

impl Relation {
    /// The relation that one logon makes.
    pub fn of(time: Timestamp, logon_type: LogonType) -> Self {
        Self {
            first_seen: time,
            last_seen: time,
            logon_types: [logon_type].into_iter().collect(),
            logon_count: 1,
        }
    }

    /// Adds the logons of another relation. The order of additions does not matter.
    pub fn add(&mut self, other: &Relation) {
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.logon_types = self.logon_types.union(other.logon_types);
        self.logon_count += other.logon_count;
    }
}

/// From where an account came to a machine, of the days that were last first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remotes {
    /// The addresses, each once.
    pub addresses: Vec<IpAddr>,
    /// The names of the other ends as the logs have them, each once.
    pub names: Vec<String>,
}

/// A machine that a user logged on to, with the relation over every account of that name.
#[derive(Clone, Debug, PartialEq)]
pub struct UserMachine {
    /// The machine.
    pub machine: Machine,
    /// First and last logon, types and count.
    pub relation: Relation,
}

/// A user of the whole scope: the accounts of a name that share a domain.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The account; of several what all of them have.
    pub account: Account,
    /// It has no domain, and another user of its name has one.
    pub shares_name: bool,
    /// First and last logon, types and count, over every machine of the scope.
    pub relation: Relation,
    /// How many machines it logged on to; 0 where that is not known.
    pub machines: u64,
    /// The machine with most of its logons; of several the one with the smallest id.
    pub most_prevalent: Option<MachineId>,
    /// The machine with fewest of its logons; of several the one with the smallest id.
    pub least_prevalent: Option<MachineId>,
}

/// A user that logged on to a machine: the accounts of a name that share a domain.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineUser {
    /// The account; of several what all of them have.
    pub account: Account,
    /// It has no domain, and another user of its name has one.
    pub shares_name: bool,
    /// First and last logon, types and count.
    pub relation: Relation,
}
