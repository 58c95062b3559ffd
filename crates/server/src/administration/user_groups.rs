//! User groups: people of a directory elsewhere, or this server's own operators.

use inventory::access::directory::{Directory, Refused, UserGroup};
use uuid::Uuid;

use super::{Administration, Error, shown};

/// Where a user group's members are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a directory elsewhere, whose tokens name the group by this text.
    Directory(String),
    /// Here.
    Local,
}

impl Administration<'_> {
    /// Adds a user group.
    pub async fn add_user_group(
        &self,
        origin: Origin,
        display_name: &str,
    ) -> Result<UserGroup, Error> {
        let local = Uuid::new_v4();
        let id = match &origin {
            Origin::Directory(id) => id.clone(),
            Origin::Local => local.to_string(),
        };
        let detail = format!("{} `{}`", shown(&id), shown(display_name));
        let add = |directory: &mut Directory| match &origin {
            Origin::Directory(id) => directory.add_directory_group(id, display_name),
            Origin::Local => directory.add_local_group(local, display_name),
        };
        let ((), directory) = self.change_directory("user-group.add", detail, add).await?;
        known(&directory, id.trim())
    }

    /// The user group that a person means: by id or name.
    pub async fn user_group(&self, group: &str) -> Result<UserGroup, Error> {
        known(&self.directory().await?.directory, group)
    }

    /// Gives a user group, by id or name, another name.
    pub async fn rename_user_group(&self, group: &str, name: &str) -> Result<UserGroup, Error> {
        let detail = format!("`{}` `{}`", shown(group), shown(name));
        let rename = |directory: &mut Directory| {
            let id = directory.user_group(group).map(|group| group.id.clone());
            directory.rename_user_group(group, name).map(|()| id.unwrap_or_default())
        };
        let (id, directory) = self.change_directory("user-group.rename", detail, rename).await?;
        known(&directory, &id)
    }

    /// Removes a user group from the directory, roles and access lists.
    pub async fn remove_user_group(&self, group: &str) -> Result<(), Error> {
        let detail = format!("`{}`", shown(group));
        let remove = |directory: &mut Directory| directory.remove_user_group(group);
        self.change_directory("user-group.remove", detail, remove).await.map(drop)
    }

    /// Puts an operator, by user name or id, into a local group.
    pub async fn add_member(&self, group: &str, operator: &str) -> Result<(), Error> {
        self.audited("user-group.member.add", member(group, operator), async {
            let id = self.operator(operator).await?.id;
            self.change(|directory| directory.add_member(group, id)).await.map(drop)
        })
        .await
    }

    /// Takes an operator, by user name or id, out of a local group.
    pub async fn remove_member(&self, group: &str, operator: &str) -> Result<(), Error> {
        self.audited("user-group.member.remove", member(group, operator), async {
            let id = self.operator(operator).await?.id;
            self.change(|directory| directory.remove_member(group, id)).await.map(drop)
        })
        .await
    }
}

fn member(group: &str, operator: &str) -> String {
    format!("`{}` `{}`", shown(group), shown(operator))
}

fn known(directory: &Directory, id: &str) -> Result<UserGroup, Error> {
    let unknown = || Refused::Unknown { what: "user group", name: shown(id) };
    Ok(directory.user_group(id).cloned().ok_or_else(unknown)?)
}
