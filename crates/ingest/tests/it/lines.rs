//! JSON lines: shapes, zones, odd lines, broken lines.

use std::num::NonZeroUsize;

use ingest::{Format, Options};
use inventory::logon::Source;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::support::{data, nxlog, options, other, read_bytes, read_bytes_with};

/// One line read by itself.
fn flat(user: &str, extra: &str) -> String {
    format!(
        "{{\"TimeCreated\":\"2026-03-01T08:00:00.123Z\",\"Hostname\":\"WS-2\",\"EventID\":4624,\
         \"Channel\":\"security\",\"TargetUserName\":\"{user}\",\"LogonType\":\"10\"{extra}}}"
    )
}

fn in_zone(zone: &str) -> Options {
    Options { timezone: Some(TimeZone::get(zone).unwrap()), ..options() }
}

/// An event of a collector that leaves the receiving times out.
fn zoneless(user: &str, time: &str) -> String {
    format!(
        "{{\"EventTime\":\"{time}\",\"Hostname\":\"WS-1\",\"EventID\":\"4624\",\
         \"Channel\":\"Security\",\"RecordNumber\":\"9\",\"TargetUserName\":\"{user}\",\
         \"TargetLogonId\":\"0x0\",\"LogonType\":3}}"
    )
}

#[test]
fn a_file_may_mix_shapes_and_ends_of_lines() {
    let text = format!(
        "\u{feff}{}\r\n\r\n   \n{}\n{}\r\n{}",
        nxlog("ann", 1, ""),
        other(2),
        flat("bob", ""),
        nxlog("cy", 3, "")
    );
    let read = read_bytes(text.as_bytes());
    assert_eq!(read.rejects, []);
    let reports: Vec<_> = read
        .files
        .iter()
        .map(|file| (file.format, file.tally.records, file.tally.logons))
        .collect();
    assert_eq!(reports, [(Format::NxLog, 3, 2), (Format::FlatJson, 1, 1)]);
    let mut users = read.users();
    users.sort_unstable();
    assert_eq!(users, ["ann", "bob", "cy"]);
    let bob = read.logons.iter().find(|logon| logon.account.name == "bob");
    let bob = bob.unwrap();
    assert_eq!(bob.source, Source::FlatJson);
    assert_eq!(bob.time.to_string(), "2026-03-01T08:00:00.123Z");
    assert_eq!(bob.key.record, None);
    assert_eq!(bob.key.session >> 63, 1, "a hash stands for the logon id");
}

#[test]
fn a_record_tells_its_own_zone() {
    let read = read_bytes(nxlog("ann", 7, "").as_bytes());
    assert_eq!(read.times(), ["2026-03-01T08:07:00Z"]);
    // The person knows better.
    let read = read_bytes_with(nxlog("ann", 7, "").as_bytes(), &in_zone("Asia/Tokyo"));
    assert_eq!(read.times(), ["2026-03-01T01:07:00Z"]);
    // A pair that no zone explains tells nothing.
    let late =
        nxlog("ann", 7, "").replace("\"@timestamp\":\"2026-03-01", "\"@timestamp\":\"2026-03-09");
    let read = read_bytes_with(late.as_bytes(), &in_zone("Europe/Berlin"));
    assert_eq!(read.times(), ["2026-03-01T09:07:00Z"]);
    assert_eq!(read.warnings, Vec::<String>::new());
}

#[test]
fn the_persons_zone_may_change_its_clocks() {
    let text =
        [zoneless("ann", "2026-03-28 12:00:00"), zoneless("bob", "2026-03-30 12:00:00")].join("\n");
    let read = read_bytes_with(text.as_bytes(), &in_zone("Europe/Berlin"));
    assert_eq!(read.times(), ["2026-03-28T11:00:00Z", "2026-03-30T10:00:00Z"]);
    assert_eq!(read.warnings, Vec::<String>::new());
}

#[test]
fn a_zone_is_taken_from_other_records_with_a_warning() {
    let sysmon = "{\"EventTime\":\"2026-03-01 13:30:05\",\"Hostname\":\"a\",\"EventID\":1,\
                  \"UtcTime\":\"2026-03-01 08:00:04.911\"}";
    for (evidence, time, word) in [
        (sysmon.to_owned(), "2026-03-01T06:30:00Z", "UTC+05:30"),
        (nxlog("x", 1, "\"EventID\":1"), "2026-03-01T10:00:00Z", "UTC+02:00"),
        (other(1), "2026-03-01T12:00:00Z", "UTC, for nothing"),
    ] {
        let line = zoneless("ann", "2026-03-01 12:00:00");
        let text = [line.clone(), evidence, line].join("\n");
        let read = read_bytes(text.as_bytes());
        assert_eq!(read.times(), [time, time]);
        assert_eq!(read.warnings.len(), 1, "once a file");
        assert!(read.warnings[0].contains(word), "{:?}", read.warnings);
        assert!(read.warnings[0].contains("--timezone"));
    }
}

#[test]
fn a_stamp_with_a_zone_needs_none() {
    let read = read_bytes_with(
        zoneless("ann", "2024-03-14T13:54:19.3628662Z").as_bytes(),
        &in_zone("Asia/Tokyo"),
    );
    assert_eq!(read.times(), ["2024-03-14T13:54:19.3628662Z"]);
    assert_eq!(read.warnings, Vec::<String>::new());
}

