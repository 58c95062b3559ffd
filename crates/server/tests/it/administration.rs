//! The administration over HTTP, at two replicas of one database: what one is told the other knows.

mod holds;
mod races;
mod refusals;
mod secrets;
mod tenants;
mod transcript;

use axum::http::{Method, StatusCode};
use inventory::access::Permission;
use inventory::access::audit::{Deed, Filter};
use inventory::machine::{MachineFacts, MachineReport};
use serde_json::{Value, json};

use self::transcript::Transcript;
use crate::assertions::holder;
use crate::harness::{Answer, Server};
use crate::people::Rank;

const ADMINISTERS: &str = "Footfall.Admin.ReadWrite";

/// Two servers on one database.
struct Pair {
    one: Server,
    other: Server,
}

impl Pair {
    async fn start() -> Self {
        let one = Server::with_inventory().await;
        let other = one.replica().await;
        Self { one, other }
    }

    /// A token of an app that administers for itself.
    async fn app_token(&self) -> String {
        self.one.token(&[Permission::AdminReadWriteAll]).await
    }

    /// A token of a person who administers.
    async fn person_token(&self) -> String {
        let root = self.one.operator("root@corp.example", Rank::Administrator).await;
        self.one.person_token(root.id, ADMINISTERS).await
    }
}

/// A change that is made.
async fn done(server: &Server, token: &str, method: Method, path: &str, body: Value) -> Value {
    let answer = ask(server, token, method, path, body).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text());
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

async fn ask(server: &Server, token: &str, method: Method, path: &str, body: Value) -> Answer {
    let body = (!body.is_null()).then_some(body);
    server.ask(method, &format!("/admin/v1/{path}"), token, body.as_ref()).await
}

async fn read(server: &Server, token: &str, path: &str) -> Value {
    done(server, token, Method::GET, path, Value::Null).await
}

/// A role that lets a new local group of these people see machines.
async fn viewers(server: &Server, token: &str, group: &str, people: &[&str]) {
    done(server, token, Method::POST, "user-groups", json!({"displayName": group})).await;
    for person in people {
        let path = format!("user-groups/{group}/members/{person}");
        done(server, token, Method::PUT, &path, Value::Null).await;
    }
    let role = json!({"name": group, "permissions": ["ViewData"], "userGroups": [group]});
    done(server, token, Method::POST, "roles", role).await;
}

/// Runs a story as an app and as a person; both must have the same one, which is the snapshot.
macro_rules! told_alike {
    ($story:path) => {{
        let pair = Pair::start().await;
        let by_app = $story(Transcript::new(&pair, pair.app_token().await)).await;
        let pair = Pair::start().await;
        let by_person = $story(Transcript::new(&pair, pair.person_token().await)).await;
        pretty_eq(&by_app, &by_person);
        insta::assert_snapshot!(by_app);
    }};
}

fn pretty_eq(one: &str, other: &str) {
    for (one, other) in one.lines().zip(other.lines()) {
        assert_eq!(one, other);
    }
    assert_eq!(one.lines().count(), other.lines().count());
}

#[tokio::test]
async fn apps_from_the_first_to_the_last() {
    told_alike!(apps);
}

