//! `footfall machine`: what a person decides about one machine.

mod identities;

use inventory::fold;
use inventory::machine::ExclusionReason;
use inventory::query::MachineSelector;
use serde_json::json;
use server::{administration, views};
use store::NamesOf;

use crate::cli::{self, Exclude, Include, Tag};
use crate::config::Config;
use crate::near;
use crate::output::{self, Outcome};
use crate::place::Place;

/// Carries out a command.
pub(crate) async fn run(config: &Config, command: cli::Machine) -> anyhow::Result<Outcome> {
    match carry_out(config, command).await {
        Err(error) => unknown(config, error).await,
        done => done,
    }
}

/// Of a change to a machine that is not known: which may have been meant.
async fn unknown(config: &Config, error: anyhow::Error) -> anyhow::Result<Outcome> {
    let Some(administration::Error::Unknown { what: "machine", name }) = error.downcast_ref()
    else {
        return Err(error);
    };
    let place = Place::open_existing(config).await?;
    near::unknown(&place, NamesOf::Machines, name).await;
    Ok(Outcome::Failed)
}

async fn carry_out(config: &Config, command: cli::Machine) -> anyhow::Result<Outcome> {
    match command {
        cli::Machine::Tag(args) => tag(config, args).await,
        cli::Machine::Exclude(Exclude { machine, reason }) => {
            exclude(config, &machine, Some(reason)).await
        }
        cli::Machine::Include(Include { machine }) => exclude(config, &machine, None).await,
        cli::Machine::Identities(args) => identities::show(config, &args).await,
        cli::Machine::Merge(args) => identities::merge(config, &args).await,
        cli::Machine::Split(args) => identities::split(config, &args).await,
    }
}

/// Excludes a machine, or takes it in again.
async fn exclude(
    config: &Config,
    machine: &str,
    reason: Option<ExclusionReason>,
) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    let actor = place.actor();
    let changed =
        place.administration(&actor).set_exclusion(&place.scope(), machine, reason).await?;
    let name = output::printable(&changed.computer_dns_name);
    match changed.exclusion {
        Some(reason) => eprintln!("{name} is excluded ({}).", reason.as_str()),
        None => eprintln!("{name} is included."),
    }
    Ok(Outcome::Done)
}

/// Adds and removes tags of a machine, or shows them.
async fn tag(config: &Config, args: Tag) -> anyhow::Result<Outcome> {
    let Tag { machine, added, removed, json } = args;
    let place = Place::open_existing(config).await?;
    let known = match MachineSelector::parse(&machine) {
        Some(selector) => place.store.machine(&place.scope(), &selector).await?,
        None => None,
    };
    let unknown = || administration::Error::Unknown { what: "machine", name: machine.clone() };
    let known = known.ok_or_else(unknown)?;
    let actor = place.actor();
    let after = if added.is_empty() && removed.is_empty() {
        known
    } else {
        let tags = changed(&known.tags, &added, &removed);
        let id = known.id.to_string();
        place.administration(&actor).set_tags(&place.scope(), &id, tags).await?
    };
    if json {
        output::json(&json!(views::Machine::new(after, actor.now)))?;
        return Ok(Outcome::Done);
    }
    for tag in &after.tags {
        output::line(&output::printable(tag))?;
    }
    eprintln!(
        "{} has {} and is in the device group {}.",
        output::printable(&after.computer_dns_name),
        output::count(after.tags.len() as u64, "tag"),
        after.rbac_group_name.as_deref().map_or_else(|| "-".to_owned(), output::printable),
    );
    Ok(Outcome::Done)
}

/// The tags without those that are removed, then the new ones; case does not count.
fn changed(tags: &[String], added: &[String], removed: &[String]) -> Vec<String> {
    let is_in = |list: &[String], tag: &str| list.iter().any(|other| fold(other) == fold(tag));
    let kept = tags.iter().filter(|tag| !is_in(removed, tag));
    let mut after: Vec<String> = kept.cloned().collect();
    for tag in added {
        if !is_in(&after, tag) {
            after.push(tag.clone());
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_added_once_and_removed_in_any_case() {
        let list = |tags: &[&str]| tags.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>();
        let tags = list(&["VIP", "lab"]);
        assert_eq!(changed(&tags, &list(&["vip", "new", "New"]), &[]), ["VIP", "lab", "new"]);
        assert_eq!(changed(&tags, &list(&["new"]), &list(&["vip"])), ["lab", "new"]);
        // What is removed and added is there, as it was written last.
        assert_eq!(changed(&tags, &list(&["vip"]), &list(&["VIP"])), ["lab", "vip"]);
    }
}
