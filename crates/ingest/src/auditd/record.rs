//! One record of the audit log taken apart.

use std::borrow::Cow;

use inventory::time::Timestamp;

/// What the kernel writes for no session and no user: -1.
const UNSET: &str = "4294967295";
/// auditd separates what it adds from what came from the kernel.
const ENRICHED: char = '\u{1d}';

/// A record's head, and what follows it.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// The machine; empty when the record names none.
    pub(crate) node: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) time: Timestamp,
    pub(crate) serial: u64,
    /// What the kernel says.
    outer: &'a str,
    /// What the program says, between `msg='` and the last quote.
    inner: &'a str,
    /// The names that auditd added.
    enriched: &'a str,
}

impl<'a> Record<'a> {
    /// Takes a line apart; `None` when it is no record.
    ///
    /// The head has to stand in front: a name in a message of another program must not make one.
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let line = line.trim();
        let (node, rest) = match line.strip_prefix("node=") {
            Some(rest) => node_cut(rest)?,
            None => ("", line),
        };
        let (kind, rest) = rest.trim_start().strip_prefix("type=")?.split_once(' ')?;
        let (stamp, rest) = rest.trim_start().strip_prefix("msg=audit(")?.split_once(')')?;
        let (time, serial) = stamp.split_once(':')?;
        let (outer, inner, enriched) = parts(rest.strip_prefix(':').unwrap_or(rest));
        let time = time_of(time)?;
        Some(Self { node, kind, time, serial: serial.parse().ok()?, outer, inner, enriched })
    }

    /// Whether a text begins like a record, whatever becomes of the rest.
    pub(crate) fn begins(text: &str) -> bool {
        let text = text.trim_start();
        text.starts_with("type=") || text.starts_with("node=") && text.contains(" type=")
    }

    /// A field of the program's part; empty when it is not there.
    pub(crate) fn inner(&self, key: &str) -> &'a str {
        field(self.inner, key).map_or("", |value| value.text)
    }

    /// How it ended. The program writes that last, behind all that is not its own.
    pub(crate) fn result(&self) -> &'a str {
        fields(self.inner).filter(|(key, _)| *key == "res").last().map_or("", |(_, it)| it.text)
    }

    /// The program's name, without its path.
    pub(crate) fn program(&self) -> &'a str {
        self.inner("exe").rsplit('/').next().unwrap_or_default()
    }

    /// The session's number, or the process where there is none.
    pub(crate) fn session(&self) -> String {
        let outer = |key| field(self.outer, key).map_or("", |value| value.text);
        match outer("ses") {
            "" | UNSET => format!("pid {}", outer("pid")),
            number => number.to_owned(),
        }
    }

    /// The name of the user who logs on, as auditd looked it up. GDM says `uid=` for `id=`, so
    /// that there are two UIDs, the second of them the program's.
    pub(crate) fn enriched_name(&self) -> Option<&'a str> {
        let named = |key: &'static str| {
            fields(self.enriched).filter(move |(it, _)| *it == key).map(|(_, value)| value.text)
        };
        let known =
            |name: &&str| !name.is_empty() && *name != "unset" && !name.starts_with("unknown(");
        let inner_uid = || named("UID").nth(1).filter(known);
        named("ID").next().filter(known).or_else(inner_uid)
    }

    /// The name of the user as the program gave it: quoted, or in hexadecimal digits when it
    /// holds odd bytes.
    pub(crate) fn account(&self) -> Option<String> {
        let value = field(self.inner, "acct")?;
        let text = if value.quoted { value.text } else { value.text.trim_end_matches(':') };
        let decoded = if value.quoted { None } else { from_hex(text) };
        let name = match &decoded {
            Some(bytes) => String::from_utf8_lossy(bytes),
            None => Cow::Borrowed(text),
        };
        (!name.is_empty() && name != "?").then(|| name.into_owned())
    }

    /// The user's number as the program gave it.
    pub(crate) fn user_number(&self) -> &'a str {
        let number = |key| {
            let digits = self.inner(key).trim_end_matches(':');
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            (is_number && digits != UNSET).then_some(digits)
        };
        number("id").or_else(|| number("uid")).unwrap_or_default()
    }
}

/// A node's name, and the record behind it. With `name_format = user` it is what a person wrote, blanks
/// and all: it ends where a record's type and stamp begin.
fn node_cut(text: &str) -> Option<(&str, &str)> {
    /// Of the longest type's name.
    const MAX_TYPE_BYTES: usize = 64;
    text.match_indices(" type=").find_map(|(at, word)| {
        let behind = text[at + word.len()..].bytes().take(MAX_TYPE_BYTES);
        let kind =
            behind.take_while(|it| it.is_ascii_alphanumeric() || b"_[]".contains(it)).count();
        let rest = &text[at + word.len() + kind..];
        rest.trim_start().starts_with("msg=audit(").then(|| (text[..at].trim(), &text[at..]))
    })
}

/// The kernel's, the program's and auditd's part of what follows the head.
fn parts(text: &str) -> (&str, &str, &str) {
    let (text, enriched) = text.split_once(ENRICHED).unwrap_or((text, ""));
    let Some((outer, rest)) = text.split_once("msg='") else {
        return (text, "", enriched);
    };
    let (inner, tail) = rest.rsplit_once('\'').unwrap_or((rest, ""));
    // Some shippers make a blank of the separator, rsyslog an escape.
    let tail = tail.strip_prefix("#035").unwrap_or(tail);
    (outer, inner, if enriched.is_empty() { tail } else { enriched })
}

/// `1446022123.797`
fn time_of(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let ticks =
        fraction.bytes().chain(std::iter::repeat(b'0')).take(7).try_fold(0, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
        })?;
    Timestamp::from_seconds(seconds.parse().ok()?, ticks)
}

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Value<'a> {
    text: &'a str,
    quoted: bool,
}

