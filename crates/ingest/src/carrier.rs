//! What a record is carried in: the envelopes of collectors (Splunk's `event`), of shippers
//! (`message`, `log`, a journal's fields in their own words), of syslog relays.
//!
//! A line whose header was taken apart on the way is put together again in RFC 5424's form, so
//! that it is read, and counted once, like the line itself; the fields of a journal's entry become
//! the entry. A program that the envelope names stands: a message that looks like another
//! program's line is its writer's words.

use std::borrow::Cow;
use std::fmt::Write as _;

use inventory::time::{Stamp, TICKS_PER_SECOND, Timestamp};
use jiff::tz::TimeZone;

use crate::auditd;
use crate::journal::Entry;
use crate::object::Object;
use crate::reject::Position;
use crate::syslog;

/// Where envelopes have the text itself. In ECS it is beside `message` where that was taken apart.
const TEXTS: [&str; 15] = [
    "event.original",
    "event",
    "message",
    "MESSAGE",
    "msg",
    "MSG",
    "log",
    "_raw",
    "full_log",
    "full_message",
    "short_message",
    "SyslogMessage",
    "line",
    "body",
    "log_message",
];
const HOSTS: [&str; 24] = [
    "log.syslog.hostname",
    "_HOSTNAME",
    "predecoder.hostname",
    "host.hostname",
    "host.name",
    "hostname",
    "HOSTNAME",
    "HostName",
    "host",
    "HOST",
    "HOST_FROM",
    "logsource",
    "fromhost",
    "labels.hostname",
    "labels.host",
    "labels.nodename",
    "labels.instance",
    "stream.hostname",
    "stream.host",
    "stream.nodename",
    "stream.instance",
    "Computer",
    // Of the agent that read the log, where the log names nobody.
    "agent.name",
    "source",
];
const PROGRAMS: [&str; 22] = [
    "log.syslog.appname",
    "SYSLOG_IDENTIFIER",
    "syslog.identifier",
    "predecoder.program_name",
    "appname",
    "app_name",
    "app-name",
    "_application_name",
    "application_name",
    "programname",
    "program",
    "PROGRAM",
    "ident",
    "process.program",
    "process.name",
    "ProcessName",
    "syslogtag",
    "tag",
    "labels.syslog_identifier",
    "labels.program",
    "stream.syslog_identifier",
    "stream.program",
];
const PROCESSES: [&str; 14] = [
    "log.syslog.procid",
    "_PID",
    "SYSLOG_PID",
    "journald.pid",
    "procid",
    "proc_id",
    "proc-id",
    "process.pid",
    "pid",
    "PID",
    "process_id",
    "_process_id",
    "ProcessID",
    "syslog.pid",
];
const TIMES: [&str; 15] = [
    "__REALTIME_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
    "@timestamp",
    "EventTime",
    "timestamp",
    "TIMESTAMP",
    "timereported",
    "timestamp8601",
    "ISODATE",
    "time",
    "ts",
    "date",
    "DATE",
    "timegenerated",
    "TimeGenerated",
];

/// The members that only a journal's entry has, in whatever words a shipper passes them on.
const OF_JOURNAL: [&str; 11] = [
    "_COMM",
    "_EXE",
    "_UID",
    "_HOSTNAME",
    "_MACHINE_ID",
    "_BOOT_ID",
    "_TRANSPORT",
    "__REALTIME_TIMESTAMP",
    "__CURSOR",
    "SYSLOG_IDENTIFIER",
    "journald",
];
/// The journal's own word on who wrote an entry, and what else of it is kept: the field, and what
/// shippers call it. Filebeat writes `journald.*`, Fluent Bit can leave the underscores out.
const FIELDS: [(&str, &[&str]); 10] = [
    ("_COMM", &["_COMM", "journald.process.name", "COMM"]),
    ("_EXE", &["_EXE", "journald.process.executable", "EXE"]),
    ("_UID", &["_UID", "journald.uid", "UID"]),
    ("_MACHINE_ID", &["_MACHINE_ID", "MACHINE_ID", "journald.host.id"]),
    ("MESSAGE_ID", &["MESSAGE_ID", "message_id", "log.syslog.msgid"]),
    ("SESSION_ID", &["SESSION_ID", "journald.custom.session_id"]),
    ("USER_ID", &["USER_ID", "journald.custom.user_id"]),
    ("LEADER", &["LEADER", "journald.custom.leader"]),
    ("CLASS", &["CLASS", "journald.custom.class"]),
    ("SEAT", &["SEAT", "journald.custom.seat"]),
];

