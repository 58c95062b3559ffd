//! Events of authentication in the Elastic Common Schema: Filebeat's system module, Auditbeat,
//! Elastic Defend, and whoever else writes it (telemetry.md §6).
//!
//! The schema names one thing twice: `host` is where an event happened, and it is where the
//! shipper runs. So an event counts when what wrote it is known to tell of its own host, or when
//! its host is not the shipper's. Windows' events with `winlog` beside them are Winlogbeat's.

use std::borrow::Cow;
use std::net::IpAddr;

use inventory::account::Account;
use inventory::identity::{Identifier, IdentifierKind};
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source, remote_address};
use inventory::rule::Verdict;

use crate::linux::{Place, label};
use crate::object::Object;
use crate::product::{Context, Found, bounded, session_of};
use crate::windows::{self, FieldError, present};

/// Modules and integrations that tell of the host they are on, or that a line of its log names.
const OF_HOSTS: [&str; 6] = ["auditd", "auditd_manager", "endpoint", "linux", "osquery", "system"];
/// Agents whose `host.id` is known for what it is; Elastic Agent runs them, too.
const BEATS: [&str; 2] = ["auditbeat", "filebeat"];
/// What a logon is called where its type does not say that something starts: by Filebeat and
/// Elastic's system integration (whose type is `info`), by Auditbeat, and as the schema has it.
const LOGONS: [&str; 9] = [
    "log_on",
    "logged-in",
    "logged-on",
    "login",
    "logon",
    "session_start",
    "ssh_login",
    "user_login",
    "user_logon",
];
/// What comes beside a logon and is none: the audit log's other records of one, in go-libaudit's
/// words, and Windows' 4648 and 4672 in Winlogbeat's.
const STEPS: [&str; 11] = [
    "acquired-credentials",
    "authenticated",
    "authenticated-to-group",
    "changed-login-id-to",
    "changed-role-to",
    "disposed-credentials",
    "logged-in-explicit",
    "logged-in-special",
    "refreshed-credentials",
    "started-session",
    "was-authorized",
];

/// Whether a record is an event of the schema that nothing else here reads.
pub(crate) fn is_record(record: &Object<'_>) -> bool {
    const MARKS: [&str; 5] =
        ["ecs.version", "event.category", "event.kind", "event.module", "event.dataset"];
    let is_schema = record.has("@timestamp") && (record.opens("event") || record.opens("ecs"));
    is_schema
        && !record.opens("winlog")
        && MARKS.iter().any(|mark| !record.texts_at(mark).is_empty())
}

/// Reads an event.
pub(crate) fn read(record: &Object<'_>, context: &Context<'_>) -> Result<Found, FieldError> {
    if !is_logon(record) {
        return Ok(Found::Other);
    }
    match &*record.text_at("event.outcome") {
        "success" => {}
        "failure" => return Ok(Found::Failure),
        _ => return Ok(Found::Other),
    }
    let host = match host(record) {
        Host::Known(host) => host,
        Host::Unknown => Cow::Borrowed(""),
        Host::Elsewhere => return Ok(Found::Other),
    };
    let user = first(record, &["user.name", "user.effective.name", "user.target.name"]);
    let (domain, id) = (record.text_at("user.domain"), record.text_at("user.id"));
    // On Linux it is a number, of the process more often than of the user; a SID that was looked up is
    // `DOMAIN\name`.
    let sid = if id.starts_with("S-1-") || id.contains('\\') { id } else { Cow::Borrowed("") };
    let address = first(record, &["source.ip", "source.address"]);
    let (remote, remote_name) = (remote_address(&address), record.text_at("source.domain"));
    let logon_type = logon_type(record, remote)?;
    if context.rule.judge(&user, &domain, &sid, logon_type) == Verdict::Noise {
        return Ok(Found::Logon(None));
    }
    let Some(account) = Account::from_log(&user, &domain, &sid) else {
        return Ok(Found::Logon(None));
    };
    let name = present(&host).or(context.device).ok_or(FieldError::Computer)?;
    bounded(&[
        ("host.name", name),
        ("user.name", &user),
        ("user.domain", &domain),
        ("user.id", &sid),
        ("source.domain", &remote_name),
    ])?;
    Ok(Found::Logon(Some(Logon {
        account,
        machine: MachineRef::named(name).identified(identifier(record, &host)),
        time: windows::utc("@timestamp", &record.text("@timestamp"))?,
        logon_type,
        remote_address: remote,
        remote_name: present(&remote_name).map(str::to_owned),
        source: Source::Ecs,
        key: key(record),
    })))
}

fn first<'a>(record: &Object<'a>, paths: &[&str]) -> Cow<'a, str> {
    let mut texts = paths.iter().map(|path| record.text_at(path));
    texts.find(|text| present(text).is_some()).unwrap_or_default()
}

