//! The shapes of JSON: one made logon in each variant that its products write, and their traps.

use ingest::Format;
use inventory::logon::Source;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Collected, read_bytes};

fn read(records: &[Value]) -> Collected {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    read_bytes(lines.join("\n").as_bytes())
}

/// Reads a record that must be Ann's logon to WS-1, with all its values.
fn is_ann(record: &Value, source: Source) {
    let read = read(std::slice::from_ref(record));
    assert_eq!((read.rejects, read.skipped), (vec![], vec![]), "{record}");
    let [logon] = read.logons.as_slice() else { panic!("{record}") };
    assert_eq!(logon.account.name, "ann", "{record}");
    assert_eq!(logon.account.domain, "corp", "{record}");
    assert_eq!(logon.account.sid.as_deref(), Some("S-1-5-21-1-2-3-1104"), "{record}");
    assert_eq!(logon.machine.name, "WS-1.corp.example", "{record}");
    assert_eq!(logon.time.whole_second().to_string(), "2026-03-01T08:00:00Z", "{record}");
    assert_eq!(logon.logon_type.number(), 10, "{record}");
    assert_eq!(logon.remote_address, "192.0.2.7".parse().ok(), "{record}");
    assert_eq!(logon.remote_name.as_deref(), Some("LAPTOP-7"), "{record}");
    assert_eq!(logon.key.session, 0xa1b2c, "{record}");
    assert_eq!(logon.source, source, "{record}");
    if source == Source::Sentinel {
        assert_eq!(logon.key.record, None, "{record}");
    } else {
        assert_eq!(logon.key.record, Some(77), "{record}");
    }
}

/// The EventData of Ann's logon.
fn event_data() -> Value {
    json!({
        "SubjectUserSid": "S-1-5-18", "SubjectUserName": "WS-1$", "SubjectLogonId": "0x3e7",
        "TargetUserSid": "S-1-5-21-1-2-3-1104", "TargetUserName": "Ann",
        "TargetDomainName": "CORP", "TargetLogonId": "0xa1b2c", "LogonType": "10",
        "WorkstationName": "LAPTOP-7", "IpAddress": "192.0.2.7", "IpPort": "0",
    })
}

/// With `changes` put over it, objects into objects; a null takes a key away.
fn with(mut value: Value, changes: Value) -> Value {
    fn put(target: &mut Value, changes: Value) {
        match (target.as_object_mut(), changes) {
            (Some(target), Value::Object(changes)) => {
                for (key, change) in changes {
                    match change {
                        Value::Null => drop(target.remove(&key)),
                        change => put(target.entry(key).or_insert(json!({})), change),
                    }
                }
            }
            (_, changes) => *target = changes,
        }
    }
    put(&mut value, changes);
    value
}

fn winlogbeat() -> Value {
    json!({
        "@timestamp": "2026-03-01T08:00:00.123Z",
        "event": {"code": "4624", "action": "Logon", "created": "2026-03-01T09:00:00Z"},
        "host": {"name": "WEC01", "hostname": "WEC01"},
        "agent": {"type": "winlogbeat", "name": "WEC01", "hostname": "WEC01"},
        "winlog": {
            "channel": "Security", "computer_name": "WS-1.corp.example", "event_id": "4624",
            "record_id": 77, "event_data": event_data(),
        },
    })
}

/// With the Security pipeline, whose values are no longer in the EventData.
fn winlogbeat_ecs() -> Value {
    let changes = json!({
        "winlog": {
            "logon": {"id": "0x3e7", "type": "RemoteInteractive"},
            "event_data": {
                "TargetUserSid": null, "TargetUserName": null, "TargetDomainName": null,
                "LogonType": null, "WorkstationName": null, "IpAddress": null,
            },
        },
        "user": {"id": "S-1-5-21-1-2-3-1104", "name": "Ann", "domain": "CORP"},
        "source": {"ip": "192.0.2.7", "port": 0, "domain": "LAPTOP-7"},
    });
    with(winlogbeat(), changes)
}

