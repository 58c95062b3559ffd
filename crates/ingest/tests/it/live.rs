//! Records that come one by one: the same logons as from a file with the same lines, however they are
//! cut into calls.

use ingest::live::{self, Memory};
use ingest::reject::Position;
use inventory::logon::Logon;
use inventory::time::{Stamp, Timestamp};
use jiff::tz::TimeZone;
use samples::{Fleet, Shape};

use super::support::{Collected, data, nxlog, options, read_bytes_with};

fn now() -> Timestamp {
    Stamp::parse("2027-01-01T00:00:00Z").unwrap().in_zone(&TimeZone::UTC).unwrap()
}

/// Reads lines as one sender sends them, so many at once.
fn read(lines: &[&[u8]], at_once: usize) -> Collected {
    read_with(lines, at_once, &options())
}

fn read_with(lines: &[&[u8]], at_once: usize, options: &ingest::Options) -> Collected {
    let (memory, mut collected) = (Memory::default(), Collected::default());
    for some in lines.chunks(at_once) {
        let some = some.iter().copied();
        let flow = live::read(some, "sender", now(), options, &memory, &mut collected);
        assert!(flow.is_continue());
    }
    collected
}

/// What makes logons the same, whatever order they come in.
fn keys(logons: &[Logon]) -> Vec<String> {
    let key = |logon: &Logon| {
        format!(
            "{} {} {} {:?} {:?}",
            logon.time, logon.account.name, logon.machine.name, logon.logon_type, logon.key.session
        )
    };
    let mut keys: Vec<_> = logons.iter().map(key).collect();
    keys.sort();
    keys
}

#[test]
fn lines_of_every_shape_tell_the_same_as_their_file() {
    for shape in Shape::ALL {
        // Tables have a head, and what is in bytes has no lines.
        let has_lines =
            shape.is_json() || [Shape::WefXml, Shape::AuthLog, Shape::Auditd].contains(&shape);
        if !has_lines {
            continue;
        }
        let mut bytes = Vec::new();
        shape.write(&mut Fleet::new(7), 400_000, &mut bytes).unwrap();
        let options =
            ingest::Options { device: Some("d".to_owned()), year: Some(2026), ..options() };
        let whole = read_bytes_with(&bytes, &options);
        assert!(!whole.logons.is_empty(), "{}", shape.name());
        let text = std::str::from_utf8(&bytes).unwrap();
        // An event in XML goes over several lines.
        let end = if shape == Shape::WefXml { "</Event>\n" } else { "\n" };
        let lines: Vec<&[u8]> = text.split_inclusive(end).map(str::as_bytes).collect();
        for at_once in [1, 13, 5_000] {
            let live = read_with(&lines, at_once, &options);
            let name = shape.name();
            assert_eq!(keys(&live.logons), keys(&whole.logons), "{name}, {at_once} at once");
            assert_eq!(live.rejects.len(), 0, "{name}: {:?}", live.rejects.first());
            assert_eq!(live.changes.len(), whole.changes.len(), "{name}, {at_once} at once");
        }
    }
}

#[test]
fn real_lines_tell_the_same_as_their_file() {
    let Some(data) = data() else { return };
    for name in [
        "linux/capture/lab-web01.sshd.journal.json",
        "linux/capture/lab-web01.auth.log",
        "linux/capture/lab-ws03.auth-iso.log",
        "linux/logs",
        "windows/winlogbeat-ecs",
    ] {
        let path = data.join(name);
        let files: Vec<_> = match path.is_dir() {
            true => std::fs::read_dir(&path).unwrap().map(|it| it.unwrap().path()).collect(),
            false => vec![path.clone()],
        };
        for file in files.iter().filter(|file| file.is_file()) {
            let bytes = std::fs::read(file).unwrap();
            let options = ingest::Options { year: Some(2026), ..options() };
            let whole = read_bytes_with(&bytes, &options);
            let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
            for at_once in [1, 100] {
                let live = read_with(&lines, at_once, &options);
                assert_eq!(keys(&live.logons), keys(&whole.logons), "{}", file.display());
            }
        }
    }
}

