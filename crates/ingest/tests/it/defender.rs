//! Defender's tables in all the ways in which they are exported.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use ingest::Format;
use inventory::logon::{Logon, LogonType, LogonTypes, Source};
use inventory::machine::{AdapterType, ExposureLevel, OnboardingStatus, OperationalStatus};
use inventory::time::Timestamp;
use proptest::prelude::*;

use crate::support::{Collected, data, gzip, read_bytes, read_file};

const ID: &str = "3f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90";

/// A row of DeviceLogonEvents; `extra` replaces or adds members.
fn logon(user: &str, report: u64, extra: &str) -> String {
    let comma = if extra.is_empty() { "" } else { "," };
    format!(
        "{{\"Timestamp\":\"2026-04-01T08:00:00.5Z\",\"DeviceId\":\"{ID}\",\
         \"DeviceName\":\"ws-9.corp.example\",\"ActionType\":\"LogonSuccess\",\
         \"LogonType\":\"RemoteInteractive\",\"AccountDomain\":\"corp\",\
         \"AccountName\":\"{user}\",\"AccountSid\":\"S-1-5-21-1-2-3-1104\",\"LogonId\":null,\
         \"RemoteIP\":\"192.0.2.7\",\"RemoteDeviceName\":\"WS-1\",\"ReportId\":{report}{comma}{extra}}}"
    )
}

fn streamed(table: &str, row: &str) -> String {
    format!(
        "{{\"time\":\"2026-04-01T09:00:00Z\",\"tenantId\":\"x\",\"operationName\":\"Publish\",\
         \"category\":\"AdvancedHunting-{table}\",\"properties\":{row}}}"
    )
}

fn told(read: &Collected) -> Vec<String> {
    let reasons = read.rejects.iter();
    reasons.map(|reject| format!("{}: {}", reject.position, reject.reason)).collect()
}

/// First and last seen, how often, and in which ways.
type Relations = BTreeMap<(String, String), (String, String, usize, LogonTypes)>;

/// What the store makes of logons: what is the same event counts once.
fn relations(logons: &[Logon], types: LogonTypes) -> Relations {
    let mut seen = HashSet::new();
    let mut times: BTreeMap<_, (BTreeSet<(Timestamp, u64)>, LogonTypes)> = BTreeMap::new();
    for logon in logons.iter().filter(|logon| types.contains(logon.logon_type)) {
        let machine = logon.machine.name.to_lowercase();
        let event = (machine.clone(), logon.account.name.clone(), logon.time.seconds(), logon.key);
        if seen.insert(event) {
            let relation = times.entry((logon.account.name.clone(), machine)).or_default();
            relation.0.insert((logon.time, logon.key.session));
            relation.1.insert(logon.logon_type);
        }
    }
    let cut = |time: &Timestamp| {
        let second = time.whole_second().to_string();
        format!("{}.{:03}Z", second.trim_end_matches('Z'), time.fraction() / 10_000)
    };
    let all = times.into_iter().map(|(key, (times, types))| {
        let (first, last) = (times.first().unwrap(), times.last().unwrap());
        (key, (cut(&first.0), cut(&last.0), times.len(), types))
    });
    all.collect()
}

fn truth(path: &Path) -> Relations {
    let table = std::fs::read_to_string(path).unwrap();
    let rows = table.lines().skip(1).map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let words = columns[5].split(',').map(|word| match word {
            "Local" => LogonType::new(2).unwrap(),
            word => LogonType::parse(word).unwrap(),
        });
        (
            (columns[0].to_owned(), columns[1].to_owned()),
            (
                columns[2].to_owned(),
                columns[3].to_owned(),
                columns[4].parse().unwrap(),
                words.collect(),
            ),
        )
    });
    rows.collect()
}

#[test]
fn every_export_gives_what_its_maker_put_in() {
    let Some(data) = data() else { return };
    let folder = data.join("defender/made");
    let (mut files, mut everything) = (0, Vec::new());
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "tsv") {
            continue;
        }
        files += 1;
        let read = read_file(&path);
        assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]), "{path:?}");
        assert_eq!(read.files.len(), 1, "{path:?}");
        assert_eq!(read.files[0].format, Format::Defender, "{path:?}");
        everything.extend(read.logons.clone());
        for logons in [&read.logons, &everything] {
            let all = truth(&folder.join("truth.all.tsv"));
            assert_eq!(relations(logons, LogonTypes::ALL), all, "{path:?}");
            let interactive = truth(&folder.join("truth.interactive.tsv"));
            assert_eq!(relations(logons, LogonTypes::INTERACTIVE), interactive, "{path:?}");
        }
    }
    assert!(files >= 5, "{files}");
}

