//! What makes a text a log of syslog.

use proptest::prelude::*;

use super::{ACCEPTED, in_year, told};
use crate::support::{read_bytes, read_bytes_with};

/// What a file is taken for; how a file that grows is read hangs on the same.
fn is_log(text: &str) -> bool {
    let read = read_bytes_with(text.as_bytes(), &in_year(2026));
    let head = &text.as_bytes()[..text.len().min(ingest::live::HEAD_BYTES)];
    let is_log = !read.files.is_empty();
    assert_eq!(
        ingest::live::grows_by_lines(head) == Some(true),
        is_log,
        "{}",
        &text[..text.len().min(300)]
    );
    is_log
}

/// As su, proftpd and login write it.
#[test]
fn a_log_is_one_whatever_programs_begin_it() {
    for header in [
        "Mar  2 00:00:00 files-1",
        "2026-03-02T00:00:00.123456+00:00 files-1",
        "<86>Mar  2 00:00:00 files-1",
    ] {
        for tag in ["ftpd:", "su:", "/usr/libexec/login:"] {
            let line =
                format!("{header} {tag} pam_unix(a:session): session opened for user upload\n");
            for times in [1, 3, 2000] {
                let text = format!(
                    "{}Mar  2 11:30:00 files-1 sshd[4516]: {ACCEPTED}\n",
                    line.repeat(times)
                );
                assert!(is_log(&text), "{line}");
                let read = read_bytes_with(text.as_bytes(), &in_year(2026));
                assert_eq!(told(&read), ["ann@files-1 10 192.0.2.7"], "{line}");
                assert!(is_log(&line.repeat(times)), "{line}");
            }
        }
    }
}

#[test]
fn a_text_with_dates_in_it_is_none() {
    let diary = "Mar  2 08:15:30 we went to the sea\nand it was cold\nand so on and on\n";
    let table = "Mar  2 08:15:30 a b c\nMar  3 08:15:30 a b c\n";
    let application = "2026-03-02 08:15:30,123 INFO  [main] com.example.Foo: started\n";
    let levels = "2026-03-02T08:15:30Z INFO foo: started\n2026-03-02T08:15:30Z warn bar: started\n";
    let local = "2026-03-02 08:15:30 ERROR foo: started\n";
    let half = "Mar  2 08:15:30 web-1 ftpd: hi\nonce upon a time\n";
    for text in [diary, table, application, levels, local, half] {
        for times in [1, 50, 3000] {
            assert!(!is_log(&text.repeat(times)), "{text}");
        }
    }
    // It looks like a log at first, and not in what follows.
    let line = "Mar  2 08:15:30 web-1 sshd[7]: hi\n".repeat(130);
    assert!(!is_log(&format!("{line}{}", "once upon a time there was a king\n".repeat(1500))));
}

#[test]
fn a_priority_is_no_xml() {
    for text in ["<38>\n", "<38>hello\n", "<86>once upon a time\n"] {
        let read = read_bytes(text.as_bytes());
        assert!(!read.skipped[0].reason.contains("XML"), "{:?}", read.skipped);
    }
    assert!(read_bytes(b"<EventLog>").skipped[0].reason.contains("XML"));
}

/// A line without blanks, or of nothing but headers, takes no longer than another.
#[test]
fn a_long_line_takes_no_long_time() {
    const BYTES: usize = 512 * 1024;
    for piece in [
        "Mar  2 08:15:30 a ",
        "2026-03-02T08:15:30Z ",
        "<38>",
        "Original Address=192.0.2.1 ",
        "a | ",
        "{a=\"",
        "@4000000069a548aa0a1b2c3d ",
        "auth|",
        "[ID 1 ",
        "node=a type=",
        "2026-03-02T08:15:30Z stdout F ",
        "x",
        "Mon ",
        "[pod/a] ",
        "auth.info: ",
        "192.0.2.1: auth.info: ",
    ] {
        let line = piece.repeat(BYTES / piece.len());
        for front in
            ["", "<38>", "Mar  2 08:15:30 ", "Mar  2 08:15:30 web-1 ", "type=A msg=audit(1.1:1): "]
        {
            let text = format!("Mar  2 08:15:30 web-1 sshd[7]: hi\n{front}{line}\n");
            let read = read_bytes_with(text.as_bytes(), &in_year(2026));
            assert_eq!(read.logons.len(), 0, "{front}{piece}");
        }
    }
}

const PIECES: &str = "(<38>|1 |Mar  2 08:15:30 |2026-03-02T08:15:30Z |Mon |web-1 |auth.info |In\\(38\\) |\
    auth.info: |Original Address=192.0.2.1 |stdout F |\\{a=\"b\"\\} |@4000000069a548aa0a1b2c3d |a \\| |\
    \\[ID 1 auth.info\\] |node=a type=B msg=audit\\(1.2:3\\): |- |UTC |nginx\\[7\\]: |é|[ -~]{0,6}){0,9}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_panics(text in PIECES) {
        let text = format!("Mar  2 08:15:30 web-1 sshd[7]: hi\n{text}\n{text}sshd[7]: {ACCEPTED}\n");
        let read = read_bytes_with(text.as_bytes(), &in_year(2026));
        prop_assert!(!read.rejects.iter().any(|reject| reject.reason.contains("defect")));
    }

    /// Behind a tag with a process nothing is anything but its program's words.
    #[test]
    fn nothing_behind_a_tag_is_a_logon(text in PIECES, words in PIECES) {
        let text = format!("Mar  2 08:15:30 web-1 nginx[7]: {text}sshd[7]: {words}{ACCEPTED}\n");
        let read = read_bytes_with(text.as_bytes(), &in_year(2026));
        prop_assert_eq!(told(&read), [""; 0]);
    }

    /// The name of a failure is the attacker's.
    #[test]
    fn nothing_in_a_name_is_a_logon(words in PIECES) {
        for said in ["Invalid user ", "Failed password for invalid user ", "Connection closed by "] {
            let text = format!(
                "Mar  2 08:15:30 web-1 sshd[7]: {said}{words}{ACCEPTED} from 192.0.2.7 port 1 ssh2\n"
            );
            let read = read_bytes_with(text.as_bytes(), &in_year(2026));
            prop_assert_eq!(told(&read), [""; 0]);
        }
    }
}
