//! Folding logons and reports into the database: one transaction a batch.
//!
//! A batch is sorted by the event table's key, so that rows are written side by side; what it
//! adds to relations and machines is summed in memory first and written once. The outcome is the
//! same for any order of logons and batches: times fold by minimum and maximum, counts by the
//! event table's word on what is new, and of two readings of one event the one with the larger
//! fraction of a second holds, since shippers cut times and never add to them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use inventory::account::Account;
use inventory::fold;
use inventory::ids::{MachineId, TenantId};
use inventory::logon::{Logon, LogonType, MachineRef};
use inventory::machine::MachineReport;
use inventory::relation::Relation;
use inventory::session::SessionEvent;
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::groups::{self, Matchers};
use super::known::{Known, host_key};
use super::{Failure, addresses, sessions, tags};
use crate::Recorded;

/// Ticks of a day, for times made of a day and a time of day in SQL.
const DAY: i64 = 864_000_000_000;

/// The connection that writes, with what it remembers of the database.
pub(super) struct Writer {
    pub(super) connection: Connection,
    known: Known,
    matchers: Matchers,
}

/// A logon with the numbers that the database knows it by, in the order of the event table.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    day: i32,
    account: i64,
    machine: i64,
    second: i64,
    session: i64,
    record: i64,
    fraction: i64,
    logon_type: u8,
    remote: Option<i64>,
    source: u8,
}

/// The name under which a machine was last seen; of two at one moment the greater text, so that
/// the order of logons does not matter.
type Naming<'a> = (Timestamp, &'a str);

/// A machine that is known by its id alone is called by it until somebody names it.
fn naming(time: Timestamp, machine: &MachineRef) -> Naming<'_> {
    let is_id = MachineId::parse(&machine.name).is_some();
    (if is_id { Timestamp::MIN } else { time }, &machine.name)
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, known: Known::default(), matchers: Matchers::default() }
    }

    /// Forgets remembered numbers; for changes that remove rows.
    pub(super) fn forget(&mut self) {
        self.known.forget();
    }

    /// Begins a change that other writers wait for.
    pub(super) fn transaction(&mut self) -> rusqlite::Result<Transaction<'_>> {
        self.connection.transaction_with_behavior(TransactionBehavior::Immediate)
    }

    /// The same, for a change that moves machines between device groups.
    pub(super) fn transaction_with_matchers(
        &mut self,
    ) -> rusqlite::Result<(Transaction<'_>, &mut Matchers)> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok((transaction, &mut self.matchers))
    }

    /// Adds logons.
    pub(super) fn record(
        &mut self,
        tenant: TenantId,
        logons: &[Logon],
    ) -> Result<Recorded, Failure> {
        self.transact(tenant, |batch| batch.record(logons))
    }

    /// Takes machines' reports of themselves.
    pub(super) fn describe(
        &mut self,
        tenant: TenantId,
        reports: &[MachineReport],
    ) -> Result<(), Failure> {
        self.transact(tenant, |batch| reports.iter().try_for_each(|report| batch.describe(report)))
    }

    /// Takes what happened to sessions.
    pub(super) fn note_sessions(
        &mut self,
        tenant: TenantId,
        events: &[SessionEvent],
    ) -> Result<(), Failure> {
        let transaction = self.transaction()?;
        sessions::note(&transaction, tenant, events)?;
        Ok(transaction.commit()?)
    }

    fn transact<T>(
        &mut self,
        tenant: TenantId,
        change: impl FnOnce(&mut Batch<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.known.check(&transaction)?;
        let mut batch =
            Batch { db: &transaction, tenant, known: &mut self.known, misplaced: BTreeSet::new() };
        let outcome = change(&mut batch)
            .and_then(|done| batch.place(&mut self.matchers).map(|()| done))
            .and_then(|done| transaction.commit().map(|()| done).map_err(Failure::from));
        if outcome.is_err() {
            // What was remembered in this batch was rolled back with it.
            self.known.forget();
        }
        outcome
    }
}

/// What a batch's events add.
#[derive(Default)]
struct Added {
    recorded: Recorded,
    /// By account, machine, day and logon type, in the order of the table's key.
    days: BTreeMap<(i64, i64, i32, u8), Relation>,
    /// Accounts, machines and days of events whose time became more exact.
    corrected: BTreeSet<(i64, i64, i32)>,
}

