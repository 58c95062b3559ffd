//! What the administration refuses, with status and words; none of it changes anything.

use axum::body::Body;
use axum::http::{Method, header};
use serde_json::{Value, json};

use super::{Pair, ask, done, read, viewers};
use crate::harness::{Answer, Server, request};

/// What refusals name.
async fn furnish(server: &Server, token: &str) -> String {
    let person = json!({"userName": "anna", "password": "correct horse battery"});
    done(server, token, Method::POST, "operators", person).await;
    viewers(server, token, "soc", &["anna"]).await;
    done(server, token, Method::POST, "user-groups", json!({"displayName": "idle"})).await;
    let elsewhere = json!({"id": "/soc/tier1", "displayName": "Tier 1"});
    done(server, token, Method::POST, "user-groups", elsewhere).await;
    let group = json!({"name": "Servers", "access": ["soc"]});
    done(server, token, Method::POST, "device-groups", group).await;
    let app = json!({"name": "playbook", "permissions": []});
    let app = done(server, token, Method::POST, "apps", app).await;
    app["clientId"].as_str().unwrap().to_owned()
}

async fn all(server: &Server, token: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let paths = ["apps", "operators", "user-groups", "roles", "device-groups", "tenants"];
    for path in paths {
        all.push(read(server, token, path).await);
    }
    all
}