async fn apps(mut story: Transcript<'_>) -> String {
    let new = json!({
        "name": "playbook", "permissions": ["User.Read.All", "Machine.Read.All"],
        "redirectUris": ["https://app.example/signed-in"], "secret": {},
    });
    let app = story.step(Method::POST, "apps", new).await;
    let path = format!("apps/{}", story.name(&app["clientId"], "<app>"));
    story.name(&app["secret"]["id"], "<first secret>");
    story.step(Method::GET, &path, Value::Null).await;
    let expires = json!({"expires": "2027-01-31T00:00:00Z"});
    let secret = story.step(Method::POST, &format!("{path}/secrets"), expires).await;
    let secret = story.name(&secret["id"], "<second secret>");
    let federated = json!({"issuer": "https://ci.example", "subject": "repo:soc/playbooks"});
    let trusted =
        story.step(Method::POST, &format!("{path}/federated-credentials"), federated).await;
    story.name(&trusted["id"], "<federated>");
    let der = holder::base64(holder::certificate(holder::key(), "playbook", 2036));
    let der = story.name(&json!(der), "<DER>");
    let certificates = format!("{path}/certificates");
    let added = story.step(Method::POST, &certificates, json!({"certificate": der})).await;
    story.name(&added["id"], "<certificate>");
    story.name(&added["sha256"], "<thumbprint>");
    let change = json!({"name": "hunting", "permissions": ["Machine.Read.All"], "consented": true});
    story.step(Method::PATCH, &path, change).await;
    story.step(Method::PATCH, &path, json!({"redirectUris": []})).await;
    story.step(Method::DELETE, &format!("{path}/credentials/{secret}"), Value::Null).await;
    story.step(Method::GET, &path, Value::Null).await;
    story.step(Method::POST, &format!("{path}/revoke"), Value::Null).await;
    story.step(Method::POST, &format!("{path}/revoke"), Value::Null).await;
    story.step(Method::GET, &path, Value::Null).await;
    story.refused(Method::PATCH, &path, json!({"name": "again"})).await;
    story.refused(Method::POST, &format!("{path}/secrets"), json!({})).await;
    let public = json!({"name": "desk", "kind": "public", "permissions": ["Machine.Read"]});
    let public = story.step(Method::POST, "apps", public).await;
    let path = format!("apps/{}", story.name(&public["clientId"], "<public app>"));
    story.refused(Method::POST, &format!("{path}/secrets"), json!({})).await;
    story.told()
}

#[tokio::test]
async fn operators_from_the_first_to_the_last() {
    told_alike!(operators);
}

async fn operators(mut story: Transcript<'_>) -> String {
    let new = json!({"userName": "Anna@Corp.example", "password": "correct horse battery"});
    let anna = story.step(Method::POST, "operators", new).await;
    let id = story.name(&anna["id"], "<anna>");
    let path = "operators/anna@corp.example";
    story.step(Method::GET, path, Value::Null).await;
    story.step(Method::GET, &format!("operators/{id}"), Value::Null).await;
    let change = json!({"displayName": "Anna Ek", "administrator": true});
    story.step(Method::PATCH, path, change).await;
    story.step(Method::PATCH, path, json!({"disabled": true})).await;
    story.step(Method::PATCH, path, json!({"disabled": false, "administrator": false})).await;
    let password = json!({"password": "another horse battery"});
    story.step(Method::PUT, &format!("{path}/password"), password).await;
    story.step(Method::POST, &format!("{path}/sign-out"), Value::Null).await;
    story.step(Method::POST, &format!("{path}/unlock"), Value::Null).await;
    let totp = story.step(Method::POST, &format!("{path}/totp"), Value::Null).await;
    story.name(&totp["secret"], "<secret>");
    story.step(Method::GET, path, Value::Null).await;
    story.step(Method::DELETE, &format!("{path}/totp"), Value::Null).await;
    story.step(Method::DELETE, path, Value::Null).await;
    story.refused(Method::GET, path, Value::Null).await;
    story.refused(Method::DELETE, path, Value::Null).await;
    story.told()
}

#[tokio::test]
async fn user_groups_and_roles_from_the_first_to_the_last() {
    told_alike!(user_groups_and_roles);
}

