//! Callers who would wear the server out, over real sockets: it cuts them off and answers others.

use std::time::{Duration, Instant};

use server::config::{Bounds, Config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::unlimited;
use crate::tls::{Running, exchange, start};

/// How long a client may take in these tests.
const SHORT: Duration = Duration::from_millis(400);
/// By when it must have been cut off, on a machine that has other things to do.
const SOON: Duration = Duration::from_secs(10);

fn hasty(change: impl FnOnce(&mut Bounds)) -> Config {
    let mut bounds = Bounds {
        header_timeout: SHORT,
        body_timeout: SHORT,
        write_timeout: SHORT,
        ..Bounds::default()
    };
    change(&mut bounds);
    Config { bounds, ..unlimited() }
}

async fn connect(server: &Running) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

async fn health(server: &Running) -> String {
    let mut stream = connect(server).await;
    exchange(&mut stream, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.0
}

/// What the server still sends before it ends the connection, which must be soon.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut bytes)).await;
    // A reset ends it too.
    let _ = read.expect("the connection ends");
    String::from_utf8_lossy(&bytes).to_lowercase()
}

#[tokio::test]
async fn headers_that_drip_in_are_not_waited_for() {
    let server = start(hasty(|_| {})).await;
    let mut slow = connect(&server).await;
    let started = Instant::now();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let (mut reading, mut writing) = slow.into_split();
    let dripping = tokio::spawn(async move {
        while writing.write_all(b"X: y\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(health(&server).await.starts_with("http/1.1 200"));
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(SOON, reading.read_to_end(&mut bytes)).await.expect("it ends");
    assert!(started.elapsed() >= SHORT, "{:?}", started.elapsed());
    dripping.await.unwrap();
    // And one that says nothing at all.
    assert_eq!(rest(&mut connect(&server).await).await, "");
}

#[tokio::test]
async fn a_body_that_drips_in_is_not_waited_for() {
    let server = start(hasty(|_| {})).await;
    let mut slow = connect(&server).await;
    let start = "POST /common/oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\na";
    slow.write_all(start.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = slow.into_split();
    let dripping = tokio::spawn(async move {
        while writing.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(SOON, reading.read_to_end(&mut bytes)).await.expect("it ends");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
    dripping.abort();
    assert!(health(&server).await.starts_with("http/1.1 200"));
}

/// Clients such as Python's `requests` send headers and body one after the other; over TLS they fail
/// when the connection ends in between, and never see why they were refused.
#[tokio::test]
async fn who_is_refused_may_finish_sending_and_go_on() {
    let server = start(unlimited()).await;
    for path in ["/api/machines/x/tags", "/no/such/path"] {
        let mut stream = connect(&server).await;
        let start = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n");
        stream.write_all(start.as_bytes()).await.unwrap();
        tokio::time::sleep(SHORT).await;
        let refused = exchange(&mut stream, "{  }").await.0;
        assert!(refused.starts_with("http/1.1 40"), "{path}: {refused}");
        assert!(!refused.contains("connection: close"), "{path}: {refused}");
        let next = exchange(&mut stream, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.0;
        assert!(next.starts_with("http/1.1 200"), "{path}: {next}");
    }
    // But not for long.
    let mut stream = connect(&server).await;
    let start = "POST /api/machines/x/tags HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{";
    stream.write_all(start.as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("http/1.1 401"));
}

#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let server = start(hasty(|bounds| bounds.header_timeout = SOON)).await;
    let mut deaf = connect(&server).await;
    let many = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
    // Answers fill what the systems buffer; then the server takes no more requests, and then it
    // has waited for long enough.
    let flood = async {
        loop {
            if let Err(error) = deaf.write_all(many.as_bytes()).await {
                return error;
            }
        }
    };
    let ended = tokio::time::timeout(6 * SOON, flood).await.expect("the connection ends");
    let kinds = [std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::BrokenPipe];
    assert!(kinds.contains(&ended.kind()), "{ended}");
    assert!(health(&server).await.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn a_flood_of_connections_delays_others_until_it_is_cut_off() {
    let server = start(hasty(|bounds| bounds.max_connections = 16)).await;
    let mut idle = Vec::new();
    for _ in 0..15 {
        idle.push(connect(&server).await);
    }
    let started = Instant::now();
    assert!(health(&server).await.starts_with("http/1.1 200"));
    assert!(started.elapsed() < SHORT, "one place was free: {:?}", started.elapsed());
    for _ in 0..100 {
        idle.push(connect(&server).await);
    }
    let answered = tokio::time::timeout(SOON, health(&server)).await.expect("it is answered");
    assert!(answered.starts_with("http/1.1 200"));
    drop(idle);
}

#[tokio::test]
async fn a_server_without_a_free_place_ends_all_the_same() {
    let server = start(hasty(|bounds| {
        bounds.max_connections = 2;
        bounds.header_timeout = 6 * SOON;
    }))
    .await;
    let mut idle = Vec::new();
    for _ in 0..5 {
        idle.push(connect(&server).await);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.send(()).unwrap();
    tokio::time::timeout(2 * SOON, server.done).await.expect("it ends").unwrap().unwrap();
}

#[tokio::test]
async fn too_many_requests_at_once_are_told_to_come_again() {
    let server = start(hasty(|bounds| {
        bounds.max_requests = 1;
        bounds.body_timeout = SOON;
    }))
    .await;
    let mut slow = connect(&server).await;
    let half = "POST /common/oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na";
    slow.write_all(half.as_bytes()).await.unwrap();
    let mut other = connect(&server).await;
    let ask = "GET /api/machines HTTP/1.1\r\nHost: x\r\n\r\n";
    // Until the first one is being read.
    let (head, body) = loop {
        let (head, body) = exchange(&mut other, ask).await;
        if !head.starts_with("http/1.1 401") {
            break (head, body);
        }
    };
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert!(head.contains("retry-after: 1\r\n"), "{head}");
    assert!(body.contains("\"code\":\"ServiceUnavailable\""), "{body}");
    assert!(health(&server).await.starts_with("http/1.1 200"));
    let (head, _) = exchange(&mut slow, "=b").await;
    assert!(head.starts_with("http/1.1 400"), "{head}");
    let (head, _) = exchange(&mut other, ask).await;
    assert!(head.starts_with("http/1.1 401"), "{head}");
}

#[tokio::test]
async fn headers_are_bounded() {
    let server = start(unlimited()).await;
    for (bytes, status) in [(100_000, "http/1.1 401"), (200_000, "http/1.1 431")] {
        let mut stream = connect(&server).await;
        let token = "x".repeat(bytes);
        let ask = format!(
            "GET /api/machines HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        // The server may have ended the connection before all was sent.
        let _ = stream.write_all(ask.as_bytes()).await;
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with(status), "{bytes}: {answer}");
    }
}
