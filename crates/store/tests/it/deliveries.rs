//! What senders sent at once: one transaction, and each one's counts.

use std::sync::Arc;

use store::{Counts, Delivery, SenderKey};

use super::*;

fn delivery(fixture: &Fixture, name: &str, at: &str, logons: Vec<Logon>) -> Delivery {
    let sender = SenderKey { kind: "hec", name: name.to_owned() };
    let mut delivery = Delivery::new(fixture.tenant, sender, time(at));
    delivery.read = Counts { received: 10, noise: 3, rejected: 1, ..Counts::default() };
    delivery.logons = logons;
    delivery
}

#[tokio::test]
async fn each_delivery_has_its_own_counts() {
    let fixture = Fixture::new().await;
    let logon = |record| logon("corp\\jdoe", "WS1", "2026-03-01T10:00:00Z", 2, record);
    let first = delivery(&fixture, "a", "2026-03-01T10:00:01Z", vec![logon(1), logon(2)]);
    let second = delivery(&fixture, "b", "2026-03-01T10:00:02Z", vec![logon(2), logon(3)]);
    let quiet = delivery(&fixture, "c", "2026-03-01T10:00:03Z", Vec::new());
    let recorded = fixture.store.deliver(Arc::from([first.clone(), second, quiet])).await.unwrap();
    // Of two that tell of one logon one was the first.
    let sums: Vec<u64> = recorded.iter().map(|it| it.added + it.duplicates).collect();
    assert_eq!(sums, [2, 2, 0]);
    assert_eq!(recorded.iter().map(|it| it.added).sum::<u64>(), 3);

    let again = fixture.store.deliver(Arc::from([first])).await.unwrap();
    assert_eq!((again[0].added, again[0].duplicates), (0, 2));
    let senders = fixture.store.senders(fixture.tenant).await.unwrap();
    let names: Vec<&str> = senders.iter().map(|sender| sender.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(senders[0].counts.received, 20);
    assert_eq!(senders[0].counts.accepted + senders[0].counts.duplicates, 4);
    assert_eq!(senders[0].newest, Some(time("2026-03-01T10:00:00Z")));
    assert_eq!((senders[2].newest, senders[2].counts.noise), (None, 3));
    assert_eq!(senders[2].last_at, time("2026-03-01T10:00:03Z"));
}

#[tokio::test]
async fn names_of_senders_do_not_grow_without_bound() {
    let fixture = Fixture::new().await;
    let many: Vec<Delivery> = (0..10_050)
        .map(|number| delivery(&fixture, &format!("n{number}"), "2026-03-01T10:00:00Z", vec![]))
        .collect();
    fixture.store.deliver(Arc::from(many)).await.unwrap();
    let senders = fixture.store.senders(fixture.tenant).await.unwrap();
    assert_eq!(senders.len(), 10_001);
    assert_eq!(senders[0].name, "(others)");
    assert_eq!(senders[0].counts.received, 500);
}

#[tokio::test]
async fn deliveries_of_several_tenants_stay_apart() {
    let fixture = Fixture::new().await;
    let id = uuid::Uuid::from_u128(7);
    let other = fixture.store.add_tenant(id, "other", &[]).await.unwrap().unwrap().number;
    let logon = logon("corp\\jdoe", "WS1", "2026-03-01T10:00:00Z", 2, 1);
    let mine = delivery(&fixture, "a", "2026-03-01T10:00:01Z", vec![logon.clone()]);
    let mut theirs = mine.clone();
    theirs.tenant = other;
    let recorded = fixture.store.deliver(Arc::from([mine, theirs])).await.unwrap();
    assert_eq!(recorded.iter().map(|it| it.added).collect::<Vec<_>>(), [1, 1]);
    for tenant in [fixture.tenant, other] {
        let totals = fixture.store.totals(&Scope::whole(tenant)).await.unwrap();
        assert_eq!((totals.machines, totals.relations), (1, 1));
        assert_eq!(fixture.store.senders(tenant).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn places_in_logs_are_kept_each_in_the_place_of_the_one_before() {
    let fixture = Fixture::new().await;
    let place = |source: &str, inode, position, day: i64| store::Followed {
        source: source.to_owned(),
        device: u64::MAX,
        inode,
        position,
        modified: -1,
        head_length: 256,
        head: vec![1, 2],
        tail: vec![3],
        cursor: String::new(),
        at: Timestamp::from_seconds(1_772_359_200 + day * 86_400, 0).unwrap(),
    };
    let store = &fixture.store;
    let [old, other] = [place("/a", 1, 5, 0), place("/a", 2, 6, 1)];
    store.keep_followed(fixture.tenant, vec![old, other.clone()]).await.unwrap();
    let new = place("/a", 1, u64::MAX >> 1, 2);
    store.keep_followed(fixture.tenant, vec![new.clone()]).await.unwrap();
    assert_eq!(store.followed(fixture.tenant).await.unwrap(), [new, other]);
    // Of what nobody saw for long nothing is kept.
    let late = place("/b", 3, 0, 1_000);
    store.keep_followed(fixture.tenant, vec![late.clone()]).await.unwrap();
    assert_eq!(store.followed(fixture.tenant).await.unwrap(), [late]);
    assert!(store.followed(TenantId(99)).await.unwrap().is_empty());
}
