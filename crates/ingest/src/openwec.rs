//! OpenWEC's own JSON: the parts of an event as objects, or (its raw form) the event's XML under
//! `data` (telemetry.md §2.3). What stands in `OpenWEC` and `meta` is about the sender.
//!
//! Its form of NXLog's is [`nxlog`](crate::nxlog)'s.

use crate::line::Line;
use crate::shape::Record;

/// Whether the record is an event of this shape. Its machine may be missing, which a person can
/// mend (`--device`).
pub(crate) fn is_event(line: &Line<'_>) -> bool {
    let part = &line.system_part;
    [&part.event_id, &part.time_created].iter().all(|field| !field.get().is_empty())
}

/// The event in XML, where it came so.
pub(crate) fn xml<'l>(line: &'l Line<'_>) -> Option<&'l str> {
    Some(line.lower.data.get()).filter(|text| text.starts_with("<Event"))
}

/// What it says.
pub(crate) fn record<'l>(line: &'l Line<'_>) -> Record<'l> {
    let part = &line.system_part;
    Record {
        event_id: part.event_id.get(),
        channel: part.channel.get(),
        computer: part.computer.get(),
        record: part.event_record_id.get(),
        values: line.nested.values(),
    }
}
