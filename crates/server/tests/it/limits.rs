//! Limits as callers meet them. That they are exact is tested beside the code.

use axum::http::StatusCode;
use inventory::access::Permission;
use inventory::time::TICKS_PER_SECOND;
use server::config::Config;
use server::limits::{Limit, Limits};

use crate::harness::Server;

#[tokio::test]
async fn the_whole_quota_of_a_minute_can_be_used_at_once() {
    let server = Server::start(Config::default()).await;
    let token = server.token(&[Permission::MachineReadAll]).await;
    let call = async || server.get("/api/users/jdoe/machines", &token).await;
    for number in 0..100 {
        assert_eq!(call().await.status, StatusCode::OK, "call {number}");
    }
    let refused = call().await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "61");
    server.clock.advance(60 * TICKS_PER_SECOND);
    assert_eq!(call().await.header("retry-after"), "1");
    server.clock.advance(TICKS_PER_SECOND);
    assert_eq!(call().await.status, StatusCode::OK);
}

#[tokio::test]
async fn apis_and_apps_have_quotas_of_their_own() {
    let mut limits = Limits::vendor();
    for api in Limits::apis() {
        limits.set(api, Some(Limit::new(1, 1).unwrap())).unwrap();
    }
    let server = Server::start(Config { limits, ..Config::default() }).await;
    crate::inventory::fill(&server).await;
    let permissions =
        [Permission::MachineReadAll, Permission::UserReadAll, Permission::AdminReadAll];
    let (one, other) = (server.token(&permissions).await, server.token(&permissions).await);
    let paths = [
        "/api/users",
        "/api/users/jdoe",
        "/api/users/jdoe/machines",
        "/api/users/jdoe/alerts",
        "/api/machines",
        "/api/machines/bigPageSize",
        "/api/machines/srv-01",
        "/api/machines/findbytag?tag=x",
        "/api/machines/unTaggedMachines",
        "/api/machines/findbyip(ip='10.20.30.40',timestamp=2026-11-23T09:30:00Z)",
        "/api/machines/find(timestamp=2026-11-23T09:30:00Z,key='10.20.30.40')",
        "/api/domains/corp.example/machines",
        "/api/machines/srv-01/logonusers",
        "/api/machines/srv-01/alerts",
        "/api/alerts",
        "/api/deviceGroups",
        "/api/deviceGroups/0",
        "/api/$metadata",
        "/admin/v1/limits",
        "/admin/v1/roles",
    ];
    // What changes the administration, what is refused by name, a batch and the five changes of
    // machines answer otherwise.
    assert_eq!(paths.len() + 8, Limits::apis().len());
    for token in [&one, &other] {
        for path in paths {
            assert_eq!(server.get(path, token).await.status, StatusCode::OK, "{path}");
        }
    }
    for path in paths {
        let status = server.get(path, &one).await.status;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
    // Another token of the same app has no quota of its own, nor has another user's path.
    let status = server.get("/api/users/someone/machines", &one).await.status;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn who_is_refused_for_another_reason_uses_no_quota() {
    let limits = {
        let mut limits = Limits::off();
        limits.set("get-machines", Some(Limit::new(1, 1).unwrap())).unwrap();
        limits
    };
    let server = Server::start(Config { limits, ..Config::default() }).await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let token = server.token_of(&app).await;
    let mut claims = server.claims(&app);
    claims["roles"] = serde_json::json!(["User.Read.All"]);
    let without = server.mint(&claims).await;
    for _ in 0..3 {
        assert_eq!(server.get("/api/machines", &without).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(server.get("/api/machines", &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn limits_can_be_off() {
    let server = Server::start(Config { limits: Limits::off(), ..Config::default() }).await;
    let token = server.token(&[Permission::MachineReadAll]).await;
    for _ in 0..200 {
        assert_eq!(server.get("/api/machines", &token).await.status, StatusCode::OK);
    }
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    for (minute, hour) in [(0, 10), (10, 0), (11, 10), (1, u32::MAX)] {
        assert!(Limit::new(minute, hour).is_err(), "{minute} {hour}");
    }
    let error = Limits::off().set("get-machine", None).unwrap_err();
    assert!(error.to_string().contains("get-machine-by-id"), "{error}");
}

#[tokio::test]
async fn the_state_says_what_is_left() {
    let server = Server::start(Config::default()).await;
    let app = server.app(&[Permission::MachineReadAll, Permission::AdminReadAll]).await;
    let token = server.token_of(&app).await;
    for _ in 0..99 {
        server.get("/api/machines", &token).await;
    }
    let state = async || {
        let answer = server.get("/admin/v1/limits", &token).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    };
    let calls = |state: &serde_json::Value, api: &str| {
        let calls = state["calls"].as_array().unwrap();
        calls.iter().find(|calls| calls["api"] == api).cloned().unwrap_or_default()
    };
    let first = state().await;
    assert_eq!(first["requests"], serde_json::json!({"now": 1, "most": 1024}));
    let expected = |last_minute: u32, last_hour: u32, wait: u32| {
        serde_json::json!({
            "api": "get-machines", "appId": app.client_id,
            "lastMinute": last_minute, "perMinute": 100,
            "lastHour": last_hour, "perHour": 1500,
            "retryAfterSeconds": wait,
        })
    };
    assert_eq!(calls(&first, "get-machines"), expected(99, 99, 0));
    server.clock.advance(10 * TICKS_PER_SECOND);
    server.get("/api/machines", &token).await;
    assert_eq!(calls(&state().await, "get-machines"), expected(100, 100, 51));
    // What it says is what happens.
    assert_eq!(server.get("/api/machines", &token).await.header("retry-after"), "51");
    server.clock.advance(51 * TICKS_PER_SECOND);
    assert_eq!(calls(&state().await, "get-machines"), expected(1, 100, 0));
    server.clock.advance(3600 * TICKS_PER_SECOND);
    let token = server.token_of(&app).await;
    let answer = server.get("/admin/v1/limits", &token).await.json();
    assert!(calls(&answer, "get-machines").is_null(), "{answer}");
}
