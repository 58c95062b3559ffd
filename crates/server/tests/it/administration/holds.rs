//! A change that was made at one replica holds at the other from the next request on. Both were
//! asked before, so that both remember what was.

use axum::http::{Method, StatusCode};
use inventory::access::Permission;
use serde_json::{Value, json};
use server::administration::Administration;

use super::{ADMINISTERS, Pair, done, viewers};
use crate::harness::{Server, actor};
use crate::people::{EVERY_SCOPE, Rank};

const MACHINES: &str = "/api/machines";

/// The statuses of both replicas, the one that was not told of the change first.
async fn statuses(pair: &Pair, path: &str, token: &str) -> [u16; 2] {
    let status = async |server: &Server| server.get(path, token).await.status.as_u16();
    [status(&pair.other).await, status(&pair.one).await]
}

/// The machines that both replicas show.
async fn names(pair: &Pair, token: &str) -> Vec<String> {
    let shown = pair.other.get(MACHINES, token).await.names();
    assert_eq!(pair.one.get(MACHINES, token).await.names(), shown);
    shown
}

/// A person in the group `soc`, which holds a role, and an administrator's token.
async fn anna(pair: &Pair) -> (String, String) {
    let token = pair.app_token().await;
    let anna = pair.one.operator("anna", Rank::Ordinary).await;
    viewers(&pair.one, &token, "soc", &["anna"]).await;
    (pair.one.person_token(anna.id, EVERY_SCOPE).await, token)
}

#[tokio::test]
async fn a_revoked_app_is_refused() {
    let pair = Pair::start().await;
    let token = pair.app_token().await;
    let app = pair.one.app(&[Permission::MachineReadAll]).await;
    let its = pair.one.token_of(&app).await;
    assert_eq!(statuses(&pair, MACHINES, &its).await, [200, 200]);
    let path = format!("apps/{}/revoke", app.client_id);
    done(&pair.one, &token, Method::POST, &path, Value::Null).await;
    assert_eq!(statuses(&pair, MACHINES, &its).await, [401, 401]);
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&resource={}",
        app.client_id,
        app.client_secret,
        crate::harness::AUDIENCE
    );
    let answer = pair.other.post(&format!("/{}/oauth2/token", app.tenant_id), &form).await;
    assert_eq!(answer.json()["error_codes"], json!([7_000_112]));
}

#[tokio::test]
async fn a_removed_secret_gets_no_token() {
    let pair = Pair::start().await;
    let token = pair.app_token().await;
    let new = json!({"name": "x", "permissions": ["Machine.Read.All"], "secret": {}});
    let app = done(&pair.one, &token, Method::POST, "apps", new).await;
    let text = |pointer: &str| app.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let (id, secret) = (text("/clientId"), text("/secret/clientSecret"));
    let ask = async |server: &Server| {
        let form = format!(
            "grant_type=client_credentials&client_id={id}&client_secret={secret}&resource={}",
            crate::harness::AUDIENCE
        );
        server.post(&format!("/{}/oauth2/token", server.tenant.id), &form).await
    };
    assert_eq!(ask(&pair.other).await.status, StatusCode::OK);
    let path = format!("apps/{id}/credentials/{}", text("/secret/id"));
    done(&pair.one, &token, Method::DELETE, &path, Value::Null).await;
    assert_eq!(ask(&pair.other).await.json()["error_codes"], json!([7_000_215]));
    let expires = json!({"expires": "2026-11-23T10:00:31Z"});
    let path = format!("apps/{id}/secrets");
    let short = done(&pair.one, &token, Method::POST, &path, expires).await;
    let secret = short["clientSecret"].as_str().unwrap();
    let form = format!(
        "grant_type=client_credentials&client_id={id}&client_secret={secret}&resource={}",
        crate::harness::AUDIENCE
    );
    let path = format!("/{}/oauth2/token", pair.one.tenant.id);
    assert_eq!(pair.other.post(&path, &form).await.status, StatusCode::OK);
    pair.one.clock.advance(inventory::time::TICKS_PER_SECOND);
    let late = pair.other.post(&path, &form).await;
    assert_eq!(late.json()["error_codes"], json!([7_000_222]));
}

