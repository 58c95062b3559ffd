//! Who may see what in a tenant: user groups, roles and device groups, as one value.
//!
//! A directory is small (at most 2,000 device groups), is read whole for each decision and changes
//! seldom. So it is kept and replaced as a whole: every change is a pure function of the directory
//! before it, which refuses what must not be, and the store takes the result if nobody else was
//! faster.

mod access;
mod device_groups;
mod refused;
mod roles;
#[cfg(test)]
mod tests;
mod user_groups;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::device_groups::DeviceGroupSettings;
pub use self::refused::{Fault, Refused};
pub use self::roles::RoleSettings;
use super::device_group::DeviceGroup;
use super::scope::Groups;

/// Roles of a tenant at most, the built-in one among them.
pub const MAX_ROLES: usize = 500;
/// User groups of a tenant at most.
pub const MAX_USER_GROUPS: usize = 2_000;
/// Operators in a local group at most.
pub const MAX_MEMBERS: usize = 10_000;
/// Characters of a description at most.
pub const MAX_DESCRIPTION_CHARS: usize = 1_000;

/// A permission that a role holds (defender-api.md §8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum RolePermission {
    /// See devices, users and alerts: what every read of the API needs.
    ViewData,
    ViewDataVulnerabilityManagement,
    ActiveRemediation,
    ActiveRemediationExceptions,
    ActiveRemediationRemediation,
    ActiveRemediationApplications,
    SecurityBaselines,
    /// Includes managing tags of devices.
    AlertsInvestigation,
    ManageSecuritySettings,
    LiveResponseBasic,
    LiveResponseAdvanced,
    /// The administrator role's alone.
    ManagePortalSettings,
}

/// A group of people: of a directory elsewhere, or of this server's own operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserGroup {
    /// For a directory's group the text that tokens hold in `groups` (an object id, or a name);
    /// for a local one a GUID. Unique without regard to case.
    pub id: String,
    /// What people call it.
    pub display_name: String,
    /// The operators in it, for a local group; `None` for a directory's, whose members the tokens
    /// tell.
    pub members: Option<Vec<Uuid>>,
}

/// A role and who holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Its id, never given again; [`ADMINISTRATOR_ROLE`] for the built-in one.
    pub id: i32,
    /// Its name; unique without regard to case.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What it permits.
    pub permissions: Vec<RolePermission>,
    /// The user groups that hold it, by id.
    pub user_groups: Vec<String>,
}

/// The built-in role: all permissions, all devices whatever their group.
pub const ADMINISTRATOR_ROLE: i32 = 1;

/// Roles, user groups and device groups of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Directory {
    /// Role-based access is on: it is switched on by the first role, and never off again (§8.1).
    pub role_based: bool,
    /// The built-in role first.
    pub roles: Vec<Role>,
    /// User groups by id.
    pub user_groups: Vec<UserGroup>,
    /// Device groups in the order of their rank, the best first.
    pub device_groups: Vec<DeviceGroup>,
    /// The user groups that may see machines of no group; none stands for everyone with a role.
    pub ungrouped_access: Vec<String>,
    /// The next id for a role.
    pub next_role: i32,
    /// The next id for a device group.
    pub next_device_group: i32,
}

/// A person as a token shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// Their id, where they are an operator of this server.
    pub operator: Option<Uuid>,
    /// They are an operator who is an administrator.
    pub is_administrator: bool,
    /// The texts of the token's `groups`; empty for operators, whose groups the directory knows.
    pub groups: Vec<String>,
    /// The token's `wids`: roles of Entra ID by template id (§7.4).
    pub wids: Vec<Uuid>,
}

/// What a person may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The permissions of all their roles, rising and each once.
    pub permissions: Vec<RolePermission>,
    /// The device groups whose machines they may see; none without [`RolePermission::ViewData`].
    pub groups: Groups,
}

