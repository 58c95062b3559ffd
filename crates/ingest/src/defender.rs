//! Microsoft Defender's tables, as streaming and advanced hunting export them (telemetry.md §5.1),
//! and saved answers of its API.
//!
//! All exports of tables have the same columns: streamed ones in `properties` beside the table's name, rows
//! of hunting results bare, so that their table is known by its columns.

mod api;
mod device;

use std::borrow::Cow;
use std::sync::LazyLock;

use inventory::account::Account;
use inventory::identity::{Identifier, IdentifierKind};
use inventory::ids::MachineId;
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source, remote_address};
use inventory::person::IdentityReport;
use inventory::rule::Verdict;
use inventory::time::{Stamp, Timestamp};
use jiff::tz::TimeZone;
use memchr::memmem;
use uuid::Uuid;

pub(crate) use device::{joined, mac, tells_place};

use crate::object::Object;
use crate::product::{Context, Found, Tell, bounded, session_of};
use crate::windows::{FieldError, present};

/// What a streamed record's category begins with.
const CATEGORY: &str = "AdvancedHunting-";
/// A type that Windows gives to nothing: the vendor's word is `Unknown`.
const UNKNOWN_TYPE: u32 = 1;

/// The tables that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Logons,
    /// Of identities: most are logons to services, which name no device.
    IdentityLogons,
    Info,
    Network,
    Other,
}

/// Whether it is a streamed record, a row of a hunting result or an answer of the API.
pub(crate) fn is_record(record: &Object<'_>) -> bool {
    is_streamed(record)
        || record.has("Timestamp")
            && record.has_any(&["DeviceId", "DeviceName", "ActionType", "AlertId"])
        || api::kind(record).is_some()
}

/// Whether it is an answer of an API that may have no rows.
pub(crate) fn is_answer(answer: &Object<'_>) -> bool {
    api::is_answer(answer)
        || answer.has_all(&["Schema", "Results"])
        || answer.has_all(&["schema", "results"])
}

/// Whether a table with these columns is a hunting result.
pub(crate) fn is_table(columns: &[&str]) -> bool {
    let has = |name: &str| columns.contains(&name);
    has("Timestamp") && (has("DeviceId") || has("DeviceName") || has("ActionType"))
}

fn is_streamed(record: &Object<'_>) -> bool {
    record.has("properties") && record.text("category").starts_with(CATEGORY)
}

/// Whether a line is a streamed record, or several, of tables that are not read, which is seen without
/// taking it apart: most of a stream is.
pub(crate) fn is_of_other_table(line: &[u8]) -> bool {
    static FINDER: LazyLock<memmem::Finder<'static>> =
        LazyLock::new(|| memmem::Finder::new(CATEGORY));
    let found = FINDER.find_iter(line).filter(|at| {
        let before = line[..*at].strip_suffix(b"\"").map(<[u8]>::trim_ascii_end);
        let key = before.and_then(|before| before.strip_suffix(b":")).map(<[u8]>::trim_ascii_end);
        key.is_some_and(|key| key.ends_with(b"\"category\""))
    });
    let mut others = found.map(|at| {
        let name = &line[at + CATEGORY.len()..];
        let name = name.split(|byte| *byte == b'"').next().unwrap_or_default();
        std::str::from_utf8(name).is_ok_and(|name| Table::named(name) == Table::Other)
    });
    others.next().is_some_and(|first| first && others.all(|other| other))
}

/// Reads a record.
pub(crate) fn read(record: &Object<'_>, context: &Context<'_>, tell: &mut Tell<'_>) {
    if let Some(kind) = api::kind(record) {
        return api::read(kind, record, context, tell);
    }
    if !is_streamed(record) {
        return tell_row(Table::of_columns(record), record, context, tell);
    }
    let category = record.text("category");
    let table = Table::named(category.strip_prefix(CATEGORY).unwrap_or_default());
    if table == Table::Other {
        return tell(Ok(Found::Other));
    }
    tell_row(table, &record.object("properties"), context, tell);
}

