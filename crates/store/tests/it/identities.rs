//! Who is who among machines: the same in whichever order it is told, and undone without a trace.

mod order;

use std::collections::BTreeSet;

use inventory::change::{Author, MachineChange};
use inventory::identity::{Decision, Identifier, IdentifierKind, MAX_HOLDERS};
use inventory::machine::{DeviceValue, ExclusionReason};
use inventory::query::{MachineList, MachineSelector, Page, UserSelector, Window};
use inventory::time::Timestamp;
use store::RelationRow;
use uuid::Uuid;

use super::*;

const START: &str = "2025-06-01T23:59:50Z";

fn identifier(kind: IdentifierKind, value: u128) -> Identifier {
    Identifier { kind, value: Uuid::from_u128(value + 1000) }
}

fn vendors(name: &str, id: u8) -> MachineRef {
    MachineRef { id: Some(MachineId([id; 20])), ..MachineRef::named(name) }
}

fn author() -> Author {
    Author { time: time(START), app: None, person: Some("ann".to_owned()) }
}

impl Fixture {
    async fn shown(&self) -> Vec<Machine> {
        let list = MachineList::all(Page::ALL, Timestamp::MAX);
        self.store.machines(&self.scope(), list).await.unwrap().machines
    }

    async fn listed(&self) -> Vec<RelationRow> {
        let mut rows = Vec::new();
        let mut take = |row| {
            rows.push(row);
            Ok(())
        };
        self.store.relations(&self.scope(), Window::ALL, &mut take).await.unwrap();
        rows
    }

    async fn decide(&self, record: MachineId, decision: Decision) {
        let decisions = vec![(record, decision)];
        assert!(self.store.decide_identities(&self.scope(), decisions, author()).await.unwrap());
    }

    async fn find(&self, text: &str) -> Option<MachineId> {
        let selector = MachineSelector::parse(text).unwrap();
        self.store.machine(&self.scope(), &selector).await.unwrap().map(|machine| machine.id)
    }
}

fn merged(into: MachineId) -> Decision {
    Decision { merged_into: Some(into), ..Decision::default() }
}

fn apart() -> Decision {
    Decision { is_apart: true, ..Decision::default() }
}

/// A logon on a machine that is told by a reference.
fn on(machine: &MachineRef, user: &str, at: &str, session: u64) -> Logon {
    Logon { machine: machine.clone(), ..logon(user, "x", at, 2, session) }
}

#[tokio::test]
async fn the_name_and_the_vendors_id_are_one_machine_with_both_their_logons() {
    let fixture = Fixture::new().await;
    let (by_name, by_id) = (MachineRef::named("WS1.corp"), vendors("ws1.corp", 7));
    let logons = vec![
        on(&by_name, "jdoe", "2025-06-01T08:00:00Z", 1),
        on(&by_id, "jdoe", "2025-06-03T08:00:00Z", 2),
        on(&by_id, "anna", "2025-06-02T08:00:00Z", 3),
    ];
    for logon in logons {
        fixture.store.record(fixture.tenant, vec![logon]).await.unwrap();
    }
    let shown = fixture.shown().await;
    assert_eq!(shown.len(), 1);
    assert_eq!((shown[0].id, shown[0].merged_into), (MachineId([7; 20]), None));
    assert_eq!(shown[0].first_seen, time("2025-06-01T08:00:00Z"));
    assert_eq!(shown[0].last_seen, time("2025-06-03T08:00:00Z"));
    assert!(!shown[0].is_potential_duplication);
    let counts: Vec<_> =
        fixture.listed().await.iter().map(|row| row.relation.logon_count).collect();
    assert_eq!(counts, [1, 2]);
    let totals = fixture.store.totals(&fixture.scope()).await.unwrap();
    assert_eq!((totals.machines, totals.relations), (1, 2));
    // By every id that it ever had.
    for id in [by_name.machine_id().to_string(), by_id.machine_id().to_string()] {
        assert_eq!(fixture.find(&id).await, Some(MachineId([7; 20])), "{id}");
    }
    // What comes afterwards is of the machine too, whichever record it names.
    let later = vec![on(&by_name, "jdoe", "2025-06-05T08:00:00Z", 4)];
    fixture.store.record(fixture.tenant, later).await.unwrap();
    assert_eq!(fixture.shown().await[0].last_seen, time("2025-06-05T08:00:00Z"));
    let users = fixture
        .store
        .users_of_machine(&fixture.scope(), by_name.machine_id(), Window::ALL)
        .await
        .unwrap();
    assert_eq!((users.len(), users[0].relation.logon_count), (2, 3));
}

