//! Microsoft Sentinel's tables `SecurityEvent`, whose columns are an event's fields, and
//! `WindowsEvent`, which has them in an object (telemetry.md §2.3).
//!
//! A SecurityEvent has no record number: its session id makes it one event.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value};

use crate::event_xml::{attribute, referred};
use crate::line::Line;
use crate::shape::Record;

/// More values than any event has.
const MAX_VALUES: usize = 256;

/// Whether the record is an event of this shape. Its machine may be missing, which a person can
/// mend (`--device`).
pub(crate) fn is_event(line: &Line<'_>) -> bool {
    let of_a_table = matches!(line.table.get(), "SecurityEvent" | "WindowsEvent");
    let of_a_machine = !line.event_id.get().is_empty() && !line.computer.get().is_empty();
    !line.time_generated.get().is_empty() && (of_a_table || of_a_machine)
}

/// What it says.
pub(crate) fn record<'l>(line: &'l Line<'_>) -> Record<'l> {
    let mut values = line.data.values().or(line.nested.values());
    if values.user.is_empty() {
        // With the domain before it.
        values.user = line.target_account.get();
    }
    // A query may leave columns out, and of this table all logons are of one channel.
    let channel = match (line.channel.get(), line.table.get()) {
        ("", "" | "SecurityEvent") => "Security",
        (channel, _) => channel,
    };
    Record {
        event_id: line.event_id.get(),
        channel,
        computer: line.computer.get(),
        record: line.event_record_id.get(),
        values,
    }
}

/// The values of an event that a column has in XML, as JSON: an object of those of `<Data Name=..>` (the
/// columns EventData of `Event` and `SecurityEvent`), a list of those without names (`<Param>` of
/// ParameterXml). `None` when there are none.
pub(crate) fn event_data_json(xml: &str) -> Option<String> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().allow_dangling_amp = true;
    // The column may hold a list of elements without one around them.
    reader.config_mut().check_end_names = false;
    let (mut named, mut listed) = (Map::new(), Vec::new());
    // The name and the text of the value that is being read.
    let mut value: Option<(String, String)> = None;
    while named.len() + listed.len() < MAX_VALUES {
        match reader.read_event().ok()? {
            Event::Start(element) if is_value(&element) => {
                value = Some((name(&element), String::new()));
            }
            Event::Empty(element) if is_value(&element) => match name(&element) {
                name if name.is_empty() => listed.push("".into()),
                name => drop(named.insert(name, "".into())),
            },
            Event::Text(part) => value.iter_mut().for_each(|(_, text)| text.push_str(&part)),
            Event::CData(part) => value.iter_mut().for_each(|(_, text)| text.push_str(&part)),
            Event::GeneralRef(name) => {
                value.iter_mut().for_each(|(_, text)| text.push(referred(&name)));
            }
            Event::End(_) => match value.take() {
                Some((name, text)) if name.is_empty() => listed.push(text.into()),
                Some((name, text)) => drop(named.insert(name, text.into())),
                None => {}
            },
            Event::Eof => break,
            _ => {}
        }
    }
    match (named.is_empty(), listed.is_empty()) {
        (false, _) => Some(Value::Object(named).to_string()),
        (true, false) => Some(Value::Array(listed).to_string()),
        (true, true) => None,
    }
}

fn is_value(element: &quick_xml::events::BytesStart<'_>) -> bool {
    matches!(element.local_name().as_ref(), "Data" | "Param")
}

fn name(element: &quick_xml::events::BytesStart<'_>) -> String {
    attribute(element, "Name").unwrap_or_default().into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_in_xml_become_json() {
        for (xml, expected) in [
            (
                r#"<DataItem type="System.XmlData"><EventData xmlns="x"><Data Name="A">R&amp;D</Data><Data Name='B'/></EventData></DataItem>"#,
                Some(r#"{"A":"R&D","B":""}"#),
            ),
            ("<EventData><Data>a</Data><Data>b</Data></EventData>", Some(r#"["a","b"]"#)),
            ("<Param>a</Param><Param></Param><Param>c</Param>", Some(r#"["a","","c"]"#)),
            ("<EventData/>", None),
            ("<a", None),
        ] {
            assert_eq!(event_data_json(xml).as_deref(), expected, "{xml}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(<|>|/|Data|Param|Name='a'|&amp;|&|x| ){0,40}") {
            let _ = event_data_json(&text);
        }
    }
}
