//! Logons in, relations out: exact for any order, repetition and cut of times.

use std::collections::{BTreeMap, BTreeSet};

use inventory::logon::{LogonType, LogonTypes};
use inventory::query::{MachineList, Page, UserSelector, Window};
use inventory::relation::Relation;
use inventory::time::{Day, Timestamp};
use proptest::prelude::*;
use store::{Recorded, RelationRow, Store};

use super::*;

async fn listed(store: &dyn Store, tenant: TenantId, window: Window) -> Vec<RelationRow> {
    let mut rows = Vec::new();
    store
        .relations(&Scope::whole(tenant), window, &mut |row| {
            rows.push(row);
            Ok(())
        })
        .await
        .unwrap();
    rows
}

fn user(name: &str) -> UserSelector {
    UserSelector { name: name.to_owned(), domain: None, accounts: None }
}

#[tokio::test]
async fn a_second_sight_of_an_event_counts_once_and_refines_its_time() {
    let exact = logon("corp\\jdoe", "WS1.corp", "2025-06-02T17:40:05.684607Z", 2, 0x1a);
    let mut cut = exact.clone();
    cut.time = cut.time.whole_second();
    let mut without_record = cut.clone();
    without_record.key.record = None;
    without_record.machine.name = "ws1.CORP".to_owned();
    let mut other_session = exact.clone();
    other_session.key.session = 0x1b;
    other_session.key.record = Some(9);

    let sights = [exact, cut, without_record, other_session];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 2, 0]] {
        let fixture = Fixture::new().await;
        let mut added = 0;
        for index in order {
            let recorded =
                fixture.store.record(fixture.tenant, vec![sights[index].clone()]).await.unwrap();
            added += recorded.added;
        }
        assert_eq!(added, 2, "{order:?}");
        let rows = listed(&*fixture.store, fixture.tenant, Window::ALL).await;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].relation.logon_count, 2);
        assert_eq!(rows[0].relation.first_seen, time("2025-06-02T17:40:05.684607Z"), "{order:?}");
        let machines = fixture
            .store
            .machines(&fixture.scope(), MachineList::all(Page::ALL, Timestamp::MAX))
            .await
            .unwrap()
            .machines;
        assert_eq!(machines[0].first_seen, time("2025-06-02T17:40:05.684607Z"), "{order:?}");
    }
}

#[tokio::test]
async fn one_session_with_two_record_numbers_is_two_events() {
    let fixture = Fixture::new().await;
    let first = logon("jdoe", "ws1", "2025-06-02T17:40:05Z", 2, 0x1a);
    let mut second = first.clone();
    second.key.record = Some(1000);
    let batch = vec![first, second];
    let recorded = fixture.store.record(fixture.tenant, batch.clone()).await.unwrap();
    assert_eq!(recorded, Recorded { added: 2, duplicates: 0 });
    let again = fixture.store.record(fixture.tenant, batch).await.unwrap();
    assert_eq!(again, Recorded { added: 0, duplicates: 2 });
}

#[tokio::test]
async fn a_domain_narrows_a_user_and_a_sid_joins_its_forms() {
    let fixture = Fixture::new().await;
    let sid = "S-1-5-21-1-2-3-1104";
    let mut short = logon("x", "fs01", "2025-06-01T08:00:00Z", 3, 1);
    short.account = Account::from_log("jdoe", "OFFSEC", sid).unwrap();
    let mut long = logon("x", "fs01", "2025-06-02T08:00:00Z", 3, 2);
    long.account = Account::from_log("jdoe", "offsec.lan", sid).unwrap();
    let local = logon("WS9\\jdoe", "ws9", "2025-06-03T08:00:00Z", 2, 3);
    fixture.store.record(fixture.tenant, vec![short, long, local]).await.unwrap();

    let names = async |domain: Option<&str>| {
        let selector = UserSelector {
            name: "jdoe".to_owned(),
            domain: domain.map(str::to_owned),
            accounts: None,
        };
        let found = fixture
            .store
            .machines_of_user(&fixture.scope(), &selector, Window::ALL, Page::ALL)
            .await
            .unwrap();
        found
            .into_iter()
            .map(|found| (found.machine.computer_dns_name, found.relation.logon_count))
            .collect::<Vec<_>>()
    };
    let both = vec![("ws9".to_owned(), 1), ("fs01".to_owned(), 2)];
    assert_eq!(names(None).await, both);
    assert_eq!(names(Some("offsec")).await, both[1..]);
    assert_eq!(names(Some("offsec.lan")).await, both[1..]);
    assert_eq!(names(Some("ws9")).await, both[..1]);
    assert_eq!(names(Some("other")).await, []);
    let rows = listed(&*fixture.store, fixture.tenant, Window::ALL).await;
    assert_eq!(
        rows.iter().map(|row| row.account.domain.as_str()).collect::<Vec<_>>(),
        ["offsec", "ws9"]
    );
}

