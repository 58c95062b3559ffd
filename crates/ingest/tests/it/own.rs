//! Footfall's own format, and the schema that describes it.

use ingest::Format;
use inventory::logon::Source;
use inventory::machine::AdapterType;
use inventory::time::Timestamp;
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{Collected, gzip, options, read_bytes, read_bytes_with};

const ID: &str = "3f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90";
const GUID: &str = "80fe8ff8-2624-418e-9591-41f0491218f9";

fn schema() -> Validator {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sources/own.schema.json");
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

fn logon() -> Value {
    json!({
        "footfall": "logon", "time": "2026-03-01T09:00:00.5+01:00", "user": "Ann",
        "domain": "CORP", "sid": "S-1-5-21-1-2-3-1104", "upn": "Ann@corp.example",
        "objectId": GUID, "device": "ws-1.corp.example", "deviceId": ID, "aadDeviceId": GUID,
        "logonType": "RemoteInteractive", "remoteAddress": "192.0.2.7", "remoteName": "laptop",
        "sessionId": "s1",
    })
}

fn machine() -> Value {
    json!({
        "footfall": "machine", "time": "2026-03-01T08:00:00Z", "device": "ws-1", "deviceId": null,
        "aadDeviceId": "", "osPlatform": "Windows 11 Pro", "osProcessor": "x64",
        "osArchitecture": "64-bit", "osBuild": 22631, "version": "23H2", "agentVersion": "1.2",
        "lastIpAddress": "10.0.0.5", "lastExternalIpAddress": "2001:db8::7",
        "ipAddresses": [{"ipAddress": "10.0.0.5", "macAddress": "00-15-5d-01-02-0a",
                         "type": "Ethernet", "operationalStatus": "Up"}],
        "isAadJoined": true, "riskScore": "Low", "exposureLevel": "None",
        "onboardingStatus": "Onboarded", "managedBy": "Intune", "machineTags": ["tier 1", "b"],
    })
}

fn account() -> Value {
    json!({
        "footfall": "account", "user": "ann", "domain": "corp.example", "upn": "ann@corp.example",
        "sid": "S-1-5-21-1-2-3-1104", "objectId": GUID, "mail": "Ann.Lee@corp.example",
    })
}

fn read(record: &Value) -> Collected {
    let read = read_bytes(record.to_string().as_bytes());
    assert_eq!(read.skipped, [], "{record}");
    assert_eq!(read.files[0].format, Format::Own);
    read
}

fn reasons(read: &Collected) -> Vec<String> {
    let rejects = read.rejects.iter();
    rejects.map(|reject| format!("{}: {}", reject.position, reject.reason)).collect()
}

#[test]
fn a_logon_says_all_that_a_logon_can() {
    let read = read(&logon());
    let logon = &read.logons[0];
    assert_eq!((logon.source, logon.logon_type.number()), (Source::Own, 10));
    assert_eq!(logon.account.id(), "corp\\ann");
    assert_eq!(logon.account.sid.as_deref(), Some("S-1-5-21-1-2-3-1104"));
    assert_eq!(logon.account.upn.as_deref(), Some("ann@corp.example"));
    assert_eq!(logon.account.object_id, GUID.parse().ok());
    assert_eq!(logon.machine.name, "ws-1.corp.example");
    assert_eq!(logon.machine.machine_id().to_string(), ID);
    assert_eq!(logon.time.to_string(), "2026-03-01T08:00:00.5Z");
    assert_eq!(logon.remote_address, "192.0.2.7".parse().ok());
    assert_eq!(logon.remote_name.as_deref(), Some("laptop"));
}

#[test]
fn lines_arrays_and_tables_say_the_same() {
    let records = [logon(), machine(), account()];
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    let table = format!(
        "device,footfall,time,user,domain,sid,upn,objectId,deviceId,aadDeviceId,logonType,\
         remoteAddress,remoteName,sessionId,osPlatform,osProcessor,osArchitecture,osBuild,version,\
         agentVersion,lastIpAddress,lastExternalIpAddress,ipAddresses,isAadJoined,riskScore,\
         exposureLevel,onboardingStatus,managedBy,machineTags,mail\r\n\
         ws-1.corp.example,logon,2026-03-01T09:00:00.5+01:00,Ann,CORP,S-1-5-21-1-2-3-1104,\
         Ann@corp.example,{GUID},{ID},{GUID},10,192.0.2.7,laptop,s1{}\r\n\
         ws-1,machine,2026-03-01T08:00:00Z{},Windows 11 Pro,x64,64-bit,22631,23H2,1.2,10.0.0.5,\
         2001:db8::7,\"[{{\"\"ipAddress\"\":\"\"10.0.0.5\"\",\"\"macAddress\"\":\"\"00155d01020a\"\",\
         \"\"type\"\":\"\"Ethernet\"\",\"\"operationalStatus\"\":\"\"Up\"\"}}]\",TRUE,Low,None,\
         Onboarded,Intune,tier 1; b,\r\n\
         ,account,,ann,corp.example{},Ann.Lee@corp.example\r\n",
        ",".repeat(16),
        ",".repeat(11),
        ",".repeat(24),
    );
    let expected = read_bytes(lines.join("\n").as_bytes());
    assert_eq!((&expected.rejects, &expected.skipped), (&vec![], &vec![]));
    assert_eq!((expected.logons.len(), expected.reports.len()), (1, 1));
    assert_eq!(expected.tally().records, 3);
    for text in [
        format!("[{}]", lines.join(",")),
        format!("[\n{}\n]\n", lines.join(",\n")),
        serde_json::to_string_pretty(&records).unwrap(),
        table.clone(),
        format!("\u{feff}{}", table.replace("\r\n", "\n")),
    ] {
        for bytes in [text.clone().into_bytes(), gzip(text.as_bytes())] {
            let read = read_bytes(&bytes);
            assert_eq!((reasons(&read), &read.skipped), (vec![], &vec![]), "{text}");
            assert_eq!(read.files[0].format, Format::Own);
            assert_eq!(read.logons, expected.logons, "{text}");
            assert_eq!(read.reports, expected.reports, "{text}");
            assert_eq!(read.tally().records, 3);
            let (identity, time) = &read.identities[0];
            assert_eq!(identity.mail.as_deref(), Some("ann.lee@corp.example"));
            assert_eq!((identity.name.as_deref(), *time), (Some("ann"), Timestamp::MAX));
        }
    }
    let facts = &expected.reports[0].facts;
    assert_eq!(facts.os_platform.as_deref(), Some("Windows11"));
    assert_eq!((facts.os_build, facts.is_aad_joined), (Some(22_631), Some(true)));
    assert_eq!(facts.ip_addresses[0].adapter_type, AdapterType::Ethernet);
    assert_eq!(facts.ip_addresses[0].mac_address.as_deref(), Some("00155D01020A"));
    assert_eq!(facts.tags, ["tier 1", "b"]);
}

#[test]
fn columns_may_have_other_things_between_them() {
    for delimiter in [",", ";", "\t"] {
        let table = "footfall|time|device|machineTags|ipAddresses\n\
             machine|2026-03-01T08:00:00Z|ws-1|\"a; b\"|\"10.0.0.5;fd00::1\"\n";
        let read = read_bytes(table.replace('|', delimiter).as_bytes());
        assert_eq!((reasons(&read), &read.skipped), (vec![], &vec![]));
        let facts = &read.reports[0].facts;
        assert_eq!((facts.tags.len(), facts.ip_addresses.len()), (2, 2), "{facts:?}");
    }
}

#[test]
fn a_slip_of_the_pen_loses_nothing_unseen() {
    let read = read_bytes(b"footfall,time,usr\nlogon,2026-03-01T08:00:00Z,ann\n");
    assert!(read.files.is_empty());
    assert!(read.skipped[0].reason.starts_with("line 1: the column `usr` is not known"));
    assert!(read.skipped[0].reason.contains("user"), "{:?}", read.skipped);
    let text = "footfall,time,user,device,osPlatform,remoteAddress\n\
         logon,2026-03-01T08:00:00Z,ann,ws-1,,\n\
         logon,2026-03-01T08:00:00Z,ann,ws-1,Windows11,\n\
         logon,yesterday,ann,ws-1,,\n\
         logon,2026-03-01T08:00:00Z,,ws-1,,\n\
         login,2026-03-01T08:00:00Z,ann,ws-1,,\n\
         logon,2026-03-01T08:00:00Z,ann,,,\n\
         logon,2026-03-01T08:00:00Z,ann,ws-1,,nowhere\n\
         logon,2026-03-01T08:00:00Z,ws-1$,ws-1,,\n\
         logon,2026-03-01T08:00:00Z\n\
         logon,2026-03-01T09:00:00Z,ben,ws-1,,\n";
    let read = read_bytes(text.as_bytes());
    assert_eq!(read.users(), ["ann", "ben"]);
    let told = reasons(&read);
    for (line, word) in [
        ("line 3: ", "osPlatform"),
        ("line 4: ", "`yesterday` is no time"),
        ("line 5: ", "user"),
        ("line 6: ", "login"),
        ("line 7: ", "--device"),
        ("line 8: ", "`nowhere` is no IP address"),
        ("line 10: ", "columns"),
    ] {
        assert!(told.iter().any(|it| it.starts_with(line) && it.contains(word)), "{line} {told:?}");
    }
    assert_eq!((told.len(), read.tally().noise), (7, 1));
    let mut typo = logon();
    typo["usr"] = "x".into();
    assert!(reasons(&self::read(&typo))[0].contains("unknown field `usr`"));
    let device = ingest::Options { device: Some("ws-9".to_owned()), ..options() };
    let read = read_bytes_with(text.as_bytes(), &device);
    assert_eq!(read.logons[1].machine.name, "ws-9");
}

#[test]
fn what_makes_two_records_one_logon() {
    let key = |record: &Value| read(record).logons[0].key;
    let with = |member: &str, value: &str| {
        let mut record = logon();
        record[member] = value.into();
        record
    };
    assert_eq!(key(&logon()), key(&with("remoteAddress", "192.0.2.8")), "the session tells");
    assert_ne!(key(&logon()), key(&with("sessionId", "s2")));
    let without = with("sessionId", "");
    let mut elsewhere = without.clone();
    elsewhere["remoteAddress"] = "192.0.2.8".into();
    assert_ne!(key(&without), key(&elsewhere));
}

#[test]
fn the_examples_of_the_guide_are_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sources/own.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let mut seen = 0;
    for block in guide.split("```").skip(1).step_by(2) {
        let Some((_, text)) =
            block.split_once('\n').filter(|(kind, _)| ["csv", "json"].contains(kind))
        else {
            continue;
        };
        let read = read_bytes(text.as_bytes());
        assert_eq!((reasons(&read), &read.skipped), (vec![], &vec![]), "{text}");
        assert_eq!(read.files[0].format, Format::Own);
        seen += 1;
        for line in text.lines().filter(|line| line.starts_with('{')) {
            assert!(schema().is_valid(&serde_json::from_str(line).unwrap()), "{line}");
        }
    }
    assert!(seen >= 2, "{seen}");
}