struct Batch<'a> {
    db: &'a Transaction<'a>,
    tenant: TenantId,
    known: &'a mut Known,
    /// Machines that may belong into another device group than they are in.
    misplaced: BTreeSet<i64>,
}

impl Batch<'_> {
    /// Puts machines that are new or have changed into their device groups.
    fn place(&self, matchers: &mut Matchers) -> Result<(), Failure> {
        if self.misplaced.is_empty() {
            return Ok(());
        }
        let Some(matcher) = matchers.of(self.db, self.tenant)? else { return Ok(()) };
        self.misplaced.iter().try_for_each(|&machine| groups::place(self.db, &matcher, machine))
    }

    fn record(&mut self, logons: &[Logon]) -> Result<Recorded, Failure> {
        let (mut events, namings) = self.resolve(logons)?;
        events.sort_unstable();

        let added = self.add_events(&events)?;
        self.add_days(&added.days)?;
        for (&machine, &naming) in &namings {
            self.name(machine, naming)?;
        }
        for &(account, machine, day) in &added.corrected {
            self.recompute(account, machine, day)?;
        }
        Ok(added.recorded)
    }

    /// Finds or makes the numbers of every account, machine and remote. Most logons of a batch
    /// share them, so they are looked up by reference first.
    fn resolve<'l>(
        &mut self,
        logons: &'l [Logon],
    ) -> Result<(Vec<Event>, HashMap<i64, Naming<'l>>), Failure> {
        let mut events = Vec::with_capacity(logons.len());
        let mut namings: HashMap<i64, Naming<'l>> = HashMap::new();
        let mut machines: HashMap<&MachineRef, i64> = HashMap::new();
        let mut accounts: HashMap<&Account, i64> = HashMap::new();
        let mut remotes: HashMap<(Option<IpAddr>, Option<&str>), Option<i64>> = HashMap::new();
        for logon in logons {
            let machine = match machines.get(&logon.machine) {
                Some(&number) => number,
                None => {
                    let number = self.machine(&logon.machine)?;
                    machines.insert(&logon.machine, number);
                    number
                }
            };
            let account = match accounts.get(&logon.account) {
                Some(&number) => number,
                None => {
                    let number = self.known.account(self.db, self.tenant, &logon.account)?;
                    accounts.insert(&logon.account, number);
                    number
                }
            };
            let remote = (logon.remote_address, logon.remote_name.as_deref());
            let remote = match remotes.get(&remote) {
                Some(&number) => number,
                None => {
                    let number = self.known.remote(self.db, remote.0, remote.1)?;
                    remotes.insert(remote, number);
                    number
                }
            };
            let naming = naming(logon.time, &logon.machine);
            namings.entry(machine).and_modify(|last| *last = naming.max(*last)).or_insert(naming);
            events.push(Event::of(logon, account, machine, remote));
        }
        Ok((events, namings))
    }

    /// Writes the events that are new, in the order of the table's key.
    fn add_events(&self, events: &[Event]) -> Result<Added, Failure> {
        let mut known = self.db.prepare_cached(
            "SELECT record, fraction FROM event WHERE day = ?1 AND account = ?2
             AND machine = ?3 AND second = ?4 AND session = ?5 ORDER BY record",
        )?;
        let mut insert = self.db.prepare_cached(
            "INSERT INTO event (day, account, machine, second, session, record,
                 fraction, logon_type, remote, source)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        let mut added = Added::default();
        for event in events {
            let same = known
                .query_map(
                    params![event.day, event.account, event.machine, event.second, event.session],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?
                .filter(|row| row.as_ref().map_or(true, |&(record, _)| event.may_be(record)))
                // The same record number is a better match than none.
                .try_fold(None, |best, row: rusqlite::Result<(i64, i64)>| match (best, row?) {
                    (Some(best), row) if row.0 != event.record => Ok(Some(best)),
                    (_, row) => Ok::<_, rusqlite::Error>(Some(row)),
                })?;
            match same {
                None => {
                    insert.execute(params![
                        event.day,
                        event.account,
                        event.machine,
                        event.second,
                        event.session,
                        event.record,
                        event.fraction,
                        event.logon_type,
                        event.remote,
                        event.source
                    ])?;
                    added.add(event)?;
                }
                Some((record, fraction)) => {
                    added.recorded.duplicates += 1;
                    if self.refine(event, record, fraction)? {
                        added.corrected.insert((event.account, event.machine, event.day));
                    }
                }
            }
        }
        Ok(added)
    }

    /// Takes what a second sight of an event tells better; `true` when that moves its time.
    fn refine(&self, event: &Event, record: i64, fraction: i64) -> Result<bool, Failure> {
        if record >= event.record && fraction >= event.fraction {
            return Ok(false);
        }
        self.db
            .prepare_cached(
                "UPDATE event SET record = max(record, ?7), fraction = max(fraction, ?8),
                     remote = coalesce(remote, ?9)
                 WHERE day = ?1 AND account = ?2 AND machine = ?3 AND second = ?4
                 AND session = ?5 AND record = ?6",
            )?
            .execute(params![
                event.day,
                event.account,
                event.machine,
                event.second,
                event.session,
                record,
                event.record,
                event.fraction,
                event.remote
            ])?;
        Ok(event.fraction > fraction)
    }

    /// Adds what is new of each relation and day, and what follows for relations and machines.
    fn add_days(&self, days: &BTreeMap<(i64, i64, i32, u8), Relation>) -> Result<(), Failure> {
        let mut add_day = self.db.prepare_cached(
            "INSERT INTO relation_day (account, machine, day, logon_type,
                 first_tick, last_tick, logon_count) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO UPDATE SET first_tick = min(first_tick, excluded.first_tick),
                 last_tick = max(last_tick, excluded.last_tick),
                 logon_count = logon_count + excluded.logon_count",
        )?;
        let mut relations: BTreeMap<(i64, i64), Relation> = BTreeMap::new();
        for (&(account, machine, day, logon_type), relation) in days {
            add_day.execute(params![
                account,
                machine,
                day,
                logon_type,
                relation.first_seen.ticks_of_day(),
                relation.last_seen.ticks_of_day(),
                relation.logon_count.cast_signed()
            ])?;
            relations
                .entry((account, machine))
                .and_modify(|sum| sum.add(relation))
                .or_insert(*relation);
        }
        let mut add_relation = self.db.prepare_cached(
            "INSERT INTO relation (account, machine, first_seen, last_seen, logon_types,
                 logon_count) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET first_seen = min(first_seen, excluded.first_seen),
                 last_seen = max(last_seen, excluded.last_seen),
                 logon_types = logon_types | excluded.logon_types,
                 logon_count = logon_count + excluded.logon_count",
        )?;
        let mut machines: BTreeMap<i64, Relation> = BTreeMap::new();
        for (&(account, machine), relation) in &relations {
            machines.entry(machine).and_modify(|sum| sum.add(relation)).or_insert(*relation);
            add_relation.execute(params![
                account,
                machine,
                relation.first_seen.ticks(),
                relation.last_seen.ticks(),
                relation.logon_types.bits(),
                relation.logon_count.cast_signed()
            ])?;
        }
        for (&machine, seen) in &machines {
            self.sight(machine, seen.first_seen, seen.last_seen)?;
        }
        Ok(())
    }

    fn machine(&mut self, machine: &MachineRef) -> Result<i64, Failure> {
        self.known.machine(self.db, self.tenant, machine, &mut self.misplaced)
    }

    /// Names a machine as it was last reported. The same name in another case, or again, leaves
    /// the indexes by name and the device group alone.
    fn name(&mut self, machine: i64, (time, name): Naming<'_>) -> Result<(), Failure> {
        let name_key = fold(name);
        let same = self
            .db
            .prepare_cached(
                "UPDATE machine SET name = ?3, name_at = ?2
                 WHERE number = ?1 AND name_key = ?4 AND (?2, ?3) > (name_at, name)",
            )?
            .execute(params![machine, time.ticks(), name, name_key])?;
        if same == 1 {
            return Ok(());
        }
        let renamed = self
            .db
            .prepare_cached(
                "UPDATE machine SET name = ?3, name_key = ?4, host_key = ?5, name_at = ?2
                 WHERE number = ?1 AND name_key <> ?4 AND (?2, ?3) > (name_at, name)",
            )?
            .execute(params![machine, time.ticks(), name, name_key, host_key(&name_key)])?;
        if renamed == 1 {
            self.misplaced.insert(machine);
        }
        Ok(())
    }

    fn sight(&self, machine: i64, first: Timestamp, last: Timestamp) -> Result<(), Failure> {
        self.db
            .prepare_cached(
                "UPDATE machine SET first_seen = min(first_seen, ?2), last_seen = max(last_seen, ?3)
                 WHERE number = ?1 AND (first_seen > ?2 OR last_seen < ?3)",
            )?
            .execute(params![machine, first.ticks(), last.ticks()])?;
        Ok(())
    }

    /// Makes a relation's times anew from its events of one day, after an event's time moved.
    fn recompute(&self, account: i64, machine: i64, day: i32) -> Result<(), Failure> {
        self.db
            .prepare_cached(
                "UPDATE relation_day SET first_tick = times.first, last_tick = times.last
                 FROM (SELECT logon_type, min(second * ?4 + fraction) AS first,
                           max(second * ?4 + fraction) AS last
                       FROM event WHERE day = ?3 AND account = ?1 AND machine = ?2
                       GROUP BY logon_type) AS times
                 WHERE relation_day.account = ?1 AND relation_day.machine = ?2
                 AND relation_day.day = ?3 AND relation_day.logon_type = times.logon_type",
            )?
            .execute(params![account, machine, day, TICKS_PER_SECOND])?;
        recompute_relation(self.db, account, machine)?;
        recompute_machine(self.db, machine)
    }

    fn describe(&mut self, report: &MachineReport) -> Result<(), Failure> {
        let number = self.machine(&report.machine)?;
        self.name(number, naming(report.time, &report.machine))?;
        self.sight(number, report.time, report.time)?;
        if super::read::facts::write(self.db, number, report)? {
            self.misplaced.insert(number);
        }
        if tags::add(self.db, self.tenant, number, &report.facts.tags)? {
            self.misplaced.insert(number);
        }
        addresses::note(self.db, self.tenant, number, report)
    }
}

