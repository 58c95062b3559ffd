//! wtmp, btmp and lastlog.

use ingest::Format;
use ingest::passwd::Passwd;
use inventory::logon::Source;
use proptest::prelude::*;

use super::{on, rejects, told};
use crate::support::{gzip, read_bytes, read_bytes_with, read_file_with, tar, write};

const LAYOUTS: [(bool, bool); 4] = [(false, false), (true, false), (false, true), (true, true)];

/// A record of wtmp, in a layout of (64-bit times, big-endian).
fn record(
    (wide, big): (bool, bool),
    kind: i16,
    line: &str,
    user: &str,
    host: &str,
    seconds: i64,
) -> Vec<u8> {
    let number = |value: i64, bytes: usize| -> Vec<u8> {
        let all = value.to_le_bytes();
        let mut number = all[..bytes].to_vec();
        if big {
            number.reverse();
        }
        number
    };
    let text = |text: &str, bytes: usize| {
        let mut field = text.as_bytes().to_vec();
        field.resize(bytes, 0);
        field
    };
    let word = if wide { 8 } else { 4 };
    let mut record = [
        number(kind.into(), 2),
        vec![0; 2],
        number(1234, 4),
        text(line, 32),
        text("ts/0", 4),
        text(user, 32),
        text(host, 256),
        vec![0; 4],
        number(0, word),
        number(seconds, word),
        number(250_000, word),
        vec![0; 16],
    ]
    .concat();
    record.resize(if wide { 400 } else { 384 }, 0);
    record
}

const NOON: i64 = 1_772_366_400; // 2026-03-01T12:00:00Z

fn wtmp(layout: (bool, bool)) -> Vec<u8> {
    [
        record(layout, 2, "~", "reboot", "6.1.0-18-amd64", NOON),
        record(layout, 6, "tty1", "LOGIN", "", NOON + 1),
        record(layout, 7, "tty1", "ann", "", NOON + 2),
        record(layout, 7, "pts/0", "Bob", "2001:db8::7", NOON + 3),
        record(layout, 7, "pts/1", "bob", "bastion.corp.example", NOON + 4),
        record(layout, 7, "seat0", "cem", ":0", NOON + 5),
        record(layout, 8, "pts/0", "", "", NOON + 6),
        record(layout, 7, "pts/2", "a.name.of.thirty-two.characters.", "", NOON + 7),
        record(layout, 23, "x", "y", "z", NOON + 8),
        record(layout, 7, "pts/3", "dan", "192.0.2.7", 0),
    ]
    .concat()
}

#[test]
fn all_layouts_give_the_same() {
    for layout in LAYOUTS {
        let read = read_bytes_with(&wtmp(layout), &on("web-1"));
        assert_eq!(
            told(&read),
            [
                "ann@web-1 2",
                "bob@web-1 10 2001:db8::7",
                "bob@web-1 10 bastion.corp.example",
                "cem@web-1 2",
                "a.name.of.thirty-two.characters.@web-1 2",
                "dan@web-1 10 192.0.2.7",
            ],
            "{layout:?}"
        );
        assert_eq!(read.times()[0], "2026-03-01T12:00:02.25Z");
        assert_eq!((read.tally().records, read.tally().failures), (10, 0));
        assert_eq!(read.files[0].format, Format::Utmp);
        assert_eq!(read.logons[0].source, Source::Utmp);
        assert_eq!(read.rejects, []);
    }
}

#[test]
fn a_single_record_is_known_and_times_last_beyond_2038() {
    for layout in LAYOUTS {
        for seconds in [NOON, 4_102_444_800] {
            let one = record(layout, 7, "pts/0", "ann", "192.0.2.7", seconds);
            let read = read_bytes_with(&one, &on("web-1"));
            assert_eq!(read.logons.len(), 1, "{layout:?}");
            assert_eq!(read.logons[0].time.seconds(), seconds);
        }
    }
}

#[test]
fn without_a_machine_each_logon_is_rejected_by_its_place() {
    let read = read_bytes(&wtmp((false, false)));
    assert_eq!(read.logons, []);
    assert_eq!(read.tally().rejects, 6);
    assert_eq!(rejects(&read)[0], "byte 768: the machine's name is missing; --device gives it");
}

