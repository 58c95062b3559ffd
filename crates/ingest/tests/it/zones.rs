//! Stamps without a zone of records that say when they were sent and when they arrived.

use ingest::Options;
use ingest::live::{self, Memory};
use inventory::time::{Stamp, Timestamp};
use jiff::tz::TimeZone;

use crate::support::{Collected, options, read_bytes, read_bytes_with};

/// A logon of a machine, sent a second later, that arrived at another time.
fn logon(machine: &str, user: &str, local: &str, arrived: &str) -> String {
    let sent = local.to_owned();
    format!(
        "{{\"EventTime\":\"{local}\",\"Hostname\":\"{machine}\",\"EventID\":4624,\"Channel\":\"Security\",\
         \"TargetUserName\":\"{user}\",\"LogonType\":\"2\",\"TargetLogonId\":\"0x{}\",\
         \"EventReceivedTime\":\"{sent}\",\"@timestamp\":\"{arrived}\"}}",
        user.len() + local.len()
    )
}

fn times(lines: &[String]) -> Vec<String> {
    let read = read_bytes(lines.join("\n").as_bytes());
    assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]));
    read.times()
}

/// Six records of a machine in UTC, of which the first waited 40 minutes.
fn late() -> Vec<String> {
    let mut lines = vec![logon("PC-71", "emil", "2026-03-02 10:00:00", "2026-03-02T10:40:02Z")];
    lines.extend((0..5).map(|minute| {
        let (local, arrived) =
            (format!("2026-03-02 11:0{minute}:00"), format!("2026-03-02T11:0{minute}:02Z"));
        logon("PC-71", "frida", &local, &arrived)
    }));
    lines
}

#[test]
fn a_record_that_waited_is_not_moved_in_time() {
    assert_eq!(times(&late())[0], "2026-03-02T10:00:00Z");
    // By hours and a half, which is a zone somewhere, in whatever place of the file.
    for minutes in [20, 50, 90, 150, 330] {
        let arrived = jiff::Timestamp::from_second(1_772_445_602 + minutes * 60).unwrap();
        let waited = logon("PC-71", "emil", "2026-03-02 10:00:00", &arrived.to_string());
        let mut lines = late()[1..].to_vec();
        lines.push(waited);
        assert_eq!(times(&lines)[5], "2026-03-02T10:00:00Z", "{minutes}");
        lines.rotate_left(3);
        assert_eq!(times(&lines)[2], "2026-03-02T10:00:00Z", "{minutes}");
    }
}

#[test]
fn a_record_alone_never_comes_before_its_logon() {
    for (arrived, expected) in [
        ("2026-03-02T10:40:02Z", "2026-03-02T10:00:00Z"),
        ("2026-03-02T10:00:02Z", "2026-03-02T10:00:00Z"),
        ("2026-03-02T08:10:02Z", "2026-03-02T08:00:00Z"),
        ("2026-03-02T04:30:02Z", "2026-03-02T04:30:00Z"),
        ("2026-03-02T15:20:02Z", "2026-03-02T15:00:00Z"),
    ] {
        let line = logon("PC-71", "emil", "2026-03-02 10:00:00", arrived);
        assert_eq!(times(&[line]), [expected], "{arrived}");
    }
}

#[test]
fn each_machine_has_its_zone() {
    let mut lines = late();
    for minute in 0..9 {
        let (local, arrived) =
            (format!("2026-03-02 20:0{minute}:00"), format!("2026-03-02T11:0{minute}:02Z"));
        lines.push(logon("TOKYO", "aiko", &local, &arrived));
    }
    lines.push(logon("TOKYO", "aiko", "2026-03-02 20:30:00", "2026-03-02T13:31:00Z"));
    let times = times(&lines);
    assert_eq!(times[0], "2026-03-02T10:00:00Z");
    assert_eq!(times[6], "2026-03-02T11:00:00Z");
    assert_eq!(times[15], "2026-03-02T11:30:00Z");
}

#[test]
fn the_end_of_summer_time_is_no_wait() {
    let summer = |hour: u32| {
        let (local, arrived) =
            (format!("2026-10-24 {hour}:00:00"), format!("2026-10-24T{}:00:02Z", hour - 2));
        logon("PC", "ann", &local, &arrived)
    };
    let mut lines: Vec<String> = (12..18).map(summer).collect();
    lines.push(logon("PC", "ann", "2026-10-26 12:00:00", "2026-10-26T11:00:02Z"));
    let times = times(&lines);
    assert_eq!(times[0], "2026-10-24T10:00:00Z");
    assert_eq!(times[6], "2026-10-26T11:00:00Z");
}

#[test]
fn the_persons_zone_wins() {
    let options = Options { timezone: TimeZone::get("Europe/Berlin").ok(), ..options() };
    let read = read_bytes_with(late().join("\n").as_bytes(), &options);
    assert_eq!(read.times()[..2], ["2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"]);
    assert_eq!(read.warnings, Vec::<String>::new());
}

#[test]
fn what_a_sender_showed_is_remembered() {
    let now: Timestamp =
        Stamp::parse("2027-01-01T00:00:00Z").unwrap().in_zone(&TimeZone::UTC).unwrap();
    let (memory, mut collected) = (Memory::default(), Collected::default());
    let mut lines = late();
    lines.rotate_left(1);
    lines.push(logon("PC-71", "gesa", "2026-03-02 12:00:00", "2026-03-02T14:00:02Z"));
    for line in &lines {
        let flow = live::read([line.as_bytes()], "x", now, &options(), &memory, &mut collected);
        assert!(flow.is_continue());
    }
    let times = collected.times();
    assert_eq!(times[5], "2026-03-02T10:00:00Z", "emil's, after the others");
    assert_eq!(times[6], "2026-03-02T12:00:00Z");
}
