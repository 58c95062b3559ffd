//! The same lines where they are sent one by one, as to a listener.

use ingest::live::{self, Memory};
use inventory::time::{Stamp, Timestamp};
use jiff::tz::TimeZone;

use super::{ACCEPTED, told};
use crate::support::{Collected, options};

fn sent(lines: &[&str]) -> Collected {
    let mut collected = Collected::default();
    let now = Stamp::parse("2026-03-02T12:00:00Z").unwrap().in_zone(&TimeZone::UTC);
    let now: Timestamp = now.unwrap();
    let lines = lines.iter().map(|line| line.as_bytes());
    let flow = live::read(lines, "sender", now, &options(), &Memory::default(), &mut collected);
    assert!(flow.is_continue());
    collected
}

#[test]
fn a_relay_is_no_machine() {
    for header in [
        "<38>Mar  2 08:15:30 relay-1 Mar  2 08:15:29 web-21",
        "<38>Mar  2 08:15:30 relay-1 <38>Mar  2 08:15:29 web-21",
        "<38>1 2026-03-02T08:15:30Z relay-1 - - - - Mar  2 08:15:29 web-21",
        "<86>Original Address=192.0.2.11 Mar  2 08:15:29 web-21",
        "Mar  2 08:15:29 web-21 auth|security:info",
    ] {
        let line = format!("{header} sshd[71]: {ACCEPTED}");
        let read = sent(&[&line]);
        assert_eq!(told(&read), ["ann@web-21 10 192.0.2.7"], "{line}");
        assert_eq!(read.times(), ["2026-03-02T08:15:29Z"], "{line}");
    }
    let hidden = format!("<38>Mar  2 08:15:29 relay-1 web-21 sshd[71]: {ACCEPTED}");
    let read = sent(&[&hidden]);
    assert_eq!((read.logons.len(), read.tally().rejects), (0, 1));
}

#[test]
fn an_audit_record_is_read_or_told() {
    let record = "type=USER_LOGIN msg=audit(1772448000.755:1468): pid=1725 uid=0 auid=1001 ses=3 \
        msg='op=login id=1001 exe=\"/usr/sbin/sshd\" hostname=192.0.2.50 addr=192.0.2.50 \
        terminal=/dev/pts/0 res=success'UID=\"root\" AUID=\"mo.lang\" ID=\"mo.lang\"";
    for front in [
        "node=Rocky 9 app 50 ",
        "<38>node=Rocky 9 app 50 ",
        "<38>Mar  2 10:40:00 relay-1 node=Rocky 9 app 50 ",
        "<38>Mar  2 10:40:00 relay-1 audispd: node=Rocky 9 app 50 ",
    ] {
        let read = sent(&[&format!("{front}{record}")]);
        assert_eq!(told(&read), ["mo.lang@Rocky 9 app 50 10 192.0.2.50"], "{front}");
    }
    for front in ["", "<13>Mar  2 10:40:00 web-1 ann: "] {
        let read = sent(&[&format!("{front}{record}")]);
        assert_eq!((read.logons.len(), read.tally().rejects), (0, 1), "{front}");
    }
}

/// As rsyslog's mmjsonparse and the log agents of clouds write it.
#[test]
fn json_is_taken_out_of_its_header() {
    const EVENT: &str = r#"{"EventTime":"2026-03-02 08:15:29","Hostname":"WS-1","EventID":4624,"Channel":"Security","RecordNumber":7,"TargetUserName":"ann","TargetDomainName":"CORP","TargetUserSid":"S-1-5-21-1-2-3-1104","TargetLogonId":"0x700","LogonType":"2"}"#;
    for front in [
        "<13>Mar  2 08:15:30 relay-1 nxlog[7]: ",
        "<13>Mar  2 08:15:30 relay-1 nxlog[7]: @cee: ",
        "<13>1 2026-03-02T08:15:30Z relay-1 nxlog - - - @cee:",
        "2026-03-02T08:15:30.123Z ",
        "2026-03-02T08:15:30.123456789Z stdout F ",
        "2026-03-02T08:15:30Z {job=\"windows\"} ",
    ] {
        let read = sent(&[&format!("{front}{EVENT}")]);
        assert_eq!(told(&read), ["ann@WS-1 2"], "{front}");
    }
}
