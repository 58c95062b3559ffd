//! osquery's result logs in all their forms.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use ingest::{Format, Options};
use inventory::logon::{Logon, LogonTypes, Source};
use proptest::prelude::*;

use crate::support::{Collected, data, options, read_bytes, read_bytes_with, read_file};

/// A line whose rows are in `rows`, which is a member or a few.
fn line(rows: &str) -> String {
    format!(
        "{{\"name\":\"pack/any/thing\",\"hostIdentifier\":\"ws-3\",\
         \"calendarTime\":\"Sun Mar  1 08:10:00 2026 UTC\",\"unixTime\":1772352600,\"epoch\":0,\
         \"counter\":3,\"numerics\":false,\"decorations\":{{}},{rows}}}"
    )
}

fn added(row: &str) -> String {
    line(&format!("\"columns\":{row},\"action\":\"added\""))
}

fn session(user: &str, extra: &str) -> String {
    format!(
        "{{\"user\":\"{user}\",\"type\":\"user\",\"tty\":\"pts/1\",\"host\":\"192.0.2.7\",\
         \"time\":\"1772352000\",\"pid\":\"9\"{extra}}}"
    )
}

/// First and last second, how often, in which ways, from where.
type Relations = BTreeMap<(String, String), (String, String, usize, Vec<String>, String)>;

fn relations(logons: &[Logon]) -> Relations {
    let mut seen = HashSet::new();
    let mut times: BTreeMap<_, (Vec<_>, LogonTypes, BTreeSet<String>)> = BTreeMap::new();
    for logon in logons {
        let machine = logon.machine.name.to_lowercase();
        let account = (logon.account.name.clone(), logon.account.authority().to_owned());
        if seen.insert((machine.clone(), account, logon.time.seconds(), logon.key)) {
            let relation = times.entry((logon.account.name.clone(), machine)).or_default();
            relation.0.push(logon.time);
            relation.1.insert(logon.logon_type);
            relation.2.extend(logon.remote_address.map(|address| address.to_string()));
        }
    }
    let all = times.into_iter().map(|(key, (times, types, remotes))| {
        let text = |time: Option<&inventory::time::Timestamp>| time.unwrap().to_string();
        let words = types.words().into_iter().map(str::to_owned).collect();
        let remotes = remotes.into_iter().collect::<Vec<_>>().join(",");
        (key, (text(times.iter().min()), text(times.iter().max()), times.len(), words, remotes))
    });
    all.collect()
}

fn truth(path: &Path) -> Relations {
    let table = std::fs::read_to_string(path).unwrap();
    let rows = table.lines().skip(1).map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let mut words: Vec<_> = columns[5].split(',').map(str::to_owned).collect();
        words.sort();
        (
            (columns[0].to_owned(), columns[1].to_owned()),
            (
                columns[2].replace(".000Z", "Z"),
                columns[3].replace(".000Z", "Z"),
                columns[4].parse().unwrap(),
                words,
                columns[7].to_owned(),
            ),
        )
    });
    rows.collect()
}

#[test]
fn every_log_gives_what_its_maker_put_in() {
    let Some(data) = data() else { return };
    let folder = data.join("osquery/made");
    let all = truth(&folder.join("truth.tsv"));
    let is_log = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "log");
    let (mut files, mut everything) = (0, Vec::new());
    for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        if !is_log(&path) {
            continue;
        }
        files += 1;
        let read = read_file(&path);
        assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]), "{path:?}");
        assert_eq!(read.files.len(), 1);
        assert_eq!(read.files[0].format, Format::Osquery);
        everything.extend(read.logons.clone());
        if path.to_string_lossy().contains("snapshots") {
            // Taken each hour, they miss what was shorter: what they have is in the truth.
            for (key, (first, last, count, words, remotes)) in relations(&read.logons) {
                let whole = &all[&key];
                assert!(whole.0 <= first && last <= whole.1 && count <= whole.2, "{key:?}");
                assert_eq!((&whole.3, &whole.4), (&words, &remotes), "{key:?}");
            }
            assert!(read.logons.len() > 3);
        } else {
            assert_eq!(relations(&read.logons), all, "{path:?}");
        }
    }
    assert!(files >= 5, "{files}");
    assert_eq!(relations(&everything), all, "all together");
}