/// What is left out for speed must be nothing that counts: of a document everything is parsed.
#[test]
fn lines_that_are_left_out_hold_nothing() {
    let Some(data) = data() else { return };
    let text = std::fs::read_to_string(data.join("defender/made/blob-PT1H.ndjson")).unwrap();
    let lines = read_bytes(text.as_bytes());
    let array = format!("[{}]", text.lines().collect::<Vec<_>>().join(","));
    let document = read_bytes(array.as_bytes());
    assert_eq!(lines.logons, document.logons);
    assert_eq!(lines.reports, document.reports);
    assert_eq!(lines.tally(), document.tally());
}

#[test]
fn real_records_are_accepted() {
    let Some(data) = data() else { return };
    let read = |name: &str| {
        let read = read_file(&data.join("defender").join(name));
        assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]), "{name}");
        assert!(read.files.iter().all(|file| file.format == Format::Defender));
        read
    };
    let logons = read("real-DeviceLogonEvents.json").logons;
    assert_eq!(logons[0].logon_type.number(), 2);
    assert_eq!(
        logons[0].machine.id.unwrap().to_string(),
        "3db402e9217f30248e26406c0a48094b00a0062e"
    );
    let info = &read("real-DeviceInfo.json").reports[0];
    assert_eq!(info.time.to_string(), "2026-07-18T14:05:55.510513Z");
    assert_eq!(info.facts.os_platform.as_deref(), Some("macOS"));
    let network = &read("real-DeviceNetworkInfo.json").reports[0];
    assert_eq!(network.facts.ip_addresses.len(), 2, "{network:?}");
    assert_eq!(network.facts.ip_addresses[0].mac_address, None);
    let identity = read("real-IdentityLogonEvents.json");
    assert_eq!((identity.logons.len(), identity.tally().records), (0, 1));
    let others = read("Microsoft365DefenderEvents.Zip");
    assert_eq!((others.logons.len(), others.reports.len()), (0, 0));
    assert!(others.tally().records > 5);
}

#[test]
fn a_row_is_read_whatever_it_is_wrapped_in() {
    let row = logon("Ann", 5, "");
    let expected = &read_bytes(row.as_bytes()).logons[0];
    assert_eq!(expected.source, Source::Defender);
    assert_eq!(expected.account.name, "ann");
    assert_eq!(expected.machine.id.unwrap().to_string(), ID);
    assert_eq!(expected.time.to_string(), "2026-04-01T08:00:00.5Z");
    assert_eq!(expected.remote_address, "192.0.2.7".parse().ok());
    assert_eq!(expected.remote_name.as_deref(), Some("WS-1"));
    let line = streamed("DeviceLogonEvents", &row);
    let pretty = line.replacen('{', "{\n", 1);
    for text in [
        line.clone(),
        format!("{{\"records\":[{line}]}}"),
        format!("{{\"records\": [\n{line}\n]\n}}"),
        format!("[{row}]"),
        format!("[\n {{\"records\":[{line}]}}]"),
        format!("{{\"Stats\":{{\"a\":[1]}},\"Schema\":[],\"Results\":[{row}]}}"),
        format!("{{\"@odata.context\":\"x\",\"schema\":[],\"results\":[{row}]}}"),
        pretty,
    ] {
        let read = read_bytes(text.as_bytes());
        assert_eq!(read.logons, std::slice::from_ref(expected), "{text}");
        assert_eq!(read.tally().records, 1);
        assert_eq!(read_bytes(&gzip(text.as_bytes())).logons.len(), 1);
    }
}

#[test]
fn only_logons_that_happened_relate() {
    let lines = [
        logon("ann", 1, ""),
        logon("ben", 2, "\"ActionType\":\"LogonFailed\""),
        logon("cy", 3, "\"ActionType\":\"LogonAttempted\""),
        logon("ws-9$", 4, ""),
        logon("dora", 5, "\"LogonType\":\"Unknown\""),
        logon("eve", 6, "\"LogonType\":null"),
        streamed("DeviceProcessEvents", &logon("mal", 7, "")),
    ];
    let read = read_bytes(lines.join("\n").as_bytes());
    assert_eq!(read.users(), ["ann", "dora", "eve"]);
    let words: Vec<_> = read.logons.iter().map(|logon| logon.logon_type.word()).collect();
    assert_eq!(words, ["RemoteInteractive", "Unknown", "Unknown"]);
    let tally = read.tally();
    assert_eq!((tally.records, tally.noise, tally.failures, tally.rejects), (7, 1, 1, 0));
}

