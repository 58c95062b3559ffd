//! Real files against what an independent program found in them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use ingest::passwd::Passwd;
use ingest::{Format, Options};
use inventory::logon::Logon;
use inventory::time::Timestamp;
use jiff::tz::{TimeZone, offset};

use crate::support::{Collected, data, options, read_bytes_with, read_file_with};

/// The kinds of source that can be read.
const KINDS: [&str; 12] = [
    "evtx",
    "nxlog",
    "flatz",
    "wefxml",
    "winlogbeat6",
    "winlogbeat_ecs",
    "sentinel",
    "wtmp",
    "lastlog",
    "journal",
    "authlog",
    "audit",
];

/// What a relation is in the truth: first and last seen, count, types.
type Relations = BTreeMap<(String, String), (String, String, u64, String)>;

/// A time cut to milliseconds, or to seconds for the sources that have no more.
fn cut(time: Timestamp, digits: usize) -> String {
    let fraction = format!("{:07}", time.fraction());
    let seconds = time.whole_second().to_string();
    match digits {
        0 => seconds,
        _ => format!("{}.{}Z", seconds.trim_end_matches('Z'), &fraction[..digits]),
    }
}

fn fold(logons: &[Logon], digits: usize) -> Relations {
    let mut seen = HashSet::new();
    let mut all: BTreeMap<_, (Timestamp, Timestamp, u64, BTreeSet<u8>)> = BTreeMap::new();
    for logon in logons {
        let machine = logon.machine.name.to_lowercase();
        let key = match logon.key.record {
            Some(record) => (machine.clone(), record, logon.time, String::new()),
            None => (machine.clone(), logon.key.session, logon.time, logon.account.name.clone()),
        };
        if !seen.insert(key) {
            continue;
        }
        let relation = all.entry((logon.account.name.clone(), machine)).or_insert((
            logon.time,
            logon.time,
            0,
            BTreeSet::new(),
        ));
        relation.0 = relation.0.min(logon.time);
        relation.1 = relation.1.max(logon.time);
        relation.2 += 1;
        relation.3.insert(logon.logon_type.number());
    }
    let text = |types: BTreeSet<u8>| {
        let words: Vec<_> = types.iter().map(u8::to_string).collect();
        words.join(",")
    };
    all.into_iter()
        .map(|(key, (first, last, count, types))| {
            (key, (cut(first, digits), cut(last, digits), count, text(types)))
        })
        .collect()
}

fn truth(path: &Path, digits: usize) -> Relations {
    let table = std::fs::read_to_string(path).unwrap();
    let time = |text: &str| match digits {
        0 => format!("{}Z", text.split('.').next().unwrap()),
        _ => text.to_owned(),
    };
    table
        .lines()
        .skip(1)
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            (
                (columns[0].to_owned(), columns[1].to_owned()),
                (
                    time(columns[2]),
                    time(columns[3]),
                    columns[4].parse().unwrap(),
                    types(columns[5]),
                ),
            )
        })
        .collect()
}

/// The truth tells Linux' logons by place or method; which type each counts as is ours to say.
fn types(text: &str) -> String {
    let mut numbers: Vec<&str> = text
        .split(',')
        .map(|kind| match kind {
            "local" => "2",
            "remote" => "10",
            kind if kind.starts_with("ssh:") => "10",
            number => number,
        })
        .collect();
    numbers.dedup();
    numbers.join(",")
}

/// A column of SUMMARY.tsv for a source.
fn summary(data: &Path, source: &str, column: &str) -> u64 {
    let table = std::fs::read_to_string(data.join("truth/SUMMARY.tsv")).unwrap();
    let mut lines = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let at = names.iter().position(|name| *name == column).unwrap();
    let line = lines.find(|line| line[0] == source).unwrap();
    line[at].parse().unwrap()
}

struct Source<'a> {
    path: &'a str,
    kind: &'a str,
    slug: &'a str,
}

