//! Headers of all kinds: of relays, of other systems' daemons, of what collects lines.

use ingest::{Format, Options};

use super::{ACCEPTED, in_year, on, rejects, told};
use crate::support::{Collected, options, read_bytes_with};

/// What a line says: its logon with the time, or why it is none.
fn said(line: &str, options: &Options) -> String {
    // Behind a plain line any file is one of syslog.
    let text = format!("2026-03-02T08:00:00Z web-0 sshd[1]: hi\n{line}\n");
    one(&read_bytes_with(text.as_bytes(), options))
}

fn one(read: &Collected) -> String {
    assert_eq!(read.skipped, []);
    match (told(read).as_slice(), rejects(read).as_slice()) {
        ([logon], []) => format!("{logon} {}", read.times()[0]),
        ([], [reject]) => reject.clone(),
        ([], []) => "nothing".to_owned(),
        (logons, rejects) => panic!("{logons:?} {rejects:?}"),
    }
}

#[test]
fn the_senders_header_counts_and_no_relays() {
    for header in [
        "<38>Mar  2 08:15:30 relay-1 Mar  2 08:15:29 web-21",
        "<38>Mar  2 08:15:30 relay-1 <38>Mar  2 08:15:29 web-21",
        "Mar  2 08:15:30 relay-1 <38>Mar 02 08:15:29 web-21",
        "2026-03-02T08:15:30+00:00 relay-1 2026-03-02T08:15:29+00:00 web-21",
        "2026-03-02T09:15:30+01:00 relay-1 Mar  2 08:15:29 web-21",
        "Mar  2 08:15:30 relay-1 2026-03-02T09:15:29+01:00 web-21",
        "<38>2026-03-02 08:15:30 Local7.Info web-21 2026-03-02T08:15:29+00:00 web-21",
        "2026-03-02 08:15:30\tAuth.Info\trelay-1\tMar  2 08:15:29 web-21",
        "<38>1 2026-03-02T08:15:30Z relay-1 - - - - Mar  2 08:15:29 web-21",
        "<38>1 2026-03-02T08:15:30Z relay-1 - - - - <38>Mar  2 08:15:29 web-21",
        "Mar  2 08:15:30 relay-1 Mar  2 08:15:31 relay-2 Mar  2 08:15:32 relay-3 Mar  2 08:15:29 web-21",
        "<86>Original Address=192.0.2.11 Mar  2 08:15:29 web-21",
        "<86>Mar  2 08:15:30 relay-1 Original Address=192.0.2.11 Mar  2 08:15:29 web-21",
        "<86>original address=192.0.2.11 <38>Mar  2 08:15:29 web-21",
        // CloudWatch, `aws logs tail`, `docker logs -t`, CRI, Loki, docker compose, kubectl.
        "2026-03-02T08:15:31.123Z Mar  2 08:15:29 web-21",
        "2026-03-02T08:15:31.123000+00:00 i-0abc/auth.log Mar  2 08:15:29 web-21",
        "2026-03-02T08:15:31.123456789Z stdout F Mar  2 08:15:29 web-21",
        "2026-03-02T08:15:31.123456789Z stderr P 2026-03-02T08:15:29Z web-21",
        "2026-03-02T08:15:31Z {filename=\"/var/log/auth.log\", job=\"a } \\\" b\"} Mar  2 08:15:29 web-21",
        "2026-03-02T08:15:31Z {} Mar  2 08:15:29 web-21",
        "sshd-1  | Mar  2 08:15:29 web-21",
        "sshd-1  | 2026-03-02T08:15:31.123Z Mar  2 08:15:29 web-21",
        "[pod/sshd-1/sshd] Mar  2 08:15:29 web-21",
        // multilog, svlogd, and socklog behind it.
        "@4000000069a5472d0a1b2c3d Mar  2 08:15:29 web-21",
        "2026-03-02_08:15:31.12345 Mar  2 08:15:29 web-21",
        "2026-03-02T08:15:31.12345 auth.info: Mar  2 08:15:29 web-21",
        "@4000000069a5472d0a1b2c3d 192.0.2.11: auth.info: Mar  2 08:15:29 web-21",
        // Other daemons' words around the host.
        "Mar  2 08:15:29 web-21 web-21",
        "Mar  2 08:15:29 web-21 auth.info",
        "Mar  2 08:15:29 web-21 auth|security:info",
        "Mar  2 08:15:29 <4.6> web-21",
        "Mar  2 08:15:29 <auth.info> web-21",
        "2026-03-02 08:15:29\tAuth.Info\tweb-21",
        // Dates with a year.
        "<38>Mar  2 2026 08:15:29 web-21",
        "Mar  2 2026 08:15:29 UTC: web-21",
        "Mar  2 2026 10:15:29 +02:00 web-21",
        "Mar  2 2026 08:15:29: web-21",
        "<38>2026 Mar  2 08:15:29.000000 web-21",
        "Mar  2 08:15:29 2026 web-21",
        "Mar  2 08:15:29 UTC: web-21",
        "Mon Mar  2 08:15:29 2026 web-21",
        "2026-03-02T08:15:29,000Z web-21",
        "2026-03-02 08:15:29 UTC web-21",
        "2026-03-02 10:15:29 +0200 web-21",
    ] {
        let line = format!("{header} sshd[71]: {ACCEPTED}");
        let expected = "ann@web-21 10 192.0.2.7 2026-03-02T08:15:29Z";
        assert_eq!(said(&line, &in_year(2026)), expected, "{line}");
        // A file of nothing else is one of syslog as well.
        let alone = read_bytes_with(format!("{line}\n{line}\n").as_bytes(), &in_year(2026));
        assert_eq!(told(&alone).len(), 2, "{line}");
        assert_eq!(alone.files[0].format, Format::Syslog);
    }
}