impl Default for Directory {
    /// The directory of a new tenant: the built-in role, held by nobody but administrators.
    fn default() -> Self {
        Self {
            role_based: false,
            roles: vec![Role {
                id: ADMINISTRATOR_ROLE,
                name: "Defender for Endpoint administrator (default)".to_owned(),
                description: "All permissions, on all devices".to_owned(),
                permissions: Vec::new(),
                user_groups: Vec::new(),
            }],
            user_groups: Vec::new(),
            device_groups: Vec::new(),
            ungrouped_access: Vec::new(),
            next_role: ADMINISTRATOR_ROLE + 1,
            next_device_group: 1,
        }
    }
}

impl RolePermission {
    /// Every permission, in order.
    pub const ALL: &'static [RolePermission] = &[
        RolePermission::ViewData,
        RolePermission::ViewDataVulnerabilityManagement,
        RolePermission::ActiveRemediation,
        RolePermission::ActiveRemediationExceptions,
        RolePermission::ActiveRemediationRemediation,
        RolePermission::ActiveRemediationApplications,
        RolePermission::SecurityBaselines,
        RolePermission::AlertsInvestigation,
        RolePermission::ManageSecuritySettings,
        RolePermission::LiveResponseBasic,
        RolePermission::LiveResponseAdvanced,
        RolePermission::ManagePortalSettings,
    ];

    /// Its name, the same as in the directory's document.
    pub fn as_str(self) -> &'static str {
        match self {
            RolePermission::ViewData => "ViewData",
            RolePermission::ViewDataVulnerabilityManagement => "ViewDataVulnerabilityManagement",
            RolePermission::ActiveRemediation => "ActiveRemediation",
            RolePermission::ActiveRemediationExceptions => "ActiveRemediationExceptions",
            RolePermission::ActiveRemediationRemediation => "ActiveRemediationRemediation",
            RolePermission::ActiveRemediationApplications => "ActiveRemediationApplications",
            RolePermission::SecurityBaselines => "SecurityBaselines",
            RolePermission::AlertsInvestigation => "AlertsInvestigation",
            RolePermission::ManageSecuritySettings => "ManageSecuritySettings",
            RolePermission::LiveResponseBasic => "LiveResponseBasic",
            RolePermission::LiveResponseAdvanced => "LiveResponseAdvanced",
            RolePermission::ManagePortalSettings => "ManagePortalSettings",
        }
    }

    /// Reads its name in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.as_str().eq_ignore_ascii_case(text))
    }
}

impl Access {
    /// Whether one of the person's roles permits something.
    pub fn permits(&self, permission: RolePermission) -> bool {
        self.permissions.binary_search(&permission).is_ok()
    }
}

impl Directory {
    /// The user group that a person means: by id, or else by name.
    pub fn user_group(&self, text: &str) -> Option<&UserGroup> {
        let by = |field: fn(&UserGroup) -> &str| {
            self.user_groups.iter().find(|group| is_same(field(group), text))
        };
        by(|group| &group.id).or_else(|| by(|group| &group.display_name))
    }

    /// The role that a person means: by id, or else by name.
    pub fn role(&self, text: &str) -> Option<&Role> {
        let by_id = self.roles.iter().find(|role| is_number(role.id, text));
        by_id.or_else(|| self.roles.iter().find(|role| is_same(&role.name, text)))
    }

    /// The device group that a person means: by id, or else by name.
    pub fn device_group(&self, text: &str) -> Option<&DeviceGroup> {
        let by_id = self.device_groups.iter().find(|group| is_number(group.id, text));
        by_id.or_else(|| self.device_groups.iter().find(|group| is_same(&group.name, text)))
    }
}

fn is_number(id: i32, text: &str) -> bool {
    text.trim().parse() == Ok(id)
}

/// Whether two names or ids are one.
fn is_same(one: &str, other: &str) -> bool {
    crate::fold(one) == crate::fold(other)
}
