//! What is sent: whole files, Splunk's collector, Elasticsearch's bulk.

use std::io::Write;
use std::pin::pin;
use std::task::{Context, Waker};

use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, RETRY_AFTER};
use axum::http::{Method, Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use inventory::access::Permission;
use serde_json::{Value, json};
use server::config::{Bounds, Config};

use crate::harness::{Answer, Never, NewApp, Server, request};

/// A logon in our own words.
fn logon(user: &str, session: u64) -> String {
    json!({
        "footfall": "logon", "time": "2026-11-23T09:00:00Z", "user": user, "domain": "CORP",
        "device": "WS-1.corp.example", "logonType": "Interactive", "sessionId": session.to_string(),
    })
    .to_string()
}

const SAID: &str = "Accepted publickey for alice from 192.0.2.7 port 5022 ssh2";

struct Senders {
    server: Server,
    app: NewApp,
    reader: String,
}

impl Senders {
    async fn start(config: Config) -> Self {
        let server = Server::start(config).await;
        let app = server.app(&[Permission::TelemetryWrite]).await;
        let reader = server.reader().await;
        Self { server, app, reader }
    }

    fn secret(&self) -> String {
        format!("{}:{}", self.app.client_id, self.app.client_secret)
    }

    async fn send(&self, path: &str, body: impl Into<axum::body::Body>) -> Answer {
        let splunk = format!("Splunk {}", self.secret());
        self.send_as(Some(&splunk), &[], path, body).await
    }

    async fn send_as(
        &self,
        authorization: Option<&str>,
        headers: &[(&str, &str)],
        path: &str,
        body: impl Into<axum::body::Body>,
    ) -> Answer {
        let mut sent: axum::http::request::Builder = request(Method::POST, path);
        if let Some(value) = authorization {
            sent = sent.header(AUTHORIZATION, value);
        }
        for (name, value) in headers {
            sent = sent.header(*name, *value);
        }
        let sent: Request<axum::body::Body> = sent.body(body.into()).unwrap();
        self.server.call(sent).await
    }

    /// The names of a user's machines, sorted.
    async fn machines(&self, user: &str) -> Vec<String> {
        let answer = self.server.get(&format!("/api/users/{user}/machines"), &self.reader).await;
        assert_eq!(answer.status, StatusCode::OK);
        let mut names = answer.names();
        names.sort();
        names
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_file_is_answered_with_what_became_of_it() {
    let senders = Senders::start(Config::default()).await;
    let token = senders.server.token_of(&senders.app).await;
    let lines =
        [logon("jdoe", 1), logon("SYSTEM", 2), "[1]".to_owned(), logon("jdoe", 1)].join("\n");
    let bearer = format!("Bearer {token}");
    let answer = senders.send_as(Some(&bearer), &[], "/api/ingest", lines.clone()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let said = answer.json();
    assert_eq!(said["rejected"], 1, "{said}");
    assert_eq!(said["rejections"][0]["line"], 3);
    assert_eq!((&said["accepted"], &said["duplicate"]), (&json!(1), &json!(1)), "{said}");
    assert_eq!(senders.machines("jdoe").await, ["WS-1.corp.example"]);

    for (encoding, body) in [
        ("gzip", gzip(lines.as_bytes())),
        ("zstd", zstd::encode_all(lines.as_bytes(), 1).unwrap()),
        ("identity", lines.clone().into_bytes()),
        // What is packed and does not say so is a file that is packed.
        ("", gzip(lines.as_bytes())),
    ] {
        let headers = [(CONTENT_ENCODING.as_str(), encoding)];
        let answer = senders.send_as(Some(&bearer), &headers, "/api/ingest", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{encoding}: {}", answer.text());
        assert_eq!(answer.json()["duplicate"], 2, "{encoding}");
    }
    let headers = [(CONTENT_ENCODING.as_str(), "br")];
    let answer = senders.send_as(Some(&bearer), &headers, "/api/ingest", "x").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = senders.send_as(Some(&bearer), &[], "/api/ingest", "").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = senders.send_as(Some(&bearer), &[], "/api/ingest?zone=UTC", "x").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = senders.send_as(Some(&bearer), &[], "/api/ingest", "no log at all").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().contains("not a known format"), "{}", answer.text());
}

#[tokio::test]
async fn a_zone_and_a_machine_may_be_said() {
    let senders = Senders::start(Config::default()).await;
    let line = "2026-03-01T10:00:00 sshd[7]: ".to_owned() + SAID;
    let path = "/api/ingest?timezone=America%2FNew_York&device=web-9";
    let answer = senders.send(path, line).await;
    assert_eq!(answer.json()["accepted"], 1, "{}", answer.text());
    let answer = senders.server.get("/api/users/alice/machines", &senders.reader).await;
    assert_eq!(answer.json()["value"][0]["lastSeen"], "2026-03-01T15:00:00Z");
}

#[tokio::test]
async fn stamps_of_an_upload_without_a_year_are_of_the_last_that_fits() {
    let senders = Senders::start(Config::default()).await;
    let lines =
        format!("Dec 31 10:00:00 web-1 sshd[7]: {SAID}\nNov 22 10:00:00 web-1 sshd[8]: {SAID}\n");
    for body in [lines.clone().into_bytes(), gzip(lines.as_bytes())] {
        let answer = senders.send("/api/ingest", body).await;
        assert_eq!(answer.json()["rejected"], 0, "{}", answer.text());
    }
    let answer = senders.server.get("/api/users/alice/machines", &senders.reader).await;
    let machine = &answer.json()["value"][0];
    assert_eq!(machine["firstSeen"], "2025-12-31T10:00:00Z");
    assert_eq!(machine["lastSeen"], "2026-11-22T10:00:00Z");
}

#[tokio::test]
async fn credentials_are_taken_in_every_form_and_wrong_ones_in_none() {
    let senders = Senders::start(Config::default()).await;
    let secret = senders.secret();
    let token = senders.server.token_of(&senders.app).await;
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let api_key = |text: &str| format!("ApiKey {}", STANDARD.encode(text));
    for good in [
        format!("Splunk {secret}"),
        format!("splunk {secret}"),
        format!("Bearer {secret}"),
        format!("Bearer {token}"),
        basic(&secret),
        basic(&format!("x:{secret}")),
        api_key(&secret),
    ] {
        for path in ["/services/collector", "/_bulk", "/api/ingest"] {
            let body = match path {
                "/_bulk" => format!("{{\"index\":{{}}}}\n{}\n", logon("jdoe", 1)),
                "/api/ingest" => logon("jdoe", 1),
                _ => format!("{{\"event\":{}}}", logon("jdoe", 1)),
            };
            let answer = senders.send_as(Some(&good), &[], path, body).await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {good}: {}", answer.text());
        }
    }
    let stranger = senders.server.app(&[Permission::MachineReadAll]).await;
    let strange = format!("{}:{}", stranger.client_id, stranger.client_secret);
    let strange_token = senders.server.token_of(&stranger).await;
    let wrong = format!("{}:nothing", senders.app.client_id);
    for (bad, hec, bulk, ingest) in [
        (None, 401, 401, 401),
        (Some("Splunk".to_owned()), 401, 401, 401),
        (Some(format!("Splunk {wrong}")), 403, 403, 401),
        (Some(format!("Splunk {strange}")), 403, 403, 401),
        (Some(basic(&wrong)), 403, 403, 401),
        (Some(api_key("x")), 401, 401, 401),
        (Some(format!("Bearer {strange_token}")), 403, 403, 403),
        (Some("Bearer x".to_owned()), 403, 401, 401),
    ] {
        for (path, status) in
            [("/services/collector/raw", hec), ("/x/_bulk", bulk), ("/api/ingest", ingest)]
        {
            let answer = senders.send_as(bad.as_deref(), &[], path, "x").await;
            assert_eq!(answer.status.as_u16(), status, "{path} {bad:?}: {}", answer.text());
        }
    }
    assert!(senders.machines("x").await.is_empty());
}

#[tokio::test]
async fn a_secret_ends_at_once_with_its_app() {
    let senders = Senders::start(Config::default()).await;
    let event = format!("{{\"event\":{}}}", logon("jdoe", 1));
    assert_eq!(senders.send("/services/collector", event.clone()).await.status, StatusCode::OK);
    let (tenant, now) = (senders.server.tenant.number, crate::harness::time(crate::harness::NOW));
    assert!(senders.server.store.revoke_app(tenant, senders.app.client_id, now).await.unwrap());
    let answer = senders.send("/services/collector", event).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.json(), json!({"text": "Invalid token", "code": 4}));
}

#[tokio::test]
async fn splunks_collector_takes_events_of_all_kinds() {
    let senders = Senders::start(Config::default()).await;
    let sshd = format!("Nov 23 08:00:00 web-1 sshd[7]: {SAID}");
    let xml = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
        <EventID>4624</EventID><TimeCreated SystemTime='2026-11-23T07:00:00Z'/><EventRecordID>5\
        </EventRecordID><Channel>Security</Channel><Computer>WS-7</Computer></System><EventData>\
        <Data Name='TargetUserName'>carol</Data><Data Name='TargetDomainName'>CORP</Data>\
        <Data Name='TargetLogonId'>0x77</Data><Data Name='LogonType'>2</Data></EventData></Event>";
    let body = [
        json!({"time": 1.5, "host": "relay", "event": serde_json::from_str::<Value>(&logon("jdoe", 1)).unwrap()}),
        json!({"event": sshd}),
        json!({"event": xml, "sourcetype": "XmlWinEventLog"}),
        json!({"event": {"message": {"hostname": "web-2", "appname": "sshd", "procid": "9",
            "timestamp": "2026-11-23T08:00:00Z", "message": SAID}, "severity": "info"}}),
        json!({"event": "nothing of ours", "host": "x"}),
    ]
    .map(|event| event.to_string())
    .concat();
    let answer = senders.send("/services/collector/event/1.0", body).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, r#"{"text":"Success","code":0}"#));
    assert_eq!(senders.machines("jdoe").await, ["WS-1.corp.example"]);
    assert_eq!(senders.machines("alice").await, ["web-1", "web-2"]);
    assert_eq!(senders.machines("carol").await, ["WS-7"]);
    // The same as lines, which changes nothing.
    let again = format!("{sshd}\n{}\n", logon("jdoe", 1));
    assert_eq!(senders.send("/services/collector/raw", again).await.status, StatusCode::OK);
    assert_eq!(senders.send("/services/collector/raw", format!("{xml}\n{xml}")).await.status, 200);
    let counts = senders.server.store.senders(senders.server.tenant.number).await.unwrap();
    assert_eq!(counts.len(), 1);
    assert_eq!((counts[0].kind.as_str(), counts[0].name.as_str()), ("hec", "probe"));
    assert_eq!((counts[0].counts.accepted, counts[0].counts.duplicates), (4, 4));
}

#[tokio::test]
async fn splunks_collector_says_what_is_wrong_in_its_words() {
    let senders = Senders::start(Config::default()).await;
    let good = format!("{{\"event\":{}}}", logon("jdoe", 1));
    for (body, status, code, number) in [
        (String::new(), 400, 5, None),
        ("  \n".to_owned(), 400, 5, None),
        ("no json".to_owned(), 400, 6, Some(0)),
        (format!("{good}{{\"event\":"), 400, 6, Some(1)),
        ("{\"event\":\"\"}".to_owned(), 400, 13, Some(0)),
        (format!("{good} {{\"time\":1}}"), 400, 12, Some(1)),
    ] {
        let answer = senders.send("/services/collector", body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
        assert_eq!(answer.json()["code"], code, "{body}");
        assert_eq!(
            answer.json().get("invalid-event-number").and_then(Value::as_u64),
            number,
            "{body}"
        );
    }
    // What stood before the fault is kept.
    assert_eq!(senders.machines("jdoe").await, ["WS-1.corp.example"]);
    let array = format!("[{good},{good}]");
    assert_eq!(senders.send("/services/collector", array).await.status, StatusCode::OK);
    let answer = senders.server.get_open("/services/collector/health/1.0").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (200, &json!(17)));
}

#[tokio::test]
async fn acknowledgments_outlive_the_process() {
    let senders = Senders::start(Config::default()).await;
    let splunk = format!("Splunk {}", senders.secret());
    let channel = [("X-Splunk-Request-Channel", "0f0e8bfc-8d3c-4a3c-9c80-0c9d0b2a7f11")];
    let event = format!("{{\"event\":{}}}", logon("jdoe", 1));
    let mut acks = Vec::new();
    for _ in 0..2 {
        let answer =
            senders.send_as(Some(&splunk), &channel, "/services/collector", event.clone()).await;
        acks.push(answer.json()["ackId"].as_u64().unwrap());
    }
    assert_eq!(acks[1], acks[0] + 1);
    assert!(acks[1] < 1 << 53);
    let asked = json!({"acks": [acks[0], acks[1], acks[1] + 1]}).to_string();
    let answer =
        senders.send_as(Some(&splunk), &channel, "/services/collector/ack", asked.clone()).await;
    let expected = json!({"acks": {
        acks[0].to_string(): true, acks[1].to_string(): true, (acks[1] + 1).to_string(): false,
    }});
    assert_eq!(answer.json(), expected);
    let answer = senders.send("/services/collector/ack", asked.clone()).await;
    assert_eq!(answer.json()["code"], 10);
    // Another process on the same database, a second later.
    senders.server.clock.advance(inventory::time::TICKS_PER_SECOND);
    let next = Senders { server: senders.server.replica().await, ..senders };
    let answer = next.send_as(Some(&splunk), &[], "/services/collector/ack?channel=x", asked).await;
    assert_eq!(answer.json()["acks"][acks[1].to_string()], true);
}

#[tokio::test]
async fn bulk_answers_each_document_in_its_order() {
    let senders = Senders::start(Config::default()).await;
    let body = [
        r#"{"index":{"_index":"logs","_id":"bid"}}"#.to_owned(),
        logon("jdoe", 1),
        String::new(),
        r#"{"create":{"_type":"_doc"}}"#.to_owned(),
        r#"{"footfall":"logon","user":"x","time":"never","device":"d","logonType":"Interactive"}"#
            .to_owned(),
        r#"{"delete":{"_index":"logs","_id":"7"}}"#.to_owned(),
        r#"{"create":{}}"#.to_owned(),
        json!({"@timestamp": "2026-11-23T08:00:10Z", "host": {"name": "relay"},
            "message": format!("Nov 23 08:00:00 web-1 sshd[7]: {SAID}")})
        .to_string(),
        r#"{"index":{}}"#.to_owned(),
        r#"{"some":"other document"}"#.to_owned(),
        r#"{"update":{"_id":"9"}}"#.to_owned(),
        r#"{"doc":{}}"#.to_owned(),
    ]
    .join("\n");
    let headers = [(CONTENT_ENCODING.as_str(), "gzip")];
    let key = format!("ApiKey {}", STANDARD.encode(senders.secret()));
    let answer = senders
        .send_as(Some(&key), &headers, "/own/_bulk?filter_path=errors", gzip(body.as_bytes()))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("x-elastic-product"), "Elasticsearch");
    let text = answer.text();
    assert!(
        text.starts_with("{\"took\":") && text.contains(",\"errors\":true,\"items\":["),
        "{text}"
    );
    let said = answer.json();
    let items: Vec<(&String, &Value)> =
        said["items"].as_array().unwrap().iter().flat_map(|it| it.as_object().unwrap()).collect();
    let statuses: Vec<_> = items
        .iter()
        .map(|(action, it)| (action.as_str(), it["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        statuses,
        [
            ("index", 201),
            ("create", 400),
            ("delete", 404),
            ("create", 201),
            // Of no kind that is read.
            ("index", 400),
            ("update", 400)
        ]
    );
    assert_eq!((&items[0].1["_index"], &items[0].1["_id"]), (&json!("logs"), &json!("bid")));
    assert_eq!(items[1].1["_index"], "own");
    assert!(items[1].1["error"]["reason"].as_str().unwrap().contains("time"), "{text}");
    assert_eq!(senders.machines("alice").await, ["web-1"]);
    let good = format!("{{\"index\":{{}}}}\n{}\n", logon("jdoe", 1));
    assert!(senders.send("/_bulk", good).await.text().contains("\"errors\":false,\"items\":["));
    for (body, words) in [
        (String::new(), "request body is required"),
        ("{\"index\":{}}\n".to_owned(), "document is missing"),
        ("{\"what\":{}}\n{}\n".to_owned(), "line [1], expected index"),
        ("no json\n{}\n".to_owned(), "line [1]"),
    ] {
        let answer = senders.send("/_bulk", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.text().contains(words), "{}", answer.text());
    }
}

#[tokio::test]
async fn bulk_is_never_refused_in_json_where_it_may_come_again() {
    let senders = Senders::start(Config::default()).await;
    for authorization in [None, Some("ApiKey eDp5")] {
        let answer = senders.send_as(authorization, &[], "/_bulk", "x").await;
        assert!(answer.header("content-type").starts_with("text/plain"), "{authorization:?}");
        assert!(!answer.text().is_empty() && !answer.text().starts_with('{'));
    }
}

#[tokio::test]
async fn shippers_find_what_they_ask_for_before_they_send() {
    let senders = Senders::start(Config::default()).await;
    let basic = format!("Basic {}", STANDARD.encode(senders.secret()));
    for (method, path, status) in [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/_license?human=false", 200),
        ("GET", "/_xpack", 200),
        ("GET", "/_cluster/health", 200),
        ("GET", "/_cat/health", 200),
        ("HEAD", "/_cat/health", 200),
        ("GET", "/_nodes/http", 200),
        ("HEAD", "/_index_template/filebeat-8.19.0", 404),
        ("PUT", "/_index_template/filebeat-8.19.0", 200),
        ("GET", "/_ilm/policy/x", 404),
        ("PUT", "/_ilm/policy/x", 200),
        ("GET", "/_data_stream/x", 404),
        ("PUT", "/_ingest/pipeline/x", 200),
        ("GET", "/nothing", 404),
    ] {
        let ask = async |authorization: Option<&str>| {
            let mut asked = request(method.parse().unwrap(), path);
            if let Some(value) = authorization {
                asked = asked.header(AUTHORIZATION, value);
            }
            senders.server.send(asked).await
        };
        let answer = ask(Some(&basic)).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        if path != "/nothing" {
            assert_eq!(answer.header("x-elastic-product"), "Elasticsearch");
            assert_eq!(ask(None).await.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        }
    }
    let asked = request(Method::GET, "/").header(AUTHORIZATION, &basic);
    let said = senders.server.send(asked).await.json();
    assert!(said["version"]["number"].as_str().unwrap().starts_with("8."));
}

#[tokio::test]
async fn bodies_are_bounded_and_bombs_harmless() {
    let senders = Senders::start(Config::default()).await;
    let bomb = gzip(&vec![b' '; 80 << 20]);
    let splunk = format!("Splunk {}", senders.secret());
    let headers = [(CONTENT_ENCODING.as_str(), "gzip")];
    let answer =
        senders.send_as(Some(&splunk), &headers, "/services/collector", bomb.clone()).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.json()["code"], 27);
    let answer = senders.send_as(Some(&splunk), &headers, "/_bulk", bomb).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = senders.send_as(Some(&splunk), &headers, "/_bulk", "no gzip").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_finds_no_room_is_told_to_come_again() {
    let intake = intake::Settings {
        max_held_bytes: 1 << 20,
        patience: std::time::Duration::from_millis(50),
        ..intake::Settings::default()
    };
    let senders = Senders::start(Config { intake, ..Config::default() }).await;
    let all = senders.server.service.intake().hold(1 << 20).await.unwrap();
    let event = format!("{{\"event\":{}}}", logon("jdoe", 1));
    let answer = senders.send("/services/collector", event.clone()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["code"], 9);
    assert!(answer.headers.contains_key(RETRY_AFTER));
    let good = format!("{{\"index\":{{}}}}\n{}\n", logon("jdoe", 1));
    let answer = senders.send("/_bulk", good.clone()).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers.contains_key(RETRY_AFTER));
    assert_eq!(senders.server.get_open("/services/collector/health").await.status, 503);
    drop(all);
    assert_eq!(senders.send("/services/collector", event).await.status, StatusCode::OK);
    assert_eq!(senders.send("/_bulk", good).await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_comes_to_a_full_server_is_told_so_in_its_own_words() {
    let bounds = Bounds { max_requests: 1, ..Bounds::default() };
    let senders = Senders::start(Config { bounds, ..Config::default() }).await;
    // One request that is being sent takes the only place.
    let mut first = pin!(senders.send("/services/collector", axum::body::Body::new(Never)));
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    for path in ["/_bulk", "/logs/_bulk"] {
        let answer = senders.send(path, "x").await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(answer.header("content-type").starts_with("text/plain"), "{path}");
        assert!(answer.text().starts_with("busy"), "{}", answer.text());
        assert!(answer.headers.contains_key(RETRY_AFTER));
    }
    for path in ["/services/collector", "/services/collector/raw", "/services/collector/ack"] {
        let answer = senders.send(path, "x").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.json()["code"], 9, "{path}");
        assert!(answer.headers.contains_key(RETRY_AFTER));
    }
    let answer = senders.send("/api/ingest", "x").await;
    assert_eq!(answer.json()["error"]["code"], "ServiceUnavailable");
}
