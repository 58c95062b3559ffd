//! Lists as CSV and lines of JSON, and lists of many pages.

use std::collections::HashSet;

use axum::http::{Method, StatusCode, header};
use serde_json::Value;

use crate::harness::{Answer, Server, request, time, unlimited};
use crate::inventory::logon;

async fn get(server: &Server, token: &str, path: &str, accept: &str, prefer: &str) -> Answer {
    let asked = request(Method::GET, path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::ACCEPT, accept)
        .header("prefer", prefer);
    server.send(asked).await
}

#[tokio::test]
async fn every_collection_is_csv_and_lines_for_who_asks() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let mut shown = String::new();
    for path in [
        "/api/machines?$select=id,computerDnsName,machineTags,osBuild&$orderby=computerDnsName",
        "/api/machines?$filter=osPlatform+eq+'Windows11'&$expand=logOnUsers($select=id)&$select=vmMetadata",
        "/api/machines/bigPageSize?$select=computerDnsName&$top=2",
        "/api/machines/findbytag?tag=none",
        "/api/machines/unTaggedMachines?$select=computerDnsName&$top=1",
        "/api/domains/corp.example/machines?$select=computerDnsName",
        "/api/machines/findbyip(ip='10.20.30.40',timestamp=2026-11-23T09:30:00Z)?$select=id",
        "/api/machines/ws-014/logonusers",
        "/api/users?$select=id,logOnMachinesCount&$expand=machines($select=id)",
        "/api/users/jdoe/machines?$select=computerDnsName,lastSeen",
        "/api/users/nobody/machines?$select=computerDnsName",
        "/api/deviceGroups?$select=id,deviceGroupName",
        "/api/alerts",
        "/api/users/jdoe/alerts",
        "/api/machines/ws-014/alerts",
    ] {
        for (format, accept, kind) in [
            ("csv", "text/csv", "text/csv; charset=utf-8; header=present"),
            ("ndjson", "application/x-ndjson, */*;q=0.5", "application/x-ndjson"),
        ] {
            let answer = get(&server, &token, path, accept, "").await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
            assert_eq!(answer.header("content-type"), kind, "{path}");
            assert_eq!(answer.header("vary"), "Accept, Accept-Encoding", "{path}");
            let sign = if path.contains('?') { '&' } else { '?' };
            let by_option = format!("{path}{sign}$format={format}");
            assert_eq!(server.get(&by_option, &token).await.body, answer.body, "{by_option}");
            shown += &format!("{path} {format}\n{}\n", answer.text());
        }
        // JSON has the same rows.
        let json = server.get(path, &token).await.json()["value"].as_array().unwrap().clone();
        let lines = get(&server, &token, path, "application/x-ndjson", "").await;
        let lines: Vec<Value> =
            lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines, json, "{path}");
    }
    insta::assert_snapshot!(shown);
    let wrong = server.get("/api/machines?$format=xml", &token).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

/// Machines of the test of many pages.
const MANY: usize = 11_000;

#[tokio::test]
async fn many_machines_come_whole_in_each_form() {
    let server = Server::start(unlimited()).await;
    let token = server.reader().await;
    let at = time("2026-11-20T08:00:00Z");
    let logons = (0..MANY)
        .map(|number| {
            let at = at.plus_seconds(i64::try_from(number % 1_000).unwrap()).unwrap();
            logon(&format!("u{}", number % 7), "CORP", &format!("m{number}"), 2, at)
        })
        .collect();
    server.store.record(server.tenant.number, logons).await.unwrap();

    for (path, names) in [
        ("/api/machines?$format=csv&$select=computerDnsName", MANY),
        ("/api/machines?$format=csv&$select=computerDnsName&$orderby=computerDnsName+desc", MANY),
        ("/api/machines?$format=csv&$select=computerDnsName&$skip=500", MANY - 500),
        (
            "/api/machines?$format=csv&$select=computerDnsName&$filter=endswith(computerDnsName,'7')",
            1_100,
        ),
        ("/api/machines/bigPageSize?$format=csv&$select=computerDnsName", MANY),
        ("/api/machines?$format=csv&$select=computerDnsName&$top=9999", 9_999),
    ] {
        let answer = server.get(path, &token).await;
        let mut lines = answer.text().lines();
        assert_eq!(lines.next(), Some("computerDnsName"));
        let found: Vec<_> = lines.collect();
        let distinct: HashSet<_> = found.iter().collect();
        assert_eq!((found.len(), distinct.len()), (names, names), "{path}");
    }

    // One page of JSON, and pages of it.
    let answer = server.get("/api/machines/bigPageSize?$count=true", &token).await;
    assert_eq!(answer.header("odata-version"), "4.0");
    let body = answer.json();
    let keys: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["@odata.context", "@odata.count", "value"]);
    assert_eq!(body["@odata.count"], MANY);
    assert_eq!(answer.names().len(), MANY);
    for (path, prefer, sizes) in [
        ("/api/machines/bigPageSize?pageSize=10500", "", vec![10_500, 500]),
        ("/api/machines?pageSize=4100", "", vec![4_100, 4_100, 2_800]),
        ("/api/machines?pagesize=99999&$select=computerDnsName", "", vec![10_000, 1_000]),
        ("/api/machines?pageSize=none", "odata.maxpagesize=x", vec![10_000, 1_000]),
        (
            "/api/machines?$filter=true",
            "return=minimal, odata.maxpagesize=9000",
            vec![9_000, 2_000],
        ),
        ("/api/users/u1/machines", "maxpagesize=\"1000\"", vec![1_000, 572]),
    ] {
        let mut found = HashSet::new();
        let mut seen = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let answer = get(&server, &token, &path, "application/json", prefer).await;
            let names = answer.names();
            seen.push(names.len());
            found.extend(names);
            let link = answer.json()["@odata.nextLink"].as_str().map(str::to_owned);
            next = link.map(|link| link.replace("http://footfall.example", ""));
        }
        assert_eq!(seen, sizes, "{path} {prefer}");
        assert_eq!(found.len(), sizes.iter().sum::<usize>(), "{path}");
    }
    // What was remembered with one size of page is not given to who wants another.
    let path = "/api/machines?$select=computerDnsName";
    for (prefer, rows) in [("", 10_000), ("odata.maxpagesize=10", 10), ("", 10_000)] {
        let answer = get(&server, &token, path, "*/*", prefer).await;
        assert_eq!(answer.names().len(), rows, "{prefer}");
    }
    let users = get(&server, &token, "/api/users?pageSize=3", "*/*", "").await.json();
    assert_eq!(users["value"].as_array().unwrap().len(), 3);
    assert!(users["@odata.nextLink"].as_str().unwrap().contains("pageSize=3&$skiptoken="));
    let too_many = server.get("/api/machines/bigPageSize?$top=200001", &token).await;
    assert_eq!(too_many.status, StatusCode::BAD_REQUEST);
}
