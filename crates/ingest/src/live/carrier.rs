//! What a record is carried in: the envelopes of collectors (Splunk's `event`), of shippers
//! (`message`, `log`, a journal's fields in their own words), of syslog relays.
//!
//! A line whose header was taken apart on the way is put together again in RFC 5424's form, so
//! that it is read, and counted once, like the line itself. A program that the envelope names
//! stands: a message that looks like another program's line is its writer's words.

use std::borrow::Cow;
use std::fmt::Write as _;

use inventory::time::{Stamp, TICKS_PER_SECOND, Timestamp};

use crate::auditd;
use crate::line::Line;
use crate::object::Object;
use crate::product::{self, Product};
use crate::shape::Shape;
use crate::{journal, syslog, xml};

/// How many envelopes may be inside one another.
const MAX_DEPTH: usize = 4;

/// Where envelopes have the text itself. In ECS it is beside `message` where that was taken apart.
const TEXTS: [&str; 8] =
    ["event.original", "event", "message", "MESSAGE", "msg", "MSG", "log", "_raw"];
const HOSTS: [&str; 11] = [
    "log.syslog.hostname",
    "_HOSTNAME",
    "host.hostname",
    "host.name",
    "hostname",
    "HOSTNAME",
    "host",
    "HOST",
    "HOST_FROM",
    "logsource",
    "fromhost",
];
const PROGRAMS: [&str; 15] = [
    "log.syslog.appname",
    "SYSLOG_IDENTIFIER",
    "syslog_identifier",
    "syslog.identifier",
    "appname",
    "app_name",
    "app-name",
    "programname",
    "program",
    "PROGRAM",
    "ident",
    "process.program",
    "process.name",
    "syslogtag",
    "tag",
];
const PROCESSES: [&str; 12] = [
    "log.syslog.procid",
    "_PID",
    "SYSLOG_PID",
    "syslog_pid",
    "journald.pid",
    "procid",
    "proc_id",
    "proc-id",
    "process.pid",
    "pid",
    "PID",
    "process_id",
];
const TIMES: [&str; 12] = [
    "_SOURCE_REALTIME_TIMESTAMP",
    "__REALTIME_TIMESTAMP",
    "@timestamp",
    "timestamp",
    "TIMESTAMP",
    "timereported",
    "timestamp8601",
    "ISODATE",
    "time",
    "date",
    "DATE",
    "timegenerated",
];
/// The fields of logind's entry about a session, whatever case shippers write them in.
const SESSION: [&str; 4] = ["SESSION_ID", "USER_ID", "LEADER", "CLASS"];

/// What an envelope tells of what is inside.
#[derive(Clone, Debug, Default)]
pub(super) struct Hints {
    host: String,
    program: String,
    process: String,
    /// A stamp as `inventory::time` reads it; empty when none is known.
    time: String,
    depth: usize,
}

/// What is inside.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Carried<'a> {
    /// An object of which a shape or a product is known.
    Json(Cow<'a, str>),
    /// An entry of the journal.
    Journal(Cow<'a, str>),
    /// An event in XML.
    Xml(Cow<'a, str>),
    /// A line of a log.
    Text(Cow<'a, str>),
    /// Nothing of ours.
    Other,
}

impl Carried<'_> {
    fn into_owned(self) -> Carried<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Carried::Json(text) => Carried::Json(own(text)),
            Carried::Journal(text) => Carried::Journal(own(text)),
            Carried::Xml(text) => Carried::Xml(own(text)),
            Carried::Text(text) => Carried::Text(own(text)),
            Carried::Other => Carried::Other,
        }
    }
}

/// Takes a record out of what carries it.
pub(super) fn open<'a>(record: &'a str, hints: &Hints) -> Carried<'a> {
    let record = record.trim().trim_start_matches('\u{feff}');
    if record.starts_with('{') {
        return object(record, hints);
    }
    if record.starts_with('<') && xml::has_start(record.as_bytes()) {
        return Carried::Xml(record.into());
    }
    // What NXLog, syslog-ng and OpenWEC's relays put behind a header of syslog.
    let line = syslog::Line::parse(record);
    if let Some((line, json)) = line.and_then(|line| line.json().map(|json| (line, json))) {
        let within =
            Hints { host: line.host.to_owned(), depth: hints.depth + 1, ..Hints::default() };
        let carried = object(json, &within);
        if carried != Carried::Other {
            return carried;
        }
    }
    Carried::Text(record.into())
}

