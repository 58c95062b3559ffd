//! Device groups: rules over a machine's name, domain, tags and platform (defender-api.md §8.2, §12).
//!
//! Rows of one condition are ORed, conditions are ANDed, and of several groups that match a machine
//! is of the one with the best rank alone. Comparisons fold case.

mod invalid;
mod matcher;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use self::invalid::InvalidRules;
pub(super) use self::invalid::bytes;
pub use self::matcher::Matcher;
use crate::fold;
use crate::time::Timestamp;

/// The id of the group that takes the rest.
pub const UNGROUPED: i32 = 0;
/// What that group is called where it is listed.
pub const UNGROUPED_NAME: &str = "Ungrouped devices (default)";
/// Device groups of a tenant at most (§8.2).
pub const MAX_GROUPS: usize = 2_000;
/// Values of one condition at most (§8.2).
pub const MAX_VALUES: usize = 10;
/// Platforms of a group at most.
pub const MAX_PLATFORMS: usize = 100;
/// Characters of a name or value at most.
pub const MAX_TEXT_CHARS: usize = 256;
/// Bytes of all values of a tenant's groups at most: what the [`Matcher`] is made of.
pub const MAX_VALUES_BYTES: usize = 2 * 1024 * 1024;

/// How text is compared (§12). `In` compares as `Equals` with each value of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Operator {
    StartsWith,
    EndsWith,
    Equals,
    Contains,
    In,
}

/// One row of a condition on name, domain or tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// How to compare.
    pub condition: Operator,
    /// With what.
    pub value: String,
}

/// One row of the condition on the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OsCondition {
    /// How to compare.
    pub condition: Operator,
    /// With which platforms, as the vendor writes them (`Windows11`).
    pub values_list: Vec<String>,
}

/// The rules of a group, by the names of the vendor's EDM (§12). A group without any condition
/// matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rules {
    /// On the whole DNS name.
    pub devices_names_conditions: Vec<Condition>,
    /// On the name behind the first dot; a name without a dot has the empty domain.
    pub devices_domains_conditions: Vec<Condition>,
    /// On any tag.
    pub devices_tags_conditions: Vec<Condition>,
    /// On the platform.
    pub devices_os_conditions: Vec<OsCondition>,
}

/// How far automation may go on a group's devices (§8.2, §12). Footfall keeps and shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum AutomationLevel {
    NoAutomatedResponse,
    SemiRequireApprovalForAllFolders,
    SemiRequireApprovalForNonTempFolders,
    SemiRequireApprovalForCoreFolders,
    #[default]
    FullRemediateThreatsAutomatically,
}

/// A device group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceGroup {
    /// Its id, 1 or greater; never given again.
    pub id: i32,
    /// Its name; unique without regard to case.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// How far automation may go.
    #[serde(default)]
    pub automation_level: AutomationLevel,
    /// Which machines are in it.
    pub rules: Rules,
    /// The user groups that may see its machines, by id; none stands for everyone who holds a role.
    #[serde(default)]
    pub access: Vec<String>,
    /// When it was changed last, in ticks.
    #[serde(default)]
    pub changed: i64,
}

/// What of a machine the rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its name as reported.
    pub name: &'a str,
    /// Its tags.
    pub tags: &'a [String],
    /// Its platform.
    pub os_platform: Option<&'a str>,
}

/// Values that people and the wire know by the vendor's names.
macro_rules! named {
    ($name:ident { $($value:ident),+ $(,)? }) => {
        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$value),+];

            /// The vendor's name.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$value => stringify!($value)),+ }
            }

            /// Reads the vendor's name in any case.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str().eq_ignore_ascii_case(text))
            }
        }
    };
}

named!(Operator { StartsWith, EndsWith, Equals, Contains, In });
named!(AutomationLevel {
    NoAutomatedResponse,
    SemiRequireApprovalForAllFolders,
    SemiRequireApprovalForNonTempFolders,
    SemiRequireApprovalForCoreFolders,
    FullRemediateThreatsAutomatically,
});

impl Operator {
    /// Whether a text fits a value; both are folded. An empty value fits nothing.
    fn fits(self, text: &str, value: &str) -> bool {
        !value.is_empty()
            && match self {
                Self::StartsWith => text.starts_with(value),
                Self::EndsWith => text.ends_with(value),
                Self::Equals | Self::In => text == value,
                Self::Contains => text.contains(value),
            }
    }
}

impl Rules {
    /// Whether a machine is meant. For one set of rules and few machines; [`Matcher`] is for many.
    pub fn matches(&self, subject: Subject<'_>) -> bool {
        let any = |conditions: &[Condition], texts: &[String]| {
            conditions.is_empty()
                || conditions.iter().any(|row| {
                    let value = fold(&row.value);
                    texts.iter().any(|text| row.condition.fits(text, &value))
                })
        };
        let platform = subject.os_platform.map(fold).unwrap_or_default();
        let is_os = |row: &OsCondition| {
            row.values_list.iter().any(|value| row.condition.fits(&platform, &fold(value)))
        };
        let tags: Vec<_> = subject.tags.iter().map(|tag| fold(tag)).collect();
        !self.is_empty()
            && any(&self.devices_names_conditions, &[fold(subject.name)])
            && any(&self.devices_domains_conditions, &[fold(subject.domain())])
            && any(&self.devices_tags_conditions, &tags)
            && (self.devices_os_conditions.is_empty()
                || self.devices_os_conditions.iter().any(is_os))
    }

    /// Whether there is no condition at all.
    pub fn is_empty(&self) -> bool {
        self.devices_names_conditions.is_empty()
            && self.devices_domains_conditions.is_empty()
            && self.devices_tags_conditions.is_empty()
            && self.devices_os_conditions.is_empty()
    }
}

impl<'a> Subject<'a> {
    /// The name behind the first dot; empty for a name without one and for an address.
    pub fn domain(&self) -> &'a str {
        match self.name.split_once('.') {
            Some((_, domain)) if self.name.parse::<IpAddr>().is_err() => domain,
            _ => "",
        }
    }
}

impl DeviceGroup {
    /// When it was changed last.
    pub fn changed_at(&self) -> Timestamp {
        Timestamp::from_ticks(self.changed).unwrap_or(Timestamp::MIN)
    }
}
