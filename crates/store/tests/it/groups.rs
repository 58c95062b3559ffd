//! Machines in device groups: they move when they change, and when the rules do.

use inventory::ids::MachineId;
use inventory::machine::Machine;
use inventory::query::{MachineList, MachineSelector, Page};
use inventory::time::Timestamp;
use store::GroupCount;

use super::*;

const DAY1: &str = "2025-06-01T08:00:00Z";
const DAY2: &str = "2025-06-02T08:00:00Z";

fn with_id(name: &str, id: u8) -> MachineRef {
    MachineRef { id: Some(MachineId([id; 20])), ..MachineRef::named(name) }
}

fn seen(machine: MachineRef, at: &str, session: u64) -> Logon {
    Logon { machine, ..logon("jdoe", "x", at, 2, session) }
}

async fn machine(fixture: &Fixture, id: u8) -> Machine {
    let selector = MachineSelector::Id(MachineId([id; 20]));
    fixture.store.machine(&fixture.scope(), &selector).await.unwrap().unwrap()
}

async fn place(fixture: &Fixture, id: u8) -> (i32, Option<String>) {
    let machine = machine(fixture, id).await;
    (machine.rbac_group_id, machine.rbac_group_name)
}

fn in_group(id: i32) -> (i32, Option<String>) {
    (id, Some(format!("Group {id}")))
}

fn three_groups() -> Vec<DeviceGroup> {
    vec![
        group(5, tagged("Critical")),
        group(2, of_platform("Windows11")),
        group(9, named(Operator::StartsWith, "srv-")),
    ]
}

#[tokio::test]
async fn a_machine_moves_when_its_name_platform_or_tags_change() {
    let fixture = Fixture::new().await;
    fixture.save_groups(three_groups()).await;
    fixture.regroup().await;
    let record = async |name, at, session| {
        let logons = vec![seen(with_id(name, 1), at, session)];
        fixture.store.record(fixture.tenant, logons).await.unwrap();
    };
    record("ws-1.corp", DAY1, 1).await;
    assert_eq!(place(&fixture, 1).await, (0, None));
    // A new name counts, and an older one that comes later does not.
    record("SRV-1.corp", DAY2, 2).await;
    assert_eq!(place(&fixture, 1).await, in_group(9));
    record("ws-0.corp", DAY1, 3).await;
    assert_eq!(place(&fixture, 1).await, in_group(9));

    let report = async |at, platform| {
        let reports = vec![runs(with_id("SRV-1.corp", 1), at, platform)];
        fixture.store.describe(fixture.tenant, reports).await.unwrap();
    };
    report(DAY2, "Windows11").await;
    assert_eq!(place(&fixture, 1).await, in_group(2));
    report(DAY1, "Linux").await;
    assert_eq!(place(&fixture, 1).await, in_group(2));

    let set = async |tags: &[&str]| {
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        let id = MachineId([1; 20]);
        set_tags(&*fixture.store, &fixture.groups([2, 5]), id, tags).await
    };
    let moved = set(&["one", "critical"]).await.unwrap();
    assert_eq!(moved, machine(&fixture, 1).await);
    assert_eq!((moved.rbac_group_id, moved.rbac_group_name), in_group(5));
    assert_eq!(moved.tags, ["one", "critical"]);
    set(&[]).await.unwrap();
    assert_eq!(place(&fixture, 1).await, in_group(2));
    report("2025-06-03T08:00:00Z", "Linux").await;
    assert_eq!(place(&fixture, 1).await, in_group(9));
    // It has left what may be seen.
    assert_eq!(set(&["critical"]).await, None);
    // None of it was left for regrouping to do.
    assert!(fixture.store.regroup(fixture.tenant, 1).await.unwrap().finished);
}

#[tokio::test]
async fn a_machine_that_its_new_tags_move_out_of_sight_is_answered_once() {
    let fixture = Fixture::new().await;
    fixture.save_groups(three_groups()).await;
    let reports = vec![runs(with_id("ws", 1), DAY1, "Windows11")];
    fixture.store.describe(fixture.tenant, reports).await.unwrap();
    let scope = fixture.groups([2]);
    let tags = vec!["critical".to_owned()];
    let set = async || set_tags(&*fixture.store, &scope, MachineId([1; 20]), tags.clone()).await;
    assert_eq!(set().await.unwrap().rbac_group_id, 5);
    assert_eq!(set().await, None);
}

/// Machines 1 to `count`, every third a server.
async fn many(fixture: &Fixture, count: u8) {
    let name = |id: u8| if id.is_multiple_of(3) { format!("srv-{id}") } else { format!("ws-{id}") };
    let logons =
        (1..=count).map(|id| seen(with_id(&name(id), id), DAY1, id.into())).collect::<Vec<_>>();
    fixture.store.record(fixture.tenant, logons).await.unwrap();
}

async fn counts(fixture: &Fixture) -> Vec<(i32, u64)> {
    let counts = fixture.store.group_counts(fixture.tenant).await.unwrap();
    counts.into_iter().map(|GroupCount { group, machines }| (group, machines)).collect()
}