#[test]
fn bodies_of_the_tls_logger_are_read() {
    let Some(data) = data() else { return };
    let mut all = truth(&data.join("osquery/made/truth.tsv"));
    all.retain(|(_, device), _| device == "lnx-srv-02");
    for name in ["log.result.request.json", "log.result.request.json.gz"] {
        let read = read_file(&data.join("osquery/made/tls").join(name));
        assert_eq!(read.rejects, []);
        assert_eq!(relations(&read.logons), all);
        let facts = &read.reports[0].facts;
        assert_eq!(facts.os_platform.as_deref(), Some("Debian"));
        assert_eq!(facts.version.as_deref(), Some("12"));
        assert_eq!(facts.os_processor.as_deref(), Some("x64"));
        assert_eq!(facts.agent_version.as_deref(), Some("5.23.1"));
        assert_eq!(facts.last_ip_address, "10.20.3.2".parse().ok());
        assert_eq!((read.reports.len(), facts.ip_addresses.len()), (1, 1));
    }
}

#[test]
fn real_records_are_accepted() {
    let Some(data) = data() else { return };
    let mut logons = Vec::new();
    for entry in std::fs::read_dir(data.join("osquery/real")).unwrap() {
        let path = entry.unwrap().path();
        let read: Collected = read_file(&path);
        assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]), "{path:?}");
        assert!(read.files.iter().all(|file| file.format == Format::Osquery));
        assert!(read.tally().records >= 1);
        logons.extend(read.logons);
    }
    let users: Vec<_> = logons.iter().map(|logon| logon.account.name.as_str()).collect();
    assert_eq!(users, ["vagrant"]);
}

/// What is left out for speed must be nothing that counts: of a document everything is parsed.
#[test]
fn lines_that_are_left_out_hold_nothing() {
    let Some(data) = data() else { return };
    let text = std::fs::read_to_string(data.join("osquery/made/osqueryd.results.log")).unwrap();
    let lines = read_bytes(text.as_bytes());
    let array = format!("[{}]", text.lines().collect::<Vec<_>>().join(","));
    let document = read_bytes(array.as_bytes());
    assert_eq!(lines.logons, document.logons);
    assert_eq!(lines.reports, document.reports);
    assert_eq!(lines.tally(), document.tally());
}

#[test]
fn rows_are_found_in_every_form() {
    let row = session("ann", "");
    let expected = &read_bytes(added(&row).as_bytes()).logons[0];
    assert_eq!(expected.source, Source::Osquery);
    assert_eq!(expected.machine.name, "ws-3");
    assert_eq!(expected.time.to_string(), "2026-03-01T08:00:00Z");
    assert_eq!(expected.logon_type.word(), "RemoteInteractive");
    assert_eq!(expected.remote_address, "192.0.2.7".parse().ok());
    let numbers = row.replace("\"1772352000\"", "1772352000").replace("\"9\"", "9");
    for text in [
        line(&format!("\"diffResults\":{{\"removed\":[{row}],\"added\":[{row}]}}")),
        line(&format!("\"action\":\"snapshot\",\"snapshot\":[{row}]")),
        line(&format!("\"action\":\"snapshot\",\"columns\":{row}")),
        added(&numbers).replace("\"numerics\":false", "\"numerics\":true"),
        added(&row).replace("1772352600", "\"1772352600\""),
        added(&row).replace("hostIdentifier", "hostname"),
        added(&row).replace(
            "\"hostIdentifier\":\"ws-3\"",
            "\"hostIdentifier\":\"x\",\"hostname\":\"ws-3\"",
        ),
        format!("{{\"log_type\":\"result\",\"data\":[{}]}}", added(&row)),
        format!("[{{\"log\":\"osquery\",\"data\":{}}}]", added(&row)),
    ] {
        let read = read_bytes(text.as_bytes());
        assert_eq!(read.logons, std::slice::from_ref(expected), "{text}");
        assert_eq!(read.rejects, []);
    }
    let removed = added(&row).replace("\"added\"", "\"removed\"");
    let read = read_bytes(removed.as_bytes());
    assert_eq!((read.logons.len(), read.tally().records), (0, 1));
    let empty = read_bytes(line("\"action\":\"snapshot\",\"snapshot\":[]").as_bytes());
    assert_eq!((empty.files[0].format, empty.tally().records), (Format::Osquery, 1));
}

