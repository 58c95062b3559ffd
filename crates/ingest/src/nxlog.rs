//! NXLog's JSON lines: the fields of an event flat beside the System part, and the collector's
//! local time without a zone (telemetry.md §2.3).

use inventory::time::{Stamp, Timestamp};

use crate::line::Line;
use crate::shape::Record;
use crate::windows::FieldError;
use crate::zone::{Zone, evidence};

/// Whether the line is an event as NXLog writes it. Its Hostname may have been stripped on the
/// way, which a person can mend (`--device`).
pub(crate) fn is_event(line: &Line<'_>) -> bool {
    let about_a_machine = !line.hostname.get().is_empty();
    let of_a_log = !line.event_id.get().is_empty() && !line.channel.get().is_empty();
    !line.event_time.get().is_empty() && (about_a_machine || of_a_log)
}

/// What it says.
pub(crate) fn record<'l>(line: &'l Line<'_>) -> Record<'l> {
    Record {
        event_id: line.event_id.get(),
        channel: line.channel.get(),
        computer: line.hostname.get(),
        record: line.record_number.get(),
        values: line.data.values(),
    }
}

/// When it happened, and whether the file's zone had to be assumed for that.
///
/// EventTime is the machine's wall clock. Its distance from UTC is that between the time at which
/// Logstash got the record (UTC) and the one that the collector wrote on sending it, but for the time
/// that the record waited between: what a machine's records agree on decides.
pub(crate) fn time(line: &Line<'_>, zone: &Zone) -> Result<(Timestamp, bool), FieldError> {
    let error = |error| FieldError::Time { field: "EventTime", error };
    let stamp = Stamp::parse(line.event_time.get()).map_err(error)?;
    zone.of_machine(line.hostname.get(), stamp, evidence(line)).map_err(error)
}