#[tokio::test]
async fn pages_of_a_users_machines_fit_together() {
    let fixture = Fixture::new().await;
    let logons = (0..25)
        .map(|n| logon("jdoe", &format!("ws{n}"), &format!("2025-06-02T08:00:{:02}Z", n / 2), 2, n))
        .collect();
    fixture.store.record(fixture.tenant, logons).await.unwrap();
    let page = async |skip, top| {
        let page = Page { skip, top };
        fixture
            .store
            .machines_of_user(&fixture.scope(), &user("jdoe"), Window::ALL, page)
            .await
            .unwrap()
    };
    let all = page(0, u64::MAX).await;
    assert_eq!(all.len(), 25);
    assert!(all.is_sorted_by_key(|found| {
        (std::cmp::Reverse(found.machine.last_seen), found.machine.id)
    }));
    let mut walked = Vec::new();
    for skip in (0..).step_by(7) {
        let some = page(skip, 7).await;
        let short = some.len() < 7;
        walked.extend(some);
        if short {
            break;
        }
    }
    assert_eq!(walked, all);
    let listed = fixture
        .store
        .machines(&fixture.scope(), MachineList::all(Page { skip: 3, top: 4 }, Timestamp::MAX))
        .await
        .unwrap()
        .machines;
    let expected: Vec<_> = all[3..7].iter().map(|found| found.machine.clone()).collect();
    assert_eq!(listed, expected);
}

/// A user and a machine with more relations than are read in place.
#[tokio::test]
async fn many_relations_are_all_found() {
    let fixture = Fixture::new().await;
    let of_user = (0..1200).map(|n| logon("jdoe", &format!("ws{n}"), "2025-06-02T08:00:00Z", 2, n));
    let of_machine =
        (2000..3200).map(|n| logon(&format!("u{n}"), "dc01", "2025-06-02T08:00:00Z", 3, n));
    fixture.store.record(fixture.tenant, of_user.chain(of_machine).collect()).await.unwrap();
    let store = &fixture.store;
    let machines = store
        .machines_of_user(&fixture.scope(), &user("jdoe"), Window::ALL, Page::ALL)
        .await
        .unwrap();
    assert_eq!(machines.len(), 1200);
    let id = inventory::ids::MachineId::derived_from_name("dc01");
    let users = store.users_of_machine(&fixture.scope(), id, Window::ALL).await.unwrap();
    assert_eq!(users.len(), 1200);
}

#[tokio::test]
async fn another_process_sees_a_commit_at_once_and_its_version() {
    let fixture = Fixture::new().await;
    let other = fixture.again();
    let before = other.version().unwrap();
    assert_eq!(before, other.version().unwrap());
    let logons = vec![logon("jdoe", "ws1", "2025-06-02T08:00:00Z", 2, 1)];
    fixture.store.record(fixture.tenant, logons.clone()).await.unwrap();
    assert_ne!(before, other.version().unwrap());
    assert_eq!(listed(&*other, fixture.tenant, Window::ALL).await.len(), 1);
    // Both may write, and each remembers nothing that the other removed.
    other.prune(fixture.tenant, Day(30_000)).await.unwrap();
    let recorded = fixture.store.record(fixture.tenant, logons).await.unwrap();
    assert_eq!(recorded.added, 1);
    assert_eq!(listed(&*other, fixture.tenant, Window::ALL).await.len(), 1);
}

#[tokio::test]
async fn a_visitor_that_fails_ends_the_listing() {
    let fixture = Fixture::new().await;
    let logons =
        (0..5000).map(|n| logon(&format!("u{n}"), "ws1", "2025-06-02T08:00:00Z", 2, n)).collect();
    fixture.store.record(fixture.tenant, logons).await.unwrap();
    let mut seen = 0;
    let outcome = fixture
        .store
        .relations(&fixture.scope(), Window::ALL, &mut |_| {
            seen += 1;
            Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
        })
        .await;
    assert!(matches!(outcome, Err(store::Error::Visitor(_))));
    assert_eq!(seen, 1);
}

/// A small world in which logons collide often.
fn any_logon() -> impl Strategy<Value = Logon> {
    let users = prop::sample::select(vec!["a", "corp\\a", "corp\\b", "ü"]);
    let machines = prop::sample::select(vec!["M1.corp", "m1.CORP", "m2", "m3.corp"]);
    let kinds = prop::sample::select(vec![2u32, 3, 10]);
    (users, machines, 0..5i64, 0..3i64, 0..4i64, kinds, 1..6u64).prop_map(
        |(user, machine, day, second, fraction, kind, session)| {
            let mut logon = logon(user, machine, "2025-06-01T23:59:58Z", kind, session);
            // The same session at the same second is the same event, so it has one type and one
            // exact time; what varies is how much of it a source tells.
            let salt = session * 7 + second.cast_unsigned() * 3;
            logon.logon_type = LogonType::new([2, 3, 10][salt as usize % 3]).unwrap();
            let exact = (salt as i64 * 1_234_567) % 10_000_000;
            let cut = [1, 10_000, 10_000_000, 1][fraction as usize];
            let ticks = exact / cut * cut;
            logon.time =
                Timestamp::from_seconds(logon.time.seconds() + day * 86_400 + second, ticks)
                    .unwrap();
            if fraction == 3 {
                logon.key.record = None;
            }
            logon
        },
    )
}

