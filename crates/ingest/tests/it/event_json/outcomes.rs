//! What comes of events in JSON beside logons: changes of sessions, failures, rejects, nothing.

use std::collections::{BTreeSet, HashSet};

use ingest::Format;
use inventory::logon::Logon;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{COMPUTER, MESSAGE, PROVIDER, event_data, read};
use crate::support::{Collected, data, options, other, read_bytes, read_bytes_with, read_file};

#[test]
fn sessions_are_told() {
    let system = json!({"Provider": {"Name": PROVIDER}, "TimeCreated": {"SystemTime": 1_772_438_400.5},
        "EventRecordID": 78, "Channel": "Security", "Computer": COMPUTER});
    let event = |id: u32, data: Value| {
        let mut system = system.clone();
        system["EventID"] = json!({"Value": id});
        json!({"System": system, "EventData": data})
    };
    let account = json!({"TargetUserSid": "S-1-5-21-1-2-3-1104", "TargetUserName": "Ann",
        "TargetDomainName": "CORP", "TargetLogonId": "0xa1b2c", "LogonType": 10});
    let subject = "Subject:\r\n\tSecurity ID:\t\tS-1-5-21-1-2-3-1104\r\n\tAccount Name:\t\tAnn\r\n\tAccount Domain:\t\tCORP\r\n\tLogon ID:\t\t0xA1B2C\r\n";
    for record in [
        event(4634, account.clone()),
        event(4800, json!({"Data": ["S-1-5-21-1-2-3-1104", "Ann", "CORP", "0xa1b2c", "2"]})),
        event(4779, json!({"AccountName": "Ann", "AccountDomain": "CORP", "LogonID": "0xa1b2c"})),
        json!({"Id": 4647, "ProviderName": PROVIDER, "LogName": "Security", "RecordId": 78,
            "MachineName": COMPUTER, "TimeCreated": "/Date(1772438400500)/", "Message": subject}),
    ] {
        let read = read(std::slice::from_ref(&record));
        assert_eq!(read.rejects, [], "{record}");
        let [change] = read.changes.as_slice() else { panic!("{record}") };
        assert_eq!(change.session, 0xa1b2c, "{record}");
        assert_eq!(change.time.to_string(), "2026-03-02T08:00:00.5Z", "{record}");
    }
    let failure = event(4625, account);
    let read = read(&[failure]);
    assert_eq!((read.tally().failures, read.logons.len()), (1, 0));
}

/// Python's `evtx` has the event of a record as a text, in JSON or in XML.
#[test]
fn events_in_a_text_are_read() {
    let system = json!({"EventID": 4624, "Channel": "Security", "Computer": COMPUTER,
        "EventRecordID": 77, "TimeCreated": {"#attributes": {"SystemTime": "2026-03-02T08:00:00.5Z"}}});
    let event = json!({"Event": {"System": system, "EventData": event_data()}});
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Event><System><EventID>4624</EventID>\
         <TimeCreated SystemTime='2026-03-02T08:00:00.5Z'/><EventRecordID>77</EventRecordID>\
         <Channel>Security</Channel><Computer>{COMPUTER}</Computer></System><EventData>\
         <Data Name='TargetUserName'>Ann</Data><Data Name='LogonType'>2</Data></EventData></Event>"
    );
    for text in [event.to_string(), serde_json::to_string_pretty(&event).unwrap(), xml] {
        let record =
            json!({"event_record_id": 77, "timestamp": "2026-03-02 08:00:00.5 UTC", "data": text});
        let read = read(&[record]);
        assert_eq!((read.users(), read.rejects.len()), (vec!["ann"], 0), "{text}");
        assert_eq!(read.times(), ["2026-03-02T08:00:00.5Z"]);
    }
}

#[test]
fn what_an_envelope_says_is_not_the_events() {
    let system = json!({"EventID": {"Value": 4624}, "Channel": "Security", "Computer": COMPUTER,
        "EventRecordID": 77, "TimeCreated": {"SystemTime": 1_772_438_400.5}});
    let read = read(&[json!({"Computer": "collector", "Channel": "ForwardedEvents", "EventID": 1,
        "EventRecordID": 9, "Timestamp": "2026-03-09T00:00:00Z", "host": {"computer": "relay"},
        "_Event": {"System": system, "EventData": event_data()}})]);
    let [logon] = read.logons.as_slice() else { panic!("{:?}", read.rejects) };
    assert_eq!((logon.machine.name.as_str(), logon.key.record), (COMPUTER, Some(77)));
    assert_eq!(logon.time.to_string(), "2026-03-02T08:00:00.5Z");
}

