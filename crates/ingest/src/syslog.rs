//! The lines of syslog: auth.log and secure, in all forms that daemons, relays and journalctl write.
//!
//! `Mar  1 10:00:00 host sshd[7]: ...` and `2026-03-01T10:00:00.5+01:00 host sshd[7]: ...`, either
//! with a `<priority>` before it, and RFC 5424's. Where a relay kept a line whole, the sender's own
//! header is behind its own, and that one counts.
//!
//! A header is read from its front, and it ends with the first tag: what a named program says is
//! never searched for another one, for in it anybody's words can be.

mod carried;
mod level;
mod month;
mod stamp;
mod years;

use inventory::time::Stamp;
use jiff::civil;

use stamp::{Form, Stamped};
pub(crate) use years::{YearError, Years};

/// How many headers a line can have: several relays, and what collects theirs.
const MAX_HEADERS: usize = 6;

/// A line taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) when: When,
    /// The name of the stamp's zone, where that is all that is known of it.
    pub(crate) zone: &'a str,
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
        header(line.trim(), MAX_HEADERS)
    }

    /// The object in JSON that is all of the message; behind `@cee:`, too, which says so
    /// (<https://cee.mitre.org/language/1.0-beta1/clt.html>).
    pub(crate) fn json(&self) -> Option<&'a str> {
        json(self.message)
    }
}

/// The object in JSON that is all of a message.
pub(crate) fn json(message: &str) -> Option<&str> {
    let message = message.trim_start();
    let json = message.strip_prefix("@cee:").map_or(message, str::trim_start);
    json.starts_with('{').then_some(json)
}

/// The seconds that a zone is ahead of UTC, where its name is nobody else's.
pub(crate) fn offset(zone: &str) -> Option<i64> {
    stamp::offset(zone)
}

impl Yearless {
    /// The date in a year; `None` when the year has no such day.
    fn of(self, year: i16) -> Option<When> {
        let day = civil::Date::new(year, self.month, self.day).ok()?;
        Some(When::Full(Stamp::Local(day.to_datetime(self.time))))
    }
}

impl When {
    /// With the year of a header around it, which was written soon after, on whatever clock.
    fn near(self, outer: When) -> When {
        let (When::Yearless(date), When::Full(stamp)) = (self, outer) else {
            return self;
        };
        let outer = match stamp {
            Stamp::Local(civil) => civil.date(),
            Stamp::Utc(time) => civil::date(1970, 1, 1)
                .checked_add(jiff::Span::new().days(time.day().0))
                .unwrap_or(civil::Date::MIN),
        };
        let days = |year: i16| {
            let day = civil::Date::new(year, date.month, date.day).ok()?;
            Some((day - outer).get_days().abs())
        };
        let years = [outer.year(), outer.year() - 1, outer.year() + 1];
        let nearest =
            years.into_iter().filter(|&year| days(year).is_some()).min_by_key(|&year| days(year));
        nearest.and_then(|year| date.of(year)).unwrap_or(self)
    }
}

/// The line behind one header or more.
fn header(text: &str, depth: usize) -> Option<Line<'_>> {
    let text = priority_cut(text);
    if let Some(rest) = text.strip_prefix("1 ") {
        return structured(rest, depth);
    }
    let Some(stamped) = stamp::read(text) else {
        return carried::before_stamp(text, depth);
    };
    let text = stamped.rest.trim_start();
    let (first, after_first) = word(text);
    if let Some(line) = tagged(&stamped, "", first, after_first)
        && !is_socklogs(&line)
    {
        return Some(line);
    }
    let (second, after_second) = word(after_first);
    if let Some(line) = tagged(&stamped, first, second, after_second)
        && !is_stamp(first)
        && !first.ends_with(':')
        && !first.starts_with('{')
    {
        let host = if level::is(first) { "" } else { own_host(&stamped, first) };
        return Some(Line { host, ..line });
    }
    if let Some(line) = tagged_third(&stamped, text) {
        return Some(line);
    }
    if let Some(line) = carried::behind_stamp(&stamped, text, depth) {
        return Some(line);
    }
    untagged(&stamped, text)
}

/// A tag behind two words: a host, and facility and severity or the host once more.
fn tagged_third<'a>(stamped: &Stamped<'a>, text: &'a str) -> Option<Line<'a>> {
    let (first, rest) = word(text);
    let (second, rest) = word(rest);
    let (third, rest) = word(rest);
    let host = match (level::is(first), level::is(second)) {
        (false, true) => first,
        (true, false) => second,
        _ if first.eq_ignore_ascii_case(second) => first,
        _ => return None,
    };
    tagged(stamped, own_host(stamped, host), third, rest).filter(|_| !is_stamp(host))
}

/// A line without a tag.
fn untagged<'a>(stamped: &Stamped<'a>, text: &'a str) -> Option<Line<'a>> {
    let line = |host, message| Line {
        when: stamped.when,
        zone: stamped.zone,
        host,
        program: "",
        pid: "",
        message,
    };
    if let Some(rest) = carried::containers_cut(text).or_else(|| carried::labels_cut(text)) {
        return json(rest).map(|json| line("", json));
    }
    // A record of the audit log, whose node's name can be several words.
    if text.starts_with("node=") || text.starts_with("type=") || text.starts_with('{') {
        return Some(line("", text));
    }
    let (mut host, mut message) = word(text);
    if level::is(host) {
        (host, message) = word(message);
    }
    // The fields of an entry follow `[s=...` in lines of their own.
    (!host.is_empty() && !host.starts_with("[s=")).then(|| line(host, message))
}

