//! Winlogbeat's JSON, of version 6 and of 7 and later, with its Security pipeline or without it
//! (telemetry.md §2.3).
//!
//! The pipeline moves values of the EventData into fields of the Elastic Common Schema; version
//! 7.2 takes them out of the EventData, 8 keeps some. `host`, `agent` and `beat` are the
//! collector's, so none of them is read; `winlog.logon.id` is the session of the subject in a logon, and
//! the session itself in what happens to one.

use crate::line::Line;
use crate::shape::Record;
use crate::windows::{Values, present};

/// Whether the record is an event as version 7 or later writes it. Its machine may be missing,
/// which a person can mend (`--device`).
pub(crate) fn is_event(line: &Line<'_>) -> bool {
    let winlog = &line.winlog;
    let of_a_log = [&winlog.channel, &winlog.computer_name, &winlog.event_id, &winlog.record_id];
    !line.lower.at_timestamp.get().is_empty()
        && of_a_log.iter().any(|field| !field.get().is_empty())
}

/// Whether the record is an event as version 6 writes it.
pub(crate) fn is_event_of_6(line: &Line<'_>) -> bool {
    let lower = &line.lower;
    let of_a_log = !lower.event_id.get().is_empty() && !lower.log_name.get().is_empty();
    !line.lower.at_timestamp.get().is_empty() && of_a_log
}

/// What an event of version 7 or later says.
pub(crate) fn record<'l>(line: &'l Line<'_>) -> Record<'l> {
    let winlog = &line.winlog;
    let values = line.nested.values();
    Record {
        event_id: first(winlog.event_id.get(), winlog.event_code.get()),
        channel: winlog.channel.get(),
        computer: winlog.computer_name.get(),
        record: winlog.record_id.get(),
        values: Values {
            user: first(values.user, winlog.user_name.get()),
            domain: first(values.domain, winlog.user_domain.get()),
            sid: first(values.sid, winlog.user_id.get()),
            logon_id: values.logon_id,
            // A word, which says the same.
            logon_type: first(values.logon_type, winlog.logon_type.get()),
            workstation: first(values.workstation, winlog.source_domain.get()),
            address: first(values.address, winlog.source_ip.get()),
            account: values.account,
            account_domain: values.account_domain,
            // Of events about a session it is that session's.
            account_logon_id: first(values.account_logon_id, winlog.logon_id.get()),
            virtual_account: values.virtual_account,
            first: values.first,
        },
    }
}

/// What an event of version 6 says.
pub(crate) fn record_of_6<'l>(line: &'l Line<'_>) -> Record<'l> {
    let lower = &line.lower;
    Record {
        event_id: lower.event_id.get(),
        channel: lower.log_name.get(),
        computer: lower.computer_name.get(),
        record: lower.record_number.get(),
        values: line.nested.values(),
    }
}

/// The EventData's own value, else the one that the pipeline made of it.
fn first<'l>(own: &'l str, moved: &'l str) -> &'l str {
    match present(own) {
        Some(own) => own,
        None => moved,
    }
}
