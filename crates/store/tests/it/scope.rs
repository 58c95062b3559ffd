//! What a scope shows equals what is left of everything when the rest is taken away by hand.

use std::collections::{BTreeMap, BTreeSet};

use inventory::ids::MachineId;
use inventory::logon::LogonTypes;
use inventory::machine::Machine;
use inventory::query::{MachineList, MachineSelector, Page, UserSelector, Window};
use inventory::relation::Relation;
use inventory::time::Timestamp;
use proptest::prelude::*;
use store::{RelationRow, Totals};
use uuid::Uuid;

use super::*;

const NAMES: [&str; 5] =
    ["ws1", "WS1.corp.example", "ws1.lab.example", "ws2.corp.example", "10.0.0.9"];
const USERS: [&str; 4] = ["corp\\jdoe", "lab\\jdoe", "corp\\anna", "kim"];
/// Platforms; a machine of the last one is in no group.
const PLATFORMS: i32 = 4;

/// A machine of the tests: its place in the arrays above decides all.
#[derive(Clone, Debug)]
struct Made {
    name: usize,
    group: i32,
    device: Option<u8>,
    merged_into: Option<usize>,
    seen: i64,
}

fn any_machine() -> impl Strategy<Value = Made> {
    let device = prop::option::of(0..2u8);
    let merged_into = prop::option::of(0..12usize);
    (0..NAMES.len(), 0..PLATFORMS, device, merged_into, 0..3i64).prop_map(
        |(name, group, device, merged_into, seen)| Made { name, group, device, merged_into, seen },
    )
}

fn id(place: usize) -> MachineId {
    let mut id = [7; 20];
    id[18..].copy_from_slice(&(place as u16).to_be_bytes());
    MachineId(id)
}

fn device(number: u8) -> Uuid {
    Uuid::from_u128(1000 + u128::from(number))
}

fn reference(machines: &[Made], place: usize) -> MachineRef {
    MachineRef {
        name: NAMES[machines[place].name].to_owned(),
        id: Some(id(place)),
        aad_device_id: machines[place].device.map(device),
        ..MachineRef::default()
    }
}

/// Machines as they are made, with the device groups already there or put upon them afterwards.
async fn fill(machines: &[Made], logons: &[(usize, usize, i64)], groups_first: bool) -> Fixture {
    let fixture = Fixture::new().await;
    let groups = || (1..PLATFORMS).map(|id| group(id, of_platform(&format!("Os{id}")))).collect();
    if groups_first {
        fixture.save_groups(groups()).await;
    }
    let reports: Vec<_> = machines
        .iter()
        .enumerate()
        .map(|(place, machine)| {
            let at = format!("2025-06-0{}T00:00:00Z", machine.seen + 1);
            runs(reference(machines, place), &at, &format!("Os{}", machine.group))
        })
        .collect();
    fixture.store.describe(fixture.tenant, reports).await.unwrap();
    let events = logons.iter().enumerate().map(|(session, &(user, place, day))| {
        let place = place % machines.len();
        let at = format!("2025-05-1{day}T08:00:00Z");
        let kind = [2, 3, 10][session % 3];
        let mut event = logon(USERS[user], "x", &at, kind, session as u64);
        event.machine = reference(machines, place);
        event
    });
    fixture.store.record(fixture.tenant, events.collect()).await.unwrap();
    if !groups_first {
        fixture.save_groups(groups()).await;
        fixture.regroup().await;
    }
    let sql = fixture.sql();
    for (place, machine) in machines.iter().enumerate() {
        if let Some(into) = machine.merged_into {
            sql.execute(
                "UPDATE machine SET merged_into = ?2 WHERE id = ?1",
                rusqlite::params![id(place).0, id(into % machines.len()).0],
            )
            .unwrap();
        }
    }
    fixture
}

async fn listed(store: &dyn Store, scope: &Scope, window: Window) -> Vec<RelationRow> {
    let mut rows = Vec::new();
    store
        .relations(scope, window, &mut |row| {
            rows.push(row);
            Ok(())
        })
        .await
        .unwrap();
    rows
}

/// What is left of everything for those who see some groups.
struct Left {
    machines: Vec<Machine>,
    ids: BTreeSet<MachineId>,
}

impl Left {
    fn of(everything: &[Machine], groups: &Groups) -> Self {
        let is_left = |machine: &&Machine| groups.contains(machine.rbac_group_id);
        let mut machines: Vec<_> = everything.iter().filter(is_left).cloned().collect();
        let ids: BTreeSet<_> = machines.iter().map(|machine| machine.id).collect();
        for machine in &mut machines {
            machine.merged_into = machine.merged_into.filter(|into| ids.contains(into));
        }
        let looks = |machine: &Machine| {
            (inventory::fold(&machine.computer_dns_name), machine.facts.aad_device_id)
        };
        let (mut names, mut devices) = (BTreeMap::new(), BTreeMap::new());
        for (name, device) in machines.iter().map(looks) {
            *names.entry(name).or_insert(0) += 1;
            *devices.entry(device).or_insert(0) += 1;
        }
        devices.remove(&None);
        for machine in &mut machines {
            let (name, device) = looks(machine);
            let has_like = names[&name] > 1 || devices.get(&device).is_some_and(|&like| like > 1);
            machine.is_potential_duplication &= has_like;
        }
        Self { machines, ids }
    }

