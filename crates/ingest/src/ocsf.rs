//! Events of the Open Cybersecurity Schema Framework, of which class 3002, Authentication, tells
//! of logons (telemetry.md §6).

use std::borrow::Cow;

use inventory::account::Account;
use inventory::ids::MachineId;
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source, remote_address};
use inventory::rule::Verdict;
use inventory::time::{TICKS_PER_SECOND, TimeError, Timestamp};

use crate::object::Object;
use crate::product::{Context, Found, bounded, session_of};
use crate::windows::{self, FieldError, present};

/// The class of events of authentication.
const AUTHENTICATION: &str = "3002";
/// Their activity `Logon`.
const LOGON: &str = "1";
/// A user of the type `System`.
const SYSTEM_USER: &str = "3";
/// Windows' number for a type that nobody knows.
const UNKNOWN_TYPE: u32 = 1;

/// Whether a record is an event of the framework, of any class.
pub(crate) fn is_record(record: &Object<'_>) -> bool {
    record.has("class_uid") && record.has_any(&["metadata", "activity_id", "category_uid"])
}

/// Reads an event.
pub(crate) fn read(record: &Object<'_>, context: &Context<'_>) -> Result<Found, FieldError> {
    let is_logon =
        record.text("class_uid") == AUTHENTICATION && record.text("activity_id") == LOGON;
    if !is_logon {
        return Ok(Found::Other);
    }
    match (&*record.text("status_id"), &*record.text("status").to_ascii_lowercase()) {
        ("1", _) | ("", "success") => {}
        ("2", _) | ("", "failure") => return Ok(Found::Failure),
        _ => return Ok(Found::Other),
    }
    let target = Target::of(record);
    if target.is_none() && record.opens("service") {
        // A logon to a service puts nobody on a device.
        return Ok(Found::Other);
    }
    let user = record.object("user");
    let (name, domain, uid) = (user.text("name"), user.text("domain"), user.text("uid"));
    let sid = if uid.starts_with("S-1-") || uid.contains('\\') { uid } else { Cow::Borrowed("") };
    let logon_type = logon_type(record)?;
    let is_system = user.text("type_id") == SYSTEM_USER;
    if is_system || context.rule.judge(&name, &domain, &sid, logon_type) == Verdict::Noise {
        return Ok(Found::Logon(None));
    }
    let Some(account) = Account::from_log(&name, &domain, &sid) else {
        return Ok(Found::Logon(None));
    };
    let machine = match (target, context.device) {
        (Some(target), _) => MachineRef { id: target.id, ..MachineRef::named(&*target.name) },
        (None, Some(device)) => MachineRef::named(device),
        (None, None) => return Err(FieldError::Computer),
    };
    let remote_name = record.text_at("src_endpoint.hostname");
    bounded(&[
        ("the endpoint's name", &machine.name),
        ("user.name", &name),
        ("user.domain", &domain),
        ("user.uid", &sid),
        ("src_endpoint.hostname", &remote_name),
    ])?;
    Ok(Found::Logon(Some(Logon {
        account,
        machine,
        time: time(record)?,
        logon_type,
        remote_address: remote_address(&record.text_at("src_endpoint.ip")),
        remote_name: present(&remote_name).map(str::to_owned),
        source: Source::Ocsf,
        key: key(record),
    })))
}

/// The device that was logged on to.
struct Target<'a> {
    name: Cow<'a, str>,
    /// Where its id is one of Defender's.
    id: Option<MachineId>,
}

impl<'a> Target<'a> {
    /// The endpoint to which it was, else the device that tells of it.
    fn of(record: &Object<'a>) -> Option<Self> {
        ["dst_endpoint", "device"].iter().find_map(|key| {
            let endpoint = record.object(key);
            let id = MachineId::parse(&endpoint.text("uid"));
            let names = ["hostname", "name", "ip"].map(|key| endpoint.text(key));
            let name = names.into_iter().find(|name| present(name).is_some());
            let name = name.or_else(|| id.map(|id| Cow::Owned(id.to_string())))?;
            Some(Self { name, id })
        })
    }
}

/// Windows' numbers but for two of them; without one, whether it came over the network.
fn logon_type(record: &Object<'_>) -> Result<LogonType, FieldError> {
    let number = match record.text("logon_type_id").parse::<u32>() {
        // `System`, which is 0 in Windows.
        Ok(1) => Some(0),
        // `Unknown` and `Other`.
        Ok(0 | 99) | Err(_) => None,
        Ok(number) => Some(number),
    };
    let word = record.text("logon_type").replace(' ', "");
    let known = number.and_then(LogonType::new).or_else(|| LogonType::parse(&word));
    let fallback = match &*record.text("is_remote") {
        "true" => "RemoteInteractive",
        "false" => "Interactive",
        _ => "",
    };
    known
        .or_else(|| LogonType::parse(fallback))
        .or_else(|| LogonType::new(UNKNOWN_TYPE))
        .ok_or(FieldError::Missing("logon_type_id"))
}

/// In milliseconds, and as text beside it where the writer likes.
fn time(record: &Object<'_>) -> Result<Timestamp, FieldError> {
    let text = record.text("time");
    let Ok(millis) = text.parse::<i64>() else {
        let text = if text.is_empty() { record.text("time_dt") } else { text };
        if text.is_empty() {
            return Err(FieldError::Missing("time"));
        }
        return windows::utc("time", &text);
    };
    let ticks = millis.rem_euclid(1000) * (TICKS_PER_SECOND / 1000);
    Timestamp::from_seconds(millis.div_euclid(1000), ticks)
        .ok_or(FieldError::Time { field: "time", error: TimeError::Range })
}

/// The event's own id, else what tells one logon from another.
fn key(record: &Object<'_>) -> EventKey {
    let id = record.text_at("metadata.uid");
    let session = if id.is_empty() {
        let paths =
            ["time", "session.uid", "src_endpoint.ip", "src_endpoint.port", "logon_type_id"];
        let texts = paths.map(|path| record.text_at(path));
        let mut parts = vec!["ocsf"];
        parts.extend(texts.iter().map(Cow::as_ref));
        session_of(&parts)
    } else {
        session_of(&["ocsf:id", &id])
    };
    EventKey { session, record: None }
}
