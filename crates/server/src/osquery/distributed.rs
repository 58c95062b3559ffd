//! `POST /osquery/distributed/read` and `write`: an administrator wants to know at once what nodes
//! would tell in their own time (`footfall node refresh`).
//!
//! A node is asked until it answers, so that none that sleeps is missed; the question's moment is in
//! the names of its queries and comes back with the rows, so that a question in between stays.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use inventory::node::Node;
use inventory::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::line::Lines;
use super::log::take;
use super::node::known;
use super::schedule::QUERIES;
use super::{Desk, answer, body, invalid, taken};
use crate::error::ApiError;

/// Queries in an answer of a node at most; it is asked a few.
const MAX_QUERIES: usize = 1_000;
/// Characters of what a node says of a query that failed that are shown.
const SHOWN_CHARS: usize = 300;

#[derive(Serialize)]
struct Questions {
    /// Old versions need it even when it is empty.
    queries: BTreeMap<String, &'static str>,
    node_invalid: bool,
}

/// Tells a node what it is asked.
pub(crate) async fn read(desk: Desk, request: Request) -> Result<Response, ApiError> {
    let Some(known) = known(&desk, request, body::MAX_SMALL_BYTES).await? else {
        return invalid();
    };
    let asked = known.node.asked.filter(|_| desk.app.config.osquery.distributed_interval.is_some());
    let queries = asked.map(|asked| questions(&known.node, asked)).unwrap_or_default();
    answer(&Questions { queries, node_invalid: false })
}

fn questions(node: &Node, asked: Timestamp) -> BTreeMap<String, &'static str> {
    let queries = QUERIES.iter().filter(|query| query.runs_on(node.enrollment.platform));
    queries.map(|query| (format!("{}_{}", query.name, asked.ticks()), query.sql)).collect()
}

/// When it was asked what a name stands for; `None` for what is none of ours.
fn asked(name: &str) -> Option<Timestamp> {
    let (name, ticks) = name.rsplit_once('_')?;
    let is_ours = QUERIES.iter().any(|query| query.name == name);
    is_ours.then(|| ticks.parse().ok().and_then(Timestamp::from_ticks)).flatten()
}

#[derive(Deserialize)]
struct Answered<'a> {
    #[serde(borrow, default)]
    queries: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(borrow, default)]
    statuses: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(borrow, default)]
    messages: Option<BTreeMap<String, &'a RawValue>>,
}

/// What a node answered, and the youngest question of which that is.
struct Read {
    lines: Lines,
    asked: Option<Timestamp>,
}

/// Takes what a node answers. Rows become results of this moment.
pub(crate) async fn write(desk: Desk, request: Request) -> Result<Response, ApiError> {
    let Some(mut node) = known(&desk, request, body::MAX_BYTES).await? else { return invalid() };
    let (bytes, of, now) = (std::mem::take(&mut node.bytes), Arc::clone(&node.node), desk.call.now);
    let reading = tokio::task::spawn_blocking(move || answers(&bytes, &of, now));
    let Read { lines, asked } =
        reading.await.map_err(|error| ApiError::internal(error.to_string()))??;
    take(&desk, &node, lines).await?;
    if let Some(asked) = asked {
        desk.app.store.node_answered(node.tenant, node.node.id, asked).await?;
    }
    taken()
}

fn answers(bytes: &[u8], node: &Node, now: Timestamp) -> Result<Read, ApiError> {
    let answered: Answered<'_> = body::parse(bytes)?;
    let queries = answered.queries.unwrap_or_default();
    let statuses = answered.statuses.unwrap_or_default();
    if queries.len().max(statuses.len()) > MAX_QUERIES {
        return Err(ApiError::InvalidBody(format!(
            "An answer is of at most {MAX_QUERIES} queries"
        )));
    }
    let mut read = Read { lines: Lines::default(), asked: None };
    for (name, status) in &statuses {
        // A number, of old versions a text.
        if status.get().trim_matches('"') != "0" {
            let messages = answered.messages.as_ref();
            let message = messages.and_then(|messages| messages.get(name)).map(|raw| raw.get());
            let message: String = message.unwrap_or_default().chars().take(SHOWN_CHARS).collect();
            tracing::debug!(node = %node.id, ?name, ?message, "a query failed");
        }
    }
    // A query that failed was answered, too: asked again it would fail again.
    read.asked = queries.keys().chain(statuses.keys()).filter_map(|name| asked(name)).max();
    for (name, rows) in &queries {
        // Old versions write no rows as an empty text.
        if rows.get().starts_with('[') {
            read.lines.add_rows(name, rows, node, now);
        }
    }
    Ok(read)
}