#[test]
fn what_makes_two_records_one_logon() {
    let row = logon("ann", 639_199_803_770_463_703, "");
    let key = |row: &str| read_bytes(row.as_bytes()).logons[0].key;
    let again = streamed("DeviceLogonEvents", &row).replace("T09:00", "T11:00");
    assert_eq!(key(&row), key(&again));
    assert_ne!(key(&row), key(&row.replace("463703", "463704")), "more than 53 bits");
    // A query without ReportId: what else the row says tells.
    let bare = row.replace("ReportId", "Left out");
    assert_eq!(key(&bare), key(&bare.replace("ReportId", "x")));
    assert_ne!(key(&bare), key(&bare.replace("192.0.2.7", "192.0.2.8")));
}

#[test]
fn an_identity_that_names_a_device_is_a_logon_to_it() {
    let row = |device: &str, word: &str| {
        let row = format!(
            "{{\"Timestamp\":\"2026-04-01T08:00:00Z\",\"ActionType\":\"LogonSuccess\",\
             \"LogonType\":\"{word}\",\"AccountName\":\"ann\",\"AccountUpn\":\"Ann@corp.example\",\
             \"Application\":\"Active Directory\",\"DeviceName\":{device},\"ReportId\":\"a1\"}}"
        );
        streamed("IdentityLogonEvents", &row)
    };
    let lines = [
        row("\"ws-9\"", "Interactive"),
        row("null", "Interactive"),
        row("\"ws-9\"", "Credentials validation"),
    ];
    let read = read_bytes(lines.join("\n").as_bytes());
    assert_eq!(read.rejects, []);
    assert_eq!(read.users(), ["ann"]);
    assert_eq!(read.logons[0].account.upn.as_deref(), Some("ann@corp.example"));
    assert_eq!(read.logons[0].machine.id, None);
}

#[test]
fn machines_report_themselves() {
    let head = format!(
        "\"Timestamp\":\"2026-04-01T08:00:00Z\",\"DeviceId\":\"{ID}\",\"DeviceName\":\"ws-9\""
    );
    let info = format!(
        "{{{head},\"OSPlatform\":\"Linux\",\"OSDistribution\":\"Ubuntu\",\"OSVersion\":\"22.4\",\
         \"OSVersionInfo\":\"22.04\",\"OSBuild\":19045,\"OSArchitecture\":\"64-bit\",\
         \"ClientVersion\":\"10.1\",\"PublicIP\":\"203.0.113.5\",\"IsAzureADJoined\":true,\
         \"AadDeviceId\":\"6a2f1b7c-0d3e-4c5f-9a81-7b6c5d4e3f2a\",\"ExposureLevel\":\"Medium\",\
         \"OnboardingStatus\":\"Can be onboarded\"}}"
    );
    let network = |kind: &str, mac: &str, address: &str| {
        let list = format!("[{{\\\"IPAddress\\\":\\\"{address}\\\"}}]");
        let row = format!(
            "{{{head},\"NetworkAdapterType\":\"{kind}\",\"NetworkAdapterStatus\":\"Up\",\
             \"MacAddress\":\"{mac}\",\"IPAddresses\":\"{list}\"}}"
        );
        streamed("DeviceNetworkInfo", &row)
    };
    let lines = [
        streamed("DeviceInfo", &info.replace("08:00", "07:00")),
        network("Ethernet", "00155d01020a", "10.1.0.20"),
        network("Wireless80211", "00-15-5D-01-02-0B", "10.2.0.20"),
        info,
    ];
    let read = read_bytes(lines.join("\n").as_bytes());
    assert_eq!(read.rejects, []);
    assert_eq!(read.tally().reports, 4);
    // Three rows of one machine and moment are one report.
    assert_eq!(read.reports.len(), 2);
    let facts = &read.reports[1].facts;
    assert_eq!(facts.os_platform.as_deref(), Some("Ubuntu"));
    assert_eq!(facts.version.as_deref(), Some("22.04"));
    assert_eq!(facts.os_build, Some(19045));
    assert_eq!(facts.is_aad_joined, Some(true));
    assert_eq!(facts.exposure_level, Some(ExposureLevel::Medium));
    assert_eq!(facts.onboarding_status, Some(OnboardingStatus::CanBeOnboarded));
    assert_eq!(facts.last_ip_address, "10.1.0.20".parse().ok());
    let adapters: Vec<_> = facts
        .ip_addresses
        .iter()
        .map(|adapter| (adapter.mac_address.as_deref().unwrap(), adapter.adapter_type))
        .collect();
    assert_eq!(
        adapters,
        [("00155D01020A", AdapterType::Ethernet), ("00155D01020B", AdapterType::IEEE80211)]
    );
    assert_eq!(facts.ip_addresses[0].operational_status, OperationalStatus::Up);
}

