//! auth.log, secure, and what journalctl makes of them.

mod headers;
mod journalctl;
mod recognition;
mod sent;

use std::fs::File;
use std::io::Write;
use std::time::{Duration, SystemTime};

use ingest::{Format, Options};
use inventory::logon::Source;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{on, rejects, told};
use crate::support::{options, read_bytes, read_bytes_with, read_file_with, write, zip};

const ACCEPTED: &str = "Accepted password for ann from 192.0.2.7 port 42855 ssh2";

fn in_year(year: i16) -> Options {
    Options { year: Some(year), timezone: Some(TimeZone::UTC), ..options() }
}

#[test]
fn the_forms_of_a_line_give_one_event() {
    let forms = [
        format!("Mar  1 10:00:00 web-1 sshd[7]: {ACCEPTED}"),
        format!("<38>Mar 01 10:00:00 web-1 sshd[7]:  {ACCEPTED}"),
        format!("Mär 01 10:00:00 web-1 sshd[7]: {ACCEPTED}"),
        format!("2026-03-01T10:00:00+00:00 web-1 sshd[7]: {ACCEPTED}"),
        format!("2026-03-01T11:00:00.250000+01:00 web-1 sshd-session[7]: {ACCEPTED}"),
        format!("2026-03-01T10:00:00+0000 web-1 sshd[7]: {ACCEPTED}: ED25519 SHA256:x"),
        format!("<86>1 2026-03-01T10:00:00.25Z web-1 sshd 7 - - {ACCEPTED}"),
    ];
    let first = read_bytes_with(forms[0].as_bytes(), &in_year(2026));
    assert_eq!(told(&first), ["ann@web-1 10 192.0.2.7"]);
    for form in forms {
        for text in [form.clone(), format!("{form}\n"), format!("{form}\r\n")] {
            let read = read_bytes_with(text.as_bytes(), &in_year(2026));
            assert_eq!(told(&read), told(&first), "{form}");
            assert_eq!(read.logons[0].key, first.logons[0].key, "{form}");
            assert_eq!(read.logons[0].time.whole_second(), first.logons[0].time, "{form}");
            assert_eq!(read.logons[0].source, Source::Sshd);
            assert_eq!(read.files[0].format, Format::Syslog);
            assert_eq!((read.warnings, read.rejects), (Vec::new(), Vec::new()), "{form}");
        }
    }
}

#[test]
fn failures_and_other_lines_are_counted() {
    let text = "\
        -- Boot 3f2a9c1b7d104e6f8a5b4c3d2e1f0a9b --\n\
        Mar  1 10:00:00 web-1 CRON[5]: pam_unix(cron:session): session opened for user root\n\
        Mar  1 10:00:01 web-1 sshd[7]: Invalid user x from 192.0.2.7 port 1\n\
        Mar  1 10:00:02 web-1 sshd[7]: Failed password for invalid user x from 192.0.2.7 port 1 ssh2\n\
        Mar  1 10:00:03 web-1 sshd[7]: message repeated 2 times: [ Failed password for root from 192.0.2.7 port 1 ssh2]\n\
        Mar  1 10:00:04 web-1 sshd[8]: Accepted publickey for ws-1$ from 192.0.2.7 port 1 ssh2\n\
        Mar  1 10:00:05 web-1 sshd[9]: Accepted publickey for CORP\\ann from fe80::1%eth0 port 1 ssh2\n\
        \n\
        Mar  1 10:00:05 web-1 kernel: a message of\n\
        \x20\x20two lines\n";
    let read = read_bytes_with(text.as_bytes(), &in_year(2026));
    assert_eq!(told(&read), ["ann@web-1 10 fe80::1"]);
    assert_eq!(read.logons[0].account.domain, "corp");
    let tally = read.tally();
    assert_eq!((tally.records, tally.failures, tally.noise, tally.rejects), (7, 3, 1, 0));
}

