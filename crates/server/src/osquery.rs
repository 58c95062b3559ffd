//! osquery's TLS API (telemetry.md §3.1): machines enroll, fetch what they are to look for, and send
//! what they find.
//!
//! A machine shows a secret once (`enroll`) and gets a key, by which `node` knows it from then on. The
//! `schedule` is what it looks for, `log` and `distributed` take what it found. `body` reads what it
//! sends, which may be large and packed, and `line` gives each line the identity that was enrolled: no
//! machine speaks for another.
//!
//! Whoever is not known is told so with 200 and `"node_invalid": true`, a boolean, upon which osquery
//! enrolls anew; whatever else than 2xx makes it send the same again later.

mod body;
mod distributed;
mod enroll;
mod line;
mod log;
mod node;
mod schedule;
mod seen;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use intake::Refusal;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use self::distributed::{read, write};
pub(crate) use self::enroll::enroll;
pub(crate) use self::log::log;
pub(crate) use self::schedule::config;
use self::seen::Seen;
use crate::call::{Call, ThisCall};
use crate::error::{ApiError, JSON, chain};
use crate::state::AppState;

/// What senders of this kind are called.
const KIND: &str = "osquery";
/// What enroll secrets begin with: scanners for leaked secrets find them.
pub(crate) const SECRET_PREFIX: &str = "footfall_enroll_";

/// How osquery's nodes are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether they are at all.
    pub enabled: bool,
    /// How often they look who is logged on.
    pub sessions_interval: Duration,
    /// How often they look who was logged on, where the system keeps a list (`last`).
    pub history_interval: Duration,
    /// How often they tell their addresses.
    pub addresses_interval: Duration,
    /// How often they tell what else describes them.
    pub facts_interval: Duration,
    /// Whether they ask for questions between these times, and how often.
    pub distributed_interval: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            sessions_interval: Duration::from_secs(300),
            history_interval: Duration::from_secs(900),
            addresses_interval: Duration::from_secs(3600),
            facts_interval: Duration::from_secs(6 * 3600),
            distributed_interval: Some(Duration::from_secs(60)),
        }
    }
}

/// What all requests of nodes share.
#[derive(Default)]
pub(crate) struct Nodes {
    seen: Seen,
    strangers: Strangers,
}

/// The one place for a large body of which nobody knows who sends it.
#[derive(Clone)]
struct Strangers(Arc<Semaphore>);

impl Default for Strangers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Strangers {
    /// Takes the place, if it is free.
    fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

/// A request of a node, known or not.
pub(crate) struct Desk {
    app: Arc<AppState>,
    call: Arc<Call>,
}

impl FromRequestParts<Arc<AppState>> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<AppState>) -> Result<Self, Response> {
        if !app.config.osquery.enabled {
            return Err(StatusCode::NOT_FOUND.into_response());
        }
        let call = ThisCall::from_request_parts(parts, app).await;
        let ThisCall(call) = call.map_err(IntoResponse::into_response)?;
        Ok(Self { app: Arc::clone(app), call })
    }
}

/// What `--tls_node_api` makes of the calls: GET, with the key in the path, where proxies log it.
pub(crate) async fn key_in_path(_: Desk) -> ApiError {
    ApiError::NotImplemented(
        "osquery's tls_node_api, which puts the node key into the path, is not supported: remove the \
         flag"
            .to_owned(),
    )
}

/// An answer to a node.
fn answer(body: &impl Serialize) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(body).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, JSON)], body).into_response())
}

/// What a node takes for yes.
#[derive(Serialize)]
struct Taken {
    node_invalid: bool,
}

/// All is well.
fn taken() -> Result<Response, ApiError> {
    answer(&Taken { node_invalid: false })
}

/// The node is to enroll: its key is nobody's, or its secret.
fn invalid() -> Result<Response, ApiError> {
    answer(&Taken { node_invalid: true })
}

/// Why telemetry was not taken; the node sends it again.
fn refused(app: &AppState, refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Busy | Refusal::Stopped => {
            app.intake.stats().refuse(KIND);
            ApiError::Unavailable
        }
        Refusal::Store(error) => ApiError::Internal(chain(error.as_ref())),
        Refusal::Unreadable(error) => ApiError::Internal(chain(error.as_ref())),
    }
}
