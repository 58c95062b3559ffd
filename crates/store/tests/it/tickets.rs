//! Tickets: used once, replaced only when they have expired, revoked together.

use inventory::access::ticket::{Ticket, TicketKind, TicketsOf};
use uuid::Uuid;

use super::*;

pub(crate) fn ticket(kind: TicketKind, key: u8) -> Ticket {
    Ticket {
        kind,
        key: [key; 32],
        expires: time("2025-06-02T09:00:00Z"),
        operator: None,
        app: None,
        family: None,
        data: "{}".to_owned(),
    }
}

const CODE: TicketKind = TicketKind::AuthorizationCode;

fn now() -> Timestamp {
    time("2025-06-02T08:00:00Z")
}

#[tokio::test]
async fn a_live_ticket_is_not_replaced_and_an_expired_one_is_none() {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, fixture.tenant);
    let code = Ticket { app: Some(Uuid::from_u128(1)), ..ticket(CODE, 1) };
    assert!(store.add_ticket(tenant, &code, now()).await.unwrap());
    let second = Ticket { data: "[]".to_owned(), ..ticket(CODE, 1) };
    assert!(!store.add_ticket(tenant, &second, now()).await.unwrap());
    let find = async |at| store.ticket(tenant, CODE, [1; 32], at).await.unwrap();
    assert_eq!(find(now()).await, Some(code.clone()));
    assert_eq!(store.ticket(TenantId(2), CODE, [1; 32], now()).await.unwrap(), None);
    assert_eq!(store.ticket(tenant, TicketKind::Session, [1; 32], now()).await.unwrap(), None);
    // The moment of its expiry is too late.
    assert_eq!(find(code.expires).await, None);
    assert_eq!(store.take_ticket(tenant, CODE, [1; 32], code.expires).await.unwrap(), None);
    assert!(!store.change_ticket(tenant, "{}", &second, code.expires).await.unwrap());
    let later = Ticket { expires: time("2025-06-02T10:00:00Z"), ..second };
    assert!(store.add_ticket(tenant, &later, code.expires).await.unwrap());
    assert_eq!(find(code.expires).await, Some(later));
    assert_eq!(store.forget_tickets(now()).await.unwrap(), 0);
    assert_eq!(store.forget_tickets(time("2025-06-02T10:00:00Z")).await.unwrap(), 1);
    assert_eq!(find(now()).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_take_or_change_a_ticket_one_succeeds() {
    let fixture = Fixture::new().await;
    let stores = [Arc::clone(&fixture.store), fixture.again()];
    for round in 0..20u8 {
        fixture.store.add_ticket(fixture.tenant, &ticket(CODE, round), now()).await.unwrap();
        let tasks: Vec<_> = (0..8)
            .map(|place| {
                let (store, tenant) = (Arc::clone(&stores[place % 2]), fixture.tenant);
                tokio::spawn(async move {
                    let changed = Ticket { data: place.to_string(), ..ticket(CODE, round) };
                    let changed = store.change_ticket(tenant, "{}", &changed, now()).await.unwrap();
                    let taken = store.take_ticket(tenant, CODE, [round; 32], now()).await.unwrap();
                    (changed, taken.is_some())
                })
            })
            .collect();
        let (mut changed, mut taken) = (0, 0);
        for task in tasks {
            let done = task.await.unwrap();
            changed += u8::from(done.0);
            taken += u8::from(done.1);
        }
        assert_eq!(taken, 1);
        assert!(changed <= 1);
    }
}

#[tokio::test]
async fn a_change_needs_the_data_that_was_seen() {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, fixture.tenant);
    let device = ticket(TicketKind::DeviceCode, 3);
    store.add_ticket(tenant, &device, now()).await.unwrap();
    let approved = Ticket {
        data: "{\"by\":1}".to_owned(),
        operator: Some(Uuid::from_u128(5)),
        expires: time("2025-06-02T08:30:00Z"),
        ..device.clone()
    };
    assert!(store.change_ticket(tenant, "{}", &approved, now()).await.unwrap());
    assert!(!store.change_ticket(tenant, "{}", &device, now()).await.unwrap());
    let kept = store.ticket(tenant, TicketKind::DeviceCode, [3; 32], now()).await.unwrap();
    assert_eq!(kept, Some(approved));
}

#[tokio::test]
async fn revoking_spares_consents_and_whatever_refuses() {
    let kinds = [
        TicketKind::AuthorizationCode,
        TicketKind::RefreshToken,
        TicketKind::Session,
        TicketKind::Consent,
        TicketKind::RevokedToken,
        TicketKind::Assertion,
        TicketKind::TotpCode,
    ];
    let [operator, app, family] = [1, 2, 3].map(Uuid::from_u128);
    for (of, revoked, left) in [
        (TicketsOf::Operator(operator), 3, &kinds[3..]),
        (TicketsOf::App(app), 4, &kinds[4..]),
        (TicketsOf::Family(family), 4, &kinds[4..]),
        (TicketsOf::Operator(family), 0, &kinds[..]),
    ] {
        let fixture = Fixture::new().await;
        let (store, tenant) = (&fixture.store, fixture.tenant);
        for kind in kinds {
            let ticket = Ticket {
                operator: Some(operator),
                app: Some(app),
                family: Some(family),
                ..ticket(kind, 1)
            };
            assert!(store.add_ticket(tenant, &ticket, now()).await.unwrap());
            assert!(store.add_ticket(tenant, &self::ticket(kind, 2), now()).await.unwrap());
        }
        assert_eq!(store.revoke_tickets(TenantId(2), of).await.unwrap(), 0);
        assert_eq!(store.revoke_tickets(tenant, of).await.unwrap(), revoked, "{of:?}");
        for kind in kinds {
            let kept = store.ticket(tenant, kind, [1; 32], now()).await.unwrap();
            assert_eq!(kept.is_some(), left.contains(&kind), "{of:?} {kind:?}");
            assert!(store.ticket(tenant, kind, [2; 32], now()).await.unwrap().is_some());
        }
    }
}
