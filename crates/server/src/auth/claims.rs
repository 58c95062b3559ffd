//! The JSON objects of tokens, read strictly: a name that stands twice, at any depth, and a claim
//! of another type than it must have are refused. Readers that take the first or the last of two
//! are what forgeries of signed tokens live on.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use uuid::Uuid;

/// A token that is none: nothing more is said to whoever made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The claims of a token, or the parameters of its header.
#[derive(Clone, Debug)]
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Malformed> {
        match serde_json::from_slice(json) {
            Ok(Strict(Value::Object(object))) => Ok(Self(object)),
            _ => Err(Malformed),
        }
    }

    /// A claim by its name, or by the names that lead to it, joined by dots
    /// (`realm_access.roles`). A name with dots in it wins: some providers write claims as URLs.
    fn find(&self, path: &str) -> Option<&Value> {
        if let Some(value) = self.0.get(path) {
            return Some(value);
        }
        let mut names = path.split('.');
        let first = self.0.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    }

    pub(crate) fn holds(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// A claim that is text, if it is there.
    pub(crate) fn text(&self, path: &str) -> Result<Option<&str>, Malformed> {
        self.find(path).map(|value| value.as_str().ok_or(Malformed)).transpose()
    }

    /// The first of some claims that are text.
    pub(crate) fn first_text(&self, paths: &[&str]) -> Result<Option<&str>, Malformed> {
        for path in paths {
            if let Some(text) = self.text(path)? {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// A claim that is a GUID, if it is there.
    pub(crate) fn id(&self, path: &str) -> Result<Option<Uuid>, Malformed> {
        let text = self.text(path)?;
        text.map(|text| Uuid::try_parse(text).map_err(|_| Malformed)).transpose()
    }

    /// A claim that counts seconds since 1970, if it is there; of a fraction (RFC 7519 §2 allows one,
    /// and MSAL for Python writes it) the whole seconds.
    pub(crate) fn seconds(&self, path: &str) -> Result<Option<i64>, Malformed> {
        let whole = |value: &Value| value.as_i64().or_else(|| whole_seconds(value.as_f64()?));
        self.find(path).map(|value| whole(value).ok_or(Malformed)).transpose()
    }

    /// A claim that is an array of texts; none when it is not there.
    pub(crate) fn texts(&self, path: &str) -> Result<Vec<String>, Malformed> {
        let Some(value) = self.find(path) else { return Ok(Vec::new()) };
        let texts = value.as_array().ok_or(Malformed)?.iter();
        texts.map(|text| text.as_str().map(str::to_owned).ok_or(Malformed)).collect()
    }

    /// A claim that is one text or an array of texts (`aud`, RFC 7519 §4.1.3).
    pub(crate) fn text_or_texts(&self, path: &str) -> Result<Vec<String>, Malformed> {
        match self.find(path) {
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            _ => self.texts(path),
        }
    }

    /// A claim that is words separated by blanks, or an array of them; `None` when it is not there.
    pub(crate) fn words(&self, path: &str) -> Result<Option<Vec<String>>, Malformed> {
        match self.find(path) {
            None => Ok(None),
            Some(Value::String(text)) => {
                Ok(Some(text.split_whitespace().map(str::to_owned).collect()))
            }
            Some(_) => self.texts(path).map(Some),
        }
    }

    /// Whether a claim is `true`.
    pub(crate) fn is_true(&self, path: &str) -> Result<bool, Malformed> {
        self.find(path).map_or(Ok(false), |value| value.as_bool().ok_or(Malformed))
    }
}

/// The whole part of a number that no clock is far from.
fn whole_seconds(seconds: f64) -> Option<i64> {
    const FARTHEST_S: f64 = 1e12;
    #[allow(clippy::cast_possible_truncation, reason = "far below the limits of i64")]
    (seconds.abs() < FARTHEST_S).then(|| seconds.floor() as i64)
}

/// A value in which no name stands twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no number"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = entries.next_entry::<String, _>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_stands_twice_is_refused_at_any_depth() {
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
            r#"{"a":1}{"a":1}"#,
            r#"[]"#,
            r#"{"a":1,}"#,
            "",
        ] {
            assert!(Claims::parse(json.as_bytes()).is_err(), "{json}");
        }
        assert!(Claims::parse(br#"{"a":{"b":1},"b":{"b":1}}"#).is_ok());
    }

    #[test]
    fn claims_are_found_by_name_before_path() {
        let claims = Claims::parse(br#"{"a":{"b":["x"]},"a.b":["y"],"c":{"d":["z"]}}"#).unwrap();
        assert_eq!(claims.texts("a.b").unwrap(), ["y"]);
        assert_eq!(claims.texts("c.d").unwrap(), ["z"]);
        assert_eq!(claims.texts("c.e").unwrap(), [""; 0]);
        assert_eq!(claims.texts("c"), Err(Malformed));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert!(Claims::parse(deep.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Claims::parse(&bytes);
        }

        #[test]
        fn what_has_no_name_twice_is_read_as_it_is(
            entries in proptest::collection::btree_map("[a-c.]{0,3}", any::<Option<i64>>(), 0..6)
        ) {
            let json = serde_json::to_value(&entries).unwrap();
            let claims = Claims::parse(json.to_string().as_bytes()).unwrap();
            prop_assert_eq!(Value::Object(claims.0), json);
        }
    }
}
