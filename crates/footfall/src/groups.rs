//! `footfall group`: the user groups.

use std::collections::HashMap;

use inventory::access::directory::{Directory, UserGroup};
use inventory::fold;
use serde_json::json;
use server::administration::user_groups::Origin;
use uuid::Uuid;

use crate::cli::{self, Kind};
use crate::config::Config;
use crate::output::{self, Outcome};
use crate::place::Place;

/// Adds, lists, renames and removes user groups, and changes who is in them.
pub(crate) async fn run(config: &Config, command: cli::Group) -> anyhow::Result<Outcome> {
    let place = match &command {
        cli::Group::Add { .. } => Place::open(config).await?,
        _ => Place::open_existing(config).await?,
    };
    let actor = place.actor();
    let administration = place.administration(&actor);
    match command {
        cli::Group::List { json } => list(&place, json).await?,
        cli::Group::Add { name, kind: Kind { directory_id, .. }, json } => {
            let origin = directory_id.map_or(Origin::Local, Origin::Directory);
            let group = administration.add_user_group(origin, &name).await?;
            if json {
                output::json(&json!({ "id": group.id, "name": group.display_name }))?;
            }
            eprintln!("Added the user group {}.", output::printable(&group.display_name));
        }
        cli::Group::Rename { group, name } => {
            let group = administration.rename_user_group(&group, &name).await?;
            eprintln!("It is called {} from now on.", output::printable(&group.display_name));
        }
        cli::Group::Remove { group } => {
            administration.remove_user_group(&group).await?;
            eprintln!("Removed the user group {}.", output::printable(&group));
        }
        cli::Group::Join { group, user } => {
            administration.add_member(&group, &user).await?;
            eprintln!("{} is in {}.", output::printable(&user), output::printable(&group));
        }
        cli::Group::Leave { group, user } => {
            administration.remove_member(&group, &user).await?;
            eprintln!(
                "{} is not in {} any more.",
                output::printable(&user),
                output::printable(&group)
            );
        }
    }
    Ok(Outcome::Done)
}

async fn list(place: &Place, json: bool) -> anyhow::Result<()> {
    let directory = place.store.directory(place.tenant.number).await?.directory;
    let operators = place.store.operators(place.tenant.number).await?;
    let names: HashMap<Uuid, String> =
        operators.into_iter().map(|operator| (operator.id, operator.user_name)).collect();
    let members = |group: &UserGroup| {
        let name = |id: &Uuid| names.get(id).cloned().unwrap_or_else(|| id.to_string());
        group.members.as_ref().map(|members| members.iter().map(name).collect::<Vec<_>>())
    };
    if json {
        let groups: Vec<_> = directory
            .user_groups
            .iter()
            .map(|group| {
                json!({
                    "id": group.id,
                    "name": group.display_name,
                    "members": members(group),
                    "roles": roles(group, &directory),
                })
            })
            .collect();
        output::json(&groups)?;
        return Ok(());
    }
    let mut table = output::table(&["NAME", "ID", "KIND", "ROLES", "MEMBERS"]);
    for group in &directory.user_groups {
        let members = members(group);
        let cells = [
            group.display_name.clone(),
            group.id.clone(),
            if members.is_some() { "local" } else { "directory" }.to_owned(),
            roles(group, &directory).join(", "),
            members.map_or_else(|| "-".to_owned(), |members| output::list(&members)),
        ];
        output::add_row(&mut table, cells);
    }
    output::print_table(&mut table)?;
    Ok(())
}

/// The names of the roles that a user group holds.
fn roles(group: &UserGroup, directory: &Directory) -> Vec<String> {
    let holds = |holders: &[String]| holders.iter().any(|id| fold(id) == fold(&group.id));
    let roles = directory.roles.iter().filter(|role| holds(&role.user_groups));
    roles.map(|role| role.name.clone()).collect()
}

/// User groups as a person knows them: by name, of which the directory has one for each id.
pub(crate) fn names(ids: &[String], directory: &Directory) -> Vec<String> {
    let name = |id: &String| directory.user_group(id).map(|group| group.display_name.clone());
    ids.iter().map(|id| name(id).unwrap_or_else(|| id.clone())).collect()
}
