//! Tables in CSV.

use ingest::{Format, Options};
use inventory::logon::Source;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::support::{Collected, options, read_bytes, read_bytes_with};

const COLUMNS: [&str; 12] = [
    "TenantId",
    "TimeGenerated [UTC]",
    "Computer",
    "EventID",
    "Channel",
    "TargetUserName",
    "TargetDomainName",
    "TargetUserSid",
    "TargetLogonId",
    "LogonType",
    "IpAddress",
    "Type",
];

fn header() -> String {
    COLUMNS.join(",")
}

fn row(time: &str, event: u32, user: &str) -> String {
    format!(
        "0,\"{time}\",WS-1.corp.example,{event},Security,{user},CORP,S-1-5-21-1-2-3-1104,0xa1b2c,\
         10,192.0.2.7,SecurityEvent"
    )
}

fn table(rows: &[String]) -> String {
    format!("{}\r\n{}\r\n", header(), rows.join("\r\n"))
}

fn told(read: &Collected) -> Vec<String> {
    let told = read.rejects.iter();
    told.map(|reject| format!("{}: {}", reject.position, reject.reason)).collect()
}

#[test]
fn a_row_of_sentinel_is_a_logon() {
    let rows = [
        row("2026-03-01T08:00:00.1234567Z", 4624, "\"Ann\""),
        row("2026-03-01T08:00:00Z", 4625, "bob"),
        row("2026-03-01T08:00:00Z", 4688, "bob"),
        row("2026-03-01T08:00:00Z", 4624, "WS-1$"),
        row("3/2/2026, 8:00:00.123 PM", 4624, "\"o'\"\"x, y\nz\"\"\""),
    ];
    let read = read_bytes(table(&rows).as_bytes());
    assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]));
    assert_eq!(read.users(), ["ann", "o'\"x, y\nz\""]);
    assert_eq!(read.times(), ["2026-03-01T08:00:00.1234567Z", "2026-03-02T20:00:00.123Z"]);
    let logon = &read.logons[0];
    assert_eq!(logon.machine.name, "WS-1.corp.example");
    assert_eq!(logon.source, Source::Sentinel);
    assert_eq!((logon.key.session, logon.key.record), (0xa1b2c, None));
    let tally = read.tally();
    assert_eq!((tally.records, tally.noise, tally.failures), (5, 1, 1));
    assert_eq!(read.files[0].format, Format::Sentinel);
    assert_eq!(read.warnings.len(), 1, "{:?}", read.warnings);
    assert!(read.warnings[0].contains("month first"));
}

#[test]
fn other_delimiters_and_a_byte_order_mark_do_not_matter() {
    let plain = table(&[row("2026-03-01T08:00:00Z", 4624, "ann")]);
    let expected = read_bytes(plain.as_bytes());
    assert_eq!(expected.logons.len(), 1);
    for text in [
        format!("\u{feff}{plain}"),
        plain.replace(',', ";"),
        plain.replace(',', "\t"),
        plain.replace("\r\n", "\n"),
        plain.trim_end().to_owned(),
        plain.replace("\r\n", "\r\n\r\n"),
        plain.replace("SecurityEvent", "\"SecurityEvent\""),
        plain.replace(" [UTC]", ""),
        // Blanks instead of a column that a query left out.
        plain.replace("Security,", ","),
    ] {
        let read = read_bytes(text.as_bytes());
        assert_eq!(read.rejects, [], "{text}");
        assert_eq!(read.logons, expected.logons, "{text}");
    }
}

#[test]
fn a_local_column_needs_a_zone() {
    let local = table(&[row("2026-03-01 08:00:00", 4624, "ann")]).replace("[UTC]", "[Local Time]");
    let read = read_bytes(local.as_bytes());
    assert_eq!(read.times(), ["2026-03-01T08:00:00Z"]);
    assert!(read.warnings[0].contains("--timezone"), "{:?}", read.warnings);
    let berlin = Options { timezone: TimeZone::get("Europe/Berlin").ok(), ..options() };
    let read = read_bytes_with(local.as_bytes(), &berlin);
    assert_eq!(read.times(), ["2026-03-01T07:00:00Z"]);
    assert_eq!(read.warnings, Vec::<String>::new());
}

