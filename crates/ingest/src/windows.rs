//! The Windows Security events that matter, whichever shape brought them.
//!
//! All shapes carry the same fields of event 4624 under the same names (telemetry.md §2.1); a
//! shape's own file finds them and the System part around them, this one makes the [`Logon`], and
//! `changes` what happens to its session.

mod candidates;
mod changes;
pub(crate) mod message;

use aws_lc_rs::digest::{SHA256, digest};
use inventory::account::Account;
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source, remote_address};
use inventory::rule::{Rule, Verdict};
use inventory::session::SessionChange;
use inventory::time::{Stamp, TimeError, Timestamp};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};

pub(crate) use self::candidates::{Candidates, stands_alone};
use crate::field::{Field, Fields, object};
use crate::session::Part;
use crate::syslog::YearError;

/// The channel of the events, in any case: forwarded ones have it in lower case.
const CHANNEL: &str = "Security";

/// Bytes of a name at most: a DNS name has 255, a user name in UTF-8 about a thousand.
pub(crate) const MAX_NAME_BYTES: usize = 1024;

/// What a record is for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Event 4624.
    Logon,
    /// Event 4625.
    Failure,
    /// Something happened to a session.
    Change(SessionChange),
    Other,
}

/// Judges a record by its event id and channel.
pub(crate) fn kind(event_id: &str, channel: &str) -> Kind {
    if !channel.eq_ignore_ascii_case(CHANNEL) {
        return Kind::Other;
    }
    match event_id {
        "4624" => Kind::Logon,
        "4625" => Kind::Failure,
        "4634" => Kind::Change(SessionChange::Ended),
        "4647" => Kind::Change(SessionChange::LoggedOff),
        "4778" => Kind::Change(SessionChange::Reconnected),
        "4779" => Kind::Change(SessionChange::Disconnected),
        "4800" => Kind::Change(SessionChange::Locked),
        "4801" => Kind::Change(SessionChange::Unlocked),
        _ => Kind::Other,
    }
}

/// The events that [`kind`] knows.
pub(crate) const EVENT_IDS: [&str; 8] =
    ["4624", "4625", "4634", "4647", "4778", "4779", "4800", "4801"];

/// The EventData of a 4624, as far as it is asked for.
#[derive(Debug, Default)]
pub(crate) struct EventData<'a> {
    target_user_sid: Field<'a>,
    target_user_name: Field<'a>,
    target_domain_name: Field<'a>,
    target_logon_id: Field<'a>,
    logon_type: Field<'a>,
    workstation_name: Field<'a>,
    ip_address: Field<'a>,
    virtual_account: Field<'a>,
    account_name: Field<'a>,
    account_domain: Field<'a>,
    account_logon_id: Field<'a>,
    /// The first values of the event, by their index.
    first: [Field<'a>; 4],
}

impl<'a> Fields<'a> for EventData<'a> {
    fn slot(&mut self, key: &str) -> Option<&mut Field<'a>> {
        Some(match key {
            "TargetUserSid" => &mut self.target_user_sid,
            "TargetUserName" => &mut self.target_user_name,
            "TargetDomainName" => &mut self.target_domain_name,
            "TargetLogonId" => &mut self.target_logon_id,
            "LogonType" => &mut self.logon_type,
            "WorkstationName" => &mut self.workstation_name,
            "IpAddress" => &mut self.ip_address,
            "VirtualAccount" => &mut self.virtual_account,
            "AccountName" => &mut self.account_name,
            "AccountDomain" => &mut self.account_domain,
            "LogonID" => &mut self.account_logon_id,
            _ => return None,
        })
    }
}

impl<'a> EventData<'a> {
    /// Where the value with this index in a list of the event's values goes. The first 22 values of
    /// event 4624 are the same in all its versions, 0 to 3 (telemetry.md §2.1); others are not
    /// asked for.
    pub(crate) fn insert_slot(&mut self, index: usize) -> Option<&mut Field<'a>> {
        Some(match index {
            0..4 => &mut self.first[index],
            4 => &mut self.target_user_sid,
            5 => &mut self.target_user_name,
            6 => &mut self.target_domain_name,
            7 => &mut self.target_logon_id,
            8 => &mut self.logon_type,
            11 => &mut self.workstation_name,
            18 => &mut self.ip_address,
            _ => return None,
        })
    }
}

impl<'a> EventData<'a> {
    /// Takes over what is missing here.
    pub(crate) fn complete(&mut self, others: EventData<'a>) {
        for (own, other) in [
            (&mut self.target_user_sid, others.target_user_sid),
            (&mut self.target_user_name, others.target_user_name),
            (&mut self.target_domain_name, others.target_domain_name),
            (&mut self.target_logon_id, others.target_logon_id),
            (&mut self.logon_type, others.logon_type),
            (&mut self.workstation_name, others.workstation_name),
            (&mut self.ip_address, others.ip_address),
            (&mut self.account_name, others.account_name),
            (&mut self.account_domain, others.account_domain),
            (&mut self.account_logon_id, others.account_logon_id),
        ] {
            if own.get().is_empty() {
                *own = other;
            }
        }
    }
}

