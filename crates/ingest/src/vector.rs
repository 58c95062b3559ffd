//! Vector's `windows_event_log` source (telemetry.md §2.3). Its `host` is where Vector runs.

use crate::line::Line;
use crate::shape::Record;

/// Whether the record is an event of this shape. Its machine may be missing, which a person can
/// mend (`--device`).
pub(crate) fn is_event(line: &Line<'_>) -> bool {
    let lower = &line.lower;
    [&lower.timestamp, &lower.event_id, &lower.channel].iter().all(|field| !field.get().is_empty())
}

/// What it says.
pub(crate) fn record<'l>(line: &'l Line<'_>) -> Record<'l> {
    let lower = &line.lower;
    Record {
        event_id: lower.event_id.get(),
        channel: lower.channel.get(),
        computer: lower.computer.get(),
        record: lower.record_id.get(),
        values: line.nested.values().or(line.inserts.values()),
    }
}
