//! The flat JSON lines of the OTRF captures of 2021 and later: NXLog's fields, but TimeCreated in
//! UTC and no record number (telemetry.md §2.3).

use inventory::time::{Stamp, Timestamp};

use crate::line::Line;
use crate::windows::FieldError;
use crate::zone::Zone;

/// Whether the line is an event of this shape.
pub(crate) fn is_event(line: &Line<'_>) -> bool {
    !line.time_created.get().is_empty() && !line.hostname.get().is_empty()
}

/// When it happened, and whether the file's zone had to be assumed for that.
pub(crate) fn time(line: &Line<'_>, zone: &Zone) -> Result<(Timestamp, bool), FieldError> {
    let error = |error| FieldError::Time { field: "TimeCreated", error };
    let stamp = Stamp::parse(line.time_created.get()).map_err(error)?;
    let assumed = matches!(stamp, Stamp::Local(_)) && zone.is_assumed();
    Ok((zone.resolve(stamp).map_err(error)?, assumed))
}