    /// The machine that a selector means; the machines are in the order of preference.
    fn find(&self, selector: &MachineSelector) -> Option<&Machine> {
        let by = |is: &dyn Fn(&Machine) -> bool| {
            let found = || self.machines.iter().filter(|machine| is(machine));
            found().find(|machine| machine.merged_into.is_none()).or_else(|| found().next())
        };
        let key = |machine: &Machine| inventory::fold(&machine.computer_dns_name);
        match selector {
            MachineSelector::Id(id) => by(&|machine| machine.id == *id),
            MachineSelector::AadDeviceId(id) => {
                by(&|machine| machine.facts.aad_device_id == Some(*id))
            }
            MachineSelector::Name(name) => by(&|machine| key(machine) == *name).or_else(|| {
                by(&|machine| {
                    let key = key(machine);
                    key.parse::<std::net::IpAddr>().is_err() && key.split('.').next() == Some(name)
                })
            }),
        }
    }
}

/// Every read of a scope against what is left of everything.
async fn check(fixture: &Fixture, everything: &[Machine], groups: &Groups) {
    let store = &*fixture.store;
    let scope = &Scope::new(fixture.tenant, groups.clone());
    let left = Left::of(everything, groups);

    assert_eq!(
        store.machines(scope, MachineList::all(Page::ALL, Timestamp::MAX)).await.unwrap().machines,
        left.machines
    );
    for (skip, top) in [(0, 2), (1, 3), (left.machines.len() as u64, 1)] {
        let expected: Vec<_> =
            left.machines.iter().skip(skip as usize).take(top as usize).cloned().collect();
        assert_eq!(
            store
                .machines(scope, MachineList::all(Page { skip, top }, Timestamp::MAX))
                .await
                .unwrap()
                .machines,
            expected
        );
    }
    let names = ["ws1", "ws1.corp.example", "ws1.lab.example", "ws2", "10.0.0.9", "10", "nobody"];
    let selectors = names
        .iter()
        .map(|name| MachineSelector::Name((*name).to_owned()))
        .chain(everything.iter().take(20).map(|machine| MachineSelector::Id(machine.id)))
        .chain((0..3).map(|number| MachineSelector::AadDeviceId(device(number))));
    for selector in selectors {
        let found = store.machine(scope, &selector).await.unwrap();
        assert_eq!(found.as_ref(), left.find(&selector), "{selector:?}");
    }

    let since = Some(time("2025-05-12T00:00:00Z").day());
    for window in [
        Window::ALL,
        Window { since, logon_types: LogonTypes::INTERACTIVE },
        Window { since: None, logon_types: LogonTypes::INTERACTIVE },
    ] {
        check_relations(fixture, everything, scope, &left, window).await;
    }
    let rules = named(Operator::Contains, "S1");
    let mut expected: Vec<_> = left
        .machines
        .iter()
        .filter(|machine| inventory::fold(&machine.computer_dns_name).contains("s1"))
        .map(|machine| inventory::fold(&machine.computer_dns_name))
        .collect();
    expected.sort();
    expected.truncate(10);
    let found = store.preview(scope, &rules, 10).await.unwrap();
    assert!(found.iter().all(|machine| left.machines.contains(machine)));
    let found: Vec<_> =
        found.iter().map(|machine| inventory::fold(&machine.computer_dns_name)).collect();
    assert_eq!(found, expected);
}

