//! osquery's result logs: what scheduled queries found, one result or one change a line
//! (telemetry.md §3.2 and §3.3).
//!
//! Names of queries are free, so that a row's table is known by its columns. A row says when the
//! session began, so it is the same logon however often, and from whichever table, it is told.

mod facts;
mod logons;

use std::borrow::Cow;
use std::sync::LazyLock;

use inventory::identity::{Identifier, IdentifierKind};
use inventory::logon::MachineRef;
use inventory::time::Timestamp;
use uuid::Uuid;

use crate::object::{Object, elements};
use crate::product::{Context, Found, Tell, bounded};
use crate::windows::{FieldError, present};
use crate::words::Words;

/// Members in which rows come: of one change or event, of several changes, of a whole result.
const ROWS: [&str; 3] = ["columns", "diffResults", "snapshot"];

/// Whether it is a result, or a line of the status log.
pub(crate) fn is_record(record: &Object<'_>) -> bool {
    let of_a_query = record.has("unixTime") && record.has_any(&ROWS);
    let of_status = record.has_all(&["severity", "filename", "line", "message", "calendarTime"]);
    of_a_query || of_status
}

/// Whether a line of results can hold a row that is read: each has one of these columns, by which the
/// tables are told apart.
pub(crate) fn may_matter(line: &[u8]) -> bool {
    const COLUMNS: [&str; 11] = [
        "\"logon_time\"",
        "\"tty\"",
        "\"cpu_brand\"",
        "\"hardware_serial\"",
        "\"physical_memory\"",
        "\"hardware_model\"",
        "\"platform\"",
        "\"build_platform\"",
        "\"config_hash\"",
        "\"interface\"",
        "\"arguments\"",
    ];
    static SEARCHER: LazyLock<Words> = LazyLock::new(|| Words::new(&COLUMNS));
    SEARCHER.any(line, |_| true)
}

/// Reads a record: each of its rows is told.
pub(crate) fn read(record: &Object<'_>, context: &Context<'_>, tell: &mut Tell<'_>) {
    let sender = Sender { record, context, decorations: record.object("decorations") };
    let mut any = false;
    let mut rows = |json: &str| {
        any = true;
        tell(sender.row(json));
    };
    // What was removed is told of once more: it was there before.
    if record.text("action") != "removed"
        && let Some(row) = record.nested("columns")
    {
        rows(row);
    }
    let difference = record.object("diffResults");
    for list in [difference.nested("added"), record.nested("snapshot")].into_iter().flatten() {
        // The list is part of what was parsed as a whole: it is valid.
        let _ = elements(list, &mut |row| {
            rows(row);
            true
        });
    }
    if !any {
        tell(Ok(Found::Other));
    }
}

/// Who sent a record.
struct Sender<'r, 'a> {
    record: &'r Object<'a>,
    context: &'r Context<'r>,
    decorations: Object<'a>,
}

impl Sender<'_, '_> {
    fn row(&self, json: &str) -> Result<Found, FieldError> {
        let Ok(row) = Object::parse(json) else {
            return Ok(Found::Other);
        };
        if let Some(session) = logons::Session::of(&row) {
            return logons::logon(&session, self);
        }
        facts::report(&row, self)
    }

    /// The machine: by the name that it has itself, else the one by which it is known to the
    /// sender. `own` is the name that the row tells.
    fn machine(&self, own: &str) -> Result<MachineRef, FieldError> {
        let own = Cow::Borrowed(own);
        // Decorations are beside or inside the record; the vendor's examples write `hostname`
        // where its code writes `hostIdentifier`.
        let names = [own, self.decorated("hostname"), self.decorated("computer_name")];
        let identifier = self.record.text("hostIdentifier");
        let is_name = Uuid::try_parse(&identifier).is_err();
        let name = names
            .iter()
            .find_map(|name| present(name))
            .or(present(&identifier).filter(|_| is_name))
            .or(self.context.device)
            .or(present(&identifier))
            .ok_or(FieldError::Computer)?;
        bounded(&[("the machine's name", name)])?;
        let host = Identifier::parse(IdentifierKind::OsqueryHost, &identifier);
        // As the vendor's documentation decorates, and whoever follows it.
        let hardware =
            Identifier::parse(IdentifierKind::HardwareUuid, &self.decorated("host_uuid"));
        Ok(MachineRef::named(name).identified(host).identified(hardware))
    }

    fn decorated(&self, key: &str) -> Cow<'_, str> {
        let text = self.decorations.text(key);
        if text.is_empty() { self.record.text(key) } else { text }
    }

    /// When the query ran.
    fn time(&self) -> Result<Timestamp, FieldError> {
        let text = self.record.text("unixTime");
        seconds(&text).ok_or(FieldError::Missing("unixTime"))
    }
}

/// A time in seconds since 1970, a number or a text; 0 is no time.
fn seconds(text: &str) -> Option<Timestamp> {
    let whole = text.split('.').next().unwrap_or_default();
    let seconds = whole.parse::<i64>().ok().filter(|&seconds| seconds > 0)?;
    Timestamp::from_seconds(seconds, 0)
}
