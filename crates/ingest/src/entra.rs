//! Entra's sign-ins and Intune's devices, from Microsoft Graph or diagnostic settings
//! (telemetry.md §5.2).
//!
//! Most sign-ins are to services. One is a logon to a device when Windows asked for it and Entra
//! knows the device; everything else is passed over.

use std::borrow::Cow;
use std::sync::LazyLock;

use inventory::account::Account;
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source};
use inventory::machine::{MachineFacts, MachineReport, ManagedBy};
use inventory::person::entra_sid;
use inventory::rule::Verdict;
use inventory::time::{Stamp, Timestamp};
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::object::{Object, elements};
use crate::product::{Context, Found, Tell, bounded, session_of};
use crate::windows::{FieldError, present};
use crate::words::Words;

/// The application as which Windows signs a person in at its own screen.
const WINDOWS: &str = "Windows Sign In";
/// The domain that Windows writes for accounts of Entra.
const DOMAIN: &str = "AzureAD";
/// Windows' number for a logon at the machine.
const INTERACTIVE: u32 = 2;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    SignIn,
    /// A device as Graph describes it.
    ManagedDevice,
    /// A device as Intune's diagnostic settings describe it.
    DeviceLog,
    Other,
}

/// Whether it is a record of Entra or Intune.
pub(crate) fn is_record(record: &Object<'_>) -> bool {
    kind(record).is_some()
}

/// Whether a line with a sign-in is that alone, and Windows did not ask for it, which is seen without
/// taking it apart: nearly all are.
pub(crate) fn is_other_sign_in(line: &[u8]) -> bool {
    // A line of several records is taken apart.
    const WORDS: [&str; 3] = [WINDOWS, "\"records\"", "\"value\""];
    static SEARCHER: LazyLock<Words> = LazyLock::new(|| Words::new(&WORDS));
    !SEARCHER.any(line, |_| true)
}

/// Reads a record.
pub(crate) fn read(record: &Object<'_>, context: &Context<'_>, tell: &mut Tell<'_>) {
    let properties = record.object("properties");
    let is_exported = record.has("properties");
    let inner = if is_exported { &properties } else { record };
    match kind(record) {
        Some(Kind::SignIn) => tell(sign_in(inner, context)),
        Some(Kind::ManagedDevice) => {
            tell(managed_device(inner));
            users_logged_on(inner, context, tell);
        }
        Some(Kind::DeviceLog) => tell(device_log(inner)),
        Some(Kind::Other) | None => tell(Ok(Found::Other)),
    }
}

fn kind(record: &Object<'_>) -> Option<Kind> {
    if record.has_all(&["category", "properties"]) {
        return match &*record.text("category") {
            "SignInLogs" => Some(Kind::SignIn),
            "Devices" => Some(Kind::DeviceLog),
            // Sign-ins of services and by tokens put nobody at a device.
            "AuditLogs" | "IntuneAuditLogs" | "OperationalLogs" | "DeviceComplianceOrg" => {
                Some(Kind::Other)
            }
            category if category.ends_with("SignInLogs") => Some(Kind::Other),
            _ => None,
        };
    }
    if record.has_all(&["createdDateTime", "deviceDetail"]) {
        return Some(Kind::SignIn);
    }
    let is_managed = record.has_all(&["deviceName", "lastSyncDateTime"]);
    is_managed.then_some(Kind::ManagedDevice)
}

fn sign_in(row: &Object<'_>, context: &Context<'_>) -> Result<Found, FieldError> {
    let device = row.object("deviceDetail");
    let device_id = uuid(&device.text("deviceId"));
    let is_logon = row.text("appDisplayName") == WINDOWS && row.text("isInteractive") != "false";
    let Some(device_id) = device_id.filter(|_| is_logon) else {
        return Ok(Found::Other);
    };
    match &*row.object("status").text("errorCode") {
        "0" => {}
        // Without a code it is not known how it ended.
        "" => return Ok(Found::Other),
        _ => return Ok(Found::Failure),
    }
    let name = match row.text("userPrincipalName") {
        name if name.is_empty() => return Ok(Found::Logon(None)),
        name => name,
    };
    let display_name = device.text("displayName");
    let device_id_text = device_id.to_string();
    let machine = MachineRef {
        name: bounded_name(present(&display_name).unwrap_or(&device_id_text))?,
        aad_device_id: Some(device_id),
        ..MachineRef::default()
    };
    let time = time(row, "createdDateTime")?;
    let id = row.text("id");
    let session = match &*id {
        // Of a query that left it out.
        "" => session_of(&["entra:sign-in", &device_id_text, &row.text("createdDateTime")]),
        id => session_of(&["entra:sign-in", id]),
    };
    logon(context, &name, &row.text("userId"), machine, time, session)
}