#[tokio::test]
async fn two_processes_regroup_together_and_new_machines_need_no_step() {
    let fixture = Fixture::new().await;
    let other = fixture.again();
    many(&fixture, 60).await;
    assert_eq!(counts(&fixture).await, [(0, 60)]);
    fixture.save_groups(three_groups()).await;

    let (mut machines, mut moved, mut steps) = (0, 0, 0);
    loop {
        let store = if steps % 2 == 0 { &fixture.store } else { &other };
        let step = store.regroup(fixture.tenant, 7).await.unwrap();
        (machines, moved, steps) = (machines + step.machines, moved + step.moved, steps + 1);
        if steps == 2 {
            // In the other process, which has not seen these rules before.
            let late = vec![seen(with_id("srv-late", 100), DAY1, 100)];
            other.record(fixture.tenant, late).await.unwrap();
            assert_eq!(place(&fixture, 100).await, in_group(9));
        }
        if step.finished {
            break;
        }
    }
    assert_eq!((machines, moved, steps), (61, 20, 9));
    assert_eq!(counts(&fixture).await, [(0, 40), (9, 21)]);
    assert!(other.regroup(fixture.tenant, 7).await.unwrap().finished);

    // Ranks decide; and machines of a group that is gone are in none.
    fixture
        .save_groups(vec![group(1, named(Operator::Contains, "-")), group(9, tagged("x"))])
        .await;
    fixture.regroup().await;
    assert_eq!(counts(&fixture).await, [(1, 61)]);
    fixture.save_groups(Vec::new()).await;
    fixture.regroup().await;
    assert_eq!(counts(&fixture).await, [(0, 61)]);
}

#[tokio::test]
async fn a_rule_that_changes_while_machines_are_regrouped_starts_it_anew() {
    let fixture = Fixture::new().await;
    many(&fixture, 30).await;
    fixture.save_groups(three_groups()).await;
    fixture.store.regroup(fixture.tenant, 20).await.unwrap();
    fixture.save_groups(vec![group(3, named(Operator::StartsWith, "ws"))]).await;
    fixture.regroup().await;
    assert_eq!(counts(&fixture).await, [(0, 10), (3, 20)]);
}

#[tokio::test]
async fn a_rename_shows_at_once_and_is_no_work() {
    let fixture = Fixture::new().await;
    many(&fixture, 3).await;
    fixture.save_groups(three_groups()).await;
    fixture.regroup().await;
    let mut groups = three_groups();
    groups[2].name = "Servers".to_owned();
    fixture.save_groups(groups).await;
    assert_eq!(place(&fixture, 3).await, (9, Some("Servers".to_owned())));
    let step = fixture.store.regroup(fixture.tenant, 1).await.unwrap();
    assert_eq!((step.machines, step.finished), (0, true));
}

#[tokio::test]
async fn of_two_changes_of_a_directory_the_second_is_refused() {
    let fixture = Fixture::new().await;
    let other = fixture.again();
    let kept = fixture.store.directory(fixture.tenant).await.unwrap();
    assert_eq!(kept.directory, Directory::default());
    let mine = Directory { device_groups: three_groups(), ..Directory::default() };
    let theirs = Directory { role_based: true, ..Directory::default() };
    let save = async |store: &Arc<dyn Store>, generation, directory: &Directory| {
        store.save_directory(fixture.tenant, generation, directory).await.unwrap()
    };
    assert!(save(&fixture.store, kept.generation, &mine).await);
    assert!(!save(&other, kept.generation, &theirs).await);
    assert!(!save(&fixture.store, kept.generation, &theirs).await);
    let now = other.directory(fixture.tenant).await.unwrap();
    assert_eq!(now.directory, mine);
    assert!(now.generation > kept.generation);
    assert!(save(&other, now.generation, &theirs).await);
    assert_eq!(fixture.store.directory(fixture.tenant).await.unwrap().directory, theirs);
}

#[tokio::test]
async fn a_preview_shows_the_first_by_name_and_saves_nothing() {
    let fixture = Fixture::new().await;
    many(&fixture, 30).await;
    let reports = [3u8, 7, 9].map(|id| {
        let name = if id == 7 { "ws-7" } else { &format!("srv-{id}") };
        runs(with_id(name, id), DAY2, "Windows11")
    });
    fixture.store.describe(fixture.tenant, reports.to_vec()).await.unwrap();
    let preview = async |rules: &Rules, most| {
        let machines = fixture.store.preview(&fixture.scope(), rules, most).await.unwrap();
        machines.into_iter().map(|machine| machine.computer_dns_name).collect::<Vec<_>>()
    };
    assert_eq!(
        preview(&named(Operator::StartsWith, "SRV"), 3).await,
        ["srv-12", "srv-15", "srv-18"]
    );
    assert_eq!(preview(&of_platform("windows11"), 10).await, ["srv-3", "srv-9", "ws-7"]);
    let both = Rules {
        devices_names_conditions: named(Operator::StartsWith, "srv").devices_names_conditions,
        ..of_platform("Windows11")
    };
    assert_eq!(preview(&both, 10).await, ["srv-3", "srv-9"]);
    assert_eq!(preview(&tagged("none"), 10).await, [""; 0]);
    assert_eq!(preview(&Rules::default(), 10).await, [""; 0]);
    assert_eq!(counts(&fixture).await, [(0, 30)]);
    let all = fixture
        .store
        .machines(&fixture.groups([0]), MachineList::all(Page::ALL, Timestamp::MAX))
        .await
        .unwrap()
        .machines;
    assert_eq!(all.len(), 30);
}
