//! JSON values as logs have them: a number or a text, as each shipper likes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A record's bytes as text. What is no UTF-8 costs only itself: a collector that does not convert
/// passes on the bytes of the machine's code page.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    // Nearly all text is whole, and to see that at once is much quicker than piece by piece.
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// One value as text, borrowed from the line where it needs no unescaping.
///
/// Numbers become their digits; of an element with attributes (`{"#attributes": .., "#text": ..}`)
/// it is the text, of a list with one value that value, as searches of Elasticsearch give each. Everything
/// else, and what is not there, is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field<'a>(Cow<'a, str>);

impl<'a> Field<'a> {
    /// The text without the blanks around it.
    pub(crate) fn get(&self) -> &str {
        self.0.trim()
    }

    /// The same, to be kept.
    pub(crate) fn into_text(self) -> Cow<'a, str> {
        match self.0 {
            Cow::Borrowed(text) => Cow::Borrowed(trimmed(text)),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        }
    }
}

/// The text without the blanks around it, of which nearly none has any.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

impl<'a> From<&'a str> for Field<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Field<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FieldSeed { inside: false }.deserialize(deserializer)
    }
}

/// Reads a [`Field`]; `inside` an element or a list its own elements are left aside, so that nothing
/// recurses.
struct FieldSeed {
    inside: bool,
}

impl<'de> DeserializeSeed<'de> for FieldSeed {
    type Value = Field<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Field<'de>, E> {
        Ok(Field(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<'de>, E> {
        Ok(Field(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field<'de>, E> {
        Ok(Field(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Field<'de>, E> {
        Ok(Field(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Field<'de>, E> {
        Ok(Field(Cow::Owned(number.to_string())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Field<'de>, E> {
        Ok(Field(Cow::Borrowed(if value { "true" } else { "false" })))
    }

    fn visit_unit<E>(self) -> Result<Field<'de>, E> {
        Ok(Field::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field<'de>, A::Error> {
        let mut text = Field::default();
        while let Some(key) = map.next_key::<Field<'de>>()? {
            if !self.inside && key.0 == "#text" {
                text = map.next_value_seed(FieldSeed { inside: true })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Field<'de>, A::Error> {
        let only = match self.inside {
            true => None,
            false => seq.next_element_seed(FieldSeed { inside: true })?,
        };
        let mut is_only = true;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            is_only = false;
        }
        Ok(only.filter(|_| is_only).unwrap_or_default())
    }
}

/// A set of named fields that an object is read into.
pub(crate) trait Fields<'a>: Default {
    /// Where the value at a path goes; `None` when nobody asks for it.
    fn slot(&mut self, path: &str) -> Option<&mut Field<'a>>;

    /// Whether the members of the object at a path have paths of their own, with its path and a
    /// dot before their keys, and the items of a list with a dot before their indexes. Of finitely
    /// many paths, so that nothing recurses without a bound.
    fn opens(_path: &str) -> bool {
        false
    }

    /// Whether the object under a key of the outermost one stands for it.
    fn is_envelope(_key: &str) -> bool {
        false
    }
}

/// Reads an object into the fields that are asked for. A key that comes twice counts the last
/// time; anything but an object has no fields.
pub(crate) fn object<'de, T: Fields<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let mut fields = T::default();
    let path = &mut String::new();
    let lifetime = PhantomData;
    Members { fields: &mut fields, path, outermost: true, lifetime }.deserialize(deserializer)?;
    Ok(fields)
}

/// How many items of a list can be asked for; event 4624 has 28 values.
const MAX_ITEMS: usize = 32;

/// Reads what stands at a path: the members of an object, or a value for the path's own slot.
struct Members<'f, 'de, T> {
    fields: &'f mut T,
    /// With a dot at its end, or empty.
    path: &'f mut String,
    outermost: bool,
    lifetime: PhantomData<&'de ()>,
}

impl<'de, T: Fields<'de>> Members<'_, 'de, T> {
    fn put(self, value: Field<'de>) {
        let path = self.path.strip_suffix('.').unwrap_or_default();
        if let Some(slot) = self.fields.slot(path) {
            *slot = value;
        }
    }
}

impl<'de, T: Fields<'de>> DeserializeSeed<'de> for Members<'_, 'de, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Fields<'de>> Visitor<'de> for Members<'_, 'de, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { fields, path, outermost, lifetime } = self;
        let length = path.len();
        while let Some(key) = map.next_key::<Field<'de>>()? {
            if outermost && T::is_envelope(&key.0) {
                map.next_value_seed(Members { fields, path, outermost: false, lifetime })?;
                continue;
            }
            // The outermost keys, which are most, are their own paths.
            if length > 0 {
                path.push_str(&key.0);
            }
            let whole = if length > 0 { path.as_str() } else { &key.0 };
            if T::opens(whole) {
                if length == 0 {
                    path.push_str(&key.0);
                }
                path.push('.');
                map.next_value_seed(Members { fields, path, outermost: false, lifetime })?;
            } else if let Some(slot) = fields.slot(whole) {
                *slot = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            path.truncate(length);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let length = self.path.len();
        for index in 0..MAX_ITEMS {
            self.path.push_str(&index.to_string());
            let slot = self.fields.slot(self.path);
            let more = match slot {
                Some(slot) => seq.next_element()?.map(|value| *slot = value).is_some(),
                None => seq.next_element::<IgnoredAny>()?.is_some(),
            };
            self.path.truncate(length);
            if !more {
                return Ok(());
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.put(Field(Cow::Borrowed(text)));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.put(Field(Cow::Owned(text.to_owned())));
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(json: &str) -> String {
        serde_json::from_str::<Field<'_>>(json).unwrap().get().to_owned()
    }

    #[test]
    fn a_field_is_its_text_whatever_its_type() {
        assert_eq!(field("4624"), "4624");
        assert_eq!(field("-3"), "-3");
        assert_eq!(field(r#"" 46\u00324 ""#), "4624");
        assert_eq!(field(r##"{"#attributes":{"Qualifiers":1},"#text":4624}"##), "4624");
        assert_eq!(field("null"), "");
        assert_eq!(field("[1,[2]]"), "");
        assert_eq!(field(r#"["4624"]"#), "4624");
        assert_eq!(field("[]"), "");
        assert_eq!(field("[1,2]"), "");
        assert_eq!(field("[[1]]"), "");
    }

    #[test]
    fn depth_does_not_matter() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(field(&deep), "");
        assert_eq!(field(&format!(r##"{{"a":{deep},"#text":"x"}}"##)), "x");
        let deep = r##"{"#text":"##.repeat(50_000) + "1" + &"}".repeat(50_000);
        assert_eq!(field(&deep), "");
    }
}
