//! A database of the first schema opens, and all that it held is there.

use inventory::access::Proof;
use inventory::ids::MachineId;
use inventory::logon::MachineRef;
use inventory::machine::{MachineFacts, MachineReport};
use inventory::query::{AddressSelector, MachineList, MachineSelector, Page};
use inventory::time::Timestamp;
use store::Error;
use uuid::Uuid;

use super::*;

const FIRST_SCHEMA: &str = include_str!("../../migrations/sqlite/0001_inventory.sql");

/// As the first version kept them.
const ADDRESSES: &str = r#"[{"ip":"fe80::7","mac":null,"kind":"Ethernet","status":"Up"},
    {"ip":"127.0.0.1","mac":null,"kind":"SoftwareLoopback","status":"Up"}]"#;

#[tokio::test]
async fn a_database_of_the_first_schema_keeps_its_secrets_and_machines() {
    let folder = tempfile::tempdir().unwrap();
    let (tenant, client_id) = (Uuid::new_v4(), Uuid::new_v4());
    let created = time("2025-06-02T08:00:00Z");
    let secret = [0xA7; 32];
    let sql = rusqlite::Connection::open(folder.path().join("footfall.sqlite")).unwrap();
    sql.execute_batch(FIRST_SCHEMA).unwrap();
    sql.execute("INSERT INTO tenant VALUES (1, ?1)", [tenant]).unwrap();
    sql.execute(
        "INSERT INTO app VALUES (?1, 1, 'playbook', 'Machine.Read.All User.Read.All', ?2, ?3, NULL)",
        rusqlite::params![client_id, secret, created.ticks()],
    )
    .unwrap();
    sql.execute(
        "INSERT INTO signing_key VALUES (1, 'kid', ?1, ?2)",
        rusqlite::params![[1u8; 8], created.ticks()],
    )
    .unwrap();
    sql.execute(
        "INSERT INTO machine (tenant, id, name, name_at, name_key, host_key, first_seen, last_seen,
             rbac_group_name, last_report, last_ip_address, ip_addresses)
         VALUES (1, ?1, 'WS1', ?2, 'ws1', 'ws1', ?2, ?2, NULL, ?2, '10.0.0.1', ?3)",
        rusqlite::params![[3u8; 20], created.ticks(), ADDRESSES],
    )
    .unwrap();
    sql.pragma_update(None, "user_version", 1).unwrap();
    sql.pragma_update(None, "application_id", 0x466F_6F74).unwrap();
    drop(sql);

    let store = open(&folder);
    let kept = store.default_tenant().await.unwrap();
    assert_eq!((kept.id, kept.name.as_str()), (tenant, "default"));
    let app = store.app(kept.number, client_id).await.unwrap().unwrap();
    assert_eq!(store.find_app(client_id).await.unwrap(), Some((kept.number, app.clone())));
    assert_eq!((app.name.as_str(), app.permissions.len()), ("playbook", 2));
    assert!(!app.is_public && !app.consented && app.redirect_uris.is_empty());
    assert_eq!(app.credentials.len(), 1);
    let credential = &app.credentials[0];
    assert_eq!(credential.proof, Proof::Secret { sha256: secret });
    assert_eq!((credential.created, credential.expires), (created, None));
    let keys = store.signing_keys(kept.number).await.unwrap();
    assert_eq!((keys.len(), keys[0].verifies_until), (1, None));

    let scope = Scope::new(kept.number, Groups::only([0]));
    let machines =
        store.machines(&scope, MachineList::all(Page::ALL, Timestamp::MAX)).await.unwrap().machines;
    assert_eq!(machines.len(), 1);
    let by_name = MachineSelector::Name("ws1".to_owned());
    assert_eq!(store.machine(&scope, &by_name).await.unwrap().as_ref(), machines.first());
    // The history of addresses begins with those of the last report.
    for (address, found) in [("10.0.0.1", 1), ("fe80::7", 1), ("127.0.0.1", 0)] {
        let of_address = Some(AddressSelector::around(address.parse().unwrap(), created, 0));
        let list = MachineList { of_address, ..MachineList::all(Page::ALL, Timestamp::MAX) };
        assert_eq!(store.count_machines(&scope, list).await.unwrap(), found, "{address}");
    }
    // What was known before is as old as the last report: a newer one replaces it, an older not.
    let address = async |at: &str, address: &str| {
        let facts = MachineFacts { last_ip_address: address.parse().ok(), ..Default::default() };
        let mut machine = MachineRef::named("WS1");
        machine.id = Some(MachineId([3; 20]));
        store
            .describe(kept.number, vec![MachineReport { machine, time: time(at), facts }])
            .await
            .unwrap();
        store.machine(&scope, &by_name).await.unwrap().unwrap().facts.last_ip_address
    };
    assert_eq!(address("2025-06-01T08:00:00Z", "10.0.0.2").await, "10.0.0.1".parse().ok());
    assert_eq!(address("2025-06-03T08:00:00Z", "10.0.0.3").await, "10.0.0.3".parse().ok());
    // Migrated once: another process finds nothing to do, and the same rows.
    assert_eq!(open(&folder).apps(kept.number).await.unwrap(), [app]);
}

