//! The systemd journal in both of its forms.

use ingest::Format;
use inventory::logon::Source;
use proptest::prelude::*;

use super::{rejects, told};
use crate::support::{Collected, gzip, read_bytes};

const SESSION_START: &str = "8d45620c1a4348dbb17410da57c60c66";

type Fields<'a> = Vec<(&'a str, &'a str)>;

/// An entry of web-1, with these fields beside it.
fn entry<'a>(micros: &'a str, fields: &[(&'a str, &'a str)]) -> Fields<'a> {
    let mut all =
        vec![("__CURSOR", "s=1;i=2"), ("__REALTIME_TIMESTAMP", micros), ("_HOSTNAME", "web-1")];
    all.extend(fields);
    all
}

fn sshd<'a>(micros: &'a str, pid: &'a str, message: &'a str) -> Fields<'a> {
    let who =
        [("SYSLOG_IDENTIFIER", "sshd"), ("_COMM", "sshd"), ("_PID", pid), ("MESSAGE", message)];
    entry(micros, &who)
}

fn session<'a>(user: &'a str, leader: &'a str, class: &'a str) -> Fields<'a> {
    let mut fields = entry(
        "1772366401000000",
        &[
            ("MESSAGE_ID", SESSION_START),
            ("_COMM", "systemd-logind"),
            ("SESSION_ID", leader),
            ("USER_ID", user),
            ("LEADER", leader),
            ("MESSAGE", "Neue Sitzung"),
        ],
    );
    if !class.is_empty() {
        fields.push(("CLASS", class));
    }
    fields
}

fn json(entries: &[Fields<'_>]) -> Vec<u8> {
    let line = |entry: &Fields<'_>| {
        let object: serde_json::Map<_, _> =
            entry.iter().map(|&(key, value)| (key.to_owned(), value.into())).collect();
        serde_json::to_string(&object).unwrap() + "\n"
    };
    entries.iter().map(line).collect::<String>().into_bytes()
}

fn export(entries: &[Fields<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        for (key, value) in entry {
            if value.bytes().any(|byte| byte < 0x20) {
                bytes.extend(format!("{key}\n").bytes());
                bytes.extend((value.len() as u64).to_le_bytes());
                bytes.extend(format!("{value}\n").bytes());
            } else {
                bytes.extend(format!("{key}={value}\n").bytes());
            }
        }
        bytes.push(b'\n');
    }
    bytes
}