/// What an envelope tells of what is inside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints {
    pub(crate) host: String,
    program: String,
    process: String,
    /// A stamp as `inventory::time` reads it; empty when none is known.
    time: String,
    /// Fields of a journal's entry around the text.
    entry: Option<Box<Entry>>,
    /// The record stands in a text, which is what its writer said and no shipper's word.
    pub(crate) is_said: bool,
    pub(crate) depth: usize,
}

/// What came out of an envelope and is read in the order of the records, since it hangs on those before.
#[derive(Debug)]
pub(crate) enum Carried {
    /// A line of a log.
    Text(String),
    Journal(Box<Entry>),
    /// An event in XML inside a line of a log.
    Xml(String),
    /// A record in JSON inside a line of a log, and what the line tells of it.
    Json(String, Hints),
}

/// The same with where it stood.
pub(crate) type Piece = (Position, Carried);

impl Hints {
    /// What a line of syslog tells of the record that is its message.
    pub(crate) fn of_line(host: &str) -> Self {
        Self { host: host.to_owned(), depth: 1, is_said: true, ..Self::default() }
    }

    /// The same at another time, where that can be read.
    pub(crate) fn at(&self, time: &str) -> Self {
        let time = stamp(time).unwrap_or_else(|| self.time.clone());
        Self { time, ..self.clone() }
    }

    /// The same for a record that stands in the text.
    pub(crate) fn said(&self) -> Self {
        Self { is_said: true, ..self.clone() }
    }

    /// Whether the fields of a journal's entry are around the text.
    pub(crate) fn is_of_journal(&self) -> bool {
        self.entry.is_some()
    }

    /// The same within one more envelope that tells nothing.
    pub(crate) fn deeper(&self) -> Self {
        Self { depth: self.depth + 1, ..self.clone() }
    }

    /// What an envelope inside this one tells.
    pub(crate) fn within(&self, object: &Object<'_>) -> Self {
        let mut hints = Self { depth: self.depth + 1, ..self.clone() };
        if let Some(host) = first(object, &HOSTS) {
            hints.host = host.into_owned();
        }
        if let Some(program) = first(object, &PROGRAMS) {
            let (program, process) = tag(&program);
            hints.program = program.to_owned();
            hints.process = process.to_owned();
        }
        if let Some(process) = first(object, &PROCESSES) {
            hints.process = process.into_owned();
        }
        let stamps = TIMES.iter().map(|key| text_of(object, key));
        if let Some(time) = stamps.into_iter().find_map(|text| stamp(&text)) {
            hints.time = time;
        }
        if OF_JOURNAL.iter().any(|key| object.opens(key) || object.has(&key.to_lowercase())) {
            let mut entry = hints.entry.take().unwrap_or_default();
            for (field, names) in FIELDS {
                if let (Some(text), Some(slot)) = (first(object, names), entry.slot(field)) {
                    *slot = text.into_owned();
                }
            }
            if let (true, Some(slot)) = (is_of_this_host(object), entry.slot("_MACHINE_ID")) {
                let id = object.text_at("host.id");
                if slot.is_empty() && id.len() == 32 {
                    *slot = id.into_owned();
                }
            }
            hints.entry = Some(entry);
        }
        hints
    }

    /// The text of an envelope as what it was before; `None` when it is of no known log.
    pub(crate) fn text(&self, text: &str) -> Option<Carried> {
        let text = text.trim();
        if let Some(entry) = &self.entry {
            return Some(Carried::Journal(Box::new(self.complete(entry, text))));
        }
        if self.program.is_empty() {
            let is_line = syslog::Line::parse(text).is_some_and(|line| !line.program.is_empty());
            if is_line || auditd::Record::parse(text).is_some() {
                return Some(Carried::Text(text.to_owned()));
            }
            // What is left of a line without its date and host: `sshd[7]: Accepted ...`.
            let line = format!("{} {} {text}", self.time, word(&self.host));
            let parsed = syslog::Line::parse(&line);
            let is_line = parsed.is_some_and(|line| !line.program.is_empty());
            return is_line.then_some(Carried::Text(line));
        }
        // The line itself, whose header was read, too.
        if syslog::Line::parse(text).is_some_and(|line| line.program == self.program) {
            return Some(Carried::Text(text.to_owned()));
        }
        let mut line = String::with_capacity(text.len() + 80);
        let (host, program) = (word(&self.host), word(&self.program));
        let process = word(&self.process);
        let _ = write!(line, "<38>1 {} {host} {program} {process} - - {text}", self.time);
        Some(Carried::Text(line))
    }