/// Every object's members at the top, with dots in their keys.
fn dotted(value: &Value) -> Value {
    fn add(path: &str, value: &Value, flat: &mut serde_json::Map<String, Value>) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    let dot = if path.is_empty() { "" } else { "." };
                    add(&format!("{path}{dot}{key}"), value, flat);
                }
            }
            value => drop(flat.insert(path.to_owned(), value.clone())),
        }
    }
    let mut flat = serde_json::Map::new();
    add("", value, &mut flat);
    Value::Object(flat)
}

fn fluent_bit() -> Value {
    json!({
        "ProviderName": "Microsoft-Windows-Security-Auditing", "EventID": 4624, "Version": 2,
        "TimeCreated": "2026-03-01 10:00:00 +0200", "EventRecordID": 77, "Channel": "Security",
        "Computer": "WS-1.corp.example", "UserID": "", "Message": "a", "StringInserts": inserts(2),
    })
}

fn vector() -> Value {
    json!({
        "source_type": "windows_event_log", "timestamp": "2026-03-01T08:00:00.123Z",
        "host": "WEC01", "channel": "Security", "computer": "WS-1.corp.example",
        "event_id": 4624, "record_id": 77, "version": 2, "event_data": event_data(),
        "string_inserts": inserts(2),
    })
}

fn openwec() -> Value {
    json!({
        "System": {
            "Provider": {"Name": "Microsoft-Windows-Security-Auditing"}, "EventID": 4624,
            "TimeCreated": "2026-03-01T08:00:00.123Z", "EventRecordID": 77,
            "Channel": "Security", "Computer": "WS-1.corp.example",
        },
        "EventData": event_data(),
        "OpenWEC": sender(),
    })
}

fn sender() -> Value {
    json!({"IpAddress": "198.51.100.1", "Principal": "WEC01$@CORP", "TimeReceived": "2026-03-01T09:00:00Z"})
}

fn splunk_hec() -> Value {
    json!({
        "time": "1772356000.123", "host": "WEC01", "source": "XmlWinEventLog:Security",
        "sourcetype": "XmlWinEventLog", "event": xml(),
    })
}

fn sentinel() -> Value {
    let columns = json!({
        "TenantId": "0", "SourceSystem": "OpsManager", "TimeGenerated": "2026-03-01T08:00:00.12Z",
        "TimeCollected": "2026-03-01T08:05:00Z", "Computer": "WS-1.corp.example",
        "EventID": 4624, "Channel": "Security", "Type": "SecurityEvent", "LogonType": 10,
        "Account": "CORP\\Ann", "EventSourceName": "Microsoft-Windows-Security-Auditing",
        "SourceComputerId": "1", "EventOriginId": "2", "MG": "3",
    });
    with(event_data(), columns)
}

/// The values of Ann's logon in the order of a version of event 4624.
fn inserts(version: u8) -> Value {
    let mut values = json!([
        "S-1-5-18",
        "WS-1$",
        "CORP",
        "0x3e7",
        "S-1-5-21-1-2-3-1104",
        "Ann",
        "CORP",
        "0xa1b2c",
        10,
        "User32 ",
        "Negotiate",
        "LAPTOP-7",
        "{00000000-0000-0000-0000-000000000000}",
        "-",
        "-",
        0,
        "0x5c8",
        "C:\\Windows\\System32\\svchost.exe",
        "192.0.2.7",
        "0",
        "%%1833",
        "-",
        "eve",
        "EVIL",
        "%%1843",
        "0xbad",
        "%%1842",
    ]);
    let list = values.as_array_mut().unwrap();
    match version {
        0 => list.truncate(20),
        1 => list.truncate(21),
        2 => {}
        _ => list.insert(22, json!("-")),
    }
    values
}

