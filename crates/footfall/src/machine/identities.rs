//! `footfall machine identities`, `merge` and `split`: who is who among machines.

use inventory::identity::{Held, IdentifierKind};
use inventory::time::Timestamp;
use serde_json::{Value, json};
use server::{administration, views};
use store::{Identities, MachineRecord, NamesOf};
use uuid::Uuid;

use crate::cli;
use crate::config::Config;
use crate::near;
use crate::output::{self, Outcome};
use crate::place::Place;

/// Shows what a machine consists of.
pub(super) async fn show(config: &Config, args: &cli::Identities) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    let actor = place.actor();
    match place.administration(&actor).identities(&place.scope(), &args.machine).await {
        Err(administration::Error::Unknown { .. }) => {
            Ok(near::unknown(&place, NamesOf::Machines, &args.machine).await)
        }
        found => print(found?, args.json, actor.now),
    }
}

/// Makes machines one, or undoes it.
pub(super) async fn merge(config: &Config, args: &cli::Merge) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    let actor = place.actor();
    let (administration, scope) = (place.administration(&actor), place.scope());
    let found = if args.undo {
        administration.unmerge(&scope, &args.survivor).await?
    } else {
        administration.merge(&scope, &args.survivor, &args.others).await?
    };
    print(found, args.json, actor.now)
}

/// Takes a record out of its machine, or undoes it.
pub(super) async fn split(config: &Config, args: &cli::Split) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    let actor = place.actor();
    let (administration, scope) = (place.administration(&actor), place.scope());
    let found = if args.undo {
        administration.unsplit(&scope, &args.machine).await?
    } else {
        administration.split(&scope, &args.machine).await?
    };
    print(found, args.json, actor.now)
}

fn print(found: Identities, as_json: bool, now: Timestamp) -> anyhow::Result<Outcome> {
    if as_json {
        output::json(&to_json(found, now))?;
        return Ok(Outcome::Done);
    }
    let mut table =
        output::table(&["RECORD", "NAME", "FIRST SEEN", "LAST SEEN", "WHY", "KNOWN BY"]);
    for record in &found.records {
        let row = [
            record.id.to_string(),
            record.name.clone(),
            output::moment(Some(record.first_seen)),
            output::moment(Some(record.last_seen)),
            why(record),
            output::list(&record.held.iter().map(text).collect::<Vec<_>>()),
        ];
        output::add_row(&mut table, row);
    }
    output::print_table(&mut table)?;
    let name = output::printable(&found.machine.computer_dns_name);
    let records = output::count(found.records.len() as u64, "record");
    match found.machine.merged_into {
        Some(into) => eprintln!("{name} is merged into {into}, with {records}."),
        None => eprintln!("{name} is {} with {records}.", found.machine.id),
    }
    for other in &found.lookalikes {
        eprintln!(
            "Another machine, {} ({}), has the same {}.",
            output::printable(&other.name),
            other.machine,
            text(&other.same)
        );
    }
    Ok(Outcome::Done)
}

/// Why a record is part of its machine.
fn why(record: &MachineRecord) -> String {
    let mut reasons = Vec::new();
    if record.is_shown {
        reasons.push("shown".to_owned());
    }
    if record.decision.merged_into.is_some() {
        reasons.push("merged".to_owned());
    }
    if record.decision.is_apart {
        reasons.push("split".to_owned());
    }
    let shared = record.shared.iter().filter_map(|&place| record.held.get(place));
    reasons.extend(shared.map(|held| format!("same {}", held.kind.name())));
    reasons.dedup();
    if reasons.is_empty() { "-".to_owned() } else { reasons.join(", ") }
}

fn text(held: &Held) -> String {
    format!("{} {}", held.kind.name(), value(held))
}

/// An identifier's value as people write it.
fn value(held: &Held) -> String {
    match (held.kind, Uuid::from_slice(&held.value)) {
        (IdentifierKind::MachineId, Ok(id)) => id.simple().to_string(),
        (IdentifierKind::DnsName, _) | (_, Err(_)) => {
            String::from_utf8_lossy(&held.value).into_owned()
        }
        (_, Ok(id)) => id.to_string(),
    }
}

fn to_json(found: Identities, now: Timestamp) -> Value {
    let records: Vec<Value> = found
        .records
        .iter()
        .map(|record| {
            let identifiers = record.held.iter().enumerate().map(|(place, held)| {
                json!({
                    "kind": held.kind.key(),
                    "value": value(held),
                    "isShared": record.shared.contains(&place),
                })
            });
            json!({
                "id": record.id.to_string(),
                "name": record.name,
                "firstSeen": record.first_seen.to_string(),
                "lastSeen": record.last_seen.to_string(),
                "isShown": record.is_shown,
                "isSplit": record.decision.is_apart,
                "mergedIntoMachineId": record.decision.merged_into.map(|id| id.to_string()),
                "identifiers": identifiers.collect::<Vec<_>>(),
            })
        })
        .collect();
    let lookalikes: Vec<Value> = found
        .lookalikes
        .iter()
        .map(|other| {
            json!({
                "machineId": other.machine.to_string(),
                "id": other.record.to_string(),
                "name": other.name,
                "kind": other.same.kind.key(),
                "value": value(&other.same),
            })
        })
        .collect();
    json!({
        "machine": views::Machine::new(found.machine, now),
        "records": records,
        "lookalikes": lookalikes,
    })
}
