//! Logons gathered for one transaction.
//!
//! Logons of a batch share their accounts, machines and far ends, whose texts are most of what a
//! logon takes: each of these is held once and named by its place. That is less memory, and work
//! that is done while another transaction writes.

use std::net::IpAddr;

use foldhash::fast::RandomState;
use indexmap::IndexSet;
use inventory::account::Account;
use inventory::logon::{Logon, MachineRef};
use inventory::time::Timestamp;

/// Things by their place, each once.
type Places<T> = IndexSet<T, RandomState>;

/// The far end of a logon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Remote {
    pub(crate) address: Option<IpAddr>,
    pub(crate) name: Option<String>,
}

/// A logon whose account, machine and far end are places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gathered {
    pub(crate) time: Timestamp,
    pub(crate) session: u64,
    /// 0 when the source does not tell it.
    pub(crate) record: u64,
    pub(crate) account: u32,
    pub(crate) machine: u32,
    pub(crate) remote: Option<u32>,
    /// Of the batch's parts the one that it came with.
    pub(crate) part: u32,
    pub(crate) logon_type: u8,
    pub(crate) source: u8,
}

/// Logons to be recorded in one transaction.
#[derive(Debug, Default)]
pub struct LogonBatch {
    pub(crate) logons: Vec<Gathered>,
    pub(crate) accounts: Places<Account>,
    pub(crate) machines: Places<MachineRef>,
    /// When each of the machines was first and last logged on to.
    pub(crate) seen: Vec<(Timestamp, Timestamp)>,
    pub(crate) remotes: Places<Remote>,
    /// How many parts were ended.
    pub(crate) part: u32,
}

impl LogonBatch {
    /// Adds a logon.
    pub fn add(&mut self, logon: &Logon) {
        let account = place(&mut self.accounts, &logon.account);
        let machine = place(&mut self.machines, &logon.machine);
        match self.seen.get_mut(machine as usize) {
            Some(seen) => *seen = (seen.0.min(logon.time), seen.1.max(logon.time)),
            None => self.seen.push((logon.time, logon.time)),
        }
        let is_known = logon.remote_address.is_some() || logon.remote_name.is_some();
        let remote = is_known.then(|| {
            let remote = Remote { address: logon.remote_address, name: logon.remote_name.clone() };
            place(&mut self.remotes, &remote)
        });
        self.logons.push(Gathered {
            time: logon.time,
            session: logon.key.session,
            record: logon.key.record.unwrap_or(0),
            account,
            machine,
            remote,
            part: self.part,
            logon_type: logon.logon_type.number(),
            source: logon.source as u8,
        });
    }

    /// What is added from here on is counted by itself.
    pub(crate) fn end_part(&mut self) {
        self.part += 1;
    }

    /// How many logons it holds.
    pub fn len(&self) -> usize {
        self.logons.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.logons.is_empty()
    }
}

impl<'l> Extend<&'l Logon> for LogonBatch {
    fn extend<I: IntoIterator<Item = &'l Logon>>(&mut self, logons: I) {
        logons.into_iter().for_each(|logon| self.add(logon));
    }
}

impl From<&[Logon]> for LogonBatch {
    fn from(logons: &[Logon]) -> Self {
        let mut batch = Self::default();
        batch.extend(logons);
        batch
    }
}

/// The place of something; copied where it is new.
fn place<T: Clone + Eq + std::hash::Hash>(places: &mut Places<T>, thing: &T) -> u32 {
    let place = match places.get_index_of(thing) {
        Some(place) => place,
        None => places.insert_full(thing.clone()).0,
    };
    // A batch holds fewer logons than that, and nothing is held that none of them names.
    u32::try_from(place).unwrap_or(u32::MAX)
}
