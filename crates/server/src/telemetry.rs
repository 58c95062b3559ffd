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