/// Columns that somebody chose: what is not among them is told, or given.
#[test]
fn a_choice_of_columns_is_read_as_far_as_it_goes() {
    let chosen = json!({"TimeCreated": "/Date(1772438400123)/", "Id": 4624, "Message": MESSAGE});
    let read = read(std::slice::from_ref(&chosen));
    assert_eq!(read.rejects[0].reason, "the machine's name is missing; --device gives it");
    let mut options = options();
    options.device = Some("WS-9".to_owned());
    let lines = [other(1), chosen.to_string()].join("\n");
    let read = read_bytes_with(lines.as_bytes(), &options);
    assert_eq!((read.users(), read.logons[0].machine.name.as_str()), (vec!["ann"], "WS-9"));
}

/// An event that evidently matters is never passed over in silence.
#[test]
fn what_is_missing_is_told_by_its_name() {
    let whole = json!({"log_name": "Security", "event_id": 4624, "computer_name": COMPUTER,
        "source_name": PROVIDER, "event_data": event_data(), "timestamp": "2026-03-02T08:00:00Z"});
    let without = |path: &str| {
        let mut record = whole.clone();
        match path.split_once('.') {
            Some((outer, inner)) => drop(record[outer].as_object_mut().unwrap().remove(inner)),
            None => drop(record.as_object_mut().unwrap().remove(path)),
        }
        record
    };
    for (path, word) in [
        ("timestamp", "@timestamp"),
        ("computer_name", "the machine's name is missing"),
        ("event_data.LogonType", "LogonType is missing"),
        ("event_data", "LogonType is missing"),
        ("log_name", ""),
        ("source_name", ""),
    ] {
        let read = read(&[without(path)]);
        match word {
            "" => assert_eq!((read.users(), read.rejects.len()), (vec!["ann"], 0), "{path}"),
            _ => {
                assert_eq!((read.rejects.len(), read.logons.len()), (1, 0), "{path}");
                assert!(read.rejects[0].reason.contains(word), "{path}: {:?}", read.rejects);
            }
        }
    }
    let wrapped = read(&[
        json!({"records": [without("timestamp"), whole.clone(), without("computer_name")]}),
    ]);
    assert_eq!(wrapped.users(), ["ann"]);
    let reasons: Vec<_> = wrapped.rejects.iter().map(|reject| &reject.reason[..14]).collect();
    assert_eq!(reasons, ["its record 1: ", "its record 3: "]);
    let mut nobody = without("event_data.TargetUserName");
    nobody["event_data"].as_object_mut().unwrap().remove("TargetUserSid");
    let read_nobody = read(&[nobody]);
    assert!(read_nobody.rejects[0].reason.contains("TargetUserName is missing"));
    // What a rule found tells that there was a logon, but not which.
    let hayabusa = json!({"Timestamp": "2026-03-02 09:00:00.123 +01:00", "RuleTitle": "Logon (RDP)",
        "Level": "info", "Computer": COMPUTER, "Channel": "Sec", "EventID": 4624, "RecordID": 77,
        "Details": {"TgtUser": "ann", "SrcIP": "192.0.2.7"}});
    assert_eq!(read(&[hayabusa]).rejects[0].reason, "LogonType is missing");
    let mut odd = whole.clone();
    odd["timestamp"] = "yesterday".into();
    assert!(read(&[odd]).rejects[0].reason.starts_with("@timestamp: `yesterday`"));
}

#[test]
fn what_does_not_matter_makes_nobody() {
    let event = |channel: &str, provider: &str| {
        json!({"Id": 4624, "ProviderName": provider, "LogName": channel, "RecordId": 77,
            "MachineName": COMPUTER, "TimeCreated": "/Date(1772438400500)/", "Message": MESSAGE})
    };
    for record in [
        event("Application", "Mine"),
        event("", "Mine"),
        // Any program may write what it likes into its own log.
        json!({"System": {"EventID": 4624, "Channel": "Application", "Computer": COMPUTER,
            "TimeCreated": {"SystemTime": "2026-03-02T08:00:00Z"}},
            "EventData": {"Channel": "Security", "Provider": {"Name": PROVIDER}, "TargetUserName": "eve",
                "LogonType": "10", "Data": "<Event><System/></Event>"}}),
    ] {
        let read = read(std::slice::from_ref(&record));
        assert_eq!((read.logons.len(), read.rejects), (0, vec![]), "{record}");
        assert_eq!(read.files.iter().map(|file| file.tally.records).sum::<u64>(), 2, "{record}");
    }
    for record in [] {
        let read = read(std::slice::from_ref(&record));
        assert!(
            read.logons.is_empty() && read.rejects[0].reason.contains("of no kind"),
            "{record}"
        );
    }
}

