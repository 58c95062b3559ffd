//! `footfall audit` and `footfall limits`, beside a running server.

use std::collections::BTreeSet;

use super::*;

/// A server's database after a few requests: two good ones, a refused one, and what the first
/// needed. The token is given back too.
fn asked() -> (Program, Server, String) {
    let program = Program::new();
    let file = program.folder.path().join("small.json");
    std::fs::write(&file, nxlog_lines(3, 7)).unwrap();
    program.import(&[&file]);
    let server = program.serve(&[]);
    let token = program.token(&["Machine.Read.All"]);
    assert_eq!(server.get("/api/users/user7/machines", &token).0, 200);
    assert_eq!(server.get("/api/machines?$top=2", &token).0, 200);
    assert_eq!(server.get("/api/machines/ws7/logonusers", &token).0, 403);
    let sign_in = format!("{}/common/oauth2/token", server.origin);
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    agent.post(sign_in).send("grant_type=client_credentials").unwrap();
    // Calls are written within a moment.
    for _ in 0..100 {
        if entries(&program, &["--all-tenants"]).len() >= 4 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    (program, server, token)
}

fn entries(program: &Program, filters: &[&str]) -> Vec<Value> {
    let lines = program.run(&[&["audit", "--json"], filters].concat());
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn entries_can_be_chosen() {
    let (program, _server, token) = asked();
    let all = entries(&program, &["--all-tenants", "--since", "1h"]);
    let operations = |entries: &[Value]| {
        let operation = |entry: &Value| entry["operation"].as_str().unwrap().to_owned();
        entries.iter().map(operation).collect::<Vec<_>>()
    };
    assert_eq!(operations(&all[..1]), ["app.add"]);
    let all = &all[1..];
    let expected = [
        "GET /api/users/{id}/machines",
        "GET /api/machines",
        "GET /api/machines/{id}/logonusers",
        "POST /{tenant}/oauth2/token",
    ];
    assert_eq!(operations(all), expected);
    assert_eq!(all[1]["rows"], 2);
    assert_eq!(all[1]["detail"], "/api/machines?$top=2");
    assert_eq!(all[1]["address"], "127.0.0.1");
    assert_eq!(all[2]["status"], 403);
    let calls = entries(&program, &["--kind", "call"]);
    assert_eq!(operations(&calls), expected[..3]);
    assert_eq!(operations(&entries(&program, &["--kind", "call", "--last", "2"])), expected[1..3]);
    let app = all[0]["appId"].as_str().unwrap();
    assert_eq!(entries(&program, &["--app", app]).len(), 3);
    assert!(entries(&program, &["--until", "1h"]).is_empty());
    assert!(entries(&program, &["--person", "jdoe"]).is_empty());
    assert!(entries(&program, &["--kind", "admin", "--until", "2020-01-01"]).is_empty());
    let everything = program.run(&["audit", "--all-tenants", "--json"]);
    assert!(!everything.contains(&token));

    let table = program.run(&["audit", "--all-tenants"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("TIME"), "{table}");
    assert_eq!(lines.len(), 6, "{table}");
    assert!(lines[2].contains("test") && lines[2].contains(" 200 "), "{table}");
    let csv = program.run(&["audit", "--all-tenants", "--csv"]);
    assert_eq!(csv.lines().count(), 6);
    assert!(csv.starts_with("time,kind,tenant_id,correlation_id,app_id,person,address,"), "{csv}");

    let wrong = program.command().args(["audit", "--since", "soon"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("2026-01-31"));
}

#[test]
fn events_have_what_their_classes_require() {
    let (program, _server, _) = asked();
    let lines = program.run(&["audit", "--all-tenants", "--ocsf"]);
    let events: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut classes = BTreeSet::new();
    for event in &events {
        let number = |name: &str| event[name].as_i64().unwrap_or_else(|| panic!("{name}: {event}"));
        assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
        assert_eq!(number("severity_id"), 1);
        assert!(number("time") > 1_700_000_000_000, "milliseconds: {event}");
        assert_eq!(event["metadata"]["version"], "1.6.0");
        assert!(event["metadata"]["product"]["name"].is_string(), "{event}");
        assert!(event["metadata"]["uid"].is_string(), "{event}");
        let source = &event["src_endpoint"];
        assert!(source["ip"].is_string() || source["name"].is_string(), "{event}");
        let required: &[&str] = match (number("class_uid"), number("category_uid")) {
            (6003, 6) => &["actor", "api", "http_request", "http_response"],
            (3002, 3) => &["user", "service"],
            (3004, 3) => &["actor", "entity"],
            class => panic!("{class:?}"),
        };
        assert!(required.iter().all(|name| event[name].is_object()), "{event}");
        classes.insert(number("class_uid"));
        let failed = event["status_code"].as_str().unwrap() >= "400";
        assert_eq!(number("status_id"), if failed { 2 } else { 1 });
    }
    assert_eq!(classes.len(), 3);
    assert_eq!(events[2]["http_request"]["url"]["query_string"], "$top=2");
    assert_eq!(events[2]["activity_id"], 2);
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (program, _server, _) = asked();
    // Enough that some of it cannot be written before the reader is gone.
    let path = format!("{}-audit", program.database().display());
    let file = rusqlite::Connection::open(path).unwrap();
    file.execute_batch(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO entry (time, place, tenant, deed, correlation, app, person, address, operation,
             detail, status, rows, latency_us)
         SELECT e.time - i, 0, e.tenant, e.deed, e.correlation, e.app, e.person, e.address,
             e.operation, e.detail, e.status, e.rows, e.latency_us
         FROM n, (SELECT * FROM entry ORDER BY time LIMIT 1) AS e",
    )
    .unwrap();
    for form in ["--json", "--csv", "--ocsf"] {
        let mut child = program
            .command()
            .args(["audit", form])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{form}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{form}");
    }
}

#[test]
fn the_limits_of_a_running_server() {
    for tls in [&["--tls", "off"][..], &["--tls", "self-signed"]] {
        let program = Program::new();
        let token = program.token(&["Machine.Read.All"]);
        let server = program.serve(tls);
        if tls[1] == "off" {
            server.get("/api/machines", &token);
        }
        let limits = program.json(&["limits", "--json", "--server", &server.origin]);
        assert_eq!(limits["connections"]["most"], 4096, "{limits}");
        let calls = limits["calls"].as_array().unwrap();
        if tls[1] == "off" {
            let of = |api: &str| calls.iter().find(|calls| calls["api"] == api).unwrap();
            assert_eq!(of("get-machines")["lastMinute"], 1);
        }
        let shown = program.run(&["limits", "--server", &server.origin]);
        assert!(shown.starts_with("Requests in flight:  1 of 1024\n"), "{shown}");
        // Another installation's token and certificate are worth nothing here.
        let other = Program::new();
        other.token(&["Machine.Read.All"]);
        let output = other.command().args(["limits", "--server", &server.origin]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
    }
    let program = Program::new();
    program.token(&["Machine.Read.All"]);
    let output =
        program.command().args(["limits", "--server", "http://192.0.2.1"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("in clear"));
}