type Case = (Method, &'static str, Value);

fn apps() -> Vec<Case> {
    let (post, patch) = (|| Method::POST, || Method::PATCH);
    let long = "x".repeat(257);
    vec![
        (post(), "apps", json!({"name": "x", "permisions": []})),
        (post(), "apps", json!({"permissions": []})),
        (post(), "apps", json!({"name": 5})),
        (post(), "apps", json!([])),
        (post(), "apps", json!(["x", null, [], [], null])),
        (post(), "apps", json!({"name": "x", "kind": "secret"})),
        (post(), "apps", json!({"name": "x", "permissions": ["Machine.Destroy"]})),
        (post(), "apps", json!({"name": "x", "permissions": ["machine.read.all"]})),
        (
            post(),
            "apps",
            json!({"name": "x", "kind": "public", "permissions": ["Machine.Read.All"]}),
        ),
        (post(), "apps", json!({"name": "x", "kind": "public", "secret": {}})),
        (post(), "apps", json!({"name": " "})),
        (post(), "apps", json!({"name": long})),
        (post(), "apps", json!({"name": "a\u{7}"})),
        (post(), "apps", json!({"name": "x", "redirectUris": ["http://app.example/"]})),
        (post(), "apps", json!({"name": "x", "redirectUris": vec!["https://a.example"; 101]})),
        (post(), "apps", json!({"name": "x", "secret": {"expires": "soon"}})),
        (post(), "apps", json!({"name": "x", "secret": {"expires": "2026-11-23T10:00:30Z"}})),
        (patch(), "apps/{app}", json!({"clientId": "x"})),
        (patch(), "apps/{app}", json!({"permissions": "Machine.Read.All"})),
        (post(), "apps/{app}/secrets", json!({"expires": 5})),
        (post(), "apps/{app}/certificates", json!({"certificate": "x"})),
        (post(), "apps/{app}/certificates", json!({"certificate": "x".repeat(30_000)})),
        (post(), "apps/{app}/federated-credentials", json!({"issuer": "x"})),
        (
            post(),
            "apps/{app}/federated-credentials",
            json!({"issuer": "http://x.example", "subject": "x"}),
        ),
        (
            post(),
            "apps/{app}/federated-credentials",
            json!({"issuer": "https://x.example?y", "subject": "x"}),
        ),
        (
            post(),
            "apps/{app}/federated-credentials",
            json!({"issuer": "https://x.example", "subject": ""}),
        ),
        (
            post(),
            "apps/{app}/federated-credentials",
            json!({"issuer": "https://x.example", "subject": "a b"}),
        ),
    ]
}

fn people() -> Vec<Case> {
    let (post, patch, put) = (|| Method::POST, || Method::PATCH, || Method::PUT);
    let long = "x".repeat(257);
    vec![
        (post(), "operators", json!({"userName": "ben"})),
        (post(), "operators", json!({"userName": "ben", "password": "short"})),
        (post(), "operators", json!({"userName": "ben ek", "password": "correct horse battery"})),
        (
            post(),
            "operators",
            json!({"userName": "8a5a7f6a-0000-4000-8000-000000000000", "password": "correct horse battery"}),
        ),
        (post(), "operators", json!({"userName": "", "password": "correct horse battery"})),
        (post(), "operators", json!({"userName": "ANNA", "password": "correct horse battery"})),
        (patch(), "operators/anna", json!({"userName": "ben"})),
        (patch(), "operators/anna", json!({"displayName": ""})),
        (patch(), "operators/anna", json!({"disabled": "yes"})),
        (put(), "operators/anna/password", json!({"password": ""})),
        (post(), "user-groups", json!({"displayName": "SOC"})),
        (post(), "user-groups", json!({"id": "/soc/TIER1", "displayName": "x"})),
        (post(), "user-groups", json!({"id": "soc", "displayName": "x"})),
        (post(), "user-groups", json!({"id": "", "displayName": "x"})),
        (post(), "user-groups", json!({"displayName": long})),
        (patch(), "user-groups/soc", json!({"displayName": "Tier 1"})),
        (put(), "user-groups/Tier%201/members/anna", Value::Null),
        (put(), "user-groups/soc/members/nobody", Value::Null),
        (post(), "roles", json!({"name": "x", "permissions": []})),
        (post(), "roles", json!({"name": "x", "permissions": ["ViewNothing"]})),
        (post(), "roles", json!({"name": "x", "permissions": ["ManagePortalSettings"]})),
        (post(), "roles", json!({"name": "SOC", "permissions": ["ViewData"]})),
        (
            post(),
            "roles",
            json!({"name": "x", "permissions": ["ViewData"], "userGroups": ["nobody"]}),
        ),
        (patch(), "roles/1", json!({"name": "x"})),
        (patch(), "roles/soc", json!({"userGroups": []})),
        (patch(), "roles/soc", json!({"description": "x".repeat(2_000)})),
        (Method::DELETE, "roles/1", Value::Null),
        // Access to device groups is for those who hold a role.
        (Method::DELETE, "roles/soc", Value::Null),
        (Method::DELETE, "roles/soc/user-groups/soc", Value::Null),
        (Method::DELETE, "roles/soc/user-groups/idle", Value::Null),
        (Method::DELETE, "user-groups/soc", Value::Null),
        (post(), "tenants", json!({"name": "x", "domains": ["localhost"]})),
        (post(), "tenants", json!({"name": "x", "id": "x"})),
        (post(), "tenants", json!({"name": "DEFAULT"})),
        (post(), "tenants", json!({"name": "x", "domains": vec!["a.example"; 101]})),
    ]
}

fn device_groups() -> Vec<Case> {
    let (post, patch, put) = (|| Method::POST, || Method::PATCH, || Method::PUT);
    let of = |kind: &str, rows: Value| json!({"name": "x", "rules": {kind: rows}});
    let row = |condition: &str, value: &str| json!({"condition": condition, "value": value});
    let names = "devicesNamesConditions";
    let os = "devicesOsConditions";
    vec![
        (post(), "device-groups", json!({})),
        (post(), "device-groups", json!({"name": ""})),
        (post(), "device-groups", json!({"name": "SERVERS"})),
        (post(), "device-groups", json!({"name": "ungrouped devices (DEFAULT)"})),
        (post(), "device-groups", json!({"name": "x", "rank": 1})),
        (post(), "device-groups", json!({"name": "x", "automationLevel": "Full"})),
        (post(), "device-groups", json!({"name": "x", "access": ["nobody"]})),
        (post(), "device-groups", json!({"name": "x", "access": ["idle"]})),
        (post(), "device-groups", json!({"name": "x", "rules": {"names": []}})),
        (post(), "device-groups", of(names, json!([row("Like", "x")]))),
        (post(), "device-groups", of(names, json!([row("In", "x")]))),
        (post(), "device-groups", of(names, json!([row("Equals", "")]))),
        (post(), "device-groups", of(names, json!([row("Equals", "a\nb")]))),
        (post(), "device-groups", of(names, json!([row("Equals", &"x".repeat(257))]))),
        (post(), "device-groups", of(names, json!(vec![row("Equals", "x"); 11]))),
        (post(), "device-groups", of("devicesTagsConditions", json!(vec![row("Equals", "x"); 11]))),
        (post(), "device-groups", of("devicesDomainsConditions", json!([{"condition": "Equals"}]))),
        (post(), "device-groups", of(os, json!([{"condition": "In", "valuesList": []}]))),
        (
            post(),
            "device-groups",
            of(os, json!([{"condition": "In", "valuesList": vec!["x"; 101]}])),
        ),
        (post(), "device-groups", of(os, json!([row("Equals", "Windows11")]))),
        (post(), "device-groups/preview", json!({})),
        (post(), "device-groups/preview", json!({"rules": {names: [row("In", "x")]}})),
        (patch(), "device-groups/Servers", json!({"access": []})),
        (patch(), "device-groups/Servers", json!({"name": "x".repeat(257)})),
        (patch(), "device-groups/0", json!({"name": "x"})),
        (patch(), "device-groups/nothing", json!({"name": "x"})),
        (put(), "device-groups/Servers/rank", json!({"rank": 0})),
        (put(), "device-groups/Servers/rank", json!({"rank": 2})),
        (put(), "device-groups/Servers/rank", json!({"rank": -1})),
        (put(), "device-groups/0/rank", json!({"rank": 1})),
        (put(), "device-groups/Servers/access", json!({"userGroups": ["idle"]})),
        (put(), "device-groups/Servers/access", json!({"userGroups": ["nobody"]})),
        (put(), "device-groups/Servers/access", json!({})),
        (put(), "device-groups/0/access", json!({"userGroups": ["idle"]})),
        (Method::DELETE, "device-groups/0", Value::Null),
        (Method::DELETE, "device-groups/9", Value::Null),
    ]
}

/// A request, cut where it is long, and what is said of it.
fn line(method: &Method, path: &str, body: &Value, answer: &Answer) -> String {
    let (code, message) = answer.error();
    let mut body = body.to_string();
    if body.chars().count() > 120 {
        body = body.chars().take(120).chain(['…']).collect();
    }
    let status = answer.status.as_u16();
    format!("{method} {path} {body}\n    {status} {code}: {message}\n")
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_what_to_do_and_changes_nothing() {
    let pair = Pair::start().await;
    let token = pair.app_token().await;
    let app = furnish(&pair.one, &token).await;
    let before = all(&pair.one, &token).await;
    let mut table = String::new();
    for (method, path, body) in apps().into_iter().chain(people()).chain(device_groups()) {
        let asked = path.replace("{app}", &app);
        let answer = ask(&pair.other, &token, method.clone(), &asked, body.clone()).await;
        assert!(answer.status.is_client_error(), "{method} {path} {body}: {}", answer.text());
        table += &line(&method, path, &body, &answer);
    }
    assert_eq!(all(&pair.one, &token).await, before);
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_by_any_method() {
    let pair = Pair::start().await;
    let token = pair.app_token().await;
    let nil = uuid::Uuid::nil();
    let mut table = String::new();
    for (method, path, body) in [
        (Method::GET, format!("apps/{nil}"), Value::Null),
        (Method::GET, "apps/playbook".to_owned(), Value::Null),
        (Method::PATCH, format!("apps/{nil}"), json!({"name": "x"})),
        (Method::POST, format!("apps/{nil}/revoke"), Value::Null),
        (Method::POST, format!("apps/{nil}/secrets"), json!({})),
        (Method::DELETE, format!("apps/{nil}/credentials/{nil}"), Value::Null),
        (Method::DELETE, format!("apps/{nil}/credentials/x"), Value::Null),
        (Method::GET, "operators/nobody".to_owned(), Value::Null),
        (Method::GET, format!("operators/{nil}"), Value::Null),
        (Method::PATCH, "operators/nobody".to_owned(), json!({})),
        (Method::DELETE, "operators/nobody".to_owned(), Value::Null),
        (Method::PUT, "operators/nobody/password".to_owned(), json!({"password": "correct horse"})),
        (Method::POST, "operators/nobody/sign-out".to_owned(), Value::Null),
        (Method::POST, "operators/nobody/unlock".to_owned(), Value::Null),
        (Method::POST, "operators/nobody/totp".to_owned(), Value::Null),
        (Method::DELETE, "operators/nobody/totp".to_owned(), Value::Null),
        (Method::GET, "user-groups/nobody".to_owned(), Value::Null),
        (Method::PATCH, "user-groups/nobody".to_owned(), json!({"displayName": "x"})),
        (Method::DELETE, "user-groups/nobody".to_owned(), Value::Null),
        (Method::PUT, "user-groups/nobody/members/x".to_owned(), Value::Null),
        (Method::GET, "roles/99".to_owned(), Value::Null),
        (Method::PATCH, "roles/99".to_owned(), json!({"name": "x"})),
        (Method::DELETE, "roles/99".to_owned(), Value::Null),
        (Method::PUT, "roles/1/user-groups/nobody".to_owned(), Value::Null),
        (Method::GET, "device-groups/99".to_owned(), Value::Null),
        (Method::PUT, "device-groups/99/rank".to_owned(), json!({"rank": 1})),
        (Method::PUT, "device-groups/99/access".to_owned(), json!({"userGroups": []})),
        (Method::PATCH, format!("tenants/{nil}"), json!({"name": "x"})),
        (Method::GET, format!("operators/{}", "x".repeat(3_000)), Value::Null),
        (Method::GET, "operators/%1b%5b2J".to_owned(), Value::Null),
    ] {
        let answer = ask(&pair.other, &token, method.clone(), &path, body.clone()).await;
        assert_eq!(answer.status.as_u16(), 404, "{method} {path}: {}", answer.text());
        assert!(answer.text().len() < 1_000, "{}", answer.text());
        let path: String = path.chars().take(80).collect();
        table += &line(&method, &path, &body, &answer);
    }
    let table = table.replace(&"x".repeat(256), "xxx...").replace('\u{1b}', "\\u{1b}");
    insta::assert_snapshot!(table.replace(&pair.one.tenant.id.to_string(), "<tenant>"));
}

/// Bodies that are no JSON of the form that is asked for.
#[tokio::test]
async fn bodies_that_are_none_are_refused() {
    let pair = Pair::start().await;
    let token = pair.app_token().await;
    let send = async |body: Vec<u8>| {
        let asked = request(Method::POST, "/admin/v1/apps")
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        pair.one.call(asked.body(Body::from(body)).unwrap()).await
    };
    let padded = |bytes: usize| {
        let mut body = br#"{"name":"x","permissions":[]"#.to_vec();
        body.resize(bytes - 1, b' ');
        body.push(b'}');
        body
    };
    assert_eq!(send(padded(64 * 1024)).await.status.as_u16(), 201);
    for (what, body, said) in [
        ("one byte more", padded(64 * 1024 + 1), "more than 65536 bytes"),
        ("a megabyte", padded(1024 * 1024), "more than 65536 bytes"),
        ("nothing", Vec::new(), "EOF"),
        ("no JSON", b"name=x".to_vec(), "expected"),
        ("two", br#"{"name":"x"}{"name":"y"}"#.to_vec(), "trailing"),
        ("twice", br#"{"name":"x","name":"y"}"#.to_vec(), "duplicate field `name`"),
        ("no UTF-8", b"{\"name\":\"\xff\"}".to_vec(), ""),
        ("deep", [vec![b'['; 20_000], vec![b']'; 20_000]].concat(), ""),
    ] {
        let answer = send(body).await;
        assert_eq!(answer.status.as_u16(), 400, "{what}: {}", answer.text());
        let (code, message) = answer.error();
        assert_eq!(code, "InvalidRequestBody", "{what}");
        assert!(message.contains(said), "{what}: {message}");
    }
}

#[tokio::test]
async fn questions_to_the_audit_are_checked() {
    let pair = Pair::start().await;
    let token = pair.app_token().await;
    for (query, said) in [
        ("since=yesterday", "no moment"),
        ("until=2026-11-23", "no moment"),
        ("deed=everything", "one of call"),
        ("app=playbook", "no client id"),
        ("last=0", "from 1 to 10000"),
        ("last=10001", "from 1 to 10000"),
        ("last=-1", "from 1 to 10000"),
        ("first=5", "unknown option `first`"),
    ] {
        let answer =
            ask(&pair.one, &token, Method::GET, &format!("audit?{query}"), Value::Null).await;
        assert_eq!(answer.status.as_u16(), 400, "{query}");
        assert!(answer.error().1.contains(said), "{query}: {}", answer.text());
    }
    for query in
        ["since=2026-11-23T00:00:00Z&last=1", "deed=signIn", "person=x&until=2026-12-01T00:00:00Z"]
    {
        let answer =
            ask(&pair.one, &token, Method::GET, &format!("audit?{query}"), Value::Null).await;
        assert_eq!(answer.status.as_u16(), 200, "{query}: {}", answer.text());
    }
}
