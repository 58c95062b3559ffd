//! The values of a JSON object in one list, each under a path in which spelling does not matter.
//!
//! What turns XML into JSON has habits of its own for attributes and texts: `#attributes` and `#text`
//! (the crate `evtx`), `@Name` and `#text` (xmltodict), `$` and `_` (xml2js), `EventID_attributes`
//! (`--separate-json-attributes`), `Value` (Velociraptor). None of them is part of a path here, nor are
//! case, blanks and `_ - @ # $`: `Event.System.EventID.#text`, `event.system.event_id` and
//! `{"System":{"EventID":{"Value":..}}}` end in the same `system.eventid`.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::field::Field;
use crate::object::elements;

/// Event logs as JSON nest some eight deep, and in OpenTelemetry's protocol twice that. What is
/// deeper is left aside.
const MAX_DEPTH: usize = 24;
/// An event has fewer than a hundred values, its envelopes some more.
const MAX_LEAVES: usize = 2048;
/// An event's lists have some thirty values; longer ones must not take the room of what comes behind them.
const MAX_ITEMS: usize = 256;
/// No name that matters is as long.
const MAX_KEY_BYTES: usize = 128;
/// Objects in texts are opened so many times within one another.
const MAX_TEXTS: usize = 2;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf<'a> {
    /// Its keys, from the outermost, with dots between them.
    pub(super) path: String,
    /// Its place in a list of several values.
    pub(super) index: Option<usize>,
    /// As text without the blanks around it; empty for null.
    pub(super) value: Cow<'a, str>,
}

impl Leaf<'_> {
    /// The keys from the innermost.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.path.rsplit('.')
    }

    fn into_owned<'o>(self) -> Leaf<'o> {
        Leaf { path: self.path, index: self.index, value: Cow::Owned(self.value.into_owned()) }
    }
}

/// The values of an object; `None` for what is no object.
pub(super) fn of(json: &str) -> Option<Vec<Leaf<'_>>> {
    let mut leaves = Leaves { found: Vec::new(), path: String::new(), texts: 0 };
    leaves.object(json.trim(), 0, false)?;
    Some(leaves.found)
}

struct Leaves<'a> {
    found: Vec<Leaf<'a>>,
    /// Of what is being read.
    path: String,
    /// How many texts it is in.
    texts: usize,
}

impl<'a> Leaves<'a> {
    fn value(&mut self, json: &'a str, depth: usize) {
        match json.as_bytes().first() {
            Some(b'{') => drop(self.object(json, depth, false)),
            Some(b'[') => self.list(json, depth),
            _ => self.put(None, scalar(json).unwrap_or_default()),
        }
    }

    /// Reads an object's members; `None` where it is none.
    fn object(&mut self, json: &'a str, depth: usize, is_item: bool) -> Option<()> {
        if depth == MAX_DEPTH || !json.starts_with('{') {
            return None;
        }
        let members = serde_json::from_str::<Members<'a>>(json).ok()?.0;
        if let Some((name, value)) = pair(&members, is_item) {
            self.within(&name, |leaves| leaves.value(value.unwrap_or("null"), depth + 1));
            return Some(());
        }
        for (key, value) in members {
            self.within(&key, |leaves| leaves.value(value.get(), depth + 1));
        }
        Some(())
    }

    fn list(&mut self, json: &'a str, depth: usize) {
        if depth == MAX_DEPTH {
            return;
        }
        let mut items = Vec::new();
        // It is part of what was parsed as a whole: it is valid.
        let _ = elements(json, &mut |item| {
            items.push(item);
            items.len() < MAX_ITEMS
        });
        let is_single = items.len() == 1;
        for (index, item) in items.into_iter().enumerate() {
            let index = (!is_single).then_some(index);
            match item.as_bytes().first() {
                Some(b'[') => {}
                Some(b'{') => match lone(item, depth) {
                    Some(value) => self.put(index, value),
                    None => drop(self.object(item, depth + 1, true)),
                },
                _ => self.put(index, scalar(item).unwrap_or_default()),
            }
        }
    }

    fn put(&mut self, index: Option<usize>, value: Cow<'a, str>) {
        if self.found.len() == MAX_LEAVES {
            return;
        }
        let is_opened = match self.path.rsplit('.').next() {
            // EvtxECmd's values, and the EventData of some tables.
            Some("payload" | "eventdata") => value.starts_with('{'),
            // A record of the crate `evtx` in Python.
            Some("data") => value.strip_prefix('{').is_some_and(is_event),
            _ => false,
        };
        if is_opened && self.texts < MAX_TEXTS {
            let mut inner =
                Leaves { found: Vec::new(), path: self.path.clone(), texts: self.texts + 1 };
            if inner.object(&value, 0, false).is_some() {
                let room = MAX_LEAVES - self.found.len();
                self.found.extend(inner.found.into_iter().take(room).map(|leaf| leaf.into_owned()));
                return;
            }
        }
        self.found.push(Leaf { path: self.path.clone(), index, value });
    }

