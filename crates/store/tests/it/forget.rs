//! Erasing a person: nothing of them is left, and nothing of anybody else is lost.

use inventory::access::audit::{Deed, Entry, Filter};
use inventory::query::{MachineList, Page, UpnLookup, UserSelector, Window};

use super::*;

fn user(text: &str) -> UserSelector {
    UserSelector::parse(text, UpnLookup::LocalPart).unwrap()
}

/// `LAB\anna` and `CORP\anna` on machines of their own and on one that `CORP\ben` has too.
async fn filled() -> Fixture {
    let fixture = Fixture::new().await;
    let from = |logon: Logon, name: &str| Logon { remote_name: Some(name.to_owned()), ..logon };
    let logons = vec![
        from(logon("CORP\\anna", "ws-anna", "2026-11-01T08:00:00Z", 2, 1), "JUMP"),
        logon("CORP\\anna", "shared", "2026-11-02T08:00:00Z", 3, 2),
        logon("CORP\\anna", "shared", "2026-11-09T08:00:00Z", 3, 3),
        logon("LAB\\anna", "lab", "2026-11-03T08:00:00Z", 2, 4),
        logon("CORP\\ben", "shared", "2026-11-05T08:00:00Z", 2, 5),
    ];
    fixture.store.record(fixture.tenant, logons).await.unwrap();
    let facts =
        MachineFacts { last_ip_address: "10.0.0.1".parse().ok(), ..MachineFacts::default() };
    let report = MachineReport {
        machine: MachineRef::named("lab"),
        time: time("2026-11-04T08:00:00Z"),
        facts,
    };
    fixture.store.describe(fixture.tenant, vec![report]).await.unwrap();
    fixture
}

#[tokio::test]
async fn a_person_is_erased_and_nobody_else() {
    let fixture = filled().await;
    let forgotten = fixture.store.forget(fixture.tenant, &user("Anna")).await.unwrap();
    let mut names: Vec<_> = forgotten.accounts.iter().map(Account::id).collect();
    names.sort();
    assert_eq!(names, ["corp\\anna", "lab\\anna"]);
    // ws-anna was known by her alone; lab reported itself.
    assert_eq!((forgotten.relations, forgotten.logons, forgotten.machines), (3, 4, 1));
    let totals = fixture.store.totals(&fixture.scope()).await.unwrap();
    assert_eq!((totals.machines, totals.accounts, totals.relations), (2, 1, 1));
    let list = MachineList::all(Page::ALL, time("2026-11-20T00:00:00Z"));
    let listed = fixture.store.machines(&fixture.scope(), list).await.unwrap();
    let times: Vec<_> = listed
        .machines
        .iter()
        .map(|one| (one.computer_dns_name.as_str(), one.first_seen, one.last_seen))
        .collect();
    let at = |text: &str| time(text);
    assert_eq!(
        times,
        [
            ("shared", at("2026-11-05T08:00:00Z"), at("2026-11-05T08:00:00Z")),
            ("lab", at("2026-11-04T08:00:00Z"), at("2026-11-04T08:00:00Z")),
        ]
    );
    let text = |table: &str| -> i64 {
        fixture
            .sql()
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!((text("event"), text("relation_day"), text("account_domain")), (1, 1, 1));
    // Her name is in no byte of the files any more.
    for entry in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let is_there = bytes.windows(4).any(|word| word.eq_ignore_ascii_case(b"anna"));
        assert!(!is_there, "{}", path.display());
    }
    // The same logs again make a new person.
    let again = logon("CORP\\anna", "shared", "2026-11-02T08:00:00Z", 3, 2);
    assert_eq!(fixture.store.record(fixture.tenant, vec![again]).await.unwrap().added, 1);
}

#[tokio::test]
async fn a_domain_narrows_who_is_meant() {
    let fixture = filled().await;
    let forgotten = fixture.store.forget(fixture.tenant, &user("LAB\\anna")).await.unwrap();
    assert_eq!((forgotten.accounts.len(), forgotten.logons), (1, 1));
    let left = fixture
        .store
        .machines_of_user(&fixture.scope(), &user("anna"), Window::ALL, Page::ALL)
        .await
        .unwrap();
    assert_eq!(left.len(), 2);
    let nobody = fixture.store.forget(fixture.tenant, &user("carl")).await.unwrap();
    assert_eq!(nobody, store::Forgotten::default());
}

