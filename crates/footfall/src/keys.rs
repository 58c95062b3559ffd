//! `footfall keys`: what tokens are signed with.

use inventory::access::SigningKey;
use inventory::time::Timestamp;
use serde_json::json;

use crate::cli;
use crate::config::Config;
use crate::output::{self, Outcome};
use crate::place::Place;

/// Lists the keys, or makes a new one.
pub(crate) async fn run(config: &Config, command: cli::Keys) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    let actor = place.actor();
    let administration = place.administration(&actor);
    match command {
        cli::Keys::List { json } => {
            let keys = administration.signing_keys().await?;
            list(&keys, actor.now, json)?;
        }
        cli::Keys::Rotate { overlap } => {
            let key = administration.replace_signing_key(overlap.into()).await?;
            output::line(&key.kid)?;
            if overlap == 0 {
                eprintln!("A new key signs; tokens of the ones before it are refused from now on.");
            } else {
                let until = actor.now.plus_seconds(overlap.into());
                eprintln!(
                    "A new key signs; tokens of the ones before it are believed until {}.",
                    output::moment(until)
                );
            }
        }
    }
    Ok(Outcome::Done)
}

fn list(keys: &[SigningKey], now: Timestamp, json: bool) -> std::io::Result<()> {
    // The newest one comes first, and signs.
    let state = |index: usize, key: &SigningKey| match key.verifies_until {
        _ if index == 0 => "signs",
        Some(until) if until <= now => "ended",
        _ => "believed",
    };
    if json {
        let keys: Vec<_> = keys
            .iter()
            .enumerate()
            .map(|(index, key)| {
                json!({
                    "kid": key.kid,
                    "state": state(index, key),
                    "created": key.created.to_string(),
                    "believedUntil": key.verifies_until.map(|at| at.to_string()),
                })
            })
            .collect();
        return output::json(&keys);
    }
    let mut table = output::table(&["KEY ID", "STATE", "CREATED", "BELIEVED UNTIL"]);
    for (index, key) in keys.iter().enumerate() {
        let cells = [
            key.kid.clone(),
            state(index, key).to_owned(),
            key.created.whole_second().to_string(),
            output::moment(key.verifies_until),
        ];
        output::add_row(&mut table, cells);
    }
    output::print_table(&mut table)
}