#[test]
fn a_record_that_was_cut_costs_itself_and_not_those_behind_it() {
    for layout in LAYOUTS {
        let whole = wtmp(layout);
        let size = whole.len() / 10;
        // The disk was full, and went on at the next byte.
        let cut = [&whole[..3 * size], &whole[3 * size..3 * size + 130], &whole[4 * size..]];
        let read = read_bytes_with(&cut.concat(), &on("web-1"));
        assert_eq!(read.logons.len(), 5, "{layout:?}: {:?}", read.rejects);
        assert_eq!(
            rejects(&read),
            [format!("byte {}: 130 bytes that are no record of {size}", 3 * size)]
        );
        let ended = read_bytes_with(&whole[..3 * size + 130], &on("web-1"));
        assert_eq!(told(&ended), ["ann@web-1 2"]);
        assert_eq!(
            rejects(&ended),
            [format!("byte {}: a record that ends after 130 of {size} bytes", 3 * size)]
        );
    }
}

#[test]
fn records_that_somebody_zeroed_are_passed_over() {
    let whole = wtmp((false, false));
    let mut zeroed = whole.clone();
    zeroed[3 * 384..4 * 384].fill(0);
    let read = read_bytes_with(&zeroed, &on("web-1"));
    assert_eq!((read.logons.len(), read.tally().rejects), (5, 0));
}

/// Tables of numbers are not to be taken for records.
#[test]
fn small_numbers_are_no_records() {
    for step in [4, 8, 16, 384, 400] {
        let mut bytes = vec![0; 40_000];
        for (index, word) in bytes.chunks_exact_mut(step).enumerate() {
            let number = [7u32, 1_772_366_400, 65, 250][index % 4];
            word[..4].copy_from_slice(&number.to_le_bytes());
        }
        let read = read_bytes_with(&bytes, &on("web-1"));
        assert_eq!(read.files, [], "{step}");
    }
}

#[test]
fn a_btmp_makes_no_logons_whatever_wrote_it() {
    for layout in LAYOUTS {
        let of_sshd = record(layout, 6, "ssh:notty", "root", "192.0.2.7", NOON);
        // GDM writes failures as if they were logons.
        let of_gdm = record(layout, 7, "tty2", "ann", ":0", NOON + 1);
        let both = [of_gdm.clone(), of_sshd.clone(), of_gdm.clone()].concat();
        let read = read_bytes_with(&both, &on("web-1"));
        assert_eq!((read.logons.len(), read.tally().failures, read.tally().records), (0, 3, 3));
        let folder = tempfile::tempdir().unwrap();
        let path = write(&folder, "log/btmp.1", &of_gdm);
        let read = read_file_with(&path, &on("web-1"));
        assert_eq!((read.logons.len(), read.tally().failures), (0, 1));
        let archive = gzip(&tar(&[("var/log/btmp-20260301", &of_gdm)]));
        assert_eq!(read_bytes_with(&archive, &on("web-1")).tally().failures, 1);
    }
}

#[test]
fn logon_screens_and_refused_tries_put_nobody_on_a_machine() {
    for layout in LAYOUTS {
        let wtmp = [
            record(layout, 2, "~", "reboot", "3.16.0", NOON),
            record(layout, 7, ":0", "(unknown)", ":0", NOON + 1),
            record(layout, 8, ":0", "(unknown)", ":0", NOON + 2),
            record(layout, 7, ":0", "Debian-gdm", ":0", NOON + 3),
            record(layout, 7, "tty1", "gdm-greeter-3", "", NOON + 4),
            record(layout, 7, "", "nobody.here", "", NOON + 5),
            record(layout, 7, "", "iris.kahn", ":0", NOON + 6),
            record(layout, 7, "tty2", "iris.kahn", "", NOON + 7),
            record(layout, 7, "pts/0", "greeter1", "192.0.2.9", NOON + 8),
            record(layout, 7, "pts/1", "greeter", "192.0.2.9", NOON + 9),
        ]
        .concat();
        let read = read_bytes_with(&wtmp, &on("app-9"));
        assert_eq!(told(&read), ["iris.kahn@app-9 2", "greeter1@app-9 10 192.0.2.9"]);
        let tally = read.tally();
        assert_eq!((tally.records, tally.noise, tally.failures), (10, 4, 2));
    }
}