#[test]
fn refused_tries_and_logon_screens_are_no_logons() {
    let rows = [
        r#"{"type":"user","user":"nobody.here","tty":"","host":"","time":"1772352000","pid":"9"}"#,
        r#"{"username":"nobody.here","type":"7","type_name":"user-process","tty":"","host":":0","time":"1772352001","pid":"9"}"#,
        r#"{"type":"user","user":"(unknown)","tty":":0","host":":0","time":"1772352002","pid":"9"}"#,
        r#"{"type":"user","user":"gdm-greeter-2","tty":"tty1","host":"","time":"1772352003","pid":"9"}"#,
        r#"{"username":"_mbsetupuser","type":"7","tty":"console","host":"","time":"1772352004","pid":"9"}"#,
        r#"{"type":"user","user":"iris","tty":"tty2","host":"","time":"1772352005","pid":"9"}"#,
        r#"{"type":"active","user":"jo","tty":"","host":"","time":"1772352006","pid":"-1"}"#,
    ];
    let text: Vec<_> = rows.iter().map(|row| added(row)).collect();
    let read = read_bytes(text.join("\n").as_bytes());
    assert_eq!(read.users(), ["iris", "jo"]);
    let tally = read.tally();
    assert_eq!((tally.records, tally.failures, tally.noise), (7, 2, 3));
}

#[test]
fn the_tables_of_one_session_are_one_logon() {
    let windows = [
        "{\"user\":\"Ann\",\"type\":\"active\",\"tty\":\"Console\",\"host\":\"\",\"time\":\"1772352000\",\
          \"pid\":\"-1\",\"sid\":\"S-1-5-21-1-2-3-1104\",\"registry_hive\":\"x\"}",
        "{\"user\":\"ann\",\"logon_domain\":\"CORP\",\"logon_id\":\"77\",\"logon_type\":\"Interactive\",\
          \"logon_sid\":\"S-1-5-21-1-2-3-1104\",\"logon_time\":1772352000,\"upn\":\"\"}",
        "{\"user\":\"ann\",\"logon_domain\":\"CORP\",\"logon_id\":\"78\",\"logon_type\":\"Interactive\",\
          \"logon_sid\":\"S-1-5-21-1-2-3-1104\",\"logon_time\":\"1772352000\",\"upn\":\"\"}",
    ];
    let linux = [
        session("ann", ""),
        session("ann", ",\"type_name\":\"user-process\"")
            .replace("\"user\":\"ann\"", "\"username\":\"ann\"")
            .replace("\"type\":\"user\"", "\"type\":\"7\""),
    ];
    for rows in [windows.map(str::to_owned).as_slice(), &linux] {
        let lines: Vec<_> = rows.iter().map(|row| added(row)).collect();
        let read = read_bytes(lines.join("\n").as_bytes());
        assert_eq!(read.logons.len(), rows.len());
        assert_eq!(relations(&read.logons).values().next().unwrap().2, 1, "{:?}", read.logons);
    }
    let network = |id: &str| added(&windows[1].replace("Interactive", "Network").replace("77", id));
    let read = read_bytes([network("77"), network("78")].join("\n").as_bytes());
    assert_ne!(read.logons[0].key, read.logons[1].key);
}

#[test]
fn only_sessions_of_persons_relate() {
    let lines = [
        added(&session("ann", "")),
        added(&session("ben", ",\"type\":\"boot_time\"")),
        added(&session("cy", ",\"type\":\"dead\"")),
        added(&session("reboot", "")),
        added(&session("dora", ",\"host\":\":0\"")),
        added(&session("eve", ",\"host\":\"\"")),
        added(&session("fay", ",\"host\":\"gate.example\"")),
        added(&session("gus", ",\"host\":\"\\u00fe\\u0080\\u0000\\u0001\"")),
        added("{\"username\":\"hal\",\"type\":\"8\",\"tty\":\"x\",\"time\":\"1772352000\"}"),
        added(
            "{\"user\":\"SYSTEM\",\"logon_sid\":\"S-1-5-18\",\"logon_time\":\"0\",\
               \"logon_type\":\"Undefined Logon Type\"}",
        ),
        line("\"severity\":0,\"filename\":\"a\",\"line\":1,\"message\":\"snapshot\""),
        added("{\"port\":\"22\",\"pid\":\"612\"}"),
    ];
    let read = read_bytes(lines.join("\n").as_bytes());
    assert_eq!(read.rejects, []);
    assert_eq!(read.users(), ["ann", "dora", "eve", "fay", "gus"]);
    let words: Vec<_> = read.logons.iter().map(|logon| logon.logon_type.word()).collect();
    let remote = "RemoteInteractive";
    assert_eq!(words, [remote, "Interactive", "Interactive", remote, remote]);
    assert_eq!(read.logons[3].remote_name.as_deref(), Some("gate.example"));
    assert_eq!((read.logons[4].remote_address, &read.logons[4].remote_name), (None, &None));
    assert_eq!((read.tally().records, read.tally().noise), (12, 1));
}

