//! Lines of other forms that people have in their hands and that are not read, by their names, so
//! that nobody has to search for what to do.

use crate::sshd::Said;

const MONOTONIC: &str = "journalctl's -o short-monotonic or short-delta, or dmesg's output, which have no date; \
    export with -o json or -o short-iso";
const VERBOSE: &str =
    "journalctl's -o verbose, which is not read; export with -o json or -o export";
const CAT: &str = "what sshd says without date and machine, as journalctl's -o cat and `sshd -e` write it; \
    export with -o json or -o short-iso";
const UNIFIED: &str =
    "macOS' unified log without its machine's name; `log show --style syslog` is read";
const INTERPRETED: &str =
    "ausearch's interpreted form (-i), which is not read; `ausearch --raw` is";
const CONTAINER: &str = "the log of a container whose lines are none of syslog's";
const LOKI: &str = "lines of Loki without a header of syslog; what is read are the lines as the host wrote \
    them, or the journal's fields as JSON";
const SUPERVISED: &str =
    "the log of a supervised service (multilog, svlogd) whose lines are none of syslog's";

/// Whose a line is that is none of ours.
pub(super) fn name(line: &str) -> Option<&'static str> {
    let line = line.trim();
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    match *line.as_bytes().first()? {
        b'[' => is_monotonic(line).then_some(MONOTONIC),
        b'@' => {
            let stamp = line.get(1..25)?;
            stamp.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(SUPERVISED)
        }
        b'T' if is_header(line) => Some(UNIFIED),
        b't' | b'n' if line.starts_with("type=") || line.starts_with("node=") => {
            let (_, stamp) = line.split_once(" msg=audit(")?;
            // `01/02/2026 10:00:00.123:7`
            let stamp = stamp.split(')').next().unwrap_or_default();
            stamp.contains('/').then_some(INTERPRETED)
        }
        byte if is_digit(&byte) => behind_date(line),
        _ if is_verbose(line) => Some(VERBOSE),
        _ => matches!(Said::read(line), Said::Accepted(_) | Said::Failed(_)).then_some(CAT),
    }
}

/// Whether a line names the columns of macOS' unified log.
pub(super) fn is_header(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    words.next() == Some("Timestamp") && matches!(words.next(), Some("Thread" | "Ty"))
}

/// `[    5.123456] ` and `[    5.123456 <    0.000012 >] `
fn is_monotonic(line: &str) -> bool {
    /// Of the two numbers, the blanks before them, and what stands around them.
    const MAX_BYTES: usize = 64;
    let end = line.bytes().take(MAX_BYTES).position(|byte| byte == b']');
    let inner = end.map_or("", |end| line[1..end].trim());
    inner.contains('.') && inner.bytes().all(|it| it.is_ascii_digit() || b". <>".contains(&it))
}

/// `Mon 2026-03-02 08:15:30.123456 UTC [s=...;i=...]`
fn is_verbose(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    words.nth(4).is_some_and(|word| word.starts_with("[s=") && word.contains(";i="))
}

/// What has a date, and then something that is neither host nor tag.
fn behind_date(line: &str) -> Option<&'static str> {
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?;
    if first.len() == "2026-03-02".len() {
        let (_time, third, fourth) = (words.next()?, words.next()?, words.next()?);
        let is_thread =
            third.starts_with("0x") && third[2..].bytes().all(|it| it.is_ascii_hexdigit());
        // `--style compact` has a type of two letters and `process[pid:thread]`.
        let is_compact = matches!(third, "Df" | "Db" | "I" | "In" | "E" | "F" | "Er" | "Ft" | "A")
            && fourth.ends_with(']')
            && fourth.contains(':');
        return (is_thread || is_compact).then_some(UNIFIED);
    }
    let is_stamp = first.len() >= "2026-03-02T08:15:30".len() && first.as_bytes()[4] == b'-';
    match (words.next()?, words.next()) {
        _ if !is_stamp => None,
        ("stdout" | "stderr", Some("F" | "P")) => Some(CONTAINER),
        (labels, _) if labels.starts_with('{') && (labels.contains("=\"") || labels == "{}") => {
            Some(LOKI)
        }
        _ if first.as_bytes()[10] == b'_' => Some(SUPERVISED),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_of_others_have_their_names() {
        for (line, word) in [
            ("[    5.123456] web-1 sshd[71]: hi", "short-monotonic"),
            ("[    5.123456 <    0.000012 >] web-1 sshd[71]: hi", "short-delta"),
            ("Mon 2026-03-02 08:15:30.123456 UTC [s=0f;i=2a;b=c;m=d;t=e;x=f]", "verbose"),
            ("Accepted publickey for ann from 192.0.2.7 port 5 ssh2", "-o cat"),
            (
                "Timestamp                       Thread     Type        Activity             PID    TTL",
                "macOS",
            ),
            (
                "2026-03-02 08:15:30.123456+0000 0x1a2b     Default     0x0                  123    0    sshd: (x) hi",
                "macOS",
            ),
            ("2026-03-02 08:15:30.123 Df sshd[123:1a2b] hi", "macOS"),
            ("type=USER_LOGIN msg=audit(03/02/2026 08:15:30.123:97) : pid=1 uid=root", "--raw"),
            ("2026-03-02T08:15:30.123456789Z stdout F Accepted publickey for ann", "container"),
            ("2026-03-02T08:15:30Z {unit=\"ssh.service\"} Accepted publickey for ann", "Loki"),
            ("@400000006a2c7d6b0a1b2c3d Accepted publickey for ann", "multilog"),
            ("2026-03-02_08:15:30.12345 Accepted publickey for ann", "svlogd"),
        ] {
            let named = name(line);
            assert!(named.is_some_and(|name| name.contains(word)), "{line}: {named:?}");
        }
        for line in [
            "",
            "[main] hi",
            "[]",
            "type=USER_LOGIN msg=audit(1.2:3): hi",
            "once upon a time",
            "2026-03-02 08:15:30 INFO hi",
            "2026-03-02T08:15:30Z web-1 hi",
            "Timestamp of it",
            "@400 hi",
            "Mon the first of them was [s=1",
            "{\"a\":1}",
        ] {
            assert_eq!(name(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([\\[@{TtA]|2026-03-02[ T_])?( ?[ -~é\\[\\]{}:]{0,12}){0,8}") {
            let _ = name(&text);
        }
    }
}
