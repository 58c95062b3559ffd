//! The audit log, raw, enriched, and by way of syslog.

mod real;

use ingest::passwd::Passwd;
use ingest::{Format, Options};
use inventory::logon::Source;
use proptest::prelude::*;

use super::{on, rejects, told};
use crate::support::{options, read_bytes_with};

/// A record of process 7 in a session, with what its program says.
fn record(kind: &str, serial: u32, session: u32, inner: &str) -> String {
    format!(
        "type={kind} msg=audit(1772366400.{:03}:{serial}): pid=7 uid=0 auid=1001 ses={session} \
         subj=unconfined msg='{inner}'\n",
        serial % 1000
    )
}

const SSH: &str = "exe=\"/usr/sbin/sshd\" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh";
const SSH_SESSION: &str =
    "exe=\"/usr/libexec/openssh/sshd-session\" hostname=? addr=2001:db8::7 terminal=ssh";

#[test]
fn logons_and_failures_are_told_apart() {
    let text = [
        record("USER_AUTH", 1, 1, &format!("op=PAM:authentication acct=\"ann\" {SSH} res=failed")),
        record("USER_LOGIN", 2, 1, &format!("op=login acct=\"ann\" {SSH} res=failed")),
        record("USER_LOGIN", 3, 1, &format!("op=login acct=28696E76616C6964207573657229 {SSH} res=failed")),
        record("USER_LOGIN", 4, 1, &format!("op=login id=1001 {SSH} res=success")),
        record("USER_LOGIN", 5, 2, "op=login id=1002 exe=\"/usr/bin/login\" hostname=web-1 addr=? terminal=tty1 res=success"),
        record("USER_LOGIN", 6, 3, "uid=1001 exe=\"/usr/libexec/gdm-session-worker\" hostname=web-1 addr=? terminal=/dev/tty2 res=success"),
        record("USER_LOGIN", 7, 4, &format!("op=login id=1001 {SSH}")),
    ]
    .concat();
    let users = Passwd::parse(b"ann:x:1001:1::/:/bin/sh\n");
    let read = read_bytes_with(text.as_bytes(), &Options { users, ..on("web-1") });
    assert_eq!(told(&read), ["ann@web-1 10 192.0.2.7", "1002@web-1 2", "ann@web-1 2"]);
    assert_eq!(read.times()[0], "2026-03-01T12:00:00.004Z");
    assert_eq!((read.tally().records, read.tally().failures), (6, 2));
    assert_eq!(rejects(&read), ["line 7: res is missing"]);
    assert!(read.warnings[0].contains("--passwd"));
    assert_eq!(read.files[0].format, Format::Auditd);
    assert_eq!(read.logons[0].source, Source::Auditd);
}

#[test]
fn a_logon_screen_is_nobody_by_name_and_by_number() {
    let gdm = |user: &str| {
        format!(
            "{user} exe=\"/usr/libexec/gdm-session-worker\" hostname=web-1 addr=? terminal=/dev/tty1 res=success"
        )
    };
    let text = [
        record("USER_LOGIN", 1, 1, &gdm("uid=42")),
        record("USER_LOGIN", 2, 2, &gdm("acct=\"gdm\"")),
        record("USER_LOGIN", 3, 3, &gdm("uid=1042")),
    ];
    let read = read_bytes_with(text.concat().as_bytes(), &on("web-1"));
    assert_eq!((told(&read), read.tally().noise), (vec!["1042@web-1 2".to_owned()], 2));
}

#[test]
fn an_sshd_session_counts_once_with_or_without_a_login_record() {
    let start = |serial, session, exe| {
        record(
            "USER_START",
            serial,
            session,
            &format!("op=PAM:session_open acct=\"ann\" {exe} res=success"),
        )
    };
    let login = |serial, session, exe| {
        record("USER_LOGIN", serial, session, &format!("op=login acct=\"ann\" {exe} res=success"))
    };
    let sudo = "exe=\"/usr/bin/sudo\" hostname=? addr=? terminal=pts/0";
    let text = [
        start(1, 1, SSH),
        login(2, 1, SSH),
        start(3, 2, SSH_SESSION),
        login(4, 3, SSH),
        start(5, 3, SSH),
        start(6, 4, sudo),
    ]
    .concat();
    let read = read_bytes_with(text.as_bytes(), &on("web-1"));
    let mut times = read.times();
    times.sort();
    let milliseconds: Vec<_> = times.iter().map(|time| &time[20..23]).collect();
    assert_eq!(milliseconds, ["002", "003", "004"]);
    assert_eq!(read.tally().records, 6);
    assert_eq!(read.tally().logons, 3);
}

