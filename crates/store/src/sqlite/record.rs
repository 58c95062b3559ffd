//! Folding logons and reports into the database: one transaction a batch.
//!
//! A batch is sorted by the event table's key, so that rows are written side by side; what it
//! adds to relations and machines is summed in memory first and written once. The outcome is the
//! same for any order of logons and batches: times fold by minimum and maximum, counts by the
//! event table's word on what is new, and of two readings of one event the one with the larger
//! fraction of a second holds, since shippers cut times and never add to them.

mod event;
mod events;

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;
use inventory::fold;
use inventory::ids::{MachineId, TenantId};
use inventory::logon::MachineRef;
use inventory::machine::MachineReport;
use inventory::relation::Relation;
use inventory::session::SessionEvent;
use inventory::time::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use self::event::{Added, DayKey, Event};
use super::groups::{self, Matchers};
use super::identity::{self, Belongs, Doubts};
use super::known::{Known, host_key};
use super::rows::Rows;
use super::times::{recompute_day, recompute_machine};
use super::{Failure, addresses, persons, senders, sessions, tags};
use crate::batch::{Gathered, LogonBatch};
use crate::{Delivery, Recorded};

/// The connection that writes, with what it remembers of the database.
pub(super) struct Writer {
    pub(super) connection: Connection,
    known: Known,
    matchers: Matchers,
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

    /// Makes a change in one transaction.
    pub(super) fn change<T>(
        &mut self,
        change: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let transaction = self.transaction()?;
        let done = change(&transaction)?;
        transaction.commit()?;
        Ok(done)
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
        logons: &LogonBatch,
    ) -> Result<Recorded, Failure> {
        let recorded = self.transact(tenant, |batch| batch.record(logons))?;
        Ok(recorded.first().copied().unwrap_or_default())
    }

    /// Takes what several senders sent in one transaction; what became of each one's logons.
    pub(super) fn deliver(&mut self, deliveries: &[Delivery]) -> Result<Vec<Recorded>, Failure> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = deliver(&transaction, &mut self.known, &mut self.matchers, deliveries)
            .and_then(|done| transaction.commit().map(|()| done).map_err(Failure::from));
        if outcome.is_err() {
            self.known.forget();
        }
        outcome
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
        let outcome = within(&transaction, &mut self.known, &mut self.matchers, tenant, change)
            .and_then(|done| transaction.commit().map(|()| done).map_err(Failure::from));
        if outcome.is_err() {
            // What was remembered in this batch was rolled back with it.
            self.known.forget();
        }
        outcome
    }
}

/// Takes a tenant's telemetry within a transaction.
fn within<T>(
    transaction: &Transaction<'_>,
    known: &mut Known,
    matchers: &mut Matchers,
    tenant: TenantId,
    change: impl FnOnce(&mut Batch<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    known.check(transaction)?;
    let mut batch = Batch {
        db: transaction,
        tenant,
        known,
        misplaced: BTreeSet::new(),
        doubts: Doubts::default(),
    };
    let done = change(&mut batch)?;
    batch.settle()?;
    batch.place(matchers)?;
    Ok(done)
}

fn deliver(
    transaction: &Transaction<'_>,
    known: &mut Known,
    matchers: &mut Matchers,
    deliveries: &[Delivery],
) -> Result<Vec<Recorded>, Failure> {
    let mut outcomes = vec![Recorded::default(); deliveries.len()];
    let tenants: BTreeSet<TenantId> = deliveries.iter().map(|delivery| delivery.tenant).collect();
    for tenant in tenants {
        let of_tenant: Vec<usize> =
            (0..deliveries.len()).filter(|&at| deliveries[at].tenant == tenant).collect();
        let parts = || of_tenant.iter().map(|&at| &deliveries[at]);
        let mut logons = LogonBatch::default();
        for part in parts() {
            logons.extend(&part.logons);
            logons.end_part();
        }
        let recorded = within(transaction, known, matchers, tenant, |batch| {
            parts().flat_map(|it| &it.reports).try_for_each(|report| batch.describe(report))?;
            batch.record(&logons)
        })?;
        for part in parts() {
            sessions::note(transaction, tenant, &part.changes)?;
            persons::identify(transaction, tenant, &part.identities)?;
        }
        for (&at, recorded) in of_tenant.iter().zip(recorded) {
            outcomes[at] = recorded;
            senders::count(transaction, &deliveries[at], recorded)?;
        }
    }
    Ok(outcomes)
}

struct Batch<'a> {
    db: &'a Transaction<'a>,
    tenant: TenantId,
    known: &'a mut Known,
    /// Machines that may belong into another device group than they are in.
    misplaced: BTreeSet<i64>,
    doubts: Doubts,
}

