//! Why a directory is not changed.

use super::MAX_DESCRIPTION_CHARS;
use crate::access::device_group::{InvalidRules, MAX_TEXT_CHARS, MAX_VALUES_BYTES, UNGROUPED_NAME};

/// Why a change is refused, and what the person can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum Refused {
    #[error("the {what} is empty: write one")]
    EmptyText { what: &'static str },
    #[error("the {what} has more than {most} characters: shorten it")]
    LongText { what: &'static str, most: usize },
    #[error("the {what} holds a control character: remove it")]
    ControlCharacter { what: &'static str },
    #[error("there is a {what} `{name}` already: choose another name or id")]
    Taken { what: &'static str, name: String },
    #[error("there is no {what} `{name}`: list them to see names and ids")]
    Unknown { what: &'static str, name: String },
    #[error("there are {most} {what} already, and no more are possible: remove one first")]
    TooMany { what: &'static str, most: usize },

    #[error("`{group}` is a group of a directory elsewhere: its members are changed there")]
    NotLocal { group: String },
    #[error("{operator} is not in `{group}`")]
    NoMember { group: String, operator: uuid::Uuid },

    #[error(
        "the built-in role always holds all permissions: change its user groups, or add a role"
    )]
    BuiltInRole,
    #[error("a role needs a permission: write at least one, such as ViewData")]
    NoPermission,
    #[error(
        "ManagePortalSettings belongs to the built-in role: assign that role to the user group instead"
    )]
    AdministratorsOnly,
    #[error("`{group}` does not hold the role `{role}`")]
    NotAssigned { role: String, group: String },

    #[error(transparent)]
    Rules(#[from] InvalidRules),
    #[error(
        "the rules of all device groups would hold more than {MAX_VALUES_BYTES} bytes: shorten or \
         remove some"
    )]
    RulesTooLong,
    #[error(
        "`{UNGROUPED_NAME}` takes what no other device group has, and always comes last: change who \
         has access to it, or add a device group"
    )]
    Ungrouped,
    #[error("{rank} is no rank: write a number from 1 (the best) to {last}")]
    Rank { rank: usize, last: usize },
    #[error(
        "`{group}` holds no role, and only user groups with a role can be given access: assign a \
         role to it first"
    )]
    NoRole { group: String },
    #[error(
        "`{group}` would hold no role, but has access to the device group `{device_group}`: take it \
         out of that access list or assign another role to it first"
    )]
    LastRole { group: String, device_group: String },
    #[error(
        "`{group}` is the only one with access to the device group `{device_group}`, which would be \
         open to everybody without it: give another user group access first, or open the device \
         group by an empty access list"
    )]
    LastAccess { group: String, device_group: String },
}

/// Of which kind a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What was sent makes no sense, whatever the directory holds.
    Invalid,
    /// It names what does not exist.
    Unknown,
    /// What the directory holds stands against it.
    Conflict,
}

impl Refused {
    /// Of which kind it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::EmptyText { .. }
            | Self::LongText { .. }
            | Self::ControlCharacter { .. }
            | Self::NoPermission
            | Self::AdministratorsOnly
            | Self::Rules(_)
            | Self::Rank { .. } => Fault::Invalid,
            Self::Unknown { .. } | Self::NoMember { .. } | Self::NotAssigned { .. } => {
                Fault::Unknown
            }
            Self::Taken { .. }
            | Self::TooMany { .. }
            | Self::NotLocal { .. }
            | Self::BuiltInRole
            | Self::RulesTooLong
            | Self::Ungrouped
            | Self::NoRole { .. }
            | Self::LastRole { .. }
            | Self::LastAccess { .. } => Fault::Conflict,
        }
    }
}

/// Things of a directory, as refusals call them.
pub(super) const USER_GROUP: &str = "user group";
pub(super) const ROLE: &str = "role";
pub(super) const DEVICE_GROUP: &str = "device group";

/// A name or id without blanks around it.
pub(super) fn checked_name(what: &'static str, text: &str) -> Result<String, Refused> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refused::EmptyText { what });
    }
    if text.chars().count() > MAX_TEXT_CHARS {
        return Err(Refused::LongText { what, most: MAX_TEXT_CHARS });
    }
    if text.chars().any(char::is_control) {
        return Err(Refused::ControlCharacter { what });
    }
    Ok(text.to_owned())
}

/// A description; it may be empty and have several lines.
pub(super) fn checked_description(text: &str) -> Result<String, Refused> {
    let what = "description";
    if text.chars().count() > MAX_DESCRIPTION_CHARS {
        return Err(Refused::LongText { what, most: MAX_DESCRIPTION_CHARS });
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Refused::ControlCharacter { what });
    }
    Ok(text.to_owned())
}

/// Refuses one more of what is full.
pub(super) fn check_room(what: &'static str, count: usize, most: usize) -> Result<(), Refused> {
    if count < most { Ok(()) } else { Err(Refused::TooMany { what, most }) }
}

pub(super) fn unknown(what: &'static str, name: &str) -> Refused {
    Refused::Unknown { what, name: name.chars().take(MAX_TEXT_CHARS).collect() }
}
