//! Saved answers of Defender's own API: machines, and the users that logged on to one
//! (defender-api.md §2, §3; telemetry.md §1).
//!
//! `logonusers` tells of a user's first and last logon and of the ways of all of them, not of any
//! single one. So each way is taken to have been there at both times: first and last seen are
//! right, how often is not known.

use std::borrow::Cow;
use std::net::IpAddr;

use inventory::account::Account;
use inventory::ids::MachineId;
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source, remote_address};
use inventory::machine::{
    AdapterType, ExposureLevel, MachineFacts, MachineIpAddress, MachineReport, ManagedBy,
    ManagedByStatus, OnboardingStatus, OperationalStatus, RiskScore, VmMetadata,
};
use inventory::rule::Verdict;
use inventory::time::Timestamp;
use uuid::Uuid;

use super::{UNKNOWN_TYPE, joined, mac, stamp, tells_place};
use crate::object::{Object, elements};
use crate::platform::platform;
use crate::product::{Context, Found, Tell, bounded, session_of};
use crate::windows::{FieldError, present};

/// More addresses than a machine has, and more tags.
const MAX_ITEMS: usize = 1024;
/// What a user of `logonusers` lacks when nothing tells whose users they are.
const MACHINE: &str = "the machine (its id in the file's name, or --device)";

/// What a record of the API is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Machine,
    /// The answer of `logonusers`, whose link may tell the machine.
    Users,
    User,
}

/// What a record is, if it is of the API at all.
pub(super) fn kind(record: &Object<'_>) -> Option<Kind> {
    // Others of the API's entities name a machine, and none of them says when it was seen.
    if record.has_all(&["id", "computerDnsName", "lastSeen"]) {
        return Some(Kind::Machine);
    }
    let of_user = ["logonTypes", "isOnlyNetworkUser", "isDomainAdmin"];
    if record.has_all(&["accountName", "lastSeen"]) && record.has_any(&of_user) {
        return Some(Kind::User);
    }
    let is_users = set_of(record) == "Users" && record.nested("value").is_some();
    is_users.then_some(Kind::Users)
}

/// Whether it is an answer with machines, which may be none.
pub(super) fn is_answer(answer: &Object<'_>) -> bool {
    set_of(answer) == "Machines" && answer.nested("value").is_some()
}

/// The set that an answer is of: `...$metadata#Machines/$entity` has `Machines`.
fn set_of<'a>(answer: &Object<'a>) -> Cow<'a, str> {
    match answer.text("@odata.context") {
        Cow::Borrowed(text) => Cow::Borrowed(set_name(text)),
        Cow::Owned(text) => Cow::Owned(set_name(&text).to_owned()),
    }
}

fn set_name(context: &str) -> &str {
    let behind = context.split_once('#').map_or("", |(_, behind)| behind);
    behind.split(['/', '(']).next().unwrap_or_default()
}

pub(super) fn read(kind: Kind, record: &Object<'_>, context: &Context<'_>, tell: &mut Tell<'_>) {
    match kind {
        Kind::Machine => read_machine(record, context, tell),
        Kind::User => read_user(record, named_machine(record, context), context, tell),
        Kind::Users => {
            let machine = linked_machine(record).or_else(|| named_machine(record, context));
            // The list is part of what was parsed as a whole: it is valid.
            let _ = elements(record.nested("value").unwrap_or_default(), &mut |user| {
                let user = Object::parse(user).unwrap_or_default();
                read_user(&user, machine.clone(), context, tell);
                true
            });
        }
    }
}

/// A machine: a report of when it was seen last, and the moment when it was seen first.
fn read_machine(row: &Object<'_>, context: &Context<'_>, tell: &mut Tell<'_>) {
    let machine = match machine(row) {
        Ok(machine) => machine,
        Err(error) => return tell(Err(error)),
    };
    let report = facts(row).and_then(|facts| {
        let time = time(row, "lastSeen")?;
        Ok(MachineReport { machine: machine.clone(), time, facts })
    });
    let is_told = report.is_ok();
    tell(report.map(Found::Report));
    // The vendor's own minimum, 0001-01-01, says that it does not know (defender-api.md §2.2).
    if let (Ok(first), true) = (time(row, "firstSeen"), is_told)
        && first.seconds() > Timestamp::MIN.seconds() + YEAR_S
    {
        let facts = MachineFacts::default();
        tell(Ok(Found::Sighting(MachineReport { machine: machine.clone(), time: first, facts })));
    }
    // `$expand=logOnUsers`, which this server and the vendor's newer model have.
    if let Some(users) = row.nested("logOnUsers") {
        let _ = elements(users, &mut |user| {
            let user = Object::parse(user).unwrap_or_default();
            read_user(&user, Some(machine.clone()), context, tell);
            true
        });
    }
}

