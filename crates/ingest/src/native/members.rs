//! The members of a record, whether it is a line of JSON or a row of CSV, as what its kind makes of them.
//!
//! A member of JSON is read where it stands, straight into its own type; a cell is the value that its
//! column has in JSON.

use memchr::memchr;
use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Error;
use serde_json::Value;
use serde_json::value::RawValue;

use super::KIND;
use super::cells::{self, COLUMNS};
use super::record::{AccountRecord, LogonRecord, MachineRecord, Record, text};
use crate::object::{Member, Object};

/// The kinds, as members say them.
const KINDS: [&str; 3] = ["logon", "machine", "account"];

/// Reads a record as its kind; the reason when it is none.
pub(super) fn read<'r>(record: &'r Object<'_>) -> Result<Record<'r>, String> {
    let (kind, members) = members(record)?;
    let kind = kind.ok_or_else(|| Error::missing_field(KIND)).and_then(text);
    let record = kind.and_then(|kind| match &*kind {
        "logon" => LogonRecord::deserialize(MapDeserializer::new(members)).map(Record::Logon),
        "machine" => MachineRecord::deserialize(MapDeserializer::new(members)).map(Record::Machine),
        "account" => AccountRecord::deserialize(MapDeserializer::new(members)).map(Record::Account),
        other => Err(Error::unknown_variant(other, &KINDS)),
    });
    record.map_err(|error| reason(&error))
}

type Members<'a> = std::iter::Rev<std::vec::IntoIter<(&'a str, Given<'a>)>>;

/// What says the kind, and the other members. Of one that comes twice the last counts.
fn members<'r>(record: &'r Object<'_>) -> Result<(Option<Given<'r>>, Members<'r>), String> {
    let most = record.members().len().min(COLUMNS + 1);
    let (mut kind, mut members) = (None, Vec::<(&str, Given<'_>)>::with_capacity(most));
    for (name, member) in record.members().rev() {
        let is_known = match name {
            KIND => kind.is_some(),
            _ => members.iter().any(|(later, _)| *later == name),
        };
        if is_known || matches!(member, Member::Cell("")) {
            continue;
        }
        let given = match member {
            Member::Json(json) => Given::Json(json),
            Member::Cell(cell) => cells::value(name, cell)?,
        };
        match name {
            KIND => kind = Some(given),
            // Of more than there are one is unknown, which is found among these.
            _ if members.len() > COLUMNS => {}
            _ => members.push((name, given)),
        }
    }
    Ok((kind, members.into_iter().rev()))
}

/// A member's value.
pub(super) enum Given<'a> {
    Json(&'a RawValue),
    Text(&'a str),
    Made(Box<Value>),
}

impl<'de> IntoDeserializer<'de, Error> for Given<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Given<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Given::Json(json) => match plain_text(json.get()) {
                Some(text) => visitor.visit_borrowed_str(text),
                None => json.deserialize_any(visitor),
            },
            Given::Text(text) => visitor.visit_borrowed_str(text),
            Given::Made(value) => value.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Given::Json(json) if json.get() == "null" => visitor.visit_none(),
            // A cell that says nothing is none of the members.
            value => visitor.visit_some(value),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// What a text in JSON says, which has been read once, so that it is whole; `None` of another value, and
/// of a text in which something is escaped.
fn plain_text(json: &str) -> Option<&str> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    memchr(b'\\', text.as_bytes()).is_none().then_some(text)
}

/// serde_json counts lines and columns within the member, which says nothing.
fn reason(error: &Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> Option<String> {
        read(&Object::parse(json).unwrap()).err()
    }

    #[test]
    fn of_a_member_that_comes_twice_the_last_counts() {
        let logon = r#""time":"2026-03-01T08:00:00Z","user":"ann","device":"ws-1""#;
        assert_eq!(
            refused(&format!(r#"{{"footfall":"x","footfall":"logon","user":7,{logon}}}"#)),
            None
        );
        let last = refused(&format!(r#"{{"footfall":"logon",{logon},"user":7}}"#));
        assert_eq!(last.as_deref(), Some("invalid type: integer `7`, expected a string"));
        let kind = refused(&format!(r#"{{"footfall":"logon",{logon},"footfall":null}}"#));
        assert_eq!(kind.as_deref(), Some("invalid type: null, expected a string"));
    }

    #[test]
    fn what_is_wrong_is_told_without_a_place_that_is_none() {
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        for (member, told) in [
            (r#""usr":1"#.to_owned(), "unknown field `usr`, expected one of `time`"),
            (r#""user":" ""#.to_owned(), "` ` is no user's name of 1 to 1024 characters"),
            (
                r#""logonType":"at line 1 column 2""#.to_owned(),
                "\"at line 1 column 2\" is no logon",
            ),
            (r#""logonType":true"#.to_owned(), "true is no logon type: 0 to 31, or System"),
            (format!("\"logonType\":{deep}"), "invalid type: sequence, expected a logon type"),
            (format!("\"domain\":{deep}"), "invalid type: sequence, expected a string"),
            (format!("\"usr\":{deep}"), "unknown field `usr`"),
        ] {
            let json = format!(
                r#"{{"footfall":"logon","time":"2026-03-01T08:00:00Z","user":"ann",{member}}}"#
            );
            let reason = refused(&json).unwrap();
            assert!(
                reason.starts_with(told) && !reason.ends_with(|it: char| it.is_ascii_digit()),
                "{reason}"
            );
        }
        for (json, told) in [
            (r#"{"footfall":0}"#, "invalid type: integer `0`, expected a string"),
            (
                r#"{"footfall":" logon"}"#,
                "unknown variant ` logon`, expected one of `logon`, `machine`, `account`",
            ),
            (r#"{"footfall":"logon"}"#, "missing field `time`"),
        ] {
            assert_eq!(refused(json).as_deref(), Some(told));
        }
    }

    #[test]
    fn of_too_many_members_an_unknown_one_is_told() {
        let many: Vec<String> = (0..4000).map(|n| format!("\"m{n}\":1")).collect();
        let json = format!("{{\"footfall\":\"logon\",{}}}", many.join(","));
        assert!(refused(&json).unwrap().starts_with("unknown field `m"));
        let again = "\"sid\":\"\",".repeat(4000);
        let json = format!("{{{again}\"footfall\":\"account\",\"user\":\"ann\"}}");
        assert_eq!(refused(&json), None);
    }
}