fn object<'a>(json: &'a str, hints: &Hints) -> Carried<'a> {
    if journal::is_json(json.as_bytes()) {
        return Carried::Journal(json.into());
    }
    let Ok(object) = Object::parse(json) else {
        // It is told why by the reader of such lines.
        return Carried::Json(json.into());
    };
    if !is_collectors(&object) && is_known(json, &object) {
        return Carried::Json(json.into());
    }
    if hints.depth >= MAX_DEPTH {
        return Carried::Other;
    }
    let hints = hints.within(&object);
    for key in ["event", "message", "log", "fields", "_source"] {
        if let Some(inner) = object.nested(key).filter(|inner| inner.starts_with('{')) {
            let carried = self::object(inner, &hints);
            if carried != Carried::Other {
                return carried;
            }
        }
    }
    if let Some(entry) = session(&object, &hints) {
        return Carried::Journal(entry.into());
    }
    let texts = TEXTS.iter().map(|key| object.text_at(key));
    match texts.into_iter().find(|text| !text.is_empty()) {
        Some(text) => in_envelope(&text, &hints).into_owned(),
        None => Carried::Other,
    }
}

/// Whether it is the envelope of Splunk's collector, which has these members and no other.
fn is_collectors(object: &Object<'_>) -> bool {
    const MEMBERS: [&str; 7] = ["time", "host", "source", "sourcetype", "index", "event", "fields"];
    object.has("event") && object.members().all(|(key, _)| MEMBERS.contains(&key))
}

/// Whether a reader of JSON knows the object. Events in the Elastic Common Schema whose kind nobody
/// found out yet are envelopes: Elasticsearch would take their message apart.
fn is_known(json: &str, object: &Object<'_>) -> bool {
    let is_raw = || {
        object.texts_at("event.category").is_empty()
            && object.text_at("event.action").is_empty()
            && !object.text("message").is_empty()
    };
    match Product::of(object) {
        Some(Product::Ecs) => !is_raw(),
        Some(_) => true,
        None => {
            object.has_any(&product::WRAPPERS) && product::format(json).is_some()
                || serde_json::from_str::<Line<'_>>(json)
                    .is_ok_and(|line| Shape::of(&line).is_some())
        }
    }
}

/// A text that an envelope holds.
fn in_envelope<'a>(text: &'a str, hints: &Hints) -> Carried<'a> {
    let text = text.trim();
    if text.starts_with('{') {
        return object(text, hints);
    }
    if text.starts_with('<') && xml::has_start(text.as_bytes()) {
        return Carried::Xml(text.into());
    }
    if hints.program.is_empty() {
        let is_line = syslog::Line::parse(text).is_some_and(|line| !line.program.is_empty());
        if is_line || auditd::Record::parse(text).is_some() {
            return Carried::Text(text.into());
        }
        // What is left of a line without its date and host: `sshd[7]: Accepted ...`.
        let line = format!("{} {} {text}", hints.time, word(&hints.host));
        let parsed = syslog::Line::parse(&line);
        return match parsed.is_some_and(|line| !line.program.is_empty()) {
            true => Carried::Text(line.into()),
            false => Carried::Other,
        };
    }
    let mut line = String::with_capacity(text.len() + 80);
    let (host, program) = (word(&hints.host), word(&hints.program));
    let _ =
        write!(line, "<38>1 {} {host} {program} {} - - {text}", hints.time, word(&hints.process));
    Carried::Text(line.into())
}

/// A field of RFC 5424's header, which has no blanks.
fn word(text: &str) -> &str {
    if text.is_empty() || text.contains(char::is_whitespace) { "-" } else { text }
}