#[test]
fn windows_of_tmux_and_screen_are_local_and_mosh_has_an_address() {
    let layout = (false, false);
    let hosts = ["tmux(4321).%1", ":pts/9:S.0", "2001:db8::9 via mosh [77]"];
    let records = hosts.map(|host| record(layout, 7, "pts/4", "ann", host, NOON));
    let read = read_bytes_with(&records.concat(), &on("web-1"));
    assert_eq!(told(&read), ["ann@web-1 2", "ann@web-1 2", "ann@web-1 10 2001:db8::9"]);
}

/// A lastlog whose numbers alone are known has the screen's account, too.
#[test]
fn a_system_account_on_a_display_is_the_logon_screen() {
    let file = lastlog((false, false), &[(0, "tty1", ""), (42, ":0", ""), (1003, ":0", "")]);
    assert_eq!(told(&read_bytes_with(&file, &on("web-1"))), ["0@web-1 2", "1003@web-1 2"]);
    let users = Passwd::parse(b"sddm:x:1003:1003::/:/bin/false\n");
    let options = ingest::Options { users, ..on("web-1") };
    assert_eq!(told(&read_bytes_with(&file, &options)), ["0@web-1 2"]);
}

/// A file is a lastlog only where each of its records looks like one.
#[test]
fn a_record_that_is_none_makes_it_no_lastlog() {
    let sound =
        lastlog((false, false), &[(0, "tty1", ""), (9, "pts/0", "gate"), (5000, "pts/1", "")]);
    let mut odd = sound.clone();
    odd[9 * 292 + 4] = 7;
    let read = read_bytes_with(&odd, &on("web-1"));
    assert_eq!((read.files, read.skipped.len()), (Vec::new(), 1));
    // What comes far behind what was looked at is told by its place.
    let mut odd = sound.clone();
    odd[5000 * 292 + 4] = 7;
    let read = read_bytes_with(&odd, &on("web-1"));
    assert_eq!(read.logons.len(), 2);
    assert_eq!(rejects(&read), [format!("byte {}: 292 bytes that are no record", 5000 * 292)]);
}

#[test]
fn openbsds_lastlog_is_told_from_linuxs() {
    let lastlog = |users: &[(usize, &str, &str)]| {
        let last = users.iter().map(|&(uid, ..)| uid).max().unwrap();
        let mut bytes = vec![0; (last + 1) * 272];
        for &(uid, line, host) in users {
            let record = &mut bytes[uid * 272..(uid + 1) * 272];
            record[..8].copy_from_slice(&(NOON + uid as i64).to_le_bytes());
            record[8..8 + line.len()].copy_from_slice(line.as_bytes());
            record[16..16 + host.len()].copy_from_slice(host.as_bytes());
        }
        bytes
    };
    // 1036 times 272 bytes is where a record of 296 bytes begins, too: of user 952.
    for users in [&[(1036, "ttyC0", "")][..], &[(0, "ttyp0", "gate"), (1036, "ttyC0", "")]] {
        let read = read_bytes_with(&lastlog(users), &on("bsd-1"));
        let last = read.logons.last().unwrap();
        assert_eq!((last.account.name.as_str(), last.time.seconds()), ("1036", NOON + 1036));
        assert_eq!(read.logons.len(), users.len());
    }
    let users: Vec<_> = (1000..1200).map(|uid| (uid, "ttyp1", "")).collect();
    let read = read_bytes_with(&lastlog(&users), &on("bsd-1"));
    assert_eq!((read.logons.len(), read.tally().rejects), (200, 0));
    assert_eq!(read.users()[0], "1000");
}