/// Whether it is one try to log on, however it ended; of the records of one logon only that.
fn is_logon(record: &Object<'_>) -> bool {
    let has = |path: &str, word: &str| record.texts_at(path).iter().any(|text| text == word);
    let action = record.text_at("event.action").to_ascii_lowercase();
    has("event.category", "authentication")
        && !has("event.type", "end")
        && !STEPS.contains(&action.as_str())
        && (has("event.type", "start") || LOGONS.contains(&action.as_str()))
}

/// Where an event happened.
enum Host<'a> {
    Known(Cow<'a, str>),
    /// The record does not say; a person may.
    Unknown,
    /// At a service or a gateway: it puts nobody on a host.
    Elsewhere,
}

fn host<'a>(record: &Object<'a>) -> Host<'a> {
    let (name, hostname) = (record.text_at("host.name"), record.text_at("host.hostname"));
    // A collector of syslog has its own name in the one and that of the line in the other.
    let host = match (present(&name), present(&hostname)) {
        (Some(long), Some(short)) if label(long).eq_ignore_ascii_case(label(short)) => name,
        (_, Some(_)) => hostname,
        (_, None) => name,
    };
    let module = module(record);
    let is_of_host = OF_HOSTS.contains(&&*module);
    if !is_of_host && (record.opens("observer") || !module.is_empty() && host.is_empty()) {
        return Host::Elsewhere;
    }
    let is_shipper = |path: &&str| {
        let shipper = record.text_at(path);
        !shipper.is_empty() && label(&shipper).eq_ignore_ascii_case(label(&host))
    };
    match present(&host) {
        None => Host::Unknown,
        Some(_) if !is_of_host && ["agent.name", "agent.hostname"].iter().any(is_shipper) => {
            Host::Elsewhere
        }
        Some(_) => Host::Known(host),
    }
}

/// What the shipper tells of its own host, where the event is of that: as `host.id` Elastic's Beats write
/// the machine-id on Linux and the hardware's UUID on macOS. On Windows it is the MachineGuid, which
/// nothing else here tells; what other agents put there is not known.
fn identifier(record: &Object<'_>, host: &str) -> Option<Identifier> {
    let id = record.text_at("host.id");
    let is_here = |path: &&str| {
        let name = record.text_at(path);
        !name.is_empty() && label(&name).eq_ignore_ascii_case(label(host))
    };
    if id.is_empty()
        || !is_here(&"host.name")
        || !["agent.name", "agent.hostname"].iter().any(is_here)
        || !BEATS.contains(&&*record.text_at("agent.type"))
    {
        return None;
    }
    let kind = match &*record.text_at("host.os.type") {
        "linux" => IdentifierKind::MachineId,
        "macos" => IdentifierKind::HardwareUuid,
        _ => return None,
    };
    // A machine-id has no hyphens, so that no other id is taken for one.
    let has_form = (kind == IdentifierKind::MachineId) == (id.len() == 32);
    Identifier::parse(kind, &id).filter(|_| has_form)
}

/// Which module wrote it; the data set begins with its name.
fn module<'a>(record: &Object<'a>) -> Cow<'a, str> {
    match first(record, &["event.module", "event.dataset", "data_stream.dataset"]) {
        Cow::Borrowed(text) => Cow::Borrowed(label(text)),
        Cow::Owned(text) => Cow::Owned(label(&text).to_owned()),
    }
}

/// Elastic Defend has Windows' words; elsewhere the remote side tells, as of Linux' own logs.
fn logon_type(record: &Object<'_>, remote: Option<IpAddr>) -> Result<LogonType, FieldError> {
    let word = record.text_at("process.Ext.session_info.logon_type").replace(' ', "");
    let is_remote = remote.is_some_and(|address| !address.is_loopback())
        || record.text_at("event.action") == "ssh_login";
    let place = if is_remote { Place::Remote } else { Place::Local };
    let kind = LogonType::parse(&word).or_else(|| LogonType::new(place.number()));
    kind.ok_or(FieldError::Missing("the logon type"))
}

/// Delivery is at least once: the event's own id, else what tells one logon from another.
fn key(record: &Object<'_>) -> EventKey {
    let id = record.text_at("event.id");
    let session = if id.is_empty() {
        let paths = ["event.action", "source.ip", "source.port", "process.pid", "user.terminal"];
        let texts = paths.map(|path| record.text_at(path));
        let mut parts = vec!["ecs"];
        parts.extend(texts.iter().map(Cow::as_ref));
        session_of(&parts)
    } else {
        session_of(&["ecs:id", &id])
    };
    EventKey { session, record: None }
}