#[tokio::test]
async fn a_role_that_is_taken_away_is_gone() {
    let pair = Pair::start().await;
    let (hers, token) = anna(&pair).await;
    assert_eq!(statuses(&pair, MACHINES, &hers).await, [200, 200]);
    done(&pair.one, &token, Method::DELETE, "roles/soc/user-groups/soc", Value::Null).await;
    assert_eq!(statuses(&pair, MACHINES, &hers).await, [403, 403]);
    done(&pair.other, &token, Method::PUT, "roles/soc/user-groups/soc", Value::Null).await;
    assert_eq!(statuses(&pair, MACHINES, &hers).await, [200, 200]);
    let permissions = json!({"permissions": ["SecurityBaselines"]});
    done(&pair.one, &token, Method::PATCH, "roles/soc", permissions).await;
    assert_eq!(statuses(&pair, MACHINES, &hers).await, [403, 403]);
}

#[tokio::test]
async fn who_leaves_a_group_loses_what_it_holds() {
    let pair = Pair::start().await;
    let (hers, token) = anna(&pair).await;
    assert_eq!(statuses(&pair, MACHINES, &hers).await, [200, 200]);
    let path = "user-groups/soc/members/anna";
    done(&pair.one, &token, Method::DELETE, path, Value::Null).await;
    assert_eq!(statuses(&pair, MACHINES, &hers).await, [403, 403]);
    done(&pair.other, &token, Method::PUT, path, Value::Null).await;
    assert_eq!(statuses(&pair, MACHINES, &hers).await, [200, 200]);
    // The built-in role lets its holders administer.
    let administers = {
        let anna = pair.one.store.operator_named(pair.one.tenant.number, "anna").await.unwrap();
        pair.one.person_token(anna.unwrap().id, ADMINISTERS).await
    };
    assert_eq!(statuses(&pair, "/admin/v1/me", &administers).await, [403, 403]);
    done(&pair.one, &token, Method::PUT, "roles/1/user-groups/soc", Value::Null).await;
    assert_eq!(statuses(&pair, "/admin/v1/me", &administers).await, [200, 200]);
    done(&pair.one, &token, Method::DELETE, path, Value::Null).await;
    assert_eq!(statuses(&pair, "/admin/v1/me", &administers).await, [403, 403]);
}

#[tokio::test]
async fn machines_follow_rules_and_people_follow_access_lists() {
    let pair = Pair::start().await;
    let (hers, token) = anna(&pair).await;
    viewers(&pair.one, &token, "lead", &[]).await;
    assert_eq!(names(&pair, &hers).await.len(), 3);
    let by_name = |value: &str| json!({"devicesNamesConditions": [{"condition": "StartsWith", "value": value}]});
    let servers = json!({"name": "Servers", "access": ["lead"], "rules": by_name("srv-")});
    let group = done(&pair.one, &token, Method::POST, "device-groups", servers).await;
    let (reader, id) = (pair.one.reader().await, group["id"].clone());
    let group_of = async |machine: &str| {
        let answer = pair.other.get(&format!("/api/machines/{machine}"), &reader).await.json();
        (answer["rbacGroupId"].clone(), answer["rbacGroupName"].clone())
    };
    assert_eq!(group_of("srv-01").await, (id, json!("Servers")));
    assert!(!names(&pair, &hers).await.contains(&"srv-01".to_owned()));
    assert_eq!(statuses(&pair, "/api/machines/srv-01", &hers).await, [404, 404]);

    let path = "device-groups/Servers";
    done(&pair.one, &token, Method::PATCH, path, json!({"rules": by_name("ws-0")})).await;
    assert_eq!(names(&pair, &hers).await, ["srv-01"]);
    assert_eq!(group_of("srv-01").await, (json!(0), Value::Null));

    let access = json!({"userGroups": ["lead", "soc"]});
    done(&pair.other, &token, Method::PUT, &format!("{path}/access"), access).await;
    assert_eq!(names(&pair, &hers).await.len(), 3);
    let rest = json!({"userGroups": ["lead"]});
    done(&pair.one, &token, Method::PUT, "device-groups/0/access", rest).await;
    assert_eq!(names(&pair, &hers).await.len(), 2);

    // A better rank takes machines from the group that had them.
    let first = json!({"name": "One", "rules": by_name("ws-014"), "access": ["lead"]});
    done(&pair.one, &token, Method::POST, "device-groups", first).await;
    assert_eq!(names(&pair, &hers).await.len(), 2);
    done(&pair.one, &token, Method::PUT, "device-groups/One/rank", json!({"rank": 1})).await;
    assert_eq!(names(&pair, &hers).await, ["ws-020.corp.example"]);
    done(&pair.one, &token, Method::DELETE, "device-groups/One", Value::Null).await;
    assert_eq!(names(&pair, &hers).await.len(), 2);
}