/// Seconds of a year.
const YEAR_S: i64 = 366 * 86_400;

fn machine(row: &Object<'_>) -> Result<MachineRef, FieldError> {
    let (id, name) = (row.text("id"), row.text("computerDnsName"));
    let Some(id) = MachineId::parse(&id) else {
        return Err(FieldError::Missing("id, of 40 hex digits,"));
    };
    bounded(&[("computerDnsName", &name)])?;
    // Machines without a name have been seen (defender-api.md §2.1, row 6).
    let name = present(&name).map_or_else(|| id.to_string(), str::to_owned);
    let aad_device_id = uuid(&row.text("aadDeviceId"));
    Ok(MachineRef { id: Some(id), aad_device_id, ..MachineRef::named(name) })
}

fn facts(row: &Object<'_>) -> Result<MachineFacts, FieldError> {
    let text = |field: &'static str| -> Result<Option<String>, FieldError> {
        let text = row.text(field);
        bounded(&[(field, &text)])?;
        Ok(present(&text).map(str::to_owned))
    };
    let os_build = row.text("osBuild").parse().ok();
    let vm = row.object("vmMetadata");
    let member = |key: &str| present(&vm.text(key)).map(str::to_owned);
    let vm = VmMetadata {
        vm_id: member("vmId"),
        resource_id: member("resourceId"),
        subscription_id: member("subscriptionId"),
    };
    let has_vm = vm.vm_id.is_some() || vm.resource_id.is_some();
    Ok(MachineFacts {
        os_platform: text("osPlatform")?.and_then(|name| platform(&name, os_build)),
        os_processor: text("osProcessor")?,
        version: text("version")?,
        last_ip_address: remote_address(&row.text("lastIpAddress")),
        last_external_ip_address: remote_address(&row.text("lastExternalIpAddress")),
        agent_version: text("agentVersion")?,
        os_build,
        os_architecture: text("osArchitecture")?,
        is_aad_joined: joined(&row.text("isAadJoined")),
        aad_device_id: uuid(&row.text("aadDeviceId")),
        risk_score: RiskScore::parse(&row.text("riskScore")),
        exposure_level: ExposureLevel::parse(&row.text("exposureLevel")),
        onboarding_status: OnboardingStatus::parse(&row.text("onboardingStatus")),
        // `Unknown` is what the vendor answers where it does not know.
        managed_by: ManagedBy::parse(&row.text("managedBy"))
            .filter(|known| *known != ManagedBy::Unknown),
        managed_by_status: ManagedByStatus::parse(&row.text("managedByStatus"))
            .filter(|known| *known != ManagedByStatus::Unknown),
        ip_addresses: addresses(row),
        vm_metadata: has_vm.then_some(vm),
        tags: tags(row),
    })
}

/// Of every adapter; those that all machines have say nothing.
fn addresses(row: &Object<'_>) -> Vec<MachineIpAddress> {
    let mut addresses = Vec::new();
    let _ = elements(row.nested("ipAddresses").unwrap_or("[]"), &mut |element| {
        let entry = Object::parse(element).unwrap_or_default();
        let address: Option<IpAddr> = remote_address(&entry.text("ipAddress"));
        if let Some(ip_address) = address.filter(|address| tells_place(*address)) {
            addresses.push(MachineIpAddress {
                ip_address,
                mac_address: mac(&entry.text("macAddress")),
                adapter_type: AdapterType::parse(&entry.text("type"))
                    .unwrap_or(AdapterType::Unknown),
                operational_status: OperationalStatus::parse(&entry.text("operationalStatus"))
                    .unwrap_or(OperationalStatus::Unknown),
            });
        }
        addresses.len() < MAX_ITEMS
    });
    addresses
}

fn tags(row: &Object<'_>) -> Vec<String> {
    let mut tags = Vec::new();
    let _ = elements(row.nested("machineTags").unwrap_or("[]"), &mut |element| {
        if let Ok(tag) = serde_json::from_str::<Cow<'_, str>>(element)
            && let Some(tag) = present(&tag)
        {
            tags.push(tag.to_owned());
        }
        tags.len() < MAX_ITEMS
    });
    tags
}

/// The machine whose users an answer has, by the link to its next page.
fn linked_machine(answer: &Object<'_>) -> Option<MachineRef> {
    ["@odata.nextLink", "@odata.id", "@odata.context"].iter().find_map(|key| {
        let link = answer.text(key);
        id_in(&link).map(known_by_id)
    })
}

