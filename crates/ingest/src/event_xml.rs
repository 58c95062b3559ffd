//! One `<Event>` in XML, as Windows renders it: bare, or with a RenderingInfo behind it, whose
//! words are in the language of a machine and are not read.
//!
//! A document type's entities are not expanded, only the references that XML itself knows.

use std::borrow::Cow;

use inventory::logon::Source;
use inventory::rule::Rule;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::field::{Field, Fields};
use crate::session::Part;
use crate::windows::{self, EventData, FieldError, Kind};

/// Windows nests five deep.
const MAX_DEPTH: usize = 64;

/// The values of an event that are asked for.
#[derive(Debug, Default)]
pub(crate) struct XmlEvent {
    event_id: Field<'static>,
    channel: Field<'static>,
    computer: Field<'static>,
    record: Field<'static>,
    time: Field<'static>,
    data: EventData<'static>,
}

/// Why a text is not an event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum XmlError {
    #[error("not valid XML: {0}")]
    Syntax(#[from] quick_xml::Error),
    #[error("not an <Event>")]
    NoEvent,
    #[error("nested deeper than {MAX_DEPTH}")]
    TooDeep,
}

impl XmlEvent {
    /// Reads the event that the text begins with.
    pub(crate) fn parse(text: &str) -> Result<Self, XmlError> {
        let mut reader = Reader::from_str(text);
        // A program that forgets to escape an ampersand does so in texts that are not read.
        reader.config_mut().allow_dangling_amp = true;
        let mut event = Self::default();
        let mut place = Place::default();
        loop {
            match reader.read_event()? {
                Event::Start(element) => event.start(&element, &mut place)?,
                Event::Empty(element) => {
                    event.start(&element, &mut place)?;
                    event.end(&mut place);
                }
                Event::End(_) => event.end(&mut place),
                Event::Text(part) => place.add(&part),
                Event::CData(part) => place.add(&part),
                Event::GeneralRef(name) => place.add(referred(&name).encode_utf8(&mut [0; 4])),
                Event::Eof => return Err(XmlError::NoEvent),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => continue,
            }
            if place.depth == 0 && place.is_event {
                return Ok(event);
            }
        }
    }

    fn kind(&self) -> Kind {
        windows::kind(self.event_id.get(), self.channel.get())
    }

    /// Takes what it tells into the part of a file that it is in. `device` is the machine of events
    /// that do not name theirs, `raw` the record that the event came in.
    pub(crate) fn take(
        &self,
        part: &mut Part,
        rule: &Rule,
        device: Option<&str>,
        source: Source,
        raw: &[u8],
    ) -> Result<(), FieldError> {
        let system = windows::System {
            computer: windows::present(self.computer.get()).or(device).unwrap_or_default(),
            record: self.record.get(),
            source,
            raw,
        };
        windows::take(part, self.kind(), rule, &system, &self.data.values(), || {
            windows::utc("TimeCreated", self.time.get())
        })
    }

    fn start(&mut self, element: &BytesStart<'_>, place: &mut Place) -> Result<(), XmlError> {
        place.depth += 1;
        let name = element.local_name();
        match (place.depth, name.as_ref()) {
            (1, "Event") => place.is_event = true,
            (1, _) => return Err(XmlError::NoEvent),
            (2, name) => place.section = Section::of(name),
            (3, "TimeCreated") if place.section == Section::System => {
                self.time =
                    attribute(element, "SystemTime").unwrap_or_default().into_owned().into();
            }
            (3, "Data") if place.section == Section::EventData => {
                let name = attribute(element, "Name");
                let asked = name.filter(|name| self.data.slot(name).is_some());
                place.value = asked.map(|name| (name.into_owned(), String::new()));
            }
            (3, name @ ("EventID" | "Channel" | "Computer" | "EventRecordID"))
                if place.section == Section::System =>
            {
                place.value = Some((name.to_owned(), String::new()));
            }
            (MAX_DEPTH.., _) => return Err(XmlError::TooDeep),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, place: &mut Place) {
        place.depth = place.depth.saturating_sub(1);
        if place.depth != 2 {
            return;
        }
        let Some((name, text)) = place.value.take() else {
            return;
        };
        let slot = match (place.section, name.as_str()) {
            (Section::EventData, name) => self.data.slot(name),
            (Section::System, "EventID") => Some(&mut self.event_id),
            (Section::System, "Channel") => Some(&mut self.channel),
            (Section::System, "Computer") => Some(&mut self.computer),
            (Section::System, "EventRecordID") => Some(&mut self.record),
            _ => None,
        };
        if let Some(slot) = slot {
            *slot = text.into();
        }
    }
}

/// The values of an EventData that stands by itself, whole or only what is in it.
pub(crate) fn event_data(xml: &str) -> Option<EventData<'static>> {
    let whole = xml.find("<EventData").and_then(|start| {
        const END: &str = "</EventData>";
        let end = start + xml[start..].find(END)? + END.len();
        Some(&xml[start..end])
    });
    let event = match whole {
        Some(whole) => format!("<Event>{whole}</Event>"),
        None => format!("<Event><EventData>{xml}</EventData></Event>"),
    };
    XmlEvent::parse(&event).ok().map(|event| event.data)
}

