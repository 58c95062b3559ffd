//! Footfall's own format, for what no other reader knows: logons, machines and accounts as lines
//! of JSON or rows of CSV (docs/sources/own.md, docs/sources/own.schema.json).
//!
//! A record says what it is in its member `footfall`. The one idea is to be strict: what is not
//! known is refused by name, so that a slip of the pen loses no data unseen.

mod cells;
mod members;
mod record;

use inventory::account::Account;
use inventory::fold;
use inventory::logon::{EventKey, Logon, MachineRef, Source};
use inventory::machine::{
    AdapterType, MachineFacts, MachineIpAddress, MachineReport, OperationalStatus,
};
use inventory::person::IdentityReport;
use inventory::rule::Verdict;
use inventory::time::Timestamp;

use crate::defender::mac;
use crate::object::Object;
use crate::platform::platform;
use crate::product::{Context, Found, Tell, session_of};
use crate::windows::{FieldError, present};

pub(crate) use cells::unknown_column;
use record::{
    AccountNames, AccountRecord, AdapterAddress, Device, LogonRecord, MachineRecord, Name, Record,
};

/// The member, or column, that makes a record one of ours.
const KIND: &str = "footfall";

/// Whether a record is one of ours.
pub(crate) fn is_record(record: &Object<'_>) -> bool {
    record.has(KIND)
}

/// Whether a table with these columns is one of ours.
pub(crate) fn is_table(columns: &[&str]) -> bool {
    columns.contains(&KIND)
}

/// Reads a record.
pub(crate) fn read(record: &Object<'_>, context: &Context<'_>, tell: &mut Tell<'_>) {
    match members::read(record).map_err(FieldError::Record) {
        Ok(Record::Logon(record)) => tell(logon(&record, context)),
        Ok(Record::Machine(record)) => tell(machine(record, context)),
        Ok(Record::Account(record)) => {
            if let Some(identity) = identity(&record) {
                // What a directory says without a date holds until it is erased.
                let time = record.time.as_ref().and_then(|time| time.0);
                let time = time.unwrap_or(Timestamp::MAX);
                tell(Ok(Found::Identity(identity, time)));
            }
            tell(Ok(Found::Other));
        }
        Err(error) => tell(Err(error)),
    }
}

fn logon(record: &LogonRecord<'_>, context: &Context<'_>) -> Result<Found, FieldError> {
    let machine = machine_ref(&record.device(), context)?;
    let names = record.account();
    let logon_type = record.logon_type().ok_or(FieldError::Missing("logonType"))?;
    if context.rule.judge(names.user, names.domain, names.sid, logon_type) == Verdict::Noise {
        return Ok(Found::Logon(None));
    }
    let remote_address = record.remote_address.as_ref().and_then(|address| address.0);
    let remote_name = record.remote_name.as_ref().and_then(|name| present(&name.0));
    let session = match record.session_id.as_ref().and_then(|id| present(&id.0)) {
        Some(id) => session_of(&["footfall:session", id]),
        None => session_of(&[
            "footfall:logon",
            &logon_type.number().to_string(),
            &remote_address.map(|address| address.to_string()).unwrap_or_default(),
            remote_name.unwrap_or_default(),
        ]),
    };
    Ok(Found::Logon(account_of(&names).map(|account| Logon {
        account,
        machine,
        time: record.time.0,
        logon_type,
        remote_address,
        remote_name: remote_name.map(str::to_owned),
        source: Source::Own,
        key: EventKey { session, record: None },
    })))
}

fn machine(record: MachineRecord<'_>, context: &Context<'_>) -> Result<Found, FieldError> {
    let machine = machine_ref(&record.device(), context)?;
    let text = |text: Option<Name<'_>>| text.and_then(|text| present(&text.0).map(str::to_owned));
    let os_build = record.os_build.map(|build| build.0);
    let facts = MachineFacts {
        os_platform: text(record.os_platform).and_then(|name| platform(&name, os_build)),
        os_processor: text(record.os_processor),
        version: text(record.version),
        last_ip_address: record.last_ip_address.and_then(|address| address.0),
        last_external_ip_address: record.last_external_ip_address.and_then(|address| address.0),
        agent_version: text(record.agent_version),
        os_build,
        os_architecture: text(record.os_architecture),
        is_aad_joined: record.is_aad_joined,
        aad_device_id: machine.aad_device_id,
        risk_score: record.risk_score.and_then(|word| word.0),
        exposure_level: record.exposure_level.and_then(|word| word.0),
        onboarding_status: record.onboarding_status.and_then(|word| word.0),
        managed_by: record.managed_by.and_then(|word| word.0),
        ip_addresses: record
            .ip_addresses
            .map_or_else(Vec::new, |list| list.0.into_iter().filter_map(address).collect()),
        tags: record.machine_tags.map_or_else(Vec::new, |list| {
            list.0.into_iter().map(|tag| tag.0.into_owned()).collect()
        }),
        ..MachineFacts::default()
    };
    Ok(Found::Report(MachineReport { machine, time: record.time.0, facts }))
}

fn address(entry: AdapterAddress<'_>) -> Option<MachineIpAddress> {
    let adapter_type = entry.adapter_type.and_then(|word| word.0);
    let operational_status = entry.operational_status.and_then(|word| word.0);
    Some(MachineIpAddress {
        ip_address: entry.ip_address.0?,
        mac_address: entry.mac_address.and_then(|text| mac(&text.0)),
        adapter_type: adapter_type.unwrap_or(AdapterType::Unknown),
        operational_status: operational_status.unwrap_or(OperationalStatus::Unknown),
    })
}

fn machine_ref(device: &Device<'_>, context: &Context<'_>) -> Result<MachineRef, FieldError> {
    let says_something = |name: &&str| name.chars().any(|it| !it.is_whitespace() && it != '-');
    let own = Some(device.name).filter(says_something);
    let name = match (own, device.id, context.device) {
        (Some(name), _, _) => name.trim().to_owned(),
        (None, Some(id), _) => id.to_string(),
        (None, None, Some(device)) => device.to_owned(),
        (None, None, None) => return Err(FieldError::Computer),
    };
    let aad_device_id = device.aad_device_id;
    Ok(MachineRef { id: device.id, aad_device_id, ..MachineRef::named(name) })
}

/// What a directory says of an account; `None` where no name is left of it.
fn identity(record: &AccountRecord<'_>) -> Option<IdentityReport> {
    let account = account_of(&record.account())?;
    let mail = record.mail.as_ref().and_then(|mail| present(&mail.0));
    Some(IdentityReport {
        name: Some(account.name),
        domain: Some(account.domain).filter(|domain| !domain.is_empty()),
        sid: account.sid,
        upn: account.upn,
        object_id: account.object_id,
        mail: mail.map(fold),
    })
}

fn account_of(names: &AccountNames<'_>) -> Option<Account> {
    let account = Account::from_log(names.user, names.domain, names.sid)?;
    let upn = present(names.upn).map(fold).or_else(|| account.upn.clone());
    Some(Account { upn, object_id: names.object_id, ..account })
}
