//! Events in the common schemas: ECS and OCSF, as their writers write them.

use ingest::Format;
use inventory::logon::Source;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Collected, options, read_bytes, read_bytes_with};

/// A logon over ssh as Elastic's system integration has it: `host.name` is the collector's.
fn ssh(changes: Value) -> Value {
    let mut event = json!({
        "@timestamp": "2026-03-01T09:12:37.863Z",
        "agent": {"id": "a", "name": "collector", "type": "filebeat", "version": "8.15.4"},
        "ecs": {"version": "8.11.0"},
        "event": {
            "action": "ssh_login", "category": ["authentication", "session"], "kind": "event",
            "outcome": "success", "type": ["info"], "module": "system",
        },
        "host": {"hostname": "web-1", "id": "5e6d", "name": "collector"},
        "process": {"name": "sshd", "pid": 26538},
        "source": {"address": "192.0.2.7", "ip": "192.0.2.7", "port": 48274},
        "system": {"auth": {"ssh": {"event": "Accepted", "method": "publickey"}}},
        "user": {"id": "0", "name": "Ann"},
    });
    merge(&mut event, changes);
    event
}

/// Puts members into an object, member by member; `null` takes one out.
fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (key, change) in changes {
                if change.is_null() {
                    into.remove(&key);
                } else {
                    merge(into.entry(key).or_insert(Value::Null), change);
                }
            }
        }
        (into, changes) => *into = changes,
    }
}

/// The same with dots in the keys.
fn dotted(value: &Value) -> Value {
    fn walk(path: &str, value: &Value, into: &mut serde_json::Map<String, Value>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                walk(&path, value, into);
            }),
            value => {
                into.insert(path.to_owned(), value.clone());
            }
        }
    }
    let mut flat = serde_json::Map::new();
    walk("", value, &mut flat);
    Value::Object(flat)
}

fn read(event: &Value) -> Collected {
    let read = read_bytes(event.to_string().as_bytes());
    assert_eq!(read.skipped, [], "{event}");
    read
}

fn logons(events: &[Value]) -> Vec<String> {
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let read = read_bytes(lines.join("\n").as_bytes());
    assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]));
    let logons = read.logons.iter();
    let told = logons.map(|logon| {
        format!("{}@{} {}", logon.account.id(), logon.machine.name, logon.logon_type.number())
    });
    told.collect()
}

#[test]
fn a_logon_over_ssh_is_read_in_either_form_and_whatever_holds_it() {
    let event = ssh(json!({}));
    let expected = &read(&event).logons[0];
    assert_eq!((expected.source, expected.logon_type.number()), (Source::Ecs, 10));
    assert_eq!((expected.account.name.as_str(), &expected.account.sid), ("ann", &None));
    assert_eq!(expected.machine.name, "web-1");
    assert_eq!(expected.time.to_string(), "2026-03-01T09:12:37.863Z");
    assert_eq!(expected.remote_address, "192.0.2.7".parse().ok());
    let flat = dotted(&event);
    let hit = json!({"_index": "filebeat", "_id": "1", "_source": event});
    let answer = json!({"took": 3, "hits": {"total": {"value": 1}, "hits": [hit]}});
    let pretty = serde_json::to_string_pretty(&answer).unwrap();
    for text in
        [flat.to_string(), format!("[{event}]"), hit.to_string(), answer.to_string(), pretty]
    {
        let read = read_bytes(text.as_bytes());
        assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]), "{text}");
        assert_eq!(read.files[0].format, Format::Ecs, "{text}");
        assert_eq!(read.logons, std::slice::from_ref(expected), "{text}");
    }
}

/// The audit log has up to seven records of one logon; Auditbeat's names are go-libaudit's.
#[test]
fn of_the_records_of_one_logon_one_counts() {
    let record = |action: &str, kind: &str| {
        ssh(json!({
            "agent": {"type": "auditbeat", "name": "web-1"},
            "host": {"name": "web-1.example", "hostname": "web-1"},
            "event": {"action": action, "category": ["authentication"], "type": [kind],
                      "module": "auditd"},
            "system": null,
        }))
    };
    let events = [
        record("authenticated", "info"),
        record("was-authorized", "info"),
        record("acquired-credentials", "info"),
        record("changed-login-id-to", "start"),
        record("started-session", "info"),
        record("logged-in", "start"),
        record("logged-out", "end"),
        record("disposed-credentials", "info"),
    ];
    assert_eq!(logons(&events), ["ann@web-1.example 10"]);
}

#[test]
fn failures_noise_and_other_events_put_nobody_anywhere() {
    let events = [
        ssh(json!({"event": {"outcome": "failure"}})),
        ssh(json!({"event": {"outcome": "unknown"}})),
        ssh(json!({"event": {"category": ["session"]}})),
        ssh(json!({"event": {"category": "iam", "type": ["user", "creation"]}})),
        ssh(json!({"user": {"name": "ws-1$"}})),
        ssh(json!({"user": null})),
        json!({"@timestamp": "2026-03-01T00:00:00Z", "event": {"module": "zeek", "category": "network"}}),
    ];
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let read = read_bytes(lines.join("\n").as_bytes());
    let tally = read.tally();
    assert_eq!(read.rejects, []);
    assert_eq!((tally.records, tally.logons, tally.noise, tally.failures), (7, 0, 2, 1));
}

