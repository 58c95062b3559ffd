//! The event's own values, whether they have names, places in a list, or the names that a rendered
//! text has for them.

use crate::field::{Field, Fields};
use crate::windows::EventData;

use super::leaves::Leaf;

/// Takes the values of an event out of its leaves. Names that are the event's stand before those that
/// shippers made of them.
pub(super) fn of<'l>(event_id: &str, leaves: &'l [Leaf<'_>]) -> EventData<'l> {
    let mut found = Found::default();
    let has = |name: &str| leaves.iter().any(|leaf| leaf.keys().next() == Some(name));
    let dialect = Dialect {
        // The columns of Velociraptor's artefact RDPAuth.
        is_rdp_auth: has("sourceip") && has("domainname") && has("logontype"),
        is_ecs: leaves.iter().any(|leaf| leaf.keys().any(|key| key == "winlog")),
        // The words of a text, whose subject is whom the event is about unless somebody logs on.
        has_subject: !matches!(event_id, "4624" | "4625"),
        is_connection: matches!(event_id, "4778" | "4779"),
    };
    for leaf in leaves {
        if let Some(index) = leaf.index {
            found.put_listed(leaf, index);
        } else if let Some((name, rank)) = name(leaf, &dialect) {
            found.put(name, rank, &leaf.value);
        }
    }
    found.data
}

#[derive(Default)]
struct Found<'l> {
    data: EventData<'l>,
    /// Of each name that was found, how sure it is.
    ranks: Vec<(&'static str, u8)>,
}

impl<'l> Found<'l> {
    fn put(&mut self, name: &'static str, rank: u8, value: &'l str) {
        let known = self.ranks.iter_mut().find(|(known, _)| *known == name);
        match known {
            Some((_, best)) if *best < rank => return,
            Some((_, best)) => *best = rank,
            None => self.ranks.push((name, rank)),
        }
        if let Some(slot) = self.data.slot(name) {
            *slot = value.into();
        }
    }

    fn put_listed(&mut self, leaf: &'l Leaf<'_>, index: usize) {
        const LISTS: [&str; 7] = [
            "data",
            "eventdata",
            "insertionstrings",
            "properties",
            "replacementstrings",
            "stringinserts",
            "strings",
        ];
        // What Windows PowerShell makes of values that it does not look into.
        const TYPE_NAME: &str = "System.Diagnostics.Eventing.";
        let is_listed = leaf.keys().next().is_some_and(|key| LISTS.contains(&key));
        if !is_listed || leaf.value.starts_with(TYPE_NAME) {
            return;
        }
        if let Some(slot) = self.data.insert_slot(index) {
            // A value that has a name is surer.
            if *slot == Field::default() {
                *slot = leaf.value.as_ref().into();
            }
        }
    }
}

/// What tells the meaning of names that are others elsewhere.
struct Dialect {
    is_rdp_auth: bool,
    is_ecs: bool,
    has_subject: bool,
    is_connection: bool,
}

/// The event's name for a value, and how sure it is: 0 is best.
fn name(leaf: &Leaf<'_>, dialect: &Dialect) -> Option<(&'static str, u8)> {
    let mut keys = leaf.keys();
    let (last, parent) = (keys.next()?, keys.next().unwrap_or_default());
    let outer = keys.next().unwrap_or_default();
    if let Some(name) = own(last, parent) {
        let is_inside = leaf.keys().skip(1).any(|key| matches!(key, "eventdata" | "data"));
        return Some((name, u8::from(!is_inside)));
    }
    let rendered = match parent {
        "newlogon" => account(last),
        "networkinformation" => network(last),
        "subject" if dialect.is_connection => connection(last),
        "subject" if dialect.has_subject => account(last),
        _ => None,
    };
    if let Some(name) = rendered {
        return Some((name, 2));
    }
    let moved = match (parent, last) {
        // `winlog.user` is the account that the log's service ran in.
        _ if outer == "winlog" && parent == "user" => None,
        ("user", "name") if dialect.is_ecs => Some("TargetUserName"),
        ("user", "domain") if dialect.is_ecs => Some("TargetDomainName"),
        ("user", "id") if dialect.is_ecs => Some("TargetUserSid"),
        ("source", "ip") if dialect.is_ecs => Some("IpAddress"),
        ("source", "domain") if dialect.is_ecs => Some("WorkstationName"),
        ("logon", "type") if dialect.is_ecs => Some("LogonType"),
        // Of events about a session it is that session's.
        ("logon", "id") if dialect.is_ecs && dialect.has_subject => Some("LogonID"),
        _ => None,
    };
    let columns = match last {
        "username" if dialect.is_rdp_auth => Some("TargetUserName"),
        "domainname" if dialect.is_rdp_auth => Some("TargetDomainName"),
        "sourceip" if dialect.is_rdp_auth => Some("IpAddress"),
        _ => None,
    };
    // The artefact writes `null` as a text.
    let columns = columns.filter(|_| leaf.value != "null");
    moved.or(columns).map(|name| (name, 3))
}

/// The event's own names.
fn own(last: &str, parent: &str) -> Option<&'static str> {
    Some(match last {
        "targetusersid" => "TargetUserSid",
        "targetusername" => "TargetUserName",
        "targetdomainname" => "TargetDomainName",
        "targetlogonid" => "TargetLogonId",
        "logontype" => "LogonType",
        "workstationname" if parent != "networkinformation" => "WorkstationName",
        "ipaddress" => "IpAddress",
        // Of 4778 and 4779; the same words stand in sections of a text.
        "accountname" if !is_section(parent) => "AccountName",
        "accountdomain" if !is_section(parent) => "AccountDomain",
        "logonid" if !is_section(parent) => "LogonID",
        _ => return None,
    })
}

fn is_section(parent: &str) -> bool {
    matches!(parent, "subject" | "newlogon" | "accountforwhichlogonfailed" | "details")
}

fn account(last: &str) -> Option<&'static str> {
    Some(match last {
        "securityid" => "TargetUserSid",
        "accountname" => "TargetUserName",
        "accountdomain" => "TargetDomainName",
        "logonid" => "TargetLogonId",
        _ => return None,
    })
}

fn connection(last: &str) -> Option<&'static str> {
    Some(match last {
        "accountname" => "AccountName",
        "accountdomain" => "AccountDomain",
        "logonid" => "LogonID",
        _ => return None,
    })
}

fn network(last: &str) -> Option<&'static str> {
    Some(match last {
        "workstationname" => "WorkstationName",
        "sourcenetworkaddress" => "IpAddress",
        _ => return None,
    })
}
