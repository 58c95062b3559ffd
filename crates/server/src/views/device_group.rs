//! Device groups on the wire.

use std::collections::HashMap;

use inventory::access::device_group::{self as domain, AutomationLevel, UNGROUPED, UNGROUPED_NAME};
use inventory::access::directory::Directory;
use inventory::time::Timestamp;
use serde::Serialize;
use store::GroupCount;

use super::optional_text;
use crate::query::Entity;

/// A device group: the ten keys of the EDM in its order (defender-api.md §12).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceGroup {
    id: i32,
    /// 1 is the best.
    priority: i32,
    device_group_name: String,
    is_unassigned_device_group: bool,
    automation_level: AutomationLevel,
    description: String,
    device_count: i32,
    #[serde(serialize_with = "optional_text")]
    last_update_time: Option<Timestamp>,
    aad_users_groups: Vec<AadUsersGroup>,
    device_group_rules: domain::Rules,
}

/// A user group that may see the machines; none stands for everybody with a role.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AadUsersGroup {
    display_name: Option<String>,
    id: String,
}

impl Entity for DeviceGroup {
    const TYPE: &'static str = "DeviceGroup";
    const SET: &'static str = "DeviceGroups";
    const PROPERTIES: &'static [&'static str] = &[
        "id",
        "priority",
        "deviceGroupName",
        "isUnassignedDeviceGroup",
        "automationLevel",
        "description",
        "deviceCount",
        "lastUpdateTime",
        "aadUsersGroups",
        "deviceGroupRules",
    ];
}

impl DeviceGroup {
    /// All groups of a directory by rank, the one of all other machines last. That one has no level of
    /// its own, so it shows the one that new groups begin with.
    pub fn all(directory: Directory, counts: &[GroupCount]) -> Vec<Self> {
        let Directory { user_groups, device_groups, ungrouped_access, .. } = directory;
        let names: HashMap<_, _> =
            user_groups.into_iter().map(|group| (group.id, group.display_name)).collect();
        let counts: HashMap<_, _> =
            counts.iter().map(|count| (count.group, count.machines)).collect();
        let access = |ids: Vec<String>| {
            let named = |id| AadUsersGroup { display_name: names.get(&id).cloned(), id };
            ids.into_iter().map(named).collect()
        };
        let count = |id: i32| int32(counts.get(&id).copied().unwrap_or(0));
        let last = Self {
            id: UNGROUPED,
            priority: int32(device_groups.len() as u64 + 1),
            device_group_name: UNGROUPED_NAME.to_owned(),
            is_unassigned_device_group: true,
            automation_level: AutomationLevel::default(),
            description: String::new(),
            device_count: count(UNGROUPED),
            last_update_time: None,
            aad_users_groups: access(ungrouped_access),
            device_group_rules: domain::Rules::default(),
        };
        let groups = (1..).zip(device_groups).map(|(priority, group)| Self {
            id: group.id,
            priority,
            is_unassigned_device_group: false,
            automation_level: group.automation_level,
            device_count: count(group.id),
            last_update_time: Some(group.changed_at()),
            device_group_name: group.name,
            description: group.description,
            aad_users_groups: access(group.access),
            device_group_rules: group.rules,
        });
        groups.chain([last]).collect()
    }

    /// Its id; 0 is the group of all other machines.
    pub fn id(&self) -> i32 {
        self.id
    }
}

/// As the EDM counts, which ends where no tenant comes.
fn int32(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