/// The machine that a person named: beside the user, in the file's name, or by `--device`.
fn named_machine(record: &Object<'_>, context: &Context<'_>) -> Option<MachineRef> {
    let beside =
        ["machineId", "deviceId"].iter().find_map(|key| MachineId::parse(&record.text(key)));
    let by_id = beside.or_else(|| id_in(context.file));
    by_id
        .or_else(|| context.device.and_then(MachineId::parse))
        .map(known_by_id)
        .or_else(|| context.device.map(MachineRef::named))
}

fn known_by_id(id: MachineId) -> MachineRef {
    MachineRef { id: Some(id), ..MachineRef::named(id.to_string()) }
}

/// The 40 hex digits of a machine's id in a link or a path; of several the last.
fn id_in(text: &str) -> Option<MachineId> {
    text.rsplit(|char: char| !char.is_ascii_alphanumeric()).find_map(MachineId::parse)
}

fn read_user(
    user: &Object<'_>,
    machine: Option<MachineRef>,
    context: &Context<'_>,
    tell: &mut Tell<'_>,
) {
    match logons(user, machine, context) {
        Ok(logons) => {
            let mut logons = logons.into_iter();
            tell(Ok(Found::Logon(logons.next())));
            logons.for_each(|logon| tell(Ok(Found::Another(logon))));
        }
        Err(error) => tell(Err(error)),
    }
}

/// A user's logons; none when they are noise.
fn logons(
    user: &Object<'_>,
    machine: Option<MachineRef>,
    context: &Context<'_>,
) -> Result<Vec<Logon>, FieldError> {
    let (name, domain) = (user.text("accountName"), user.text("accountDomain"));
    let sid = user.text("accountSid");
    bounded(&[("accountName", &name), ("accountDomain", &domain), ("accountSid", &sid)])?;
    let types = logon_types(user)?;
    let judged = |logon_type: &LogonType| {
        context.rule.judge(&name, &domain, &sid, *logon_type) != Verdict::Noise
    };
    let types: Vec<LogonType> = types.into_iter().filter(judged).collect();
    let Some(account) = Account::from_log(&name, &domain, &sid) else {
        return Ok(Vec::new());
    };
    if types.is_empty() {
        return Ok(Vec::new());
    }
    let machine = machine.ok_or(FieldError::Missing(MACHINE))?;
    bounded(&[("the machine's name", &machine.name)])?;
    let last = time(user, "lastSeen")?;
    let mut times = vec![last];
    times.extend(time(user, "firstSeen").ok().filter(|first| *first != last));
    let moments = times.iter().flat_map(|time| types.iter().map(move |kind| (*time, *kind)));
    let logon = |(time, logon_type): (Timestamp, LogonType)| Logon {
        account: account.clone(),
        machine: machine.clone(),
        time,
        logon_type,
        remote_address: None,
        remote_name: None,
        source: Source::Defender,
        // One of each way in a second, whichever answer tells of it.
        key: EventKey {
            session: session_of(&["defender:logonuser", &logon_type.number().to_string()]),
            record: None,
        },
    };
    Ok(moments.map(logon).collect())
}

/// One text, words with commas between them; nothing of a user without any is known but whether
/// the network was all (telemetry.md §1).
fn logon_types(user: &Object<'_>) -> Result<Vec<LogonType>, FieldError> {
    let text = user.text("logonTypes");
    let mut types = Vec::new();
    for word in text.split(',').filter_map(present) {
        let unknown = LogonType::new(UNKNOWN_TYPE);
        let kind = super::logon_type(word).or(unknown).ok_or(FieldError::Missing("logonTypes"))?;
        if !types.contains(&kind) {
            types.push(kind);
        }
    }
    if types.is_empty() {
        let only_network = user.text("isOnlyNetworkUser") == "true";
        let kind =
            if only_network { LogonType::parse("Network") } else { LogonType::new(UNKNOWN_TYPE) };
        types.extend(kind);
    }
    Ok(types)
}

fn time(row: &Object<'_>, field: &'static str) -> Result<Timestamp, FieldError> {
    stamp(&row.text(field), field)
}

fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|id| !id.is_nil())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_in_links_and_paths() {
        let id = "3f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90";
        for text in [
            format!("https://api.security.microsoft.com/api/machines/{id}/logonusers?$skip=10"),
            format!("https://x/api/Machines('{id}')/logOnUsers"),
            format!("cases/answers.zip/logonusers_{id}.json"),
        ] {
            assert_eq!(id_in(&text).unwrap().to_string(), id);
        }
        assert_eq!(id_in("https://x/api/$metadata#Users"), None);
        assert_eq!(id_in(&format!("0{id}")), None);
    }
}