#[tokio::test]
async fn an_operator_who_is_shut_out_or_signed_out_is_refused() {
    let pair = Pair::start().await;
    let (hers, token) = anna(&pair).await;
    let path = "operators/anna";
    assert_eq!(statuses(&pair, MACHINES, &hers).await, [200, 200]);
    done(&pair.one, &token, Method::PATCH, path, json!({"disabled": true})).await;
    assert_eq!(statuses(&pair, MACHINES, &hers).await, [401, 401]);
    done(&pair.other, &token, Method::PATCH, path, json!({"disabled": false})).await;
    assert_eq!(statuses(&pair, MACHINES, &hers).await, [200, 200]);
    let password = json!({"password": "correct horse battery"});
    type Change<'c> = (Method, &'c str, Value);
    let changes: [Change<'_>; 3] = [
        (Method::POST, "operators/anna/sign-out", Value::Null),
        (Method::PUT, "operators/anna/password", password),
        (Method::DELETE, path, Value::Null),
    ];
    for (method, path, body) in changes {
        let anna = pair.one.store.operator_named(pair.one.tenant.number, "anna").await.unwrap();
        let hers = pair.one.person_token(anna.unwrap().id, EVERY_SCOPE).await;
        assert_eq!(statuses(&pair, MACHINES, &hers).await, [200, 200], "before {path}");
        pair.one.clock.advance(2 * inventory::time::TICKS_PER_SECOND);
        done(&pair.one, &token, method, path, body).await;
        assert_eq!(statuses(&pair, MACHINES, &hers).await, [401, 401], "after {path}");
    }
}

#[tokio::test]
async fn who_is_no_administrator_any_more_administers_nothing() {
    let pair = Pair::start().await;
    let token = pair.app_token().await;
    let hers = pair.person_token().await;
    assert_eq!(statuses(&pair, "/admin/v1/apps", &hers).await, [200, 200]);
    let path = "operators/root@corp.example";
    done(&pair.one, &token, Method::PATCH, path, json!({"administrator": false})).await;
    assert_eq!(statuses(&pair, "/admin/v1/apps", &hers).await, [403, 403]);
    done(&pair.other, &token, Method::PATCH, path, json!({"administrator": true})).await;
    assert_eq!(statuses(&pair, "/admin/v1/apps", &hers).await, [200, 200]);
}

#[tokio::test]
async fn a_new_key_signs_and_the_old_one_holds_or_ends() {
    let pair = Pair::start().await;
    let token = pair.app_token().await;
    let app = pair.one.app(&[Permission::MachineReadAll]).await;
    let first = pair.one.token_of(&app).await;
    assert_eq!(statuses(&pair, MACHINES, &first).await, [200, 200]);
    done(&pair.one, &token, Method::POST, "signing-keys/rotate", Value::Null).await;
    let second = pair.other.token_of(&app).await;
    for token in [&first, &second] {
        assert_eq!(statuses(&pair, MACHINES, token).await, [200, 200]);
    }
    let keys = pair.other.get_open(&format!("/{}/discovery/keys", pair.one.tenant.id)).await.json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);

    // It may be known to others: as `footfall keys rotate --overlap 0s` does it.
    let actor = actor(&pair.one.tenant, pair.one.now());
    let administration = Administration::new(&*pair.one.store, &actor);
    administration.replace_signing_key(0).await.unwrap();
    for token in [&first, &second, &token] {
        assert_eq!(statuses(&pair, MACHINES, token).await, [401, 401]);
    }
    let third = pair.other.token_of(&app).await;
    assert_eq!(statuses(&pair, MACHINES, &third).await, [200, 200]);
}

#[tokio::test]
async fn permissions_that_are_taken_from_an_app_are_in_its_next_token() {
    let pair = Pair::start().await;
    let token = pair.app_token().await;
    let app = pair.one.app(&[Permission::MachineReadAll]).await;
    let before = pair.other.token_of(&app).await;
    let path = format!("apps/{}", app.client_id);
    let change = json!({"permissions": ["User.Read.All"]});
    done(&pair.one, &token, Method::PATCH, &path, change).await;
    let after = pair.other.token_of(&app).await;
    assert_eq!(statuses(&pair, MACHINES, &after).await, [403, 403]);
    // What is out holds until it expires; to end it there is `revoke`.
    assert_eq!(statuses(&pair, MACHINES, &before).await, [200, 200]);
}