/// Sets a relation's times from its days.
pub(super) fn recompute_relation(
    db: &Connection,
    account: i64,
    machine: i64,
) -> Result<(), Failure> {
    db.prepare_cached(
        "UPDATE relation SET first_seen = times.first, last_seen = times.last,
             logon_types = times.types, logon_count = times.count
         FROM (SELECT min(day * ?3 + first_tick) AS first, max(day * ?3 + last_tick) AS last,
                   sum(DISTINCT 1 << logon_type) AS types, sum(logon_count) AS count
               FROM relation_day WHERE account = ?1 AND machine = ?2) AS times
         WHERE account = ?1 AND machine = ?2",
    )?
    .execute(params![account, machine, DAY])?;
    Ok(())
}

/// Sets a machine's times from its relations and reports.
pub(super) fn recompute_machine(db: &Connection, machine: i64) -> Result<(), Failure> {
    // min() and max() of one row are NULL when any argument is, hence the coalesce.
    db.prepare_cached(
        "UPDATE machine SET
             first_seen = min(coalesce(times.first, first_report), coalesce(first_report, times.first)),
             last_seen = max(coalesce(times.last, last_report), coalesce(last_report, times.last))
         FROM (SELECT min(first_seen) AS first, max(last_seen) AS last
               FROM relation WHERE machine = ?1) AS times
         WHERE number = ?1",
    )?
    .execute([machine])?;
    Ok(())
}

impl Added {
    fn add(&mut self, event: &Event) -> Result<(), Failure> {
        self.recorded.added += 1;
        let kind = LogonType::new(event.logon_type.into())
            .ok_or_else(|| Failure::Damaged(format!("{} is no logon type", event.logon_type)))?;
        let one = Relation::of(event.time()?, kind);
        self.days
            .entry((event.account, event.machine, event.day, event.logon_type))
            .and_modify(|day| day.add(&one))
            .or_insert(one);
        Ok(())
    }
}

impl Event {
    /// Whether a known event of the same second and session, with this record number, is this
    /// one: a source without record numbers meets one with them.
    fn may_be(&self, record: i64) -> bool {
        record == self.record || record == 0 || self.record == 0
    }

    fn of(logon: &Logon, account: i64, machine: i64, remote: Option<i64>) -> Self {
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
        }
    }

    fn time(&self) -> Result<Timestamp, Failure> {
        super::values::timestamp(
            i64::from(self.day) * DAY + self.second * TICKS_PER_SECOND + self.fraction,
        )
    }
}