/// A value that may stand in a member, right or wrong.
fn value() -> impl Strategy<Value = Value> {
    let text = |text: &str| Just(Value::from(text));
    prop_oneof![
        Just(Value::Null),
        text(""),
        text("-"),
        text("ann"),
        text("logon"),
        text("2026-03-01T08:00:00Z"),
        "20[0-3][0-9]-[01][0-9]-[0-3][0-9][T ][012][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{0,10})?(Z|z|[+-][01][0-9]:[0-9]{2})?"
            .prop_map(Value::from),
        text("S-1-5-18"),
        text("S-1-"),
        "[sS]-1(-[0-9]{0,3}){0,3}".prop_map(Value::from),
        text(GUID),
        text("80fe8ff82624418e959141f0491218f9"),
        text(ID),
        "[0-9A-Fa-fg]{39,41}".prop_map(Value::from),
        text("10.0.0.5"),
        text("::ffff:10.0.0.5"),
        text("fe80::1%3"),
        text("10.0.0.256"),
        "[0-9]{0,3}".prop_map(Value::from),
        (-2i64..40).prop_map(Value::from),
        Just(json!(2.0)),
        Just(json!(2.5)),
        Just(json!(4_294_967_295_u64)),
        Just(json!(4_294_967_296_u64)),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec!["Interactive", "interactive", "Unknown", "Low", "low", "None", "Up",
            "Intune", "Onboarded", "Ethernet", "System", "CachedUnlock"]).prop_map(Value::from),
        "[0-9a-f]{2}([-:]?[0-9a-f]{2}){4,6}".prop_map(Value::from),
        prop::sample::select(vec![1023_usize, 1024, 1025]).prop_map(|count| "é".repeat(count).into()),
        prop::sample::select(vec![200_usize, 201]).prop_map(|count| json!(["x".repeat(count)])),
        prop::sample::select(vec![100_usize, 101]).prop_map(|count| json!(vec!["x"; count])),
        Just(json!(["tag", ""])),
        Just(json!([{"ipAddress": "10.0.0.5"}])),
        Just(json!([{"ipAddress": null}])),
        Just(json!([{"ipAddress": "", "macAddress": "00155D01020A", "type": "Ethernet"}])),
        Just(json!([{"ipAddress": "10.0.0.5", "macAddress": "0-0155D01020A", "mac": 1}])),
        Just(json!({"a": 1})),
        "[ a-z\\-\\PC]{0,6}".prop_map(Value::from),
    ]
}

