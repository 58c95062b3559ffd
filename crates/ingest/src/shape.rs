//! The shapes that records in JSON have: each has a small file, which knows a record of its shape
//! and finds the values of an event in it.
//!
//! Each record is judged by itself, so a file may mix shapes. What has none, or lacks something in its
//! shape, is left to [`event_json`](crate::event_json).

use inventory::logon::Source;
use inventory::rule::Rule;
use inventory::time::Timestamp;

use crate::event_json::Found;
use crate::event_xml::{XmlError, XmlEvent};
use crate::line::Line;
use crate::session::Outcome;
use crate::windows::{self, EventData, FieldError, Kind, System, Values};
use crate::zone::Zone;
use crate::{
    Format, event_json, field, flat, fluent_bit, nxlog, openwec, sentinel, splunk, vector,
    winlogbeat,
};

/// The shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    NxLog,
    Flat,
    Winlogbeat,
    Winlogbeat6,
    FluentBit,
    FluentBitXml,
    Vector,
    OpenWec,
    OpenWecXml,
    Splunk,
    Sentinel,
}

/// What a shape finds in a record.
#[expect(clippy::large_enum_variant, reason = "made and taken apart at once, for every record")]
enum Content<'l> {
    Record(Record<'l>),
    /// A whole event in XML.
    Xml(&'l str),
}

/// The values of an event, beside its time.
pub(crate) struct Record<'l> {
    pub(crate) event_id: &'l str,
    pub(crate) channel: &'l str,
    pub(crate) computer: &'l str,
    pub(crate) record: &'l str,
    pub(crate) values: Values<'l>,
}

impl Record<'_> {
    /// Whether a part is missing without which it cannot be known what the event says.
    fn lacks(&self, kind: Kind) -> bool {
        let needs_values = matches!(kind, Kind::Logon | Kind::Change(_));
        self.event_id.is_empty()
            || self.channel.is_empty()
            || needs_values && self.values.is_missing()
    }
}

impl Shape {
    pub(crate) fn of(line: &Line<'_>) -> Option<Self> {
        // NXLog calls the machine its Hostname; the artefacts of Velociraptor have the time's name.
        let is_of_velociraptor = line.hostname.get().is_empty() && !line.computer.get().is_empty();
        if nxlog::is_event(line) && !is_of_velociraptor {
            Some(Shape::NxLog)
        } else if winlogbeat::is_event(line) {
            Some(Shape::Winlogbeat)
        } else if winlogbeat::is_event_of_6(line) {
            Some(Shape::Winlogbeat6)
        } else if sentinel::is_event(line) {
            Some(Shape::Sentinel)
        } else if fluent_bit::is_event(line) {
            Some(Shape::FluentBit)
        } else if flat::is_event(line) {
            Some(Shape::Flat)
        } else if fluent_bit::xml(line).is_some() {
            Some(Shape::FluentBitXml)
        } else if vector::is_event(line) {
            Some(Shape::Vector)
        } else if openwec::is_event(line) {
            Some(Shape::OpenWec)
        } else if openwec::xml(line).is_some() {
            Some(Shape::OpenWecXml)
        } else if splunk::xml(line).is_some() {
            Some(Shape::Splunk)
        } else {
            None
        }
    }

    pub(crate) fn format(self) -> Format {
        match self {
            Shape::NxLog => Format::NxLog,
            Shape::Flat => Format::FlatJson,
            Shape::Winlogbeat | Shape::Winlogbeat6 => Format::Winlogbeat,
            Shape::FluentBit | Shape::FluentBitXml => Format::FluentBit,
            Shape::Vector => Format::Vector,
            Shape::OpenWec | Shape::OpenWecXml => Format::OpenWec,
            Shape::Splunk => Format::Splunk,
            Shape::Sentinel => Format::Sentinel,
        }
    }

    fn source(self) -> Source {
        match self {
            Shape::NxLog => Source::NxLog,
            Shape::Flat => Source::FlatJson,
            Shape::Winlogbeat | Shape::Winlogbeat6 => Source::Winlogbeat,
            Shape::FluentBit | Shape::FluentBitXml => Source::FluentBit,
            Shape::Vector => Source::Vector,
            Shape::OpenWec | Shape::OpenWecXml => Source::OpenWec,
            Shape::Splunk => Source::Splunk,
            Shape::Sentinel => Source::Sentinel,
        }
    }

    fn content<'l>(self, line: &'l Line<'_>) -> Content<'l> {
        match self {
            // NXLog's and the flat one differ in their times alone.
            Shape::NxLog | Shape::Flat => Content::Record(nxlog::record(line)),
            Shape::Winlogbeat => Content::Record(winlogbeat::record(line)),
            Shape::Winlogbeat6 => Content::Record(winlogbeat::record_of_6(line)),
            Shape::FluentBit => Content::Record(fluent_bit::record(line)),
            Shape::FluentBitXml => Content::Xml(fluent_bit::xml(line).unwrap_or_default()),
            Shape::Vector => Content::Record(vector::record(line)),
            Shape::OpenWec => Content::Record(openwec::record(line)),
            Shape::Sentinel => Content::Record(sentinel::record(line)),
            Shape::OpenWecXml => Content::Xml(openwec::xml(line).unwrap_or_default()),
            Shape::Splunk => Content::Xml(splunk::xml(line).unwrap_or_default()),
        }
    }

