//! Events as the database knows them, and what new ones add.

use std::collections::{BTreeMap, BTreeSet};

use inventory::logon::LogonType;
use inventory::relation::Relation;
use inventory::time::{TICKS_PER_SECOND, Timestamp};

use crate::Recorded;
use crate::batch::Gathered;
use crate::sqlite::Failure;
use crate::sqlite::identity::Doubts;
use crate::sqlite::times::DAY;
use crate::sqlite::values::timestamp;

/// A logon with the numbers that the database knows it by, in the order of the event table.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub(super) day: i32,
    /// Of an hour, of the day.
    pub(super) quarter: i32,
    pub(super) account: i64,
    pub(super) machine: i64,
    /// Of the day.
    pub(super) second: i32,
    pub(super) session: i64,
    pub(super) record: i64,
    /// Of the second, in ticks.
    pub(super) fraction: i32,
    pub(super) logon_type: u8,
    pub(super) source: u8,
    /// Of the batch's parts the one that it came with.
    pub(super) part: u32,
    pub(super) remote: Option<i64>,
}

/// Seconds of a quarter of an hour, by which the events of a day lie.
const QUARTER_S: i32 = 900;

/// A row of the days of relations, in the order of the table's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DayKey {
    pub(super) account: i64,
    pub(super) machine: i64,
    pub(super) day: i32,
    pub(super) logon_type: u8,
}

impl DayKey {
    pub(super) fn pair(&self) -> (i64, i64) {
        (self.account, self.machine)
    }
}

/// What a batch's events add.
#[derive(Default)]
pub(super) struct Added {
    /// What became of the logons of each part of the batch.
    pub(super) recorded: Vec<Recorded>,
    /// What is new of the days of relations; a day may be there several times.
    pub(super) days: Vec<(DayKey, Relation)>,
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
        let (account, machine, day) = (event.account, event.machine, event.day);
        let key = DayKey { account, machine, day, logon_type: event.logon_type };
        // Events come by quarter, account and machine, so that the types of one are side by side.
        let mut of_day = (self.days.iter_mut().rev())
            .take_while(|(other, _)| other.day == day && other.pair() == key.pair());
        match of_day.find(|(other, _)| *other == key) {
            Some((_, relation)) => relation.add(&one),
            None => self.days.push((key, one)),
        }
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

    /// Whether another event is of the same second and session.
    pub(super) fn is_beside(&self, other: &Event) -> bool {
        let place =
            |event: &Event| (event.day, event.account, event.machine, event.second, event.session);
        place(self) == place(other)
    }

    pub(super) fn of(logon: &Gathered, account: i64, machine: i64, remote: Option<i64>) -> Self {
        // A day has fewer than an i32 counts, as has a second its ticks.
        let second = (logon.time.ticks_of_day() / TICKS_PER_SECOND) as i32;
        Self {
            day: logon.time.day().0,
            quarter: second / QUARTER_S,
            account,
            machine,
            second,
            session: logon.session.cast_signed(),
            record: logon.record.cast_signed(),
            fraction: logon.time.fraction() as i32,
            logon_type: logon.logon_type,
            source: logon.source,
            part: logon.part,
            remote,
        }
    }

    fn time(&self) -> Result<Timestamp, Failure> {
        let ticks = i64::from(self.second) * TICKS_PER_SECOND + i64::from(self.fraction);
        timestamp(i64::from(self.day) * DAY + ticks)
    }
}