/// Where in an event the reader is.
#[derive(Default)]
struct Place {
    depth: usize,
    is_event: bool,
    section: Section,
    /// The name and the text of the value that is being read.
    value: Option<(String, String)>,
}

impl Place {
    fn add(&mut self, part: &str) {
        if let (3, Some((_, text))) = (self.depth, &mut self.value) {
            text.push_str(part);
        }
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Section {
    System,
    EventData,
    #[default]
    Other,
}

impl Section {
    fn of(name: &str) -> Self {
        match name {
            "System" => Section::System,
            "EventData" => Section::EventData,
            _ => Section::Other,
        }
    }
}

pub(crate) fn attribute<'e>(element: &'e BytesStart<'_>, name: &str) -> Option<Cow<'e, str>> {
    let mut attributes = element.attributes();
    let found = attributes.with_checks(false).flatten().find(|found| found.key.0 == name)?;
    Some(found.value)
}

/// The character that a reference stands for. One that XML does not know (an entity of a document
/// type, a number that is no character) is told as a replacement, never expanded.
pub(crate) fn referred(name: &str) -> char {
    match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => name
            .strip_prefix('#')
            .and_then(|number| match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok(),
                None => number.parse().ok(),
            })
            .and_then(char::from_u32)
            .unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

#[cfg(test)]
mod tests {
    use inventory::logon::Logon;

    use super::*;
    use crate::Format;
    use crate::session::Outcome;

    fn read(xml: &str) -> Result<Option<Logon>, String> {
        let event = XmlEvent::parse(xml).map_err(|error| error.to_string())?;
        assert_eq!(event.kind(), Kind::Logon);
        let mut outcome = Outcome::default();
        let part = outcome.part(Format::WefXml);
        event
            .take(part, &Rule::default(), None, Source::WefXml, b"")
            .map_err(|error| error.to_string())?;
        Ok(part.logons.pop())
    }

    const EVENT: &str = r#"<?xml version="1.0"?><!-- x -->
        <e:Event xmlns:e="http://schemas.microsoft.com/win/2004/08/events/event">
          <e:System><e:Provider Name='Microsoft-Windows-Security-Auditing'/>
            <EventID Qualifiers="">4624</EventID><TimeCreated SystemTime="2026-03-01T08:00:00.1234567Z"/>
            <EventRecordID>77</EventRecordID><Channel>security</Channel>
            <Computer>
              WS-1.corp.example
            </Computer></e:System>
          <EventData><Data>unnamed</Data><Data Name='TargetUserName'>O&apos;<![CDATA[Br]]>i&#233;<!-- -->n</Data>
            <Data Name="TargetDomainName">R&amp;D</Data><Data Name='LogonType'>&#x32;</Data>
            <Data Name='WorkstationName'/></EventData>
          <RenderingInfo Culture='de-DE'><Message>a & b &unknown;</Message>
            <Channel>Sicherheit</Channel></RenderingInfo></e:Event>"#;

    #[test]
    fn an_event_is_read_however_it_is_written() {
        let logon = read(EVENT).unwrap().unwrap();
        assert_eq!(logon.account.name, "o'bri\u{e9}n");
        assert_eq!(logon.account.domain, "r&d");
        assert_eq!(logon.machine.name, "WS-1.corp.example");
        assert_eq!(logon.time.to_string(), "2026-03-01T08:00:00.1234567Z");
        assert_eq!(logon.key.record, Some(77));
        assert_eq!(logon.remote_name, None);
    }

    #[test]
    fn entities_are_not_expanded() {
        let bomb = "<!DOCTYPE x [<!ENTITY a '1234567890'><!ENTITY b '&a;&a;&a;&a;'>]>".to_owned()
            + &EVENT.replace("<?xml version=\"1.0\"?>", "").replace("O&apos;", "&b;&#0;&#xD800;");
        let logon = read(&bomb).unwrap().unwrap();
        assert_eq!(logon.account.name, "\u{fffd}\u{0}\u{fffd}bri\u{e9}n");
    }

    #[test]
    fn what_is_no_event_says_why() {
        let error = |xml: &str| read(xml).unwrap_err();
        assert_eq!(error("<Events/>"), "not an <Event>");
        assert_eq!(error("<Event><System>"), "not an <Event>");
        assert!(error("<Event><System></Event>").starts_with("not valid XML: "));
        assert_eq!(error(&"<Event>".repeat(1_000)), "nested deeper than 64");
    }
}