#[test]
fn sessions_that_wait_are_bounded_and_none_is_lost() {
    let start = |serial: u32| {
        record(
            "USER_START",
            serial,
            serial,
            &format!("op=PAM:session_open acct=\"u{serial}\" {SSH_SESSION} res=success"),
        )
    };
    let text: String = (1..4000).map(start).collect();
    let read = read_bytes_with(text.as_bytes(), &on("web-1"));
    assert_eq!(read.logons.len(), 3999);
    assert_eq!((read.tally().records, read.tally().logons), (3999, 3999));
}

#[test]
fn the_machine_is_the_nodes_then_the_lines_then_the_persons() {
    let line = record("USER_LOGIN", 1, 1, &format!("op=login acct=\"ann\" {SSH} res=success"));
    let wrapped = format!("<86>Mar  1 12:00:00 web-2 audisp-syslog[9]: {line}");
    for (text, machine) in [
        (format!("node=web-3 {line}"), "web-3"),
        (wrapped.replace("type=", "node=web-3 type="), "web-3"),
        (wrapped.replace("audisp-syslog[9]", "tag_audit_log"), "web-2"),
        (wrapped, "web-2"),
        (format!("<86>1 2026-03-01T12:00:00Z web-4 audispd - - - {line}"), "web-4"),
        (line, "web-1"),
    ] {
        let read = read_bytes_with(text.as_bytes(), &on("web-1"));
        assert_eq!(told(&read), [format!("ann@{machine} 10 192.0.2.7")], "{text}");
    }
}

#[test]
fn what_ausearch_puts_between_records_is_no_reject() {
    let line = record("USER_LOGIN", 1, 1, &format!("op=login acct=\"ann\" {SSH} res=success"));
    let text = format!("----\ntime->Sun Mar  1 12:00:00 2026\n{line}");
    let read = read_bytes_with(text.as_bytes(), &on("web-1"));
    assert_eq!((read.logons.len(), read.tally().rejects), (1, 0));
}

/// With `name_format = user` a node is called what a person likes.
#[test]
fn a_nodes_name_may_have_blanks() {
    let line = record("USER_LOGIN", 1, 1, &format!("op=login acct=\"ann\" {SSH} res=success"));
    for node in ["Rocky 9 app 50", "192.0.2.50", "2001:db8::50", "app-50"] {
        let line = format!("node={node} {line}");
        for text in [
            line.clone(),
            format!("<38>{line}"),
            format!("<38>Mar  2 10:40:00 {line}"),
            format!("<38>Mar  2 10:40:00 relay-1 {line}"),
            format!("<38>Mar  2 10:40:00 relay-1 audispd: {line}"),
            format!("Mar  2 10:40:00 relay-1 tag_audit_log: {line}"),
            format!("Mar  2 10:40:00 relay-1 Mar  2 10:40:00 app audisp-syslog[7]: {line}"),
            format!("<13>1 2026-03-02T10:40:00Z relay-1 audit - - - {line}"),
            format!("<13>1 2026-03-02T10:40:00Z relay-1 - - - - {line}"),
        ] {
            let read = read_bytes_with(text.as_bytes(), &options());
            assert_eq!(told(&read), [format!("ann@{node} 10 192.0.2.7")], "{text}");
            assert_eq!(read.files[0].format, Format::Auditd, "{text}");
        }
    }
}

/// What begins like a record never passes in silence.
#[test]
fn what_looks_like_a_record_is_one_or_a_reject() {
    let line = record("USER_LOGIN", 1, 1, &format!("op=login acct=\"ann\" {SSH} res=success"));
    let broken = line.replace("msg=audit(1772366400.001:1)", "msg=audit(03/02/2026 10:40:00.1:1)");
    let interpreted = "ausearch's interpreted form";
    for (text, reason) in [
        (broken.clone(), interpreted),
        (format!("node=Rocky 9 {broken}"), interpreted),
        (format!("Mar  2 10:40:00 web-1 audispd: {broken}"), "begins like an audit record"),
        (format!("Mar  2 10:40:00 web-1 {broken}"), "begins like an audit record"),
        (format!("<13>1 2026-03-02T10:40:00Z web-1 root - - - {line}"), "the tag of `root`"),
        ("type=USER_LOGIN\n".to_owned(), "neither"),
        (line.replace("type=", "type = "), "neither"),
    ] {
        let text = format!("{}{text}", record("LOGIN", 1, 1, ""));
        let read = read_bytes_with(text.as_bytes(), &on("web-1"));
        assert_eq!((read.logons.len(), read.tally().rejects), (0, 1), "{text}");
        assert!(rejects(&read)[0].contains(reason), "{:?}", rejects(&read));
    }
    // Words of a program with a process are anybody's, and no record.
    let quoted = format!("Mar  2 10:40:00 web-1 nginx[7]: {line}");
    let read = read_bytes_with(quoted.as_bytes(), &on("web-1"));
    assert_eq!((read.logons.len(), read.tally().records, read.tally().rejects), (0, 1, 0));
}

