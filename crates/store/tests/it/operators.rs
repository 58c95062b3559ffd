//! Operators: unique names, and sign-ins that race.

use inventory::access::operator::{Operator as Person, PasswordHash, TotpSecret};
use inventory::access::ticket::TicketKind;
use uuid::Uuid;

use super::tickets::ticket;
use super::*;

pub(crate) fn operator(name: &str) -> Person {
    Person {
        id: Uuid::new_v4(),
        user_name: name.to_owned(),
        display_name: "Anna".to_owned(),
        password: PasswordHash("$argon2id$x".to_owned()),
        totp: Some(TotpSecret(vec![1, 2, 3])),
        is_administrator: true,
        created: time("2025-06-02T08:00:00Z"),
        disabled: None,
        tokens_valid_from: time("2025-06-02T08:00:00Z"),
        failures: 0,
        locked_until: None,
    }
}

#[tokio::test]
async fn a_user_name_is_one_operators_in_a_tenant() {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, fixture.tenant);
    let other = store.add_tenant(Uuid::new_v4(), "Other", &[]).await.unwrap().unwrap().number;
    let (anna, kim) = (operator("anna@corp.example"), operator("kim@corp.example"));
    assert!(store.add_operator(tenant, &kim).await.unwrap());
    assert!(store.add_operator(tenant, &anna).await.unwrap());
    assert!(!store.add_operator(tenant, &operator("ANNA@corp.example")).await.unwrap());
    assert!(store.add_operator(other, &operator("anna@corp.example")).await.unwrap());
    assert_eq!(store.operators(tenant).await.unwrap(), [anna.clone(), kim.clone()]);
    let named = store.operator_named(tenant, "anna@corp.example").await.unwrap();
    assert_eq!(named, Some(anna.clone()));
    assert_eq!(store.operator(tenant, kim.id).await.unwrap(), Some(kim.clone()));
    assert_eq!(store.operator(other, kim.id).await.unwrap(), None);

    let renamed = Person { user_name: "kim@corp.example".to_owned(), ..anna.clone() };
    assert!(!store.save_operator(tenant, &anna, &renamed).await.unwrap());
    assert!(!store.save_operator(other, &anna, &anna).await.unwrap());
    assert!(!store.remove_operator(other, anna.id).await.unwrap());
    assert_eq!(store.operators(tenant).await.unwrap(), [anna, kim]);
}

#[tokio::test]
async fn a_change_leaves_failures_and_of_two_sign_ins_one_counts() {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, fixture.tenant);
    let anna = operator("anna");
    assert!(store.add_operator(tenant, &anna).await.unwrap());
    let until = Some(time("2025-06-02T09:00:00Z"));
    let note = async |store: &Arc<dyn Store>, seen, failures| {
        store.note_sign_in(tenant, anna.id, seen, failures, until).await.unwrap()
    };
    assert!(note(store, 0, 1).await);
    assert!(!note(&fixture.again(), 0, 1).await);
    assert!(note(&fixture.again(), 1, 2).await);
    let changed = Person {
        display_name: "Anna B".to_owned(),
        totp: None,
        is_administrator: false,
        disabled: until,
        failures: 0,
        locked_until: None,
        ..anna.clone()
    };
    assert!(store.save_operator(tenant, &anna, &changed).await.unwrap());
    // Who knows an older one changes nothing.
    assert!(!store.save_operator(tenant, &anna, &anna).await.unwrap());
    let kept = store.operator(tenant, anna.id).await.unwrap().unwrap();
    assert_eq!(kept, Person { failures: 2, locked_until: until, ..changed });
}

#[tokio::test]
async fn an_operator_goes_with_all_their_tickets() {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, fixture.tenant);
    let (anna, now) = (operator("anna"), time("2025-06-02T08:00:00Z"));
    store.add_operator(tenant, &anna).await.unwrap();
    for (key, kind) in [TicketKind::Session, TicketKind::Consent].into_iter().enumerate() {
        let mut ticket = ticket(kind, key as u8);
        ticket.operator = Some(anna.id);
        assert!(store.add_ticket(tenant, &ticket, now).await.unwrap());
    }
    assert!(store.remove_operator(tenant, anna.id).await.unwrap());
    assert!(!store.remove_operator(tenant, anna.id).await.unwrap());
    assert_eq!(store.ticket(tenant, TicketKind::Session, [0; 32], now).await.unwrap(), None);
    assert_eq!(store.ticket(tenant, TicketKind::Consent, [1; 32], now).await.unwrap(), None);
}