#[test]
fn a_machine_is_called_by_the_best_name_there_is() {
    let uuid = "4C4C4544-0042-3510-8051-B7C04F4A4D32";
    let named = |identifier: &str, decorations: &str| {
        added(&session("ann", ""))
            .replace("\"ws-3\"", &format!("\"{identifier}\""))
            .replace("\"decorations\":{}", decorations)
    };
    let name = |text: &str| read_bytes(text.as_bytes()).logons[0].machine.name.clone();
    assert_eq!(name(&named("ws-3", "\"decorations\":{}")), "ws-3");
    assert_eq!(name(&named("ws-3", "\"decorations\":{\"hostname\":\"ws-4\"}")), "ws-4");
    assert_eq!(name(&named(uuid, "\"hostname\":\"ws-5\"")), "ws-5");
    assert_eq!(name(&named(uuid, "\"x\":1")), uuid);
    let given = Options { device: Some("ws-6".to_owned()), ..options() };
    let read = read_bytes_with(named(uuid, "\"x\":1").as_bytes(), &given);
    assert_eq!(read.logons[0].machine.name, "ws-6");
    let nameless = named("", "\"x\":1");
    let read = read_bytes(nameless.as_bytes());
    assert_eq!(read.rejects[0].reason, "the machine's name is missing; --device gives it");
}

#[test]
fn broken_rows_are_told_and_the_rest_is_read() {
    let rows = [
        session("ann", ""),
        session("ben", "").replace("1772352000", "soon"),
        "7".to_owned(),
        session("cy", ""),
    ];
    let text = [
        line(&format!("\"action\":\"snapshot\",\"snapshot\":[{}]", rows.join(","))),
        added(&session("dora", "")).replace("\"epoch\":0", "\"epoch\":"),
        added("{\"user\":\"eve\",\"logon_time\":\"1\",\"logon_type\":\"Odd\"}"),
    ];
    let read = read_bytes(text.join("\n").as_bytes());
    assert_eq!(read.users(), ["ann", "cy"]);
    let told: Vec<_> =
        read.rejects.iter().map(|reject| (reject.position.to_string(), &*reject.reason)).collect();
    assert_eq!(told[0], ("line 1".to_owned(), "time is missing"));
    assert!(told[1].0 == "line 2" && told[1].1.starts_with("not valid JSON"), "{told:?}");
    assert_eq!(told[2], ("line 3".to_owned(), "logon_type `Odd` is not a logon type"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_changed_byte_never_panics(at in 0usize..2000, byte: u8, is_list: bool) {
        let row = session("ann", ",\"address\":\"10.0.0.1\",\"interface\":\"eth0\"");
        let text = if is_list {
            line(&format!("\"diffResults\":{{\"added\":[{row}]}}"))
        } else {
            added(&row)
        };
        let mut bytes = text.into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let read = read_bytes(&bytes);
        prop_assert!(read.logons.len() <= 1);
        prop_assert!(!read.rejects.iter().any(|reject| reject.reason.contains("defect")));
    }

    #[test]
    fn no_rows_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let start = b"{\"unixTime\":1,\"hostIdentifier\":\"a\",\"snapshot\":[{\"user\":";
        let read = read_bytes(&[&start[..], &bytes, b"]}"].concat());
        prop_assert!(!read.rejects.iter().any(|reject| reject.reason.contains("defect")));
    }
}