async fn user_groups_and_roles(mut story: Transcript<'_>) -> String {
    let new = json!({"userName": "anna", "password": "correct horse battery"});
    let anna = story.step(Method::POST, "operators", new).await;
    story.name(&anna["id"], "<anna>");
    let directory = json!({"id": "/soc/tier1", "displayName": "Tier 1"});
    story.step(Method::POST, "user-groups", directory).await;
    let local = story.step(Method::POST, "user-groups", json!({"displayName": "Tier 2"})).await;
    story.name(&local["id"], "<tier 2>");
    story.step(Method::PUT, "user-groups/tier%202/members/ANNA", Value::Null).await;
    story.step(Method::PUT, "user-groups/tier%202/members/anna", Value::Null).await;
    story.step(Method::GET, "user-groups/Tier%202", Value::Null).await;
    story.step(Method::PATCH, "user-groups/Tier%202", json!({"displayName": "Lead"})).await;
    story.refused(Method::PUT, "user-groups/Tier%201/members/anna", Value::Null).await;

    let role = json!({
        "name": "first line", "description": "asks", "userGroups": ["Tier 1"],
        "permissions": ["AlertsInvestigation", "ViewData"],
    });
    let role = story.step(Method::POST, "roles", role).await;
    let path = format!("roles/{}", role["id"]);
    story.step(Method::GET, "roles/First%20Line", Value::Null).await;
    story.step(Method::PUT, &format!("{path}/user-groups/lead"), Value::Null).await;
    let change = json!({"description": "", "permissions": ["ViewData"]});
    story.step(Method::PATCH, &path, change).await;
    story.step(Method::DELETE, &format!("{path}/user-groups/lead"), Value::Null).await;
    story.refused(Method::DELETE, &format!("{path}/user-groups/lead"), Value::Null).await;
    story.step(Method::PUT, "roles/1/user-groups/Lead", Value::Null).await;
    story.step(Method::GET, "roles", Value::Null).await;

    story.step(Method::DELETE, "user-groups/Lead/members/anna", Value::Null).await;
    story.refused(Method::DELETE, "user-groups/Lead/members/anna", Value::Null).await;
    story.step(Method::DELETE, "user-groups/Lead", Value::Null).await;
    story.step(Method::GET, "user-groups", Value::Null).await;
    story.step(Method::DELETE, &path, Value::Null).await;
    story.step(Method::GET, "roles", Value::Null).await;
    story.told()
}

#[tokio::test]
async fn device_groups_from_the_first_to_the_last() {
    told_alike!(device_groups);
}

async fn device_groups(mut story: Transcript<'_>) -> String {
    let group = story.step(Method::POST, "user-groups", json!({"displayName": "soc"})).await;
    story.name(&group["id"], "<soc>");
    let role = json!({"name": "viewer", "permissions": ["ViewData"], "userGroups": ["soc"]});
    story.step(Method::POST, "roles", role).await;
    let servers = json!({
        "name": "Servers", "description": "what serves", "access": ["soc"],
        "automationLevel": "NoAutomatedResponse",
        "rules": {
            "devicesNamesConditions": [{"condition": "StartsWith", "value": "SRV-"}],
            "devicesOsConditions": [{"condition": "In", "valuesList": ["WindowsServer2022"]}],
        },
    });
    let servers = story.step(Method::POST, "device-groups", servers).await;
    let path = format!("device-groups/{}", servers["id"]);
    let all = json!({
        "name": "Workstations",
        "rules": {"devicesDomainsConditions": [{"condition": "Equals", "value": "corp.example"}]},
    });
    story.step(Method::POST, "device-groups", all).await;
    story.step(Method::GET, "device-groups/servers", Value::Null).await;
    let rules = json!({"devicesTagsConditions": [{"condition": "Equals", "value": "vip"}]});
    story.step(Method::PATCH, &path, json!({"name": "VIP", "rules": rules})).await;
    story.step(Method::PUT, &format!("{path}/rank"), json!({"rank": 2})).await;
    story.step(Method::PUT, &format!("{path}/access"), json!({"userGroups": []})).await;
    story.step(Method::PUT, "device-groups/0/access", json!({"userGroups": ["SOC"]})).await;
    story.step(Method::GET, "device-groups/0", Value::Null).await;
    story.step(Method::GET, "device-groups/Ungrouped%20devices%20(default)", Value::Null).await;
    story.step(Method::GET, "device-groups", Value::Null).await;
    story.refused(Method::DELETE, "device-groups/0", Value::Null).await;
    story.refused(Method::PATCH, "device-groups/0", json!({"name": "Rest"})).await;
    story.step(Method::DELETE, &path, Value::Null).await;
    story.refused(Method::GET, &path, Value::Null).await;
    story.told()
}

