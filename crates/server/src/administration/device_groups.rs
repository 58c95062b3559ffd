//! Device groups: rules, ranks and who sees them. After a change of rules or ranks machines follow
//! by [`regroup`](super::regroup), which the caller starts.

use inventory::access::device_group::{DeviceGroup, Rules};
use inventory::access::directory::{DeviceGroupSettings, Directory, Refused};
use inventory::access::scope::Scope;
use inventory::machine::Machine;

use super::{Administration, Error, shown};

/// Machines of a preview (defender-api.md §8.2).
pub const PREVIEW_MACHINES: usize = 10;

impl Administration<'_> {
    /// Adds a device group with the last rank. `access` are user groups by id or name that see its
    /// machines; none stands for everybody with a role.
    pub async fn add_device_group(
        &self,
        settings: DeviceGroupSettings,
        access: &[String],
    ) -> Result<DeviceGroup, Error> {
        let detail = format!("{} access {}", described(&settings), listed(access));
        let add = |directory: &mut Directory| {
            let id = directory.add_device_group(settings.clone(), self.now())?.to_string();
            directory.set_access(&id, access, self.now())?;
            Ok(directory.device_group(&id).cloned())
        };
        let (group, _) = self.change_directory("device-group.add", detail, add).await?;
        found(group, &settings.name)
    }

    /// The device group that a person means: by id or name.
    pub async fn device_group(&self, group: &str) -> Result<DeviceGroup, Error> {
        Ok(self.directory().await?.directory.known_device_group(group)?.clone())
    }

    /// Changes a device group, by id or name: `change` makes the new settings of the ones that are.
    pub async fn change_device_group(
        &self,
        group: &str,
        change: impl Fn(DeviceGroupSettings) -> DeviceGroupSettings + Send + Sync,
    ) -> Result<DeviceGroup, Error> {
        let kept = self.directory().await?.directory;
        let known = kept.device_group(group).map(DeviceGroup::settings);
        let said = known.map(|settings| described(&change(settings))).unwrap_or_default();
        let change = |directory: &mut Directory| {
            let known = directory.known_device_group(group)?.clone();
            let id = known.id.to_string();
            directory.change_device_group(&id, change(known.settings()), self.now())?;
            Ok(directory.device_group(&id).cloned())
        };
        let detail = format!("`{}` {said}", shown(group));
        let (changed, _) = self.change_directory("device-group.change", detail, change).await?;
        found(changed, group)
    }

    /// Removes a device group. Its machines go to the next group that matches them.
    pub async fn remove_device_group(&self, group: &str) -> Result<(), Error> {
        let remove = |directory: &mut Directory| directory.remove_device_group(group);
        let detail = format!("`{}`", shown(group));
        self.change_directory("device-group.remove", detail, remove).await.map(drop)
    }

    /// Gives a device group a rank, 1 being the best.
    pub async fn move_device_group(&self, group: &str, rank: usize) -> Result<(), Error> {
        let now = self.now();
        let move_it = |directory: &mut Directory| directory.move_device_group(group, rank, now);
        let detail = format!("`{}` to {rank}", shown(group));
        self.change_directory("device-group.move", detail, move_it).await.map(drop)
    }

    /// Sets who sees the machines of a device group, or with `0` of those in none.
    pub async fn set_access(&self, group: &str, user_groups: &[String]) -> Result<(), Error> {
        let now = self.now();
        let set = |directory: &mut Directory| directory.set_access(group, user_groups, now);
        let detail = format!("`{}` {}", shown(group), listed(user_groups));
        self.change_directory("device-group.access", detail, set).await.map(drop)
    }

    /// The first machines that rules would match; nothing is changed.
    pub async fn preview(&self, rules: &Rules) -> Result<Vec<Machine>, Error> {
        rules.check().map_err(Refused::from)?;
        let scope = Scope::whole(self.tenant());
        Ok(self.store.preview(&scope, rules, PREVIEW_MACHINES).await?)
    }
}

fn described(settings: &DeviceGroupSettings) -> String {
    // Rules of plain text alone, which always serialise.
    let rules = serde_json::to_string(&settings.rules).unwrap_or_default();
    format!("`{}` {rules}", shown(&settings.name))
}

fn listed(user_groups: &[String]) -> String {
    match user_groups {
        [] => "for everybody with a role".to_owned(),
        groups => format!("for `{}`", groups.join("` `")),
    }
}

fn found(group: Option<DeviceGroup>, name: &str) -> Result<DeviceGroup, Error> {
    group.ok_or_else(|| Error::Unknown { what: "device group", name: shown(name) })
}