#[test]
fn values_in_an_object_are_read() {
    let text = "TimeGenerated [UTC],Computer,EventID,Channel,EventRecordId,EventData,Type\n\
                2026-03-01T08:00:00Z,WS-1,4624,Security,77,\
                \"{\"\"TargetUserName\"\":\"\"ann\"\",\"\"LogonType\"\":\"\"2\"\"}\",WindowsEvent\n";
    let read = read_bytes(text.as_bytes());
    assert_eq!(read.users(), ["ann"]);
    assert_eq!(read.logons[0].key.record, Some(77));
}

#[test]
fn a_row_of_splunk_holds_an_event_in_xml() {
    let event = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
                 <EventID>4624</EventID><TimeCreated SystemTime='2026-03-01T08:00:00.5Z'/>\
                 <EventRecordID>77</EventRecordID><Channel>Security</Channel>\
                 <Computer>WS-1</Computer></System><EventData>\n\
                 <Data Name=\"\"TargetUserName\"\">ann</Data>\
                 <Data Name='LogonType'>2</Data></EventData></Event>";
    let text =
        format!("_time,_raw,host\n\"2026-03-01\",\"{event}\",WEC01\nx,\"EventCode=4688\",y\n");
    let read = read_bytes(text.as_bytes());
    assert_eq!(read.rejects, []);
    assert_eq!(read.users(), ["ann"]);
    assert_eq!(read.logons[0].source, Source::Splunk);
    assert_eq!(read.tally().records, 2);
}

#[test]
fn broken_rows_are_told_by_their_line_and_the_rest_is_read() {
    let rows = [
        row("yesterday", 4624, "ann"),
        "4624,too,short".to_owned(),
        row("2026-03-01T08:00:00Z", 4624, "\"two\nlines\""),
        row("2026-03-01T08:00:00Z", 4624, "bob").replace(",10,", ",99,"),
        row("2026-03-01T08:00:00Z", 4624, "bob").replace("WS-1.corp.example", ""),
        row("2026-03-01T08:00:00Z", 4624, "cy"),
        "0,\"2026-03-01T08".to_owned(),
    ];
    let read = read_bytes(table(&rows).as_bytes());
    assert_eq!(read.users(), ["two\nlines", "cy"]);
    assert_eq!(
        told(&read),
        [
            "line 2: TimeGenerated: `yesterday` is not a date and time",
            "line 3: a row of 3 columns under a header of 12",
            "line 6: LogonType `99` is not a logon type",
            "line 7: the machine's name is missing; --device gives it",
            "line 9: a row of 2 columns under a header of 12",
        ]
    );
    assert_eq!(read.tally().rejects, 5);
}

#[test]
fn a_quote_without_end_takes_no_memory_without_end() {
    let first = row("2026-03-01T08:00:00Z", 4624, "ann");
    let text = format!("{}\n{first}\n\"{}", header(), "x,4624\n".repeat(1_000_000));
    let read = read_bytes(text.as_bytes());
    assert_eq!(read.users(), ["ann"]);
    assert_eq!(read.tally().rejects, 1);
    assert!(read.rejects[0].reason.contains("a row of more than"), "{:?}", read.rejects);
}

#[test]
fn bytes_that_are_no_utf8_cost_only_themselves() {
    let text = table(&[row("2026-03-01T08:00:00Z", 4624, "J\u{fc}rgen")]);
    // As Windows-1252 has it.
    let bytes: Vec<u8> = text.chars().map(|char| char as u8).collect();
    assert_eq!(read_bytes(&bytes).users(), ["j\u{fffd}rgen"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let first = row("2026-03-01T08:00:00Z", 4624, "ann");
        let text = [header().as_bytes(), b"\n", first.as_bytes(), b"\n4624,", &bytes].concat();
        let read = read_bytes(&text);
        prop_assert_eq!(read.users()[0], "ann");
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0usize..900, byte: u8) {
        let mut text = table(&[row("3/1/2026, 8:00:00 AM", 4624, "ann")]).into_bytes();
        let at = at % text.len();
        text[at] = byte;
        prop_assert!(read_bytes(&text).logons.len() <= 1);
    }
}
