//! Changes of roles.

use serde::{Deserialize, Serialize};

use super::refused::{ROLE, check_room, checked_description, checked_name, unknown};
use super::{
    ADMINISTRATOR_ROLE, Directory, MAX_ROLES, Refused, Role, RolePermission, UserGroup, is_same,
};

/// What a person says of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleSettings {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What it permits.
    pub permissions: Vec<RolePermission>,
}

impl Role {
    /// What it permits: the built-in one everything, which is kept nowhere.
    pub fn permits(&self) -> &[RolePermission] {
        if self.id == ADMINISTRATOR_ROLE { RolePermission::ALL } else { &self.permissions }
    }

    /// What a person can say of it, as it is.
    pub fn settings(&self) -> RoleSettings {
        RoleSettings {
            name: self.name.clone(),
            description: self.description.clone(),
            permissions: self.permissions.clone(),
        }
    }
}

impl Directory {
    /// Adds a role that nobody holds yet; the result is its id. The first one switches role-based
    /// access on, for good (§8.1).
    pub fn add_role(&mut self, settings: RoleSettings) -> Result<i32, Refused> {
        let settings = self.checked_role(settings, None)?;
        check_room("roles", self.roles.len(), MAX_ROLES)?;
        let id = self.next_role;
        let full = Refused::TooMany { what: "roles", most: i32::MAX as usize };
        self.next_role = id.checked_add(1).ok_or(full)?;
        let RoleSettings { name, description, permissions } = settings;
        self.roles.push(Role { id, name, description, permissions, user_groups: Vec::new() });
        self.role_based = true;
        Ok(id)
    }

    /// Changes a role.
    pub fn change_role(&mut self, role: &str, settings: RoleSettings) -> Result<(), Refused> {
        let index = self.role_index(role)?;
        let id = self.roles[index].id;
        if id == ADMINISTRATOR_ROLE {
            return Err(Refused::BuiltInRole);
        }
        let settings = self.checked_role(settings, Some(id))?;
        let role = &mut self.roles[index];
        role.name = settings.name;
        role.description = settings.description;
        role.permissions = settings.permissions;
        Ok(())
    }

    /// Removes a role. Role-based access stays on.
    pub fn remove_role(&mut self, role: &str) -> Result<(), Refused> {
        let index = self.role_index(role)?;
        let Role { id, user_groups, .. } = self.roles[index].clone();
        if id == ADMINISTRATOR_ROLE {
            return Err(Refused::BuiltInRole);
        }
        for group in &user_groups {
            self.check_role_remains(id, group)?;
        }
        self.roles.remove(index);
        Ok(())
    }

    /// Gives a role, the built-in one too, to a user group; one that holds it keeps it.
    pub fn assign(&mut self, role: &str, group: &str) -> Result<(), Refused> {
        let index = self.role_index(role)?;
        let id = self.known_user_group(group)?.id.clone();
        let holders = &mut self.roles[index].user_groups;
        if !holders.iter().any(|holder| is_same(holder, &id)) {
            holders.push(id);
        }
        Ok(())
    }

    /// Takes a role from a user group.
    pub fn unassign(&mut self, role: &str, group: &str) -> Result<(), Refused> {
        let index = self.role_index(role)?;
        let UserGroup { id, display_name, .. } = self.known_user_group(group)?.clone();
        let Role { id: role, name, user_groups, .. } = &self.roles[index];
        let Some(at) = user_groups.iter().position(|holder| is_same(holder, &id)) else {
            return Err(Refused::NotAssigned { role: name.clone(), group: display_name });
        };
        self.check_role_remains(*role, &id)?;
        self.roles[index].user_groups.remove(at);
        Ok(())
    }

    /// Whether a user group, by its id, holds a role.
    pub(super) fn holds_role(&self, group: &str) -> bool {
        self.roles.iter().any(|role| role.is_held_by(group))
    }

    /// Refuses to take a role from a user group that would hold no other but has access to a device
    /// group: access is for those who hold a role (§8.2).
    fn check_role_remains(&self, role: i32, group: &str) -> Result<(), Refused> {
        if self.roles.iter().any(|other| other.id != role && other.is_held_by(group)) {
            return Ok(());
        }
        let has_access = |list: &[String]| list.iter().any(|id| is_same(id, group));
        match self.access_lists().find(|(_, list)| has_access(list)) {
            None => Ok(()),
            Some((device_group, _)) => Err(Refused::LastRole {
                group: self.known_user_group(group)?.display_name.clone(),
                device_group: device_group.to_owned(),
            }),
        }
    }

    fn checked_role(
        &self,
        settings: RoleSettings,
        own: Option<i32>,
    ) -> Result<RoleSettings, Refused> {
        let name = checked_name("name of a role", &settings.name)?;
        let description = checked_description(&settings.description)?;
        let mut permissions = settings.permissions;
        permissions.sort_unstable();
        permissions.dedup();
        if permissions.is_empty() {
            return Err(Refused::NoPermission);
        }
        if permissions.contains(&RolePermission::ManagePortalSettings) {
            return Err(Refused::AdministratorsOnly);
        }
        if self.roles.iter().any(|role| Some(role.id) != own && is_same(&role.name, &name)) {
            return Err(Refused::Taken { what: ROLE, name });
        }
        Ok(RoleSettings { name, description, permissions })
    }

    fn role_index(&self, role: &str) -> Result<usize, Refused> {
        let id = self.role(role).ok_or_else(|| unknown(ROLE, role))?.id;
        let index = self.roles.iter().position(|role| role.id == id);
        index.ok_or_else(|| unknown(ROLE, role))
    }
}

impl Role {
    fn is_held_by(&self, group: &str) -> bool {
        self.user_groups.iter().any(|holder| is_same(holder, group))
    }
}
