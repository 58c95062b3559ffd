//! What comes over UDP faster than it can be written is counted: nothing is lost in silence.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use intake::listen::{Clock, Kind, Listener, Listeners, Listening, Protocol, Senders};
use intake::{Intake, Settings};
use inventory::time::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

fn now() -> Timestamp {
    Timestamp::from_seconds(1_772_359_200, 0).unwrap()
}

/// What a counter adds up to, over all senders.
fn sum(intake: &Intake, counter: &str) -> u64 {
    let mut registry = Registry::default();
    intake.stats().register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    let name = format!("footfall_intake_{counter}_total{{");
    let lines = text.lines().filter(|line| line.starts_with(&name));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_datagram_of_a_flood_is_kept_or_counted() {
    const COUNT: u64 = 60_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("footfall.sqlite");
    let store = store::open(&format!("sqlite:{}", path.display())).unwrap();
    let tenant = store.default_tenant().await.unwrap().number;
    let intake = Intake::start(store, Settings::default());
    let listener = Listener::bind(Listening {
        kind: Kind::Syslog,
        protocol: Protocol::Udp,
        address: "127.0.0.1:0".parse().unwrap(),
        senders: Senders::Local,
        tenant,
        timezone: None,
        device: None,
        max_connections: 1,
        idle_timeout: None,
    })
    .unwrap();
    let address = listener.name().split_once("udp://").unwrap().1.to_owned();
    let clock: Clock = Arc::new(now);
    let listeners = Listeners::start(vec![listener], &intake, &clock).unwrap();

    // Somebody else writes for a while.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let sending = tokio::task::spawn_blocking(move || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for n in 0..COUNT {
            let message = format!(
                "<86>1 2026-03-01T09:{:02}:{:02}Z web-1 sshd {n} - - Accepted publickey for ann from \
                 192.0.2.7 port 5022 ssh2",
                n / 60 % 60,
                n % 60
            );
            socket.send_to(message.as_bytes(), &address).unwrap();
        }
    });
    sending.await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    other.execute_batch("ROLLBACK").unwrap();

    listeners.stop().await;
    let (received, dropped) = (sum(&intake, "received"), sum(&intake, "dropped"));
    assert_eq!(received + dropped, COUNT, "{received} received, {dropped} dropped");
    assert!(dropped > 0, "the flood found room for all");
    let kept: i64 = other.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap();
    assert_eq!(kept.cast_unsigned(), received);
}
