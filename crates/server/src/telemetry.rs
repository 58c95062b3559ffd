//! Telemetry that is sent over HTTP, in our own words and in those of other products, so that
//! shippers need no plugin.
//!
//! `sender` says who sends, by a token or by an app's secret in whatever form the shipper has for
//! one. `body` takes what is sent within the intake's room; [`upload`] is `POST /api/ingest`, [`hec`]
//! Splunk's HTTP Event Collector, [`bulk`] Elasticsearch's bulk API, and `handshake` what its
//! senders want to know first. Nothing is acknowledged before it is durable.

pub(crate) mod body;
pub(crate) mod bulk;
pub(crate) mod handshake;
pub(crate) mod hec;
pub(crate) mod sender;
pub(crate) mod upload;

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// The one route that takes whole files.
pub(crate) const UPLOAD: &str = "/api/ingest";

/// Seconds after which a sender may find room.
const RETRY_AFTER_S: u32 = 2;

/// How long a body of a route may take, if not as long as others.
pub(crate) struct Patience {
    /// How long nothing of it may come.
    pub(crate) idle: Duration,
    /// How long all of it and its answer may take.
    pub(crate) total: Duration,
}

/// A file of some GB takes its time; it is stopped when nothing of it comes any more.
pub(crate) fn patience(route: &str) -> Option<Patience> {
    const IDLE: Duration = Duration::from_secs(60);
    const TOTAL: Duration = Duration::from_secs(24 * 3600);
    (route == UPLOAD).then_some(Patience { idle: IDLE, total: TOTAL })
}

/// What surrounds the routes (a server with too much to do, a request that takes too long, a panic)
/// refuses as the API does. Senders that speak another product's words hear it in these: rsyslog
/// throws away what was refused in JSON, and senders to Splunk's collector look for its numbers.
pub(crate) fn reworded(route: &str, status: StatusCode) -> Option<Response> {
    if route.ends_with("/_bulk") {
        return Some(bulk::Refusing::from(status).into_response());
    }
    route.starts_with("/services/collector").then(|| hec::Said::from(status).answer(None))
}
