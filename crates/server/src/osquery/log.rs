//! `POST /osquery/log`: what scheduled queries found, and what osquery says of itself.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use intake::Refusal;
use inventory::node::Node;
use serde::Deserialize;
use serde_json::value::RawValue;
use store::{Counts, Delivery};

use super::line::{Lines, each};
use super::node::{Known, known};
use super::{Desk, body, invalid, refused, taken};
use crate::error::ApiError;

/// Characters of a message of osquery's own that are shown.
const SHOWN_CHARS: usize = 300;

/// A log. Of what kind it is, and its lines.
#[derive(Deserialize)]
struct Log<'a> {
    #[serde(default)]
    log_type: String,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// A line of osquery's log of itself, as far as it is shown.
#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    severity: serde_json::Value,
    #[serde(default)]
    message: String,
}

/// Takes a log. It is answered once all of it is durable: what is answered with anything but 2xx comes
/// again, and what was written of it is known then.
pub(crate) async fn log(desk: Desk, request: Request) -> Result<Response, ApiError> {
    let Some(mut node) = known(&desk, request, body::MAX_BYTES).await? else { return invalid() };
    let (bytes, of) = (std::mem::take(&mut node.bytes), Arc::clone(&node.node));
    let reading = tokio::task::spawn_blocking(move || lines(&bytes, &of));
    let lines = reading.await.map_err(|error| ApiError::internal(error.to_string()))??;
    take(&desk, &node, lines).await?;
    taken()
}

/// Writes what lines tell.
pub(super) async fn take(desk: &Desk, node: &Known, lines: Lines) -> Result<(), ApiError> {
    let Desk { app, call } = desk;
    let origin = node.origin();
    let told = async {
        let (received, rejected) = (lines.statuses + lines.others, lines.others);
        if received > 0 {
            let mut counted = Delivery::new(node.tenant, origin.sender.clone(), call.now);
            counted.read = Counts { received, rejected, ..Counts::default() };
            app.intake.deliver(counted).await?;
        }
        if !lines.records.is_empty() {
            let outcome = app.intake.records(&origin, call.now, lines.records).await?;
            for reject in outcome.rejected.iter().take(10) {
                tracing::debug!(
                    node = %node.node.id,
                    line = reject.number,
                    "a result could not be read: {}",
                    reject.reason
                );
            }
        }
        Ok(())
    };
    told.await.map_err(|refusal: Refusal| refused(app, refusal))
}

fn lines(bytes: &[u8], node: &Node) -> Result<Lines, ApiError> {
    let log: Log<'_> = body::parse(bytes)?;
    let mut lines = Lines::default();
    // A log without lines is one that is sent to see whether it is taken.
    let Some(data) = log.data.filter(|data| data.get() != "null") else { return Ok(lines) };
    let is_whole = match log.log_type.as_str() {
        "result" => each(data, |line| lines.add(line.get(), node)),
        "status" => each(data, |line| {
            lines.statuses += 1;
            show(line, node);
        }),
        _ => return Err(body::bad("log_type is neither result nor status")),
    };
    match is_whole {
        Ok(true) => Ok(lines),
        Ok(false) => Err(ApiError::InvalidBody(format!(
            "A log has at most {} lines: lower logger_tls_max_lines",
            super::line::MAX_LINES
        ))),
        Err(error) => Err(body::bad(&error.to_string())),
    }
}

/// Shows what osquery says of itself in the log of whoever looks for it: warnings and worse.
fn show(line: &RawValue, node: &Node) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let Ok(status) = serde_json::from_str::<Status>(line.get()) else { return };
    // 0 is what is worth no look; old versions write it as text.
    if matches!(status.severity.as_str().unwrap_or(&status.severity.to_string()), "0" | "null") {
        return;
    }
    let message: String = status.message.chars().take(SHOWN_CHARS).collect();
    tracing::debug!(node = %node.id, severity = %status.severity, ?message, "osquery says");
}
