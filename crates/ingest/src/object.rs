//! A record with named values, of which only those that are asked for are looked into.
//!
//! It is a JSON object whose members are found and not yet read, or a row of a table. Nothing
//! recurses into values, so that depth does no harm, and the number of members is bounded.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::field::Field;

/// More members than any product's records have.
const MAX_MEMBERS: usize = 4096;

/// Room for the members that most records have.
const USUAL_MEMBERS: usize = 16;

/// More texts than a list that matters has.
const MAX_TEXTS: usize = 64;

/// A member as it came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Member<'a> {
    Json(&'a RawValue),
    Cell(&'a str),
}

/// A record.
#[derive(Debug, Default)]
pub(crate) struct Object<'a> {
    members: Vec<Named<'a>>,
}

/// A value under its name.
#[derive(Debug)]
struct Named<'a> {
    name: Cow<'a, str>,
    value: Member<'a>,
    /// The members of a value that is an object, found when they are first asked for: a schema's paths
    /// lead into the same objects again and again.
    inner: OnceCell<Object<'a>>,
}

impl<'a> Named<'a> {
    fn new(name: Cow<'a, str>, value: Member<'a>) -> Self {
        Self { name, value, inner: OnceCell::new() }
    }

    /// The value as an object; one without members where it is none.
    fn object(&self) -> &Object<'a> {
        self.inner.get_or_init(|| match self.value {
            Member::Json(raw) if raw.get().starts_with('{') => {
                Object::parse(raw.get()).unwrap_or_default()
            }
            _ => Object::default(),
        })
    }
}

impl<'a> Object<'a> {
    /// Finds the members of a JSON object.
    pub(crate) fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The row of a table under its column names.
    pub(crate) fn row(columns: &'a [String], cells: &'a [String]) -> Self {
        let named = columns.iter().zip(cells);
        Self {
            members: named
                .map(|(name, cell)| Named::new(Cow::Borrowed(name), Member::Cell(cell)))
                .collect(),
        }
    }

    /// Every member, in its order.
    pub(crate) fn members(
        &self,
    ) -> impl DoubleEndedIterator<Item = (&str, Member<'a>)> + ExactSizeIterator {
        self.members.iter().map(|member| (member.name.as_ref(), member.value))
    }

