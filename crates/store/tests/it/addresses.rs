//! Which machine had an address when.

use std::net::IpAddr;

use inventory::query::{AddressSelector, MachineList, Page};

use super::*;

/// A machine, the minute of a report, the address in it.
type Sight = (&'static str, i64, &'static str);

fn at(minute: i64) -> Timestamp {
    time("2026-11-20T00:00:00Z").plus_seconds(minute * 60).unwrap()
}

fn report((machine, minute, address): Sight) -> MachineReport {
    let facts =
        MachineFacts { last_ip_address: Some(address.parse().unwrap()), ..MachineFacts::default() };
    MachineReport { machine: MachineRef::named(machine), time: at(minute), facts }
}

async fn found(fixture: &Fixture, scope: &Scope, address: &str, minute: i64) -> Vec<String> {
    let address: IpAddr = address.parse().unwrap();
    let of_address = Some(AddressSelector::around(address, at(minute), AddressSelector::AROUND_S));
    let list = MachineList { of_address, ..MachineList::all(Page::ALL, at(0)) };
    let listed = fixture.store.machines(scope, list.clone()).await.unwrap();
    assert_eq!(
        fixture.store.count_machines(scope, list).await.unwrap(),
        listed.machines.len() as u64
    );
    let mut names: Vec<_> = listed.machines.into_iter().map(|one| one.computer_dns_name).collect();
    names.sort();
    names
}

/// Reports of two machines that hand an address over, with gaps of each kind.
const SIGHTS: &[Sight] = &[
    ("ws1", 0, "10.0.0.1"),
    ("ws1", 29, "10.0.0.1"),
    ("ws1", 59, "10.0.0.1"),
    ("ws1", 120, "10.0.0.1"),
    ("ws1", 200, "10.0.0.2"),
    ("ws1", 230, "10.0.0.1"),
    ("ws2", 90, "10.0.0.1"),
    ("ws2", 90, "fe80::1"),
    ("ws2", 121, "10.0.0.1"),
    ("ws2", 122, "::ffff:10.0.0.2"),
    ("ws2", 122, "127.0.0.1"),
];

#[tokio::test]
async fn a_span_answers_as_its_reports_would_in_any_order() {
    for turn in 0..SIGHTS.len() {
        let fixture = Fixture::new().await;
        let mut sights = SIGHTS.to_vec();
        sights.rotate_left(turn);
        if turn % 2 == 1 {
            sights.reverse();
        }
        // One by one and twice over.
        for sight in sights.iter().chain(&sights[..4]) {
            fixture.store.describe(fixture.tenant, vec![report(*sight)]).await.unwrap();
        }
        for address in ["10.0.0.1", "10.0.0.2", "fe80::1", "10.0.0.3"] {
            let own: IpAddr = address.parse().unwrap();
            for minute in (-20..260).step_by(3) {
                let mut expected: Vec<_> = SIGHTS
                    .iter()
                    .filter(|(_, reported, text)| {
                        let text: IpAddr = text.parse().unwrap();
                        text.to_canonical() == own && (reported - minute).abs() <= 15
                    })
                    .map(|(machine, ..)| (*machine).to_owned())
                    .collect();
                expected.sort();
                expected.dedup();
                let found = found(&fixture, &fixture.scope(), address, minute).await;
                assert_eq!(found, expected, "{address} at minute {minute}, {sights:?}");
            }
        }
        assert!(found(&fixture, &fixture.scope(), "127.0.0.1", 122).await.is_empty());
    }
}

#[tokio::test]
async fn an_address_shows_no_machine_outside_of_the_scope() {
    let fixture = Fixture::new().await;
    fixture.save_groups(vec![group(1, named(Operator::Equals, "ws1"))]).await;
    for sight in [("ws1", 0, "10.0.0.1"), ("ws2", 0, "10.0.0.1")] {
        fixture.store.describe(fixture.tenant, vec![report(sight)]).await.unwrap();
    }
    fixture.regroup().await;
    assert_eq!(found(&fixture, &fixture.scope(), "10.0.0.1", 0).await, ["ws1", "ws2"]);
    assert_eq!(found(&fixture, &fixture.groups([1]), "10.0.0.1", 0).await, ["ws1"]);
    assert!(found(&fixture, &fixture.groups([2]), "10.0.0.1", 0).await.is_empty());
    let other = uuid::Uuid::new_v4();
    let other = fixture.store.add_tenant(other, "other", &[]).await.unwrap().unwrap();
    assert!(found(&fixture, &Scope::whole(other.number), "10.0.0.1", 0).await.is_empty());
}

#[tokio::test]
async fn retention_forgets_addresses() {
    let fixture = Fixture::new().await;
    let day = 24 * 60;
    for sight in [("ws1", 0, "10.0.0.1"), ("ws2", 0, "10.0.0.1"), ("ws2", 2 * day, "10.0.0.2")] {
        fixture.store.describe(fixture.tenant, vec![report(sight)]).await.unwrap();
    }
    fixture.store.prune(fixture.tenant, at(day).day()).await.unwrap();
    assert!(found(&fixture, &fixture.scope(), "10.0.0.1", 0).await.is_empty());
    assert_eq!(found(&fixture, &fixture.scope(), "10.0.0.2", 2 * day).await, ["ws2"]);
    let kept: i64 = fixture
        .sql()
        .query_row("SELECT count(*) FROM machine_address", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 1);
}
