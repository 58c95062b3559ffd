//! Roles and the user groups that hold them.

use inventory::access::directory::{Directory, Refused, Role, RoleSettings};

use super::{Administration, Error, shown};

impl Administration<'_> {
    /// Adds a role and gives it to user groups, by id or name. The first role of a tenant switches
    /// role-based access on for good.
    pub async fn add_role(
        &self,
        settings: RoleSettings,
        user_groups: &[String],
    ) -> Result<Role, Error> {
        let detail = described(&settings, user_groups);
        let add = |directory: &mut Directory| {
            let id = directory.add_role(settings.clone())?.to_string();
            user_groups.iter().try_for_each(|group| directory.assign(&id, group))?;
            Ok(directory.role(&id).cloned())
        };
        let (role, _) = self.change_directory("role.add", detail, add).await?;
        found(role, &settings.name)
    }

    /// The role that a person means: by id or name.
    pub async fn role(&self, role: &str) -> Result<Role, Error> {
        found(self.directory().await?.directory.role(role).cloned(), role)
    }

    /// Changes a role, by id or name: `change` makes the new settings of the ones that are.
    pub async fn change_role(
        &self,
        role: &str,
        change: impl Fn(RoleSettings) -> RoleSettings + Send + Sync,
    ) -> Result<Role, Error> {
        let known = self.directory().await?.directory.role(role).map(Role::settings);
        let said = known.map(|settings| described(&change(settings), &[])).unwrap_or_default();
        let change = |directory: &mut Directory| {
            let known = directory.role(role).cloned();
            let unknown = || Refused::Unknown { what: "role", name: shown(role) };
            let known = known.ok_or_else(unknown)?;
            let id = known.id.to_string();
            directory.change_role(&id, change(known.settings()))?;
            Ok(directory.role(&id).cloned())
        };
        let detail = format!("`{}` {said}", shown(role));
        let (changed, _) = self.change_directory("role.change", detail, change).await?;
        found(changed, role)
    }

    /// Removes a role.
    pub async fn remove_role(&self, role: &str) -> Result<(), Error> {
        let remove = |directory: &mut Directory| directory.remove_role(role);
        let detail = format!("`{}`", shown(role));
        self.change_directory("role.remove", detail, remove).await.map(drop)
    }

    /// Gives a role to a user group.
    pub async fn assign(&self, role: &str, group: &str) -> Result<(), Error> {
        let assign = |directory: &mut Directory| directory.assign(role, group);
        let detail = format!("`{}` to `{}`", shown(role), shown(group));
        self.change_directory("role.assign", detail, assign).await.map(drop)
    }

    /// Takes a role from a user group.
    pub async fn unassign(&self, role: &str, group: &str) -> Result<(), Error> {
        let unassign = |directory: &mut Directory| directory.unassign(role, group);
        let detail = format!("`{}` from `{}`", shown(role), shown(group));
        self.change_directory("role.unassign", detail, unassign).await.map(drop)
    }
}

fn described(settings: &RoleSettings, user_groups: &[String]) -> String {
    let names: Vec<_> = settings.permissions.iter().map(|one| one.as_str()).collect();
    let mut text = format!("`{}` {}", shown(&settings.name), names.join(" "));
    if !user_groups.is_empty() {
        text += &format!(" to `{}`", user_groups.join("` `"));
    }
    text
}

fn found(role: Option<Role>, name: &str) -> Result<Role, Error> {
    role.ok_or_else(|| Error::Unknown { what: "role", name: shown(name) })
}
