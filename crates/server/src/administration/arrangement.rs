//! Device groups with rules, access list and rank in one change: nobody ever sees what lies between,
//! such as a group that is open until its access list is set, and what is refused changes nothing.

use inventory::access::device_group::{DeviceGroup, Rules};
use inventory::access::directory::{DeviceGroupSettings, Directory, Refused};

use super::{Administration, Error, shown};

/// What is to be different about a device group; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrangement {
    /// Its name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Which machines are in it.
    pub rules: Option<Rules>,
    /// The user groups that see its machines, by id or name; none stands for everybody with a role.
    pub access: Option<Vec<String>>,
    /// Its rank, 1 being the best.
    pub rank: Option<usize>,
}

impl Administration<'_> {
    /// Adds a device group with an access list and a rank; without one it gets the last.
    pub async fn add_arranged_group(
        &self,
        settings: DeviceGroupSettings,
        access: &[String],
        rank: Option<usize>,
    ) -> Result<DeviceGroup, Error> {
        let said = Arrangement {
            name: Some(settings.name.clone()),
            rules: Some(settings.rules.clone()),
            access: Some(access.to_vec()),
            rank,
            description: None,
        };
        let add = |directory: &mut Directory| {
            let id = directory.add_device_group(settings.clone(), self.now())?;
            directory.set_access(&id.to_string(), access, self.now())?;
            self.settle(directory, id, rank)
        };
        let added = self.change_directory("device-group.add", described(&said), add).await?;
        Ok(added.0)
    }

    /// Changes a device group, by id or name.
    pub async fn arrange_device_group(
        &self,
        group: &str,
        change: Arrangement,
    ) -> Result<DeviceGroup, Error> {
        let arrange = |directory: &mut Directory| {
            let known = directory.device_group(group).ok_or_else(|| unknown(group))?;
            let (id, mut settings) = (known.id, known.settings());
            settings.name = change.name.clone().unwrap_or(settings.name);
            settings.description = change.description.clone().unwrap_or(settings.description);
            settings.rules = change.rules.clone().unwrap_or(settings.rules);
            directory.change_device_group(&id.to_string(), settings, self.now())?;
            if let Some(access) = &change.access {
                directory.set_access(&id.to_string(), access, self.now())?;
            }
            self.settle(directory, id, change.rank)
        };
        let detail = format!("`{}` {}", shown(group), described(&change));
        Ok(self.change_directory("device-group.change", detail, arrange).await?.0)
    }

    fn settle(
        &self,
        directory: &mut Directory,
        id: i32,
        rank: Option<usize>,
    ) -> Result<DeviceGroup, Refused> {
        let id = id.to_string();
        if let Some(rank) = rank {
            directory.move_device_group(&id, rank, self.now())?;
        }
        directory.device_group(&id).cloned().ok_or_else(|| unknown(&id))
    }
}

fn unknown(group: &str) -> Refused {
    Refused::Unknown { what: "device group", name: shown(group) }
}

/// What a change says, for the audit.
fn described(change: &Arrangement) -> String {
    let mut words = Vec::new();
    if let Some(name) = &change.name {
        words.push(format!("`{}`", shown(name)));
    }
    if change.description.is_some() {
        words.push("description".to_owned());
    }
    if let Some(rules) = &change.rules {
        // Rules of plain text alone, which always serialise.
        words.push(serde_json::to_string(rules).unwrap_or_default());
    }
    match change.access.as_deref() {
        Some([]) => words.push("for everybody with a role".to_owned()),
        Some(groups) => words.push(format!("for `{}`", groups.join("` `"))),
        None => {}
    }
    if let Some(rank) = change.rank {
        words.push(format!("rank {rank}"));
    }
    words.join(" ")
}
