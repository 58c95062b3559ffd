//! The lines of syslog: auth.log and secure, in all forms that daemons and journalctl write.
//!
//! `Mar  1 10:00:00 host sshd[7]: ...` and `2026-03-01T10:00:00.5+01:00 host sshd[7]: ...`, either
//! with a `<priority>` before it, and RFC 5424's.

mod month;
mod years;

use inventory::time::Stamp;
use jiff::civil;

pub(crate) use years::{YearError, Years};

/// A line taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) when: When,
    /// Empty when the line has none.
    pub(crate) host: &'a str,
    /// The program's name, without its path; empty when the line has none.
    pub(crate) program: &'a str,
    pub(crate) pid: &'a str,
    pub(crate) message: &'a str,
}

/// When a line says it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Full(Stamp),
    Yearless(Yearless),
}

/// A date without a year. The day may be none of that year's, or of any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Yearless {
    pub(crate) month: i8,
    pub(crate) day: i8,
    pub(crate) time: civil::Time,
}

impl<'a> Line<'a> {
    /// Takes a line apart; `None` when it is none of syslog's.
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let line = priority_cut(line.trim());
        if let Some(rest) = line.strip_prefix("1 ") {
            return structured(rest);
        }
        let (when, rest) = full_stamp(line).or_else(|| yearless_stamp(line))?;
        let rest = rest.trim_start();
        let (first, after_first) = word(rest);
        if let Some(line) = tagged(when, "", first, after_first) {
            return Some(line);
        }
        let (second, after_second) = word(after_first);
        if let Some(line) = tagged(when, first, second, after_second) {
            return Some(line);
        }
        // BusyBox writes `auth.info` before the tag.
        let (third, after_third) = word(after_second);
        let by_level = second.contains('.').then(|| tagged(when, first, third, after_third));
        let untagged = Self { when, host: first, program: "", pid: "", message: after_first };
        Some(by_level.flatten().unwrap_or(untagged)).filter(|line| !line.host.is_empty())
    }
}

/// `<38>` before a line that came over the network.
fn priority_cut(line: &str) -> &str {
    let cut = line.strip_prefix('<').and_then(|rest| {
        let (number, rest) = rest.split_once('>')?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        (number.len() <= 3 && is_number).then_some(rest)
    });
    cut.unwrap_or(line)
}

/// RFC 5424, behind its version: `STAMP HOST PROGRAM PID ID DATA MESSAGE`.
fn structured(text: &str) -> Option<Line<'_>> {
    let (stamp, rest) = word(text);
    let (host, rest) = word(rest);
    let (program, rest) = word(rest);
    let (pid, rest) = word(rest);
    let (_, rest) = word(rest);
    let when = When::Full(Stamp::parse(stamp).ok()?);
    let message = data_cut(rest)?.trim_start_matches('\u{feff}');
    let present = |text| if text == "-" { "" } else { text };
    Some(Line { when, host: present(host), program: present(program), pid: present(pid), message })
}

/// What follows the structured data, `-` or `[id key="value"]...`.
fn data_cut(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some(rest.trim_start());
    }
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b']' if !quoted && text.as_bytes().get(at + 1) != Some(&b'[') => {
                return Some(text[at + 1..].trim_start());
            }
            _ => {}
        }
    }
    None
}

/// A stamp with its year; date and time may stand apart.
fn full_stamp(line: &str) -> Option<(When, &str)> {
    if !line.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    let (first, rest) = word(line);
    let end = if first.len() == "2026-03-01".len() {
        first.len() + 1 + word(rest).0.len()
    } else {
        first.len()
    };
    let stamp = Stamp::parse(line.get(..end)?).ok()?;
    Some((When::Full(stamp), &line[end..]))
}

