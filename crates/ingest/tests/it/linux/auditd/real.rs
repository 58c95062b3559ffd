//! Real records of several distributions, raw, of nodes and inside syslog, against what an independent
//! program found in them.

use std::collections::BTreeMap;

use ingest::{Format, Options};
use inventory::time::Timestamp;

use crate::support::{data, options, read_file_with};

/// First and last seen, and how many.
type Seen = (String, String, u64);

fn milliseconds(time: Timestamp) -> String {
    let fraction = &format!("{:07}", time.fraction())[..3];
    format!("{}.{fraction}Z", time.whole_second().to_string().trim_end_matches('Z'))
}

#[test]
fn real_records_give_what_an_independent_program_found() {
    let Some(data) = data() else { return };
    let folder = data.join("turn2");
    let Ok(list) = std::fs::read_to_string(folder.join("sources.tsv")) else {
        eprintln!("SKIPPED: there is no {}", folder.display());
        return;
    };
    let mut checked = 0;
    for line in list.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [path, "audit", settings, truth, ..] = columns[..] else { continue };
        let device = settings.split(';').find_map(|it| it.strip_prefix("device="));
        let options = Options { device: device.map(str::to_owned), ..options() };
        let read = read_file_with(&folder.join(path), &options);
        let mut found: BTreeMap<(String, String), (Timestamp, Timestamp, u64)> = BTreeMap::new();
        for logon in &read.logons {
            let key = (logon.account.name.clone(), logon.machine.name.to_lowercase());
            let seen = found.entry(key).or_insert((logon.time, logon.time, 0));
            *seen = (seen.0.min(logon.time), seen.1.max(logon.time), seen.2 + 1);
        }
        let found: BTreeMap<_, Seen> = found
            .into_iter()
            .map(|(key, it)| (key, (milliseconds(it.0), milliseconds(it.1), it.2)))
            .collect();
        let table = std::fs::read_to_string(folder.join(truth)).unwrap();
        let expected: BTreeMap<_, Seen> = table
            .lines()
            .skip(1)
            .map(|line| {
                let it: Vec<&str> = line.split('\t').collect();
                let key = (it[0].to_owned(), it[1].to_owned());
                (key, (it[2].to_owned(), it[3].to_owned(), it[4].parse().unwrap()))
            })
            .collect();
        assert_eq!(found, expected, "{path}");
        assert_eq!(
            (read.tally().rejects, read.skipped.len()),
            (0, 0),
            "{path}: {:?}",
            read.rejects
        );
        assert!(read.files.iter().all(|file| file.format == Format::Auditd), "{path}");
        checked += 1;
    }
    assert!(checked >= 6, "{checked}");
}