/// A record of lastlog, in a layout of (64-bit times, big-endian).
fn lastlog((wide, big): (bool, bool), users: &[(usize, &str, &str)]) -> Vec<u8> {
    let size = if wide { 296 } else { 292 };
    let last = users.iter().map(|&(uid, ..)| uid).max().unwrap();
    let mut bytes = vec![0; (last + 1) * size];
    for &(uid, line, host) in users {
        let time = NOON + uid as i64;
        let time = match (wide, big) {
            (false, false) => (time as u32).to_le_bytes().to_vec(),
            (false, true) => (time as u32).to_be_bytes().to_vec(),
            (true, false) => time.to_le_bytes().to_vec(),
            (true, true) => time.to_be_bytes().to_vec(),
        };
        let record = &mut bytes[uid * size..];
        record[..time.len()].copy_from_slice(&time);
        let line_at = time.len();
        record[line_at..line_at + line.len()].copy_from_slice(line.as_bytes());
        record[line_at + 32..line_at + 32 + host.len()].copy_from_slice(host.as_bytes());
    }
    bytes
}

#[test]
fn a_lastlog_is_read_in_all_layouts_however_late_it_begins() {
    let users = Passwd::parse(b"root:x:0:0::/root:/bin/sh\nann:x:60001:1::/:/bin/sh\n");
    for layout in LAYOUTS {
        for first in [0, 1000, 60_000] {
            let file = lastlog(
                layout,
                &[(first, "tty1", ""), (60_001, "pts/0", "192.0.2.7"), (60_003, "pts/1", "gate")],
            );
            let options = ingest::Options { users: users.clone(), ..on("web-1") };
            let read = read_bytes_with(&file, &options);
            let user = if first == 0 { "root".to_owned() } else { first.to_string() };
            assert_eq!(
                told(&read),
                [
                    format!("{user}@web-1 2"),
                    "ann@web-1 10 192.0.2.7".to_owned(),
                    "60003@web-1 10 gate".to_owned(),
                ],
                "{layout:?}"
            );
            assert!(read.warnings[0].contains("--passwd"), "{:?}", read.warnings);
            assert_eq!(read.files[0].format, Format::Lastlog);
            let cut = read_bytes_with(&file[..file.len() - 100], &options);
            assert_eq!((cut.logons.len(), cut.tally().rejects), (2, 1));
        }
    }
}

#[test]
fn zeros_and_what_follows_them_need_not_be_a_lastlog() {
    for bytes in [vec![0; 1], vec![0; 5_000_000], [vec![0; 292_000], vec![7; 5000]].concat()] {
        let read = read_bytes_with(&bytes, &on("web-1"));
        assert_eq!(read.files, []);
        assert_eq!(read.skipped.len(), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn flipped_and_missing_bytes_never_panic(
        layout in 0usize..4,
        flips in prop::collection::vec((0usize..4_000, any::<u8>()), 0..60),
        missing in 0usize..800,
        length in 0usize..4_001,
    ) {
        for mut bytes in [
            wtmp(LAYOUTS[layout]),
            lastlog(LAYOUTS[layout], &[(0, "tty1", ""), (3, "pts/0", "a"), (9, "pts/1", "b")]),
        ] {
            for &(at, byte) in &flips {
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            bytes.drain(..missing);
            bytes.truncate(length);
            let read = read_bytes_with(&bytes, &on("web-1"));
            prop_assert!(!read.rejects.iter().any(|reject| reject.reason.contains("defect")));
        }
    }

    /// However a file is torn, no more than what it tore is lost.
    #[test]
    fn what_a_tear_loses_is_bounded(
        layout in 0usize..4,
        tears in prop::collection::vec((1usize..60, 1usize..380), 1..4),
    ) {
        let one = |at: i64| record(LAYOUTS[layout], 7, "pts/0", "ann", "192.0.2.7", NOON + at);
        let records: Vec<Vec<u8>> = (0..64).map(one).collect();
        let mut torn = records.clone();
        for &(index, length) in &tears {
            torn[index].truncate(length);
        }
        let lost = torn.iter().zip(&records).filter(|(torn, whole)| torn != whole).count();
        let read = read_bytes_with(&torn.concat(), &on("web-1"));
        // A tear between two others can take the record between them with it.
        prop_assert!(read.logons.len() + 2 * lost >= 64, "{} {:?}", read.logons.len(), read.rejects);
    }
}
