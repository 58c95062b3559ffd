//! `footfall node`: osquery's nodes.

use inventory::node::{EnrollSecret, Node};
use serde_json::{Value, json};

use crate::cli::{self, NodeSecret};
use crate::config::Config;
use crate::output::{self, Outcome};
use crate::place::Place;

/// Lists, revokes, forgets and asks nodes, and makes, lists and ends the secrets with which they
/// enroll.
pub(crate) async fn run(config: &Config, command: cli::Node) -> anyhow::Result<Outcome> {
    let place = match &command {
        cli::Node::Secret(NodeSecret::Add { .. }) => Place::open(config).await?,
        _ => Place::open_existing(config).await?,
    };
    let actor = place.actor();
    let administration = place.administration(&actor);
    match command {
        cli::Node::List { json } => list(&administration.nodes().await?, json)?,
        cli::Node::Revoke { node } => {
            let node = administration.revoke_node(&node).await?;
            eprintln!("{} is heard no more.", output::printable(&node.enrollment.host_name));
        }
        cli::Node::Remove { node } => {
            let node = administration.remove_node(&node).await?;
            eprintln!("{} may enroll anew.", output::printable(&node.enrollment.host_name));
        }
        cli::Node::Refresh { node } => {
            let asked = administration.refresh_nodes(node.as_deref()).await?;
            eprintln!("Asked {}.", output::count(asked, "node"));
        }
        cli::Node::Secret(NodeSecret::Add { name, json }) => {
            let secret = administration.add_enroll_secret(&name).await?;
            match json {
                true => output::json(&json!({ "name": name.trim(), "secret": secret }))?,
                false => output::line(&secret)?,
            }
            eprintln!("The secret is not shown again.");
        }
        cli::Node::Secret(NodeSecret::List { json }) => {
            list_secrets(&administration.enroll_secrets().await?, json)?;
        }
        cli::Node::Secret(NodeSecret::Revoke { name }) => {
            administration.revoke_enroll_secret(&name).await?;
            eprintln!("No machine enrolls with {} any more.", output::printable(&name));
        }
    }
    Ok(Outcome::Done)
}

fn list(nodes: &[Node], json: bool) -> std::io::Result<()> {
    if json {
        return output::json(&nodes.iter().map(described).collect::<Vec<_>>());
    }
    let mut table = output::table(&[
        "HOST",
        "NODE ID",
        "PLATFORM",
        "OSQUERY",
        "ADDRESS",
        "ENROLLED",
        "LAST SEEN",
        "STATE",
    ]);
    for node in nodes {
        let enrollment = &node.enrollment;
        let state = match (node.revoked, node.asked) {
            (Some(_), _) => "revoked",
            (None, Some(_)) => "asked",
            (None, None) => "-",
        };
        let cells = [
            enrollment.host_name.clone(),
            node.id.to_string(),
            enrollment.platform.as_str().to_owned(),
            enrollment.version.clone(),
            enrollment.address.map_or_else(|| "-".to_owned(), |address| address.to_string()),
            output::moment(Some(node.enrolled)),
            output::moment(Some(node.last_seen)),
            state.to_owned(),
        ];
        output::add_row(&mut table, cells);
    }
    output::print_table(&mut table)
}

fn described(node: &Node) -> Value {
    let enrollment = &node.enrollment;
    json!({
        "id": node.id,
        "hostName": enrollment.host_name,
        "hostIdentifier": enrollment.host_identifier,
        "hardwareUuid": enrollment.hardware,
        "platform": enrollment.platform.as_str(),
        "osqueryVersion": enrollment.version,
        "address": enrollment.address,
        "secret": node.secret,
        "enrolled": node.enrolled.to_string(),
        "lastSeen": node.last_seen.to_string(),
        "asked": node.asked.map(|time| time.to_string()),
        "revoked": node.revoked.map(|time| time.to_string()),
    })
}

fn list_secrets(secrets: &[EnrollSecret], json: bool) -> std::io::Result<()> {
    if json {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|secret| {
                json!({
                    "name": secret.name,
                    "created": secret.created.to_string(),
                    "revoked": secret.revoked.map(|time| time.to_string()),
                })
            })
            .collect();
        return output::json(&secrets);
    }
    let mut table = output::table(&["NAME", "CREATED", "REVOKED"]);
    for secret in secrets {
        let cells = [
            secret.name.clone(),
            output::moment(Some(secret.created)),
            output::moment(secret.revoked),
        ];
        output::add_row(&mut table, cells);
    }
    output::print_table(&mut table)
}