impl Hints {
    /// What an envelope inside this one tells.
    fn within(&self, object: &Object<'_>) -> Self {
        let first = |keys: &[&str]| {
            keys.iter().map(|key| object.text_at(key)).find(|text| !text.is_empty())
        };
        let mut hints = Self { depth: self.depth + 1, ..self.clone() };
        if let Some(host) = first(&HOSTS) {
            hints.host = host.into_owned();
        }
        if let Some(program) = first(&PROGRAMS) {
            let (program, process) = tag(&program);
            hints.program = program.to_owned();
            hints.process = process.to_owned();
        }
        if let Some(process) = first(&PROCESSES) {
            hints.process = process.into_owned();
        }
        let stamps = TIMES.iter().map(|key| object.text_at(key));
        if let Some(time) = stamps.into_iter().find_map(|text| stamp(&text)) {
            hints.time = time;
        }
        hints
    }
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

/// logind's entry about a session that begins, as the journal has it; shippers give the message
/// another key, and some write all keys in small letters.
fn session(object: &Object<'_>, hints: &Hints) -> Option<String> {
    let text = |key: &str| {
        let own = object.text_at(key);
        if own.is_empty() { object.text_at(&key.to_lowercase()) } else { own }
    };
    let id = text("MESSAGE_ID");
    if id.is_empty() || text("SESSION_ID").is_empty() {
        return None;
    }
    let time = Stamp::parse(&hints.time).ok()?.in_zone(&jiff::tz::TimeZone::UTC).ok()?;
    let micros = time.ticks() / (TICKS_PER_SECOND / 1_000_000);
    let mut entry = serde_json::Map::new();
    let mut put = |key: &str, value: &str| {
        if !value.is_empty() {
            entry.insert(key.to_owned(), value.into());
        }
    };
    put("__REALTIME_TIMESTAMP", &micros.to_string());
    put("_HOSTNAME", &hints.host);
    put("SYSLOG_IDENTIFIER", &hints.program);
    put("_PID", &hints.process);
    put("MESSAGE_ID", &id);
    put("MESSAGE", "a session");
    for key in SESSION.into_iter().chain(["_MACHINE_ID", "_COMM"]) {
        put(key, &text(key));
    }
    Some(serde_json::Value::Object(entry).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        match open(json, &Hints::default()) {
            Carried::Text(text) => text.into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_come_out_of_what_carries_them() {
        const SAID: &str = "Accepted publickey for alice from 192.0.2.7 port 5022 ssh2";
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
            // Filebeat's system module, whose pipeline is Elasticsearch's.
            (
                format!(
                    r#"{{"@timestamp":"2026-03-01T10:00:05Z","event":{{"module":"system","dataset":"system.auth"}},"ecs":{{"version":"8.0.0"}},"message":"{line}"}}"#
                ),
                line.clone(),
            ),
            // Vector's journald and syslog, Fluent Bit's syslog, rsyslog's templates.
            (
                format!(
                    r#"{{"message":"{SAID}","host":"web-1","SYSLOG_IDENTIFIER":"sshd","_PID":"77","__REALTIME_TIMESTAMP":"1772359200000000"}}"#
                ),
                whole.clone(),
            ),
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
            // Splunk's collector.
            (
                format!(r#"{{"time":1772359200,"host":"web-1","event":"sshd[77]: {SAID}"}}"#),
                format!("2026-03-01T10:00:00Z web-1 sshd[77]: {SAID}"),
            ),
            (
                format!(
                    r#"{{"time":1772359200.0,"host":"web-1","event":{{"program":"/usr/sbin/sshd","pid":"77","msg":"{SAID}"}}}}"#
                ),
                whole.clone(),
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
    fn events_of_windows_come_out_of_envelopes_and_relays() {
        let nxlog = r#"{"EventTime":"2026-01-01 01:00:00","Hostname":"a","EventID":4624,"Channel":"Security","SourceModuleType":"im_msvistalog"}"#;
        for record in [
            nxlog.to_owned(),
            format!(r#"{{"time":1.5,"host":"collector","event":{nxlog}}}"#),
            format!("<13>1 2026-01-01T00:00:00Z collector nxlog - - - {nxlog}"),
            format!(
                r#"{{"@timestamp":"2026-01-01T00:00:00Z","message":{}}}"#,
                serde_json::Value::from(nxlog)
            ),
        ] {
            assert!(
                matches!(open(&record, &Hints::default()), Carried::Json(json) if json == nxlog),
                "{record}"
            );
        }
        for record in
            ["<Event><System/></Event>", "<13>Mar  1 10:00:00 a b: <Event><System/></Event>"]
        {
            assert!(matches!(open(record, &Hints::default()), Carried::Xml(xml) if xml == record));
        }
        assert_eq!(open(r#"{"a":1}"#, &Hints::default()), Carried::Other);
    }
}
