//! The refusals of every operation.

use axum::http::{Method, StatusCode};
use inventory::access::Permission;
use serde_json::{Value, json};
use server::config::{Bounds, Config};
use server::limits::{Limit, Limits};
use server::router::{Callers, Route, routes};

use super::{Asked, GET, POST, Probe};
use crate::harness::{AUDIENCE, unlimited};
use crate::people::Rank;

/// Neither an id nor a name of anything.
const NOTHING: &[&str] = &["00000000-0000-4000-8000-00000000ffff"; 2];
/// What stands in a path, well formed.
fn ids(path: &str) -> &'static [&'static str] {
    match path {
        _ if path.contains("findbyip(") => &["10.9.9.9", "2026-11-23T09:30:00Z"],
        _ if path.contains("find(") => &["2026-11-23T09:30:00Z", "10.9.9.9"],
        _ => &["jdoe"],
    }
}

/// What is no text once decoded.
const NO_TEXT: &[&str] = &["%ff"; 2];

/// Operations by method, path and callers.
fn operations() -> impl Iterator<Item = (Method, &'static str, Callers)> {
    let documented = |route: &Route| route.callers != Callers::Senders;
    routes().into_iter().filter(documented).flat_map(|route| {
        let of_route = move |method: &str| (method.parse().unwrap(), route.path, route.callers);
        route.methods.into_iter().map(of_route)
    })
}

/// Operations that need a permission.
fn permitted() -> impl Iterator<Item = (Method, &'static str)> {
    let is_permitted = |callers| callers != Callers::Anyone;
    operations().filter(move |it| is_permitted(it.2)).map(|(method, path, _)| (method, path))
}

#[tokio::test]
async fn callers_are_refused_as_documented() {
    let probe = Probe::start(unlimited()).await;
    let without = probe.server.token(&[]).await;
    let nobody = probe.server.operator("nobody", Rank::Ordinary).await.id;
    let scopes = "Machine.Read User.Read.All Footfall.Admin.ReadWrite";
    let without_role = probe.server.person_token(nobody, scopes).await;
    let without_scope = probe.server.person_token(nobody, "").await;
    for (method, path) in permitted() {
        for (token, status) in [
            (None, 401),
            (Some("x"), 401),
            (Some(without.as_str()), 403),
            (Some(&without_role), 403),
            (Some(&without_scope), 403),
        ] {
            let asked = Asked { token, ..Asked::new(method.clone(), path, NOTHING) };
            assert_eq!(probe.send(asked).await.status, status, "{method} {path}");
        }
    }
    let tenant = uuid::Uuid::from_u128(5);
    let other = probe.server.store.add_tenant(tenant, "other", &[]).await.unwrap().unwrap();
    let admin = [Permission::AdminReadWriteAll];
    let now = probe.server.now();
    let app = crate::harness::add_app(&*probe.server.store, &other, &admin, now).await;
    let token = probe.server.token_of(&app).await;
    for method in [GET, POST] {
        let path = "/admin/v1/tenants";
        let body = probe.contract.body(&method, path).map(Value::to_string).unwrap_or_default();
        let asked = Asked { token: Some(&token), body, ..Asked::new(method, path, &[]) };
        assert_eq!(probe.send(asked).await.error().0, "DisallowedOperation");
    }
}

