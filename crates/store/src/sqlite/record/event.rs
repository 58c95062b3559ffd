//! Events as the database knows them, and what new ones add.

use std::collections::{BTreeMap, BTreeSet};

use inventory::logon::{Logon, LogonType};
use inventory::relation::Relation;
use inventory::time::{TICKS_PER_SECOND, Timestamp};

use crate::Recorded;
use crate::sqlite::Failure;
use crate::sqlite::identity::Doubts;
use crate::sqlite::times::DAY;
use crate::sqlite::values::timestamp;

/// A logon with the numbers that the database knows it by, in the order of the event table.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub(super) day: i32,
    pub(super) account: i64,
    pub(super) machine: i64,
    pub(super) second: i64,
    pub(super) session: i64,
    pub(super) record: i64,
    pub(super) fraction: i64,
    pub(super) logon_type: u8,
    pub(super) remote: Option<i64>,
    pub(super) source: u8,
    /// Of the batch's parts the one that it came with.
    pub(super) part: u32,
}

/// What a batch's events add.
#[derive(Default)]
pub(super) struct Added {
    /// What became of the logons of each part of the batch.
    pub(super) recorded: Vec<Recorded>,
    /// By account, machine, day and logon type, in the order of the table's key.
    pub(super) days: BTreeMap<(i64, i64, i32, u8), Relation>,
    /// Accounts, machines and days of events whose time became more exact.
    pub(super) corrected: BTreeSet<(i64, i64, i32)>,
    /// Of machines of several records the accounts and days with new or corrected events.
    pub(super) of_joined: BTreeMap<i64, BTreeSet<(i64, i32)>>,
    /// Records of these whose event's time became more exact.
    pub(super) retimed: BTreeSet<i64>,
    /// Of the records of these the first and last new event.
    pub(super) sights: BTreeMap<i64, (Timestamp, Timestamp)>,
}

impl Added {
    pub(super) fn add(&mut self, event: &Event, doubts: &Doubts) -> Result<(), Failure> {
        self.outcome(event).added += 1;
        if let Some(&machine) = doubts.joined.get(&event.machine) {
            let time = event.time()?;
            let sight = self.sights.entry(event.machine).or_insert((time, time));
            *sight = (sight.0.min(time), sight.1.max(time));
            self.of_joined.entry(machine).or_default().insert((event.account, event.day));
            return Ok(());
        }
        let kind = LogonType::new(event.logon_type.into())
            .ok_or_else(|| Failure::Damaged(format!("{} is no logon type", event.logon_type)))?;
        let one = Relation::of(event.time()?, kind);
        self.days
            .entry((event.account, event.machine, event.day, event.logon_type))
            .and_modify(|day| day.add(&one))
            .or_insert(one);
        Ok(())
    }

    /// What became of the logons of an event's part.
    pub(super) fn outcome(&mut self, event: &Event) -> &mut Recorded {
        &mut self.recorded[event.part as usize]
    }

    /// An event's time became more exact.
    pub(super) fn correct(&mut self, event: &Event, doubts: &Doubts) {
        match doubts.joined.get(&event.machine) {
            Some(&machine) => {
                self.of_joined.entry(machine).or_default().insert((event.account, event.day));
                self.retimed.insert(event.machine);
            }
            None => {
                self.corrected.insert((event.account, event.machine, event.day));
            }
        }
    }
}

impl Event {
    /// Whether a known event of the same second and session, with this record number, is this
    /// one: a source without record numbers meets one with them.
    pub(super) fn may_be(&self, record: i64) -> bool {
        record == self.record || record == 0 || self.record == 0
    }

    pub(super) fn of(
        logon: &Logon,
        account: i64,
        machine: i64,
        remote: Option<i64>,
        part: u32,
    ) -> Self {
        Self {
            day: logon.time.day().0,
            account,
            machine,
            second: logon.time.ticks_of_day() / TICKS_PER_SECOND,
            session: logon.key.session.cast_signed(),
            record: logon.key.record.unwrap_or(0).cast_signed(),
            fraction: logon.time.fraction(),
            logon_type: logon.logon_type.number(),
            remote,
            source: logon.source as u8,
            part,
        }
    }

    fn time(&self) -> Result<Timestamp, Failure> {
        timestamp(i64::from(self.day) * DAY + self.second * TICKS_PER_SECOND + self.fraction)
    }
}
