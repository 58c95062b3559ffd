//! Whose accounts are whose: joined by evidence, decided by people.

use inventory::change::Author;
use inventory::person::{IdentityReport, entra_sid};
use inventory::query::{AccountKey, Page, UpnLookup, UserSelector, Window};
use store::PersonDecision;
use uuid::Uuid;

use super::*;

const AT: &str = "2025-06-02T08:00:00Z";

fn account(user: &str, domain: &str, sid: &str) -> Account {
    Account::from_log(user, domain, sid).unwrap()
}

fn identity(name: &str, domain: &str, upn: &str, id: u128, mail: &str) -> IdentityReport {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    IdentityReport {
        name: some(name),
        domain: some(domain),
        sid: None,
        upn: some(upn),
        object_id: Some(Uuid::from_u128(id)).filter(|id| !id.is_nil()),
        mail: some(mail),
    }
}

impl Fixture {
    async fn logged_on(&self, accounts: &[Account]) {
        let logons = accounts.iter().enumerate().map(|(number, account)| Logon {
            account: account.clone(),
            ..logon("x", &format!("ws{number}"), AT, 2, number as u64 + 1)
        });
        self.store.record(self.tenant, logons.collect()).await.unwrap();
    }

    async fn identified(&self, reports: Vec<IdentityReport>) -> u64 {
        let reports = reports.into_iter().map(|report| (report, time(AT))).collect();
        self.store.identify(self.tenant, reports).await.unwrap()
    }

    /// The accounts of a person, as `domain\name`.
    async fn person(&self, text: &str) -> Vec<String> {
        let user = UserSelector::parse(text, UpnLookup::LocalPart);
        let found = self.store.person(self.tenant, text, user.as_ref()).await.unwrap();
        let mut ids: Vec<_> = found.iter().map(|one| one.account.id()).collect();
        ids.sort();
        ids
    }

    async fn say(&self, text: &str, decision: PersonDecision) {
        let key = self.key(text).await;
        let author = Author { time: time(AT), app: None, person: None };
        self.store.decide_persons(self.tenant, vec![(key, decision)], author).await.unwrap();
    }

    async fn key(&self, text: &str) -> AccountKey {
        let user = UserSelector::parse(text, UpnLookup::LocalPart);
        let mut keys = self.store.accounts(self.tenant, text, user.as_ref()).await.unwrap();
        assert_eq!(keys.len(), 1, "{text}");
        keys.remove(0)
    }
}

#[tokio::test]
async fn a_sid_joins_the_names_of_a_renamed_account() {
    let fixture = Fixture::new().await;
    let sid = "S-1-5-21-1-2-3-1104";
    fixture
        .logged_on(&[
            account("jmiller", "CORP", sid),
            account("jsmith", "corp.example", sid),
            account("jsmith", "LAB", "S-1-5-21-9-9-9-1104"),
            account("system", "", "S-1-5-18"),
            account("other", "", "S-1-5-18"),
        ])
        .await;
    let both = ["corp.example\\jsmith", "corp\\jmiller"];
    assert_eq!(fixture.person(sid).await, both);
    assert_eq!(fixture.person("CORP\\JMiller").await, both);
    assert_eq!(fixture.person("jsmith@corp.example").await, both);
    // A bare name is everybody's who has it, with all of theirs.
    assert_eq!(fixture.person("jsmith").await, [both[0], both[1], "lab\\jsmith"]);
    assert_eq!(fixture.person("jmiller").await, both);
    // A SID that every machine has joins nothing.
    assert_eq!(fixture.person("other").await, ["other"]);
    assert_eq!(fixture.person("nobody").await, [] as [&str; 0]);
}

