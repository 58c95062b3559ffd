//! What the server counts, for Prometheus (`/metrics`, in OpenMetrics' text) and for a person
//! (`/status`, which `footfall status` asks): on a listener of its own, since both tell who sends.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use serde::{Deserialize, Serialize};

use crate::error::JSON;
use crate::service::Service;

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const REQUEST_SECONDS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 20.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: &'static str,
}

/// Requests that were answered.
pub(crate) struct Requests {
    answered: Family<Answered, Counter>,
    took: Family<OfRoute, Histogram, fn() -> Histogram>,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            answered: Family::default(),
            took: Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS)),
        }
    }
}

impl Requests {
    /// Counts one; what is no route of ours is `-`.
    pub(crate) fn count(&self, route: Option<&'static str>, status: StatusCode, took: Duration) {
        let route = route.unwrap_or("-");
        self.answered.get_or_create(&Answered { route, status: status.as_u16() }).inc();
        self.took.get_or_create(&OfRoute { route }).observe(took.as_secs_f64());
    }
}

/// How the server does, for a person.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// Seconds since the start.
    pub up_s: u64,
    /// Logons and reports that wait to be written, and how many may.
    pub waiting: (u64, u64),
    /// Bytes of what was sent that are held, and how many may be.
    pub held_bytes: (u64, u64),
    /// Transactions that were timed, and how long half and 99 in a hundred of them took at most, in
    /// milliseconds.
    pub commits: (u64, f64, f64),
    /// Records that were lost for want of room, of senders that do not send again (UDP).
    pub dropped: u64,
    /// Requests that are being answered, and how many may be.
    pub requests: (u64, u64),
    /// Connections, and how many may be.
    pub connections: (u64, u64),
}

struct Shown {
    service: Service,
    registry: Registry,
    requests: Gauge,
    connections: Gauge,
    started: Instant,
}

/// Serves both until `shutdown` ends.
pub async fn serve(
    service: Service,
    listener: std::net::TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .with_state(Arc::new(Shown::new(service)));
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

impl Shown {
    fn new(service: Service) -> Self {
        let mut registry = Registry::default();
        service.intake().stats().register(&mut registry);
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        registry.register("footfall_build", "The program", Info::new(version));
        let (requests, connections) = (Gauge::default(), Gauge::default());
        let http = registry.sub_registry_with_prefix("footfall_http");
        let counted = service.requests();
        http.register("requests", "Requests that were answered", counted.answered.clone());
        http.register_with_unit(
            "request_duration",
            "How long answers took",
            Unit::Seconds,
            counted.took.clone(),
        );
        http.register("requests_in_flight", "Requests that are being answered", requests.clone());
        http.register("connections", "Connections", connections.clone());
        Self { service, registry, requests, connections, started: Instant::now() }
    }
}

async fn metrics(State(shown): State<Arc<Shown>>) -> Response {
    shown.service.intake().show_depths();
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let load = shown.service.load();
    shown.requests.set(number(load.requests().0));
    shown.connections.set(number(load.connections().0));
    let mut text = String::new();
    match encode(&mut text, &shown.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn status(State(shown): State<Arc<Shown>>) -> Response {
    let intake = shown.service.intake();
    let pair = |(taken, all): (usize, usize)| (taken as u64, all as u64);
    let commits = intake.stats().last_commits();
    let at = |part: usize| {
        let last = commits.get((commits.len() * part / 100).min(commits.len().saturating_sub(1)));
        last.map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
    };
    let load = shown.service.load();
    let status = Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        up_s: shown.started.elapsed().as_secs(),
        waiting: pair(intake.waiting()),
        held_bytes: pair(intake.held()),
        commits: (commits.len() as u64, at(50), at(99)),
        dropped: intake.stats().all_dropped(),
        requests: pair(load.requests()),
        connections: pair(load.connections()),
    };
    let body = serde_json::to_vec(&status).unwrap_or_default();
    ([(header::CONTENT_TYPE, JSON)], body).into_response()
}
