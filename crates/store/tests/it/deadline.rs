//! No question holds a connection for longer than it may, or than somebody waits for its answer.

use std::time::{Duration, Instant};

use inventory::filter::{Binder, EntityKind};
use inventory::query::{MachineList, Page};
use store::{Error, Settings};

use super::*;

/// Connections that read at most, and one more.
const MORE_THAN_CONNECTIONS: usize = 9;
const LIMIT: Duration = Duration::from_millis(300);
/// Much less than the question below takes, and more than a busy machine adds.
const SOON: Duration = Duration::from_secs(10);

/// A machine whose hundred tags make a question of hours.
async fn tagged_fixture() -> Fixture {
    let fixture = Fixture::new().await;
    let machine = MachineRef::named("ws-1");
    let report = runs(machine, "2025-06-01T08:00:00Z", "Windows11");
    fixture.store.describe(fixture.tenant, vec![report]).await.unwrap();
    let all = fixture.store.machines(&fixture.scope(), quick()).await.unwrap();
    let tags = (0..100).map(|number| format!("tag {number}")).collect();
    set_tags(&*fixture.store, &fixture.scope(), all.machines[0].id, tags).await.unwrap();
    fixture
}

fn quick() -> MachineList {
    MachineList::all(Page::ALL, time("2025-06-02T00:00:00Z"))
}

fn slow() -> MachineList {
    let filter = "machineTags/any(a:machineTags/any(b:machineTags/any(c:machineTags/any(d:\
        machineTags/any(e:concat(concat(concat(a,b),concat(c,d)),e) eq 'x')))))";
    let mut binder = Binder::new(EntityKind::Machine, quick().now);
    let filter = binder.condition(&filter.parse().unwrap()).unwrap();
    MachineList { filter: Some(filter), ..quick() }
}

#[tokio::test]
async fn a_question_ends_in_time_and_leaves_a_good_connection() {
    let fixture = tagged_fixture().await;
    let url = format!("sqlite:{}/footfall.sqlite", fixture.folder.path().display());
    let store = store::open_with(&url, Settings { longest_question: Some(LIMIT) }).unwrap();
    let scope = fixture.scope();
    for _ in 0..2 {
        let start = Instant::now();
        let outcome = store.machines(&scope, slow()).await;
        assert!(matches!(outcome, Err(Error::TooLong { limit: LIMIT, .. })), "{outcome:?}");
        assert!((LIMIT..SOON).contains(&start.elapsed()), "{:?}", start.elapsed());
        // The limit is that of one question and not of the connection.
        tokio::time::sleep(LIMIT).await;
        assert_eq!(store.machines(&scope, quick()).await.unwrap().machines.len(), 1);
    }
    let outcome = store.count_machines(&scope, slow()).await;
    assert!(matches!(outcome, Err(Error::TooLong { .. })), "{outcome:?}");
    // What writes is not bound.
    let tags = vec!["vip".to_owned()];
    let machine = store.machines(&scope, quick()).await.unwrap().machines.remove(0);
    assert_eq!(set_tags(&*store, &scope, machine.id, tags.clone()).await.unwrap().tags, tags);
}

#[tokio::test]
async fn a_question_ends_when_nobody_waits_for_its_answer() {
    let fixture = tagged_fixture().await;
    let scope = fixture.scope();
    for _ in 0..MORE_THAN_CONNECTIONS {
        let question = fixture.store.machines(&scope, slow());
        assert!(tokio::time::timeout(LIMIT / 3, question).await.is_err());
    }
    let question = fixture.store.machines(&scope, quick());
    let answer = tokio::time::timeout(SOON, question).await.expect("a connection is free");
    assert_eq!(answer.unwrap().machines.len(), 1);
}