#[test]
fn each_reject_names_its_record() {
    let good = nxlog("ann", 1, "");
    let bad = nxlog("ann", 2, r#""EventTime":"never""#);
    let records: [&[u8]; 8] = [
        good.as_bytes(),
        b"  ",
        bad.as_bytes(),
        b"<Event><System><EventID>4624</EventID><Channel>Security</Channel></System></Event>",
        b"neither syslog nor anything",
        b"{\"some\":\"other\"}",
        b"{broken",
        bad.as_bytes(),
    ];
    let collected = read(&records, records.len());
    let mut numbers: Vec<_> = collected.rejects.iter().map(|reject| reject.position).collect();
    numbers.sort();
    assert_eq!(numbers, [3, 4, 5, 6, 7, 8].map(Position::Record), "{:?}", collected.rejects);
    assert_eq!(collected.users(), ["ann"]);
    assert_eq!(collected.tally().rejects, 6);
    // Every one of very many is told.
    let many = vec![bad.as_bytes(); 2_500];
    assert_eq!(read(&many, many.len()).rejects.len(), 2_500);
}

const ACCEPTED: &str = r#"{"__REALTIME_TIMESTAMP":"1772359200000000","_HOSTNAME":"web-1","SYSLOG_IDENTIFIER":"sshd","_COMM":"sshd","_PID":"77","MESSAGE":"Accepted publickey for alice from 192.0.2.7 port 5022 ssh2"}"#;
const SESSION: &str = r#"{"__REALTIME_TIMESTAMP":"1772359200100000","_HOSTNAME":"web-1","_COMM":"systemd-logind","MESSAGE_ID":"8d45620c1a4348dbb17410da57c60c66","MESSAGE":"New session 4 of user alice.","SESSION_ID":"4","USER_ID":"alice","LEADER":"77","CLASS":"user"}"#;

#[test]
fn a_session_is_not_a_second_logon_when_it_comes_in_the_next_call() {
    for at_once in [1, 2] {
        let collected = read(&[ACCEPTED.as_bytes(), SESSION.as_bytes()], at_once);
        assert_eq!(collected.users(), ["alice"]);
    }
    assert_eq!(read(&[SESSION.as_bytes()], 1).users(), ["alice"]);
    // What was refused comes again, in the same cuts or others.
    let again = [ACCEPTED, SESSION, SESSION, ACCEPTED, SESSION].map(str::as_bytes);
    assert_eq!(keys(&read(&again, 1).logons), keys(&read(&[ACCEPTED.as_bytes(); 2], 1).logons));
    // Another session of the process is no second one of the logon.
    let other = SESSION.replace("\"SESSION_ID\":\"4\"", "\"SESSION_ID\":\"9\"");
    let three = [ACCEPTED.as_bytes(), SESSION.as_bytes(), other.as_bytes()];
    assert_eq!(read(&three, 1).users(), ["alice", "alice"]);
    // As Vector's and Fluent Bit's inputs for the journal write them.
    let vector = ACCEPTED.replace("_HOSTNAME", "host").replace("MESSAGE", "message");
    let session = SESSION.replace("_HOSTNAME", "host").replace("\"MESSAGE\"", "\"message\"");
    let collected = read(&[ACCEPTED.as_bytes(), session.as_bytes()], 1);
    assert_eq!(collected.users(), ["alice"], "{session}");
    let whole = read(&[ACCEPTED.as_bytes()], 1);
    assert_eq!(keys(&read(&[vector.as_bytes()], 1).logons), keys(&whole.logons));
}

#[test]
fn the_audit_logs_records_of_one_logon_count_once() {
    let start = r#"type=USER_START msg=audit(1772359200.100:501): pid=77 uid=0 auid=1000 ses=4 msg='op=PAM:session_open acct="alice" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success' UID="root" AUID="alice""#;
    let login = r#"type=USER_LOGIN msg=audit(1772359200.200:502): pid=77 uid=0 auid=1000 ses=4 msg='op=login id=1000 exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success' UID="root" AUID="alice" ID="alice""#;
    let options = ingest::Options { device: Some("web-1".to_owned()), ..options() };
    let both = |first: &str, second: &str, at_once| {
        let lines = [first.as_bytes(), second.as_bytes()];
        read_with(&lines, at_once, &options).logons
    };
    assert_eq!(both(start, login, 2).len(), 1);
    assert_eq!(both(login, start, 1).len(), 1);
    // The store sees two sights of one event: same second and session, one without a number.
    let apart = both(start, login, 1);
    let numbers: Vec<_> = apart.iter().map(|logon| logon.key.record).collect();
    assert_eq!(numbers, [None, Some(502)]);
    assert_eq!(apart[0].key.session, apart[1].key.session);
    assert_eq!(apart[0].time.whole_second(), apart[1].time.whole_second());
}

#[test]
fn what_showed_the_zone_is_remembered() {
    let shown = nxlog("ann", 1, "");
    let bare = r#"{"EventTime":"2026-03-01 10:05:00","Hostname":"WS-1","EventID":4624,"Channel":"Security","RecordNumber":9,"TargetUserName":"ben","TargetDomainName":"CORP","TargetLogonId":"0x9","LogonType":"2"}"#;
    let collected = read(&[shown.as_bytes(), bare.as_bytes()], 1);
    assert_eq!(collected.times(), ["2026-03-01T08:01:00Z", "2026-03-01T08:05:00Z"]);
}

#[test]
fn stamps_without_a_year_are_of_the_last_year_that_fits() {
    let line = |date: &str| {
        format!("<38>{date} web-1 sshd[7]: Accepted publickey for alice from 192.0.2.7 port 1 ssh2")
    };
    let (old, new) = (line("Dec 31 23:59:59"), line("Jan  1 00:00:01"));
    let collected = read(&[old.as_bytes(), new.as_bytes()], 1);
    assert_eq!(collected.times(), ["2026-12-31T23:59:59Z", "2027-01-01T00:00:01Z"]);
}