/// When machines were first and last logged on to, by their numbers.
type Sights = HashMap<i64, (Timestamp, Timestamp), RandomState>;

impl Batch<'_> {
    /// Joins and parts the records of which this batch told something new.
    fn settle(&mut self) -> Result<(), Failure> {
        for &machine in &self.doubts.changed {
            identity::rows::refresh(self.db, machine)?;
            self.misplaced.insert(machine);
        }
        let waiting = identity::settle_some(self.db, self.tenant)?;
        let told = identity::settle(self.db, self.tenant, &self.doubts.unsettled)?;
        if waiting.any || told.any {
            self.known.forget();
        }
        self.misplaced.extend(waiting.misplaced.into_iter().chain(told.misplaced));
        Ok(())
    }

    /// Puts machines that are new or have changed into their device groups.
    fn place(&self, matchers: &mut Matchers) -> Result<(), Failure> {
        if self.misplaced.is_empty() {
            return Ok(());
        }
        let Some(matcher) = matchers.of(self.db, self.tenant)? else { return Ok(()) };
        self.misplaced.iter().try_for_each(|&machine| groups::place(self.db, &matcher, machine))
    }

    /// Adds the logons of each part; what became of them, part by part.
    fn record(&mut self, logons: &LogonBatch) -> Result<Vec<Recorded>, Failure> {
        let mut namings = HashMap::default();
        let mut events = self.resolve(logons, &mut namings)?;
        events.sort_unstable();

        let mut added = self.add_events(&events, logons.part as usize + 1)?;
        let sights = self.add_days(std::mem::take(&mut added.days))?;
        for (&machine, &naming) in &namings {
            self.see(machine, naming, sights.get(&machine).copied())?;
        }
        for &(account, machine, day) in &added.corrected {
            recompute_day(self.db, account, machine, day)?;
        }
        self.add_to_joined(&added)?;
        Ok(added.recorded)
    }

    /// Finds or makes the numbers of every account, machine and remote.
    fn resolve<'l>(
        &mut self,
        logons: &'l LogonBatch,
        namings: &mut HashMap<i64, Naming<'l>, RandomState>,
    ) -> Result<Vec<Event>, Failure> {
        let mut machines = Vec::with_capacity(logons.machines.len());
        for (machine, &(first, last)) in logons.machines.iter().zip(&logons.seen) {
            let record = self.machine(machine)?.record;
            self.doubts.note(self.db, self.tenant, record, machine, (first, last))?;
            let naming = naming(last, machine);
            namings.entry(record).and_modify(|last| *last = naming.max(*last)).or_insert(naming);
            machines.push(record);
        }
        let accounts: Vec<i64> = (logons.accounts.iter())
            .map(|account| self.known.account(self.db, self.tenant, account))
            .collect::<Result<_, _>>()?;
        let remotes: Vec<Option<i64>> = (logons.remotes.iter())
            .map(|remote| self.known.remote(self.db, remote))
            .collect::<Result<_, _>>()?;
        let number = |logon: &Gathered| {
            let remote = logon.remote.and_then(|place| remotes[place as usize]);
            let (account, machine) =
                (accounts[logon.account as usize], machines[logon.machine as usize]);
            Event::of(logon, account, machine, remote)
        };
        Ok(logons.logons.iter().map(number).collect())
    }

    /// Adds what is new of each day, and what follows for relations; when each machine was logged
    /// on to.
    fn add_days(&mut self, mut days: Vec<(DayKey, Relation)>) -> Result<Sights, Failure> {
        days.sort_unstable_by_key(|&(key, _)| key);
        days.dedup_by(|(key, relation), (other, sum)| {
            let is_same = key == other;
            if is_same {
                sum.add(relation);
            }
            is_same
        });
        let mut new_days = Rows::of(
            self.db,
            "INSERT INTO relation_day (account, machine, day, logon_type,
                 first_tick, last_tick, logon_count)",
            "ON CONFLICT DO UPDATE SET first_tick = min(first_tick, excluded.first_tick),
                 last_tick = max(last_tick, excluded.last_tick),
                 logon_count = logon_count + excluded.logon_count",
        )?;
        let mut relations = Rows::of(
            self.db,
            "INSERT INTO relation (account, machine, first_seen, last_seen, logon_types,
                 logon_count)",
            "ON CONFLICT DO UPDATE SET first_seen = min(first_seen, excluded.first_seen),
                 last_seen = max(last_seen, excluded.last_seen),
                 logon_types = logon_types | excluded.logon_types,
                 logon_count = logon_count + excluded.logon_count",
        )?;
        let mut sights = Sights::default();
        for of_pair in days.chunk_by(|(one, _), (other, _)| one.pair() == other.pair()) {
            let Some(&(key, mut sum)) = of_pair.first() else { continue };
            for (_, relation) in &of_pair[1..] {
                sum.add(relation);
            }
            for (key, relation) in of_pair {
                new_days.add([
                    key.account,
                    key.machine,
                    key.day.into(),
                    key.logon_type.into(),
                    relation.first_seen.ticks_of_day(),
                    relation.last_seen.ticks_of_day(),
                    relation.logon_count.cast_signed(),
                ])?;
            }
            relations.add([
                key.account,
                key.machine,
                sum.first_seen.ticks(),
                sum.last_seen.ticks(),
                sum.logon_types.bits().into(),
                sum.logon_count.cast_signed(),
            ])?;
            self.known.widen(key.pair(), sum.first_seen, sum.last_seen);
            let sight = sights.entry(key.machine).or_insert((sum.first_seen, sum.last_seen));
            *sight = (sight.0.min(sum.first_seen), sight.1.max(sum.last_seen));
        }
        new_days.finish()?;
        relations.finish()?;
        Ok(sights)
    }

    /// Adds the events of records that are one machine with others: what two of them tell is one.
    fn add_to_joined(&mut self, added: &Added) -> Result<(), Failure> {
        for (&machine, days) in &added.of_joined {
            let records = identity::records_of(self.db, machine)?;
            identity::rebuild(self.db, machine, &records, days)?;
            recompute_machine(self.db, machine)?;
        }
        for (&record, &(first, last)) in &added.sights {
            self.sight("machine_record", record, first, last)?;
            self.doubts.changed.insert(self.doubts.machine_of(record));
        }
        for &record in &added.retimed {
            let machine = self.doubts.machine_of(record);
            identity::retime(self.db, record, machine)?;
            self.doubts.changed.insert(machine);
        }
        Ok(())
    }

    fn machine(&mut self, machine: &MachineRef) -> Result<Belongs, Failure> {
        let belongs = self.known.machine(self.db, self.tenant, machine, &mut self.misplaced)?;
        if belongs.is_new {
            let unsettled = &mut self.doubts.unsettled;
            identity::arrived(self.db, self.tenant, belongs.record, machine, unsettled)?;
        }
        if belongs.is_joined {
            self.doubts.joined.insert(belongs.record, belongs.machine);
            self.device(belongs, machine)?;
        }
        Ok(belongs)
    }

    /// Keeps the Entra device id of a record that is one of several, if it is the first.
    fn device(&mut self, belongs: Belongs, machine: &MachineRef) -> Result<(), Failure> {
        let Some(device) = machine.aad_device_id else { return Ok(()) };
        let is_first = self
            .db
            .prepare_cached(
                "UPDATE machine_record SET aad_device_id = ?2
                 WHERE number = ?1 AND aad_device_id IS NULL",
            )?
            .execute(params![belongs.record, device])?;
        if is_first == 1 {
            self.doubts.changed.insert(belongs.machine);
        }
        Ok(())
    }

    /// Where a record is kept as it is by itself.
    fn table_of(&self, record: i64) -> &'static str {
        if self.doubts.joined.contains_key(&record) { "machine_record" } else { "machine" }
    }

    /// Names a machine as it was last reported, and notes when it was there.
    fn see(
        &mut self,
        machine: i64,
        naming: Naming<'_>,
        sight: Option<(Timestamp, Timestamp)>,
    ) -> Result<(), Failure> {
        let (first, last) = sight.unwrap_or((Timestamp::MAX, Timestamp::MIN));
        if self.name_again(machine, naming, (first, last))? {
            return Ok(());
        }
        if sight.is_some() {
            self.sight("machine", machine, first, last)?;
        }
        self.rename(machine, naming)
    }

    fn name(&mut self, machine: i64, naming: Naming<'_>) -> Result<(), Failure> {
        if self.name_again(machine, naming, (Timestamp::MAX, Timestamp::MIN))? {
            return Ok(());
        }
        self.rename(machine, naming)
    }

    /// Notes that a machine still has its name, in whatever case, and when it was there: nothing of
    /// which its device group or the indexes by name need to know. `false` if it has another, or was
    /// named later than this.
    fn name_again(
        &self,
        machine: i64,
        (time, name): Naming<'_>,
        (first, last): (Timestamp, Timestamp),
    ) -> Result<bool, Failure> {
        let table = self.table_of(machine);
        let named = self
            .db
            .prepare_cached(&format!(
                "UPDATE {table} SET name = ?3, name_at = ?2,
                     first_seen = min(first_seen, ?5), last_seen = max(last_seen, ?6)
                 WHERE number = ?1 AND name_key = ?4 AND (?2, ?3) > (name_at, name)"
            ))?
            .execute(params![
                machine,
                time.ticks(),
                name,
                fold(name),
                first.ticks(),
                last.ticks()
            ])?;
        Ok(named == 1)
    }

    fn rename(&mut self, machine: i64, (time, name): Naming<'_>) -> Result<(), Failure> {
        let name_key = fold(name);
        let table = self.table_of(machine);
        let renamed = self
            .db
            .prepare_cached(&format!(
                "UPDATE {table} SET name = ?3, name_key = ?4, host_key = ?5, name_at = ?2
                 WHERE number = ?1 AND name_key <> ?4 AND (?2, ?3) > (name_at, name)"
            ))?
            .execute(params![machine, time.ticks(), name, name_key, host_key(&name_key)])?;
        if renamed == 1 {
            self.misplaced.insert(machine);
            // What it is shown as, and whether it still looks like another, may depend on its name.
            self.doubts.unsettled.insert(machine);
        }
        Ok(())
    }

    fn sight(
        &self,
        table: &str,
        machine: i64,
        first: Timestamp,
        last: Timestamp,
    ) -> Result<(), Failure> {
        self.db
            .prepare_cached(&format!(
                "UPDATE {table} SET first_seen = min(first_seen, ?2), last_seen = max(last_seen, ?3)
                 WHERE number = ?1 AND (first_seen > ?2 OR last_seen < ?3)"
            ))?
            .execute(params![machine, first.ticks(), last.ticks()])?;
        Ok(())
    }

    fn describe(&mut self, report: &MachineReport) -> Result<(), Failure> {
        let Belongs { record: number, machine, is_joined, .. } = self.machine(&report.machine)?;
        self.name(number, naming(report.time, &report.machine))?;
        let table = self.table_of(number);
        self.sight(table, number, report.time, report.time)?;
        if is_joined {
            self.sight("machine", machine, report.time, report.time)?;
            self.doubts.changed.insert(machine);
        }
        let times = (report.time, report.time);
        self.doubts.note(self.db, self.tenant, number, &report.machine, times)?;
        if super::read::facts::write(self.db, table, number, report)? {
            self.misplaced.insert(number);
        }
        let shown = if is_joined { machine } else { number };
        if tags::add(self.db, self.tenant, table, (number, shown), &report.facts.tags)? {
            self.misplaced.insert(shown);
        }
        addresses::note(self.db, self.tenant, number, report)
    }
}