/// The host of a shipper is where nobody logged on.
#[test]
fn sign_ins_to_services_and_gateways_are_no_logons_to_the_collector() {
    let service = |module: &str, host: Value| {
        ssh(json!({
            "event": {"module": module, "action": "user.session.start", "type": ["start"]},
            "host": host, "system": null,
        }))
    };
    let events = [
        service("okta", json!({"name": "collector", "hostname": "collector"})),
        service("azure", Value::Null),
        service("cisco", json!({"name": "asa", "hostname": "asa"})),
        ssh(json!({"event": {"module": "fortinet"}, "observer": {"name": "fw"},
                   "host": {"name": "fw", "hostname": "fw"}})),
    ];
    // What names a host that is not the shipper's tells of that.
    assert_eq!(logons(&events), ["ann@asa 10"]);
    let nameless = ssh(json!({"host": null}));
    let told = read(&nameless);
    assert!(told.rejects[0].reason.contains("--device"), "{:?}", told.rejects);
    let device = ingest::Options { device: Some("web-9".to_owned()), ..options() };
    let read = read_bytes_with(nameless.to_string().as_bytes(), &device);
    assert_eq!(read.logons[0].machine.name, "web-9");
}

#[test]
fn every_writer_has_its_words() {
    let beat = json!({
        "@timestamp": "2026-03-01T08:05:34.853Z", "agent": {"name": "web-2", "type": "auditbeat"},
        "host": {"name": "web-2"}, "source": null, "process": {"pid": 9355},
        "event": {"action": "user_login", "category": ["authentication"], "dataset": "login",
                  "kind": "event", "module": "system", "origin": "/var/log/wtmp",
                  "outcome": "success", "type": ["start"]},
        "user": {"id": 1000, "name": "ben", "terminal": "tty1"},
    });
    let defend = json!({
        "@timestamp": "2026-03-01T08:06:00Z", "agent": {"type": "endpoint", "name": "ws-3"},
        "host": {"name": "ws-3.corp.example", "hostname": "ws-3"},
        "event": {"action": "log_on", "category": ["authentication", "session"],
                  "dataset": "endpoint.events.security", "id": "M9x", "module": "endpoint",
                  "outcome": "success", "type": ["start"]},
        "process": {"Ext": {"session_info": {"logon_type": "Cached Interactive"}}},
        "user": {"name": "Cleo", "domain": "CORP", "id": "S-1-5-21-1-2-3-1105"},
    });
    let own = json!({
        "@timestamp": "2026-03-01T08:07:00Z", "event.category": "authentication",
        "event.type": "start", "event.outcome": "success", "event.kind": "event",
        "user.name": "dora@corp.example", "host.name": "app-4", "source.ip": "::1",
    });
    assert_eq!(
        logons(&[beat, defend.clone(), own]),
        ["ben@web-2 2", "corp\\cleo@ws-3.corp.example 11", "dora@app-4 2"]
    );
    let mut system = defend;
    system["user"] = json!({"name": "SYSTEM", "domain": "NT AUTHORITY", "id": "S-1-5-18"});
    assert_eq!(read(&system).tally().noise, 1);
}

#[test]
fn a_delivery_that_comes_again_is_the_same_event() {
    let key = |event: &Value| read(event).logons[0].key;
    let event = ssh(json!({}));
    let again =
        ssh(json!({"event": {"ingested": "2026-03-01T10:00:00Z"}, "agent": {"version": "9"}}));
    assert_eq!(key(&event), key(&again));
    assert_ne!(key(&event), key(&ssh(json!({"source": {"port": 48275}}))));
    assert_ne!(key(&event), key(&ssh(json!({"event": {"id": "x"}}))));
}

#[test]
fn events_of_windows_stay_with_winlogbeat() {
    let event = json!({
        "@timestamp": "2026-03-01T08:00:00Z", "ecs": {"version": "1.0"},
        "event": {"code": "4624", "category": ["authentication"], "outcome": "success",
                  "type": ["start"], "action": "logged-in", "kind": "event"},
        "host": {"name": "collector"}, "user": {"name": "ann", "domain": "CORP", "id": "S-1-5-21-1-2-3-4"},
        "winlog": {"channel": "Security", "computer_name": "ws-1", "event_id": 4624,
                   "record_id": 7, "logon": {"type": "Interactive"},
                   "event_data": {"TargetLogonId": "0x123"}},
    });
    for event in [event.clone(), dotted(&event)] {
        let read = read(&event);
        assert_eq!(read.files[0].format, Format::Winlogbeat);
        assert_eq!(read.files.len(), 1);
        assert_eq!(read.logons[0].machine.name, "ws-1");
        assert_eq!(read.logons.len(), 1);
    }
}