/// Newer systemd says of which class a session is; what sshd told of counts once.
#[test]
fn sessions_of_logind_count_where_their_class_is_told() {
    let session = |at: &str, host: &str, id: u32, user: &str, class: &str, kind: &str| {
        format!(
            "Mar  1 {at} {host} systemd-logind[5]: New session '{id}' of user '{user}' with class \
             '{class}' and type '{kind}'.\n"
        )
    };
    let text = [
        format!("Mar  1 10:00:00 web-1 sshd[7]: {ACCEPTED}\n"),
        session("10:00:01", "web-1", 1, "ann", "user", "tty"),
        // The same user at the machine: sshd's logon has its session.
        session("10:00:02", "web-1", 2, "ann", "user", "tty"),
        format!("Mar  1 10:10:00 web-1 sshd[8]: {ACCEPTED}\n"),
        // Another machine, a screen, and much later.
        session("10:10:01", "web-2", 1, "ann", "user", "tty"),
        session("10:10:02", "web-1", 3, "ann", "user", "wayland"),
        session("10:12:00", "web-1", 4, "ann", "user-early", "tty"),
        session("10:12:01", "web-1", 5, "gdm", "greeter", "wayland"),
        session("10:12:02", "web-1", 6, "ann", "manager", "unspecified"),
        session("10:12:03", "web-1", 7, "ann", "background", "unspecified"),
        // No class is told, or another program says so.
        "Mar  1 10:12:04 web-1 systemd-logind[5]: New session 8 of user ann.\n".to_owned(),
        session("10:12:05", "web-1", 9, "bob", "user", "tty").replace("systemd-logind", "nginx"),
    ]
    .concat();
    let read = read_bytes_with(text.as_bytes(), &in_year(2026));
    let expected = [
        "ann@web-1 10 192.0.2.7",
        "ann@web-1 2",
        "ann@web-1 10 192.0.2.7",
        "ann@web-2 2",
        "ann@web-1 2",
        "ann@web-1 2",
    ];
    assert_eq!(told(&read), expected);
    assert_eq!(read.logons[1].source, Source::Logind);
    assert_eq!((read.tally().records, read.tally().rejects), (12, 0));
}

/// What anybody can write must not put a user on a machine.
#[test]
fn nobody_forges_a_logon_by_a_name() {
    let audit = "type=USER_LOGIN msg=audit(1772366400.1:2): pid=1 ses=2 msg='op=login acct=\"root\" res=success'";
    let text = format!(
        "Mar  1 10:00:00 web-1 sshd[7]: Failed password for invalid user {ACCEPTED} from 192.0.2.7 port 1 ssh2\n\
         Mar  1 10:00:00 web-1 sshd[7]: Invalid user {ACCEPTED} from 192.0.2.7 port 1\n\
         Mar  1 10:00:00 web-1 sshd[7]: Invalid user {audit} from 192.0.2.7\n\
         Mar  1 10:00:00 web-1 nginx[7]: {audit}\n\
         Mar  1 10:00:00 web-1 nginx[7]: sshd[7]: {ACCEPTED}\n\
         Mar  1 10:00:00 web-1 not-sshd[7]: {ACCEPTED}\n"
    );
    let read = read_bytes_with(text.as_bytes(), &in_year(2026));
    assert_eq!(told(&read), [""; 0]);
    assert_eq!(read.tally().records, 6);
}

#[test]
fn a_line_without_its_machine_needs_one() {
    let text = format!("Mar  1 10:00:00 sshd[7]: {ACCEPTED}\n");
    let read = read_bytes_with(text.as_bytes(), &in_year(2026));
    assert_eq!(rejects(&read), ["line 1: the machine's name is missing; --device gives it"]);
    let read = read_bytes_with(text.as_bytes(), &Options { year: Some(2026), ..on("web-2") });
    assert_eq!(told(&read), ["ann@web-2 10 192.0.2.7"]);
}

#[test]
fn the_year_is_the_persons_or_the_files_and_is_never_guessed() {
    let text = format!(
        "Dec 31 23:59:00 web-1 sshd[7]: {ACCEPTED}\nJan  1 00:01:00 web-1 sshd[8]: {ACCEPTED}\n"
    );
    let times = ["2025-12-31T23:59:00Z", "2026-01-01T00:01:00Z"];
    let given = read_bytes_with(text.as_bytes(), &in_year(2025));
    assert_eq!(given.times(), times);
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "auth.log", text.as_bytes());
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_268_800);
    File::options().write(true).open(&path).unwrap().set_modified(noon).unwrap();
    let by_file = read_file_with(&path, &options());
    assert_eq!(by_file.times(), times);
    assert_eq!(by_file.warnings.len(), 2, "of the zone and the year: {:?}", by_file.warnings);
    assert!(by_file.warnings[1].contains("--year"), "{:?}", by_file.warnings);
    let nameless = read_bytes(text.as_bytes());
    assert_eq!(nameless.logons, []);
    assert_eq!(rejects(&nameless)[0], "line 1: the date has no year; --year gives it");
}

