//! `footfall role`: what user groups may do.

use inventory::access::directory::{Directory, Role, RoleSettings};
use serde_json::json;

use crate::cli::{self, ChangeRole};
use crate::config::Config;
use crate::groups;
use crate::output::{self, Outcome};
use crate::place::Place;

/// Adds, lists, changes and removes roles, and gives and takes them.
pub(crate) async fn run(config: &Config, command: cli::Role) -> anyhow::Result<Outcome> {
    let place = match &command {
        cli::Role::Add { .. } => Place::open(config).await?,
        _ => Place::open_existing(config).await?,
    };
    let actor = place.actor();
    let administration = place.administration(&actor);
    match command {
        cli::Role::List { json } => list(&place, json).await?,
        cli::Role::Add { name, description, permissions, groups, json } => {
            let description = description.unwrap_or_default();
            let settings = RoleSettings { name, description, permissions };
            let role = administration.add_role(settings, &groups).await?;
            if json {
                output::json(&json!({ "id": role.id, "name": role.name }))?;
            }
            eprintln!("Added the role {}.", output::printable(&role.name));
        }
        cli::Role::Change(args) => change(&place, args).await?,
        cli::Role::Remove { role } => {
            administration.remove_role(&role).await?;
            eprintln!("Removed the role {}.", output::printable(&role));
        }
        cli::Role::Assign { role, group } => {
            administration.assign(&role, &group).await?;
            let (role, group) = (output::printable(&role), output::printable(&group));
            eprintln!("{group} holds the role {role}.");
        }
        cli::Role::Unassign { role, group } => {
            administration.unassign(&role, &group).await?;
            let (role, group) = (output::printable(&role), output::printable(&group));
            eprintln!("{group} does not hold the role {role} any more.");
        }
    }
    Ok(Outcome::Done)
}

async fn change(place: &Place, args: ChangeRole) -> anyhow::Result<()> {
    let actor = place.actor();
    let administration = place.administration(&actor);
    let change = |before: RoleSettings| RoleSettings {
        name: args.name.clone().unwrap_or(before.name),
        description: args.description.clone().unwrap_or(before.description),
        permissions: match args.permissions.is_empty() {
            true => before.permissions,
            false => args.permissions.clone(),
        },
    };
    let role = administration.change_role(&args.role, change).await?;
    eprintln!("Changed the role {}.", output::printable(&role.name));
    Ok(())
}

async fn list(place: &Place, json: bool) -> anyhow::Result<()> {
    let directory = place.store.directory(place.tenant.number).await?.directory;
    let permissions =
        |role: &Role| role.permits().iter().map(|one| one.as_str().to_owned()).collect::<Vec<_>>();
    if json {
        let roles: Vec<_> = directory
            .roles
            .iter()
            .map(|role| {
                json!({
                    "id": role.id,
                    "name": role.name,
                    "description": role.description,
                    "permissions": permissions(role),
                    "groups": holders(role, &directory),
                })
            })
            .collect();
        output::json(&roles)?;
        return Ok(());
    }
    let mut table = output::table(&["ID", "NAME", "PERMISSIONS", "GROUPS"]);
    for role in &directory.roles {
        let is_built_in = role.id == inventory::access::directory::ADMINISTRATOR_ROLE;
        let cells = [
            role.id.to_string(),
            role.name.clone(),
            if is_built_in { "all".to_owned() } else { output::list(&permissions(role)) },
            holders(role, &directory).join(", "),
        ];
        output::add_row(&mut table, cells);
    }
    output::print_table(&mut table)?;
    if !directory.role_based {
        eprintln!("Role-based access is off; the first role that is added switches it on.");
    }
    Ok(())
}

/// The names of the user groups that hold a role.
fn holders(role: &Role, directory: &Directory) -> Vec<String> {
    groups::names(&role.user_groups, directory)
}