/// A logon in OCSF 1.x; `changes` as of [`ssh`].
fn ocsf(changes: Value) -> Value {
    let mut event = json!({
        "activity_id": 1, "activity_name": "Logon", "category_uid": 3, "class_uid": 3002,
        "class_name": "Authentication", "severity_id": 1, "status_id": 1, "type_uid": 300_201,
        "time": 1_772_352_757_863_i64, "is_remote": true, "logon_type_id": 10,
        "metadata": {"version": "1.3.0", "product": {"name": "x", "vendor_name": "y"}},
        "user": {"name": "Ann", "domain": "CORP", "uid": "S-1-5-21-1-2-3-1104", "type_id": 1},
        "src_endpoint": {"ip": "192.0.2.7", "hostname": "laptop", "port": 5},
        "dst_endpoint": {"hostname": "ws-1.corp.example", "ip": "10.0.0.5"},
        "device": {"hostname": "collector", "type_id": 1},
        "session": {"uid": "0x77"},
    });
    merge(&mut event, changes);
    event
}

#[test]
fn a_logon_in_ocsf_is_read() {
    let read = read(&ocsf(json!({})));
    let logon = &read.logons[0];
    assert_eq!((logon.source, read.files[0].format), (Source::Ocsf, Format::Ocsf));
    assert_eq!(logon.account.id(), "corp\\ann");
    assert_eq!(logon.account.sid.as_deref(), Some("S-1-5-21-1-2-3-1104"));
    assert_eq!(logon.machine.name, "ws-1.corp.example");
    assert_eq!(logon.time.to_string(), "2026-03-01T08:12:37.863Z");
    assert_eq!(logon.remote_address, "192.0.2.7".parse().ok());
    assert_eq!(logon.remote_name.as_deref(), Some("laptop"));
}

#[test]
fn the_endpoint_the_way_and_the_time_come_in_several_forms() {
    let id = "3f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90";
    let events = [
        ocsf(json!({"dst_endpoint": null})),
        ocsf(json!({"dst_endpoint": {"hostname": null, "name": null}, "logon_type_id": 0})),
        ocsf(json!({"logon_type_id": 99, "logon_type": "Remote Interactive"})),
        ocsf(json!({"logon_type_id": null, "is_remote": false})),
        ocsf(json!({"logon_type_id": null, "is_remote": null})),
        ocsf(json!({"dst_endpoint": {"hostname": null, "ip": null, "uid": id}})),
    ];
    assert_eq!(
        logons(&events),
        [
            "corp\\ann@collector 10".to_owned(),
            "corp\\ann@10.0.0.5 10".to_owned(),
            "corp\\ann@ws-1.corp.example 10".to_owned(),
            "corp\\ann@ws-1.corp.example 2".to_owned(),
            "corp\\ann@ws-1.corp.example 1".to_owned(),
            format!("corp\\ann@{id} 10"),
        ]
    );
    let text = ocsf(json!({"time": null, "time_dt": "2026-03-01T08:12:37.863Z"}));
    assert_eq!(read(&text).logons[0].time, read(&ocsf(json!({}))).logons[0].time);
}

#[test]
fn other_classes_activities_and_services_are_no_logons() {
    let events = [
        ocsf(json!({"class_uid": 3001})),
        ocsf(json!({"activity_id": 2})),
        ocsf(json!({"status_id": 2})),
        ocsf(json!({"status_id": 99})),
        ocsf(json!({"user": {"type_id": 3}})),
        ocsf(json!({"dst_endpoint": null, "device": null, "service": {"name": "portal"}})),
        json!({"class_uid": 1007, "metadata": {"version": "1.1.0"}, "device": {"hostname": "x3002"}}),
    ];
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let read = read_bytes(lines.join("\n").as_bytes());
    let tally = read.tally();
    assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]));
    assert_eq!((tally.records, tally.logons, tally.noise, tally.failures), (7, 0, 1, 1));
    let nameless = ocsf(json!({"dst_endpoint": null, "device": null}));
    assert!(read_bytes(nameless.to_string().as_bytes()).rejects[0].reason.contains("--device"));
    let late = ocsf(json!({"time": i64::MAX}));
    assert!(read_bytes(late.to_string().as_bytes()).rejects[0].reason.starts_with("time"));
}

#[test]
fn json_of_nobody_is_not_taken_for_a_schema() {
    for text in [
        r#"{"@timestamp":"2026-03-01T00:00:00Z","message":"authentication","event":"x"}"#,
        r#"{"event":{"category":"authentication"},"user":{"name":"ann"}}"#,
        r#"{"class_uid":3002}"#,
        r#"{"uid":3002,"metadata":{}}"#,
    ] {
        let read = read_bytes(text.as_bytes());
        assert!(read.files.is_empty(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_value_panics(
        path in prop::sample::select(vec!["@timestamp", "event", "host", "user", "source", "agent", "process"]),
        other in prop::sample::select(vec!["time", "user", "dst_endpoint", "logon_type_id", "metadata", "status_id"]),
        text in "\\PC{0,30}",
    ) {
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        for mut event in [ssh(json!({})), ocsf(json!({}))] {
            event[path] = value.clone();
            event[other] = value.clone();
            read_bytes(event.to_string().as_bytes());
            read_bytes(dotted(&event).to_string().as_bytes());
        }
    }
}
