//! What the audit holds of requests, and what it must never hold.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inventory::access::Permission;
use inventory::access::audit::{Deed, Entry, Filter};
use server::config::Config;
use server::limits::{Limit, Limits};
use server::proxies::{ForwardedHeader, TrustedProxies};
use server::router::{Callers, routes};
use store::Store;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Answer, NOW, Never, Server, request, time, unlimited};
use crate::tls;

/// All that the audit holds, the oldest first.
async fn read(store: &Arc<dyn Store>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut visit = |entry| {
        entries.push(entry);
        Ok(())
    };
    store.audit(&Filter::default(), &mut visit).await.unwrap();
    entries
}

async fn entries(server: &Server) -> Vec<Entry> {
    server.service.flush_audit().await.unwrap();
    read(&server.store).await
}

/// The one entry of an answer.
async fn entry_of(server: &Server, answer: &Answer) -> Entry {
    let id = answer.header("mise-correlation-id");
    let entries = entries(server).await;
    let mut of_answer =
        entries.into_iter().filter(|entry| entry.correlation.to_string() == id).collect::<Vec<_>>();
    assert_eq!(of_answer.len(), 1, "{of_answer:?}");
    of_answer.remove(0)
}

/// The audit's table, out of reach of the server and back.
fn rename(server: &Server, from: &str, to: &str) {
    let file = rusqlite::Connection::open(server.folder.path().join("test.db-audit")).unwrap();
    file.execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}")).unwrap();
}

#[tokio::test]
async fn every_route_is_recorded_once_or_known_to_be_public() {
    let server = Server::with_inventory().await;
    let token = server
        .token(&[Permission::MachineReadAll, Permission::UserReadAll, Permission::AdminReadAll])
        .await;
    let before = entries(&server).await.len();
    let mut public = Vec::new();
    let mut recorded = 0;
    for route in routes() {
        let tenant = server.tenant.id.to_string();
        let path = route.path.replace("{tenant}", &tenant).replace("{id}", "srv-01");
        let answer = server.get(&path, &token).await;
        let id = answer.header("mise-correlation-id").to_owned();
        let all = entries(&server).await;
        let found: Vec<_> = all.iter().filter(|e| e.correlation.to_string() == id).collect();
        match found[..] {
            [] => public.push(route.path),
            [entry] => {
                recorded += 1;
                assert_eq!(entry.operation, format!("GET {}", route.path));
                assert_eq!(entry.status, answer.status.as_u16(), "{path}");
                assert_eq!(entry.time, time(NOW));
                let is_call = path.starts_with("/api") || path.starts_with("/admin/");
                assert_eq!(entry.deed == Deed::Call, is_call, "{path}");
            }
            _ => panic!("{path} is recorded {} times", found.len()),
        }
    }
    assert_eq!(entries(&server).await.len(), before + recorded);
    for path in public {
        if routes().iter().any(|route| route.path == path && route.callers == Callers::Senders) {
            // What is sent is counted by its sender.
            continue;
        }
        let known = [
            "/healthz",
            "/openapi.json",
            "/.well-known/",
            "/discovery/",
            "/userrealm/",
            "/assets/",
            // What nodes ask again and again; their enrolment is recorded.
            "/osquery/",
        ];
        assert!(known.iter().any(|part| path.contains(part)), "{path} is not recorded");
    }
}