/// A logon of the account with this principal name and object id.
fn logon(
    context: &Context<'_>,
    principal: &str,
    object_id: &str,
    machine: MachineRef,
    time: Timestamp,
    session: u64,
) -> Result<Found, FieldError> {
    let object_id = uuid(object_id);
    let sid = object_id.map(entra_sid).unwrap_or_default();
    let interactive = LogonType::new(INTERACTIVE).ok_or(FieldError::Missing("the logon type"))?;
    bounded(&[("userPrincipalName", principal)])?;
    if context.rule.judge(principal, DOMAIN, &sid, interactive) == Verdict::Noise {
        return Ok(Found::Logon(None));
    }
    let account = Account::from_log(principal, DOMAIN, &sid);
    Ok(Found::Logon(account.map(|account| Logon {
        account: Account { object_id, ..account },
        machine,
        time,
        logon_type: interactive,
        // The address is the device's own, as seen from outside.
        remote_address: None,
        remote_name: None,
        source: Source::Entra,
        key: EventKey { session, record: None },
    })))
}

/// A device of Graph's `managedDevices`.
fn managed_device(row: &Object<'_>) -> Result<Found, FieldError> {
    let machine = managed_machine(row)?;
    let (platform, version) = (row.text("operatingSystem"), row.text("osVersion"));
    let join = row.text("joinType").to_ascii_lowercase();
    let is_aad_joined = match join.as_str() {
        "azureadjoined" | "hybridazureadjoined" => Some(true),
        "azureadregistered" => Some(false),
        _ => None,
    };
    let facts = MachineFacts {
        is_aad_joined,
        aad_device_id: machine.aad_device_id,
        ..system_facts(&platform, &version)?
    };
    Ok(Found::Report(MachineReport { machine, time: time(row, "lastSyncDateTime")?, facts }))
}

fn managed_machine(row: &Object<'_>) -> Result<MachineRef, FieldError> {
    let name = row.text("deviceName");
    Ok(MachineRef {
        name: bounded_name(present(&name).ok_or(FieldError::Missing("deviceName"))?)?,
        aad_device_id: uuid(&row.text("azureADDeviceId")),
        ..MachineRef::default()
    })
}

/// Who logged on is told by object id alone, so only the device's own user has a name.
fn users_logged_on(row: &Object<'_>, context: &Context<'_>, tell: &mut Tell<'_>) {
    let (owner, principal) = (row.text("userId"), row.text("userPrincipalName"));
    let Some(list) = row.nested("usersLoggedOn").filter(|list| list.starts_with('[')) else {
        return;
    };
    if uuid(&owner).is_none() || principal.is_empty() {
        return;
    }
    // The list is part of what was parsed as a whole: it is valid.
    let _ = elements(list, &mut |element| {
        let entry = Object::parse(element).unwrap_or_default();
        if entry.text("userId").eq_ignore_ascii_case(&owner) {
            tell(managed_machine(row).and_then(|machine| {
                let time = time(&entry, "lastLogOnDateTime")?;
                let session = session_of(&["intune:user", &owner.to_ascii_lowercase()]);
                logon(context, &principal, &owner, machine, time, session)
            }));
        }
        true
    });
}

/// A device of Intune's log `Devices`.
fn device_log(row: &Object<'_>) -> Result<Found, FieldError> {
    let name = row.text("DeviceName");
    let Some(name) = present(&name) else {
        return Ok(Found::Other);
    };
    let machine = MachineRef::named(bounded_name(name)?);
    let facts = system_facts(&row.text("OS"), &row.text("OSVersion"))?;
    // A device that never reported has a date before there were any, or none.
    match time(row, "LastContact") {
        Ok(time) => Ok(Found::Report(MachineReport { machine, time, facts })),
        Err(FieldError::Missing(_)) => Ok(Found::Other),
        Err(error) => Err(error),
    }
}

fn system_facts(platform: &str, version: &str) -> Result<MachineFacts, FieldError> {
    bounded(&[("operatingSystem", platform), ("osVersion", version)])?;
    let is_windows = platform.eq_ignore_ascii_case("Windows");
    let build = version.split('.').nth(2).filter(|_| is_windows);
    let os_build: Option<i64> = build.and_then(|build| build.trim().parse().ok());
    Ok(MachineFacts {
        os_platform: crate::platform::platform(platform, os_build),
        version: present(version).map(str::to_owned),
        os_build,
        managed_by: Some(ManagedBy::Intune),
        ..MachineFacts::default()
    })
}

fn bounded_name(name: &str) -> Result<String, FieldError> {
    bounded(&[("the machine's name", name)])?;
    Ok(name.to_owned())
}

fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|id| !id.is_nil())
}

/// A stamp without a zone is in UTC, as all of the service's are.
fn time(row: &Object<'_>, field: &'static str) -> Result<Timestamp, FieldError> {
    let text: Cow<'_, str> = row.text(field);
    if text.is_empty() {
        return Err(FieldError::Missing(field));
    }
    let stamp = Stamp::parse(&text).and_then(|stamp| stamp.in_zone(&TimeZone::UTC));
    stamp.map_err(|error| FieldError::Time { field, error })
}