async fn check_relations(
    fixture: &Fixture,
    everything: &[Machine],
    scope: &Scope,
    left: &Left,
    window: Window,
) {
    let store = &*fixture.store;
    // The listing of everything has an oracle of its own (`relations`).
    let mut rows = listed(store, &Scope::whole(fixture.tenant), window).await;
    rows.retain(|row| left.ids.contains(&row.machine_id));
    assert_eq!(listed(store, scope, window).await, rows, "{window:?}");

    if window == Window::ALL {
        let accounts: BTreeSet<_> =
            rows.iter().map(|row| (&row.account.name, &row.account.domain)).collect();
        let totals = Totals {
            machines: left.machines.len() as u64,
            accounts: accounts.len() as u64,
            relations: rows.len() as u64,
        };
        assert_eq!(store.totals(scope).await.unwrap(), totals);
    }
    for name in ["jdoe", "anna", "kim", "nobody"] {
        for domain in [None, Some("corp"), Some("lab")] {
            let mut expected: BTreeMap<MachineId, Relation> = BTreeMap::new();
            let of_user = rows.iter().filter(|row| {
                row.account.name == name && domain.is_none_or(|domain| row.account.domain == domain)
            });
            for row in of_user {
                let sum = expected.entry(row.machine_id);
                sum.and_modify(|sum| sum.add(&row.relation)).or_insert(row.relation);
            }
            let user = UserSelector {
                name: name.to_owned(),
                domain: domain.map(str::to_owned),
                accounts: None,
            };
            let found = store.machines_of_user(scope, &user, window, Page::ALL).await.unwrap();
            let in_order: Vec<_> = left
                .machines
                .iter()
                .filter_map(|machine| Some((machine, *expected.get(&machine.id)?)))
                .collect();
            let found: Vec<_> =
                found.iter().map(|found| (&found.machine, found.relation)).collect();
            assert_eq!(found, in_order, "{user:?} {window:?}");
        }
    }
    for machine in everything.iter().take(20) {
        let users = store.users_of_machine(scope, machine.id, window).await.unwrap();
        let mut found: Vec<_> =
            users.iter().map(|user| (user.account.clone(), user.relation)).collect();
        let mut expected: Vec<_> = rows
            .iter()
            .filter(|row| row.machine_id == machine.id)
            .map(|row| (row.account.clone(), row.relation))
            .collect();
        let key =
            |(account, _): &(Account, Relation)| (account.name.clone(), account.domain.clone());
        found.sort_by_key(key);
        expected.sort_by_key(key);
        assert_eq!(found, expected);
    }
}

/// All subsets of the groups, and one that has no machine.
fn all_groups() -> Vec<Groups> {
    let mut all: Vec<_> = (0..1 << PLATFORMS)
        .map(|bits: i32| Groups::only((0..PLATFORMS).filter(|group| bits & (1 << group) != 0)))
        .collect();
    all.extend([Groups::only([99]), Groups::only([-1, 1, i32::MAX]), Groups::All]);
    all
}

async fn everything_left(fixture: &Fixture, machines: &[Made]) -> Vec<Machine> {
    let everything = fixture
        .store
        .machines(&fixture.scope(), MachineList::all(Page::ALL, Timestamp::MAX))
        .await
        .unwrap()
        .machines;
    assert_eq!(everything.len(), machines.len());
    for (place, made) in machines.iter().enumerate() {
        let machine = everything.iter().find(|machine| machine.id == id(place)).unwrap();
        assert_eq!(machine.rbac_group_id, made.group);
        let name = (made.group != 0).then(|| format!("Group {}", made.group));
        assert_eq!(machine.rbac_group_name, name);
        assert_eq!(machine.merged_into, made.merged_into.map(|into| id(into % machines.len())));
    }
    everything
}

async fn check_all(machines: &[Made], logons: &[(usize, usize, i64)], groups_first: bool) {
    let fixture = fill(machines, logons, groups_first).await;
    let everything = everything_left(&fixture, machines).await;
    for groups in all_groups() {
        check(&fixture, &everything, &groups).await;
    }
    // Writes see the same machines as reads.
    let tags = vec!["a".to_owned()];
    for machine in &everything {
        let scope = fixture.groups([1, 3]);
        let set = set_tags(&*fixture.store, &scope, machine.id, tags.clone()).await;
        let is_left = [1, 3].contains(&machine.rbac_group_id);
        assert_eq!(set.is_some(), is_left);
        let selector = MachineSelector::Id(machine.id);
        let now = fixture.store.machine(&fixture.scope(), &selector).await.unwrap().unwrap();
        assert_eq!(now.tags, if is_left { tags.clone() } else { Vec::new() });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_read_shows_what_is_left_of_everything(
        machines in prop::collection::vec(any_machine(), 1..12),
        logons in prop::collection::vec((0..USERS.len(), 0..12usize, 0..5i64), 0..30),
        groups_first: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check_all(&machines, &logons, groups_first));
    }
}

/// Beyond some thousand machines the questions go another way.
#[tokio::test]
async fn those_who_see_many_machines_see_no_others() {
    let machines: Vec<_> = (0..6_000)
        .map(|place| Made {
            name: place % NAMES.len(),
            group: if place % 20 == 0 { (place / 20 % 3) as i32 } else { 3 },
            device: (place % 50 == 0).then_some(0),
            merged_into: (place % 7 == 0).then_some(place + 13),
            seen: (place % 3) as i64,
        })
        .collect();
    let logons: Vec<_> =
        (0..3_000).map(|place| (place % 4, place * 7, (place % 5) as i64)).collect();
    let fixture = fill(&machines, &logons, true).await;
    let everything = everything_left(&fixture, &machines).await;
    for groups in [[3, 4], [0, 3], [1, 2]] {
        check(&fixture, &everything, &Groups::only(groups)).await;
    }
}
