//! Telemetry and decisions in any order and cut, against a plain oracle.

use std::collections::{BTreeMap, BTreeSet};

use inventory::identity::{Decision, Held, IdentifierKind, Record, full_name, resolve};
use inventory::relation::Relation;
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Logon { machine: usize, user: usize, second: i64, fraction: i64, session: u64, numbered: bool },
    Report { machine: usize, second: i64 },
    Decide { record: usize, decision: usize },
}

const NAMES: [&str; 5] = ["ws1", "WS1.corp", "ws2.corp", "ws2", "db.corp"];
const USERS: [&str; 2] = ["CORP\\jdoe", "CORP\\anna"];

fn machines() -> impl Strategy<Value = Vec<MachineRef>> {
    let kinds =
        [IdentifierKind::MachineId, IdentifierKind::HardwareUuid, IdentifierKind::OsqueryHost];
    let told = proptest::option::weighted(0.5, (select(kinds.to_vec()), 0u128..3));
    let device = proptest::option::weighted(0.3, 0u128..2);
    let one = (select(NAMES.to_vec()), proptest::option::of(0u8..4), told, device);
    proptest::collection::vec(one, 2..7).prop_map(|all| {
        let machine = |(name, id, told, device): (&str, Option<u8>, Option<_>, Option<u128>)| {
            let machine = MachineRef {
                id: id.map(|id| MachineId([id; 20])),
                aad_device_id: device.map(|device| Uuid::from_u128(device + 50)),
                ..MachineRef::named(name)
            };
            machine.identified(told.map(|(kind, value)| identifier(kind, value)))
        };
        all.into_iter().map(machine).collect()
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let logon = (0usize..7, 0usize..2, 0i64..20, 0i64..3, 0u64..6, any::<bool>()).prop_map(
        |(machine, user, second, fraction, session, numbered)| {
            let fraction = fraction * 1_000_000;
            Step::Logon { machine, user, second, fraction, session, numbered }
        },
    );
    let report =
        (0usize..7, 0i64..20).prop_map(|(machine, second)| Step::Report { machine, second });
    let decide =
        (0usize..7, 0usize..9).prop_map(|(record, decision)| Step::Decide { record, decision });
    let step = prop_oneof![8 => logon, 2 => report, 2 => decide];
    proptest::collection::vec(step, 1..30)
}

fn moment(second: i64, fraction: i64) -> Timestamp {
    Timestamp::from_ticks(time(START).ticks() + second * TICKS_PER_SECOND + fraction).unwrap()
}

fn event(machines: &[MachineRef], step: &Step) -> Option<Logon> {
    let Step::Logon { machine, user, second, fraction, session, numbered } = *step else {
        return None;
    };
    let kind = [2, 3, 10][session as usize % 3];
    let mut logon = logon(USERS[user], "x", START, kind, session + 1);
    logon.machine = machines[machine % machines.len()].clone();
    logon.time = moment(second, fraction);
    logon.key.record = numbered.then_some(session + 1);
    Some(logon)
}

fn decision(ids: &[MachineId], record: MachineId, number: usize) -> Decision {
    match number {
        0 => apart(),
        1 => Decision::default(),
        number => {
            let into = ids[number % ids.len()];
            if into == record { Decision::default() } else { merged(into) }
        }
    }
}

/// What is shown of a machine, and what was done on it.
type Shown = BTreeMap<MachineId, (Option<MachineId>, bool, Timestamp, Timestamp, String)>;
type Done = BTreeMap<(String, MachineId), Relation>;

/// What the steps mean, whatever their order but for the decisions.
fn expected(machines: &[MachineRef], steps: &[Step]) -> (Shown, Done) {
    let mut told: BTreeMap<MachineId, Vec<(&MachineRef, Timestamp)>> = BTreeMap::new();
    let mut decisions: BTreeMap<MachineId, Decision> = BTreeMap::new();
    let ids: Vec<_> = machines.iter().map(MachineRef::machine_id).collect();
    for step in steps {
        match *step {
            Step::Logon { machine, second, fraction, .. } => {
                let machine = &machines[machine % machines.len()];
                told.entry(machine.machine_id())
                    .or_default()
                    .push((machine, moment(second, fraction)));
            }
            Step::Report { machine, second } => {
                let machine = &machines[machine % machines.len()];
                told.entry(machine.machine_id()).or_default().push((machine, moment(second, 0)));
            }
            Step::Decide { record, decision: number } => {
                let record = ids[record % ids.len()];
                // Of what is not known nothing can be decided.
                if told.contains_key(&record) {
                    decisions.insert(record, decision(&ids, record, number));
                }
            }
        }
    }
    let mut records: Vec<Record> = Vec::new();
    for (&id, sights) in &told {
        let &(last, _) = sights.iter().max_by_key(|(machine, at)| (*at, &machine.name)).unwrap();
        let mut held: BTreeMap<(IdentifierKind, Vec<u8>), (i64, i64)> = BTreeMap::new();
        for &(machine, at) in sights {
            let told = machine.identifiers.iter().map(|it| (it.kind, it.value.as_bytes().to_vec()));
            let device = machine.aad_device_id.map(|id| id.as_bytes().to_vec());
            let device = device.map(|id| (IdentifierKind::EntraDeviceId, id));
            let name = full_name(&machine.name).map(String::into_bytes);
            let name = name.map(|name| (IdentifierKind::DnsName, name));
            for value in told.chain(device).chain(name) {
                let span = held.entry(value).or_insert((at.ticks(), at.ticks()));
                *span = (span.0.min(at.ticks()), span.1.max(at.ticks()));
            }
        }
        let held = held.into_iter().map(|((kind, value), (first_seen, last_seen))| Held {
            kind,
            value,
            first_seen,
            last_seen,
            is_common: false,
        });
        records.push(Record {
            id,
            name: last.name.clone(),
            held: held.collect(),
            decision: decisions.get(&id).copied().unwrap_or_default(),
        });
    }
    let places = resolve(&records);
    let of: BTreeMap<MachineId, MachineId> =
        records.iter().zip(&places).map(|(it, place)| (it.id, records[place.machine].id)).collect();

    let mut events: BTreeMap<(String, MachineId, i64, u64), (i64, LogonType)> = BTreeMap::new();
    for step in steps {
        let (Some(logon), &Step::Logon { second, fraction, session, .. }) =
            (event(machines, step), step)
        else {
            continue;
        };
        let key = (logon.account.name, of[&logon.machine.machine_id()], second, session);
        let exact = events.entry(key).or_insert((fraction, logon.logon_type));
        exact.0 = exact.0.max(fraction);
    }
    let mut done: Done = BTreeMap::new();
    for ((user, machine, second, _), (fraction, kind)) in events {
        let one = Relation::of(moment(second, fraction), kind);
        let relation = done.entry((user, machine));
        relation.and_modify(|sum| sum.add(&one)).or_insert(one);
    }
    let mut shown: Shown = BTreeMap::new();
    for (record, place) in records.iter().zip(&places) {
        let machine = records[place.machine].id;
        if machine != record.id && !place.is_merged {
            continue;
        }
        let is_of =
            |id: &&MachineId| if place.is_merged { **id == record.id } else { of[*id] == machine };
        let mut times: BTreeSet<Timestamp> = BTreeSet::new();
        for id in told.keys().filter(is_of) {
            times.extend(reported(machines, steps, *id));
        }
        if place.is_merged {
            times.extend(exact_times(machines, steps, record.id));
        } else {
            let relations = done.iter().filter(|((_, of), _)| *of == machine);
            times.extend(relations.flat_map(|(_, it)| [it.first_seen, it.last_seen]));
        }
        let into = place.is_merged.then_some(machine);
        let ends = (*times.first().unwrap(), *times.last().unwrap());
        let duplicate = place.is_potential_duplication;
        shown.insert(record.id, (into, duplicate, ends.0, ends.1, record.name.clone()));
    }
    (shown, done)
}

fn reported(machines: &[MachineRef], steps: &[Step], id: MachineId) -> Vec<Timestamp> {
    let of = |step: &Step| match *step {
        Step::Report { machine, second } => {
            (machines[machine % machines.len()].machine_id() == id).then(|| moment(second, 0))
        }
        _ => None,
    };
    steps.iter().filter_map(of).collect()
}

/// The times of a record's own events, each as exact as any of its sights.
fn exact_times(machines: &[MachineRef], steps: &[Step], id: MachineId) -> Vec<Timestamp> {
    let mut events: BTreeMap<(String, i64, u64), i64> = BTreeMap::new();
    for step in steps {
        if let (Some(logon), &Step::Logon { second, fraction, session, .. }) =
            (event(machines, step), step)
            && logon.machine.machine_id() == id
        {
            let exact = events.entry((logon.account.name, second, session)).or_insert(fraction);
            *exact = fraction.max(*exact);
        }
    }
    events.into_iter().map(|((_, second, _), fraction)| moment(second, fraction)).collect()
}

async fn found(fixture: &Fixture) -> (Shown, Done) {
    let machines = fixture.shown().await;
    let shown = machines.into_iter().map(|it| {
        let of = (it.merged_into, it.is_potential_duplication, it.first_seen, it.last_seen);
        (it.id, (of.0, of.1, of.2, of.3, it.computer_dns_name))
    });
    let rows = fixture.listed().await.into_iter();
    let done = rows.map(|row| ((row.account.name, row.machine_id), row.relation));
    (shown.collect(), done.collect())
}

/// Carries out steps, those between two cuts in one batch.
async fn carry_out(fixture: &Fixture, machines: &[MachineRef], steps: &[Step], cut: usize) {
    let ids: Vec<_> = machines.iter().map(MachineRef::machine_id).collect();
    for some in steps.chunks(cut) {
        let logons: Vec<_> = some.iter().filter_map(|step| event(machines, step)).collect();
        if !logons.is_empty() {
            fixture.store.record(fixture.tenant, logons).await.unwrap();
        }
        for step in some {
            match *step {
                Step::Report { machine, second } => {
                    let report = MachineReport {
                        machine: machines[machine % machines.len()].clone(),
                        time: moment(second, 0),
                        facts: MachineFacts::default(),
                    };
                    fixture.store.describe(fixture.tenant, vec![report]).await.unwrap();
                }
                Step::Decide { record, decision: number } => {
                    let record = ids[record % ids.len()];
                    let decisions = vec![(record, decision(&ids, record, number))];
                    let scope = fixture.scope();
                    fixture.store.decide_identities(&scope, decisions, author()).await.unwrap();
                }
                Step::Logon { .. } => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Telemetry in any order and cut, people's decisions last: always the same.
    #[test]
    fn who_is_who_does_not_depend_on_the_order(
        machines in machines(),
        (steps, shuffled) in steps().prop_flat_map(|steps| {
            (Just(steps.clone()), Just(steps).prop_shuffle())
        }),
        cut in 1usize..12,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let is_decision = |step: &&Step| matches!(step, Step::Decide { .. });
            for told in [&steps, &shuffled] {
                let mut in_order: Vec<Step> =
                    told.iter().filter(|step| !is_decision(step)).cloned().collect();
                in_order.extend(steps.iter().filter(is_decision).cloned());
                let fixture = Fixture::new().await;
                carry_out(&fixture, &machines, &in_order, cut).await;
                assert_eq!(found(&fixture).await, expected(&machines, &in_order));
            }
        });
    }

    /// Decisions in the midst of telemetry, and all of them undone: as if there had been none.
    #[test]
    fn decisions_leave_no_trace(machines in machines(), steps in steps(), cut in 1usize..12) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::new().await;
            carry_out(&fixture, &machines, &steps, 1).await;
            assert_eq!(found(&fixture).await, expected(&machines, &steps));
            for machine in &machines {
                let none = vec![(machine.machine_id(), Decision::default())];
                fixture.store.decide_identities(&fixture.scope(), none, author()).await.unwrap();
            }
            let told: Vec<Step> =
                steps.iter().filter(|step| !matches!(step, Step::Decide { .. })).cloned().collect();
            let plain = Fixture::new().await;
            carry_out(&plain, &machines, &told, cut).await;
            // Of two Entra device ids that were told of one name the first is shown.
            assert_eq!(found(&fixture).await, found(&plain).await);
        });
    }
}
