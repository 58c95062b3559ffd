//! Splunk's JSON around an event in XML: what its HTTP Event Collector is sent (`event`), and what
//! a search exports (`_raw`), for inputs with `renderXml = true` (telemetry.md §2.3).
//!
//! `host` is often the forwarder, and `time` Splunk's own reading: the event says both itself.

use crate::line::Line;

/// The event in XML; `None` when the record is not of this shape.
pub(crate) fn xml<'l>(line: &'l Line<'_>) -> Option<&'l str> {
    let texts = [line.lower.event.get(), line.lower.raw.get()];
    texts.into_iter().find(|text| text.starts_with("<Event"))
}
