//! Which node calls: by the key that it was given, in the body or in `Authorization: NodeKey`.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, header};
use intake::{Held, Origin};
use inventory::ids::TenantId;
use inventory::node::{Node, Sighting};
use serde::Deserialize;

use super::body::{self, Sender, Unpacked};
use super::{Desk, KIND};
use crate::error::ApiError;
use crate::issuer::handed_out::sha256;

/// Bytes of a key at most; ours are shorter.
const MAX_KEY_BYTES: usize = 512;

/// A request of a node that is known.
pub(super) struct Known {
    pub(super) tenant: TenantId,
    pub(super) node: Arc<Node>,
    /// What it sent.
    pub(super) bytes: Vec<u8>,
    /// The room that it and what is made of it take, until all of it is written.
    _held: Vec<Held>,
}

/// The key, among whatever else the body has.
#[derive(Deserialize)]
struct Keyed {
    #[serde(default)]
    node_key: Option<String>,
}

impl Known {
    /// As whom its telemetry is counted.
    pub(super) fn origin(&self) -> Origin {
        Origin::new(self.tenant, KIND, self.node.enrollment.host_name.clone())
    }
}

/// Reads a request; `None` when its key is nobody's.
pub(super) async fn known(
    desk: &Desk,
    request: Request<Body>,
    most: usize,
) -> Result<Option<Known>, ApiError> {
    let (Parts { headers, .. }, body) = request.into_parts();
    let app = &desk.app;
    // Who shows a key before the body is not listened to if it is a wrong one.
    let shown = shown(&headers);
    let mut found = match shown {
        Some(key) => match find(desk, key).await? {
            Some(found) => Some(found),
            None => return Ok(None),
        },
        None => None,
    };
    let sender = if found.is_some() { Sender::Known } else { Sender::Stranger };
    let Unpacked { bytes, held, place } = body::read(app, &headers, body, sender, most).await?;
    let keyed = tokio::task::spawn_blocking(move || {
        let keyed = body::parse::<Keyed>(&bytes);
        (keyed.map(|keyed| keyed.node_key), bytes)
    });
    let (key, bytes) = keyed.await.map_err(|error| ApiError::internal(error.to_string()))?;
    let key = key?;
    if found.is_none() {
        found = match key {
            Some(key) => find(desk, &key).await?,
            None => None,
        };
    }
    drop(place);
    Ok(found.map(|(tenant, node)| Known { tenant, node: Arc::new(node), bytes, _held: held }))
}

/// The node of a key, which is noted to be there. Keys are looked for by their hashes, so that the time
/// that it takes tells nothing of the key.
async fn find(desk: &Desk, key: &str) -> Result<Option<(TenantId, Node)>, ApiError> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Ok(None);
    }
    let Desk { app, call } = desk;
    let Some((tenant, node)) = app.store.node_of_key(sha256(key)).await? else {
        return Ok(None);
    };
    let _ = call.tenant.set(tenant);
    let sighting = Sighting { node: node.id, time: call.now, address: call.address };
    app.nodes.seen.note(&app.store, tenant, sighting);
    Ok(Some((tenant, node)))
}

/// The key of `Authorization: NodeKey KEY`.
fn shown(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = text.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("NodeKey").then(|| key.trim())
}
