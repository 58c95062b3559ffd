//! Windows events that some program turned into JSON, whichever it was.
//!
//! The [shapes](crate::shape) know their records by their keys, and are quick. What no shape knows
//! comes here: the object's values are put into one list (`leaves`), in which spelling does not
//! matter, and what each is follows from its name (`role`, `values`). So the same event is read from
//! the dump of an event log, from what a shipper sends and from what PowerShell prints, and an event that is
//! evidently one but lacks something is told, and not passed over.

mod leaves;
pub(crate) mod otlp;
mod role;
mod text;
pub(crate) mod time;
mod values;

use std::borrow::Cow;

use inventory::logon::Source;
use inventory::rule::Rule;
use inventory::time::{Stamp, Timestamp};

use crate::event_xml;
use crate::session::Part;
use crate::windows::{self, EventData, FieldError, Kind, Values, message};
use crate::zone::Zone;

use leaves::Leaf;
use role::{Role, Roles};

/// The provider of the events of the Security channel that matter.
const PROVIDER: &str = "Microsoft-Windows-Security-Auditing";
/// What a JSON object is.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// An event of Windows, of interest or not.
    Event(Event<'a>),
    /// A whole event in XML is in it.
    Xml(Cow<'a, str>),
}

/// An event of Windows.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    leaves: Vec<Leaf<'a>>,
}

/// Finds the event in a JSON object; `None` when the object is none.
///
/// It is one when it has an event id, and with it a channel, a provider or the values of a logon. What
/// a wrapper holds is taken out by whoever reads records.
pub(crate) fn find(json: &str) -> Option<Found<'_>> {
    let mut leaves = leaves::of(json)?;
    if Roles::of(&leaves).leaf(Role::EventId).is_none() {
        // Splunk's collector has the text as `event`, its exports as `_raw`.
        let is_text = |leaf: &&Leaf<'_>| matches!(leaf.keys().next(), Some("event" | "raw"));
        let texts = leaves.iter().filter(is_text).map(|leaf| text::leaves(&leaf.value));
        let found = texts.flatten().collect::<Vec<_>>();
        leaves.extend(found);
    }
    if let Some(xml) = xml(&leaves) {
        return Some(Found::Xml(xml));
    }
    let is_event = View::of(&leaves).is_event();
    is_event.then_some(Found::Event(Event { leaves }))
}

/// An event in XML that a value holds whole, under a name that means it: any program may write such a
/// text into its messages. Beside an event id only the names count that are made for it.
fn xml<'a>(leaves: &[Leaf<'a>]) -> Option<Cow<'a, str>> {
    /// Azure's diagnostics, and who follows them.
    const OWN: [&str; 3] = ["rawxml", "eventxml", "xml"];
    /// Of OpenTelemetry's receiver with `raw: true`, OpenWEC, Splunk.
    const WHOLE: [&str; 6] = ["body", "data", "event", "original", "raw", "system"];
    let named = |names: &[&str]| {
        let is_it = |leaf: &&Leaf<'_>| {
            leaf.keys().next().is_some_and(|key| names.contains(&key)) && is_event_xml(&leaf.value)
        };
        leaves.iter().find(is_it).map(|leaf| leaf.value.clone())
    };
    let has_event_id = || Roles::of(leaves).leaf(Role::EventId).is_some();
    named(&OWN).or_else(|| if has_event_id() { None } else { named(&WHOLE) })
}

fn is_event_xml(text: &str) -> bool {
    let text = match text.strip_prefix("<?xml").and_then(|text| text.split_once("?>")) {
        Some((_, text)) => text.trim_start(),
        None => text,
    };
    text.starts_with("<Event")
}

/// What the leaves say.
struct View<'l, 'a> {
    roles: Roles<'l, 'a>,
    event_id: &'l str,
    channel: &'l str,
    data: EventData<'l>,
}

impl<'l, 'a> View<'l, 'a> {
    fn of(leaves: &'l [Leaf<'a>]) -> Self {
        let roles = Roles::of(leaves);
        // What a table made a number with a point of.
        let event_id = roles.text(Role::EventId).trim_end_matches(".0");
        let mut data = values::of(event_id, leaves);
        // Alloy's and Azure Monitor's columns have the EventData in XML.
        let is_xml = |leaf: &&Leaf<'_>| {
            leaf.keys().next() == Some("eventdata") && leaf.value.starts_with('<')
        };
        if let Some(inner) =
            leaves.iter().find(is_xml).and_then(|leaf| event_xml::event_data(&leaf.value))
        {
            data.complete(inner);
        }
        if lacks(&data)
            && let Some(rendered) = message::values(event_id, roles.text(Role::Message))
        {
            data.complete(rendered);
        }
        let channel = channel(&roles, &data);
        Self { roles, event_id, channel, data }
    }

    fn is_event(&self) -> bool {
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number(self.event_id)
            && (!self.channel.is_empty() || !self.roles.text(Role::Provider).is_empty())
    }
}