/// Both forms have to say the same.
fn read(entries: &[Fields<'_>]) -> Collected {
    let by_export = read_bytes(&export(entries));
    let by_json = read_bytes(&json(entries));
    assert_eq!(by_export.logons, by_json.logons);
    assert_eq!(by_export.tally(), by_json.tally());
    by_json
}

const ACCEPTED: &str = "Accepted publickey for ann from 2001:db8::7 port 4 ssh2: RSA SHA256:x";

#[test]
fn a_logon_over_ssh_is_told_once() {
    let read = read(&[
        sshd("1772366400123456", "90", ACCEPTED),
        session("ann", "90", ""),
        session("bob", "91", "user"),
        sshd("1772366402000000", "92", "Failed password for root from 192.0.2.7 port 1 ssh2"),
        sshd("1772366402000000", "92", "pam_unix(sshd:session): session opened for user ann"),
    ]);
    assert_eq!(told(&read), ["ann@web-1 10 2001:db8::7", "bob@web-1 2"]);
    assert_eq!(read.times()[0], "2026-03-01T12:00:00.123456Z");
    let sources: Vec<_> = read.logons.iter().map(|logon| logon.source).collect();
    assert_eq!(sources, [Source::Sshd, Source::Logind]);
    assert_eq!((read.tally().records, read.tally().failures), (5, 1));
    assert_eq!(read.files[0].format, Format::Journal);
}

#[test]
fn sessions_of_no_person_are_left_out() {
    let read = read(&[
        session("gdm", "1", "greeter"),
        session("gdm", "2", ""),
        session("ann", "3", "manager"),
        session("ann", "4", "background"),
        session("ann", "5", "user-early"),
        // A systemd that writes no class: the account tells.
        session("gdm-greeter-2", "6", ""),
        session("plasmalogin", "7", ""),
        session("_greetd", "8", ""),
        session("cosmic-greeter", "9", ""),
        session("greeter", "10", ""),
    ]);
    assert_eq!(told(&read), ["ann@web-1 2"]);
}

#[test]
fn the_kernels_word_counts_more_than_the_writers() {
    let forged = |command| {
        entry(
            "1772366400000000",
            &[("SYSLOG_IDENTIFIER", "sshd"), ("_COMM", command), ("MESSAGE", ACCEPTED)],
        )
    };
    let mut session = session("root", "5", "user");
    session[4] = ("_COMM", "logger");
    let read = read(&[forged("logger"), session, forged("sshd-session")]);
    assert_eq!(read.logons.len(), 1);
}

#[test]
fn values_that_are_no_text_are_read() {
    let bytes: Vec<String> = ACCEPTED.bytes().map(|byte| byte.to_string()).collect();
    let line = format!(
        r#"{{"MESSAGE":[{}],"_COMM":"sshd","SYSLOG_IDENTIFIER":["sshd","x"],"_HOSTNAME":"web-1","_PID":"1","__REALTIME_TIMESTAMP":"1772366400000000","_CMDLINE":null,"__CURSOR":"x"}}"#,
        bytes.join(",")
    );
    assert_eq!(told(&read_bytes(line.as_bytes())), ["ann@web-1 10 2001:db8::7"]);
    assert_eq!(
        told(&read_bytes(format!("\u{1e}{line}\n").as_bytes())),
        ["ann@web-1 10 2001:db8::7"]
    );
    let mut of_lines = sshd("1772366400000000", "1", "Accepted password for ann from a port 1\nx");
    of_lines.push(("_CMDLINE", "a\nb"));
    assert_eq!(told(&read(&[of_lines])), ["ann@web-1 10 a"]);
}

#[test]
fn broken_entries_are_told_by_their_place_and_the_rest_is_read() {
    let good = sshd("1772366400000000", "1", ACCEPTED);
    let timeless = sshd("never", "1", ACCEPTED);
    let entries = [good.clone(), timeless, good.clone()];
    let mut lines = json(&entries);
    lines.extend(b"{\"sshd\":\"Accepted \",}\nno object\n{\"a\":\n");
    let read = read_bytes(&gzip(&lines));
    assert_eq!(read.logons.len(), 2);
    let reasons = rejects(&read);
    assert!(reasons[0].starts_with("line 2: __REALTIME_TIMESTAMP: "), "{reasons:?}");
    assert!(reasons[1].starts_with("line 4: not valid JSON: "), "{reasons:?}");
    assert_eq!(reasons.len(), 4);

    let mut bytes = export(&entries);
    bytes.extend(b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffabc");
    let read = read_bytes(&bytes);
    assert_eq!(read.logons.len(), 2);
    let reasons = rejects(&read);
    let second = export(&[good]).len();
    assert!(reasons[0].starts_with(&format!("byte {second}: ")), "{reasons:?}");
    assert!(reasons[1].ends_with("a value that the file ends in"), "{reasons:?}");
}

#[test]
fn an_entry_is_one_however_it_is_printed_and_passed_on() {
    for text in [
        "{\n\t\"__CURSOR\" : \"x\",\n\t\"MESSAGE\" : \"y\"\n}\n",
        "{\"__REALTIME_TIMESTAMP\":\"1\",\"message\":\"y\",\"host\":\"web-1\"}\n",
    ] {
        let read = read_bytes(text.as_bytes());
        assert_eq!((read.files[0].format, read.tally().records), (Format::Journal, 1), "{text}");
    }
    let read = read_bytes(b"{\"message\":\"{\\\"__CURSOR\\\":\\\"MESSAGE\\\":1}\"}\n");
    assert_eq!((read.files, read.skipped.len()), (Vec::new(), 1));
}

#[test]
fn an_endless_value_takes_no_memory() {
    let mut bytes = b"__CURSOR=x\n".to_vec();
    bytes.extend(vec![b'A'; 40 * 1024 * 1024]);
    bytes.extend(b"\n\n");
    bytes.extend(export(&[sshd("1772366400000000", "1", ACCEPTED)]));
    let read = read_bytes(&bytes);
    assert_eq!((read.logons.len(), read.tally().rejects), (1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn flipped_and_missing_bytes_never_panic(
        flips in prop::collection::vec((0usize..1_200, any::<u8>()), 0..30),
        length in 0usize..1_200,
    ) {
        let entries = [
            sshd("1772366400000000", "1", ACCEPTED),
            sshd("1772366400000000", "2", "a\nb"),
            session("ann", "3", "user"),
        ];
        for mut bytes in [json(&entries), export(&entries)] {
            for &(at, byte) in &flips {
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            bytes.truncate(length);
            let read = read_bytes(&bytes);
            prop_assert!(!read.rejects.iter().any(|reject| reject.reason.contains("defect")));
        }
    }
}
