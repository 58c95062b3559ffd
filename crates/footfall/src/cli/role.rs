//! `footfall role`.

use clap::{Args, Subcommand};
use inventory::access::directory::RolePermission;

use super::changes;

#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// List the roles
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a role. The first one switches role-based access on, for good
    #[command(after_help = "Examples:
  footfall role add 'first line' --permission ViewData --group 'Tier 1'
  footfall role add 'second line' --permission ViewData --permission AlertsInvestigation

ViewData is what every question needs; AlertsInvestigation includes the tags of machines.")]
    Add {
        /// What people call it
        name: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// What it permits; may be repeated
        #[arg(long = "permission", value_name = "P", required = true, value_parser = permission)]
        permissions: Vec<RolePermission>,
        /// A user group that holds it, by name or id; may be repeated
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        /// Print JSON: id, name
        #[arg(long)]
        json: bool,
    },
    /// Change a role's name, description or permissions
    Change(ChangeRole),
    /// Remove a role
    Remove {
        /// The role: name or id
        role: String,
    },
    /// Give a role to a user group
    #[command(after_help = "Example:
  footfall role assign 'first line' 'Tier 1'
  footfall role assign 1 'Platform team'      # 1 is the built-in administrator role")]
    Assign {
        /// The role: name or id
        role: String,
        /// The user group: name or id
        group: String,
    },
    /// Take a role from a user group
    Unassign {
        /// The role: name or id
        role: String,
        /// The user group: name or id
        group: String,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  footfall role change 'first line' --permission ViewData --permission AlertsInvestigation")]
#[command(group = changes(&["name", "description", "permissions"]))]
pub(crate) struct ChangeRole {
    /// The role: name or id
    pub(crate) role: String,
    /// Its new name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// What it permits; may be repeated, and replaces what it did
    #[arg(long = "permission", value_name = "P", value_parser = permission)]
    pub(crate) permissions: Vec<RolePermission>,
}

fn permission(text: &str) -> Result<RolePermission, String> {
    RolePermission::parse(text).ok_or_else(|| {
        let known: Vec<_> = RolePermission::ALL.iter().map(|known| known.as_str()).collect();
        format!("known permissions are {}", known.join(", "))
    })
}
