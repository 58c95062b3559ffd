//! The audit: a file of its own, in the order of time, to which entries are only added.

use inventory::access::audit::{Deed, Entry, Filter};
use uuid::Uuid;

use super::*;

fn entry(at: &str, operation: &str) -> Entry {
    Entry {
        time: time(at),
        tenant: Some(TenantId(1)),
        deed: Deed::Call,
        correlation: Uuid::new_v4(),
        app: Some(Uuid::from_u128(7)),
        person: None,
        address: Some("2001:db8::7".parse().unwrap()),
        operation: operation.to_owned(),
        detail: "/api/machines?$top=1".to_owned(),
        status: 200,
        rows: Some(1),
        latency_us: 1234,
    }
}

async fn read(store: &dyn Store, filter: &Filter) -> Vec<Entry> {
    let mut entries = Vec::new();
    store
        .audit(filter, &mut |entry| {
            entries.push(entry);
            Ok(())
        })
        .await
        .unwrap();
    entries
}

fn path(fixture: &Fixture) -> std::path::PathBuf {
    fixture.folder.path().join("footfall.sqlite-audit")
}

#[tokio::test]
async fn entries_come_back_whole_by_time_and_by_every_filter() {
    let fixture = Fixture::new().await;
    assert!(!path(&fixture).exists());
    assert_eq!(read(&*fixture.store, &Filter::default()).await, []);
    let sign_in = Entry {
        tenant: None,
        deed: Deed::SignIn,
        app: None,
        person: Some("JÖRG@corp.example".to_owned()),
        address: Some("10.0.0.1".parse().unwrap()),
        rows: None,
        status: 400,
        ..entry("2025-06-02T08:00:01Z", "token")
    };
    let other = Entry {
        tenant: Some(TenantId(2)),
        deed: Deed::Administration,
        app: Some(Uuid::from_u128(8)),
        person: Some("root".to_owned()),
        address: None,
        rows: Some(u64::MAX >> 1),
        ..entry("2025-06-02T08:00:02Z", "app.add")
    };
    let first = entry("2025-06-02T08:00:00Z", "first");
    let same_tick = entry("2025-06-02T08:00:02Z", "same");
    // Not in the order of time, and from two processes.
    fixture.store.append_audit(vec![other.clone(), sign_in.clone()]).await.unwrap();
    fixture.again().append_audit(vec![first.clone(), same_tick.clone()]).await.unwrap();
    let all = [first.clone(), sign_in.clone(), other.clone(), same_tick.clone()];
    assert_eq!(read(&*fixture.store, &Filter::default()).await, all);

    let at = |text| Some(time(text));
    let none = Filter::default();
    let cases = [
        (Filter { tenant: Some(TenantId(2)), ..none.clone() }, vec![2]),
        (Filter { since: at("2025-06-02T08:00:02Z"), ..none.clone() }, vec![2, 3]),
        (Filter { until: at("2025-06-02T08:00:02Z"), ..none.clone() }, vec![0, 1]),
        (Filter { deed: Some(Deed::SignIn), ..none.clone() }, vec![1]),
        (Filter { app: Some(Uuid::from_u128(7)), ..none.clone() }, vec![0, 3]),
        (Filter { person: Some("jörg@CORP.example".to_owned()), ..none.clone() }, vec![1]),
        (Filter { last: Some(2), ..none.clone() }, vec![2, 3]),
        (Filter { last: Some(1), deed: Some(Deed::Call), ..none.clone() }, vec![3]),
        (Filter { last: Some(9), person: Some("Root".to_owned()), ..none.clone() }, vec![2]),
        (Filter { last: Some(0), ..none.clone() }, vec![]),
        (Filter { last: Some(3), tenant: Some(TenantId(3)), ..none.clone() }, vec![]),
        (Filter { last: Some(1), until: at("2025-06-02T08:00:02Z"), ..none.clone() }, vec![1]),
    ];
    for (filter, expected) in cases {
        let expected: Vec<_> =
            expected.into_iter().map(|place: usize| all[place].clone()).collect();
        assert_eq!(read(&*fixture.store, &filter).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn an_entry_does_not_end_remembered_answers() {
    let fixture = Fixture::new().await;
    let before = fixture.store.version().unwrap();
    fixture.store.append_audit(vec![entry("2025-06-02T08:00:00Z", "x")]).await.unwrap();
    fixture.again().append_audit(vec![entry("2025-06-02T08:00:00Z", "y")]).await.unwrap();
    assert_eq!(fixture.store.version().unwrap(), before);
}

#[tokio::test]
async fn nobody_changes_or_removes_an_entry() {
    let fixture = Fixture::new().await;
    let entries = vec![entry("2025-06-01T08:00:00Z", "a"), entry("2025-06-02T08:00:00Z", "b")];
    fixture.store.append_audit(entries.clone()).await.unwrap();
    let sql = rusqlite::Connection::open(path(&fixture)).unwrap();
    for attempt in
        ["UPDATE entry SET status = 0", "DELETE FROM entry", "DELETE FROM entry WHERE time < 1e18"]
    {
        let error = sql.execute(attempt, []).unwrap_err();
        assert!(error.to_string().contains("audit"), "{attempt}: {error}");
    }
    // While retention is applied, what is younger stays.
    let floor = time("2025-06-02T00:00:00Z").ticks();
    sql.execute("INSERT INTO forgetting VALUES (1, ?1)", [floor]).unwrap();
    assert!(sql.execute("DELETE FROM entry", []).is_err());
    sql.execute("DELETE FROM forgetting", []).unwrap();
    assert_eq!(read(&*fixture.store, &Filter::default()).await, entries);
}

#[tokio::test]
async fn retention_removes_what_is_older_in_steps_and_nothing_else() {
    let fixture = Fixture::new().await;
    let old: Vec<_> = (0..25_000)
        .map(|place| entry(&format!("2025-06-01T08:00:{:02}Z", place % 60), "old"))
        .collect();
    let young = vec![entry("2025-06-02T00:00:00Z", "young")];
    fixture.store.append_audit(old).await.unwrap();
    fixture.store.append_audit(young.clone()).await.unwrap();
    let before = time("2025-06-02T00:00:00Z");
    assert_eq!(fixture.store.prune_audit(before).await.unwrap(), 25_000);
    assert_eq!(fixture.again().prune_audit(before).await.unwrap(), 0);
    assert_eq!(read(&*fixture.store, &Filter::default()).await, young);
    let sql = rusqlite::Connection::open(path(&fixture)).unwrap();
    assert!(sql.execute("DELETE FROM entry", []).is_err());
}

#[tokio::test]
async fn a_visitor_that_fails_ends_the_reading() {
    let fixture = Fixture::new().await;
    let entries = (0..5_000).map(|_| entry("2025-06-02T08:00:00Z", "x")).collect();
    fixture.store.append_audit(entries).await.unwrap();
    let mut seen = 0;
    let outcome = fixture
        .store
        .audit(&Filter::default(), &mut |_| {
            seen += 1;
            Err(std::io::Error::other("full"))
        })
        .await;
    assert!(matches!(outcome, Err(store::Error::Visitor(_))));
    assert_eq!(seen, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn the_audits_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new().await;
    fixture.store.append_audit(vec![entry("2025-06-02T08:00:00Z", "x")]).await.unwrap();
    let mut files = 0;
    for file in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let file = file.unwrap();
        files += u8::from(file.file_name().to_string_lossy().contains("-audit"));
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.path());
    }
    assert!(files >= 1);
}