fn field<'a>(text: &'a str, key: &str) -> Option<Value<'a>> {
    fields(text).find(|(it, _)| *it == key).map(|(_, value)| value)
}

/// The fields `key=value` and `key="value"`; old records have `(key=value, key=value)`.
fn fields(mut text: &str) -> impl Iterator<Item = (&str, Value<'_>)> {
    const BETWEEN: [char; 5] = [' ', ',', '(', ')', '\t'];
    std::iter::from_fn(move || {
        loop {
            text = text.trim_start_matches(BETWEEN);
            let end = text.find(BETWEEN).unwrap_or(text.len());
            if end == 0 {
                return None;
            }
            let equals = text[..end].find('=');
            let Some((key, rest)) = equals.map(|at| (&text[..at], &text[at + 1..])) else {
                text = &text[end..];
                continue;
            };
            if let Some((quoted, after)) = rest.strip_prefix('"').and_then(|it| it.split_once('"'))
            {
                text = after.trim_start_matches(':');
                return Some((key, Value { text: quoted, quoted: true }));
            }
            let value = &text[key.len() + 1..end];
            text = &text[end..];
            return Some((key, Value { text: value, quoted: false }));
        }
    })
}

/// The bytes of hexadecimal digits; `None` when the text is anything else.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = text.as_bytes().as_chunks::<2>().0.iter();
    bytes.map(|&[high, low]| u8::try_from(digit(high)? * 16 + digit(low)?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_three_parts_of_a_record_are_told_apart() {
        let line = "node=web-1 type=USER_LOGIN msg=audit(1700000000.250:97): pid=11 uid=0 auid=5 \
            ses=2 subj==unconfined msg='op=login id=502 exe=\"/usr/sbin/sshd\" hostname=a, addr=192.0.2.7 \
            terminal=/dev/pts/0 res=success'\u{1d}UID=\"root\" AUID=\"ann\" ID=\"ann\"";
        for separator in ["\u{1d}", " ", "#035"] {
            let line = line.replace('\u{1d}', separator);
            let record = Record::parse(&line).unwrap();
            assert_eq!((record.node, record.kind, record.serial), ("web-1", "USER_LOGIN", 97));
            assert_eq!(record.time.to_string(), "2023-11-14T22:13:20.25Z");
            assert_eq!(record.session(), "2");
            assert_eq!(record.program(), "sshd");
            assert_eq!(record.inner("addr"), "192.0.2.7");
            assert_eq!(record.result(), "success");
            assert_eq!(record.user_number(), "502");
            assert_eq!(record.enriched_name(), Some("ann"));
            assert_eq!(record.account(), None);
        }
    }

    #[test]
    fn names_are_quoted_or_in_hexadecimal_digits() {
        let account = |field: &str| {
            let line = format!("type=USER_LOGIN msg=audit(1.2:3): ses={UNSET} pid=7 msg='{field}'");
            let record = Record::parse(&line).unwrap();
            assert_eq!(record.session(), "pid 7");
            record.account()
        };
        assert_eq!(account("acct=\"beef\" res=failed").as_deref(), Some("beef"));
        assert_eq!(
            account("acct=28696E76616C6964207573657229 res=failed").as_deref(),
            Some("(invalid user)")
        );
        assert_eq!(account("acct=\"a\": exe=\"/b\" (res=failed)").as_deref(), Some("a"));
        assert_eq!(account("acct=C3A9 res=failed").as_deref(), Some("é"));
        assert_eq!(account("acct=ann").as_deref(), Some("ann"));
        assert_eq!(account("res=failed"), None);
    }

    #[test]
    fn a_user_without_a_known_name_has_a_number() {
        let line = "type=USER_LOGIN msg=audit(1.2:3): pid=7 uid=0 msg='uid=1001 exe=\"/usr/libexec/gdm-session-worker\" \
            res=success'\u{1d}UID=\"root\" AUID=\"unset\" UID=\"unknown(1001)\"";
        let record = Record::parse(line).unwrap();
        assert_eq!(record.enriched_name(), None);
        assert_eq!(record.user_number(), "1001");
        let named = line.replace("unknown(1001)", "ann");
        assert_eq!(Record::parse(&named).unwrap().enriched_name(), Some("ann"));
    }

    #[test]
    fn a_node_is_called_what_a_person_likes() {
        for node in ["web-1", "192.0.2.1", "2001:db8::1", "Rocky 9 app 50", "a type=b", "type=c"] {
            let line = format!("node={node} type=USER_LOGIN msg=audit(1.2:3): msg='res=success'");
            let record = Record::parse(&line).unwrap();
            assert_eq!((record.node, record.kind, record.serial), (node, "USER_LOGIN", 3));
        }
        let long = format!("node={}", " type=".repeat(2_000_000));
        assert!(Record::parse(&long).is_none());
    }

    #[test]
    fn a_head_stands_in_front() {
        for line in [
            "sshd: Invalid user type=USER_LOGIN msg=audit(1.2:3): msg='res=success'",
            "type=USER_LOGIN",
            "type=USER_LOGIN msg=audit(01/02/2026 10:00:00.1:3): x",
            "node=a",
            "",
        ] {
            assert!(Record::parse(line).is_none(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(type=USER_LOGIN msg=audit\\(1\\.2:3\\): )?(msg='| |=|\"|'|\u{1d}|acct=|id=|[a-zé0-9]{0,5}){0,16}") {
            if let Some(record) = Record::parse(&text) {
                let _ = (record.account(), record.enriched_name(), record.user_number());
                let _ = (record.result(), record.session(), record.program().len());
            }
        }
    }
}
