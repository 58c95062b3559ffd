//! What a person may see and do (defender-api.md §8).

use std::collections::HashSet;

use uuid::{Uuid, uuid};

use super::{ADMINISTRATOR_ROLE, Access, Directory, Holder, RolePermission, UserGroup};
use crate::access::device_group::UNGROUPED;
use crate::access::scope::Groups;
use crate::fold;

/// Roles of Entra ID that are administrators here, with and without role-based access (§8.1): Global
/// and Security Administrator.
const ADMINISTRATORS: &[Uuid] =
    &[uuid!("62e90394-69f5-4237-9190-012177145e10"), uuid!("194ae4cb-b126-40b2-bd5b-6091b380977d")];
/// Roles of Entra ID that may read everything until role-based access is on: Security and Global
/// Reader.
const READERS: &[Uuid] =
    &[uuid!("5d6b6bb7-de71-4623-b4af-96380a352509"), uuid!("f2ef992c-3afb-46b9-b7cf-a126ee74c451")];

impl Directory {
    /// What a person may (§8.1, §8.3).
    pub fn access(&self, holder: &Holder) -> Access {
        let held = self.groups_of(holder);
        let has_any = |wids: &[Uuid]| holder.wids.iter().any(|id| wids.contains(id));
        if holder.is_administrator || has_any(ADMINISTRATORS) || self.administers(&held) {
            return Access { permissions: RolePermission::ALL.to_vec(), groups: Groups::All };
        }
        if !self.role_based && has_any(READERS) {
            return Access { permissions: vec![RolePermission::ViewData], groups: Groups::All };
        }
        let roles = self.roles.iter().filter(|role| any_in(&role.user_groups, &held));
        let mut permissions: Vec<_> =
            roles.flat_map(|role| role.permissions.iter().copied()).collect();
        permissions.sort_unstable();
        permissions.dedup();
        let groups = match permissions.contains(&RolePermission::ViewData) {
            true => self.visible(&held),
            false => Groups::only([]),
        };
        Access { permissions, groups }
    }

    fn administers(&self, held: &HashSet<String>) -> bool {
        let built_in = self.roles.iter().filter(|role| role.id == ADMINISTRATOR_ROLE);
        built_in.into_iter().any(|role| any_in(&role.user_groups, held))
    }

    /// The user groups that a person is in, by folded id.
    fn groups_of(&self, holder: &Holder) -> HashSet<String> {
        let told: HashSet<_> = holder.groups.iter().map(|text| fold(text)).collect();
        let is_in = |group: &UserGroup, id: &String| match &group.members {
            Some(members) => holder.operator.is_some_and(|operator| members.contains(&operator)),
            // Local groups have no text by which a token could name them.
            None => told.contains(id),
        };
        let by_id = self.user_groups.iter().map(|group| (fold(&group.id), group));
        by_id.filter(|(id, group)| is_in(group, id)).map(|(id, _)| id).collect()
    }

    /// The device groups that someone who may view data sees.
    fn visible(&self, held: &HashSet<String>) -> Groups {
        // Nobody in the list means everybody with a role (§8.2).
        let is_open_to = |list: &[String]| list.is_empty() || any_in(list, held);
        let groups = self.device_groups.iter().filter(|group| is_open_to(&group.access));
        let ungrouped = is_open_to(&self.ungrouped_access).then_some(UNGROUPED);
        Groups::only(groups.map(|group| group.id).chain(ungrouped))
    }
}

fn any_in(ids: &[String], held: &HashSet<String>) -> bool {
    ids.iter().any(|id| held.contains(&fold(id)))
}