#[tokio::test]
async fn directories_join_what_logs_name_differently() {
    let fixture = Fixture::new().await;
    let id = Uuid::from_u128(0x1234_5678_9abc_def0_1111_2222_3333_4444);
    fixture
        .logged_on(&[
            account("jdoe", "CORP", "S-1-5-21-1-2-3-1104"),
            account("john.doe@contoso.example", "AzureAD", &entra_sid(id)),
            account("jdoe", "AzureAD", "S-1-12-1-1-2-3-4"),
            account("anna", "CORP", "S-1-5-21-1-2-3-1105"),
        ])
        .await;
    assert_eq!(fixture.person("CORP\\jdoe").await, ["corp\\jdoe"]);
    let upn = "john.doe@contoso.example";
    let reports = vec![
        identity("jdoe", "corp", upn, 0, ""),
        identity("", "", upn, id.as_u128(), "j.doe@mail.example"),
        // It says one thing alone.
        identity("", "", "anna@contoso.example", 0, ""),
    ];
    assert_eq!(fixture.identified(reports.clone()).await, 2);
    assert_eq!(fixture.identified(reports).await, 0, "told before");
    let both = ["azuread\\john.doe", "corp\\jdoe"];
    let texts =
        ["corp\\jdoe", upn, "j.doe@mail.example", &id.to_string(), &entra_sid(id), "john.doe"];
    for text in texts {
        assert_eq!(fixture.person(text).await, both, "{text}");
    }
    // What people say wins, and is undone.
    let apart = PersonDecision { is_apart: true, linked_with: None };
    fixture.say("CORP\\jdoe", apart).await;
    assert_eq!(fixture.person(upn).await, ["azuread\\john.doe"]);
    assert_eq!(fixture.person("CORP\\jdoe").await, ["corp\\jdoe"]);
    fixture.say("CORP\\jdoe", PersonDecision::default()).await;
    assert_eq!(fixture.person(upn).await, both);
    let linked_with = Some(fixture.key(&entra_sid(id)).await);
    fixture.say("CORP\\anna", PersonDecision { is_apart: true, linked_with }).await;
    for text in ["anna", upn] {
        assert_eq!(fixture.person(text).await, [both[0], "corp\\anna", both[1]], "{text}");
    }
}

#[tokio::test]
async fn a_name_that_two_sids_had_joins_nobody() {
    let fixture = Fixture::new().await;
    fixture
        .logged_on(&[
            account("jdoe", "CORP", "S-1-5-21-1-2-3-1104"),
            account("jdoe", "CORP", "S-1-5-21-7-8-9-1104"),
        ])
        .await;
    fixture.identified(vec![identity("jdoe", "corp", "jdoe@corp.example", 7, "")]).await;
    assert_eq!(fixture.person("S-1-5-21-1-2-3-1104").await, ["corp\\jdoe"]);
    assert_eq!(fixture.person("corp\\jdoe").await.len(), 2, "both are called so");
}

#[tokio::test]
async fn the_machines_of_a_person_are_those_of_all_their_accounts() {
    let fixture = Fixture::new().await;
    let sid = "S-1-5-21-1-2-3-1104";
    fixture.logged_on(&[account("old", "CORP", sid), account("new", "CORP", sid)]).await;
    let accounts = fixture.store.person(fixture.tenant, sid, None).await.unwrap();
    let accounts = Some(accounts.into_iter().map(|one| one.key).collect());
    let user = UserSelector { name: "old".to_owned(), domain: None, accounts };
    for scope in [fixture.scope(), fixture.groups([0])] {
        let found =
            fixture.store.machines_of_user(&scope, &user, Window::ALL, Page::ALL).await.unwrap();
        assert_eq!(found.len(), 2);
    }
    let none = fixture.groups([7]);
    let found = fixture.store.machines_of_user(&none, &user, Window::ALL, Page::ALL).await;
    assert_eq!(found.unwrap(), []);
}

#[tokio::test]
async fn who_is_forgotten_is_so_with_all_that_directories_said() {
    let fixture = Fixture::new().await;
    let sid = "S-1-5-21-1-2-3-1104";
    fixture.logged_on(&[account("jdoe", "CORP", sid), account("anna", "CORP", "")]).await;
    let by_sid = IdentityReport {
        sid: Some(sid.to_owned()),
        ..identity("", "", "j@x.example", 0, "private@x.example")
    };
    let reports = vec![
        by_sid,
        identity("jdoe", "corp", "jdoe@corp.example", 7, ""),
        identity("anna", "corp", "anna@corp.example", 8, ""),
    ];
    fixture.identified(reports).await;
    let linked_with = Some(fixture.key("CORP\\jdoe").await);
    fixture.say("CORP\\anna", PersonDecision { is_apart: false, linked_with }).await;
    let jdoe = UserSelector::parse("jdoe", UpnLookup::LocalPart).unwrap();
    let forgotten = fixture.store.forget(fixture.tenant, &jdoe).await.unwrap();
    assert_eq!((forgotten.accounts.len(), forgotten.identities), (1, 2));
    let count = |table: &str| -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        fixture.sql().query_row(&count, [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("person_identity"), count("person_decision")), (1, 0));
    for entry in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(7).any(|word| word == b"private"));
    }
    // Retention forgets what directories said too long ago.
    fixture.store.prune(fixture.tenant, time("2026-01-01T00:00:00Z").day()).await.unwrap();
    assert_eq!(count("person_identity"), 0);
}
