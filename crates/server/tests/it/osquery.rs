//! osquery's TLS API, as osqueryd speaks it: a client of the protocol, with bodies as its source writes
//! them.

mod bodies;
mod bounds;
mod schedule;

use std::io::Write;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use inventory::node::Node;
use serde_json::{Value, json};
use server::administration::Administration;
use server::config::Config;
use server::osquery::Settings;

use crate::harness::{Answer, Server, actor, request, unlimited};

/// The UUID of the board of the machine that the tests enroll.
const HARDWARE: &str = "9b2e1c1a-6f0b-4c55-8f3d-2a64d6f3a9b1";

impl Server {
    /// A secret with which machines enroll.
    async fn enroll_secret(&self, name: &str) -> String {
        let actor = actor(&self.tenant, self.clock.now_for_tests());
        Administration::new(self.store.as_ref(), &actor).add_enroll_secret(name).await.unwrap()
    }

    async fn nodes(&self) -> Vec<Node> {
        self.store.nodes(self.tenant.number).await.unwrap()
    }

    /// Sends a body as osqueryd does.
    async fn osquery(&self, call: &str, body: impl Into<Body>) -> Answer {
        self.osquery_with(call, body, &[]).await
    }

    async fn osquery_with(
        &self,
        call: &str,
        body: impl Into<Body>,
        headers: &[(header::HeaderName, &str)],
    ) -> Answer {
        let mut asked = request(Method::POST, &format!("/osquery/{call}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, "osquery/5.23.1");
        for (name, value) in headers {
            asked = asked.header(name, *value);
        }
        self.call(asked.body(body.into()).unwrap()).await
    }

    /// Enrolls a machine; its key.
    async fn enroll(&self, secret: &str, host: &str, hardware: &str) -> String {
        let answer = self.osquery("enroll", enrollment(secret, host, hardware, "9")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let answer = answer.json();
        assert_eq!(answer["node_invalid"], json!(false));
        answer["node_key"].as_str().unwrap().to_owned()
    }

    /// Who was on which machines, as the API tells it.
    async fn machines_of(&self, user: &str) -> Vec<String> {
        let token = self.reader().await;
        self.get(&format!("/api/users/{user}/machines"), &token).await.names()
    }
}

trait Now {
    fn now_for_tests(&self) -> inventory::time::Timestamp;
}

impl Now for server::clock::ManualClock {
    fn now_for_tests(&self) -> inventory::time::Timestamp {
        server::clock::Clock::now(self)
    }
}

fn enrollment(secret: &str, host: &str, hardware: &str, platform: &str) -> String {
    json!({
        "enroll_secret": secret,
        "host_identifier": host,
        "platform_type": platform,
        "host_details": {
            "os_version": {"name": "Debian GNU/Linux", "version": "12 (bookworm)", "build": "",
                "platform": "debian", "arch": "x86_64"},
            "osquery_info": {"version": "5.23.1", "build_platform": "linux", "config_hash": ""},
            "system_info": {"hostname": host, "computer_name": host, "uuid": hardware,
                "cpu_type": "x86_64", "cpu_brand": "x", "hardware_serial": "SN1"},
        },
    })
    .to_string()
}

/// A line of `logged_in_users`, of a session that began at a second of 2026.
fn session(user: &str, second: i64) -> Value {
    json!({
        "name": "footfall_sessions", "hostIdentifier": "any", "unixTime": 1_767_600_060,
        "columns": {"type": "user", "user": user, "tty": "pts/0", "host": "192.0.2.7",
            "time": (1_767_600_000 + second).to_string(), "pid": "1"},
        "action": "added",
    })
}

fn log(key: &str, lines: &[Value]) -> String {
    json!({"node_key": key, "log_type": "result", "data": lines}).to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// It was taken: a boolean, as the client needs it.
fn assert_taken(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["node_invalid"], json!(false), "{}", answer.text());
    assert!(answer.json().get("error").is_none());
}

/// It is to enroll anew: 200, upon which every version reads the body.
fn assert_invalid(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json(), json!({"node_invalid": true}));
}

#[tokio::test]
async fn a_machine_enrolls_reports_and_is_asked_about() {
    let server = Server::start(unlimited()).await;
    let secret = server.enroll_secret("servers").await;
    let key = server.enroll(&secret, "lnx-1", HARDWARE).await;
    // It is a machine at once, with what it told.
    let token = server.reader().await;
    let machines = server.get("/api/machines", &token).await.json();
    let machine = &machines["value"][0];
    assert_eq!(machine["computerDnsName"], "lnx-1", "{machines}");
    assert_eq!(machine["osPlatform"], "Debian");
    assert_eq!(machine["agentVersion"], "5.23.1");
    assert_eq!(machines["value"].as_array().unwrap().len(), 1);

    let lines = [session("alice", 0), session("alice", 10), session("bob", 20)];
    assert_taken(&server.osquery("log", log(&key, &lines)).await);
    assert_eq!(server.machines_of("alice").await, ["lnx-1"]);
    assert_eq!(server.machines_of("bob").await, ["lnx-1"]);
    // After an error the same comes again; newer versions show the key beside the body.
    let shown = format!("NodeKey {key}");
    for shown in [shown.as_str(), &shown.to_lowercase().replace(&key.to_lowercase(), &key)] {
        let body = gzip(log("", &lines).as_bytes());
        let headers = [(header::CONTENT_ENCODING, "gzip"), (header::AUTHORIZATION, shown)];
        assert_taken(&server.osquery_with("log", body, &headers).await);
    }
    let senders = server.store.senders(server.tenant.number).await.unwrap();
    let sender = senders.iter().find(|sender| sender.kind == "osquery").unwrap();
    assert_eq!((sender.name.as_str(), sender.counts.duplicates), ("lnx-1", 6), "{sender:?}");
    let whole = inventory::access::scope::Scope::whole(server.tenant.number);
    let totals = server.store.totals(&whole).await.unwrap();
    assert_eq!((totals.machines, totals.relations), (1, 2), "{totals:?}");
}

#[tokio::test]
async fn a_machine_keeps_its_place_when_it_enrolls_again() {
    let server = Server::start(unlimited()).await;
    let secret = server.enroll_secret("servers").await;
    let first = server.enroll(&secret, "lnx-1", HARDWARE).await;
    let second = server.enroll(&secret, "lnx-1.corp.example", HARDWARE).await;
    assert_ne!(first, second);
    let nodes = server.nodes().await;
    assert_eq!(nodes.len(), 1);
    assert_eq!(nodes[0].enrollment.host_name, "lnx-1.corp.example");
    assert_invalid(&server.osquery("config", json!({"node_key": first}).to_string()).await);
    assert_eq!(server.osquery("config", json!({"node_key": second}).to_string()).await.status, 200);
    // Boards without a UUID of their own are told apart by what the machines call themselves.
    let nobodys = "03000200-0400-0500-0006-000700080009";
    for host in ["a", "b", "a"] {
        server.enroll(&secret, host, nobodys).await;
    }
    assert_eq!(server.nodes().await.len(), 3);
}

#[tokio::test]
async fn secrets_and_nodes_that_were_revoked_are_refused() {
    let server = Server::start(unlimited()).await;
    let secret = server.enroll_secret("servers").await;
    let key = server.enroll(&secret, "lnx-1", HARDWARE).await;
    for wrong in ["", "wrong", &secret[..secret.len() - 1]] {
        assert_invalid(&server.osquery("enroll", enrollment(wrong, "lnx-2", "", "9")).await);
    }
    let by = actor(&server.tenant, server.clock.now_for_tests());
    let administration = Administration::new(server.store.as_ref(), &by);
    administration.revoke_enroll_secret("servers").await.unwrap();
    assert_invalid(&server.osquery("enroll", enrollment(&secret, "lnx-2", "", "9")).await);
    // Who enrolled stays enrolled, and the name may be used again.
    assert_taken(&server.osquery("log", log(&key, &[session("alice", 0)])).await);
    let secret = server.enroll_secret("servers").await;

    administration.revoke_node("LNX-1").await.unwrap();
    let line = log(&key, &[session("mallory", 0)]);
    for call in ["config", "log", "distributed/read", "distributed/write"] {
        assert_invalid(&server.osquery(call, line.clone()).await);
    }
    assert_eq!(server.machines_of("mallory").await, Vec::<String>::new());
    // osquery enrolls by itself then.
    assert_invalid(&server.osquery("enroll", enrollment(&secret, "lnx-1", HARDWARE, "9")).await);
    administration.remove_node("lnx-1").await.unwrap();
    server.enroll(&secret, "lnx-1", HARDWARE).await;
}

#[tokio::test]
async fn guesses_of_a_secret_cost_the_address_and_are_in_the_audit() {
    let server = crate::tls::start(unlimited()).await;
    let now = server::clock::Clock::now(&server::clock::SystemClock);
    let tenant = server.store.default_tenant().await.unwrap();
    let by = actor(&tenant, now);
    let administration = Administration::new(server.store.as_ref(), &by);
    let secret = administration.add_enroll_secret("servers").await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let mut enroll = async |secret: &str| {
        let body = enrollment(secret, "lnx-1", HARDWARE, "9");
        let head = "POST /osquery/enroll HTTP/1.1\r\nHost: localhost\r\nContent-Length: ";
        let text = format!("{head}{}\r\n\r\n{body}", body.len());
        crate::tls::exchange(&mut stream, &text).await
    };
    for _ in 0..server::issuer::throttle::ADDRESS_FAILURES {
        let (head, body) = enroll("wrong").await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert_eq!(body, r#"{"node_invalid":true}"#);
    }
    let (head, _) = enroll(&secret).await;
    assert!(head.starts_with("http/1.1 429") && head.contains("retry-after: "), "{head}");
    let mut entries = Vec::new();
    let filter = inventory::access::audit::Filter::default();
    server
        .store
        .audit(&filter, &mut |entry| {
            entries.push(format!("{} {}", entry.operation, entry.detail));
            Ok(())
        })
        .await
        .unwrap();
    let text = entries.join("\n");
    assert!(
        text.contains("POST /osquery/enroll /osquery/enroll refused: the enroll secret"),
        "{text}"
    );
    assert!(!text.contains(&secret), "{text}");
}

#[tokio::test]
async fn nodes_are_asked_until_they_answer() {
    let server = Server::start(unlimited()).await;
    let secret = server.enroll_secret("all").await;
    let key = server.enroll(&secret, "lnx-1", HARDWARE).await;
    let windows = enrollment(&secret, "WS-1", "4C4C4544-0042-3510-8051-B7C04F4A4D32", "2");
    let windows = server.osquery("enroll", windows).await.json()["node_key"].clone();
    let read = async |key: &Value| {
        let answer = server.osquery("distributed/read", json!({"node_key": key}).to_string()).await;
        assert_taken(&answer);
        answer.json()["queries"].as_object().unwrap().clone()
    };
    let linux = Value::from(key.as_str());
    assert!(read(&linux).await.is_empty());
    let by = actor(&server.tenant, server.clock.now_for_tests());
    let administration = Administration::new(server.store.as_ref(), &by);
    assert_eq!(administration.refresh_nodes(None).await.unwrap(), 2);
    let asked = read(&linux).await;
    let sql = asked.values().map(|sql| sql.as_str().unwrap()).collect::<Vec<_>>().join("\n");
    assert!(sql.contains("FROM logged_in_users") && sql.contains("FROM last"), "{sql}");
    assert!(!sql.contains("logon_sessions"), "{sql}");
    // Old versions take names apart at dots.
    assert!(asked.keys().all(|name| !name.contains('.')), "{asked:?}");
    assert!(
        read(&windows).await.values().any(|sql| sql.as_str().unwrap().contains("logon_sessions"))
    );
    assert_eq!(read(&linux).await, asked, "asked until it answers");

    // In between it is asked once more: that stays.
    server.clock.advance(10_000_000);
    let later = actor(&server.tenant, server.clock.now_for_tests());
    Administration::new(server.store.as_ref(), &later).refresh_nodes(Some("lnx-1")).await.unwrap();
    let answered = |asked: &serde_json::Map<String, Value>| {
        let id = asked.keys().find(|name| name.starts_with("footfall_sessions_")).unwrap();
        let row = json!({"type": "user", "user": "carol", "tty": "pts/1", "host": "", "pid": "7",
            "time": "1767600000"});
        json!({
            "node_key": key, "queries": {id: [row], "bad": "", "footfall_last_x": []},
            "statuses": {id: 0, "bad": 1}, "messages": {id: "", "bad": "no such table"},
            "stats": {id: {"wall_time_ms": 2}},
        })
        .to_string()
    };
    assert_taken(&server.osquery("distributed/write", answered(&asked)).await);
    assert_eq!(server.machines_of("carol").await, ["lnx-1"]);
    let again = read(&linux).await;
    assert!(!again.is_empty() && again != asked);
    assert_taken(&server.osquery("distributed/write", answered(&again)).await);
    assert!(read(&linux).await.is_empty());
    assert!(!read(&windows).await.is_empty());
}

#[tokio::test]
async fn no_node_speaks_for_another_machine() {
    let server = Server::start(unlimited()).await;
    let secret = server.enroll_secret("all").await;
    let key = server.enroll(&secret, "lnx-1", HARDWARE).await;
    let other = "4c4c4544-0042-3510-8051-b7c04f4a4d32";
    server.enroll(&secret, "lnx-2", other).await;
    let mut forged = session("mallory", 0);
    forged["decorations"] = json!({"host_uuid": other});
    forged["host_uuid"] = other.into();
    let own = json!({"time": "2026-01-05T08:00:00Z", "user": "mallory", "device": "lnx-2"});
    let wrapped = json!({"data": [session("mallory", 1)]});
    let lines = [forged, own, wrapped, json!("Jan  5 08:00:00 lnx-2 sshd[1]: Accepted"), json!(7)];
    assert_taken(&server.osquery("log", log(&key, &lines)).await);
    assert_eq!(server.machines_of("mallory").await, ["lnx-1"]);
    let senders = server.store.senders(server.tenant.number).await.unwrap();
    let sender = senders.iter().find(|sender| sender.name == "lnx-1").unwrap();
    assert_eq!(sender.counts.accepted, 1 + 1, "the logon, and what enrolling told");
}

#[tokio::test]
async fn a_name_that_changed_is_the_same_machine() {
    let server = Server::start(unlimited()).await;
    let secret = server.enroll_secret("all").await;
    let key = server.enroll(&secret, "lnx-1", HARDWARE).await;
    assert_taken(&server.osquery("log", log(&key, &[session("alice", 0)])).await);
    // A day after it enrolled under the other name.
    let day = server.clock.now_for_tests().seconds() + 86_400;
    let mut renamed = session("alice", day - 1_767_600_000);
    renamed["decorations"] = json!({"hostname": "web-1"});
    renamed["unixTime"] = day.into();
    assert_taken(&server.osquery("log", log(&key, &[renamed])).await);
    assert_eq!(server.machines_of("alice").await.len(), 1);
}

#[tokio::test]
async fn when_a_node_was_heard_of_is_written_now_and_then() {
    let server = Server::start(unlimited()).await;
    let secret = server.enroll_secret("all").await;
    let key = server.enroll(&secret, "lnx-1", HARDWARE).await;
    let enrolled = server.nodes().await[0].last_seen;
    server.clock.advance(3_000_000_000);
    let version = server.store.version().unwrap();
    for _ in 0..20 {
        let body = json!({"node_key": key}).to_string();
        assert_taken(&server.osquery("distributed/read", body).await);
    }
    assert_eq!(server.store.version().unwrap(), version, "a poll writes nothing by itself");
    let start = std::time::Instant::now();
    while server.nodes().await[0].last_seen == enrolled {
        assert!(start.elapsed().as_secs() < 20);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(server.nodes().await[0].last_seen, server.clock.now_for_tests());
}

#[tokio::test]
async fn osquery_speaks_tls_1_2() {
    let config =
        Config { tls: server::config::Tls::SelfSigned { names: Vec::new() }, ..unlimited() };
    let server = crate::tls::start(config).await;
    let tenant = server.store.default_tenant().await.unwrap();
    let by = actor(&tenant, server::clock::Clock::now(&server::clock::SystemClock));
    let administration = Administration::new(server.store.as_ref(), &by);
    let secret = administration.add_enroll_secret("servers").await.unwrap();
    let versions = [&rustls::version::TLS12];
    let mut stream =
        crate::tls::connect(&server, "localhost", &["http/1.1"], &versions).await.unwrap();
    let body = enrollment(&secret, "lnx-1", HARDWARE, "9");
    let head = "POST /osquery/enroll HTTP/1.1\r\nHost: localhost\r\nContent-Length: ";
    let text = format!("{head}{}\r\n\r\n{body}", body.len());
    let (head, body) = crate::tls::exchange(&mut stream, &text).await;
    assert!(head.starts_with("http/1.1 200") && body.contains("node_key"), "{head}{body}");
}

#[tokio::test]
async fn what_is_off_is_not_there_and_the_key_in_the_path_is_refused() {
    let settings = Settings { enabled: false, ..Settings::default() };
    let server = Server::start(Config { osquery: settings, ..unlimited() }).await;
    for call in ["enroll", "config", "log", "distributed/read", "distributed/write"] {
        let answer = server.osquery(call, "{}").await;
        assert_eq!((answer.status, answer.text()), (StatusCode::NOT_FOUND, ""));
    }
    let server = server.with_config(unlimited()).await;
    for path in ["/footfall_node_x/osquery/config&node_key=x", "/x/osquery/distributed/read"] {
        let answer = server.get_open(path).await;
        assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
        assert!(answer.error().1.contains("tls_node_api"), "{}", answer.text());
    }
    let settings = Settings { distributed_interval: None, ..Settings::default() };
    let server = server.with_config(Config { osquery: settings, ..unlimited() }).await;
    let secret = server.enroll_secret("all").await;
    let key = server.enroll(&secret, "lnx-1", HARDWARE).await;
    let config = server.osquery("config", json!({"node_key": key}).to_string()).await.json();
    assert_eq!(config["options"], json!({"disable_distributed": true}));
}