#[tokio::test]
async fn an_entry_says_who_asked_what_and_what_came_of_it() {
    let limits = {
        let mut limits = Limits::off();
        limits.set("get-alerts", Some(Limit::new(1, 1).unwrap())).unwrap();
        limits
    };
    let server = Server::start(Config { limits, ..Config::default() }).await;
    crate::inventory::fill(&server).await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let token = server.token_of(&app).await;
    // Twice: made, and remembered.
    for _ in 0..2 {
        let answer = server.get("/api/v1.0/Users/JDoe/machines?$top=2", &token).await;
        let rows = answer.json()["value"].as_array().unwrap().len() as u64;
        let entry = entry_of(&server, &answer).await;
        assert!(rows > 0);
        assert_eq!(entry.rows, Some(rows));
        assert_eq!(entry.tenant, Some(server.tenant.number));
        assert_eq!((entry.app, entry.person.as_deref()), (Some(app.client_id), None));
        assert_eq!(entry.operation, "GET /api/users/{id}/machines");
        assert_eq!(entry.detail, "/api/v1.0/Users/JDoe/machines?$top=2");
        assert!((1..60_000_000).contains(&entry.latency_us), "{entry:?}");
    }
    let single = server.get("/api/machines/srv-01", &token).await;
    assert_eq!(entry_of(&server, &single).await.rows, Some(1));
    for (path, with, status, rows) in [
        ("/api/machines/nowhere", Some(&token), 404, None),
        ("/api/machines?$top=x", Some(&token), 400, None),
        ("/api/machines/srv-01/logonusers", Some(&token), 403, None),
        ("/api/alerts", Some(&token), 200, Some(0)),
        ("/api/alerts", Some(&token), 429, None),
        ("/api/machines", None, 401, None),
    ] {
        let answer = match with {
            Some(token) => server.get(path, token).await,
            None => server.get_open(path).await,
        };
        assert_eq!(answer.status.as_u16(), status, "{path}");
        let entry = entry_of(&server, &answer).await;
        assert_eq!((entry.status, entry.rows), (status, rows), "{path}");
        assert_eq!(entry.app, with.map(|_| app.client_id), "{path}");
        assert_eq!(entry.detail, path);
    }
    let long =
        server.get(&format!("/api/machines?$filter={}", "%C3%A4".repeat(2000)), &token).await;
    assert_eq!(entry_of(&server, &long).await.detail.len(), 2048);
    // Paths that do not exist leave nothing, whoever asks.
    let count = entries(&server).await.len();
    server.get("/nowhere", &token).await;
    server.get_open("/.env").await;
    assert_eq!(entries(&server).await.len(), count);
}

#[tokio::test]
async fn entries_are_in_the_order_of_the_requests() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    for number in 0..300 {
        server.get(&format!("/api/machines/order-{number}"), &token).await;
        if number % 100 == 50 {
            server.post("/common/oauth2/token", &format!("x={number}")).await;
        }
    }
    let entries = entries(&server).await;
    let details = entries.iter().filter(|entry| entry.detail.contains("order-"));
    let numbers: Vec<_> = details.map(|entry| entry.detail.rsplit('-').next().unwrap()).collect();
    assert_eq!(numbers, (0..300).map(|number| number.to_string()).collect::<Vec<_>>());
    let place = |detail: &str| entries.iter().position(|entry| entry.detail.ends_with(detail));
    let sign_in = entries.iter().rposition(|entry| entry.deed == Deed::SignIn).unwrap();
    assert!(place("order-250").unwrap() < sign_in && sign_in < place("order-251").unwrap());
}

#[tokio::test]
async fn secrets_and_tokens_are_in_no_byte_of_it() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let token = server.token_of(&app).await;
    let (id, secret) = (app.client_id, app.client_secret.clone());
    let tenant = server.tenant.id;
    let path = format!("/{tenant}/oauth2/v2.0/token");
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    // Good and bad, in the form, in the query and in Basic.
    server.post(&path, &format!("{form}&scope=x/.default")).await;
    server.post(&path, &form.replace(&secret, "wrong-secret-of-somebody")).await;
    server.get_open(&format!("{path}?{form}&access_token={token}")).await;
    let basic = STANDARD.encode(format!("{id}:{secret}"));
    let request = request(Method::POST, &path)
        .header(header::AUTHORIZATION, format!("Basic {basic}"))
        .body(Body::from("grant_type=client_credentials"))
        .unwrap();
    server.call(request).await;
    // Where no client should put them, and some do.
    server.get(&format!("/api/machines?access_token={token}"), &token).await;
    server.get(&format!("/api/machines/{token}"), &token).await;
    server.get(&format!("/api/machines?$filter=x%20eq%20'{secret}'&$top=1"), &token).await;
    server.get(&format!("/api/machines?client_secret={}", &secret[9..]), &token).await;
    let kept = entries(&server).await;
    assert!(kept.len() >= 9, "{}", kept.len());
    assert!(kept.iter().any(|entry| entry.detail == "/api/machines?access_token=***"));
    assert!(kept.iter().any(|entry| entry.detail.ends_with("'***'&$top=1")));

    let mut bytes = Vec::new();
    for file in std::fs::read_dir(server.folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().contains("-audit") {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("/api/machines?access_token=***"), "the files are those of the audit");
    let signature = token.rsplit('.').next().unwrap();
    for secret in
        [secret.as_str(), &secret[9..], "wrong-secret", &basic, signature, "eyJ", "Bearer", "Basic"]
    {
        assert!(!holds(secret), "{secret}");
    }
}

