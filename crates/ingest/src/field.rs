//! JSON values as logs have them: a number or a text, as each shipper likes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One value as text, borrowed from the line where it needs no unescaping.
///
/// Numbers become their digits; of an element with attributes (`{"#attributes": .., "#text": ..}`)
/// it is the text. Everything else, and what is not there, is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field<'a>(Cow<'a, str>);

impl Field<'_> {
    /// The text without the blanks around it.
    pub(crate) fn get(&self) -> &str {
        self.0.trim()
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

/// Reads a [`Field`]; `inside` an element its own elements are left aside, so that nothing
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
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::default())
    }
}

/// A set of named fields that an object is read into.
pub(crate) trait Fields<'a>: Default {
    /// Where the value of a key goes; `None` when nobody asks for it.
    fn slot(&mut self, key: &str) -> Option<&mut Field<'a>>;
}

/// Reads an object into the fields that are asked for. A key that comes twice counts the last
/// time; anything but an object has no fields.
pub(crate) fn object<'de, T: Fields<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(FieldsVisitor(PhantomData))
}

struct FieldsVisitor<T>(PhantomData<T>);

impl<'de, T: Fields<'de>> Visitor<'de> for FieldsVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut fields = T::default();
        while let Some(key) = map.next_key::<Field<'de>>()? {
            match fields.slot(&key.0) {
                Some(slot) => *slot = map.next_value()?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::default())
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
