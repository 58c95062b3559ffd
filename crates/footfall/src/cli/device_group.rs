//! `footfall device-group`.

use clap::{Args, Subcommand};
use inventory::access::device_group::{Condition, Operator, OsCondition, Rules};

use super::changes;

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceGroup {
    /// List the device groups, the best rank first
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a device group, its rules and who may see its machines
    Show {
        /// The device group: name or id; `ungrouped` for the machines of none
        #[arg(value_name = "NAME")]
        group: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a device group and put machines into it
    Add(AddDeviceGroup),
    /// Change a device group and put machines into and out of it
    Change(ChangeDeviceGroup),
    /// Remove a device group; its machines go to the next group that matches them
    Remove {
        /// The device group: name or id
        #[arg(value_name = "NAME")]
        group: String,
    },
    /// Give a device group another rank: of several that match a machine, the best one has it
    #[command(after_help = "Example:
  footfall device-group move Servers --rank 1")]
    Move {
        /// The device group: name or id
        #[arg(value_name = "NAME")]
        group: String,
        /// Its new rank; 1 is the best
        #[arg(long)]
        rank: usize,
    },
    /// Say which user groups see the machines of a device group
    Access(SetAccess),
    /// Show the first ten machines that a device group's rules, or other rules, match
    #[command(after_help = "Examples:
  footfall device-group preview Servers
  footfall device-group preview --name-starts-with srv- --os WindowsServer2022")]
    Preview {
        /// The device group: name or id
        #[arg(value_name = "NAME", required_unless_present = "rules")]
        group: Option<String>,
        #[command(flatten)]
        rules: RuleFlags,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall device-group add Servers --name-starts-with srv- --access 'Tier 2'
  footfall device-group add Lab --domain-equals lab.example --domain-ends-with .lab.example
  footfall device-group add VIP --tag-equals vip --os Windows10 --os Windows11 --rank 1 --dry-run

Values of one kind (name, domain, tag, os) are alternatives; all kinds that are given must match.
Case does not count. Without --access, everyone with a role sees the group's machines.")]
pub(crate) struct AddDeviceGroup {
    /// What people call it
    #[arg(value_name = "NAME")]
    pub(crate) group: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    #[command(flatten)]
    pub(crate) rules: RuleFlags,
    /// A user group that sees its machines, by name or id; may be repeated. It must hold a role
    #[arg(long = "access", value_name = "GROUP")]
    pub(crate) access: Vec<String>,
    /// Its rank; 1 is the best. Default: the last
    #[arg(long)]
    pub(crate) rank: Option<usize>,
    #[command(flatten)]
    pub(crate) showing: Showing,
    /// Print JSON: id, name
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall device-group change Servers --name-starts-with srv- --name-starts-with db-
  footfall device-group change Servers --name 'Servers and databases' --yes

Rules, where any are given, replace all rules of the group.")]
#[command(group = changes(&["name", "description", "access", "rank"]).args(RULES))]
pub(crate) struct ChangeDeviceGroup {
    /// The device group: name or id
    #[arg(value_name = "NAME")]
    pub(crate) group: String,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    #[command(flatten)]
    pub(crate) rules: RuleFlags,
    /// A user group that sees its machines; may be repeated, and replaces those that did
    #[arg(long = "access", value_name = "GROUP")]
    pub(crate) access: Vec<String>,
    /// Its new rank; 1 is the best
    #[arg(long)]
    pub(crate) rank: Option<usize>,
    #[command(flatten)]
    pub(crate) showing: Showing,
}

/// What happens between the preview and the change.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Showing {
    /// Show the first ten machines that match, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask on a terminal
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall device-group access Servers 'Tier 2' 'Platform team'
  footfall device-group access ungrouped 'Tier 1'
  footfall device-group access Servers --everyone")]
pub(crate) struct SetAccess {
    /// The device group: name or id; `ungrouped` for the machines of none
    #[arg(value_name = "NAME")]
    pub(crate) group: String,
    /// The user groups, by name or id, in place of those that saw them; each must hold a role
    #[arg(value_name = "GROUP", required_unless_present = "everyone")]
    pub(crate) groups: Vec<String>,
    /// Everyone with a role sees them
    #[arg(long, conflicts_with = "groups")]
    pub(crate) everyone: bool,
}

/// The flags of [`RuleFlags`].
const RULES: &[&str] = &[
    "name_starts_with",
    "name_ends_with",
    "name_equals",
    "name_contains",
    "domain_starts_with",
    "domain_ends_with",
    "domain_equals",
    "domain_contains",
    "tag_starts_with",
    "tag_ends_with",
    "tag_equals",
    "tag_contains",
    "os",
];

/// Rules as flags; an empty set says nothing.
#[derive(Debug, Args)]
#[group(id = "rules", required = false, multiple = true)]
#[command(next_help_heading = "Rules")]
pub(crate) struct RuleFlags {
    /// The name begins with this; every rule may be repeated
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    name_starts_with: Vec<String>,
    /// The name ends with this
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    name_ends_with: Vec<String>,
    /// The name is this
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    name_equals: Vec<String>,
    /// The name contains this
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    name_contains: Vec<String>,
    /// The domain (the name behind its first dot) begins with this
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    domain_starts_with: Vec<String>,
    /// The domain ends with this
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    domain_ends_with: Vec<String>,
    /// The domain is this
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    domain_equals: Vec<String>,
    /// The domain contains this
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    domain_contains: Vec<String>,
    /// A tag begins with this
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    tag_starts_with: Vec<String>,
    /// A tag ends with this
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    tag_ends_with: Vec<String>,
    /// A tag is this
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    tag_equals: Vec<String>,
    /// A tag contains this
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    tag_contains: Vec<String>,
    /// The platform, as the API shows it: Windows11, WindowsServer2022, Ubuntu
    #[arg(long, value_name = "OS")]
    os: Vec<String>,
}

impl RuleFlags {
    /// The rules that the flags say.
    pub(crate) fn rules(&self) -> Rules {
        let os = OsCondition { condition: Operator::In, values_list: self.os.clone() };
        Rules {
            devices_names_conditions: conditions([
                &self.name_starts_with,
                &self.name_ends_with,
                &self.name_equals,
                &self.name_contains,
            ]),
            devices_domains_conditions: conditions([
                &self.domain_starts_with,
                &self.domain_ends_with,
                &self.domain_equals,
                &self.domain_contains,
            ]),
            devices_tags_conditions: conditions([
                &self.tag_starts_with,
                &self.tag_ends_with,
                &self.tag_equals,
                &self.tag_contains,
            ]),
            devices_os_conditions: if self.os.is_empty() { Vec::new() } else { vec![os] },
        }
    }
}

/// The rows of one kind, by the order of the flags' operators.
fn conditions(values: [&Vec<String>; 4]) -> Vec<Condition> {
    const OPERATORS: [Operator; 4] =
        [Operator::StartsWith, Operator::EndsWith, Operator::Equals, Operator::Contains];
    let of_operator = OPERATORS.into_iter().zip(values);
    of_operator
        .flat_map(|(condition, values)| {
            values.iter().map(move |value| Condition { condition, value: value.clone() })
        })
        .collect()
}