/// `Mar  1 10:00:00`, with or without a fraction.
fn yearless_stamp(line: &str) -> Option<(When, &str)> {
    let (name, rest) = word(line);
    let month = month::number(name)?;
    let (day, rest) = word(rest);
    let day = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let (clock, rest) = word(rest);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = clock.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let nanos =
        fraction.bytes().chain(std::iter::repeat(b'0')).take(9).try_fold(0, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + i32::from(byte - b'0'))
        })?;
    // Second 60 is a leap second.
    let time = civil::Time::new(hour, minute, if second == 60 { 59 } else { second }, nanos);
    let yearless = Yearless { month, day, time: time.ok()? };
    parts.next().is_none().then_some((When::Yearless(yearless), rest))
}

/// A line whose tag is `tag`: `sshd[7]:`, `sshd:`, `/usr/sbin/sshd[7]:`.
fn tagged<'a>(when: When, host: &'a str, tag: &'a str, message: &'a str) -> Option<Line<'a>> {
    let tag = tag.strip_suffix(':')?;
    let (name, pid) = match tag.split_once('[') {
        Some((name, pid)) => (name, pid.strip_suffix(']')?),
        None => (tag, ""),
    };
    let program = name.rsplit('/').next().unwrap_or_default();
    (!program.is_empty()).then_some(Line { when, host, program, pid, message })
}

/// The first word, and what follows the blanks behind it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(line: &str) -> Option<(&str, &str, &str, &str)> {
        Line::parse(line).map(|line| (line.host, line.program, line.pid, line.message))
    }

    #[test]
    fn the_forms_of_lines_are_told_apart() {
        for (line, expected) in [
            ("Mar  1 10:00:00 web-1 sshd[7]: hi there", ("web-1", "sshd", "7", "hi there")),
            ("<38>Mar 01 10:00:00 web-1 sshd[7]:  hi", ("web-1", "sshd", "7", "hi")),
            (
                "Mar 1 10:00:00.123456 web-1 sshd-session[7]: hi",
                ("web-1", "sshd-session", "7", "hi"),
            ),
            (
                "Dez 31 10:00:00 3f2a9c1b7d10 /usr/sbin/sshd[7]: hi",
                ("3f2a9c1b7d10", "sshd", "7", "hi"),
            ),
            ("Mar  1 10:00:00 sshd[7]: hi", ("", "sshd", "7", "hi")),
            ("Mar  1 10:00:00 ap auth.info sshd[7]: hi", ("ap", "sshd", "7", "hi")),
            ("Mar  1 10:00:00 web-1 -- MARK --", ("web-1", "", "", "-- MARK --")),
            ("2026-03-01T10:00:00.5+01:00 web-1 sshd[7]: hi", ("web-1", "sshd", "7", "hi")),
            ("2026-03-01T10:00:00+0000 web-1 kernel: hi", ("web-1", "kernel", "", "hi")),
            ("2026-03-01 10:00:00 web-1 sshd[7]: hi", ("web-1", "sshd", "7", "hi")),
            (
                "<38>1 2026-03-01T10:00:00Z 2001:db8::1 sshd 7 - [a b=\"]\\\"\"][c] \u{feff}hi",
                ("2001:db8::1", "sshd", "7", "hi"),
            ),
            ("<38>1 2026-03-01T10:00:00Z - sshd - - - hi", ("", "sshd", "", "hi")),
        ] {
            assert_eq!(parts(line), Some(expected), "{line}");
        }
        for line in [
            "",
            "Mar",
            "Mar 1",
            "Mar 32 10:00:00 a b: c",
            "Mar 1 25:00:00 a b: c",
            "May the force be with you",
            "2026-03-01",
            "2026-03-01T10:00:00Z",
            "{\"a\":1}",
            "-- Boot 3f2a --",
            "<38>1 2026-03-01T10:00:00Z a sshd 7 - [a",
        ] {
            assert_eq!(parts(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(<[0-9]{1,4}>)?(1 )?(Mar  1 10:00:00|2026-03-01T10:00:00Z|[A-Z][a-zé]{2})?( ?[ -~é\\[\\]:.]{0,8}){0,8}") {
            let _ = Line::parse(&text);
        }
    }
}
