//! Microsoft Sentinel's tables `SecurityEvent`, whose columns are an event's fields, and
//! `WindowsEvent`, which has them in an object (telemetry.md §2.3).
//!
//! A SecurityEvent has no record number: its session id makes it one event.

use crate::line::Line;
use crate::shape::Record;

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