#[test]
fn a_line_that_names_no_machine_needs_one() {
    for header in [
        "2026-03-02T08:15:29Z In(38)",
        "2026-03-02T08:15:29Z Wa(36)",
        "2026-03-02T08:15:29Z",
        "Mon Mar  2 08:15:29 2026 auth.info",
        "2026-03-02T08:15:29Z stdout F",
        "2026-03-02T08:15:29Z {unit=\"ssh.service\"}",
        "2026-03-02T08:15:31.12345 auth.info: Mar  2 08:15:29",
        "@4000000069a5472b00000000",
        "2026-03-02_08:15:29",
        "2026-03-02 08:15:29.000000+0000  localhost",
        "Mar  2 08:15:30 relay-1 Mar  2 08:15:29",
    ] {
        let line = format!("{header} sshd[71]: {ACCEPTED}");
        let expected = "line 2: the machine's name is missing; --device gives it";
        assert_eq!(said(&line, &in_year(2026)), expected, "{line}");
        let options = Options { device: Some("esx-4".to_owned()), ..in_year(2026) };
        let expected = "ann@esx-4 10 192.0.2.7 2026-03-02T08:15:29Z";
        assert_eq!(said(&line, &options), expected, "{line}");
    }
}

#[test]
fn the_address_of_a_sender_stands_for_it() {
    for header in [
        "<86>Mar  2 08:15:29 relay-1 Original Address=192.0.2.11",
        "<86>Original Address=192.0.2.11 Mar  2 08:15:29",
        "<86>Mar  2 08:15:30 relay-1 Original Address=192.0.2.11 Mar  2 08:15:29",
        "@4000000069a5472d0a1b2c3d 192.0.2.11: auth.info: Mar  2 08:15:29",
    ] {
        let line = format!("{header} sshd[71]: {ACCEPTED}");
        let expected = "ann@192.0.2.11 10 192.0.2.7 2026-03-02T08:15:29Z";
        assert_eq!(said(&line, &in_year(2026)), expected, "{line}");
    }
}

/// Solaris and illumos; the library that macOS names.
#[test]
fn what_stands_between_tag_and_words_is_cut_off_in_its_one_form() {
    let expected = "ann@sun-3 10 192.0.2.7 2026-03-02T08:15:29Z";
    for line in [
        format!("Mar  2 08:15:29 sun-3 sshd[71]: [ID 800047 auth.info] {ACCEPTED}"),
        format!("<38>1 2026-03-02T08:15:29Z sun-3 sshd 71 - - [ID 800047 auth.info] {ACCEPTED}"),
        format!("2026-03-02 08:15:29.000000+0000  sun-3 sshd[71]: (libsystem_c.dylib) {ACCEPTED}"),
        format!("2026-03-02 08:15:29.000000+0000  sun-3 sshd[71]: (a) [com.apple.a:b] {ACCEPTED}"),
    ] {
        assert_eq!(said(&line, &in_year(2026)), expected, "{line}");
    }
    for words in [
        format!("[ID 1 a.b] {ACCEPTED}"),
        format!("Invalid user [ID 1 auth.info] {ACCEPTED}"),
        format!("(libsystem_c.dylib) {ACCEPTED}"),
    ] {
        let line = format!("Mar  2 08:15:29 sun-3 sshd[71]: {words}");
        assert_eq!(said(&line, &in_year(2026)), "nothing", "{line}");
    }
}