#[tokio::test]
async fn keys_tenants_and_the_caller() {
    told_alike!(the_rest);
}

async fn the_rest(mut story: Transcript<'_>) -> String {
    story.step(Method::GET, "signing-keys", Value::Null).await;
    let key = story.step(Method::POST, "signing-keys/rotate", Value::Null).await;
    story.name(&key["kid"], "<new key>");
    story.step(Method::GET, "signing-keys", Value::Null).await;
    let id = "6f5d1c1e-3b0a-4d52-9a60-0c1a2f9f3a77";
    let new = json!({"id": id, "name": "Contoso", "domains": ["Contoso.com"]});
    story.step(Method::POST, "tenants", new).await;
    let own = story.own_tenant();
    let change = json!({"name": "Corp", "domains": ["corp.example", "corp.example"]});
    story.step(Method::PATCH, &format!("tenants/{own}"), change).await;
    story.step(Method::PATCH, &format!("tenants/{own}"), json!({"name": "Corp AG"})).await;
    story.step(Method::GET, "tenants", Value::Null).await;
    story.refused(Method::PATCH, &format!("tenants/{id}"), json!({"name": "Mine"})).await;
    story.told()
}

#[tokio::test]
async fn the_caller_is_told_as_whom_the_server_knows_them() {
    let pair = Pair::start().await;
    let person = read(&pair.other, &pair.person_token().await, "me").await;
    assert_eq!(person["tenantId"], json!(pair.one.tenant.id));
    assert_eq!(person["tenantName"], json!(pair.one.tenant.name));
    assert_eq!(person["person"], "root@corp.example");
    let permissions = person["rolePermissions"].as_array().unwrap();
    assert!(permissions.contains(&json!("ManagePortalSettings")), "{person}");
    let app = pair.one.app(&[Permission::AdminReadAll]).await;
    let token = pair.one.token_of(&app).await;
    let me = read(&pair.other, &token, "me").await;
    let expected = json!({
        "tenantId": pair.one.tenant.id, "tenantName": pair.one.tenant.name,
        "appId": app.client_id, "person": null, "rolePermissions": [],
    });
    assert_eq!(me, expected);
}