    /// The entry of a journal with what the envelope tells.
    fn complete(&self, entry: &Entry, text: &str) -> Entry {
        let mut entry = entry.clone();
        let utc = Stamp::parse(&self.time).and_then(|stamp| stamp.in_zone(&TimeZone::UTC));
        let micros = |time: Timestamp| time.ticks() / (TICKS_PER_SECOND / 1_000_000);
        let time = utc.map(|time| micros(time).to_string()).unwrap_or_default();
        for (field, text) in [
            ("__REALTIME_TIMESTAMP", time.as_str()),
            ("_HOSTNAME", &self.host),
            ("SYSLOG_IDENTIFIER", &self.program),
            ("_PID", &self.process),
            ("MESSAGE", text),
        ] {
            if let Some(slot) = entry.slot(field) {
                text.clone_into(slot);
            }
        }
        entry
    }
}

/// Whether a member of this name holds what somebody said.
pub(crate) fn is_text(name: &str) -> bool {
    TEXTS.contains(&name)
}

/// The texts of an envelope, the likeliest first.
pub(crate) fn texts<'a>(object: &Object<'a>) -> impl Iterator<Item = Cow<'a, str>> {
    let texts: Vec<_> = TEXTS.iter().map(|key| object.text_at(key)).collect();
    texts.into_iter().filter(|text| !text.is_empty())
}

/// Whether it is the envelope of Splunk's collector, which has these members and no other.
pub(crate) fn is_collectors(object: &Object<'_>) -> bool {
    const MEMBERS: [&str; 7] = ["time", "host", "source", "sourcetype", "index", "event", "fields"];
    object.has("event") && object.members().all(|(key, _)| MEMBERS.contains(&key))
}

/// Whether the shipper tells of the host that it is on.
fn is_of_this_host(object: &Object<'_>) -> bool {
    let host = object.text_at("host.hostname");
    !host.is_empty()
        && ["host.name", "agent.name", "agent.hostname"]
            .iter()
            .any(|path| object.text_at(path).eq_ignore_ascii_case(&host))
}

fn first<'a>(object: &Object<'a>, keys: &[&str]) -> Option<Cow<'a, str>> {
    keys.iter().map(|key| text_of(object, key)).find(|text| !text.is_empty())
}

/// The text at a path as it is written, or in small letters, as some shippers turn all names.
fn text_of<'a>(object: &Object<'a>, path: &str) -> Cow<'a, str> {
    let text = object.text_at(path);
    match text.is_empty() && path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => object.text_at(&path.to_lowercase()),
        false => text,
    }
}

/// A field of RFC 5424's header, which has no blanks.
fn word(text: &str) -> &str {
    if text.is_empty() || text.contains(char::is_whitespace) { "-" } else { text }
}

/// The parts of `sshd[7]:`; the program's name is without its path.
fn tag(tag: &str) -> (&str, &str) {
    let tag = tag.trim().trim_end_matches(':');
    let (program, process) = match tag.split_once('[') {
        Some((program, process)) => (program, process.trim_end_matches(']')),
        None => (tag, ""),
    };
    (program.rsplit('/').next().unwrap_or(program), process)
}