impl EventData<'_> {
    pub(crate) fn values(&self) -> Values<'_> {
        Values {
            user: self.target_user_name.get(),
            domain: self.target_domain_name.get(),
            sid: self.target_user_sid.get(),
            logon_id: self.target_logon_id.get(),
            logon_type: self.logon_type.get(),
            workstation: self.workstation_name.get(),
            address: self.ip_address.get(),
            virtual_account: self.virtual_account.get(),
            account: self.account_name.get(),
            account_domain: self.account_domain.get(),
            account_logon_id: self.account_logon_id.get(),
            first: self.first.each_ref().map(Field::get),
        }
    }
}

/// The same as text, from wherever a shape has it: empty or `-` when unknown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Values<'a> {
    /// TargetUserName.
    pub(crate) user: &'a str,
    /// TargetDomainName.
    pub(crate) domain: &'a str,
    /// TargetUserSid.
    pub(crate) sid: &'a str,
    /// TargetLogonId.
    pub(crate) logon_id: &'a str,
    /// LogonType, a number or the vendor's word.
    pub(crate) logon_type: &'a str,
    /// WorkstationName.
    pub(crate) workstation: &'a str,
    /// IpAddress.
    pub(crate) address: &'a str,
    /// VirtualAccount, from version 2 on: Windows made the account for a service, a pool or a desktop.
    pub(crate) virtual_account: &'a str,
    /// AccountName of 4778 and 4779, which have none of the above.
    pub(crate) account: &'a str,
    /// AccountDomain of these.
    pub(crate) account_domain: &'a str,
    /// LogonID of these.
    pub(crate) account_logon_id: &'a str,
    /// The first values of the event, whatever it is, where a shape lists them without names.
    pub(crate) first: [&'a str; 4],
}

impl<'a> Values<'a> {
    /// These, or others where these are missing altogether.
    pub(crate) fn or(self, others: Values<'a>) -> Values<'a> {
        let is_missing =
            self.logon_type.is_empty() && self.user.is_empty() && self.account.is_empty();
        if is_missing { others } else { self }
    }

    /// Whether nothing tells whom an event is about.
    pub(crate) fn is_missing(&self) -> bool {
        let those =
            [self.logon_type, self.user, self.account, self.logon_id, self.account_logon_id];
        those.iter().chain(&self.first).all(|value| value.is_empty())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for EventData<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer)
    }
}

/// What stands around the EventData.
pub(crate) struct System<'a> {
    pub(crate) computer: &'a str,
    pub(crate) record: &'a str,
    pub(crate) source: Source,
    /// The whole record as it came: what makes it one event when it has no number of its own.
    pub(crate) raw: &'a [u8],
}

