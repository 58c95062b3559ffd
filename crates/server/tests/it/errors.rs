//! Every refusal of the API, byte for byte.

use axum::http::{Method, StatusCode, header};
use inventory::access::Permission;
use server::config::Config;
use server::limits::{Limit, Limits};

use crate::harness::{Server, request};

#[tokio::test]
async fn unauthorized() {
    let server = Server::with_inventory().await;
    let answer = server.get_open("/api/users/jdoe/machines").await;
    insta::assert_snapshot!("unauthorized_without_token", server.show(&answer));
    let answer = server.get("/api/users/jdoe/machines", "not.a.token").await;
    insta::assert_snapshot!("unauthorized_with_garbage", server.show(&answer));
}

#[tokio::test]
async fn unauthorized_for_another_audience() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let mut claims = server.claims(&app);
    claims["aud"] = "00000002-0000-0000-c000-000000000000".into();
    let token = server.mint(&claims).await;
    let answer = server.get("/api/machines", &token).await;
    let shown = server.show(&answer).replace(&app.client_id.to_string(), "<app>");
    insta::assert_snapshot!(shown);
}

#[tokio::test]
async fn forbidden() {
    let server = Server::with_inventory().await;
    let token = server.token(&[Permission::AlertReadWriteAll, Permission::UserReadAll]).await;
    let answer = server.get("/api/users/jdoe/machines", &token).await;
    insta::assert_snapshot!("forbidden_machines", server.show(&answer));
    let token = server.token(&[Permission::MachineReadAll]).await;
    let answer = server.get("/api/machines/srv-01/logonusers", &token).await;
    insta::assert_snapshot!("forbidden_logon_users", server.show(&answer));
    let token = server.token(&[]).await;
    let answer = server.get("/api/alerts", &token).await;
    insta::assert_snapshot!("forbidden_alerts", server.show(&answer));
}

#[tokio::test]
async fn not_found() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    for path in ["/api/machines/no%22such", "/api/machines/no%22such/logonusers"] {
        let answer = server.get(path, &token).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!("no_such_machine", server.show(&answer));
        }
    }
    let id = "0123456789abcdef0123456789abcdef01234567";
    let (code, message) = server.get(&format!("/api/machines/{id}"), &token).await.error();
    assert_eq!(code, "ResourceNotFound");
    assert_eq!(message, format!("Machine {id} was not found"));
}