#[test]
fn broken_records_are_told_by_place_and_the_rest_is_read() {
    let late = logon("ben", 2, "\"Timestamp\":\"late\"");
    let lines = [
        logon("ann", 1, ""),
        late.clone(),
        format!("{{\"records\":[{},{late}]}}", logon("cy", 3, "")),
        format!("{{\"DeviceId\":\"{ID}\",,}}"),
        logon("dora", 4, "\"DeviceId\":\"\",\"DeviceName\":\"\""),
    ];
    let read = read_bytes(lines.join("\n").as_bytes());
    assert_eq!(read.users(), ["ann", "cy"]);
    assert_eq!(
        told(&read),
        [
            "line 2: Timestamp: `late` is not a date and time",
            "line 3: its record 2: Timestamp: `late` is not a date and time",
            "line 4: not valid JSON: key must be a string at column 56",
            "line 5: the machine's name is missing; --device gives it",
        ]
    );
    let document = format!("[{},\n{late},\n{{}}]", logon("ann", 1, ""));
    let read = read_bytes(document.as_bytes());
    assert_eq!(read.users(), ["ann"]);
    assert_eq!(told(&read), ["element 2: Timestamp: `late` is not a date and time"]);
    assert_eq!(read.tally().records, 2);
    let answer = format!("{{\n\"value\": [{},{late}]}}", logon("ann", 1, ""));
    let read = read_bytes(answer.as_bytes());
    assert_eq!(read.users(), ["ann"]);
    assert_eq!(told(&read), ["record 2: Timestamp: `late` is not a date and time"]);
    let cut = format!("{{\n\"value\":[{}]}}\n{{\"value\":[", logon("ann", 1, ""));
    let read = read_bytes(cut.as_bytes());
    assert_eq!(read.users(), ["ann"]);
    assert_eq!(told(&read), ["line 3: not valid JSON: EOF while parsing a list"]);
    let table = "Timestamp,DeviceName,ActionType,LogonType,AccountName\n\
                 2026-04-01 08:00:00,ws,LogonSuccess,Interactive,ann\n\
                 a,b\n\
                 \"x\n\",ws,LogonSuccess,Interactive,ben\n";
    let read = read_bytes(table.as_bytes());
    assert_eq!(read.users(), ["ann"]);
    assert_eq!(
        told(&read),
        [
            "line 3: a row of 2 columns under a header of 5",
            "line 4: Timestamp: `x` is not a date and time",
        ]
    );
}

#[test]
fn documents_of_others_are_passed_over() {
    for (text, word) in [
        ("{\n\"a\": {}}", "none of its 1 records"),
        ("{\n\"a\": {", "not valid JSON"),
        ("[{\"a\":1}]", "none of its 1 records"),
        ("[[[[[[[[[[]]]]]]]]]]", "array"),
    ] {
        let read = read_bytes(text.as_bytes());
        assert_eq!(read.files, []);
        assert!(read.skipped[0].reason.contains(word), "{:?}", read.skipped);
    }
    let empty = read_bytes(b"{\"Schema\":[],\"Results\":[]}");
    assert_eq!(empty.files[0].format, Format::Defender);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_changed_byte_never_panics(at in 0usize..2000, byte: u8, kind in 0usize..4) {
        let row = logon("ann", 1, "\"IPAddresses\":\"[{\\\"IPAddress\\\":\\\"10.0.0.1\\\"}]\"");
        let text = match kind {
            0 => streamed("DeviceLogonEvents", &row),
            1 => format!("{{\"records\":[{}]}}", streamed("DeviceNetworkInfo", &row)),
            2 => format!("{{\"Schema\":[],\"Results\":[{row}]}}"),
            _ => "Timestamp,DeviceName,ActionType,LogonType\n\"2026-04-01 08:00:00\",w,x,\n".into(),
        };
        let mut bytes = text.into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let read = read_bytes(&bytes);
        prop_assert!(read.logons.len() <= 1);
        prop_assert!(!read.rejects.iter().any(|reject| reject.reason.contains("defect")));
    }

    #[test]
    fn no_bytes_panic(
        start in prop::sample::select(vec![
            "[", "{\n", "{\"value\":", "{\"records\":[{\"DeviceId\":", "Timestamp,DeviceId\n",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let read = read_bytes(&[start.as_bytes(), &bytes].concat());
        prop_assert_eq!(read.logons.len(), 0);
        prop_assert!(!read.rejects.iter().any(|reject| reject.reason.contains("defect")));
    }
}