    /// Whether there is such a member, `null` as it may be.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Whether there is one of these members.
    pub(crate) fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.has(key))
    }

    /// Whether there are all of these members.
    pub(crate) fn has_all(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.has(key))
    }

    /// A text, number or boolean as text without the blanks around it; empty for anything else,
    /// and where there is none.
    pub(crate) fn text(&self, key: &str) -> Cow<'a, str> {
        match self.value(key) {
            Some(Member::Json(raw)) => {
                serde_json::from_str::<Field<'a>>(raw.get()).map(Field::into_text)
            }
            Some(Member::Cell(cell)) => Ok(Cow::Borrowed(cell.trim())),
            None => Ok(Cow::Borrowed("")),
        }
        .unwrap_or_default()
    }

    /// The JSON of a member, whether it stands there as it is or in a text, as products like to
    /// put arrays.
    pub(crate) fn json(&self, key: &str) -> Cow<'a, str> {
        match self.value(key) {
            Some(Member::Json(raw)) if !raw.get().starts_with('"') => Cow::Borrowed(raw.get()),
            _ => self.text(key),
        }
    }

    /// A member that is an object; one without members where it is none.
    pub(crate) fn object(&self, key: &str) -> Object<'a> {
        match self.value(key) {
            Some(Member::Json(raw)) => Object::parse(raw.get()).unwrap_or_default(),
            _ => Object::default(),
        }
    }

    /// A member that is an array or an object, as it stands there.
    pub(crate) fn nested(&self, key: &str) -> Option<&'a str> {
        match self.value(key) {
            Some(Member::Json(raw)) if raw.get().starts_with(['[', '{']) => Some(raw.get()),
            _ => None,
        }
    }

    /// Whether there is anything under a name, in an object of it or behind it and a dot.
    pub(crate) fn opens(&self, name: &str) -> bool {
        let is_under = |key: &str| {
            key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.members.iter().any(|member| is_under(&member.name))
    }

    /// The text at a path, `user.name`, whether objects are nested or keys have the dots in them.
    pub(crate) fn text_at(&self, path: &str) -> Cow<'a, str> {
        self.holder_of(path, &|object, key| object.text(key)).unwrap_or_default()
    }

    /// The texts at a path, where a list may stand or a single value.
    pub(crate) fn texts_at(&self, path: &str) -> Vec<Cow<'a, str>> {
        let list = self.holder_of(path, &|object, key| object.nested(key)).flatten();
        let Some(list) = list.filter(|list| list.starts_with('[')) else {
            let text = self.text_at(path);
            return if text.is_empty() { Vec::new() } else { vec![text] };
        };
        let mut texts = Vec::new();
        // It is part of what was parsed as a whole: it is valid.
        let _ = elements(list, &mut |element| {
            texts.push(serde_json::from_str::<Field<'a>>(element).unwrap_or_default().into_text());
            texts.len() < MAX_TEXTS
        });
        texts
    }

    /// Asks the object that has the last part of a path, however the parts before it are written.
    fn holder_of<T>(&self, path: &str, ask: &dyn Fn(&Object<'a>, &str) -> T) -> Option<T> {
        if self.has(path) {
            return Some(ask(self, path));
        }
        let mut dots = path.bytes().enumerate().filter(|(_, byte)| *byte == b'.');
        dots.find_map(|(at, _)| {
            let inner = self.member(&path[..at])?.object();
            inner.holder_of(&path[at + 1..], ask)
        })
    }

    fn value(&self, key: &str) -> Option<Member<'a>> {
        self.member(key).map(|member| member.value)
    }

    /// Of a key that comes twice the last one counts.
    fn member(&self, key: &str) -> Option<&Named<'a>> {
        self.members.iter().rev().find(|member| member.name == key)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Members<'a> {
            type Value = Object<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'a>, A::Error> {
                let mut object = Object { members: Vec::with_capacity(USUAL_MEMBERS) };
                while let Some(key) = map.next_key::<Field<'a>>()? {
                    if object.members.len() == MAX_MEMBERS {
                        return Err(A::Error::custom(format_args!(
                            "an object with more than {MAX_MEMBERS} members"
                        )));
                    }
                    let value = Member::Json(map.next_value()?);
                    object.members.push(Named::new(key.into_text(), value));
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// Calls `each` with the JSON of every element of an array, until it says to stop.
///
/// What follows the element at which it stopped is not read.
pub(crate) fn elements<'a>(
    array: &'a str,
    each: &mut dyn FnMut(&'a str) -> bool,
) -> Result<(), serde_json::Error> {
    struct Elements<'f, 'a> {
        each: &'f mut dyn FnMut(&'a str) -> bool,
        stopped: &'f mut bool,
    }
    impl<'de: 'a, 'a> Visitor<'de> for Elements<'_, 'a> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
            while let Some(element) = seq.next_element::<&'de RawValue>()? {
                if !(self.each)(element.get()) {
                    *self.stopped = true;
                    return Err(A::Error::custom("stopped"));
                }
            }
            Ok(())
        }
    }
    let mut stopped = false;
    let mut deserializer = serde_json::Deserializer::from_str(array);
    let result = deserializer.deserialize_seq(Elements { each, stopped: &mut stopped });
    if stopped { Ok(()) } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_whatever_their_type() {
        let object = Object::parse(
            r#"{"a":" x ","b":639199803770463703,"c":null,"d":"[{\"e\":1}]","f":[1,2],"g":{"h":true},"a":"y"}"#,
        )
        .unwrap();
        assert_eq!(object.text("a"), "y");
        assert_eq!(object.text("b"), "639199803770463703");
        assert_eq!(object.text("c"), "");
        assert!(object.has("c") && !object.has("z"));
        assert_eq!(object.json("d"), r#"[{"e":1}]"#);
        assert_eq!(object.json("f"), "[1,2]");
        assert_eq!(object.object("g").text("h"), "true");
        assert_eq!(object.nested("f"), Some("[1,2]"));
        assert_eq!(object.nested("a"), None);
    }

    #[test]
    fn paths_are_found_however_they_are_written() {
        for json in [
            r#"{"a":{"b":{"c":"x","d":["y",1]}}}"#,
            r#"{"a.b.c":"x","a.b.d":["y",1]}"#,
            r#"{"a.b":{"c":"x"},"a":{"b.d":["y",1]}}"#,
        ] {
            let object = Object::parse(json).unwrap();
            assert_eq!(object.text_at("a.b.c"), "x", "{json}");
            assert_eq!(object.texts_at("a.b.d"), ["y", "1"], "{json}");
            assert_eq!(object.texts_at("a.b.c"), ["x"], "{json}");
            assert_eq!(object.text_at("a.b.z"), "");
            assert!(object.texts_at("z.a").is_empty());
            assert!(object.opens("a") && !object.opens("z"));
        }
        assert!(!Object::parse(r#"{"ab":1}"#).unwrap().opens("a"));
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let many: Vec<String> = (0..=MAX_MEMBERS).map(|n| format!("\"{n}\":1")).collect();
        let error = Object::parse(&format!("{{{}}}", many.join(","))).unwrap_err();
        assert!(error.to_string().contains("more than 4096"), "{error}");
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Object::parse(&deep).unwrap().text("a"), "");
    }

    #[test]
    fn elements_end_when_it_is_said() {
        let mut seen = Vec::new();
        let all = elements("[1,{\"a\":[2]},3]", &mut |element| {
            seen.push(element);
            seen.len() < 2
        });
        assert!(all.is_ok());
        assert_eq!(seen, ["1", "{\"a\":[2]}"]);
        assert!(elements("[1,", &mut |_| true).is_err());
    }
}