type Key = (String, String, String);

/// What the relations must be, worked out the simple way.
fn oracle(logons: &[Logon], window: Window) -> BTreeMap<Key, Relation> {
    let mut events: BTreeMap<(Key, i64, u64), (Timestamp, LogonType)> = BTreeMap::new();
    for logon in logons {
        let key = (
            logon.account.name.clone(),
            logon.account.domain.clone(),
            inventory::fold(&logon.machine.name),
        );
        let event = (key, logon.time.seconds(), logon.key.session);
        let known = events.entry(event).or_insert((logon.time, logon.logon_type));
        known.0 = known.0.max(logon.time);
    }
    let mut relations: BTreeMap<Key, Relation> = BTreeMap::new();
    for ((key, ..), (time, kind)) in events {
        let admitted = window.since.is_none_or(|since| time.day() >= since)
            && window.logon_types.contains(kind);
        if admitted {
            let one = Relation::of(time, kind);
            relations.entry(key).and_modify(|sum| sum.add(&one)).or_insert(one);
        }
    }
    relations
}

async fn check(logons: &[Logon], order: &[usize], split: usize, since: i32, interactive: bool) {
    let fixture = Fixture::new().await;
    let shuffled: Vec<Logon> = order.iter().map(|&index| logons[index].clone()).collect();
    let (first, rest) = shuffled.split_at(split.min(shuffled.len()));
    fixture.store.record(fixture.tenant, first.to_vec()).await.unwrap();
    fixture.store.record(fixture.tenant, rest.to_vec()).await.unwrap();
    // All of it once more changes nothing.
    let again = fixture.store.record(fixture.tenant, shuffled.clone()).await.unwrap();
    assert_eq!(again.added, 0);

    let cutoff = Day(time("2025-06-01T00:00:00Z").day().0 + since);
    let types = if interactive { LogonTypes::INTERACTIVE } else { LogonTypes::ALL };
    let windows = [
        Window::ALL,
        Window { since: Some(cutoff), logon_types: types },
        Window { since: None, logon_types: types },
    ];
    for window in windows {
        compare(&fixture, &oracle(logons, window), window).await;
    }
    // Retention leaves exactly what a window from the same day on shows.
    fixture.store.prune(fixture.tenant, cutoff).await.unwrap();
    let kept = Window { since: Some(cutoff), logon_types: LogonTypes::ALL };
    compare(&fixture, &oracle(logons, kept), Window::ALL).await;
    let totals = fixture.store.totals(&fixture.scope()).await.unwrap();
    let rows = listed(&*fixture.store, fixture.tenant, Window::ALL).await;
    let machines: BTreeSet<_> = rows.iter().map(|row| row.machine_id).collect();
    assert_eq!(totals.relations, rows.len() as u64);
    assert_eq!(totals.machines, machines.len() as u64);
}

/// Every way to ask must give what the oracle says.
async fn compare(fixture: &Fixture, expected: &BTreeMap<Key, Relation>, window: Window) {
    let rows = listed(&*fixture.store, fixture.tenant, window).await;
    let found: BTreeMap<Key, Relation> = rows
        .iter()
        .map(|row| {
            let machine = inventory::fold(&row.computer_dns_name);
            ((row.account.name.clone(), row.account.domain.clone(), machine), row.relation)
        })
        .collect();
    assert_eq!(&found, expected, "{window:?}");
    assert_eq!(rows.len(), expected.len());

    let users: BTreeSet<_> = expected.keys().map(|key| key.0.clone()).collect();
    for name in users {
        let mut by_machine: BTreeMap<String, Relation> = BTreeMap::new();
        for ((_, _, machine), relation) in expected.iter().filter(|(key, _)| key.0 == name) {
            by_machine
                .entry(machine.clone())
                .and_modify(|sum| sum.add(relation))
                .or_insert(*relation);
        }
        let found = fixture
            .store
            .machines_of_user(&fixture.scope(), &user(&name), window, Page::ALL)
            .await
            .unwrap();
        let found: BTreeMap<_, _> = found
            .into_iter()
            .map(|found| (inventory::fold(&found.machine.computer_dns_name), found.relation))
            .collect();
        assert_eq!(found, by_machine);
    }
    for row in &rows {
        let users =
            fixture.store.users_of_machine(&fixture.scope(), row.machine_id, window).await.unwrap();
        let same = users.iter().find(|user| user.account == row.account).unwrap();
        assert_eq!(same.relation, row.relation);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn relations_equal_the_oracle_in_any_order(
        (logons, order) in prop::collection::vec(any_logon(), 1..40).prop_flat_map(|logons| {
            let order = Just((0..logons.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(logons), order)
        }),
        split in 0..40usize,
        since in 0..7i32,
        interactive: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(&logons, &order, split, since, interactive));
    }
}