/// Whether the rendered text may tell more than the values: columns of an artefact do not have them all.
fn lacks(data: &EventData<'_>) -> bool {
    let values = data.values();
    let has_first = values.first.iter().any(|value| !value.is_empty());
    let has_session = !values.logon_id.is_empty() || !values.account_logon_id.is_empty();
    let has_whom = !values.user.is_empty() || !values.account.is_empty();
    !(has_first || has_session && has_whom)
}

/// The channel, or that of the provider or of the values, where none is said. A collector's is where the
/// event lies, not what it is.
fn channel<'l>(roles: &Roles<'l, '_>, data: &EventData<'_>) -> &'l str {
    let channel = roles.text(Role::Channel);
    let provider = roles.text(Role::Provider);
    let is_unknown = channel.is_empty() || channel.eq_ignore_ascii_case("ForwardedEvents");
    let is_of_provider = provider.eq_ignore_ascii_case(PROVIDER);
    // Hayabusa's short name.
    if channel == "Sec" || is_unknown && is_of_provider {
        return "Security";
    }
    let values = data.values();
    let is_logon = !values.user.is_empty() && !values.logon_type.is_empty()
        || !values.account_logon_id.is_empty() && !values.account.is_empty();
    if channel.is_empty() && provider.is_empty() && is_logon { "Security" } else { channel }
}

impl Event<'_> {
    /// Takes what it tells into the part of a file that it is in. `device` is the machine of events
    /// that do not name theirs, `raw` the record that the event came in; `assumed` is set when a time was
    /// read in the file's zone without being sure of it.
    pub(crate) fn take(
        &self,
        part: &mut Part,
        rule: &Rule,
        device: Option<&str>,
        (zone, assumed): (&Zone, &mut bool),
        raw: &[u8],
    ) -> Result<(), FieldError> {
        let View { roles, event_id, channel, data } = View::of(&self.leaves);
        let kind = windows::kind(event_id, channel);
        let values = data.values();
        is_complete(kind, &values)?;
        let system = windows::System {
            computer: windows::present(roles.text(Role::Computer)).or(device).unwrap_or_default(),
            record: roles.text(Role::Record).trim_end_matches(".0"),
            source: Source::EventJson,
            raw,
        };
        windows::take(part, kind, rule, &system, &values, || {
            let (time, zone_assumed) = moment(&roles, zone)?;
            *assumed |= zone_assumed;
            Ok(time)
        })
    }
}

/// Whether an event that matters has whom it is about. Windows writes an empty user, a program that
/// dropped the values writes none.
fn is_complete(kind: Kind, values: &Values<'_>) -> Result<(), FieldError> {
    let missing = match kind {
        Kind::Logon if values.logon_type.is_empty() => "LogonType",
        Kind::Logon if values.user.is_empty() && is_persons(values.sid) => "TargetUserName",
        Kind::Change(_) if values.is_missing() && values.logon_id.is_empty() => "TargetLogonId",
        _ => return Ok(()),
    };
    Err(FieldError::Missing(missing))
}

/// Whether an identifier may be a person's, or is not known: of others Windows leaves names out.
fn is_persons(sid: &str) -> bool {
    windows::present(sid)
        .is_none_or(|sid| sid.starts_with("S-1-5-21-") || sid.starts_with("S-1-12-1-"))
}

/// When it happened, and whether the file's zone had to be assumed for that.
fn moment(roles: &Roles<'_, '_>, zone: &Zone) -> Result<(Timestamp, bool), FieldError> {
    let missing = FieldError::Missing("the event's time (TimeCreated, @timestamp)");
    let leaf = roles.leaf(Role::Time).ok_or(missing)?;
    let mut keys = leaf.keys();
    let (last, parent) = (keys.next().unwrap_or_default(), keys.next().unwrap_or_default());
    let field = field(last);
    let error = |error| FieldError::Time { field, error };
    let stamp = time::parse(&leaf.value).map_err(error)?;
    // Windows' own renderings are in UTC whether they say so or not; EvtxECmd's are, too.
    let is_utc = last == "systemtime"
        || parent == "system"
        || last == "eventcreatedate"
        || last == "timecreated" && roles.has("chunknumber");
    match stamp {
        Stamp::Local(_) if !is_utc => Ok((zone.resolve(stamp).map_err(error)?, zone.is_assumed())),
        stamp => Ok((stamp.in_zone(&jiff::tz::TimeZone::UTC).map_err(error)?, false)),
    }
}

/// What people call the member that a time stands in.
fn field(name: &str) -> &'static str {
    match name {
        "systemtime" => "SystemTime",
        "timecreated" => "TimeCreated",
        "eventcreatedate" => "@event_create_date",
        "timegenerated" => "TimeGenerated",
        "eventtime" => "EventTime",
        "timewritten" => "TimeWritten",
        "timestamp" => "@timestamp",
        _ => "time",
    }
}
