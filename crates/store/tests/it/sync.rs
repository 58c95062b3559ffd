//! How far other servers are read: kept, each source and tenant for itself, and calls within limits.

use store::{Admission, CallLimit, SyncMachine, SyncOutcome, SyncProgress, SyncSource, SyncWalk};
use uuid::Uuid;

use super::*;

const APP: Uuid = Uuid::from_u128(7);
const API: &str = "get-machines";

fn source(origin: &str) -> SyncSource {
    SyncSource { origin: origin.to_owned(), directory: "Contoso.example".to_owned() }
}

fn machine(number: u8, last_seen: &str) -> SyncMachine {
    SyncMachine { id: MachineId([number; 20]), last_seen: time(last_seen) }
}

#[tokio::test]
async fn a_machine_is_due_until_its_users_were_asked_as_it_was_seen_last() {
    let fixture = Fixture::new().await;
    let (store, tenant, of) = (&fixture.store, fixture.tenant, source("https://a.example"));
    let due = async || store.sync_due(tenant, &of, 10).await.unwrap();
    assert_eq!(store.sync_progress(tenant, &of).await.unwrap(), SyncProgress::default());
    assert_eq!(due().await, []);
    let (one, two) = (machine(1, "2026-01-01T08:00:00Z"), machine(2, "2026-01-02T08:00:00Z"));
    let walk = SyncWalk {
        since: Some(time("2025-01-01T00:00:00Z")),
        again: false,
        begun: Some(time("2026-01-03T00:00:00Z")),
        last_seen: Some(two.last_seen),
        rows: 2,
        next: Some("https://a.example/api/machines?$skiptoken=x".to_owned()),
    };
    let progress = SyncProgress { walk: Some(walk.clone()), ..SyncProgress::default() };
    store.save_sync(tenant, &of, &progress, vec![one, two]).await.unwrap();
    // Another process sees the same, under another spelling of the tenant there.
    let spelt = SyncSource { directory: "CONTOSO.example".to_owned(), ..of.clone() };
    assert_eq!(fixture.again().sync_progress(tenant, &spelt).await.unwrap(), progress);
    assert_eq!(due().await, [two, one], "the last seen first");
    store.note_sync(tenant, &of, two, SyncOutcome::Failed).await.unwrap();
    assert_eq!(due().await, [one, two], "after those that did not fail");
    store.note_sync(tenant, &of, one, SyncOutcome::Done).await.unwrap();
    assert_eq!(store.count_sync_due(tenant, &of).await.unwrap(), 1);
    // It was seen again while it was asked.
    let later = machine(2, "2026-01-02T09:00:00Z");
    store.save_sync(tenant, &of, &progress, vec![one, later]).await.unwrap();
    store.note_sync(tenant, &of, two, SyncOutcome::Done).await.unwrap();
    assert_eq!(due().await, [later]);
    store.note_sync(tenant, &of, later, SyncOutcome::Done).await.unwrap();
    assert_eq!(due().await, []);
    // All are asked again where the walk says so.
    let again = SyncWalk { again: true, ..walk };
    let progress = SyncProgress { walk: Some(again), ..SyncProgress::default() };
    store.save_sync(tenant, &of, &progress, vec![one]).await.unwrap();
    assert_eq!(due().await, [one]);
    let ended = SyncProgress { mark: Some(later.last_seen), listed: None, walk: None };
    store.save_sync(tenant, &of, &ended, Vec::new()).await.unwrap();
    assert_eq!(store.sync_progress(tenant, &of).await.unwrap(), ended);
    // Others know nothing of it.
    let other = source("https://b.example");
    assert_eq!(store.sync_progress(tenant, &other).await.unwrap(), SyncProgress::default());
    assert_eq!(store.count_sync_due(TenantId(2), &of).await.unwrap(), 0);
}

#[tokio::test]
async fn no_period_wherever_it_begins_has_more_calls_than_its_limit() {
    let fixture = Fixture::new().await;
    let (tenant, of) = (fixture.tenant, source("https://a.example"));
    let limits = [CallLimit { calls: 3, period_s: 60 }, CallLimit { calls: 10, period_s: 3600 }];
    let begin = time("2026-01-01T08:00:00Z");
    let at = |seconds: i64| begin.plus_seconds(seconds).unwrap();
    let mut made: Vec<i64> = Vec::new();
    for second in 0..7200 {
        // As if the process were started anew each time.
        let store = if second % 100 == 0 { fixture.again() } else { Arc::clone(&fixture.store) };
        let admission =
            store.admit_sync_call(tenant, &of, APP, API, &limits, at(second)).await.unwrap();
        let within = |period: i64| made.iter().filter(|call| **call > second - period).count();
        let fits = within(60) < 3 && within(3600) < 10;
        match admission {
            Admission::Admitted => {
                assert!(fits, "{second}: {made:?}");
                made.push(second);
            }
            Admission::NotBefore(free) => {
                assert!(!fits && free > at(second) && free <= at(second + 3600), "{second}");
            }
        }
    }
    assert_eq!(made.len(), 20, "the whole of it can be used: {made:?}");
}

#[tokio::test]
async fn apps_apis_and_sources_have_limits_of_their_own_and_a_clock_may_be_set() {
    let fixture = Fixture::new().await;
    let (store, tenant, of) = (&fixture.store, fixture.tenant, source("https://a.example"));
    let limits = [CallLimit { calls: 1, period_s: 60 }];
    let now = time("2026-01-01T08:00:00Z");
    let other = source("https://b.example");
    for (of, app, api) in
        [(&of, APP, API), (&of, Uuid::nil(), API), (&of, APP, "other"), (&other, APP, API)]
    {
        let admit =
            async || store.admit_sync_call(tenant, of, app, api, &limits, now).await.unwrap();
        assert_eq!(admit().await, Admission::Admitted);
        assert_eq!(admit().await, Admission::NotBefore(now.plus_seconds(60).unwrap()));
    }
    // Set back by a year: it waits for a period, and not for the year.
    let before = time("2025-01-01T08:00:00Z");
    let admission = store.admit_sync_call(tenant, &of, APP, API, &limits, before).await.unwrap();
    assert_eq!(admission, Admission::NotBefore(before.plus_seconds(60).unwrap()));
}
