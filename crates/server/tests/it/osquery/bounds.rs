//! What nodes, and whoever is none, can send: nothing of it takes more than it may.

use super::*;

/// Bytes of a log at most.
const MAX_BYTES: usize = 128 * 1024 * 1024;

#[tokio::test]
async fn a_body_that_unpacks_to_too_much_is_refused() {
    let server = Server::start(unlimited()).await;
    let secret = server.enroll_secret("all").await;
    let key = server.enroll(&secret, "lnx-1", HARDWARE).await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let blank = vec![b' '; 1024 * 1024];
    for _ in 0..MAX_BYTES / blank.len() + 1 {
        encoder.write_all(&blank).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 2 * 1024 * 1024);
    let shown = format!("NodeKey {key}");
    let headers = [(header::CONTENT_ENCODING, "gzip"), (header::AUTHORIZATION, shown.as_str())];
    for headers in [&headers[..], &headers[..1]] {
        let answer = server.osquery_with("log", bomb.clone(), headers).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.text());
    }
    // What has no key of ours beside it is not even unpacked.
    let headers = [(header::CONTENT_ENCODING, "gzip"), (header::AUTHORIZATION, "NodeKey x")];
    assert_invalid(&server.osquery_with("log", bomb.clone(), &headers).await);
    let answer = server.osquery_with("config", bomb, &headers[..1]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = server.osquery("enroll", vec![b' '; 1024 * 1024 + 1]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let (taken, _) = server.service.intake().held();
    assert_eq!(taken, 0, "all room is given back");
}

#[tokio::test]
async fn a_large_log_is_taken_and_without_room_it_is_to_come_again() {
    let server = Server::start(unlimited()).await;
    let secret = server.enroll_secret("all").await;
    let key = server.enroll(&secret, "lnx-1", HARDWARE).await;
    let mut lines: Vec<_> = (0..1024).map(|second| session("alice", second)).collect();
    // Beyond what other routes take.
    for line in &mut lines {
        line["decorations"] = json!({"padding": "x".repeat(4_000)});
    }
    let body = log(&key, &lines);
    assert!(body.len() > 4 * 1024 * 1024);
    assert_taken(&server.osquery("log", body.clone()).await);
    assert_eq!(server.machines_of("alice").await, ["lnx-1"]);

    let intake = intake::Settings { max_held_bytes: 1024 * 1024, ..intake::Settings::default() };
    let server = server.with_config(Config { intake, ..unlimited() }).await;
    for packed in [false, true] {
        let (body, encoding) = match packed {
            true => (gzip(body.as_bytes()), "gzip"),
            false => (body.clone().into_bytes(), "identity"),
        };
        let headers = [(header::CONTENT_ENCODING, encoding)];
        let answer = server.osquery_with("log", body, &headers).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text());
        assert_eq!(answer.header("retry-after"), "1");
        // Versions that do not look at the status look for this.
        assert!(answer.json().get("error").is_some());
    }
    assert_eq!(server.service.intake().held().0, 0);
    assert_taken(&server.osquery("log", log(&key, &lines[..10])).await);
}

/// A body that never ends, and has begun with more than is small.
fn endless() -> (axum::body::Body, tokio::sync::oneshot::Sender<()>) {
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    struct Endless(Option<axum::body::Bytes>, Option<tokio::sync::oneshot::Receiver<()>>);
    impl axum::body::HttpBody for Endless {
        type Data = axum::body::Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            context: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
            if let Some(first) = self.0.take() {
                return std::task::Poll::Ready(Some(Ok(http_body::Frame::data(first))));
            }
            let Some(ended) = &mut self.1 else { return std::task::Poll::Ready(None) };
            let ended = std::pin::Pin::new(ended).poll(context);
            ended.map(|_| {
                self.1 = None;
                None
            })
        }
    }
    let first = vec![b' '; 2 * 1024 * 1024].into();
    (axum::body::Body::new(Endless(Some(first), Some(ended))), end)
}

