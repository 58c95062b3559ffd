//! An entry as `journalctl -o json` writes it: an object, its keys in any order.
//!
//! Values are text; a value that is no text is an array of its bytes, a field that an entry has
//! several times an array of values, one that is too long null.

use std::fmt;

use memchr::memmem;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Entry;
use crate::field::Field;

/// The entry of the journal that an object is, as journalctl and not a shipper writes it.
pub(crate) fn entry(json: &str) -> Option<Entry> {
    // The journal's names of fields have no small letters; most other records begin with one.
    let first = json.trim_start_matches(['{', ' ', '\t', '\r', '\n', '"']).bytes().next()?;
    if first != b'_' && !first.is_ascii_uppercase() {
        return None;
    }
    let has = |key: &str| memmem::find(json.as_bytes(), key.as_bytes()).is_some();
    if !has("\"__REALTIME_TIMESTAMP\"") && !has("\"__CURSOR\"") {
        return None;
    }
    // What stands deeper inside is no field of its own.
    let entry: Entry = serde_json::from_str(json).ok()?;
    let is_dated = !entry.realtime.is_empty() || !entry.cursor.is_empty();
    let is_said = !entry.message.is_empty() || !entry.message_id.is_empty();
    (is_dated && is_said).then_some(entry)
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let mut entry = Entry::default();
        while let Some(key) = map.next_key::<Field<'de>>()? {
            match entry.slot(key.get()) {
                Some(slot) => *slot = map.next_value::<Text>()?.0,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(entry)
    }
}

/// The value of a field.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, an array or null")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text, E> {
        Ok(Text(String::new()))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text(String::new()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(String::new()))
    }

    /// Bytes, or the first of several values.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
        let mut bytes = Vec::new();
        let mut first: Option<String> = None;
        while let Some(value) = seq.next_element::<Field<'de>>()? {
            match value.get().parse::<u8>() {
                Ok(byte) => bytes.push(byte),
                Err(_) => {
                    first.get_or_insert_with(|| value.get().to_owned());
                }
            }
        }
        Ok(Text(first.unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned())))
    }
}