#[tokio::test]
async fn a_pseudonym_stands_for_the_name_in_the_audit_of_the_tenant() {
    let fixture = Fixture::new().await;
    let entry = |tenant: TenantId, person: Option<&str>, detail: &str| Entry {
        time: time("2026-11-20T08:00:00Z"),
        tenant: Some(tenant),
        deed: Deed::Call,
        correlation: uuid::Uuid::new_v4(),
        app: None,
        person: person.map(str::to_owned),
        address: None,
        operation: "GET /api/users/{id}/machines".to_owned(),
        detail: detail.to_owned(),
        status: 200,
        rows: Some(1),
        latency_us: 7,
    };
    let other = fixture.store.add_tenant(uuid::Uuid::new_v4(), "other", &[]).await.unwrap();
    let other = other.unwrap().number;
    let entries = vec![
        entry(fixture.tenant, Some("Anna"), "/api/alerts"),
        entry(fixture.tenant, None, "/api/users/CORP%5Canna/machines"),
        entry(fixture.tenant, None, "/api/users/ben/machines"),
        entry(other, None, "/api/users/anna/machines"),
    ];
    fixture.store.append_audit(entries).await.unwrap();
    let changed = fixture.store.pseudonymise_audit(fixture.tenant, "anna", "P").await.unwrap();
    assert_eq!(changed, 2);
    let mut seen = Vec::new();
    let mut visit = |entry: Entry| {
        seen.push((entry.person, entry.detail, entry.latency_us));
        Ok(())
    };
    fixture.store.audit(&Filter::default(), &mut visit).await.unwrap();
    let text = |text: &str| text.to_owned();
    assert_eq!(
        seen,
        [
            (Some(text("P")), text("/api/alerts"), 7),
            (None, text("/api/users/CORP\\P/machines"), 7),
            (None, text("/api/users/ben/machines"), 7),
            (None, text("/api/users/anna/machines"), 7),
        ]
    );
    // Nothing else can be changed, neither then nor now.
    let sql = rusqlite::Connection::open(fixture.folder.path().join("footfall.sqlite-audit"));
    let sql = sql.unwrap();
    assert!(sql.execute("UPDATE entry SET person = 'x'", []).is_err());
    sql.execute("INSERT INTO pseudonymising VALUES (1)", []).unwrap();
    assert!(sql.execute("UPDATE entry SET status = 404", []).is_err());
}

/// Accounts that are named one by one are erased, and no others of their name.
#[tokio::test]
async fn some_accounts_of_a_name_are_forgotten() {
    let fixture = Fixture::new().await;
    let logons = vec![
        logon("CORP\\jdoe", "ws-1", "2026-11-01T08:00:00Z", 2, 1),
        logon("LAB\\jdoe", "ws-2", "2026-11-01T08:00:00Z", 2, 2),
        logon("jdoe", "ws-3", "2026-11-01T08:00:00Z", 2, 3),
    ];
    fixture.store.record(fixture.tenant, logons).await.unwrap();
    let key = |authority: &str| inventory::query::AccountKey {
        name: "jdoe".to_owned(),
        authority: authority.to_owned(),
    };
    let lab = UserSelector { accounts: Some(vec![key("lab")]), ..user("jdoe") };
    let forgotten = fixture.store.forget(fixture.tenant, &lab).await.unwrap();
    assert_eq!(forgotten.accounts.len(), 1);
    assert_eq!(forgotten.accounts[0].domain, "lab");
    let forgotten = fixture.store.forget(fixture.tenant, &user("\\jdoe")).await.unwrap();
    assert_eq!(forgotten.accounts.len(), 1);
    assert_eq!(forgotten.accounts[0].domain, "");
    let left = fixture.store.namesakes(&fixture.scope(), &user("jdoe"), Window::ALL).await.unwrap();
    assert_eq!(left.len(), 1);
}

/// What another tenant's logs tell of domains erases nobody here.
#[tokio::test]
async fn domains_are_one_within_a_tenant() {
    let fixture = Fixture::new().await;
    let other = fixture.store.add_tenant(uuid::Uuid::from_u128(9), "other", &[]).await.unwrap();
    let sid = "S-1-5-21-1-2-3-1104";
    let in_both = |domain: &str, session| Logon {
        account: Account::from_log("jdoe", domain, sid).unwrap(),
        ..logon("x", "ws-9", "2026-11-01T08:00:00Z", 2, session)
    };
    let theirs = vec![in_both("CORP", 1), in_both("LAB", 2)];
    fixture.store.record(other.unwrap().number, theirs).await.unwrap();
    let ours = vec![
        logon("CORP\\jdoe", "ws-1", "2026-11-01T08:00:00Z", 2, 1),
        logon("LAB\\jdoe", "ws-2", "2026-11-01T08:00:00Z", 2, 2),
    ];
    fixture.store.record(fixture.tenant, ours).await.unwrap();
    let forgotten = fixture.store.forget(fixture.tenant, &user("CORP\\jdoe")).await.unwrap();
    assert_eq!(forgotten.accounts.len(), 1, "{:?}", forgotten.accounts);
}