    /// Reads what stands under a key.
    fn within(&mut self, key: &str, read: impl FnOnce(&mut Self)) {
        if key.len() > MAX_KEY_BYTES || self.found.len() == MAX_LEAVES {
            return;
        }
        let length = self.path.len();
        for part in parts(key) {
            if !self.path.is_empty() {
                self.path.push('.');
            }
            self.path.push_str(&part);
        }
        read(self);
        self.path.truncate(length);
    }
}

fn is_event(members: &str) -> bool {
    members.trim_start().starts_with("\"Event\"")
}

/// A key's parts as they count: dots in it stand between the keys of nested objects.
pub(super) fn parts(key: &str) -> impl Iterator<Item = String> {
    let is_part = |part: &String| !is_holder(part) && !is_content(part);
    // Graylog makes one key of Winlogbeat's objects: `winlogbeat_winlog_event_data_LogonType`.
    const OBJECTS: [(&str, &[&str]); 5] = [
        ("winlogbeat_winlog_event_data_", &["winlog", "eventdata"]),
        ("winlogbeat_winlog_", &["winlog"]),
        ("winlogbeat_source_", &["source"]),
        ("winlogbeat_user_", &["user"]),
        ("winlogbeat_", &[]),
    ];
    let of_beat =
        OBJECTS.iter().find_map(|(prefix, beat)| Some((*beat, key.strip_prefix(prefix)?)));
    let (beat, key) = of_beat.unwrap_or((&[], key));
    let outer = beat.iter().map(|part| (*part).to_owned());
    outer.chain(key.split('.').map(plain).filter(is_part))
}

/// A key without its case, blanks and signs, and without XML's prefix and namespace.
fn plain(key: &str) -> String {
    let key = key.rsplit([':', '}']).next().unwrap_or_default();
    let key = key.strip_suffix("_attributes").unwrap_or(key);
    let letters = key.chars().filter(|char| char.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Whether a key holds an element's attributes, or stands around values.
fn is_holder(key: &str) -> bool {
    matches!(
        key,
        "" | "attributes" | "attribute" | "attr" | "kvlistvalue" | "arrayvalue" | "values"
    )
}

/// Whether a key has an element's text, or a value of OpenTelemetry's protocol.
fn is_content(key: &str) -> bool {
    const CONTENTS: [&str; 9] = [
        "",
        "text",
        "value",
        "content",
        "stringvalue",
        "intvalue",
        "doublevalue",
        "boolvalue",
        "bytesvalue",
    ];
    CONTENTS.contains(&key)
}

/// The name and the value of an object that is a value with a name: `{"Name":..,"text":..}` in all its
/// spellings, and `{"key":..,"value":..}` of OpenTelemetry's. As an item of a list it may lack the value.
fn pair<'a>(
    members: &[(Cow<'a, str>, &'a RawValue)],
    is_item: bool,
) -> Option<(Cow<'a, str>, Option<&'a str>)> {
    let (mut name, mut value, mut others) = (None, None, 0);
    for (key, json) in members {
        let json = json.get();
        match plain(key).as_str() {
            "name" | "key" if !json.starts_with(['{', '[']) => name = scalar(json),
            key if is_holder(key) && json.starts_with('{') => {
                let inner = serde_json::from_str::<Members<'a>>(json).ok()?.0;
                match inner.iter().find(|(key, _)| plain(key) == "name") {
                    Some((_, json)) => name = scalar(json.get()),
                    None => others += 1,
                }
            }
            key if is_content(key) => value = Some(json),
            _ => others += 1,
        }
    }
    let name = name.filter(|name| !name.is_empty() && others == 0)?;
    (value.is_some() || is_item).then_some((name, value))
}

/// The value of a list's item that is an object around a value without a name: `{"Value":..}`.
fn lone<'a>(json: &'a str, depth: usize) -> Option<Cow<'a, str>> {
    let members = serde_json::from_str::<Members<'a>>(json).ok()?.0;
    if pair(&members, true).is_some() {
        return None;
    }
    let (_, value) = members.iter().find(|(key, _)| is_content(&plain(key)))?;
    match value.get() {
        // PowerShell's way to write a security identifier.
        inner if inner.starts_with('{') && depth < MAX_DEPTH => lone(inner, depth + 1),
        inner => scalar(inner),
    }
}

/// A text, number or boolean as text. Numbers keep their digits, also those of a fraction.
fn scalar(json: &str) -> Option<Cow<'_, str>> {
    match json.as_bytes().first()? {
        b'"' => Some(serde_json::from_str::<Field<'_>>(json).ok()?.into_text()),
        b'{' | b'[' => None,
        b'n' => Some(Cow::Borrowed("")),
        _ => Some(Cow::Borrowed(json.trim())),
    }
}