fn tell_row(table: Table, row: &Object<'_>, context: &Context<'_>, tell: &mut Tell<'_>) {
    let told = if table == Table::IdentityLogons { identity(row) } else { Ok(None) };
    match told {
        Ok(Some((identity, time))) => tell(Ok(Found::Identity(identity, time))),
        Ok(None) => {}
        // What cannot be read is told once.
        Err(error) => return tell(Err(error)),
    }
    tell(read_row(table, row, context));
}

/// Which identifiers are the account's that signed in, to a device or a service
/// (defender-api.md §9.5). One that failed proves nothing of whom it names.
fn identity(row: &Object<'_>) -> Result<Option<(IdentityReport, Timestamp)>, FieldError> {
    if row.text("ActionType") != "LogonSuccess" {
        return Ok(None);
    }
    let columns = ["AccountName", "AccountDomain", "AccountSid", "AccountUpn"];
    let [name, domain, sid, upn] = columns.map(|column| (column, row.text(column)));
    bounded(&[(name.0, &name.1), (domain.0, &domain.1), (sid.0, &sid.1), (upn.0, &upn.1)])?;
    let some = |text: &str| present(text).map(inventory::fold);
    let object_id = Uuid::try_parse(&row.text("AccountObjectId")).ok();
    let identity = IdentityReport {
        name: some(&name.1),
        domain: some(&domain.1),
        sid: present(&sid.1).map(str::to_ascii_uppercase),
        upn: some(&upn.1),
        object_id: object_id.filter(|id| !id.is_nil()),
        mail: None,
    };
    if !identity.joins() {
        return Ok(None);
    }
    Ok(Some((identity, time(row)?)))
}

fn read_row(table: Table, row: &Object<'_>, context: &Context<'_>) -> Result<Found, FieldError> {
    match table {
        Table::Logons | Table::IdentityLogons => logon(table, row, context),
        Table::Info => device::info(row, context),
        Table::Network => device::network(row, context),
        Table::Other => Ok(Found::Other),
    }
}

impl Table {
    fn named(name: &str) -> Self {
        match name {
            "DeviceLogonEvents" => Table::Logons,
            "IdentityLogonEvents" => Table::IdentityLogons,
            "DeviceInfo" => Table::Info,
            "DeviceNetworkInfo" => Table::Network,
            _ => Table::Other,
        }
    }

    /// A query may have left columns out: what is left must still tell.
    fn of_columns(row: &Object<'_>) -> Self {
        if row.has_all(&["ActionType", "LogonType"]) {
            let of_identities = ["Application", "AccountObjectId", "DestinationDeviceName"];
            if !row.has("DeviceId") && row.has_any(&of_identities) {
                return Table::IdentityLogons;
            }
            return Table::Logons;
        }
        // Tables of events name processes and accounts beside what the machine's own ones have.
        if row.has_any(&["ActionType", "AlertId", "AccountName", "InitiatingProcessFileName"]) {
            return Table::Other;
        }
        if row.has_any(&["IPAddresses", "MacAddress", "NetworkAdapterName"]) {
            return Table::Network;
        }
        if row.has_any(&device::INFO_COLUMNS) {
            return Table::Info;
        }
        Table::Other
    }
}

