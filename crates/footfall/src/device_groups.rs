//! `footfall device-group`: which machines a user group may see. A change is shown before it is
//! saved, and machines have followed it when the command ends.

mod listing;
mod regrouping;
mod rules;

use std::io::IsTerminal;

use inventory::access::device_group::Rules;
use inventory::access::directory::DeviceGroupSettings;
use inventory::machine::Machine;
use serde_json::json;
use server::administration::arrangement::Arrangement;
use server::administration::device_groups::PREVIEW_MACHINES;
use server::views;

use crate::cli::{self, AddDeviceGroup, ChangeDeviceGroup, SetAccess, Showing};
use crate::config::Config;
use crate::output::{self, Outcome};
use crate::place::Place;

/// What a person writes for the machines of no group, and what the directory calls them.
const UNGROUPED: (&str, &str) = ("ungrouped", "0");

/// Adds, lists, changes and removes device groups, and previews rules.
pub(crate) async fn run(config: &Config, command: cli::DeviceGroup) -> anyhow::Result<Outcome> {
    let place = match &command {
        // What only looks makes no database.
        cli::DeviceGroup::Add(args) if !args.showing.dry_run => Place::open(config).await?,
        _ => Place::open_existing(config).await?,
    };
    let actor = place.actor();
    let administration = place.administration(&actor);
    match command {
        cli::DeviceGroup::List { json } => listing::list(&place, json).await?,
        cli::DeviceGroup::Show { group, json } => {
            listing::show(&place, meant(&group), json).await?;
        }
        cli::DeviceGroup::Add(args) => return add(&place, args).await,
        cli::DeviceGroup::Change(args) => return change(&place, args).await,
        cli::DeviceGroup::Remove { group } => {
            administration.remove_device_group(meant(&group)).await?;
            eprintln!("Removed the device group {}.", output::printable(&group));
            return Ok(regrouping::run(&place).await?.outcome);
        }
        cli::DeviceGroup::Move { group, rank } => {
            administration.move_device_group(meant(&group), rank).await?;
            eprintln!("The device group {} has rank {rank}.", output::printable(&group));
            return Ok(regrouping::run(&place).await?.outcome);
        }
        cli::DeviceGroup::Access(SetAccess { group, groups, .. }) => {
            administration.set_access(meant(&group), &groups).await?;
            let who = match groups.is_empty() {
                true => "Everyone with a role".to_owned(),
                false => output::printable(&groups.join(", ")),
            };
            eprintln!("{who} may see the machines of {}.", output::printable(&group));
        }
        cli::DeviceGroup::Preview { group, rules, json } => {
            let rules = match &group {
                Some(group) => administration.device_group(meant(group)).await?.rules,
                None => rules.rules(),
            };
            let machines = administration.preview(&rules).await?;
            print_preview(&place, machines, json)?;
        }
    }
    Ok(Outcome::Done)
}

/// The device group that a person means, as the directory knows it.
fn meant(text: &str) -> &str {
    let (word, id) = UNGROUPED;
    if text.eq_ignore_ascii_case(word) { id } else { text }
}

async fn add(place: &Place, args: AddDeviceGroup) -> anyhow::Result<Outcome> {
    let settings = DeviceGroupSettings {
        name: args.group,
        description: args.description.unwrap_or_default(),
        automation_level: Default::default(),
        rules: args.rules.rules(),
    };
    let question = format!("Add the device group {}?", output::printable(&settings.name));
    if let Some(outcome) = stopped(place, &settings.rules, args.showing, &question).await? {
        return Ok(outcome);
    }
    let actor = place.actor();
    let administration = place.administration(&actor);
    let group = administration.add_arranged_group(settings, &args.access, args.rank).await?;
    eprintln!("Added the device group {}.", output::printable(&group.name));
    let ended = regrouping::run(place).await?;
    if args.json {
        let printed = json!({ "id": group.id, "name": group.name, "machinesMoved": ended.moved });
        output::json(&printed)?;
    }
    Ok(ended.outcome)
}

async fn change(place: &Place, args: ChangeDeviceGroup) -> anyhow::Result<Outcome> {
    let actor = place.actor();
    let administration = place.administration(&actor);
    let before = administration.device_group(meant(&args.group)).await?;
    let rules = Some(args.rules.rules()).filter(|rules| *rules != Rules::default());
    let shown = rules.as_ref().unwrap_or(&before.rules);
    let question = format!("Change the device group {}?", output::printable(&before.name));
    if let Some(outcome) = stopped(place, shown, args.showing, &question).await? {
        return Ok(outcome);
    }
    let arrangement = Arrangement {
        name: args.name,
        description: args.description,
        rules,
        access: (!args.access.is_empty()).then_some(args.access),
        rank: args.rank,
    };
    let id = before.id.to_string();
    let group = administration.arrange_device_group(&id, arrangement).await?;
    eprintln!("Changed the device group {}.", output::printable(&group.name));
    Ok(regrouping::run(place).await?.outcome)
}

/// Shows what rules match, and asks on a terminal; the outcome when nothing is to be changed.
async fn stopped(
    place: &Place,
    rules: &Rules,
    showing: Showing,
    question: &str,
) -> anyhow::Result<Option<Outcome>> {
    let actor = place.actor();
    let machines = place.administration(&actor).preview(rules).await?;
    eprintln!("{}", heading(machines.len()));
    if !machines.is_empty() {
        output::show_table(&mut listing::machines(&machines));
    }
    if showing.dry_run {
        eprintln!("Nothing was changed.");
        return Ok(Some(Outcome::Done));
    }
    let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if showing.yes || !is_terminal || output::agrees(question)? {
        return Ok(None);
    }
    eprintln!("Nothing was changed.");
    Ok(Some(Outcome::Failed))
}

fn heading(machines: usize) -> String {
    match machines as u64 {
        0 => "The rules match no machine that is known.".to_owned(),
        count if machines < PREVIEW_MACHINES => {
            let verb = if count == 1 { "matches" } else { "match" };
            format!("{} {verb} the rules:", output::count(count, "machine"))
        }
        count => format!("The first {count} machines that match the rules:"),
    }
}

fn print_preview(place: &Place, machines: Vec<Machine>, json: bool) -> std::io::Result<()> {
    if json {
        let now = place.actor().now;
        let machines = machines.into_iter().map(|machine| views::Machine::new(machine, now));
        return output::json(&machines.collect::<Vec<_>>());
    }
    eprintln!("{}", heading(machines.len()));
    if machines.is_empty() {
        return Ok(());
    }
    output::print_table(&mut listing::machines(&machines))
}