#[test]
fn a_file_of_it_is_known_by_itself() {
    let record = json!({"System": {"EventID": {"Value": 4624}, "Channel": "Security",
        "Computer": COMPUTER, "EventRecordID": 77, "TimeCreated": {"SystemTime": 1_772_438_400.5}},
        "EventData": event_data()});
    let read = read_bytes(record.to_string().as_bytes());
    assert_eq!((read.users(), read.skipped.len()), (vec!["ann"], 0));
    assert_eq!(read.files[0].format, Format::EventJson);
}

/// The dump of an event log, in both of the forms of the program that is used most, tells the same events
/// as the log (docs/adr/0004-event-identity.md).
#[test]
fn a_dump_of_a_log_tells_the_same_events() {
    let Some(folder) = data() else { return };
    let folder = folder.join("windows/evtx");
    let mut logons = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "evtx") {
            continue;
        }
        let log = read_file(&path);
        for separate in [false, true] {
            let settings =
                evtx::ParserSettings::new().separate_json_attributes(separate).indent(false);
            let parser = evtx::EvtxParser::from_path(&path).unwrap();
            let mut parser = parser.with_configuration(settings);
            let mut lines = other(1);
            for record in parser.records_json().flatten() {
                lines.push('\n');
                lines.push_str(&record.data);
            }
            let dump = read_bytes(lines.as_bytes());
            let events = |read: &Collected| {
                let event = |logon: &Logon| {
                    (logon.account.clone(), logon.machine.name.clone(), logon.time, logon.key)
                };
                read.logons.iter().map(event).collect::<HashSet<_>>()
            };
            assert_eq!(events(&dump), events(&log), "{path:?} {separate}: {:?}", dump.rejects);
            assert_eq!(dump.tally().failures, log.tally().failures, "{path:?}");
            assert_eq!(dump.changes.len(), log.changes.len(), "{path:?}");
        }
        logons += log.logons.len();
    }
    assert!(logons > 100, "{logons}");
}

/// Records of other projects' tests, with what an independent reader found in them.
#[test]
fn real_records_give_what_an_independent_program_found() {
    let Some(folder) = data() else { return };
    let folder = folder.join("turn2");
    for file in ["event-as-json.ndjson", "wmi.ndjson"] {
        let read = read_file(&folder.join(file));
        let truth = std::fs::read_to_string(folder.join(format!("{file}.truth.tsv"))).unwrap();
        let expected: BTreeSet<Vec<&str>> =
            truth.lines().skip(1).map(|line| line.split('\t').take(3).collect()).collect();
        let cut = |logon: &Logon| {
            let fraction = logon.time.fraction() / 10_000;
            let seconds = logon.time.whole_second().to_string();
            format!("{}.{fraction:03}Z", seconds.trim_end_matches('Z'))
        };
        let found: Vec<_> = read
            .logons
            .iter()
            .map(|logon| {
                (logon.account.name.clone(), logon.machine.name.to_lowercase(), cut(logon))
            })
            .collect();
        let found: BTreeSet<Vec<&str>> =
            found.iter().map(|(user, device, time)| vec![user, device, time.as_str()]).collect();
        assert_eq!(found, expected, "{file}: {:?}", read.rejects);
        eprintln!("{file}: {:?} {:?}", read.tally(), read.rejects);
    }
}

proptest! {
    #[test]
    fn no_object_panics(
        keys in prop::collection::vec(prop::sample::select(&[
            "Event", "System", "EventID", "Channel", "EventData", "Data", "@Name", "#text", "$", "_", "Value",
            "TimeCreated", "Message", "Payload", "TargetUserName", "LogonType", "winlog", "records", "hits",
        ][..]), 1..12),
        values in prop::collection::vec(prop::sample::select(&[
            "4624", "Security", "null", "[]", "{}", "[{}]", "1.5", "\"<Event>\"", "\"Security\"", "\"/Date(1)/\"",
        ][..]), 1..12),
    ) {
        let mut json = "{\"id\":4624}".to_owned();
        for (key, value) in keys.iter().zip(&values) {
            let value = if serde_json::from_str::<Value>(value).is_ok() { value } else { "1" };
            json = format!("{{\"{key}\":{json},\"EventID\":{value}}}");
        }
        let record: Value = serde_json::from_str(&json).unwrap();
        let read = read(&[record]);
        prop_assert_eq!(read.logons.len(), 0);
    }
}
