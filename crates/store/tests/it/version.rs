//! The version of access moves with what tokens mean, and with nothing else.

use inventory::access::directory::Directory;
use inventory::access::ticket::{Ticket, TicketKind};
use inventory::access::{PrivateKey, SigningKey};
use inventory::query::MachineList;
use inventory::time::Timestamp;
use uuid::Uuid;

use super::access::app;
use super::operators::operator;
use super::tickets::ticket;
use super::*;

/// Asks whether what is done moves the version, as another process sees it.
struct Watch {
    other: Arc<dyn Store>,
    last: u64,
}

impl Watch {
    fn moved(&mut self, after: &str, expected: bool) {
        let now = self.other.access_version().unwrap();
        assert_eq!(now != self.last, expected, "{after}");
        self.last = now;
    }
}

#[tokio::test]
async fn tenants_apps_keys_people_directories_and_revocations_move_it() {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, fixture.tenant);
    let now = time("2025-06-02T08:00:00Z");
    let other = fixture.again();
    let mut watch = Watch { last: other.access_version().unwrap(), other };
    let added = store.add_tenant(Uuid::new_v4(), "Other", &[]).await.unwrap().unwrap();
    watch.moved("add_tenant", true);
    store.rename_tenant(added.number, "Other", &["o.example".to_owned()]).await.unwrap();
    watch.moved("rename_tenant", true);
    let mut app = app("playbook");
    store.add_app(tenant, &app).await.unwrap();
    watch.moved("add_app", true);
    let known = app.clone();
    app.credentials.clear();
    assert!(store.save_app(tenant, &known, &app).await.unwrap());
    watch.moved("save_app", true);
    store.revoke_app(tenant, app.client_id, now).await.unwrap();
    watch.moved("revoke_app", true);
    let key = |kid: &str| SigningKey {
        kid: kid.to_owned(),
        key: PrivateKey(vec![1]),
        created: now,
        verifies_until: None,
    };
    store.add_first_signing_key(tenant, &key("1")).await.unwrap();
    watch.moved("add_first_signing_key", true);
    store.rotate_signing_key(tenant, &key("2"), now).await.unwrap();
    watch.moved("rotate_signing_key", true);
    let mut anna = operator("anna");
    store.add_operator(tenant, &anna).await.unwrap();
    watch.moved("add_operator", true);
    let known = anna.clone();
    anna.disabled = Some(now);
    assert!(store.save_operator(tenant, &known, &anna).await.unwrap());
    watch.moved("save_operator", true);
    store.remove_operator(tenant, anna.id).await.unwrap();
    watch.moved("remove_operator", true);
    assert!(store.save_directory(tenant, 0, &Directory::default()).await.unwrap());
    watch.moved("save_directory", true);
    store.add_ticket(tenant, &ticket(TicketKind::RevokedToken, 1), now).await.unwrap();
    watch.moved("a token was revoked", true);
}

#[tokio::test]
async fn telemetry_sign_ins_other_tickets_and_regrouping_do_not_move_it() {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, fixture.tenant);
    let now = time("2025-06-02T08:00:00Z");
    let anna = operator("anna");
    store.add_operator(tenant, &anna).await.unwrap();
    fixture.save_groups(vec![group(1, named(Operator::StartsWith, "ws"))]).await;
    let other = fixture.again();
    let mut watch = Watch { last: other.access_version().unwrap(), other };

    let logons = vec![logon("jdoe", "ws1", "2025-06-02T08:00:00Z", 2, 1)];
    store.record(tenant, logons).await.unwrap();
    let reports = vec![runs(MachineRef::named("ws2"), "2025-06-02T08:00:00Z", "Linux")];
    store.describe(tenant, reports).await.unwrap();
    watch.moved("telemetry", false);
    fixture.regroup().await;
    let id = store
        .machines(&fixture.scope(), MachineList::all(inventory::query::Page::ALL, Timestamp::MAX))
        .await
        .unwrap()
        .machines[0]
        .id;
    set_tags(&**store, &fixture.scope(), id, vec!["x".to_owned()]).await;
    watch.moved("regroup and tags", false);
    store.note_sign_in(tenant, anna.id, 0, 3, Some(now)).await.unwrap();
    watch.moved("note_sign_in", false);
    let session = ticket(TicketKind::Session, 1);
    store.add_ticket(tenant, &session, now).await.unwrap();
    let changed = Ticket { data: "[]".to_owned(), ..session };
    store.change_ticket(tenant, "{}", &changed, now).await.unwrap();
    store.take_ticket(tenant, TicketKind::Session, [1; 32], now).await.unwrap();
    store.forget_tickets(now).await.unwrap();
    watch.moved("tickets", false);
    store.default_tenant().await.unwrap();
    store.prune(tenant, now.day()).await.unwrap();
    watch.moved("the default tenant and retention", false);
    // What is refused has changed nothing.
    store.add_tenant(Uuid::new_v4(), "default", &[]).await.unwrap();
    assert!(!store.save_directory(tenant, 0, &Directory::default()).await.unwrap());
    watch.moved("refusals", false);
}