#[tokio::test]
async fn strangers_do_not_take_the_room_of_nodes() {
    let server = Server::start(unlimited()).await;
    let secret = server.enroll_secret("all").await;
    let key = server.enroll(&secret, "lnx-1", HARDWARE).await;
    let (body, end) = endless();
    let stranger = server.osquery("log", body);
    let nodes = async {
        while server.service.intake().held().0 == 0 {
            tokio::task::yield_now().await;
        }
        let large = " ".repeat(2 * 1024 * 1024) + &log(&key, &[session("alice", 0)]);
        // Another large body of which nobody knows yet who sends it has to come again.
        let answer = server.osquery("log", large.clone()).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_taken(&server.osquery("log", log(&key, &[session("alice", 0)])).await);
        let shown = format!("NodeKey {key}");
        let headers = [(header::AUTHORIZATION, shown.as_str())];
        assert_taken(&server.osquery_with("log", large.clone(), &headers).await);
        drop(end);
        large
    };
    let (stranger, large) = tokio::join!(stranger, nodes);
    assert_eq!(stranger.status, StatusCode::BAD_REQUEST);
    assert_taken(&server.osquery("log", large).await);
}

#[tokio::test]
async fn garbage_is_refused_and_never_taken_for_a_node() {
    let server = Server::start(unlimited()).await;
    let secret = server.enroll_secret("all").await;
    let key = server.enroll(&secret, "lnx-1", HARDWARE).await;
    let shown = format!("NodeKey {key}");
    let deep =
        format!(r#"{{"node_key":"{key}","log_type":"result","data":{}"#, "[".repeat(100_000));
    for body in ["", "{", "[]", "7", "\"x\"", "\u{0}", r#"{"node_key":7}"#, &deep] {
        for call in ["enroll", "config", "log", "distributed/read", "distributed/write"] {
            let answer = server.osquery(call, body.to_owned()).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{call} {body:.40}");
            assert_eq!(answer.error().0, "InvalidRequestBody");
        }
    }
    for body in ["{}", r#"{"node_key":null}"#, r#"{"node_key":""}"#, r#"{"node_key":"x","data":7}"#]
    {
        for call in ["config", "log", "distributed/read", "distributed/write"] {
            assert_invalid(&server.osquery(call, body).await);
        }
    }
    let known = [(header::AUTHORIZATION, shown.as_str())];
    for (call, body) in [
        ("log", r#"{"data":[{}]}"#),
        ("log", r#"{"log_type":"audit","data":[]}"#),
        ("log", r#"{"log_type":"result","data":{}}"#),
        ("log", r#"{"log_type":"result","data":"x"}"#),
        ("distributed/write", r#"{"queries":[]}"#),
        ("distributed/write", r#"{"queries":7}"#),
    ] {
        let answer = server.osquery_with(call, body, &known).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{call} {body}");
    }
    for (call, body) in [
        ("log", r#"{"log_type":"result"}"#),
        ("log", r#"{"log_type":"result","data":null}"#),
        ("log", r#"{"log_type":"result","data":[null,7,"x",[],{},{"unixTime":1,"columns":7}]}"#),
        ("log", r#"{"log_type":"status","data":[null,{"severity":"2","message":"x"}]}"#),
        ("distributed/write", "{}"),
        (
            "distributed/write",
            r#"{"queries":{"a":"","b":[7],"footfall_last_99999999999999999999":[]}}"#,
        ),
    ] {
        assert_taken(&server.osquery_with(call, body, &known).await);
    }
    for (encoding, body) in [("gzip", &b"no gzip"[..]), ("br", b"{}"), ("gzip", &gzip(b"{}")[..12])]
    {
        let headers = [(header::CONTENT_ENCODING, encoding), (header::AUTHORIZATION, &shown)];
        let answer = server.osquery_with("log", body.to_vec(), &headers).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{encoding}");
    }
    let many = json!({"log_type": "result", "data": vec![0; 50_001]}).to_string();
    let answer = server.osquery_with("log", many, &known).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.error().1.contains("logger_tls_max_lines"));
    let nameless = json!({"enroll_secret": secret, "host_details": {"system_info": []}});
    let answer = server.osquery("enroll", nameless.to_string()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let long = enrollment(&secret, &"x".repeat(10_000), "", "9");
    assert_eq!(server.osquery("enroll", long).await.status, StatusCode::OK);
    assert!(server.nodes().await.iter().all(|node| node.enrollment.host_name.len() <= 255));
}
