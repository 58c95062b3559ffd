//! Device groups as they are shown.

use std::collections::HashMap;

use anyhow::anyhow;
use comfy_table::Table;
use inventory::access::device_group::{DeviceGroup, UNGROUPED, UNGROUPED_NAME};
use inventory::access::directory::Directory;
use inventory::machine::Machine;
use serde_json::{Value, json};
use server::administration::Error;

use super::rules;
use crate::groups;
use crate::output;
use crate::place::Place;

/// The directory, and how many machines each device group has.
struct Listed {
    directory: Directory,
    machines: HashMap<i32, u64>,
}

impl Listed {
    async fn read(place: &Place) -> anyhow::Result<Self> {
        let tenant = place.tenant.number;
        let directory = place.store.directory(tenant).await?.directory;
        let counts = place.store.group_counts(tenant).await?;
        let machines = counts.into_iter().map(|count| (count.group, count.machines)).collect();
        Ok(Self { directory, machines })
    }

    fn machines(&self, group: i32) -> u64 {
        self.machines.get(&group).copied().unwrap_or_default()
    }

    fn access(&self, ids: &[String]) -> String {
        match ids {
            [] => "everyone with a role".to_owned(),
            ids => groups::names(ids, &self.directory).join(", "),
        }
    }

    fn described(&self, rank: usize, group: &DeviceGroup) -> Value {
        json!({
            "id": group.id,
            "rank": rank,
            "name": group.name,
            "description": group.description,
            "machines": self.machines(group.id),
            "rules": group.rules,
            "access": self.user_groups(&group.access),
            "changed": group.changed_at().to_string(),
        })
    }

    /// The machines of no group, which always have the last rank.
    fn described_rest(&self) -> Value {
        json!({
            "id": UNGROUPED,
            "rank": self.directory.device_groups.len() + 1,
            "name": UNGROUPED_NAME,
            "description": "",
            "machines": self.machines(UNGROUPED),
            "rules": null,
            "access": self.user_groups(&self.directory.ungrouped_access),
            "changed": null,
        })
    }

    fn user_groups(&self, ids: &[String]) -> Vec<Value> {
        let names = groups::names(ids, &self.directory);
        ids.iter().zip(names).map(|(id, name)| json!({ "id": id, "name": name })).collect()
    }
}

/// Prints every device group, the best rank first and the machines of none last.
pub(super) async fn list(place: &Place, json: bool) -> anyhow::Result<()> {
    let listed = Listed::read(place).await?;
    let ranked = || listed.directory.device_groups.iter().enumerate();
    if json {
        let groups = ranked().map(|(index, group)| listed.described(index + 1, group));
        let groups: Vec<_> = groups.chain([listed.described_rest()]).collect();
        output::json(&groups)?;
        return Ok(());
    }
    let mut table = output::table(&["RANK", "NAME", "ID", "MACHINES", "ACCESS", "RULES"]);
    for (index, group) in ranked() {
        let cells = [
            (index + 1).to_string(),
            group.name.clone(),
            group.id.to_string(),
            listed.machines(group.id).to_string(),
            listed.access(&group.access),
            rules::text(&group.rules),
        ];
        output::add_row(&mut table, cells);
    }
    let cells = [
        "last".to_owned(),
        UNGROUPED_NAME.to_owned(),
        UNGROUPED.to_string(),
        listed.machines(UNGROUPED).to_string(),
        listed.access(&listed.directory.ungrouped_access),
        "all that no other group has".to_owned(),
    ];
    output::add_row(&mut table, cells);
    output::print_table(&mut table)?;
    Ok(())
}

/// Prints one device group.
pub(super) async fn show(place: &Place, group: &str, json: bool) -> anyhow::Result<()> {
    let listed = Listed::read(place).await?;
    let is_rest = group == super::UNGROUPED.1;
    let known = listed.directory.device_group(group);
    let (described, rules) = match known {
        _ if is_rest => (listed.described_rest(), "all that no other group has".to_owned()),
        Some(known) => {
            let groups = &listed.directory.device_groups;
            let index = groups.iter().position(|other| other.id == known.id);
            let index =
                index.ok_or_else(|| anyhow!("the directory does not hold its own group"))?;
            (listed.described(index + 1, known), rules::text(&known.rules))
        }
        None => {
            let name = output::printable(group);
            return Err(Error::Unknown { what: "device group", name }.into());
        }
    };
    if json {
        output::json(&described)?;
        return Ok(());
    }
    let access = known.map_or(&listed.directory.ungrouped_access, |known| &known.access);
    let text = |key: &str| match &described[key] {
        Value::String(text) => output::printable(text),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    output::line(&format!("Name:         {}", text("name")))?;
    output::line(&format!("Id:           {}", text("id")))?;
    output::line(&format!("Rank:         {}", text("rank")))?;
    output::line(&format!("Description:  {}", text("description")))?;
    output::line(&format!("Rules:        {}", output::printable(&rules)))?;
    output::line(&format!("Access:       {}", output::printable(&listed.access(access))))?;
    output::line(&format!("Machines:     {}", text("machines")))?;
    output::line(&format!("Changed:      {}", text("changed")))?;
    Ok(())
}

/// Machines as a preview shows them: what rules look at, and where each is now.
pub(super) fn machines(machines: &[Machine]) -> Table {
    let mut table = output::table(&["MACHINE", "OS", "TAGS", "DEVICE GROUP NOW"]);
    for machine in machines {
        let cells = [
            machine.computer_dns_name.clone(),
            machine.facts.os_platform.clone().unwrap_or_else(|| "-".to_owned()),
            output::list(&machine.tags),
            machine.rbac_group_name.clone().unwrap_or_else(|| "-".to_owned()),
        ];
        output::add_row(&mut table, cells);
    }
    table
}
