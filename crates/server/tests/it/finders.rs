//! Machines found by the address that they had (defender-api.md §4).

use axum::http::{Method, StatusCode, header};
use inventory::access::Permission;
use inventory::logon::MachineRef;
use inventory::machine::{MachineFacts, MachineReport};

use crate::harness::{Server, request, time, unlimited};

async fn server() -> Server {
    let server = Server::start(unlimited()).await;
    let report = |name: &str, at: &str, address: &str| MachineReport {
        machine: MachineRef::named(name),
        time: time(at),
        facts: MachineFacts {
            last_ip_address: Some(address.parse().unwrap()),
            ..MachineFacts::default()
        },
    };
    let reports = vec![
        report("ws1.corp.example", "2026-11-23T09:00:00Z", "10.0.0.1"),
        report("ws2.corp.example", "2026-11-23T09:20:00Z", "10.0.0.1"),
        report("ws3.corp.example", "2026-11-23T09:00:00Z", "fe80::1"),
        report("ws2.corp.example", "2026-11-23T09:40:00Z", "10.0.0.9"),
    ];
    server.store.describe(server.tenant.number, reports).await.unwrap();
    server
}

#[tokio::test]
async fn findbyip_takes_a_quarter_of_an_hour_around_the_moment() {
    let server = server().await;
    let token = server.reader().await;
    for (path, expected) in [
        ("findbyip(ip='10.0.0.1',timestamp=2026-11-23T09:00:00Z)", vec!["ws1.corp.example"]),
        ("findbyip(ip='10.0.0.1',timestamp=2026-11-23T08:45:00Z)", vec!["ws1.corp.example"]),
        ("findbyip(ip='10.0.0.1',timestamp=2026-11-23T08:44:59Z)", vec![]),
        (
            "FindByIp(ip='10.0.0.1',timestamp=2026-11-23T09:10:00Z)",
            vec!["ws2.corp.example", "ws1.corp.example"],
        ),
        ("findbyip(ip='10.0.0.1',timestamp=2026-11-23T09%3A35%3A00Z)", vec!["ws2.corp.example"]),
        ("findbyip(ip='10.0.0.1',timestamp=2026-11-23T10:35:00%2B01:00)", vec!["ws2.corp.example"]),
        (
            "findbyip%28ip=%2710.0.0.1%27,timestamp=2026-11-23T09:35:00Z%29/",
            vec!["ws2.corp.example"],
        ),
        ("findbyip(timestamp=2026-11-23T09:00:00Z,ip='FE80::1')", vec!["ws3.corp.example"]),
        ("findbyip(ip='::ffff:10.0.0.9',timestamp=2026-11-23T09:30:00Z)", vec!["ws2.corp.example"]),
        ("findbyip(ip='10.9.9.9',timestamp=2026-11-23T09:30:00Z)", vec![]),
        (
            "findbyip(ip='10.0.0.1',timestamp=2026-11-23T09:10:00Z)?$filter=startswith(computerDnsName,'WS1')",
            vec!["ws1.corp.example"],
        ),
        (
            "findbyip(ip='10.0.0.1',timestamp=2026-11-23T09:10:00Z)?$orderby=computerDnsName&$top=1",
            vec!["ws1.corp.example"],
        ),
        (
            "find(timestamp=2026-11-23T09:04:00Z,key='10.0.0.1')",
            vec!["ws2.corp.example", "ws1.corp.example"],
        ),
    ] {
        let answer = server.get(&format!("/api/v1.0/machines/{path}"), &token).await;
        assert_eq!(answer.names(), expected, "{path}");
        let context = answer.json()["@odata.context"].as_str().unwrap().to_owned();
        assert!(context.ends_with("/api/$metadata#Machines"), "{context}");
    }
    let none = server
        .get("/api/machines/find(timestamp=2026-11-23T09:00:00Z,key='10.9.9.9')", &token)
        .await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    let expected = "No machine had the address 10.9.9.9 at that time";
    assert_eq!(none.error(), ("ResourceNotFound".to_owned(), expected.to_owned()));
}

#[tokio::test]
async fn what_findbyip_cannot_read_is_refused_by_name() {
    let server = server().await;
    let token = server.reader().await;
    for (arguments, code, message) in [
        (
            "(ip='10.0.0.1',timestamp=2026-10-24T10:00:29Z)",
            "BadRequest",
            "The timestamp must be in the past 30 days.",
        ),
        ("(timestamp=2026-11-23T09:00:00Z)", "MissingRequiredParameter", "Parameter ip is missing"),
        ("(ip='10.0.0.1')", "MissingRequiredParameter", "Parameter timestamp is missing"),
        (
            "(ip='localhost',timestamp=2026-11-23T09:00:00Z)",
            "BadRequest",
            "Parameter ip is no IPv4 or IPv6 address.",
        ),
        (
            "(ip=10,timestamp=2026-11-23T09:00:00Z)",
            "BadRequest",
            "Parameter ip is an address in quotes: ip='10.0.0.1'.",
        ),
        (
            "(ip='10.0.0.1',timestamp='2026-11-23T09:00:00Z')",
            "BadRequest",
            "Parameter timestamp is a moment without quotes: timestamp=2025-06-02T10:00:00Z.",
        ),
        (
            "(ip='10.0.0.1',timestamp=yesterday)",
            "BadRequest",
            "Syntax error at position 25 in '(ip='10.0.0.1',timestamp=yesterday)'. Expected a text in \
             single quotes or a time, found 'yesterday'.",
        ),
    ] {
        let answer = server.get(&format!("/api/machines/findbyip{arguments}"), &token).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{arguments}");
        assert_eq!(answer.error(), (code.to_owned(), message.to_owned()), "{arguments}");
    }
}

#[tokio::test]
async fn findbyip_needs_the_permission_to_read_machines() {
    let server = server().await;
    let token = server.token(&[Permission::UserReadAll]).await;
    let path = "/api/machines/findbyip(ip='10.0.0.1',timestamp=2026-11-23T09:00:00Z)";
    assert_eq!(server.get(path, &token).await.status, StatusCode::FORBIDDEN);
    let request = request(Method::POST, path).header(header::AUTHORIZATION, "Bearer x");
    assert_eq!(server.send(request).await.status, StatusCode::METHOD_NOT_ALLOWED);
}