/// Why a logon record cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FieldError {
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("the machine's name is missing; --device gives it")]
    Computer,
    #[error("{field} is longer than {MAX_NAME_BYTES} bytes")]
    TooLong { field: &'static str },
    #[error("{field} `{text}` is not a logon type")]
    LogonType { field: &'static str, text: String },
    #[error("{field}: {error}")]
    Time { field: &'static str, error: TimeError },
    #[error("its time, {0}, lies ahead of the clock by more than rule.max_ahead")]
    Ahead(Timestamp),
    #[error(transparent)]
    Year(YearError),
    /// Of our own format, whose records are refused by what is wrong in them.
    #[error("{0}")]
    Record(String),
}

/// Takes what a record tells into the part of a file that it is in. The time is asked for only when
/// it counts.
pub(crate) fn take(
    part: &mut Part,
    kind: Kind,
    rule: &Rule,
    system: &System<'_>,
    values: &Values<'_>,
    time: impl FnOnce() -> Result<Timestamp, FieldError>,
) -> Result<(), FieldError> {
    match kind {
        Kind::Logon => part.count(rule, logon(rule, system, values, time)?),
        Kind::Change(change) => {
            part.change(rule, changes::event(rule, system, values, change, time)?)
        }
        Kind::Failure | Kind::Other => {
            part.count_other(kind);
            Ok(())
        }
    }
}

/// Makes a logon of a 4624; `None` when it is noise. The time is asked for only when it counts.
fn logon(
    rule: &Rule,
    system: &System<'_>,
    values: &Values<'_>,
    time: impl FnOnce() -> Result<Timestamp, FieldError>,
) -> Result<Option<Logon>, FieldError> {
    let text = values.logon_type;
    if text.is_empty() {
        return Err(FieldError::Missing("LogonType"));
    }
    let logon_type = LogonType::parse(text).ok_or_else(|| FieldError::LogonType {
        field: "LogonType",
        text: text.chars().take(64).collect(),
    })?;
    let (user, sid) = (values.user, values.sid);
    // `%%1842` is the number of the message `Yes`.
    let is_virtual = matches!(values.virtual_account, "%%1842" | "Yes");
    if is_virtual || rule.judge(user, values.domain, sid, logon_type) == Verdict::Noise {
        return Ok(None);
    }
    let Some(account) = Account::from_log(user, values.domain, sid) else {
        return Ok(None);
    };
    let computer = present(system.computer).ok_or(FieldError::Computer)?;
    for (field, text) in [
        ("the machine's name", computer),
        ("TargetUserName", user),
        ("TargetDomainName", values.domain),
        ("TargetUserSid", sid),
        ("WorkstationName", values.workstation),
    ] {
        if text.len() > MAX_NAME_BYTES {
            return Err(FieldError::TooLong { field });
        }
    }
    let record = system.record.parse().ok();
    Ok(Some(Logon {
        account,
        machine: MachineRef::named(computer),
        time: time()?,
        logon_type,
        remote_address: remote_address(values.address),
        remote_name: present(values.workstation).map(str::to_owned),
        source: system.source,
        key: EventKey {
            session: session(values.logon_id).unwrap_or_else(|| fingerprint(record, system.raw)),
            record,
        },
    }))
}

/// Reads a time that is UTC whether the text says so or not: Windows writes UTC, and a renderer
/// that leaves the Z out means it too.
pub(crate) fn utc(field: &'static str, text: &str) -> Result<Timestamp, FieldError> {
    Stamp::parse(text)
        .and_then(|stamp| stamp.in_zone(&TimeZone::UTC))
        .map_err(|error| FieldError::Time { field, error })
}

/// Windows writes `-` for what it does not know.
pub(crate) fn present(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty() && *text != "-")
}

/// A logon id: Windows writes `0x3e7`, some shippers `0x00000000000003e7`, few a decimal number.
/// Zero is the id of no session.
fn session(text: &str) -> Option<u64> {
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.ok().filter(|&number| number != 0)
}

/// Stands for the logon id of a record without one: the first 8 bytes, big-endian, of SHA-256
/// over `record:` and the record number in decimal, or without a number over the record's bytes;
/// the top bit is set. It is stored, so it must stay what it is.
fn fingerprint(record: Option<u64>, raw: &[u8]) -> u64 {
    const TOP_BIT: u64 = 1 << 63;
    let hash = match record {
        Some(number) => digest(&SHA256, format!("record:{number}").as_bytes()),
        None => digest(&SHA256, raw.trim_ascii()),
    };
    let first = hash.as_ref().iter().take(8);
    first.fold(0, |value, &byte| value << 8 | u64::from(byte)) | TOP_BIT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, system: &System<'_>) -> Result<Option<Logon>, FieldError> {
        let data = serde_json::from_str::<EventData<'_>>(json).unwrap();
        logon(&Rule::default(), system, &data.values(), || {
            utc("TimeCreated", "2026-03-01T08:00:00Z")
        })
    }

    const SYSTEM: System<'static> =
        System { computer: "WS-014.corp.example", record: "77", source: Source::Evtx, raw: b"" };

    #[test]
    fn the_fields_of_a_logon_are_taken_over() {
        let logon = read(
            r#"{"TargetUserName":"JDoe","TargetDomainName":"CORP","TargetUserSid":"S-1-5-21-1-2-3-1104",
                "TargetLogonId":"0x00000000000A1b2c","LogonType":10,"WorkstationName":"-",
                "IpAddress":"::ffff:192.0.2.7","IpPort":"5"}"#,
            &SYSTEM,
        )
        .unwrap()
        .unwrap();
        assert_eq!(logon.account.name, "jdoe");
        assert_eq!(logon.account.domain, "corp");
        assert_eq!(logon.machine.name, "WS-014.corp.example");
        assert_eq!(logon.logon_type.number(), 10);
        assert_eq!(logon.remote_address, "192.0.2.7".parse().ok());
        assert_eq!(logon.remote_name, None);
        assert_eq!(logon.key, EventKey { session: 0xa1b2c, record: Some(77) });
    }

    #[test]
    fn a_record_that_lacks_what_is_needed_says_what() {
        let error = |json, system: &System<'_>| read(json, system).unwrap_err().to_string();
        assert_eq!(error(r#"{"TargetUserName":"a"}"#, &SYSTEM), "LogonType is missing");
        assert_eq!(
            error(r#"{"TargetUserName":"a","LogonType":"x"}"#, &SYSTEM),
            "LogonType `x` is not a logon type"
        );
        let nameless = System { computer: "", ..SYSTEM };
        assert_eq!(
            error(r#"{"TargetUserName":"a","LogonType":"2"}"#, &nameless),
            "the machine's name is missing; --device gives it"
        );
    }

    #[test]
    fn a_record_without_logon_id_has_a_stable_one() {
        // The first eight bytes of SHA-256 as `printf record:77 | sha256sum` gives them.
        assert_eq!(fingerprint(Some(77), b"x"), FINGERPRINT_77);
        let line = fingerprint(None, b"{\"a\":1}\r");
        assert_eq!(line, fingerprint(None, b" {\"a\":1}"));
        assert_ne!(line, fingerprint(None, b"{\"a\":2}"));
        assert!(line >> 63 == 1);
        assert_eq!(session("0x3E7"), Some(999));
        assert_eq!(session("999"), Some(999));
        assert_eq!(session("0x0"), None);
        assert_eq!(session("-"), None);
    }

    const FINGERPRINT_77: u64 = 0xef5c_d78b_0e0d_f242;
}