#[tokio::test]
async fn a_reinstalled_machine_is_marked_until_a_person_merges_it() {
    let fixture = Fixture::new().await;
    let (old, new) = (vendors("ws1.corp", 1), vendors("ws1.corp", 2));
    let logons = vec![
        on(&old, "jdoe", "2025-06-01T08:00:00Z", 1),
        on(&new, "jdoe", "2025-06-09T08:00:00Z", 2),
    ];
    fixture.store.record(fixture.tenant, logons).await.unwrap();
    let before = (fixture.shown().await, fixture.listed().await);
    assert_eq!(before.0.len(), 2);
    assert!(before.0.iter().all(|machine| machine.is_potential_duplication));

    fixture.decide(old.machine_id(), merged(new.machine_id())).await;
    let shown = fixture.shown().await;
    assert_eq!((shown.len(), shown[0].id, shown[1].id), (2, new.machine_id(), old.machine_id()));
    assert_eq!((shown[0].merged_into, shown[1].merged_into), (None, Some(new.machine_id())));
    assert!(shown.iter().all(|machine| !machine.is_potential_duplication));
    // The old record keeps its own times; what happened on it is on the survivor.
    assert_eq!(shown[1].last_seen, time("2025-06-01T08:00:00Z"));
    assert_eq!(shown[0].first_seen, time("2025-06-01T08:00:00Z"));
    let rows = fixture.listed().await;
    assert_eq!((rows.len(), rows[0].machine_id), (1, new.machine_id()));
    assert_eq!(rows[0].relation.logon_count, 2);
    assert_eq!(fixture.find("ws1.corp").await, Some(new.machine_id()));
    assert_eq!(fixture.find(&old.machine_id().to_string()).await, Some(old.machine_id()));

    fixture.decide(old.machine_id(), Decision::default()).await;
    assert_eq!((fixture.shown().await, fixture.listed().await), before);
    fixture.decide(old.machine_id(), apart()).await;
    assert!(fixture.shown().await.iter().all(|machine| !machine.is_potential_duplication));
    let history: i64 = fixture
        .sql()
        .query_row("SELECT count(*) FROM machine_change WHERE person = 'ann'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(history, 3);
}

#[tokio::test]
async fn what_people_said_of_a_name_holds_for_the_machine_and_is_given_back() {
    let fixture = Fixture::new().await;
    let (by_name, by_id) = (MachineRef::named("ws1.corp"), vendors("ws1.corp", 7));
    let first = vec![on(&by_name, "jdoe", "2025-06-01T08:00:00Z", 1)];
    fixture.store.record(fixture.tenant, first).await.unwrap();
    let changes = vec![
        MachineChange::SetTags(vec!["vip".to_owned()]),
        MachineChange::SetValue(DeviceValue::High),
        MachineChange::SetExclusion(Some(ExclusionReason::Other)),
    ];
    let change = async |id: MachineId, changes: Vec<MachineChange>| {
        let changed =
            fixture.store.change_machines(&fixture.scope(), vec![id], changes, author()).await;
        changed.unwrap().remove(0)
    };
    change(by_name.machine_id(), changes).await;
    let alone = fixture.shown().await;
    let reports = vec![runs(by_id.clone(), "2025-06-02T08:00:00Z", "Windows11")];
    fixture.store.describe(fixture.tenant, reports).await.unwrap();
    let shown = fixture.shown().await.remove(0);
    assert_eq!((shown.id, shown.tags.as_slice()), (by_id.machine_id(), &["vip".to_owned()][..]));
    assert_eq!((shown.device_value, shown.exclusion.is_some()), (DeviceValue::High, true));
    assert_eq!(shown.facts.os_platform.as_deref(), Some("Windows11"));
    // Taken apart again, each is what it was.
    fixture.decide(by_name.machine_id(), apart()).await;
    let by_itself: Vec<_> = fixture.shown().await;
    assert_eq!(by_itself.len(), 2);
    assert_eq!(by_itself[1], alone[0]);
    assert_eq!((by_itself[0].tags.len(), by_itself[0].device_value), (0, DeviceValue::Normal));
    fixture.decide(by_name.machine_id(), Decision::default()).await;
    assert_eq!(fixture.shown().await, [shown]);
    // What is changed of the machine is changed of what is behind it.
    let changes =
        vec![MachineChange::SetTags(vec!["lab".to_owned()]), MachineChange::SetExclusion(None)];
    let changed = change(by_name.machine_id(), changes).await;
    assert_eq!((changed.id, changed.exclusion), (by_id.machine_id(), None));
    assert_eq!(fixture.shown().await, [changed]);
    fixture.decide(by_name.machine_id(), apart()).await;
    assert_eq!(fixture.shown().await[1].tags, [] as [String; 0]);
}

#[tokio::test]
async fn names_and_addresses_of_every_record_lead_to_the_machine() {
    let fixture = Fixture::new().await;
    let device = Uuid::from_u128(77);
    let known = |name: &str| MachineRef { aad_device_id: Some(device), ..MachineRef::named(name) };
    let facts =
        MachineFacts { last_ip_address: "10.0.0.1".parse().ok(), ..MachineFacts::default() };
    let report = MachineReport { machine: known("LAPTOP-1"), time: time(START), facts };
    fixture.store.describe(fixture.tenant, vec![report]).await.unwrap();
    let id = MachineId([3; 20]);
    let full = MachineRef { id: Some(id), ..known("ws-1.corp") };
    let from = |logon: Logon, name: &str| Logon { remote_name: Some(name.to_owned()), ..logon };
    let logons = vec![
        from(on(&full, "jdoe", START, 1), "A"),
        from(on(&known("LAPTOP-1"), "jdoe", START, 2), "B"),
    ];
    fixture.store.record(fixture.tenant, logons).await.unwrap();
    assert_eq!(fixture.shown().await.len(), 1);
    for name in ["laptop-1", "ws-1", "ws-1.corp", &device.to_string()] {
        assert_eq!(fixture.find(name).await, Some(id), "{name}");
    }
    let of_address = Some(inventory::query::AddressSelector::around(
        "10.0.0.1".parse().unwrap(),
        time(START),
        5,
    ));
    let list = MachineList { of_address, ..MachineList::all(Page::ALL, Timestamp::MAX) };
    let found = fixture.store.machines(&fixture.scope(), list).await.unwrap().machines;
    assert_eq!((found.len(), found[0].id), (1, id));
    assert_eq!(found[0].facts.last_ip_address, "10.0.0.1".parse().ok());
    let account = logon("jdoe", "x", START, 2, 1).account;
    let remotes =
        fixture.store.remotes(&fixture.scope(), vec![(account, id)], Window::ALL).await.unwrap();
    assert_eq!(BTreeSet::from_iter(&remotes[0].names).len(), 2);
    // A former name of the vendor's record is one of it still.
    let renamed = MachineRef { name: "new.corp".to_owned(), ..full };
    let logons = vec![on(&renamed, "jdoe", "2025-06-05T08:00:00Z", 3)];
    fixture.store.record(fixture.tenant, logons).await.unwrap();
    assert_eq!(fixture.find("ws-1.corp").await, Some(id));
    assert_eq!(fixture.shown().await[0].computer_dns_name, "new.corp");
}

#[tokio::test]
async fn retention_and_forgetting_leave_the_records_that_are_left() {
    for forgetting in [false, true] {
        let fixture = Fixture::new().await;
        let (by_name, by_id) = (MachineRef::named("ws1.corp"), vendors("ws1.corp", 7));
        let logons = vec![
            on(&by_id, "jdoe", "2025-06-01T08:00:00Z", 1),
            on(&by_name, "anna", "2025-06-09T08:00:00Z", 2),
            on(&by_name, "anna", "2025-06-10T08:00:00Z", 3),
        ];
        fixture.store.record(fixture.tenant, logons).await.unwrap();
        assert_eq!(fixture.shown().await.len(), 1);
        if forgetting {
            let jdoe = UserSelector { name: "jdoe".to_owned(), domain: None, accounts: None };
            let forgotten = fixture.store.forget(fixture.tenant, &jdoe).await.unwrap();
            assert_eq!((forgotten.logons, forgotten.machines), (1, 0));
        } else {
            let before = time("2025-06-05T00:00:00Z").day();
            let pruned = fixture.store.prune(fixture.tenant, before).await.unwrap();
            assert_eq!((pruned.events, pruned.machines, pruned.accounts), (1, 0, 1));
        }
        // The vendor's record is gone, and with it the id.
        let shown = fixture.shown().await;
        assert_eq!((shown.len(), shown[0].id), (1, by_name.machine_id()));
        assert_eq!(shown[0].first_seen, time("2025-06-09T08:00:00Z"));
        assert_eq!(fixture.find(&by_id.machine_id().to_string()).await, None);
        assert_eq!(fixture.listed().await[0].relation.logon_count, 2);
        // And all of it, when nothing is left.
        let pruned = fixture.store.prune(fixture.tenant, time("2026-01-01T00:00:00Z").day()).await;
        assert_eq!(pruned.unwrap().machines, 1);
        for table in ["machine", "machine_record", "machine_identifier", "event", "relation_day"] {
            let count = format!("SELECT count(*) FROM {table}");
            let rows: i64 = fixture.sql().query_row(&count, [], |row| row.get(0)).unwrap();
            assert_eq!(rows, 0, "{table}");
        }
    }
}

#[tokio::test]
async fn a_scope_sees_nothing_of_lookalikes_outside_of_it() {
    let fixture = Fixture::new().await;
    let (old, new) = (vendors("ws1.corp", 1), vendors("ws1.corp", 2));
    fixture.save_groups(vec![group(1, of_platform("Linux")), group(2, of_platform("macOS"))]).await;
    let reports = vec![runs(old.clone(), START, "Linux"), runs(new.clone(), START, "macOS")];
    fixture.store.describe(fixture.tenant, reports).await.unwrap();
    let logons = vec![on(&old, "jdoe", START, 1), on(&new, "anna", START, 2)];
    fixture.store.record(fixture.tenant, logons).await.unwrap();
    let of = async |groups: &[i32]| {
        let scope = fixture.groups(groups.iter().copied());
        let list = MachineList::all(Page::ALL, Timestamp::MAX);
        let machines = fixture.store.machines(&scope, list).await.unwrap().machines;
        machines.iter().map(|it| (it.id.0[0], it.is_potential_duplication)).collect::<Vec<_>>()
    };
    assert_eq!(of(&[1, 2]).await, [(1, true), (2, true)]);
    assert_eq!(of(&[1]).await, [(1, false)]);
    let selector = MachineSelector::Id(old.machine_id());
    let why = fixture.store.identities(&fixture.groups([1]), &selector).await.unwrap().unwrap();
    assert_eq!(why.lookalikes, []);
    // Merged, the relations are in the scope of the survivor alone.
    fixture.decide(old.machine_id(), merged(new.machine_id())).await;
    let users = async |groups: &[i32], id: MachineId| {
        let scope = fixture.groups(groups.iter().copied());
        fixture.store.users_of_machine(&scope, id, Window::ALL).await.unwrap().len()
    };
    assert_eq!(users(&[1], old.machine_id()).await, 0);
    assert_eq!(users(&[2], old.machine_id()).await, 0, "the record itself is outside");
    assert_eq!(users(&[1, 2], old.machine_id()).await, 2);
}

#[tokio::test]
async fn a_value_that_many_hold_joins_nothing() {
    let fixture = Fixture::new().await;
    let board = identifier(IdentifierKind::OsqueryHost, 1);
    for number in 0..MAX_HOLDERS + 2 {
        let machine = MachineRef::named(format!("m{number}")).identified(Some(board));
        let logons = vec![on(&machine, "jdoe", START, number as u64)];
        fixture.store.record(fixture.tenant, logons).await.unwrap();
        let shown = fixture.shown().await.len();
        assert_eq!(shown, if number < MAX_HOLDERS { 1 } else { number + 1 }, "{number}");
    }
    // When enough of them are forgotten it does again.
    let logons = (0..MAX_HOLDERS - 1).map(|number| {
        let machine = MachineRef::named(format!("m{number}"));
        on(&machine, "jdoe", "2025-09-01T08:00:00Z", 100 + number as u64)
    });
    fixture.store.record(fixture.tenant, logons.collect()).await.unwrap();
    fixture.store.prune(fixture.tenant, time("2025-08-01T00:00:00Z").day()).await.unwrap();
    assert_eq!(fixture.shown().await.len(), 1);
}