    /// When the event happened, and whether the file's zone had to be assumed for that.
    fn time(self, line: &Line<'_>, zone: &Zone) -> Result<(Timestamp, bool), FieldError> {
        let utc = |field, text| Ok((windows::utc(field, text)?, false));
        match self {
            Shape::NxLog => nxlog::time(line, zone),
            Shape::Flat | Shape::FluentBit => flat::time(line, zone),
            Shape::Winlogbeat | Shape::Winlogbeat6 => {
                utc("@timestamp", line.lower.at_timestamp.get())
            }
            Shape::Vector => utc("timestamp", line.lower.timestamp.get()),
            Shape::OpenWec => utc("TimeCreated", line.system_part.time_created.get()),
            Shape::Sentinel => utc("TimeGenerated", line.time_generated.get()),
            // The XML has its own.
            Shape::FluentBitXml | Shape::OpenWecXml | Shape::Splunk => {
                Err(FieldError::Missing("TimeCreated"))
            }
        }
    }
}

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error(transparent)]
    Field(#[from] FieldError),
    #[error("the event in it is {0}")]
    Xml(#[from] XmlError),
}

/// Makes logons of records, whichever shape each has; shared by the workers.
pub(crate) struct RecordReader<'a> {
    pub(crate) rule: &'a Rule,
    /// The machine of records that do not name theirs.
    pub(crate) device: Option<&'a str>,
    pub(crate) zone: &'a Zone,
}

impl RecordReader<'_> {
    /// Reads a record that came as `raw`.
    pub(crate) fn read(
        &self,
        line: &Line<'_>,
        raw: &[u8],
        outcome: &mut Outcome,
    ) -> Result<(), RecordError> {
        let Some(shape) = Shape::of(line) else {
            return match self.read_any(raw, outcome) {
                Some(read) => read,
                None => Ok(self.read_shapeless(line, outcome)?),
            };
        };
        // Tables have objects as text; what is none has no values, which is told below.
        let folded = Some(line.folded.get()).filter(|text| text.starts_with('{'));
        let unfolded = folded.and_then(|text| serde_json::from_str::<EventData<'_>>(text).ok());
        let mut record = match shape.content(line) {
            Content::Record(record) => record,
            Content::Xml(xml) => return self.read_xml(shape, xml, raw, outcome),
        };
        if let Some(data) = &unfolded {
            record.values = record.values.or(data.values());
        }
        let kind = windows::kind(record.event_id, record.channel);
        if record.lacks(kind)
            && let Some(read) = self.read_any(raw, outcome)
        {
            return read;
        }
        let system = System {
            computer: windows::present(record.computer).or(self.device).unwrap_or_default(),
            record: record.record,
            source: shape.source(),
            raw,
        };
        let mut assumed = false;
        let part = outcome.part(shape.format());
        windows::take(part, kind, self.rule, &system, &record.values, || {
            let (time, zone_assumed) = shape.time(line, self.zone)?;
            assumed = zone_assumed;
            Ok(time)
        })?;
        outcome.zone_assumed |= assumed;
        Ok(())
    }

    /// Reads the event that a record is which no shape knows; `None` when it is none.
    pub(crate) fn read_any(
        &self,
        raw: &[u8],
        outcome: &mut Outcome,
    ) -> Option<Result<(), RecordError>> {
        let text = field::text(raw);
        Some(match event_json::find(&text)? {
            Found::Event(event) => {
                let part = outcome.part(Format::EventJson);
                let mut assumed = false;
                let zone = (self.zone, &mut assumed);
                let read = event.take(part, self.rule, self.device, zone, raw);
                outcome.zone_assumed |= assumed;
                read.map_err(RecordError::from)
            }
            Found::Xml(xml) => {
                self.read_event_xml(Format::EventJson, Source::EventJson, &xml, raw, outcome)
            }
        })
    }

    fn read_xml(
        &self,
        shape: Shape,
        xml: &str,
        raw: &[u8],
        outcome: &mut Outcome,
    ) -> Result<(), RecordError> {
        self.read_event_xml(shape.format(), shape.source(), xml, raw, outcome)
    }

    fn read_event_xml(
        &self,
        format: Format,
        source: Source,
        xml: &str,
        raw: &[u8],
        outcome: &mut Outcome,
    ) -> Result<(), RecordError> {
        let part = outcome.part(format);
        let event = XmlEvent::parse(xml)?;
        Ok(event.take(part, self.rule, self.device, source, raw)?)
    }

    /// Reads an event in XML that came inside something else.
    pub(crate) fn read_event(&self, xml: &str, outcome: &mut Outcome) -> Result<(), RecordError> {
        let part = outcome.part(Format::WefXml);
        let event = XmlEvent::parse(xml)?;
        Ok(event.take(part, self.rule, self.device, Source::WefXml, xml.as_bytes())?)
    }

    /// A record without a shape is no event, or lacks what makes it one.
    fn read_shapeless(&self, line: &Line<'_>, outcome: &mut Outcome) -> Result<(), FieldError> {
        outcome.part(Format::FlatJson);
        match windows::kind(line.event_id.get(), line.channel.get()) {
            Kind::Logon if line.hostname.get().is_empty() && line.computer.get().is_empty() => {
                Err(FieldError::Computer)
            }
            Kind::Logon => Err(FieldError::Missing("EventTime or TimeCreated")),
            kind => {
                outcome.part(Format::FlatJson).count_other(kind);
                Ok(())
            }
        }
    }
}
