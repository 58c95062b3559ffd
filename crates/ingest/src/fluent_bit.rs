//! Fluent Bit's `winevtlog` input: the System part in flat keys, the EventData as a list of its
//! values (the default) or as a map; or, with `render_event_as_xml`, the event's XML under
//! `System` (telemetry.md §2.3, and the plugin's source).

use crate::line::Line;
use crate::shape::Record;

/// Whether the record is an event of this shape. Its machine may be missing, which a person can
/// mend (`--device`); a Hostname is what a filter added, so the collector's.
pub(crate) fn is_event(line: &Line<'_>) -> bool {
    let numbered = !line.event_record_id.get().is_empty();
    let named = !line.computer.get().is_empty() && line.hostname.get().is_empty();
    // EvtxECmd's records have another spelling of it, and their values elsewhere.
    let has_event_id = !line.event_id.get().is_empty();
    !line.time_created.get().is_empty() && has_event_id && (numbered || named)
}

/// The event in XML, where it came so.
pub(crate) fn xml<'l>(line: &'l Line<'_>) -> Option<&'l str> {
    Some(line.system.get()).filter(|text| text.starts_with("<Event"))
}

/// What it says. TimeCreated is in the zone of the machine, which it names.
pub(crate) fn record<'l>(line: &'l Line<'_>) -> Record<'l> {
    Record {
        event_id: line.event_id.get(),
        channel: line.channel.get(),
        computer: line.computer.get(),
        record: line.event_record_id.get(),
        values: line.nested.values().or(line.inserts.values()),
    }
}