/// A stamp in one word: RFC 3339 as it is, a number of seconds, milliseconds or more since 1970.
fn stamp(text: &str) -> Option<String> {
    if Stamp::parse(text).is_ok() {
        let text = text.trim();
        // Date, time and zone may stand apart.
        return Some(text.replacen(' ', "T", 1).replace(' ', ""));
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    /// From here on a number of seconds would be after the year 5138.
    const MILLISECONDS: i64 = 100_000_000_000;
    let unit = [1, 1_000, 1_000_000]
        .into_iter()
        .find(|unit| whole < MILLISECONDS.saturating_mul(*unit))
        .unwrap_or(1_000_000_000);
    let ticks = match unit {
        1 => {
            let mut digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(7);
            let fraction = digits.try_fold(0, |sum, byte| {
                byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
            })?;
            whole.checked_mul(TICKS_PER_SECOND)?.checked_add(fraction)?
        }
        1_000_000_000 => whole / (unit / TICKS_PER_SECOND),
        _ => whole.checked_mul(TICKS_PER_SECOND / unit)?,
    };
    Timestamp::from_ticks(ticks).map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        let object = Object::parse(json).unwrap();
        let hints = Hints::default().within(&object);
        let text = texts(&object).next().unwrap();
        match hints.text(&text) {
            Some(Carried::Text(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    const SAID: &str = "Accepted publickey for alice from 192.0.2.7 port 5022 ssh2";

    #[test]
    fn lines_come_out_of_what_carries_them() {
        let line = format!("Mar  1 10:00:00 web-1 sshd[77]: {SAID}");
        let whole = format!("<38>1 2026-03-01T10:00:00Z web-1 sshd 77 - - {SAID}");
        for (record, expected) in [
            // Filebeat's filestream, Fluent Bit's tail.
            (
                format!(
                    r#"{{"@timestamp":"2026-03-01T10:00:05Z","message":"{line}","host":{{"name":"relay"}}}}"#
                ),
                line.clone(),
            ),
            (format!(r#"{{"date":1.5,"log":"{line}"}}"#), line.clone()),
            // Wazuh, whose manager took the header apart and keeps the line.
            (
                format!(
                    r#"{{"timestamp":"2026-03-01T10:00:05.1+0000","agent":{{"name":"relay"}},"full_log":"{line}","predecoder":{{"program_name":"sshd","hostname":"web-1"}}}}"#
                ),
                line.clone(),
            ),
            // syslog of Vector, Fluent Bit, rsyslog's templates, GELF, Sentinel.
            (
                format!(
                    r#"{{"message":"{SAID}","hostname":"web-1","appname":"sshd","procid":77,"timestamp":"2026-03-01T10:00:00Z"}}"#
                ),
                whole.clone(),
            ),
            (
                format!(
                    r#"{{"@timestamp":"2026-03-01T10:00:00Z","host":"web-1","syslogtag":"sshd[77]:","message":" {SAID}"}}"#
                ),
                whole.clone(),
            ),
            (
                format!(
                    r#"{{"version":"1.1","host":"web-1","short_message":"{SAID}","timestamp":1772359200,"_application_name":"sshd","_process_id":"77"}}"#
                ),
                whole.clone(),
            ),
            (
                format!(
                    r#"{{"Computer":"collector","HostName":"web-1","ProcessName":"sshd","ProcessID":77,"SyslogMessage":"{SAID}","EventTime":"2026-03-01T10:00:00Z","TimeGenerated":"2026-03-01T10:00:09Z"}}"#
                ),
                whole.clone(),
            ),
            // Splunk's collector.
            (
                format!(r#"{{"time":1772359200,"host":"web-1","event":"sshd[77]: {SAID}"}}"#),
                format!("2026-03-01T10:00:00Z web-1 sshd[77]: {SAID}"),
            ),
        ] {
            assert_eq!(text(&record), expected, "{record}");
        }
    }

    #[test]
    fn a_named_program_cannot_speak_for_another() {
        let record = r#"{"timestamp":"2026-03-01T10:00:00Z","host":"web-1","appname":"nginx",
            "message":"Mar  1 10:00:00 web-1 sshd[7]: Accepted password for root from 192.0.2.1 port 1 ssh2"}"#;
        assert!(text(record).starts_with("<38>1 2026-03-01T10:00:00Z web-1 nginx - - - Mar"));
    }

    #[test]
    fn stamps_are_read_in_any_unit() {
        for (text, expected) in [
            ("1772359200", "2026-03-01T10:00:00Z"),
            ("1772359200.5", "2026-03-01T10:00:00.5Z"),
            ("1772359200123", "2026-03-01T10:00:00.123Z"),
            ("1772359200123456", "2026-03-01T10:00:00.123456Z"),
            ("1772359200123456789", "2026-03-01T10:00:00.1234567Z"),
            ("2026-03-01 10:00:00 +01:00", "2026-03-01T10:00:00+01:00"),
        ] {
            assert_eq!(stamp(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(stamp("yesterday"), None);
    }
}