/// A row of a table of logons: only those that happened count.
fn logon(table: Table, row: &Object<'_>, context: &Context<'_>) -> Result<Found, FieldError> {
    if !row.has_any(&["DeviceId", "DeviceName"]) {
        return Ok(Found::Other);
    }
    let word = row.text("LogonType");
    let logon_type = match (logon_type(&word), table) {
        (Some(logon_type), _) => logon_type,
        // A credential that was checked, or a service that was used.
        (None, Table::IdentityLogons) => return Ok(Found::Other),
        (None, _) => LogonType::new(UNKNOWN_TYPE).ok_or(FieldError::Missing("LogonType"))?,
    };
    if table == Table::IdentityLogons && present(&row.text("DeviceName")).is_none() {
        return Ok(Found::Other);
    }
    match &*row.text("ActionType") {
        "LogonSuccess" => {}
        "LogonFailed" => return Ok(Found::Failure),
        _ => return Ok(Found::Other),
    }
    let (user, sid) = (row.text("AccountName"), row.text("AccountSid"));
    let (domain, upn) = (row.text("AccountDomain"), row.text("AccountUpn"));
    if context.rule.judge(&user, &domain, &sid, logon_type) == Verdict::Noise {
        return Ok(Found::Logon(None));
    }
    let remote_name = row.text("RemoteDeviceName");
    bounded(&[
        ("AccountName", &user),
        ("AccountDomain", &domain),
        ("AccountSid", &sid),
        ("AccountUpn", &upn),
        ("RemoteDeviceName", &remote_name),
    ])?;
    let Some(mut account) = Account::from_log(&user, &domain, &sid) else {
        return Ok(Found::Logon(None));
    };
    account.upn = account.upn.or_else(|| present(&upn).map(str::to_lowercase));
    account.object_id = Uuid::try_parse(&row.text("AccountObjectId")).ok();
    Ok(Found::Logon(Some(Logon {
        account,
        machine: machine(row, context)?,
        time: time(row)?,
        logon_type,
        remote_address: remote_address(&row.text("RemoteIP")),
        remote_name: present(&remote_name).map(str::to_owned),
        source: Source::Defender,
        key: key(row),
    })))
}

/// The vendor's words; macOS says `Local` for a logon at the console.
fn logon_type(word: &str) -> Option<LogonType> {
    match word {
        "Local" => LogonType::parse("Interactive"),
        word => LogonType::parse(word),
    }
}

/// The machine by its id and name. One that is known by its id alone is called by it.
fn machine(row: &Object<'_>, context: &Context<'_>) -> Result<MachineRef, FieldError> {
    let (id, name) = (row.text("DeviceId"), row.text("DeviceName"));
    let id = MachineId::parse(&id);
    let name = match (present(&name).or(context.device), id) {
        (Some(name), _) => name.to_owned(),
        (None, Some(id)) => id.to_string(),
        (None, None) => return Err(FieldError::Computer),
    };
    bounded(&[("DeviceName", &name)])?;
    let aad_device_id = Uuid::try_parse(&row.text("AadDeviceId")).ok();
    let aad_device_id = aad_device_id.filter(|id| !id.is_nil());
    let hardware = Identifier::parse(IdentifierKind::HardwareUuid, &row.text("HardwareUuid"));
    let machine = MachineRef { name, id, aad_device_id, ..MachineRef::default() };
    Ok(machine.identified(hardware))
}

/// When it happened; the envelope's time is that of a delivery. A stamp without a zone is in UTC,
/// as all of the product's are.
fn time(row: &Object<'_>) -> Result<Timestamp, FieldError> {
    stamp(&row.text("Timestamp"), "Timestamp")
}

fn stamp(text: &str, field: &'static str) -> Result<Timestamp, FieldError> {
    if text.is_empty() {
        return Err(FieldError::Missing(field));
    }
    let error = |error| FieldError::Time { field, error };
    Stamp::parse(text).and_then(|stamp| stamp.in_zone(&TimeZone::UTC)).map_err(error)
}

/// Records are delivered more than once: machine, time and ReportId tell them apart. ReportId
/// starts again in time, so that the second, which the key has beside it, is needed.
fn key(row: &Object<'_>) -> EventKey {
    let report = row.text("ReportId");
    let session = match report.parse() {
        Ok(number) => number,
        Err(_) if !report.is_empty() => session_of(&["defender:report", &report]),
        // A query that left it out.
        Err(_) => {
            let columns = ["Timestamp", "LogonId", "LogonType", "RemoteIP", "RemoteDeviceName"];
            let values = columns.map(|column| row.text(column));
            let mut parts = vec!["defender:row"];
            parts.extend(values.iter().map(Cow::as_ref));
            session_of(&parts)
        }
    };
    EventKey { session, record: None }
}