#[tokio::test]
async fn clients_are_known_behind_trusted_proxies_alone() {
    let trusted_proxies =
        TrustedProxies::new(["10.0.0.0/8"], ForwardedHeader::XForwardedFor).unwrap();
    let server = Server::start(Config { trusted_proxies, ..unlimited() }).await;
    for (peer, forwarded, expected) in [
        ("10.1.2.3:4711", "192.0.2.66, 198.51.100.7", "198.51.100.7"),
        ("203.0.113.9:4711", "198.51.100.7", "203.0.113.9"),
        ("[::ffff:10.1.2.3]:4711", "2001:db8::7", "2001:db8::7"),
    ] {
        let peer: SocketAddr = peer.parse().unwrap();
        let request = request(Method::GET, "/api/machines")
            .header("x-forwarded-for", forwarded)
            .extension(ConnectInfo(peer))
            .body(Body::empty())
            .unwrap();
        let answer = server.call(request).await;
        let expected: IpAddr = expected.parse().unwrap();
        assert_eq!(entry_of(&server, &answer).await.address, Some(expected));
    }
}

#[tokio::test]
async fn calls_can_be_left_out_and_sign_ins_cannot() {
    let server = Server::start(Config { audit_calls: false, ..unlimited() }).await;
    let token = server.reader().await;
    server.get("/api/machines", &token).await;
    let entries = entries(&server).await;
    let deeds: Vec<_> = entries.iter().map(|entry| entry.deed).collect();
    assert_eq!(deeds, [Deed::Administration, Deed::SignIn]);
}

#[tokio::test]
async fn a_request_that_is_broken_off_is_recorded_without_a_status() {
    let server = Server::start(unlimited()).await;
    let request = request(Method::POST, "/common/oauth2/token").body(Body::new(Never)).unwrap();
    let broken_off = tokio::time::timeout(Duration::from_millis(100), server.call(request)).await;
    assert!(broken_off.is_err());
    let mut found = entries(&server).await;
    for _ in 0..100 {
        if !found.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        found = entries(&server).await;
    }
    let [entry] = &found[..] else { panic!("{found:?}") };
    assert_eq!((entry.status, entry.operation.as_str()), (0, "POST /{tenant}/oauth2/token"));
}

#[tokio::test]
async fn what_was_asked_is_written_before_the_server_ends() {
    let server = tls::start(unlimited()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for number in 0..20 {
        let ask = format!("GET /api/machines/last-{number} HTTP/1.1\r\nHost: x\r\n\r\n");
        let (head, _) = tls::exchange(&mut stream, &ask).await;
        assert!(head.starts_with("http/1.1 401"), "{head}");
    }
    stream.shutdown().await.unwrap();
    server.stop.send(()).unwrap();
    server.done.await.unwrap().unwrap();
    let entries = read(&server.store).await;
    assert_eq!(entries.len(), 20);
    assert!(entries.iter().all(|entry| entry.address == Some([127, 0, 0, 1].into())));
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_answered() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let token = server.token_of(&app).await;
    let before = entries(&server).await.len();
    rename(&server, "entry", "elsewhere");
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=https://api.securitycenter.microsoft.com/.default",
        app.client_id, app.client_secret
    );
    let path = format!("/{}/oauth2/v2.0/token", app.tenant_id);
    let refused = server.post(&path, &form).await;
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!refused.text().contains("access_token"), "{}", refused.text());

    // Calls go on while there is room for their entries, and then no more.
    let mut answered = 0;
    let last = loop {
        let answer = server.get("/api/machines/srv-01", &token).await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        answered += 1;
        assert!(answered < 20_000);
    };
    assert_eq!(last.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(last.header("retry-after"), "1");
    assert_eq!(last.error().0, "ServiceUnavailable");
    assert!(answered > 1000, "{answered}");
    assert!(server.service.flush_audit().await.is_err());
    assert_eq!(server.get_open("/healthz").await.status, StatusCode::OK);

    // Nothing of what was answered is lost once the store can write again.
    rename(&server, "elsewhere", "entry");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(server.post(&path, &form).await.status, StatusCode::OK);
    assert_eq!(server.get("/api/machines/srv-01", &token).await.status, StatusCode::OK);
    assert_eq!(entries(&server).await.len(), before + answered + 2);
}