/// What an older version kept as two machines is one, once telemetry comes again.
#[tokio::test]
async fn machines_of_the_first_schema_are_joined() {
    let folder = tempfile::tempdir().unwrap();
    let sql = rusqlite::Connection::open(folder.path().join("footfall.sqlite")).unwrap();
    sql.execute_batch(FIRST_SCHEMA).unwrap();
    sql.execute("INSERT INTO tenant VALUES (1, ?1)", [Uuid::new_v4()]).unwrap();
    let seen = time("2025-06-02T08:00:00Z");
    let by_name = MachineId::derived_from_name("ws1.corp");
    for (number, id) in [(1, by_name), (2, MachineId([3; 20]))] {
        sql.execute(
            "INSERT INTO machine (tenant, id, name, name_at, name_key, host_key, first_seen,
                 last_seen) VALUES (1, ?1, 'WS1.corp', ?2, 'ws1.corp', 'ws1', ?2, ?2)",
            rusqlite::params![id.0, seen.ticks()],
        )
        .unwrap();
        let values = rusqlite::params![seen.day().0, number, 8 * 3600, number];
        sql.execute("INSERT INTO event VALUES (?1, 1, ?2, ?3, ?4, 0, 0, 2, NULL, 1)", values)
            .unwrap();
        let tick = seen.ticks_of_day();
        let values = rusqlite::params![number, seen.day().0, tick];
        sql.execute("INSERT INTO relation_day VALUES (1, ?1, ?2, 2, ?3, ?3, 1)", values).unwrap();
        let values = rusqlite::params![number, seen.ticks()];
        sql.execute("INSERT INTO relation VALUES (1, ?1, ?2, ?2, 4, 1)", values).unwrap();
    }
    sql.execute("INSERT INTO account VALUES (1, 1, 'jdoe', 'corp', NULL, NULL, NULL)", []).unwrap();
    sql.pragma_update(None, "user_version", 1).unwrap();
    sql.pragma_update(None, "application_id", 0x466F_6F74).unwrap();
    drop(sql);

    let store = open(&folder);
    let tenant = store.default_tenant().await.unwrap().number;
    let logons = vec![logon("x", "ws9", "2025-06-03T08:00:00Z", 2, 1)];
    store.record(tenant, logons).await.unwrap();
    let scope = Scope::whole(tenant);
    let by_name = MachineSelector::Name("ws1.corp".to_owned());
    let machine = store.machine(&scope, &by_name).await.unwrap().unwrap();
    assert_eq!(machine.id, MachineId([3; 20]));
    let window = inventory::query::Window::ALL;
    let users = store.users_of_machine(&scope, machine.id, window).await.unwrap();
    assert_eq!((users.len(), users[0].relation.logon_count), (1, 2));
    assert_eq!(store.totals(&scope).await.unwrap().machines, 2);
}

#[tokio::test]
async fn an_audit_is_no_inventory_and_the_other_way_round() {
    let fixture = Fixture::new().await;
    fixture.store.append_audit(Vec::new()).await.unwrap();
    let url = format!("sqlite:{}/footfall.sqlite-audit", fixture.folder.path().display());
    assert!(matches!(store::open(&url), Err(Error::Foreign { .. })));

    // Closed, so that the file holds all that the log held.
    drop(fixture.store);
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(
        fixture.folder.path().join("footfall.sqlite"),
        folder.path().join("footfall.sqlite-audit"),
    )
    .unwrap();
    let outcome = open(&folder).append_audit(Vec::new()).await;
    assert!(matches!(outcome, Err(Error::Foreign { .. })), "{outcome:?}");
}
