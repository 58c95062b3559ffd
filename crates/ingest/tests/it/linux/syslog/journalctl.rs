//! What `journalctl -o ...` and macOS' `log show` write as text.

use ingest::Options;
use inventory::logon::Source;
use jiff::tz::TimeZone;

use super::{ACCEPTED, in_year, rejects, told};
use crate::support::{options, read_bytes, read_bytes_with};

#[test]
fn every_form_with_date_and_machine_gives_one_event() {
    let forms = [
        format!("Mar 02 08:15:30 web-1 sshd[71]: {ACCEPTED}"),
        format!("Mar 02 08:15:30.123456 web-1 sshd[71]: {ACCEPTED}"),
        format!("2026-03-02T08:15:30+0000 web-1 sshd[71]: {ACCEPTED}"),
        format!("2026-03-02T08:15:30.123456+00:00 web-1 sshd[71]: {ACCEPTED}"),
        format!("Mon 2026-03-02 08:15:30 UTC web-1 sshd[71]: {ACCEPTED}"),
        format!("Mon 2026-03-02 09:15:30 +01 web-1 sshd[71]: {ACCEPTED}"),
        format!("1772439330.123456 web-1 sshd[71]: {ACCEPTED}"),
        format!("Mon 2026-03-02 08:15:30 UTC web-1 ssh.service[71]: {ACCEPTED}"),
        format!("Mon 2026-03-02 08:15:30 UTC web-1 sshd.service[71]: {ACCEPTED}"),
        format!(
            "Mon 2026-03-02 08:15:30 UTC web-1 sshd@3-192.0.2.1:22-192.0.2.7:5.service[71]: {ACCEPTED}"
        ),
        format!("2026-03-02 08:15:30.123456+0000  web-1 sshd[71]: {ACCEPTED}"),
    ];
    let first = read_bytes_with(forms[0].as_bytes(), &in_year(2026));
    for form in forms {
        let text = format!(
            "-- Journal begins at Mon 2026-03-02 08:00:00 UTC, ends at Mon 2026-03-02 09:00:00 UTC. --\n\
             -- Logs begin at Mon 2026-03-02 08:00:00 UTC. --\n\
             Hint: You are currently not seeing messages from other users and the system.\n\
             Timestamp                       (process)[PID]    \n\
             -- Boot 3f2a9c1b7d104e6f8a5b4c3d2e1f0a9b --\n{form}\n"
        );
        let read = read_bytes_with(text.as_bytes(), &in_year(2026));
        assert_eq!(told(&read), ["ann@web-1 10 192.0.2.7"], "{form}");
        assert_eq!(read.logons[0].key, first.logons[0].key, "{form}");
        assert_eq!(
            read.logons[0].time.whole_second().to_string(),
            "2026-03-02T08:15:30Z",
            "{form}"
        );
        assert_eq!(read.logons[0].source, Source::Sshd);
        assert_eq!((read.tally().rejects, read.warnings.len()), (0, 0), "{form}");
    }
}

#[test]
fn units_are_believed_where_systemd_names_them() {
    let line = |unit: &str| format!("Mon 2026-03-02 08:15:30 UTC web-1 {unit}[71]: {ACCEPTED}\n");
    for unit in [
        "user@1000.service/sshd.service",
        "user@1000.service/app.slice/sshd",
        "session-5.scope",
        "my-sshd.service",
        "sshd.service.d",
        "nginx.service",
        "unknown",
    ] {
        let read = read_bytes(line(unit).as_bytes());
        assert_eq!((told(&read).len(), read.tally().records), (0, 1), "{unit}");
    }
    // In other forms it is the name that the program gave itself.
    let named = format!("Mar  2 08:15:30 web-1 sshd.service[71]: {ACCEPTED}\n");
    assert_eq!(told(&read_bytes_with(named.as_bytes(), &in_year(2026))), [""; 0]);
    let session = "Mon 2026-03-02 08:15:30 UTC web-1 systemd-logind.service[5]: New session '1' of user \
        'bob' with class 'user' and type 'wayland'.\n";
    assert_eq!(told(&read_bytes(session.as_bytes())), ["bob@web-1 2"]);
}

#[test]
fn the_name_of_a_zone_is_a_persons_to_say() {
    let text = format!(
        "Mon 2026-03-02 09:15:30 CET web-1 sshd[71]: {ACCEPTED}\n\
         Wed 2026-07-01 09:15:30 CEST web-1 sshd[72]: {ACCEPTED}\n"
    );
    let read = read_bytes(text.as_bytes());
    assert_eq!(read.times(), ["2026-03-02T09:15:30Z", "2026-07-01T09:15:30Z"]);
    assert_eq!(read.warnings.len(), 1, "{:?}", read.warnings);
    assert!(read.warnings[0].contains("`CET`") && read.warnings[0].contains("--timezone"));
    let zone = Options { timezone: TimeZone::get("Europe/Berlin").ok(), ..options() };
    let read = read_bytes_with(text.as_bytes(), &zone);
    assert_eq!(read.times(), ["2026-03-02T08:15:30Z", "2026-07-01T07:15:30Z"]);
    assert_eq!(read.warnings, [""; 0]);
}

#[test]
fn forms_without_date_or_machine_are_refused_by_their_names() {
    let monotonic = format!("[    5.123456] web-1 sshd[71]: {ACCEPTED}\n");
    let delta = format!("[    5.123456 <    0.000012 >] web-1 sshd[71]: {ACCEPTED}\n");
    let verbose = format!(
        "Mon 2026-03-02 08:15:30.123456 UTC [s=0f4b;i=2a;b=3f2a;m=4c;t=64;x=1]\n    _HOSTNAME=web-1\n    \
         MESSAGE={ACCEPTED}\n"
    );
    let cat = format!("{ACCEPTED}\n");
    let unified = format!(
        "Timestamp                       Thread     Type        Activity             PID    TTL  \n\
         2026-03-02 08:15:30.123456+0000 0x1a2b     Default     0x0                  123    0    sshd: {ACCEPTED}\n"
    );
    let compact = format!(
        "Timestamp               Ty Process[PID:TID]\n2026-03-02 08:15:30.123 Df sshd[123:1a2b] {ACCEPTED}\n"
    );
    let interpreted =
        "----\ntype=USER_LOGIN msg=audit(03/02/2026 08:15:30.123:97) : pid=1 uid=root\n".to_owned();
    let container = format!("2026-03-02T08:15:30.123Z stderr F {ACCEPTED}\n");
    let loki = format!("2026-03-02T08:15:30Z {{unit=\"ssh.service\"}} {ACCEPTED}\n");
    for (text, word) in [
        (monotonic, "-o short-iso"),
        (delta, "-o short-iso"),
        (verbose, "-o verbose"),
        (cat, "-o cat"),
        (unified, "--style syslog"),
        (compact, "--style syslog"),
        (interpreted, "ausearch --raw"),
        (container, "container"),
        (loki, "Loki"),
    ] {
        for text in [text.clone(), text.repeat(2000)] {
            let read = read_bytes(text.as_bytes());
            assert_eq!((read.logons.len(), read.files.len()), (0, 0), "{text}");
            assert!(read.skipped[0].reason.contains(word), "{:?}", read.skipped);
        }
        // Within a log that is read, each is told.
        let mixed = format!(
            "2026-03-02T08:00:00Z web-0 sshd[1]: hi\n{}",
            text.lines().rfind(|line| !line.starts_with(' ')).unwrap()
        );
        let read = read_bytes(mixed.as_bytes());
        assert_eq!((read.logons.len(), rejects(&read).len()), (0, 1), "{text}");
    }
}