/// Ann's logon in XML.
fn xml() -> String {
    let data = event_data();
    let data: String = data
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| format!("<Data Name='{name}'>{}</Data>", value.as_str().unwrap()))
        .collect();
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
         <EventID>4624</EventID><TimeCreated SystemTime='2026-03-01T08:00:00.123Z'/>\
         <EventRecordID>77</EventRecordID><Channel>Security</Channel>\
         <Computer>WS-1.corp.example</Computer></System><EventData>{data}</EventData></Event>"
    )
}

#[test]
fn fluent_bits_values_are_a_list_a_map_or_xml() {
    for version in 0..=3 {
        let list = json!({"Version": version, "StringInserts": inserts(version)});
        is_ann(&with(fluent_bit(), list), Source::FluentBit);
    }
    let map = json!({"StringInserts": null, "EventData": event_data()});
    is_ann(&with(fluent_bit(), map), Source::FluentBit);
    // What outputs add; and both ways of having the values.
    is_ann(&with(fluent_bit(), json!({"Hostname": "WEC01"})), Source::FluentBit);
    let more = json!({"date": 1772352000.5, "@timestamp": "2026-03-01T12:00:00Z", "EventData": event_data()});
    is_ann(&with(fluent_bit(), more), Source::FluentBit);
    is_ann(
        &json!({"System": xml(), "Message": "a", "StringInserts": inserts(2)}),
        Source::FluentBit,
    );
    let read = read(&[json!({"System": "<Event><System>4624", "Message": "a"}), fluent_bit()]);
    assert_eq!(read.logons.len(), 1);
    assert_eq!(read.rejects[0].reason, "the event in it is not an <Event>");
}

#[test]
fn vectors_values_are_a_map_and_a_list() {
    for changes in [json!({}), json!({"string_inserts": null}), json!({"event_data": null})] {
        is_ann(&with(vector(), changes), Source::Vector);
    }
}

#[test]
fn openwecs_events_are_objects_or_xml() {
    is_ann(&openwec(), Source::OpenWec);
    is_ann(&json!({"meta": sender(), "data": xml()}), Source::OpenWec);
    let other = json!({"meta": sender(), "data": xml().replace("4624", "4625")});
    assert_eq!(read(&[other]).tally().failures, 1);
}

#[test]
fn splunks_events_are_xml_in_text() {
    is_ann(&splunk_hec(), Source::Splunk);
    let row = json!({"_raw": xml(), "_time": "2026-03-01T09:00:00.000+01:00", "host": "WEC01"});
    is_ann(&row, Source::Splunk);
    is_ann(&json!({"preview": false, "offset": 0, "result": row}), Source::Splunk);
    // The collector takes events one behind the other.
    let other = with(splunk_hec(), json!({"event": xml().replace("4624", "4625")}));
    let batch = format!("{}{} {other}{{\"event\":\"4624\"}}", splunk_hec(), splunk_hec());
    let tally = read_bytes(batch.as_bytes()).tally();
    assert_eq!((tally.records, tally.logons, tally.failures, tally.rejects), (3, 2, 1, 1));
    let cut = format!("{}\n{}{{\"event\":\"}}", splunk_hec(), splunk_hec());
    let read = read_bytes(cut.as_bytes());
    assert_eq!((read.logons.len(), read.tally().rejects), (2, 1));
    assert!(read.rejects[0].reason.starts_with("not valid JSON: "), "{:?}", read.rejects);
}

#[test]
fn sentinels_rows_may_lack_columns() {
    is_ann(&sentinel(), Source::Sentinel);
    let selected =
        json!({"Channel": null, "Type": null, "TenantId": null, "EventSourceName": null});
    is_ann(&with(sentinel(), selected), Source::Sentinel);
    let account = json!({
        "TargetUserName": null, "TargetDomainName": null, "TargetAccount": "CORP\\Ann",
        "LogonType": "10", "EventID": "4624", "Type": null,
    });
    is_ann(&with(sentinel(), account), Source::Sentinel);
    let elsewhere = with(sentinel(), json!({"Channel": "Application"}));
    let other = with(sentinel(), json!({"EventID": 4688, "Channel": null}));
    let tally = read(&[elsewhere, other, with(sentinel(), json!({"EventID": 4625}))]).tally();
    assert_eq!((tally.records, tally.logons, tally.failures), (3, 0, 1));
}