/// `<38>` before a line that came over the network.
pub(crate) fn priority_cut(line: &str) -> &str {
    let cut = line.strip_prefix('<').and_then(|rest| {
        let end = rest.bytes().take(4).position(|byte| byte == b'>')?;
        let is_number = end > 0 && rest.bytes().take(end).all(|byte| byte.is_ascii_digit());
        is_number.then(|| &rest[end + 1..])
    });
    cut.unwrap_or(line)
}

/// RFC 5424, behind its version: `STAMP HOST PROGRAM PID ID DATA MESSAGE`.
fn structured(text: &str, depth: usize) -> Option<Line<'_>> {
    let (stamp, rest) = word(text);
    let (host, rest) = word(rest);
    let (program, rest) = word(rest);
    let (pid, rest) = word(rest);
    let (_, rest) = word(rest);
    let when = When::Full(Stamp::parse(stamp).ok()?);
    let message = data_cut(rest)?.trim_start_matches('\u{feff}');
    let present = |text| if text == "-" { "" } else { text };
    let (host, program, pid) = (present(host), present(program), present(pid));
    if program.is_empty() {
        let stamped = Stamped { when, zone: "", form: Form::Any, rest: message };
        if let Some(line) = carried::within(&stamped, message, depth) {
            return Some(line);
        }
    }
    let message = level::id_cut(message);
    Some(Line { when, zone: "", host, program, pid, message })
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

/// A line whose tag is `tag`: `sshd[7]:`, `sshd:`, `/usr/sbin/sshd[7]:`.
fn tagged<'a>(
    stamped: &Stamped<'a>,
    host: &'a str,
    tag: &'a str,
    message: &'a str,
) -> Option<Line<'a>> {
    let tag = tag.strip_suffix(':')?;
    let (name, pid) = match tag.split_once('[') {
        Some((name, pid)) => (name, pid.strip_suffix(']')?),
        None => (tag, ""),
    };
    let program = match stamped.form {
        Form::Journal => unit(name),
        Form::Any | Form::Apple => name.rsplit('/').next().unwrap_or_default(),
    };
    let message = match stamped.form {
        Form::Apple => image_cut(message),
        Form::Any | Form::Journal => level::id_cut(message),
    };
    let (when, zone) = (stamped.when, stamped.zone);
    (!program.is_empty()).then_some(Line { when, zone, host, program, pid, message })
}

/// The program of a unit's name, which `journalctl -o with-unit` writes in the program's place. The unit is
/// systemd's word and not the program's. A user's own units stand behind that of the user's manager.
fn unit(name: &str) -> &str {
    let is_of = |unit: &str| {
        let rest = name.strip_prefix(unit);
        rest.is_some_and(|rest| {
            rest == ".service" || rest.starts_with('@') && rest.ends_with(".service")
        })
    };
    if name.contains(".service/") || name.contains(".scope/") {
        return name.split('/').next().unwrap_or_default();
    }
    // A socket starts an instance for each connection.
    if is_of("sshd") || is_of("ssh") {
        return "sshd";
    }
    match name {
        "systemd-logind.service" => "systemd-logind",
        name => name.rsplit('/').next().unwrap_or_default(),
    }
}

/// macOS writes `(library) [subsystem:category] ` before words that a library of the program said.
fn image_cut(message: &str) -> &str {
    let cut = |message: &'_ str, open: char, close: &str| {
        let (name, _) = message.strip_prefix(open)?.split_once(close)?;
        let is_name = !name.is_empty() && !name.contains([' ', '(', '[']);
        is_name.then_some(name.len() + open.len_utf8() + close.len())
    };
    let message = &message[cut(message, '(', ") ").unwrap_or(0)..];
    &message[cut(message, '[', "] ").unwrap_or(0)..]
}

/// A host's name; macOS calls every machine the same in its unified log.
fn own_host<'a>(stamped: &Stamped<'_>, host: &'a str) -> &'a str {
    if stamped.form == Form::Apple && host == "localhost" { "" } else { host }
}

/// What socklog writes before a line: its level as if it were a program, or whom it is from.
fn is_socklogs(line: &Line<'_>) -> bool {
    let is_level = |word: &str| word.strip_suffix(':').is_some_and(level::is);
    let is_address = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
    line.pid.is_empty()
        && (level::is(line.program) || is_address(line.program) && is_level(word(line.message).0))
}

/// Whether a word in a host's place is another header's stamp.
fn is_stamp(word: &str) -> bool {
    word.len() >= "2026-03-01T10:00:00".len()
        && word.as_bytes()[0].is_ascii_digit()
        && Stamp::parse(word).is_ok()
}

/// The first word, and what follows the blanks behind it.
fn word(text: &str) -> (&str, &str) {
    let text = blanks_cut(text);
    let end = memchr::memchr2(b' ', b'\t', text.as_bytes()).unwrap_or(text.len());
    (&text[..end], blanks_cut(&text[end..]))
}

fn blanks_cut(text: &str) -> &str {
    // Most words begin with what is no blank in any script, which need not be asked.
    if text.as_bytes().first().is_some_and(u8::is_ascii_graphic) { text } else { text.trim_start() }
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
