//! Machines of several records on the wire.

use axum::http::StatusCode;
use inventory::access::Permission;
use inventory::change::Author;
use inventory::identity::Decision;
use inventory::ids::MachineId;
use inventory::logon::{Logon, MachineRef};

use crate::harness::{Server, time, unlimited};
use crate::inventory::logon;

const OLD: MachineId = MachineId([1; 20]);
const NEW: MachineId = MachineId([2; 20]);

fn on(id: Option<MachineId>, user: &str, at: &str) -> Logon {
    let logon = logon(user, "CORP", "ws-7.corp.example", 2, time(at));
    Logon { machine: MachineRef { id, ..MachineRef::named("ws-7.corp.example") }, ..logon }
}

#[tokio::test]
async fn every_id_that_was_ever_listed_is_answered() {
    let server = Server::start(unlimited()).await;
    let token = server.token(&[Permission::MachineReadAll, Permission::UserReadAll]).await;
    let tenant = server.tenant.number;
    let by_name = MachineRef::named("ws-7.corp.example").machine_id();
    let record = async |logon| server.store.record(tenant, vec![logon]).await.unwrap();
    let machines = async || {
        let answer = server.get("/api/machines?$select=id", &token).await.json();
        let ids = answer["value"].as_array().unwrap().clone();
        ids.iter().map(|machine| machine["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    record(on(None, "jdoe", "2026-11-20T08:00:00Z")).await;
    assert_eq!(machines().await, [by_name.to_string()]);
    // Defender comes to it: the same machine has the vendor's id from now on.
    record(on(Some(OLD), "anna", "2026-11-21T08:00:00Z")).await;
    assert_eq!(machines().await, [OLD.to_string()]);
    for id in [by_name, OLD] {
        let machine = server.get(&format!("/api/machines/{id}"), &token).await;
        assert_eq!(
            (machine.status, &machine.json()["id"]),
            (StatusCode::OK, &OLD.to_string().into())
        );
        let users = server.get(&format!("/api/machines/{id}/logonusers"), &token).await.json();
        assert_eq!(users["value"].as_array().unwrap().len(), 2, "{id}");
    }
    let of_user = server.get("/api/users/jdoe/machines", &token).await.json();
    assert_eq!(of_user["value"][0]["id"], OLD.to_string());
    assert_eq!(of_user["value"].as_array().unwrap().len(), 1);

    // Installed anew: a second machine of the name, until a person says that it is the same.
    record(on(Some(NEW), "jdoe", "2026-11-22T08:00:00Z")).await;
    let all = server.get("/api/machines", &token).await.json();
    let all = all["value"].as_array().unwrap();
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|machine| machine["isPotentialDuplication"] == true));
    let merged = Decision { merged_into: Some(NEW), ..Decision::default() };
    let author = Author { time: time("2026-11-22T09:00:00Z"), app: None, person: None };
    let scope = inventory::access::scope::Scope::whole(tenant);
    server.store.decide_identities(&scope, vec![(OLD, merged)], author).await.unwrap();
    let all = server.get("/api/machines", &token).await.json();
    let shown = |at: usize| {
        let machine = &all["value"][at];
        (machine["id"].clone(), machine["mergedIntoMachineId"].clone())
    };
    assert_eq!(all["value"].as_array().unwrap().len(), 2);
    assert_eq!(shown(0), (NEW.to_string().into(), serde_json::Value::Null));
    assert_eq!(shown(1), (OLD.to_string().into(), NEW.to_string().into()));
    assert!(
        all["value"].as_array().unwrap().iter().all(|it| it["isPotentialDuplication"] == false)
    );
    let of_user = server.get("/api/users/jdoe/machines", &token).await.json();
    assert_eq!(of_user["value"].as_array().unwrap().len(), 1);
    let users = server.get(&format!("/api/machines/{OLD}/logonusers"), &token).await.json();
    assert_eq!(users["value"].as_array().unwrap().len(), 2);
    let filtered = "/api/machines?$filter=mergedIntoMachineId ne null&$count=true";
    let filtered = server.get(&filtered.replace(' ', "%20"), &token).await.json();
    assert_eq!(filtered["value"].as_array().unwrap().len(), 1);
}