/// What laurel makes of the records, by its json-format.md; with the program's part in `msg` or without.
#[test]
fn events_of_laurel_are_read() {
    let login = |ses: u32, inner: &str| {
        format!(
            r#""USER_LOGIN":{{"pid":7,"uid":0,"auid":1001,"ses":{ses},{inner},"UID":"root","AUID":"ann"}}"#
        )
    };
    let flat = r#""op":"login","id":1001,"exe":"/usr/sbin/sshd","hostname":"192.0.2.7","addr":"192.0.2.7","terminal":"ssh","res":"success","ID":"ann""#;
    let failed = r#""op":"login","acct":"a%20b\" res=success '","exe":"/usr/sbin/sshd","hostname":"?","addr":"192.0.2.7","terminal":"ssh","res":"failed""#;
    let named = failed.replace(r#""res":"failed""#, r#""res":"success""#);
    let start = r#""USER_START":[{"pid":7,"uid":0,"auid":1001,"ses":3,"msg":{"op":"PAM:session_open","acct":"bob","exe":"/usr/libexec/openssh/sshd-session","hostname":"?","addr":"192.0.2.8","terminal":"ssh","res":"success"},"UID":"root"}]"#;
    let lines = [
        format!(r#"{{"ID":"1772448000.755:1","NODE":"web-1",{}}}"#, login(1, flat)),
        format!(r#"{{"ID":"1772448001.755:2","NODE":"web-1",{}}}"#, login(2, &format!(r#""msg":{{{flat}}}"#))),
        format!(r#"{{"ID":"1772448002.755:3","NODE":"web-1",{}}}"#, login(4, failed)),
        format!(r#"{{"ID":"1772448003.755:4","NODE":"Rocky 9",{start}}}"#),
        format!(r#"{{"ID":"1772448004.755:5",{}}}"#, login(5, &named)),
        r#"{"ID":"1772448005.755:6","NODE":"web-1","SYSCALL":{"arch":"0xc000003e","key":null},"USER_CMD":{"pid":1}}"#.to_owned(),
    ];
    let text = lines.join("\n");
    let read = read_bytes_with(text.as_bytes(), &on("web-2"));
    let expected = [
        "ann@web-1 10 192.0.2.7",
        "ann@web-1 10 192.0.2.7",
        "bob@Rocky 9 10 192.0.2.8",
        "a b\" res=success '@web-2 10 192.0.2.7",
    ];
    assert_eq!(told(&read), expected);
    assert_eq!(read.times()[0], "2026-03-02T10:40:00.755Z");
    assert_eq!((read.tally().records, read.tally().failures, read.tally().rejects), (6, 1, 0));
    assert_eq!((read.files[0].format, read.logons[0].source), (Format::Auditd, Source::Auditd));
    // It is the event of the line that it was made of.
    let line = "node=web-1 type=USER_LOGIN msg=audit(1772448000.755:1): pid=7 uid=0 auid=1001 ses=1 \
        msg='op=login id=1001 exe=\"/usr/sbin/sshd\" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success'\u{1d}ID=\"ann\"";
    assert_eq!(read_bytes_with(line.as_bytes(), &options()).logons, read.logons[..1]);
    let nameless = read_bytes_with(lines[4].as_bytes(), &options());
    assert!(rejects(&nameless)[0].contains("--device"), "{:?}", nameless.rejects);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_object_of_laurels_panics_or_names_another(acct in ".{0,12}", node in ".{0,12}", more in "[ -~]{0,12}") {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let line = format!(
            r#"{{"ID":"1.2:3","NODE":{},"USER_LOGIN":{{"ses":1,"acct":{},"exe":{},"res":"failed"}}}}"#,
            text(&node), text(&acct), text(&more),
        );
        let read = read_bytes_with(line.as_bytes(), &on("web-1"));
        prop_assert_eq!(read.logons.len(), 0, "{}", line);
    }

    #[test]
    fn flipped_and_missing_bytes_never_panic(
        flips in prop::collection::vec((0usize..900, any::<u8>()), 0..30),
        length in 0usize..900,
    ) {
        let mut bytes = [
            record("USER_LOGIN", 1, 1, &format!("op=login acct=\"ann\" {SSH} res=success")),
            record("USER_START", 2, 2, &format!("op=PAM:session_open acct=616E6E {SSH_SESSION} res=success'\u{1d}UID=\"root\" ID=\"ann\"")),
            record("USER_LOGIN", 3, 3, "uid=1001 exe=\"/usr/libexec/gdm\" (hostname=?, addr=?, terminal=? res=success)"),
        ]
        .concat()
        .into_bytes();
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