/// A user's own words never become a header, nor a logon.
#[test]
fn nobodys_words_become_a_header() {
    let line = format!("Mar  2 08:15:29 web-66 sshd[71]: {ACCEPTED}");
    for words in [
        format!("nginx[7]: {line}"),
        format!("nginx[7]: <38>{line}"),
        format!("sudo[7]: ann : COMMAND={line}"),
        format!("sshd[7]: Invalid user {line} from 192.0.2.7 port 1"),
        format!("sshd[7]: Failed password for invalid user {line} from 192.0.2.7 port 1 ssh2"),
        format!("nginx[7]: Original Address=192.0.2.1 {line}"),
        format!("nginx[7]: [ID 1 auth.info] {ACCEPTED}"),
    ] {
        for header in ["Mar  2 08:15:29 web-1", "2026-03-02T08:15:29Z web-1", "Mar  2 08:15:29"] {
            let line = format!("{header} {words}");
            assert_eq!(said(&line, &in_year(2026)), "nothing", "{line}");
        }
    }
}

/// A line that names sshd and a logon never counts as only none.
#[test]
fn what_is_not_understood_is_told() {
    const HIDDEN: &str = "line 2: it names sshd and `Accepted`, behind a header of no known form";
    const NEITHER: &str = "line 2: neither a line of syslog nor an audit record";
    for (line, expected) in [
        (format!("Mar  2 08:15:29 relay-1 web-21 sshd[71]: {ACCEPTED}"), HIDDEN),
        (format!("Mar  2 08:15:29 web-1 sshd[71] {ACCEPTED}"), HIDDEN),
        (
            format!("Mar  2 08:15:29 relay-1 auth Mar  2 08:15:29 web-1 sshd[71]: {ACCEPTED}"),
            HIDDEN,
        ),
        (
            format!("Mar  2 08:15:29 relay-1 auth: Mar  2 08:15:29 web-1 sshd[71]: {ACCEPTED}"),
            HIDDEN,
        ),
        (format!("Mar  2 08:15:29 web-21: sshd[71]: {ACCEPTED}"), HIDDEN),
        (format!("<38>1 2026-03-02T08:15:29Z relay-1 auth - - - sshd[71]: {ACCEPTED}"), HIDDEN),
        (format!("<38>sshd[71]: {ACCEPTED}"), NEITHER),
        (format!("32/13/2026 web-1 sshd[71]: {ACCEPTED}"), NEITHER),
        (format!("  web-1 sshd[71]: {ACCEPTED}"), NEITHER),
        (
            "Mar  2 08:15:29 web-1 sshd[71]: Accepted password for ann from 192.0.2.7 po"
                .to_owned(),
            "line 2: sshd's `Accepted` in no known form; the line may be cut short",
        ),
        (
            format!("2026-03-02T08:15:29Z stdout F {ACCEPTED}"),
            "line 2: the log of a container whose lines are none of syslog's",
        ),
    ] {
        assert_eq!(said(&line, &in_year(2026)), expected, "{line}");
    }
    for line in [
        "Mar  2 08:15:29 web-1 sudo: ann : TTY=pts/0 ; COMMAND=/bin/grep 'sshd.*Accepted ' a",
        "Mar  2 08:15:29 web-1 last message repeated 2 times",
        "Mar  2 08:15:29 web-1 kernel: sshd",
    ] {
        assert_eq!(said(line, &in_year(2026)), "nothing", "{line}");
    }
}

/// The year of a date without one is that of the header around it, and not the file's.
#[test]
fn a_header_around_another_tells_its_year() {
    for (outer, inner, expected) in [
        ("2026-01-01T00:00:01Z", "Dec 31 23:59:59", "2025-12-31T23:59:59Z"),
        ("2025-12-31T23:59:59Z", "Jan  1 00:30:00", "2026-01-01T00:30:00Z"),
        ("2024-03-01T00:00:00Z", "Feb 29 23:59:59", "2024-02-29T23:59:59Z"),
    ] {
        let line = format!("{outer} relay-1 {inner} web-21 sshd[71]: {ACCEPTED}");
        let read = read_bytes_with(line.as_bytes(), &options());
        assert_eq!(read.times(), [expected], "{line}");
    }
}

#[test]
fn a_machine_of_the_persons_is_not_needed_where_a_line_names_one() {
    let line = format!("Mar  2 08:15:29 web-21 auth.info sshd[71]: {ACCEPTED}");
    let options = Options { year: Some(2026), ..on("web-1") };
    assert_eq!(said(&line, &options), "ann@web-21 10 192.0.2.7 2026-03-02T08:15:29Z");
}
