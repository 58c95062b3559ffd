//! What the log says of requests, and what it must never say.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use axum::http::{Method, header};
use inventory::access::Permission;
use serde_json::Value;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::harness::{Server, request};

thread_local! {
    /// What this thread logged since it began to listen; `None` while it does not.
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes to the lines of the thread that logs.
struct ToThread;

impl Write for ToThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.get_or_insert_default().write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Sets the one subscriber of the process before anything is logged: tests that run beside each
/// other could not each have their own, as tracing remembers who is interested in what.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let listening = dynamic_filter_fn(|_, _| LINES.with_borrow(Option::is_some));
        let lines = fmt::layer().json().with_writer(|| ToThread).with_filter(listening);
        tracing_subscriber::registry().with(lines).init();
    });
}

/// The lines since the last call, as text and as JSON; from the first call on they are kept.
fn take() -> (String, Vec<Value>) {
    let bytes = LINES.replace(Some(Vec::new())).unwrap_or_default();
    let text = String::from_utf8(bytes).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (text, lines)
}

#[tokio::test]
async fn one_line_a_request_with_its_correlation_id_and_no_secret() {
    take();
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let token = server.token_of(&app).await;
    let (mut log, _) = take();

    for (path, status, route) in [
        ("/api/v1.0/users/jdoe/machines?$top=1", 200, "/api/users/{id}/machines"),
        ("/api/machines/secret-name", 404, "/api/machines/{id}"),
        ("/nowhere/secret-name", 404, "-"),
    ] {
        let answer = server.get(path, &token).await;
        let (text, lines) = take();
        let line = lines.iter().find(|line| line["fields"]["message"] == "request").unwrap();
        let fields = &line["fields"];
        assert_eq!(fields["correlation_id"], answer.header("mise-correlation-id"), "{path}");
        assert_eq!(fields["method"], "GET");
        assert_eq!(fields["route"], route);
        assert_eq!(fields["status"], status);
        assert!(fields["latency_us"].is_u64());
        let app_id = fields["app_id"].as_str();
        assert_eq!(app_id.is_some(), route != "-", "{path}");
        assert!(app_id.is_none_or(|id| id == app.client_id.to_string()));
        log += &text;
    }

    let file = rusqlite::Connection::open(server.folder.path().join("test.db")).unwrap();
    file.execute_batch("PRAGMA foreign_keys = OFF; ALTER TABLE machine RENAME TO elsewhere;")
        .unwrap();
    let asked = request(Method::GET, "/api/machines")
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    let answer = server.send(asked).await;
    let (text, lines) = take();
    let error = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
    assert_eq!(error["fields"]["correlation_id"], answer.header("mise-correlation-id"));
    assert!(error["fields"]["message"].as_str().unwrap().contains("no such table"), "{error}");
    log += &text;

    for secret in [token.as_str(), &app.client_secret, "jdoe", "secret-name", "Bearer"] {
        assert!(!log.contains(secret), "{secret}");
    }
}