fn record() -> impl Strategy<Value = Value> {
    let whole = prop::sample::select(vec![logon(), machine(), account()]);
    let names: Vec<String> = [logon(), machine(), account()]
        .iter()
        .flat_map(|record| record.as_object().unwrap().keys().cloned().collect::<Vec<_>>())
        .chain(["usr".to_owned(), "Time".to_owned()])
        .collect();
    let change = (prop::sample::select(names), prop::option::weighted(0.8, value()));
    (whole, prop::collection::vec(change, 0..3), any::<bool>()).prop_map(|(whole, changes, own)| {
        let mut members: Map<String, Value> = whole.as_object().unwrap().clone();
        for (name, value) in changes {
            // Mostly members that the record has, lest nearly all are wrong for that.
            let is_ours = members.contains_key(&name) || !own;
            match value {
                Some(value) if is_ours => drop(members.insert(name, value)),
                Some(_) => {}
                None => drop(members.remove(&name)),
            }
        }
        Value::Object(members)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_schema_and_the_parser_refuse_the_same(record in record()) {
        thread_local! {
            static SCHEMA: Validator = schema();
        }
        prop_assume!(record.get("footfall").is_some());
        let expected = SCHEMA.with(|schema| schema.is_valid(&record));
        let read = read_bytes(format!("{record}\n{{\"footfall\":\"account\",\"user\":\"x\"}}").as_bytes());
        prop_assert_eq!(read.rejects.is_empty(), expected, "{} {:?}", record, read.rejects);
    }

    #[test]
    fn no_table_panics(text in "footfall,(time|user|usr)[,;\t](device|ipAddresses|machineTags)\n(\\PC|[\n,\"\\[{]){0,60}") {
        read_bytes(text.as_bytes());
    }
}
