//! What the values of an event are, told from their names: who writes an event into JSON gives its
//! parts other names, and puts them elsewhere, but nobody uses one of these names for another part.

use super::leaves::Leaf;
use super::text::OWN_TIME;

/// A part of an event beside its own values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    EventId,
    Channel,
    Provider,
    Computer,
    Record,
    Time,
    /// The rendered text.
    Message,
}

/// How many there are.
const ROLES: usize = 7;

/// More than any rank.
const OUTSIDE: u8 = 32;

/// The best value for each role.
pub(super) struct Roles<'l, 'a> {
    best: [Option<(u8, &'l Leaf<'a>)>; ROLES],
    leaves: &'l [Leaf<'a>],
}

/// Under these are the parts of the event that belong to the one that wrote, carried or judged it, the
/// words of a language, and the event's own values, which may have any name.
const ELSEWHERE: [&str; 20] = [
    "agent",
    "beat",
    "client",
    "cloud",
    "collector",
    "decoder",
    "eventdata",
    "fluentd",
    "hashes",
    "host",
    "input",
    "kubernetes",
    "logstash",
    "manager",
    "observer",
    "predecoder",
    "process",
    "renderinginfo",
    "rule",
    "userdata",
];

impl<'l, 'a> Roles<'l, 'a> {
    pub(super) fn of(leaves: &'l [Leaf<'a>]) -> Self {
        let mut roles = Self { best: [None; ROLES], leaves };
        let has = |name: &str| leaves.iter().any(|leaf| leaf.keys().next() == Some(name));
        let traits = Traits {
            is_of_get_winevent: has("logname")
                || has("providername")
                || has("timecreated") && has("message"),
            // And of the table `Event` of Log Analytics, which has the same names.
            is_of_get_eventlog: has("instanceid") || has("replacementstrings") || has("eventlog"),
            // NXLog's modules name the machine so, others the collector.
            is_of_nxlog: has("sourcemodulename") || has("sourcemoduletype") || has("shortmessage"),
        };
        for leaf in leaves.iter().filter(|leaf| leaf.index.is_none() && !leaf.value.is_empty()) {
            let Some((role, rank)) = of(leaf, &traits) else { continue };
            // What an envelope calls by the same name is its own.
            let is_inside = leaf.keys().skip(1).any(|key| matches!(key, "system" | "winlog"));
            let rank = if is_inside { rank } else { rank + OUTSIDE };
            let best = &mut roles.best[role as usize];
            if best.is_none_or(|(known, _)| rank < known) {
                *best = Some((rank, leaf));
            }
        }
        roles
    }

    pub(super) fn leaf(&self, role: Role) -> Option<&'l Leaf<'a>> {
        self.best[role as usize].map(|(_, leaf)| leaf)
    }

    pub(super) fn text(&self, role: Role) -> &'l str {
        self.leaf(role).map_or("", |leaf| &leaf.value)
    }

    /// Whether a value of this name is there, wherever.
    pub(super) fn has(&self, name: &str) -> bool {
        self.leaves.iter().any(|leaf| leaf.keys().next() == Some(name))
    }
}

/// What tells the meaning of names that are others elsewhere.
struct Traits {
    is_of_get_winevent: bool,
    is_of_get_eventlog: bool,
    is_of_nxlog: bool,
}

/// A value's role by its name, and how sure it is: 0 is best.
fn of(leaf: &Leaf<'_>, traits: &Traits) -> Option<(Role, u8)> {
    use Role::{Channel, Computer, EventId, Message, Provider, Record, Time};
    let mut keys = leaf.keys();
    let (last, parent) = (keys.next()?, keys.next().unwrap_or_default());
    if (last, parent) == ("message", "renderinginfo") {
        return Some((Message, 1));
    }
    if leaf.keys().skip(1).any(|key| ELSEWHERE.contains(&key)) {
        return None;
    }
    Some(match last {
        "eventid" => (EventId, 0),
        "id" if parent == "eventid" => (EventId, 0),
        "eventcode" => (EventId, 1),
        "code" if parent == "event" => (EventId, 2),
        "instanceid" => (EventId, 3),
        "eventidentifier" => (EventId, 4),
        "id" if traits.is_of_get_winevent => (EventId, 5),

        "channel" => (Channel, 0),
        "logname" => (Channel, 1),
        "logfile" => (Channel, 2),
        "eventlog" => (Channel, 3),

        "name" if parent == "provider" => (Provider, 0),
        "providername" => (Provider, 1),
        "provider" => (Provider, 2),
        "sourcename" => (Provider, 3),
        "source" if traits.is_of_get_eventlog => (Provider, 4),

        "computer" => (Computer, 0),
        "computername" => (Computer, 1),
        "machinename" => (Computer, 2),
        "hostname" if traits.is_of_nxlog => (Computer, 3),
        "host" if traits.is_of_nxlog => (Computer, 4),

        "eventrecordid" => (Record, 0),
        "recordid" => (Record, 1),
        "recordnumber" => (Record, 2),
        "index" if traits.is_of_get_eventlog => (Record, 3),

        // Splunk's has the name of a zone, which tells none.
        "time" | "date" if super::time::parse(&leaf.value).is_err() => return None,
        _ => return time(last, parent).map(|rank| (Time, rank)).or_else(|| message(last)),
    })
}

/// The event's own time comes before the times at which it was written, sent and taken in.
fn time(last: &str, parent: &str) -> Option<u8> {
    Some(match last {
        "systemtime" => 0,
        "timecreated" => 1,
        "eventcreatedate" => 2,
        "timegenerated" => 3,
        // Of GELF, which NXLog makes of its own EventTime, and knows the zone.
        "timestamp" if parent.is_empty() => 5,
        "eventtime" => 4,
        "timestamp" => 6,
        "timewritten" => 7,
        "timeunixnano" => 8,
        "time" => 9,
        "date" => 10,
        OWN_TIME => 11,
        _ => return None,
    })
}

fn message(last: &str) -> Option<(Role, u8)> {
    Some(match last {
        "message" => (Role::Message, 0),
        "description" => (Role::Message, 2),
        "fullmessage" => (Role::Message, 3),
        "shortmessage" => (Role::Message, 4),
        _ => return None,
    })
}
