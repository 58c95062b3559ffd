//! utmp and wtmp of other systems: read, or refused by their name.

use ingest::Format;
use inventory::logon::Source;
use proptest::prelude::*;

use super::{on, rejects, told};
use crate::support::{read_bytes, read_bytes_with};

const NOON: i64 = 1_772_366_400; // 2026-03-01T12:00:00Z

fn text(text: &str, bytes: usize) -> Vec<u8> {
    let mut field = text.as_bytes().to_vec();
    field.resize(bytes, 0);
    field
}

/// A record of macOS' utmpx.
fn macos(big: bool, kind: i16, line: &str, user: &str, host: &str, seconds: i64) -> Vec<u8> {
    let order = |mut bytes: Vec<u8>| {
        if big {
            bytes.reverse();
        }
        bytes
    };
    [
        text(user, 256),
        text("s000", 4),
        text(line, 32),
        order(77i32.to_le_bytes().to_vec()),
        order(kind.to_le_bytes().to_vec()),
        vec![0; 2],
        order((seconds as i32).to_le_bytes().to_vec()),
        order(250_000i32.to_le_bytes().to_vec()),
        text(host, 256),
        vec![0; 64],
    ]
    .concat()
}

#[test]
fn macos_utmpx_is_read_in_both_byte_orders() {
    for big in [false, true] {
        let bytes = [
            macos(big, 10, "", "utmpx-1.00", "", 0),
            macos(big, 2, "", "", "", NOON),
            macos(big, 7, "console", "Ruth", "", NOON + 1),
            macos(big, 7, "console", "_mbsetupuser", "", NOON + 2),
            macos(big, 7, "ttys001", "ivo", "2001:db8::9", NOON + 3),
            macos(big, 8, "ttys001", "ivo", "", NOON + 4),
            macos(big, 11, "", "", "", NOON + 5),
            macos(big, 0, "", "", "", 0),
        ]
        .concat();
        let read = read_bytes_with(&bytes, &on("mac-1"));
        assert_eq!(told(&read), ["ruth@mac-1 2", "ivo@mac-1 10 2001:db8::9"]);
        assert_eq!(read.times()[0], "2026-03-01T12:00:01.25Z");
        assert_eq!((read.tally().records, read.tally().noise, read.tally().rejects), (8, 1, 0));
        assert_eq!((read.files[0].format, read.logons[0].source), (Format::Utmp, Source::Utmp));
        let cut = read_bytes_with(&bytes[..3 * 628 + 100], &on("mac-1"));
        assert_eq!(told(&cut), ["ruth@mac-1 2"]);
        assert_eq!(rejects(&cut), ["byte 1884: a record that ends after 100 of 628 bytes"]);
    }
    // A header and nothing behind it is an inventory of nobody.
    let read = read_bytes(&macos(false, 10, "", "utmpx-1.00", "", 0));
    assert_eq!((read.files.len(), read.logons.len(), read.skipped.len()), (1, 0, 0));
}

fn openbsd(line: &str, user: &str, host: &str, seconds: i64) -> Vec<u8> {
    [text(line, 8), text(user, 32), text(host, 256), seconds.to_le_bytes().to_vec()].concat()
}

#[test]
fn openbsds_wtmp_has_a_name_where_somebody_logs_on() {
    let bytes = [
        openbsd("~", "reboot", "", NOON),
        openbsd("ttyC0", "ruth", "", NOON + 1),
        openbsd("ttyp0", "ivo", "192.0.2.9", NOON + 2),
        openbsd("ttyp0", "", "", NOON + 3),
        openbsd("|", "date", "", NOON + 4),
        openbsd("{", "date", "", NOON + 5),
        openbsd("~", "shutdown", "", NOON + 6),
    ]
    .concat();
    let read = read_bytes_with(&bytes, &on("bsd-1"));
    assert_eq!(told(&read), ["ruth@bsd-1 2", "ivo@bsd-1 10 192.0.2.9"]);
    assert_eq!((read.tally().records, read.tally().rejects), (7, 0));
    assert_eq!(read.times()[1], "2026-03-01T12:00:02Z");
}

fn freebsd(kind: u8, line: &str, user: &str, host: &str, seconds: i64) -> Vec<u8> {
    let micros = (seconds * 1_000_000 + 5).to_be_bytes().to_vec();
    let (id, pid) = (text("ab", 8), 77u32.to_be_bytes().to_vec());
    [vec![kind], micros, id, pid, text(user, 32), text(line, 16), text(host, 128)].concat()
}

#[test]
fn freebsds_active_sessions_are_read_and_its_log_is_refused_by_name() {
    let records = [
        freebsd(1, "", "", "", NOON),
        freebsd(4, "ttyv0", "ruth", "", NOON + 1),
        freebsd(4, "pts/0", "ivo", "192.0.2.9", NOON + 2),
        freebsd(7, "pts/1", "", "", NOON + 3),
    ];
    let read = read_bytes_with(&records.concat(), &on("bsd-2"));
    assert_eq!(told(&read), ["ruth@bsd-2 2", "ivo@bsd-2 10 192.0.2.9"]);
    assert_eq!(read.times()[0], "2026-03-01T12:00:01.000005Z");
    let log: Vec<u8> = records
        .iter()
        .flat_map(|record| {
            let end = record.iter().rposition(|&byte| byte != 0).unwrap() + 1;
            [&(end as u16).to_be_bytes()[..], &record[..end]].concat()
        })
        .collect();
    let refused = read_bytes(&log);
    assert!(refused.skipped[0].reason.contains("utx.log"), "{:?}", refused.skipped);
    let netbsd = [text("utmpx-2.00", 32), vec![0; 484]].concat();
    let refused = read_bytes(&netbsd);
    assert!(refused.skipped[0].reason.contains("NetBSD"), "{:?}", refused.skipped);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn flipped_and_missing_bytes_never_panic(
        flips in prop::collection::vec((0usize..2_000, any::<u8>()), 0..20),
        length in 0usize..2_000,
    ) {
        for mut bytes in [
            [macos(true, 10, "", "utmpx-1.00", "", 0), macos(true, 7, "a", "b", "", NOON)].concat(),
            openbsd("ttyC0", "ruth", "", NOON).repeat(5),
            freebsd(4, "ttyv0", "ruth", "", NOON).repeat(9),
        ] {
            for &(at, byte) in &flips {
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            bytes.truncate(length);
            let read = read_bytes_with(&bytes, &on("web-1"));
            prop_assert!(!read.rejects.iter().any(|reject| reject.reason.contains("defect")));
        }
    }
}
