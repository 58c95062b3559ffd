//! Changes of user groups.

use uuid::Uuid;

use super::refused::{USER_GROUP, check_room, checked_name, unknown};
use super::{Directory, MAX_MEMBERS, MAX_USER_GROUPS, Refused, UserGroup, is_same};
use crate::access::device_group::UNGROUPED_NAME;

impl Directory {
    /// Adds a group of a directory elsewhere. `id` is the text of tokens' `groups` that means it.
    pub fn add_directory_group(&mut self, id: &str, display_name: &str) -> Result<(), Refused> {
        self.add_user_group(id, display_name, None)
    }

    /// Adds a group of operators of this server; `id` is a new one.
    pub fn add_local_group(&mut self, id: Uuid, display_name: &str) -> Result<(), Refused> {
        self.add_user_group(&id.to_string(), display_name, Some(Vec::new()))
    }

    fn add_user_group(
        &mut self,
        id: &str,
        display_name: &str,
        members: Option<Vec<Uuid>>,
    ) -> Result<(), Refused> {
        let id = checked_name("id of a user group", id)?;
        let display_name = checked_name("name of a user group", display_name)?;
        for name in [&id, &display_name] {
            if self.user_group(name).is_some() {
                return Err(Refused::Taken { what: USER_GROUP, name: name.clone() });
            }
        }
        check_room("user groups", self.user_groups.len(), MAX_USER_GROUPS)?;
        self.user_groups.push(UserGroup { id, display_name, members });
        Ok(())
    }

    /// Gives a user group another name.
    pub fn rename_user_group(&mut self, group: &str, display_name: &str) -> Result<(), Refused> {
        let index = self.user_group_index(group)?;
        let display_name = checked_name("name of a user group", display_name)?;
        let other =
            self.user_group(&display_name).filter(|other| **other != self.user_groups[index]);
        if other.is_some() {
            return Err(Refused::Taken { what: USER_GROUP, name: display_name });
        }
        self.user_groups[index].display_name = display_name;
        Ok(())
    }

    /// Removes a user group, and from roles and access lists with it.
    pub fn remove_user_group(&mut self, group: &str) -> Result<(), Refused> {
        let index = self.user_group_index(group)?;
        let UserGroup { id, display_name, .. } = self.user_groups[index].clone();
        // An access list that runs empty would open its group to everybody.
        if let Some(name) = self.access_lists().find_map(|(name, list)| match list {
            [only] if is_same(only, &id) => Some(name.to_owned()),
            _ => None,
        }) {
            return Err(Refused::LastAccess { group: display_name, device_group: name });
        }
        let lists = self.device_groups.iter_mut().map(|group| &mut group.access);
        let roles = self.roles.iter_mut().map(|role| &mut role.user_groups);
        for list in lists.chain(roles).chain([&mut self.ungrouped_access]) {
            list.retain(|other| !is_same(other, &id));
        }
        self.user_groups.remove(index);
        Ok(())
    }

    /// Puts an operator into a local group; one who is in it stays.
    pub fn add_member(&mut self, group: &str, operator: Uuid) -> Result<(), Refused> {
        let (_, members) = self.members(group)?;
        if members.contains(&operator) {
            return Ok(());
        }
        check_room("members of the group", members.len(), MAX_MEMBERS)?;
        members.push(operator);
        Ok(())
    }

    /// Takes an operator out of a local group.
    pub fn remove_member(&mut self, group: &str, operator: Uuid) -> Result<(), Refused> {
        let (group, members) = self.members(group)?;
        match members.iter().position(|member| *member == operator) {
            Some(index) => {
                members.remove(index);
                Ok(())
            }
            None => Err(Refused::NoMember { group, operator }),
        }
    }

    /// Takes an operator out of every local group: they are to be no more.
    pub fn forget_operator(&mut self, operator: Uuid) {
        for members in self.user_groups.iter_mut().filter_map(|group| group.members.as_mut()) {
            members.retain(|member| *member != operator);
        }
    }

    /// The name and members of a local group.
    fn members(&mut self, group: &str) -> Result<(String, &mut Vec<Uuid>), Refused> {
        let index = self.user_group_index(group)?;
        let group = &mut self.user_groups[index];
        let name = group.display_name.clone();
        match &mut group.members {
            Some(members) => Ok((name, members)),
            None => Err(Refused::NotLocal { group: name }),
        }
    }

    fn user_group_index(&self, group: &str) -> Result<usize, Refused> {
        let id = self.known_user_group(group)?.id.as_str();
        let index = self.user_groups.iter().position(|known| known.id == id);
        index.ok_or_else(|| unknown(USER_GROUP, group))
    }

    pub(super) fn known_user_group(&self, group: &str) -> Result<&UserGroup, Refused> {
        self.user_group(group).ok_or_else(|| unknown(USER_GROUP, group))
    }

    /// Every access list with the name of its device group.
    pub(super) fn access_lists(&self) -> impl Iterator<Item = (&str, &[String])> {
        let groups = self.device_groups.iter();
        groups
            .map(|group| (group.name.as_str(), group.access.as_slice()))
            .chain([(UNGROUPED_NAME, self.ungrouped_access.as_slice())])
    }
}
