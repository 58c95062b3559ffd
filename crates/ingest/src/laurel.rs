//! Events of the Linux audit log as laurel writes them: an object a line, with `ID`, `NODE` and a member
//! for each record of the event (<https://github.com/threathunters-io/laurel/blob/master/json-format.md>).
//!
//! A record becomes the line of the audit log that it was made of, and that is read: so it is judged, and
//! counted once, like the line itself.

use std::fmt::Write as _;

use crate::object::{Member, Object, elements};
use crate::product::{Context, Found, Tell};
use crate::session::Outcome;
use crate::windows::FieldError;
use crate::{Format, Options, auditd};

/// The records that can tell of a logon.
const KINDS: [&str; 2] = ["USER_LOGIN", "USER_START"];
/// More records of one kind than an event has.
const MAX_RECORDS: usize = 64;

/// Whether an object is an event of laurel's.
pub(crate) fn is_record(object: &Object<'_>) -> bool {
    let is_kind = |key: &str| {
        key.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_')
            && object.nested(key).is_some()
    };
    let id = object.text("ID");
    let is_id = id.split_once(':').is_some_and(|(time, serial)| {
        time.contains('.')
            && time.bytes().all(|it| it.is_ascii_digit() || it == b'.')
            && !serial.is_empty()
            && serial.bytes().all(|it| it.is_ascii_digit())
    });
    // `ID` and what follows it are written first.
    is_id && object.members().any(|(key, _)| is_kind(key))
}

/// Tells of the logons in an event.
pub(crate) fn read(object: &Object<'_>, context: &Context<'_>, tell: &mut Tell<'_>) {
    let lines = lines(object);
    if lines.is_empty() {
        return tell(Ok(Found::Other));
    }
    let options = Options {
        rule: context.rule.clone(),
        device: context.device.map(str::to_owned),
        ..Options::default()
    };
    for line in lines {
        let Some(record) = auditd::Record::parse(&line) else {
            tell(Err(FieldError::Missing("ID")));
            continue;
        };
        let mut outcome = Outcome::default();
        // What follows is not known here: a USER_START does not wait for a USER_LOGIN.
        let mut reader = auditd::Reader::after(Some(std::collections::VecDeque::new()));
        if let Err(error) = reader.record(&options, &record, "", &mut outcome) {
            tell(Err(error));
            continue;
        }
        reader.finish(&mut outcome);
        let part = outcome.part(Format::Auditd);
        let found = match part.logons.pop() {
            Some(logon) => Found::Logon(Some(logon)),
            None if part.tally.noise > 0 => Found::Logon(None),
            None if part.tally.failures > 0 => Found::Failure,
            None => Found::Other,
        };
        tell(Ok(found));
    }
}

/// The lines of the audit log that an event's records of logons were made of.
pub(crate) fn lines(object: &Object<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for kind in KINDS {
        let Some(json) = object.nested(kind) else {
            continue;
        };
        let mut add = |json: &str| {
            if let Ok(record) = Object::parse(json)
                && lines.len() < MAX_RECORDS
            {
                lines.push(line(object, kind, &record));
            }
        };
        if json.starts_with('{') {
            add(json);
        } else {
            // Lists that are none are told by the reader of the object.
            let _ = elements(json, &mut |element| {
                add(element);
                true
            });
        }
    }
    lines
}

fn line(event: &Object<'_>, kind: &str, record: &Object<'_>) -> String {
    let node = event.text("NODE");
    let mut line = String::new();
    if !node.is_empty() {
        let _ = write!(line, "node={} ", plain(&node));
    }
    let _ = write!(line, "type={kind} msg=audit({}):", event.text("ID"));
    // The kernel's fields come first; the program's are in `msg`, or among the others.
    let said = record.object("msg");
    let (mut inner, mut enriched) = (String::new(), String::new());
    for (key, member) in record.members().chain(said.members()) {
        let value = match member {
            Member::Json(raw) if raw.get().starts_with(['{', '[']) => continue,
            _ if record.has(key) => record.text(key),
            _ => said.text(key),
        };
        let to = match key {
            "pid" | "uid" | "auid" | "ses" | "subj" if record.has(key) => &mut line,
            _ if key.bytes().all(|it| it.is_ascii_uppercase() || it == b'-') => &mut enriched,
            _ => &mut inner,
        };
        field(to, key, &value);
    }
    let _ = write!(line, " msg='{}'\u{1d}{}", inner.trim_start(), enriched.trim_start());
    line
}

/// Adds a field. A name is anybody's, and must not become another field.
fn field(to: &mut String, key: &str, value: &str) {
    if !key.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_') {
        return;
    }
    let is_plain = value.bytes().all(|it| it.is_ascii_graphic() && !b"\"'(),".contains(&it));
    let _ = match (key, is_plain) {
        ("acct", _) => {
            to.push_str(" acct=");
            percent_decoded(value).iter().try_for_each(|byte| write!(to, "{byte:02X}"))
        }
        (_, true) => write!(to, " {key}=\"{value}\""),
        _ => Ok(()),
    };
}

/// laurel writes bytes that are no printable ASCII as `%41` (json-format.md, "Encoding of invalid UTF-8
/// strings and binary data").
fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or(byte));
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// A node's name in one line, without what would end it.
fn plain(node: &str) -> String {
    node.replace(['=', '\n', '\''], " ")
}
