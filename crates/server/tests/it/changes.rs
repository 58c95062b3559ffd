//! Changes of machines by the API: what they answer, what they refuse, who may make them.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use inventory::access::Permission;
use inventory::access::device_group::{AutomationLevel, Condition, Operator, Rules};
use inventory::access::directory::{DeviceGroupSettings, RolePermission, RoleSettings};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Server, request};
use crate::people::Rank;

async fn send(server: &Server, method: Method, path: &str, token: &str, body: &Value) -> Answer {
    let asked = request(method, path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json");
    server.call(asked.body(Body::from(body.to_string())).unwrap()).await
}

async fn post(server: &Server, path: &str, token: &str, body: Value) -> Answer {
    send(server, Method::POST, &format!("/api/machines/{path}"), token, &body).await
}

#[tokio::test]
async fn a_machine_is_changed_and_answered_whole() {
    let server = Server::with_inventory().await;
    let token = server.token(&[Permission::MachineReadWriteAll]).await;
    let before = server.get("/api/machines/srv-01", &token).await.json();
    let answer =
        post(&server, "srv-01/tags", &token, json!({"Action": "Add", "Value": "tier 0"})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let machine = answer.json();
    assert!(machine["@odata.context"].as_str().unwrap().ends_with("#Machines/$entity"));
    assert_eq!(machine.as_object().unwrap().len(), 31);
    let mut tags = before["machineTags"].as_array().unwrap().clone();
    tags.push(json!("tier 0"));
    assert_eq!(machine["machineTags"], Value::Array(tags.clone()));
    assert_eq!(server.get("/api/machines/srv-01", &token).await.json(), machine);
    // Once, in any case; and away again.
    let again = json!({"Value": "TIER 0", "Action": "add"});
    assert_eq!(
        post(&server, "srv-01/tags", &token, again).await.json()["machineTags"],
        json!(tags)
    );
    let away = json!({"Value": "Tier 0", "Action": "Remove"});
    let answer = post(&server, "srv-01/Tags", &token, away).await.json();
    assert_eq!(answer["machineTags"], before["machineTags"]);

    let answer =
        post(&server, "srv-01/setDeviceValue", &token, json!({"DeviceValue": "High"})).await;
    assert_eq!(answer.json()["deviceValue"], "High");
    let body = json!({"IsExcluded": true, "ExclusionReason": "InactiveDevice"});
    let excluded = post(&server, "srv-01/setExclusion", &token, body).await.json();
    assert_eq!(excluded["isExcluded"], true);
    assert_eq!(excluded["exclusionReason"], "InactiveDevice");
    let body = json!({"IsExcluded": false, "ExclusionReason": null});
    let included = post(&server, "srv-01/setExclusion", &token, body).await.json();
    assert_eq!(
        (&included["isExcluded"], &included["exclusionReason"]),
        (&json!(false), &Value::Null)
    );
    let body = json!({"machineTags": ["a", "A", " b "], "deviceValue": "low"});
    let patched = send(&server, Method::PATCH, "/api/machines/srv-01", &token, &body).await.json();
    assert_eq!(
        (&patched["machineTags"], &patched["deviceValue"]),
        (&json!(["a", "b"]), &json!("Low"))
    );

    // Who, when, before, after.
    let file = rusqlite::Connection::open(server.folder.path().join("test.db")).unwrap();
    let mut rows = file
        .prepare("SELECT property, before, after, app IS NOT NULL, time > 0 FROM machine_change ORDER BY rowid")
        .unwrap();
    let history: Vec<(String, String, String, bool, bool)> = rows
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let properties: Vec<_> = history.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(
        properties,
        [
            "machineTags",
            "machineTags",
            "deviceValue",
            "exclusionReason",
            "exclusionReason",
            "machineTags",
            "deviceValue"
        ],
    );
    assert_eq!((history[2].1.as_str(), history[2].2.as_str()), ("\"Normal\"", "\"High\""));
    assert!(history.iter().all(|row| row.3 && row.4));
}

#[tokio::test]
async fn many_machines_are_tagged_at_once() {
    let server = Server::with_inventory().await;
    let token = server.token(&[Permission::MachineReadWriteAll]).await;
    let all = server.get("/api/machines", &token).await.json();
    let ids: Vec<_> =
        all["value"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
    let body = json!({"Value": "case-117", "Action": "Add", "MachineIds": ids});
    let answer = post(&server, "addOrRemoveTagForMultipleMachines", &token, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["value"].as_array().unwrap().len(), ids.len());
    let tagged =
        server.get("/api/machines/$count?$filter=machineTags/any(t:t+eq+'CASE-117')", &token).await;
    assert_eq!(tagged.text(), ids.len().to_string());
    // What is not there is passed over, what comes twice counts once.
    let ids = [ids[0].clone(), ids[0].clone(), json!("0".repeat(40))];
    let body = json!({"Value": "case-117", "Action": "Remove", "MachineIds": ids});
    let answer = post(&server, "AddOrRemoveTagForMultipleMachines", &token, body).await;
    assert_eq!(answer.json()["value"].as_array().unwrap().len(), 1);
    let body = json!({"Value": "x", "Action": "Add", "MachineIds": vec!["x"; 501]});
    let answer = post(&server, "AddOrRemoveTagForMultipleMachines", &token, body).await;
    let error =
        ("MaximumBatchSizeExceeded", "Maximum batch size exceeded. Received: 501, allowed: 500");
    assert_eq!(answer.error(), (error.0.to_owned(), error.1.to_owned()));
}

#[tokio::test]
async fn bodies_that_make_no_sense_change_nothing() {
    let server = Server::with_inventory().await;
    let token = server.token(&[Permission::MachineReadWriteAll]).await;
    let before = server.get("/api/machines/srv-01", &token).await.json();
    let (missing, incorrect) = ("MissingRequiredParameter", "InvalidRequestBody");
    for (path, body, code) in [
        ("srv-01/tags", json!({}), missing),
        ("srv-01/tags", json!([]), incorrect),
        ("srv-01/tags", json!({"value": "x", "action": "Add"}), missing),
        ("srv-01/tags", json!({"Value": "x"}), missing),
        ("srv-01/tags", json!({"Value": 5, "Action": "Add"}), incorrect),
        ("srv-01/tags", json!({"Value": " ", "Action": "Add"}), incorrect),
        ("srv-01/tags", json!({"Value": "a\u{7}", "Action": "Add"}), incorrect),
        ("srv-01/tags", json!({"Value": "x".repeat(201), "Action": "Add"}), incorrect),
        ("srv-01/tags", json!({"Value": "x", "Action": "Set"}), incorrect),
        ("srv-01/tags", json!({"Value": "x".repeat(70_000), "Action": "Add"}), incorrect),
        ("srv-01/setDeviceValue", json!({"DeviceValue": "Dear"}), incorrect),
        ("srv-01/setDeviceValue", json!({"deviceValue": "High"}), missing),
        ("srv-01/setExclusion", json!({"IsExcluded": "yes"}), incorrect),
        ("srv-01/setExclusion", json!({"IsExcluded": true, "ExclusionReason": "Mood"}), incorrect),
        ("AddOrRemoveTagForMultipleMachines", json!({"Value": "x", "Action": "Add"}), missing),
        (
            "AddOrRemoveTagForMultipleMachines",
            json!({"Value": "x", "Action": "Add", "MachineIds": [5]}),
            incorrect,
        ),
        ("nowhere/tags", json!({"Value": "x", "Action": "Add"}), "ResourceNotFound"),
    ] {
        let answer = post(&server, path, &token, body.clone()).await;
        assert_eq!(answer.error().0, code, "{path} {body}");
    }
    for body in [
        json!({}),
        json!({"osPlatform": "x"}),
        json!({"machineTags": "x"}),
        json!({"deviceValue": 5}),
    ] {
        let answer = send(&server, Method::PATCH, "/api/machines/srv-01", &token, &body).await;
        assert_eq!(answer.error().0, incorrect, "{body}");
    }
    let bell =
        post(&server, "srv-01/tags", &token, json!({"Value": "\u{7}x", "Action": "Add"})).await;
    let message = "Request body is incorrect: a tag has no control character";
    assert_eq!(bell.error().1, message);
    assert_eq!(server.get("/api/machines/srv-01", &token).await.json(), before);
    let verb = server.get("/api/machines/srv-01/tags", &token).await;
    assert_eq!((verb.status, verb.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
}

/// A person needs the role permission and must see the machine; what they may not see is as if it were
/// not there.
#[tokio::test]
async fn people_change_what_they_see_and_their_roles_permit() {
    let server = Server::with_inventory().await;
    let mut people = Vec::new();
    for (name, permissions) in [
        ("reader", &[RolePermission::ViewData][..]),
        ("keeper", &[RolePermission::ViewData, RolePermission::ManageSecuritySettings]),
        ("analyst", &[RolePermission::ViewData, RolePermission::AlertsInvestigation]),
        (
            "blind",
            &[
                RolePermission::ViewData,
                RolePermission::ManageSecuritySettings,
                RolePermission::AlertsInvestigation,
            ],
        ),
    ] {
        people.push((name, permissions, server.operator(name, Rank::Ordinary).await.id));
    }
    let now = server.now();
    server
        .change_directory(|directory| {
            for (name, permissions, id) in &people {
                directory.add_local_group(Uuid::new_v4(), name).unwrap();
                directory.add_member(name, *id).unwrap();
                let settings = RoleSettings {
                    name: (*name).to_owned(),
                    description: String::new(),
                    permissions: permissions.to_vec(),
                };
                directory.add_role(settings).unwrap();
                directory.assign(name, name).unwrap();
            }
            let starts = Condition { condition: Operator::StartsWith, value: "srv".to_owned() };
            let rules = Rules { devices_names_conditions: vec![starts], ..Rules::default() };
            let settings = DeviceGroupSettings {
                name: "Servers".to_owned(),
                description: String::new(),
                automation_level: AutomationLevel::default(),
                rules,
            };
            directory.add_device_group(settings, now).unwrap();
            let seers = ["reader", "keeper", "analyst"].map(str::to_owned);
            directory.set_access("Servers", &seers, now).unwrap();
            directory.set_access("0", &seers, now).unwrap();
        })
        .await;
    let tag = json!({"Value": "x", "Action": "Add"});
    let many = json!({"Value": "y", "Action": "Add", "MachineIds": ["srv-01"]});
    let patch = json!({"deviceValue": "High"});
    for (name, tags, patches) in [
        ("reader", StatusCode::FORBIDDEN, StatusCode::FORBIDDEN),
        ("keeper", StatusCode::OK, StatusCode::FORBIDDEN),
        ("analyst", StatusCode::FORBIDDEN, StatusCode::OK),
        ("blind", StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
    ] {
        let id = people.iter().find(|person| person.0 == name).unwrap().2;
        let token = server.person_token(id, "Machine.ReadWrite").await;
        assert_eq!(post(&server, "srv-01/tags", &token, tag.clone()).await.status, tags, "{name}");
        let answer = send(&server, Method::PATCH, "/api/machines/srv-01", &token, &patch).await;
        assert_eq!(answer.status, patches, "{name}");
        let read_only = server.person_token(id, "Machine.Read").await;
        let refused = post(&server, "srv-01/tags", &read_only, tag.clone()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
        if name == "blind" {
            let answer =
                post(&server, "AddOrRemoveTagForMultipleMachines", &token, many.clone()).await;
            assert_eq!(answer.json()["value"], json!([]));
        }
    }
    let token = server.token(&[Permission::MachineReadAll]).await;
    assert_eq!(
        server.get("/api/machines/srv-01", &token).await.json()["machineTags"],
        json!(["x"])
    );
}
