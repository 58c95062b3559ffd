//! Real files against what an independent program found in them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use ingest::{Format, Options};
use inventory::logon::Logon;
use inventory::time::Timestamp;
use jiff::tz::{TimeZone, offset};

use crate::support::{Collected, data, options, read_bytes_with, read_file_with};

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
                    columns[5].to_owned(),
                ),
            )
        })
        .collect()
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
    assert_eq!(read.tally().records, summary(data, path, "records"), "{path}");
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
        if !["evtx", "nxlog", "flatz", "wefxml", "winlogbeat6", "winlogbeat_ecs", "sentinel"]
            .contains(&source.kind)
        {
            continue;
        }
        checked += 1;
        let mut options = options();
        if columns[2] == "tz=+02:00" {
            options.timezone = Some(TimeZone::fixed(offset(2)));
        }
        for threads in [1, 3] {
            options.threads = threads.try_into().unwrap();
            let read = check(&data, &source, &options);
            eprintln!("{}: {:?} {:?} {:?}", source.path, read.rejects, read.skipped, read.warnings);
        }
    }
    assert!(checked >= 23, "{checked}");
}
