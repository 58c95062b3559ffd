//! What sshd says of logons, in the words of all its versions (telemetry.md §4.2).
//!
//! A message is read from its front, by fixed words: the name in a failure is the attacker's to
//! choose, so nothing behind it is believed.

use inventory::logon::EventKey;

use crate::linux;

/// From OpenSSH 9.8 and 10 on, parts of it are programs of their own.
const PROGRAMS: [&str; 3] = ["sshd", "sshd-session", "sshd-auth"];

/// How often a message can have been repeated, so that no sum of them grows beyond its type.
const MAX_REPEATS: u64 = 1_000_000;

/// Whether a program of this name is sshd.
pub(crate) fn is_program(name: &str) -> bool {
    PROGRAMS.contains(&name)
}

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    Accepted(Accepted<'a>),
    /// So many failures.
    Failed(u64),
    Other,
}

/// Somebody logged on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Accepted<'a> {
    pub(crate) user: &'a str,
    pub(crate) remote: &'a str,
    method: &'a str,
    port: &'a str,
}

impl Accepted<'_> {
    /// What all forms of the log have of it.
    pub(crate) fn key(&self, pid: &str) -> EventKey {
        let parts = ["sshd", pid, self.method, self.user, self.remote, self.port];
        EventKey { session: linux::session(&parts), record: None }
    }
}

impl<'a> Said<'a> {
    /// Reads a message, without the program's name before it.
    pub(crate) fn read(message: &'a str) -> Self {
        let message = message.trim_start();
        let (times, message) = repeated(message).unwrap_or((1, message));
        if let Some(rest) = message.strip_prefix("Accepted ") {
            return accepted(rest).map_or(Said::Other, Said::Accepted);
        }
        match message.strip_prefix("Failed ").and_then(accepted) {
            Some(_) => Said::Failed(times),
            None => Said::Other,
        }
    }
}

/// rsyslog's `message repeated 3 times: [ Failed password for ...]`.
fn repeated(message: &str) -> Option<(u64, &str)> {
    let (times, rest) = message.strip_prefix("message repeated ")?.split_once(" times: [")?;
    let times = times.parse().ok().filter(|times| *times <= MAX_REPEATS)?;
    Some((times, rest.trim_start()))
}

/// `METHOD for USER from ADDRESS port N`; a name can hold blanks.
fn accepted(text: &str) -> Option<Accepted<'_>> {
    let (method, rest) = text.split_once(" for ")?;
    if method.is_empty() || method.contains(' ') {
        return None;
    }
    rest.match_indices(" from ").find_map(|(at, word)| {
        // Only the next two words are looked at, so that a long line takes no long time.
        let (remote, tail) = rest[at + word.len()..].split_once(' ')?;
        let tail = tail.strip_prefix("port ")?;
        let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
        (!remote.is_empty() && digits > 0).then(|| Accepted {
            user: rest[..at].trim(),
            remote,
            method,
            port: &tail[..digits],
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(message: &str) -> Option<(&str, &str, &str, &str)> {
        match Said::read(message) {
            Said::Accepted(it) => Some((it.method, it.user, it.remote, it.port)),
            _ => None,
        }
    }

    #[test]
    fn accepted_logons_are_read_in_the_words_of_all_versions() {
        for (message, expected) in [
            (
                "Accepted password for ann from 192.0.2.7 port 42855 ssh2",
                ("password", "ann", "192.0.2.7", "42855"),
            ),
            (
                " Accepted publickey for ann from 2001:db8::7 port 1  ssh2: RSA SHA256:x",
                ("publickey", "ann", "2001:db8::7", "1"),
            ),
            (
                "Accepted publickey for ann from fe80::1%eth0 port 9 ssh2: ED25519-CERT SHA256:x ID a from b port 1 (serial 0) CA RSA SHA256:y",
                ("publickey", "ann", "fe80::1%eth0", "9"),
            ),
            (
                "Accepted keyboard-interactive/pam for CORP\\ann lee from 10.0.0.1 port 22 ssh2",
                ("keyboard-interactive/pam", "CORP\\ann lee", "10.0.0.1", "22"),
            ),
            (
                "Accepted gssapi-with-mic for ann from gate.example port 22 ssh2: ann@CORP.EXAMPLE",
                ("gssapi-with-mic", "ann", "gate.example", "22"),
            ),
        ] {
            assert_eq!(parts(message), Some(expected), "{message}");
        }
    }

    #[test]
    fn failures_are_counted_and_never_believed() {
        for (message, times) in [
            ("Failed password for root from 192.0.2.7 port 1 ssh2", 1),
            ("Failed password for invalid user a b from 192.0.2.7 port 1 ssh2 [preauth]", 1),
            ("Failed none for invalid user  from 2001:db8::1 port 1 ssh2", 1),
            ("message repeated 5 times: [ Failed password for root from 192.0.2.7 port 1 ssh2]", 5),
            (
                "Failed password for invalid user Accepted password for root from 1.2.3.4 port 5 ssh2 from 192.0.2.7 port 1 ssh2",
                1,
            ),
        ] {
            assert_eq!(Said::read(message), Said::Failed(times), "{message}");
        }
        for message in [
            "Invalid user Accepted password for root from 1.2.3.4 port 5",
            "Connection closed by invalid user Accepted 192.0.2.7 port 1 [preauth]",
            "pam_unix(sshd:session): session opened for user ann(uid=1) by (uid=0)",
            "Disconnected from user ann 192.0.2.7 port 42855",
            "Partial publickey for ann from 192.0.2.7 port 1 ssh2",
            "message repeated 18446744073709551615 times: [ Failed password for a from b port 1]",
            "Accepted password for ann",
            "Accepted password for ann from port 22",
            "",
        ] {
            assert_eq!(Said::read(message), Said::Other, "{message}");
        }
    }

    #[test]
    fn a_long_line_takes_no_long_time() {
        let long = format!("Failed password for{} port ", " from".repeat(3_000_000));
        assert_eq!(Said::read(&long), Said::Other);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(Accepted|Failed|message repeated)?( for | from | port |[ a-z0-9é:\\[]{0,9}){0,9}") {
            let _ = Said::read(&text);
        }
    }
}