#[tokio::test]
async fn requests_are_refused_as_documented() {
    let probe = Probe::start(unlimited()).await;
    for (method, path) in permitted() {
        if path.contains("{id}") {
            probe.call(method.clone(), path, NO_TEXT, 400).await;
        }
        let responses = &probe.contract.operation(&method, path)["responses"];
        if path.starts_with("/api") && method == GET && responses.get("200").is_some() {
            let token = Some(probe.token.as_str());
            let asked = Asked { query: "?$top=x", token, ..Asked::new(GET, path, ids(path)) };
            assert_eq!(probe.send(asked).await.error().0, "ODataError", "{path}");
        }
        // The vendor's own clients send members that nobody asked for.
        let is_strict = path.starts_with("/admin/");
        if let (true, Some(body)) = (is_strict, probe.contract.body(&method, path)) {
            let mut more = body.clone();
            more["more"] = json!(1);
            let answer =
                probe.call_with(method.clone(), path, NOTHING, more.to_string(), 400).await;
            assert_eq!(answer.error().0, "InvalidRequestBody", "{method} {path}");
            let schema = "/requestBody/content/application~1json/schema";
            let schema = probe.contract.operation(&method, path).pointer(schema).unwrap();
            let schema = probe.contract.resolve(schema);
            assert_eq!(schema["additionalProperties"], false, "{method} {path}");
        }
        if responses.get("404").is_some() {
            let nothing = if path.contains("timestamp") { ids(path) } else { NOTHING };
            probe.call(method.clone(), path, nothing, 404).await;
        }
    }
    for (method, path) in permitted() {
        if probe.contract.operation(&method, path)["responses"].get("501").is_some() {
            let answer = probe.call(method, path, &["ws-014"], 501).await;
            assert_eq!(answer.error().0, "NotImplemented", "{path}");
        }
    }
    let token = Some(probe.token.as_str());
    let asked = Asked { query: "?first=1", token, ..Asked::new(GET, "/admin/v1/audit", &[]) };
    assert_eq!(probe.send(asked).await.status, 400);
}

#[tokio::test]
async fn limits_are_told_as_documented() {
    let mut limits = Limits::vendor();
    for api in Limits::apis() {
        limits.set(api, Some(Limit::new(1, 1).unwrap())).unwrap();
    }
    let probe = Probe::start(Config { limits, ..Config::default() }).await;
    for (method, path) in permitted() {
        let token = Some(probe.token.as_str());
        if path == "/api/ingest" {
            continue;
        }
        let ask = || Asked { token, ..Asked::new(method.clone(), path, NOTHING) };
        probe.send(ask()).await;
        assert_eq!(probe.send(ask()).await.status, 429, "{method} {path}");
    }
    let app = probe.server.app(&[]).await;
    let path = "/{tenant}/oauth2/v2.0/token";
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret=x&scope={AUDIENCE}/.default",
        app.client_id
    );
    for _ in 0..server::issuer::throttle::ADDRESS_FAILURES {
        probe.form(path, &form, 401).await;
    }
    probe.form(path, &form, 429).await;
}

#[tokio::test]
async fn a_busy_server_says_so_as_documented() {
    let bounds = Bounds { max_requests: 0, ..Bounds::default() };
    let Probe { server, contract, token, done } = Probe::start(unlimited()).await;
    let server = server.with_config(Config { bounds, ..unlimited() }).await;
    let probe = Probe { server, contract, token, done };
    for (method, path, _) in operations().filter(|(_, path, _)| *path != "/healthz") {
        let answer = probe.send(Asked::new(method, path, NOTHING)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
}

#[tokio::test]
async fn a_broken_database_is_told_as_documented() {
    let probe = Probe::start(unlimited()).await;
    let form = format!("grant_type=client_credentials&client_id={}", uuid::Uuid::nil());
    let file = probe.server.folder.path().join("test.db");
    let file = rusqlite::Connection::open(file).unwrap();
    file.execute_batch("PRAGMA foreign_keys = OFF; ALTER TABLE machine RENAME TO elsewhere;")
        .unwrap();
    probe.call(GET, "/api/machines", &[], 500).await;
    file.execute_batch("ALTER TABLE app RENAME TO elsewhere_too;").unwrap();
    let form = format!("{form}&client_secret=x&scope={AUDIENCE}/.default");
    probe.form("/{tenant}/oauth2/v2.0/token", &form, 500).await;
}

#[tokio::test]
async fn an_unknown_tenant_is_refused_as_documented() {
    let probe = Probe::start(unlimited()).await;
    for (method, path, callers) in operations() {
        let known = ["/token", "/devicecode", "/revoke", "/openid-configuration", "/keys"];
        if callers != Callers::Anyone || !known.iter().any(|end| path.ends_with(end)) {
            continue;
        }
        for (tenant, key) in [("fabrikam.example", "error_description"), ("%ff", "error")] {
            let target = path.replace("{tenant}", tenant);
            let asked = crate::harness::request(method.clone(), &target);
            let answer = probe.server.send(asked).await;
            assert_eq!(answer.status, 400, "{target}");
            assert!(answer.json().get(key).is_some(), "{target}: {}", answer.text());
            probe.contract.check(&method, path, &answer);
        }
    }
}