#[tokio::test]
async fn a_preview_shows_the_first_ten_by_name_of_rules_that_are_not_saved() {
    let pair = Pair::start().await;
    let token = pair.app_token().await;
    let mut reports = Vec::new();
    for n in (0..14).rev() {
        let name = format!("lab-{n:02}.lab.example");
        reports.push(MachineReport {
            machine: inventory::logon::MachineRef::named(&name),
            time: pair.one.now(),
            facts: MachineFacts::default(),
        });
    }
    pair.one.store.describe(pair.one.tenant.number, reports).await.unwrap();
    let before = read(&pair.other, &token, "device-groups").await;
    let by_name = |value: &str| json!({"devicesNamesConditions": [{"condition": "StartsWith", "value": value}]});
    let preview = async |rules: Value| {
        let asked = json!({"rules": rules});
        let found = done(&pair.other, &token, Method::POST, "device-groups/preview", asked).await;
        let rows = found["value"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| row["computerDnsName"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let expected: Vec<_> = (0..10).map(|n| format!("lab-{n:02}.lab.example")).collect();
    assert_eq!(preview(by_name("LAB-")).await, expected);
    assert_eq!(preview(by_name("srv")).await, ["srv-01"]);
    assert_eq!(preview(by_name("nothing")).await, [""; 0]);
    assert_eq!(preview(json!({})).await, [""; 0], "no rules match nothing");
    assert_eq!(read(&pair.one, &token, "device-groups").await, before);
    let reader = pair.one.reader().await;
    let page = pair.one.get("/api/machines", &reader).await;
    assert!(page.json()["value"].as_array().unwrap().iter().all(|it| it["rbacGroupId"] == 0));
}

#[tokio::test]
async fn the_limits_tell_what_the_tenants_apps_used() {
    let server = Server::start(server::config::Config::default()).await;
    crate::inventory::fill(&server).await;
    let app = server.app(&[Permission::MachineReadAll, Permission::AdminReadAll]).await;
    let token = server.token_of(&app).await;
    for _ in 0..3 {
        assert_eq!(server.get("/api/machines", &token).await.status, StatusCode::OK);
    }
    let limits = read(&server, &token, "limits").await;
    let of_app = |api: &str| {
        let calls = limits["calls"].as_array().unwrap().iter();
        calls.clone().find(|calls| calls["api"] == api).cloned().unwrap()
    };
    let expected = json!({
        "api": "get-machines", "appId": app.client_id, "lastMinute": 3, "perMinute": 100,
        "lastHour": 3, "perHour": 1500, "retryAfterSeconds": 0,
    });
    assert_eq!(of_app("get-machines"), expected);
    assert_eq!(limits["requests"]["most"], 1024);
    assert_eq!(limits["addresses"], json!([]));
    assert_eq!(limits["accounts"], json!([]));
    // What another tenant's apps did is none of its business.
    let tenant =
        server.store.add_tenant(uuid::Uuid::new_v4(), "Other", &[]).await.unwrap().unwrap();
    let permissions = [Permission::AdminReadAll];
    let theirs = crate::harness::add_app(&*server.store, &tenant, &permissions, server.now()).await;
    let limits = read(&server, &server.token_of(&theirs).await, "limits").await;
    let apps: Vec<_> = limits["calls"].as_array().unwrap().iter().map(|it| &it["appId"]).collect();
    assert!(apps.iter().all(|app| **app == json!(theirs.client_id)), "{limits}");
}

#[tokio::test]
async fn every_change_is_in_the_audit_also_one_that_was_refused() {
    let pair = Pair::start().await;
    let token = pair.person_token().await;
    let role = json!({"name": "viewer", "permissions": ["ViewData"]});
    done(&pair.one, &token, Method::POST, "roles", role.clone()).await;
    let refused = ask(&pair.other, &token, Method::POST, "roles", role).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let mut entries = Vec::new();
    let filter = Filter { deed: Some(Deed::Administration), ..Filter::default() };
    let mut visit = |entry: inventory::access::audit::Entry| {
        if entry.operation == "role.add" {
            entries.push((entry.status, entry.person, entry.detail));
        }
        Ok(())
    };
    pair.other.store.audit(&filter, &mut visit).await.unwrap();
    let root = Some("root@corp.example".to_owned());
    assert_eq!((entries[0].0, &entries[0].1), (200, &root));
    assert_eq!((entries[1].0, &entries[1].1), (409, &root));
    assert!(entries[1].2.contains("refused: there is a role `viewer` already"), "{entries:?}");
    // And so are the requests, under the same correlation ids.
    let page = read(&pair.one, &token, "audit?deed=administration&last=3").await;
    let rows = page["value"].as_array().unwrap();
    let of_change =
        rows.iter().position(|row| row["operation"] == "role.add" && row["status"] == 409);
    let of_request = rows
        .iter()
        .find(|row| row["operation"] == "POST /admin/v1/roles" && row["status"] == 409)
        .unwrap();
    let change = &rows[of_change.unwrap()];
    assert_eq!(change["correlationId"], of_request["correlationId"]);
    assert_eq!(change["person"], "root@corp.example");
    assert_eq!(change["deed"], "administration");
}