#[tokio::test]
async fn no_such_route() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    for path in [
        "/api/machine",
        "/api/ips/10.0.0.1/machines",
        "/api/v2.0/machines",
        "/api/users//machines",
        "/api/users/jdoe/devices",
        "//api/machines",
        "/x",
    ] {
        let answer = server.get(path, &token).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!("no_such_route", server.show(&answer));
        }
        assert_eq!(server.get_open(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn wrong_verb() {
    let server = Server::with_inventory().await;
    let answer = server.send(request(Method::POST, "/api/machines")).await;
    insta::assert_snapshot!(server.show(&answer));
    for route in server::router::routes() {
        let path = route.path;
        let answer = server.send(request(Method::TRACE, &path.replace(['{', '}'], "x"))).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        for method in route.methods {
            assert!(answer.header("allow").contains(method), "{path} {method}");
        }
        assert!(answer.body.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn bad_queries() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let mut table = String::new();
    for (path, query) in [
        ("users/jdoe/machines", "$top=10001"),
        ("users/jdoe/machines", "$top=-1"),
        ("users/jdoe/machines", "$skip=x"),
        ("users/jdoe/machines", "$top=1&$top=1"),
        ("users/jdoe/machines", "$foo=1"),
        ("users/jdoe/machines", "$select=foo"),
        ("users/jdoe/machines", "$select=id,,version"),
        ("users/jdoe/machines", "$filter=id"),
        ("users/jdoe/machines", "$filter=id+eq"),
        ("users/jdoe/machines", "$filter=foo+eq+'x'"),
        ("machines", "$filter=riskScore+eq+'Terrible'"),
        ("machines", "$filter=lastSeen+gt+'soon'"),
        ("machines", "$filter=lastSeen+gt+5"),
        ("machines", "$filter=osBuild+eq+'x'"),
        ("machines", "$filter=machineTags+eq+'x'"),
        ("machines", "$filter=vmMetadata+eq+'x'"),
        ("machines", "$filter=computerDnsName/any(x:+x+eq+'x')"),
        ("machines", "$filter=year(computerDnsName)+eq+5"),
        ("machines", "$filter=matchesPattern(id,'x')"),
        ("machines", "$filter=lastSeen+gt+duration'P1D'"),
        ("machines", "$orderby=machineTags"),
        ("machines", "$orderby=id+up"),
        ("machines", "$count=maybe"),
        ("machines", "$expand=alerts"),
        ("machines", "$expand=logOnUsers($expand=machines)"),
        ("machines", "$expand=logOnUsers($filter=foo+eq+1)"),
        ("machines", "$search="),
        ("machines", "$apply=x"),
        ("machines", "$format=xml"),
        ("machines", "$skiptoken=x"),
        ("machines", "$skiptoken=e30"),
        ("machines/findbytag", "useStartsWithFilter=true"),
        ("machines", "a=%ff"),
        ("machines/srv-01", "$top=1"),
        ("machines/srv-01", "$filter=x"),
        ("machines/srv-01", "$expand=x"),
        ("machines/srv-01/logonusers", "$select=osPlatform"),
        ("deviceGroups", "$select=name"),
        ("deviceGroups", "$filter=id+eq+1"),
        ("deviceGroups/0", "$top=1"),
        ("alerts", "$top=10001"),
        ("alerts", "$apply=aggregate($count+as+n)"),
        ("alerts", "=id+eq+'x'"),
        ("machines", "=startswith(computerDnsName,'ws-71')"),
        ("machines", "$top=5&%24=5"),
        ("machines/$count", "+=id+eq+'x'"),
        ("machines/srv-01", "=id"),
        ("users", "=5&=id"),
        ("users/jdoe/machines", "="),
        ("deviceGroups", "=id"),
    ] {
        let answer = server.get(&format!("/api/{path}?{query}"), &token).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {query}");
        let (code, message) = answer.error();
        table += &format!("{path}?{query}\n    {code}: {message}\n");
    }
    insta::assert_snapshot!(table);
    let answer = server.get("/api/machines?$select=foo", &token).await;
    insta::assert_snapshot!("bad_query", server.show(&answer));
    let answer = server.get("/api/users/%ff/machines", &token).await;
    insta::assert_snapshot!("bad_path", server.show(&answer));
}

#[tokio::test]
async fn too_many_requests() {
    let mut limits = Limits::off();
    limits.set("get-machines", Some(Limit::new(2, 5).unwrap())).unwrap();
    let server = Server::start(Config { limits, ..Config::default() }).await;
    let token = server.token(&[Permission::MachineReadAll]).await;
    let call = async || server.get("/api/machines", &token).await;
    assert_eq!(call().await.status, StatusCode::OK);
    assert_eq!(call().await.status, StatusCode::OK);
    insta::assert_snapshot!("too_many_in_a_minute", server.show(&call().await));
    for _ in 0..2 {
        server.clock.advance(61 * inventory::time::TICKS_PER_SECOND);
        assert_eq!(call().await.status, StatusCode::OK);
    }
    server.clock.advance(61 * inventory::time::TICKS_PER_SECOND);
    assert_eq!(call().await.status, StatusCode::OK);
    insta::assert_snapshot!("too_many_in_an_hour", server.show(&call().await));
}

#[tokio::test]
async fn a_broken_store_is_a_500_that_tells_nothing() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    assert_eq!(server.get("/api/machines", &token).await.status, StatusCode::OK);
    let file = rusqlite::Connection::open(server.folder.path().join("test.db")).unwrap();
    file.execute_batch("PRAGMA foreign_keys = OFF; ALTER TABLE machine RENAME TO elsewhere;")
        .unwrap();
    let answer = server.get("/api/machines", &token).await;
    insta::assert_snapshot!(server.show(&answer));
}

#[tokio::test]
async fn every_error_is_json_with_three_keys() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    for (path, token) in [
        ("/api/machines", "x"),
        ("/api/machines/none", token.as_str()),
        ("/api/machines?$top=x", &token),
        ("/api/users/%ff/machines", &token),
    ] {
        let answer = server.get(path, token).await;
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8", "{path}");
        assert!(answer.headers.get("odata-version").is_none(), "{path}");
        let json = answer.json();
        let keys: Vec<_> = json["error"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["code", "message", "target"], "{path}");
    }
}

#[tokio::test]
async fn a_header_that_is_no_text_is_refused() {
    let server = Server::with_inventory().await;
    for value in [&b"Bearer \xff\xfe"[..], b"Bearer", b"Bearer ", b"Basic YTpi", b"token"] {
        let value = header::HeaderValue::from_bytes(value).unwrap();
        let asked = request(Method::GET, "/api/machines").header(header::AUTHORIZATION, value);
        let answer = server.send(asked).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}