#[test]
fn values_may_be_numbers_or_text() {
    let line = zoneless("ann", "2026-03-01T00:00:00Z");
    let other_way =
        line.replace("\"4624\"", "4624").replace("\"9\"", "9").replace(":3}", ":\" 3 \"}");
    let read = read_bytes([line, other_way].join("\n").as_bytes());
    assert_eq!(read.logons.len(), 2);
    assert_eq!(read.logons[0], read.logons[1]);
    assert_eq!(read.logons[0].key.record, Some(9));
}

#[test]
fn noise_and_failures_are_counted_and_not_given() {
    let lines = [
        nxlog("ann", 1, ""),
        nxlog("WS-1$", 2, ""),
        nxlog("SYSTEM", 3, "\"TargetUserSid\":\"S-1-5-18\""),
        nxlog("bob", 4, "\"EventID\":4625"),
        nxlog("eve", 5, "\"Channel\":\"Application\""),
        nxlog("mal", 6, "\"EventID\":4634"),
    ];
    let read = read_bytes(lines.join("\n").as_bytes());
    assert_eq!(read.users(), ["ann"]);
    let tally = read.tally();
    assert_eq!((tally.records, tally.noise, tally.failures), (6, 2, 1));
    assert_eq!(tally.first, tally.last);
}

#[test]
fn broken_lines_are_told_by_number_and_the_rest_is_read() {
    let lines = [
        nxlog("ann", 1, ""),
        "half a line\"}".to_owned(),
        "{\"EventID\":4624,\"Channel\":".to_owned(),
        "{\"EventID\":4624,,}".to_owned(),
        nxlog("bob", 2, "\"EventTime\":\"yesterday\""),
        nxlog("bob", 3, "\"LogonType\":\"99\""),
        nxlog("bob", 4, "\"LogonType\":\"\""),
        nxlog("bob", 5, "\"Hostname\":\"\""),
        nxlog("cy", 6, ""),
    ];
    let read = read_bytes(lines.join("\n").as_bytes());
    assert_eq!(read.users(), ["ann", "cy"]);
    let told: Vec<String> = read
        .rejects
        .iter()
        .map(|reject| format!("{}: {}", reject.position, reject.reason))
        .collect();
    assert_eq!(
        told,
        [
            "line 2: not a JSON object",
            "line 3: an object that does not end on its line",
            "line 4: not valid JSON: key must be a string at column 17",
            "line 5: EventTime: `yesterday` is not a date and time",
            "line 6: LogonType `99` is not a logon type",
            "line 7: LogonType is missing",
            "line 8: the machine's name is missing; --device gives it",
        ]
    );
    assert_eq!(read.tally().rejects, 7);
    assert_eq!(read.tally().records, 2);
}

#[test]
fn rejects_of_a_file_are_told_up_to_a_limit() {
    let text = nxlog("ann", 1, "") + "\n" + &"rubbish\n".repeat(10_000);
    let read = read_bytes(text.as_bytes());
    assert_eq!(read.tally().rejects, 10_000);
    assert_eq!(read.rejects.len(), ingest::reject::MAX_PER_FILE);
}

#[test]
fn bytes_that_are_no_utf8_cost_only_themselves() {
    let text = nxlog("J\u{fc}rgen", 1, "\"Message\":\"gr\u{fc}n\"");
    // As Windows-1252 has it.
    let bytes: Vec<u8> = text.chars().map(|char| char as u8).collect();
    let read = read_bytes(&bytes);
    assert_eq!(read.rejects, []);
    assert_eq!(read.users(), ["j\u{fffd}rgen"]);
}

#[test]
fn deep_values_do_no_harm() {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let lines = [
        nxlog("ann", 1, &format!("\"x\":{deep}")),
        nxlog("bob", 2, &format!("\"IpAddress\":{deep}")),
        nxlog("cy", 3, &format!("\"x\":{}", "{\"a\":".repeat(10_000))),
    ];
    let read = read_bytes(lines.join("\n").as_bytes());
    assert_eq!(read.users(), ["ann", "bob"]);
    assert_eq!(read.tally().rejects, 1);
}

#[test]
fn openwecs_form_of_nxlog_is_read() {
    let Some(data) = data() else { return };
    let read = crate::support::read_file(&data.join("windows/wef-xml/openwec-4624-v3.nxlog.json"));
    assert_eq!(read.times(), ["2024-03-14T13:54:19.3628662Z"]);
    assert_eq!(read.warnings, Vec::<String>::new());
}

fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        (0u32..60).prop_map(|minute| nxlog("ann", minute, "")),
        (0u32..60).prop_map(other),
        Just(flat("bob", "")),
        Just(zoneless("cy", "2026-03-01 12:00:00")),
        Just("4624 {".to_owned()),
        Just("{\"EventID\":4624}".to_owned()),
        Just(String::new()),
        "\\PC{0,80}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_line_panics(line in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = [nxlog("ann", 1, "").as_bytes(), b"\n{\"a\":4624", &line, b"}\n"].concat();
        let read = read_bytes(&text);
        prop_assert_eq!(read.users()[0], "ann");
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0usize..600, byte: u8) {
        let mut text = nxlog("ann", 1, "").into_bytes();
        let at = at % text.len();
        text[at] = byte;
        let read = read_bytes(&text);
        prop_assert!(read.logons.len() <= 1);
    }

    #[test]
    fn threads_do_not_change_what_is_found(lines in prop::collection::vec(any_line(), 1..60)) {
        let text = lines.join("\n");
        let one = Options { threads: NonZeroUsize::MIN, ..options() };
        prop_assert_eq!(read_bytes(text.as_bytes()), read_bytes_with(text.as_bytes(), &one));
    }
}