#[test]
fn sentinels_other_table_has_the_values_in_an_object() {
    let event = json!({
        "TimeGenerated": "2026-03-01T08:00:00Z", "TimeCreated": "2026-03-01T08:00:00Z",
        "Computer": "WS-1.corp.example", "EventID": 4624, "Channel": "Security",
        "Type": "WindowsEvent", "EventRecordId": "77", "EventData": event_data(),
    });
    // Some clients give the object as text.
    let text = with(event.clone(), json!({"EventData": event_data().to_string()}));
    let read = read(&[event.clone(), text, with(event, json!({"EventData": "{broken"}))]);
    assert_eq!(read.users(), ["ann", "ann"]);
    assert_eq!(read.logons[0], read.logons[1]);
    assert_eq!(read.logons[0].key.record, Some(77));
    assert_eq!(read.logons[0].source, Source::Sentinel);
    assert_eq!(read.rejects[0].reason, "LogonType is missing");
}

#[test]
fn an_array_is_read_element_by_element() {
    for record in [sentinel(), winlogbeat(), splunk_hec()] {
        let lines = read(&[record.clone(), record.clone()]);
        let array = json!([record, record]);
        for text in [
            array.to_string(),
            serde_json::to_string_pretty(&array).unwrap(),
            format!("\u{feff}\r\n{array}\n"),
            format!("[{record}]\n[{record}]\n"),
        ] {
            let read = read_bytes(text.as_bytes());
            assert_eq!((read.rejects, read.skipped), (vec![], vec![]), "{text}");
            assert_eq!((read.logons, read.files), (lines.logons.clone(), lines.files.clone()));
        }
    }
    let broken = with(sentinel(), json!({"LogonType": 99}));
    let whole =
        serde_json::to_string_pretty(&json!([sentinel(), broken, 4624, sentinel()])).unwrap();
    let read = read_bytes(&whole.as_bytes()[..whole.len() - 9]);
    let told: Vec<_> = read.rejects.iter().map(|reject| reject.position.to_string()).collect();
    assert_eq!(told, ["element 2", "element 3", "element 4"], "{:?}", read.rejects);
    assert_eq!(read.logons.len(), 1);
}

#[test]
fn winlogbeat_of_every_version_is_read() {
    let six = json!({
        "@timestamp": "2026-03-01T08:00:00.123Z", "event_id": 4624, "log_name": "security",
        "record_number": "77", "computer_name": "WS-1.corp.example", "type": "wineventlog",
        "host": {"name": "WEC01"}, "beat": {"hostname": "WEC01"}, "event_data": event_data(),
    });
    for record in [six, winlogbeat(), winlogbeat_ecs()] {
        is_ann(&record, Source::Winlogbeat);
        is_ann(&dotted(&record), Source::Winlogbeat);
        is_ann(&json!({"_index": "x", "_id": "1", "_source": record}), Source::Winlogbeat);
    }
    // Version 7.2 writes numbers, and does not say winlog.event_id in every pipeline.
    let numbers = json!({"event": {"code": 4624}, "winlog": {"event_id": 4624, "record_id": "77"}});
    is_ann(&with(winlogbeat_ecs(), numbers), Source::Winlogbeat);
    is_ann(&with(winlogbeat(), json!({"winlog": {"event_id": null}})), Source::Winlogbeat);
}

#[test]
fn winlogbeats_collector_is_never_the_machine() {
    let nameless = with(winlogbeat(), json!({"winlog": {"computer_name": null}}));
    let read = read(&[nameless]);
    assert_eq!(read.logons, []);
    assert!(read.rejects[0].reason.contains("--device"), "{:?}", read.rejects);
}

