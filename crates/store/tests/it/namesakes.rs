//! Whom a user's name means in each of its forms, and who shares it.

use inventory::account::Account;
use inventory::person::IdentityReport;
use inventory::query::{Page, UpnLookup, Window};

use super::*;

const CORP: &str = "S-1-5-21-1-1-1";
const LAB: &str = "S-1-5-21-2-2-2";

/// A logon of an account as a log names it.
fn by(user: &str, domain: &str, sid: &str, machine: &str, session: u64) -> Logon {
    Logon {
        account: Account::from_log(user, domain, sid).unwrap(),
        ..logon("nobody", machine, "2026-11-01T08:00:00Z", 2, session)
    }
}

/// Accounts of two domains: CORP in all its forms, LAB by its NetBIOS name alone.
async fn two_domains() -> Fixture {
    let fixture = Fixture::new().await;
    let jdoe = format!("{CORP}-1104");
    let logons = vec![
        by("jdoe", "CORP", &jdoe, "ws-1", 1),
        by("jdoe", "corp.example", &jdoe, "ws-2", 2),
        by("jdoe", "CORP", "", "ws-3", 3),
        by("jdoe", "LAB", &format!("{LAB}-1104"), "srv-1", 4),
        by("jdoe", "", "", "linux-1", 5),
        by("anna", "LAB", &format!("{LAB}-1105"), "srv-1", 6),
        by("anna", "lab.intern", &format!("{LAB}-1105"), "srv-1", 7),
        by("ben", "CORP", &format!("{CORP}-1106"), "ws-1", 8),
        by("ben", "LAB", "", "srv-1", 9),
        by("carl@cloud.example", "AzureAD", "S-1-12-1-1-2-3-4", "ws-9", 10),
        by("carl", "LAB", "", "srv-2", 11),
    ];
    fixture.store.record(fixture.tenant, logons).await.unwrap();
    fixture
}

/// The machines of whom a text means.
async fn machines(fixture: &Fixture, text: &str, upn: UpnLookup) -> Vec<String> {
    let scope = fixture.scope();
    let Some(user) = fixture.store.meant(&scope, text, upn).await.unwrap() else {
        return vec!["nobody".to_owned()];
    };
    let found = fixture.store.machines_of_user(&scope, &user, Window::ALL, Page::ALL).await;
    let mut names: Vec<_> =
        found.unwrap().into_iter().map(|one| one.machine.computer_dns_name).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn every_form_of_a_name_means_its_accounts() {
    let fixture = two_domains().await;
    let everywhere = ["linux-1", "srv-1", "ws-1", "ws-2", "ws-3"];
    for (text, expected) in [
        ("jdoe", &everywhere[..]),
        ("CORP\\JDoe", &["ws-1", "ws-2", "ws-3"]),
        ("corp.example\\jdoe", &["ws-1", "ws-2"]),
        ("LAB\\jdoe", &["srv-1"]),
        ("\\jdoe", &["linux-1"]),
        ("other\\jdoe", &[]),
        // By the domain itself, with what a source told of it without the SID.
        ("jdoe@corp.example", &["ws-1", "ws-2", "ws-3"]),
        // By what another account tells of the domain: its SID.
        ("JDoe@lab.intern", &["srv-1"]),
        ("ben@corp.example", &["ws-1"]),
        ("ben@lab.intern", &["srv-1"]),
        // The realm is known, and nobody of the name is in it.
        ("anna@corp.example", &[]),
        // By the first label alone.
        ("ben@lab.example", &["srv-1"]),
        ("anna@lab.example", &["srv-1"]),
        // Nothing is known of the realm.
        ("jdoe@nowhere.example", &everywhere),
        ("carl@cloud.example", &["ws-9"]),
        ("carl@lab.intern", &["srv-2"]),
        ("s-1-5-21-1-1-1-1104", &["ws-1", "ws-2"]),
        ("S-1-12-1-1-2-3-4", &["ws-9"]),
        ("S-1-5-21-9-9-9-9", &[]),
    ] {
        assert_eq!(machines(&fixture, text, UpnLookup::LocalPart).await, expected, "{text}");
    }
    assert_eq!(machines(&fixture, "jdoe@corp.example", UpnLookup::Nobody).await, ["nobody"]);
}

#[tokio::test]
async fn a_directory_tells_whose_a_principal_name_is() {
    let fixture = two_domains().await;
    let report = IdentityReport {
        upn: Some("jdoe@mail.example".to_owned()),
        sid: Some(format!("{LAB}-1104")),
        ..IdentityReport::default()
    };
    let at = time("2026-11-01T08:00:00Z");
    fixture.store.identify(fixture.tenant, vec![(report, at)]).await.unwrap();
    let found = machines(&fixture, "jdoe@mail.example", UpnLookup::LocalPart).await;
    assert_eq!(found, ["srv-1"]);
}

/// What a scope does not show decides nothing in it.
#[tokio::test]
async fn a_realm_is_known_where_its_accounts_are_seen() {
    let fixture = two_domains().await;
    fixture.save_groups(vec![group(1, named(Operator::StartsWith, "srv"))]).await;
    fixture.regroup().await;
    let scope = fixture.groups([1]);
    let text = "jdoe@corp.example";
    let user = fixture.store.meant(&scope, text, UpnLookup::LocalPart).await.unwrap().unwrap();
    let found = fixture.store.machines_of_user(&scope, &user, Window::ALL, Page::ALL).await;
    assert_eq!(found.unwrap().len(), 1);
}

#[tokio::test]
async fn who_shares_a_name_is_told_with_the_machines() {
    let fixture = two_domains().await;
    let scope = fixture.scope();
    let listed = async |text: &str| -> Vec<(String, Option<String>, bool, u64)> {
        let upn = UpnLookup::LocalPart;
        let user = fixture.store.meant(&scope, text, upn).await.unwrap().unwrap();
        let all = fixture.store.namesakes(&scope, &user, Window::ALL).await.unwrap();
        all.into_iter()
            .map(|one| (one.account.domain, one.account.sid, one.is_meant, one.machines))
            .collect()
    };
    let of = |domain: &str, sid: Option<&str>, is_meant, machines| {
        (domain.to_owned(), sid.map(|sid| format!("{sid}-1104")), is_meant, machines)
    };
    assert_eq!(
        listed("jdoe@corp.example").await,
        [
            of("corp", Some(CORP), true, 2),
            of("corp", None, true, 1),
            of("", None, false, 1),
            of("lab", Some(LAB), false, 1),
        ]
    );
    assert!(listed("jdoe").await.iter().all(|(_, _, is_meant, _)| *is_meant));
    assert_eq!(listed("nobody").await, []);
}
