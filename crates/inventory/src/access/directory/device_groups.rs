//! Changes of device groups, their ranks and access lists.

use serde::{Deserialize, Serialize};

use super::refused::{DEVICE_GROUP, check_room, checked_description, checked_name, unknown};
use super::{Directory, Refused, is_number, is_same};
use crate::access::device_group::{
    self, AutomationLevel, DeviceGroup, MAX_GROUPS, MAX_VALUES_BYTES, Rules, UNGROUPED,
    UNGROUPED_NAME,
};
use crate::time::Timestamp;

/// What a person says of a device group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceGroupSettings {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// How far automation may go.
    #[serde(default)]
    pub automation_level: AutomationLevel,
    /// Which machines are in it.
    #[serde(default)]
    pub rules: Rules,
}

impl DeviceGroup {
    /// What a person can say of it, as it is.
    pub fn settings(&self) -> DeviceGroupSettings {
        DeviceGroupSettings {
            name: self.name.clone(),
            description: self.description.clone(),
            automation_level: self.automation_level,
            rules: self.rules.clone(),
        }
    }
}

impl Directory {
    /// Adds a device group with the last rank, open to everybody with a role; the result is its id.
    pub fn add_device_group(
        &mut self,
        settings: DeviceGroupSettings,
        now: Timestamp,
    ) -> Result<i32, Refused> {
        let settings = self.checked_device_group(settings, None)?;
        check_room("device groups", self.device_groups.len(), MAX_GROUPS)?;
        let id = self.next_device_group;
        let full = Refused::TooMany { what: "device groups", most: i32::MAX as usize };
        let next = id.checked_add(1).ok_or(full)?;
        self.device_groups.push(DeviceGroup {
            id,
            name: settings.name,
            description: settings.description,
            automation_level: settings.automation_level,
            rules: settings.rules,
            access: Vec::new(),
            changed: now.ticks(),
        });
        self.check_rules_size().inspect_err(|_| drop(self.device_groups.pop()))?;
        self.next_device_group = next;
        Ok(id)
    }

    /// Changes a device group.
    pub fn change_device_group(
        &mut self,
        group: &str,
        settings: DeviceGroupSettings,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let index = self.device_group_index(group)?;
        let before = self.device_groups[index].clone();
        let settings = self.checked_device_group(settings, Some(before.id))?;
        let group = &mut self.device_groups[index];
        group.name = settings.name;
        group.description = settings.description;
        group.automation_level = settings.automation_level;
        group.rules = settings.rules;
        group.changed = now.ticks();
        self.check_rules_size().inspect_err(|_| self.device_groups[index] = before)
    }

    /// Removes a device group. Its machines go to the next group that matches them.
    pub fn remove_device_group(&mut self, group: &str) -> Result<(), Refused> {
        let index = self.device_group_index(group)?;
        self.device_groups.remove(index);
        Ok(())
    }

    /// Gives a device group a rank, 1 being the best; others make room.
    pub fn move_device_group(
        &mut self,
        group: &str,
        rank: usize,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let index = self.device_group_index(group)?;
        let last = self.device_groups.len();
        if rank == 0 || rank > last {
            return Err(Refused::Rank { rank, last });
        }
        let mut group = self.device_groups.remove(index);
        group.changed = now.ticks();
        self.device_groups.insert(rank - 1, group);
        Ok(())
    }

    /// Sets which user groups see the machines of a device group, or with `0` of those in none. An
    /// empty list stands for everybody with a role.
    pub fn set_access(
        &mut self,
        group: &str,
        user_groups: &[String],
        now: Timestamp,
    ) -> Result<(), Refused> {
        let mut ids: Vec<String> = Vec::new();
        for text in user_groups {
            let known = self.known_user_group(text)?;
            if !self.holds_role(&known.id) {
                return Err(Refused::NoRole { group: known.display_name.clone() });
            }
            if !ids.contains(&known.id) {
                ids.push(known.id.clone());
            }
        }
        if is_ungrouped(group) {
            self.ungrouped_access = ids;
            return Ok(());
        }
        let index = self.device_group_index(group)?;
        self.device_groups[index].access = ids;
        self.device_groups[index].changed = now.ticks();
        Ok(())
    }

    /// The device group that a person means, which is not the one of all other machines.
    pub fn known_device_group(&self, group: &str) -> Result<&DeviceGroup, Refused> {
        self.device_group(group).ok_or_else(|| match is_ungrouped(group) {
            true => Refused::Ungrouped,
            false => unknown(DEVICE_GROUP, group),
        })
    }

    fn checked_device_group(
        &self,
        settings: DeviceGroupSettings,
        own: Option<i32>,
    ) -> Result<DeviceGroupSettings, Refused> {
        let name = checked_name("name of a device group", &settings.name)?;
        let description = checked_description(&settings.description)?;
        settings.rules.check()?;
        let others = self.device_groups.iter().filter(|group| Some(group.id) != own);
        let mut taken = others.map(|group| group.name.as_str()).chain([UNGROUPED_NAME]);
        if taken.any(|other| is_same(other, &name)) {
            return Err(Refused::Taken { what: DEVICE_GROUP, name });
        }
        Ok(DeviceGroupSettings { name, description, ..settings })
    }

    fn check_rules_size(&self) -> Result<(), Refused> {
        match device_group::bytes(&self.device_groups) {
            bytes if bytes > MAX_VALUES_BYTES => Err(Refused::RulesTooLong),
            _ => Ok(()),
        }
    }

    fn device_group_index(&self, group: &str) -> Result<usize, Refused> {
        let id = self.known_device_group(group)?.id;
        let index = self.device_groups.iter().position(|group| group.id == id);
        index.ok_or_else(|| unknown(DEVICE_GROUP, group))
    }
}

/// Whether the machines of no group are meant.
fn is_ungrouped(group: &str) -> bool {
    is_number(UNGROUPED, group) || is_same(group, UNGROUPED_NAME)
}