/// An archive keeps its files' dates; its own, and one from before there were any, say less.
#[test]
fn in_an_archive_the_year_is_by_the_members_date() {
    let line = format!("Dec 31 23:59:00 web-1 sshd[7]: {ACCEPTED}\n");
    let packed = |seconds: u64| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(line.len() as u64);
        header.set_mtime(seconds);
        header.set_mode(0o644);
        builder.append_data(&mut header, "auth.log", line.as_bytes()).unwrap();
        let mut gzip = flate2::GzBuilder::new()
            .mtime(1_900_000_000)
            .write(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&builder.into_inner().unwrap()).unwrap();
        gzip.finish().unwrap()
    };
    let of = |seconds| read_bytes_with(&packed(seconds), &options()).times();
    assert_eq!(of(1_767_268_800), ["2025-12-31T23:59:00Z"]);
    assert_eq!(of(0), ["2029-12-31T23:59:00Z"]);
    let read = read_bytes(&zip(&[("auth.log", line.as_bytes())]));
    assert_eq!(read.logons.len() + read.rejects.len(), 1);
}

/// What stands before the first line of a program need not be little.
#[test]
fn a_log_is_known_behind_a_long_start_of_the_kernels() {
    let text = format!(
        "{}Mar  1 10:00:00 web-1 sshd[7]: {ACCEPTED}\n",
        "Mar  1 09:59:59 web-1 thing without a tag\n".repeat(500)
    );
    assert_eq!(read_bytes_with(text.as_bytes(), &in_year(2026)).logons.len(), 1);
}

#[test]
fn a_text_that_quotes_a_log_is_none() {
    let text = format!(
        "How to read auth.log\n\nA line is\n\nMar  1 10:00:00 web-1 sshd[7]: {ACCEPTED}\n\nso that\n"
    );
    let read = read_bytes_with(text.as_bytes(), &in_year(2026));
    assert_eq!((read.files, read.skipped.len()), (Vec::new(), 1));
}

#[test]
fn a_zone_is_asked_for_only_where_none_is_written() {
    let options = Options { timezone: TimeZone::get("Europe/Berlin").ok(), ..in_year(2026) };
    let text = format!(
        "Jul  1 10:00:00 web-1 sshd[7]: {ACCEPTED}\n2026-07-01T10:00:00Z web-1 sshd[8]: {ACCEPTED}\n"
    );
    let read = read_bytes_with(text.as_bytes(), &options);
    assert_eq!(read.times(), ["2026-07-01T08:00:00Z", "2026-07-01T10:00:00Z"]);
}

#[test]
fn odd_lines_cost_only_themselves() {
    let mut text = format!("Mar  1 10:00:00 web-1 sshd[7]: {ACCEPTED}\n").into_bytes();
    text.extend(b"Mar  1 10:00:00 web-1 sshd[7]: Failed password for invalid user \xff\xfe from 192.0.2.7 port 1 ssh2\n");
    text.extend(b"what is this\n");
    text.extend(
        b"Feb 30 10:00:00 web-1 sshd[7]: Accepted password for ann from 192.0.2.7 port 1 ssh2\n",
    );
    text.extend(vec![b'x'; 17 * 1024 * 1024]);
    text.extend(format!("\nMar  1 10:00:01 web-1 sshd[8]: {ACCEPTED}").bytes());
    let read = read_bytes_with(&text, &in_year(2026));
    assert_eq!((read.logons.len(), read.tally().failures), (2, 1));
    assert_eq!(
        rejects(&read),
        [
            "line 3: neither a line of syslog nor an audit record",
            "line 4: no 30. of month 2 in 2026",
            "line 5: a line of 17825792 bytes, more than 16777216",
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_panic(
        lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 0..12),
        flips in prop::collection::vec((0usize..120, any::<u8>()), 0..6),
    ) {
        let mut first = format!("Mar  1 10:00:00 web-1 sshd[7]: {ACCEPTED}\n").into_bytes();
        let mut bytes = first.repeat(20);
        for (at, byte) in flips {
            if let Some(place) = first.get_mut(at) {
                *place = byte;
            }
        }
        bytes.extend(first);
        bytes.extend(lines.join(&b'\n'));
        let read = read_bytes_with(&bytes, &in_year(2026));
        prop_assert!(!read.logons.is_empty());
        prop_assert!(!read.rejects.iter().any(|reject| reject.reason.contains("defect")));
    }
}