/// An object's members, as they stand there.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Visit<'a> {
            type Value = Members<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'a>, A::Error> {
                let mut members = Vec::new();
                while let Some(key) = map.next_key::<Field<'a>>()? {
                    let value = map.next_value()?;
                    if members.len() < MAX_LEAVES {
                        members.push((key.into_text(), value));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visit(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(json: &str) -> Vec<String> {
        let leaves = of(json).unwrap();
        let text = |leaf: &Leaf<'_>| match leaf.index {
            Some(index) => format!("{}[{index}]={}", leaf.path, leaf.value),
            None => format!("{}={}", leaf.path, leaf.value),
        };
        leaves.iter().map(text).collect()
    }

    #[test]
    fn spelling_does_not_matter() {
        for json in [
            r##"{"Event":{"System":{"EventID":{"#attributes":{},"#text":4624}}}}"##,
            r#"{"Event":{"System":{"EventID":{"Value":4624}}}}"#,
            r#"{"Event":{"System":{"EventID":{"_":"4624"}}}}"#,
            r#"{"event.system.event_id":["4624"]}"#,
            r#"{"event":{"system":{"@Event-ID ":4624}}}"#,
            r#"{"e:Event":{"{http://x}System":{"EventID":4624}}}"#,
        ] {
            assert_eq!(told(json), ["event.system.eventid=4624"], "{json}");
        }
        let separate =
            r#"{"TimeCreated_attributes":{"SystemTime":1.50},"Provider":{"$":{"Name":"P"}}}"#;
        assert_eq!(told(separate), ["timecreated.systemtime=1.50", "provider.name=P"]);
    }

    #[test]
    fn named_values_are_found_in_every_form() {
        for item in [
            r#"{"Name":"LogonType","text":"2"}"#,
            r##"{"@Name":"LogonType","#text":2}"##,
            r#"{"$":{"Name":"LogonType"},"_":"2"}"#,
            r##"{"#attributes":{"Name":"LogonType"},"#text":"2"}"##,
            r#"{"LogonType":"2"}"#,
            r#"{"key":"LogonType","value":{"stringValue":"2"}}"#,
        ] {
            let json = format!(r#"{{"EventData":{{"Data":[{item},{item}]}}}}"#);
            assert_eq!(told(&json), vec!["eventdata.data.logontype=2"; 2], "{json}");
            let json = format!(r#"{{"EventData":{{"Data":{item}}}}}"#);
            assert_eq!(told(&json), ["eventdata.data.logontype=2"], "{json}");
        }
        assert_eq!(told(r#"{"d":[{"Name":"A"},{"Name":"B","text":"x"}]}"#), ["d.a=", "d.b=x"]);
        let folded =
            r##"{"Payload":"{\"EventData\":{\"Data\":[{\"@Name\":\"A\",\"#text\":\"x\"}]}}"}"##;
        assert_eq!(told(folded), ["payload.eventdata.data.a=x"]);
    }

    #[test]
    fn lists_without_names_keep_their_order() {
        assert_eq!(told(r#"{"d":["x",null,3]}"#), ["d[0]=x", "d[1]=", "d[2]=3"]);
        let properties = r#"{"P":[{"Value":{"BinaryLength":28,"Value":"S-1-5-18"}},{"Value":7}]}"#;
        assert_eq!(told(properties), ["p[0]=S-1-5-18", "p[1]=7"]);
        let otlp = r#"{"d":{"arrayValue":{"values":[{"stringValue":"x"},{"intValue":"3"}]}}}"#;
        assert_eq!(told(otlp), ["d[0]=x", "d[1]=3"]);
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let many: Vec<String> = (0..3 * MAX_LEAVES).map(|n| format!("\"a{n}\":1")).collect();
        assert_eq!(of(&format!("{{{}}}", many.join(","))).unwrap().len(), MAX_LEAVES);
        let many = "1,".repeat(3 * MAX_LEAVES);
        let long = format!("{{\"a\":[{many}1],\"b\":2}}");
        let leaves = of(&long).unwrap();
        assert_eq!((leaves.len(), leaves[MAX_ITEMS].path.as_str()), (MAX_ITEMS + 1, "b"));
        for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
            let deep = format!("{{\"a\":{}1{}}}", open.repeat(50_000), close.repeat(50_000));
            assert!(of(&deep).unwrap_or_default().is_empty());
        }
        assert_eq!(of("[]"), None);
        assert_eq!(of("{\"a\""), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r##"(\{|\}|\[|\]|"Name"|"#text"|"\$"|"payload"|"\{\}"|:|,|1|"é"){0,60}"##) {
            let _ = of(&text);
        }
    }
}