#[test]
fn a_file_may_mix_shapes() {
    let records = every_shape();
    let read = read(&records);
    assert_eq!((&read.rejects, read.logons.len()), (&vec![], records.len()));
    let formats: Vec<_> = read
        .files
        .iter()
        .map(|file| (file.format, file.tally.logons, file.tally.records))
        .collect();
    assert_eq!(
        formats,
        [
            (Format::Winlogbeat, 2, 2),
            (Format::FluentBit, 1, 1),
            (Format::Vector, 1, 1),
            (Format::OpenWec, 1, 1),
            (Format::Splunk, 1, 1),
            (Format::Sentinel, 1, 1),
        ]
    );
    // Each is the same event but for what its shape does not tell.
    let first = &read.logons[0];
    for logon in &read.logons {
        assert_eq!((&logon.account, &logon.machine), (&first.account, &first.machine));
        assert_eq!(logon.time.whole_second(), first.time.whole_second());
        assert_eq!(logon.key.session, first.key.session);
    }
}

#[test]
fn only_the_events_of_logons_relate() {
    for record in [winlogbeat(), winlogbeat_ecs()] {
        let as_event = |id: &str| {
            with(record.clone(), json!({"event": {"code": id}, "winlog": {"event_id": id}}))
        };
        let noise = json!({"user": {"name": "WS-1$"}, "winlog": {"event_data": {"TargetUserName": "WS-1$"}}});
        let read = read(&[
            as_event("4624"),
            as_event("4625"),
            as_event("4648"),
            as_event("4634"),
            with(as_event("4624"), json!({"winlog": {"channel": "Application"}})),
            with(as_event("4624"), noise),
        ]);
        let tally = read.tally();
        assert_eq!((tally.records, tally.logons, tally.noise, tally.failures), (6, 1, 1, 1));
        assert!(read.files.iter().all(|file| file.format == Format::Winlogbeat));
    }
}

fn every_shape() -> Vec<Value> {
    vec![
        winlogbeat(),
        winlogbeat_ecs(),
        fluent_bit(),
        vector(),
        openwec(),
        splunk_hec(),
        sentinel(),
    ]
}

fn any_record() -> impl Strategy<Value = Value> {
    prop::sample::select(every_shape())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_changed_byte_never_panics(record in any_record(), at in 0usize..2_000, byte: u8) {
        let mut text = record.to_string().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        let read = read_bytes(&text);
        prop_assert!(read.logons.len() <= 1);
        prop_assert!(read.rejects.iter().all(|reject| !reject.reason.contains("defect")));
    }

    /// Whatever stands in place of one of its values.
    #[test]
    fn no_value_panics(
        record in any_record(),
        at in 0usize..40,
        value in prop_oneof![
            Just("[[[[1]]]]"), Just("{\"a\":{\"a\":{}}}"), Just("null"), Just("1e300"), Just("-1"),
            Just("true"), Just("\"\\ud800\""), Just("\"<Event>\""), Just("[]"), Just("\"\""),
        ],
    ) {
        let text = record.to_string();
        let commas: Vec<usize> = text.match_indices("\":").map(|(at, _)| at + 2).collect();
        let start = commas[at % commas.len()];
        let length = text[start..].find([',', '}']).unwrap();
        let text = format!("{}{value}{}", &text[..start], &text[start + length..]);
        let read = read_bytes(text.as_bytes());
        prop_assert!(read.logons.len() <= 1);
        prop_assert!(read.rejects.iter().all(|reject| !reject.reason.contains("defect")));
    }
}

#[test]
fn depth_does_no_harm() {
    let deep = |open: &str, close: &str| open.repeat(50_000) + "1" + &close.repeat(50_000);
    for (open, close) in
        [("[", "]"), ("{\"winlog\":", "}"), ("{\"_source\":", "}"), ("{\"event\":", "}")]
    {
        let text = format!("{}\n{}\n{}", winlogbeat(), deep(open, close), winlogbeat())
            .replace("1}", "\"4624\"}");
        assert_eq!(read_bytes(text.as_bytes()).logons.len(), 2, "{open}");
    }
}