fn check(data: &Path, source: &Source<'_>, options: &Options) -> Collected {
    let Source { path, kind, slug } = *source;
    let read = read_file_with(&data.join(path), options);
    let cuts = slug.starts_with("derived/") && kind == "nxlog";
    let digits = if cuts { 0 } else { 3 };
    let expected = truth(&data.join("truth").join(slug).join("all.tsv"), digits);
    assert_eq!(fold(&read.logons, digits), expected, "{path}");
    // Of text files the truth counts sshd's lines alone.
    if kind != "authlog" {
        assert_eq!(read.tally().records, summary(data, path, "records"), "{path}");
    }
    // The truth counts exact repeats once, which is the store's work and not a reader's.
    let tally = match summary(data, path, "repeats_dropped") {
        0 => read.tally(),
        _ => without_repeats(&data.join(path), options).tally(),
    };
    for (column, count) in
        [("noise", tally.noise), ("failed", tally.failures), ("non_noise", tally.logons)]
    {
        assert_eq!(count, summary(data, path, column), "{path}: {column}");
    }
    let format = match kind {
        "evtx" => Format::Evtx,
        "nxlog" => Format::NxLog,
        "wefxml" => Format::WefXml,
        "winlogbeat6" | "winlogbeat_ecs" => Format::Winlogbeat,
        "sentinel" => Format::Sentinel,
        "wtmp" => Format::Utmp,
        "lastlog" => Format::Lastlog,
        "journal" => Format::Journal,
        "authlog" => Format::Syslog,
        "audit" => Format::Auditd,
        _ => Format::FlatJson,
    };
    assert!(read.files.iter().all(|file| file.format == format), "{path}: {:?}", read.files);
    read
}

/// Reads a file of Winlogbeat's lines with each event once.
fn without_repeats(path: &Path, options: &Options) -> Collected {
    let text = std::fs::read_to_string(path).unwrap();
    let mut seen = HashSet::new();
    let is_new = |line: &&str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let winlog = &line["winlog"];
        let key = [&line["@timestamp"], &winlog["computer_name"], &winlog["record_id"]];
        seen.insert(key.map(ToString::to_string))
    };
    let lines: Vec<_> = text.lines().filter(is_new).collect();
    read_bytes_with(lines.join("\n").as_bytes(), options)
}

#[test]
fn real_files_give_what_an_independent_program_found() {
    let Some(data) = data() else { return };
    let list = std::fs::read_to_string(data.join("sources.tsv")).unwrap();
    let mut checked = 0;
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let source = Source { path: columns[0], kind: columns[1], slug: columns[3] };
        if !KINDS.contains(&source.kind) {
            continue;
        }
        checked += 1;
        let mut options = options();
        for (key, value) in columns[2].split(';').filter_map(|option| option.split_once('=')) {
            match key {
                "tz" if value == "+02:00" => options.timezone = Some(TimeZone::fixed(offset(2))),
                "year" => options.year = Some(value.parse().unwrap()),
                "device" => options.device = Some(value.to_owned()),
                "passwd" => {
                    let file = data.join(source.path).with_file_name(value);
                    options.users = Passwd::parse(&std::fs::read(file).unwrap());
                }
                // Which layout and which records: to be found out.
                _ => {}
            }
        }
        for threads in [1, 3] {
            options.threads = threads.try_into().unwrap();
            let read = check(&data, &source, &options);
            eprintln!("{}: {:?} {:?} {:?}", source.path, read.rejects, read.skipped, read.warnings);
        }
    }
    assert!(checked >= 40, "{checked}");
}

/// The forms of one host's logs tell the same logons, however they are read.
#[test]
fn a_logon_is_one_event_in_whichever_form_of_a_log() {
    let Some(data) = data() else { return };
    for host in ["lab-web01", "lab-db02", "lab-ws03"] {
        let mut options = options();
        options.device = Some(host.to_owned());
        options.year = Some(2026);
        let folder = data.join("linux/capture");
        let passwd = std::fs::read(folder.join(format!("{host}.passwd"))).unwrap();
        options.users = Passwd::parse(&passwd);
        let events = |file: &str| {
            let read = read_file_with(&folder.join(format!("{host}.{file}")), &options);
            assert_eq!(read.rejects, [], "{file}");
            let logons = read.logons.into_iter();
            // The journal alone knows the machine-id; the machine is the same by name.
            let event =
                |it: Logon| (it.account, it.machine.machine_id(), it.time.whole_second(), it.key);
            logons.map(event).collect::<HashSet<_>>()
        };
        let journal = events("sshd.journal.json");
        assert!(journal.len() > 3);
        assert_eq!(events("sshd.journal.export"), journal);
        assert_eq!(events("auth-iso.log"), journal);
        assert_eq!(events("auth.log"), journal);
        let wtmp = events("wtmp");
        assert!(events("lastlog").is_subset(&wtmp), "{host}");
    }
}

#[test]
fn failures_make_no_logons() {
    let Some(data) = data() else { return };
    for (host, failures) in [("lab-web01", 6), ("lab-db02", 5), ("lab-ws03", 1)] {
        let read = read_file_with(&data.join(format!("linux/capture/{host}.btmp")), &options());
        assert_eq!((read.tally().failures, read.tally().records), (failures, failures));
        assert_eq!((read.logons, read.rejects), (Vec::new(), Vec::new()));
    }
}
