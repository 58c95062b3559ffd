//! The vendor's API over HTTP: routes, tokens, permissions, limits and answers.
//!
//! A request passes through the modules in this order: [`service`] names it and finds its route
//! (`path`, [`router`]), `permit` decides who asks and whether they may (`auth`, `api`, [`limits`]),
//! `query`, `question` and `form` read what is asked, a handler (`users`, `machines`, `finders`,
//! `alerts`, ...) asks the store, by `paging` where there are many rows, and `views` and `rows` write the
//! answer, which `answers` remembers, or which `lists` writes while it is read (`pieces`). `batch` sends
//! many requests through all of it, [`local`] those of the command line.
//!
//! `metadata` says what types all that is of, [`unsupported`] what of the vendor's is not there.
//! `error` is the one table of refusals. [`issuer`] and `discovery` are the sign-in side, so that no other
//! server is needed, and `pages` are what people see of it; [`administration`] holds the operations on
//! both, and `admin` their HTTP API.
//!
//! [`osquery`] is where machines report to by themselves.
//!
//! Around all of it, `connections`, `load` and `body` bound what callers can ask at once and how slowly,
//! [`proxies`] tells who they are, `audit` records what they asked, and [`metrics`] show how it goes.
//!
//! `telemetry` is the other way: what shippers send, in their own words.
//!
//! Nothing here reads a log file or knows SQL. The clock is read through [`clock`] alone.

pub mod administration;
pub mod clock;
pub mod config;
pub mod issuer;
pub mod limits;
pub mod local;
pub mod metrics;
pub mod origin;
pub mod osquery;
pub mod outside;
pub mod proxies;
pub mod router;
pub mod service;
pub mod tls;

mod admin;
mod alerts;
mod answers;
mod api;
mod audit;
mod auth;
mod batch;
mod body;
mod call;
mod changes;
mod connections;
mod device_groups;
mod discovery;
mod envelope;
mod error;
mod finders;
mod form;
mod generations;
mod lists;
mod load;
mod machines;
mod metadata;
mod pages;
mod paging;
mod path;
mod permit;
mod pieces;
mod presence;
mod query;
mod question;
mod rows;
mod state;
mod target;
mod telemetry;
mod tenants;
pub mod unsupported;
mod users;
pub mod views;
pub mod who;

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use store::Store;

use crate::clock::Clock;
use crate::config::{Bounds, Config, Tls};
use crate::connections::{Connections, WriteTimeout};

/// How long requests in flight may take to end once the server is told to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
/// Requests in flight on one HTTP/2 connection at most.
const HTTP2_STREAMS: u32 = 200;
/// Bytes of a request's headers at most, of HTTP/1.1 and HTTP/2 alike; more are refused with 431.
const HEADER_BYTES: u32 = 128 * 1024;

/// Why the server could not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error("the server cannot use the database")]
    Store(#[from] store::Error),
    /// The certificate could not be made or read.
    #[error("the server has no certificate to show")]
    Tls(#[from] tls::Error),
    /// The configuration names what does not exist.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// An identity provider cannot be used as it is configured.
    #[error("the configuration of an issuer cannot be used")]
    Issuer(#[from] outside::Error),
    /// The listener failed.
    #[error("the server cannot listen")]
    Listen(#[from] io::Error),
    /// The server ended with calls that are not in the audit; the log says why.
    #[error("the last calls could not be written to the audit")]
    Audit,
}

/// A server that has all it needs, and has not begun to answer.
pub struct Server {
    service: service::Service,
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Server {
    /// Checks the configuration, reads or makes the certificate and takes the listener.
    pub async fn new(
        config: Config,
        store: Arc<dyn Store>,
        listener: TcpListener,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let tls = tls::server_config(&config, store.as_ref(), clock.now()).await?;
        let local = listener.local_addr()?;
        let service = service::service(config, store, clock, local).await?;
        Ok(Self { service, listener, tls })
    }

    /// The service, for other listeners.
    pub fn service(&self) -> service::Service {
        self.service.clone()
    }

    /// Where telemetry goes that comes to other listeners.
    pub fn intake(&self) -> intake::Intake {
        self.service.intake().clone()
    }

    /// Serves until `shutdown` ends, then lets requests in flight end.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let bounds = self.service.bounds();
        let slots = Arc::clone(self.service.load().slots());
        let connections = Connections::new(self.service.clone());
        let handle = Handle::new();
        let server = axum_server::from_tcp(self.listener)?.handle(handle.clone());
        let stream = WriteTimeout(bounds.write_timeout);
        let serving = async {
            match self.tls {
                None => with_bounds(server.acceptor(stream), bounds).serve(connections).await,
                Some(tls) => {
                    let tls = RustlsConfig::from_config(tls);
                    let acceptor = RustlsAcceptor::new(tls).acceptor(stream);
                    with_bounds(server.acceptor(acceptor), bounds).serve(connections).await
                }
            }
        };
        let stopping = async {
            shutdown.await;
            // First, so that nobody waits for a place any more.
            slots.close();
            handle.graceful_shutdown(Some(SHUTDOWN_GRACE));
            // The serving side ends the wait.
            std::future::pending::<()>().await;
        };
        let served = tokio::select! {
            served = serving => served.map_err(Error::Listen),
            () = stopping => Ok(()),
        };
        let flushed = self.service.flush_audit().await;
        served.and(flushed)
    }
}

fn with_bounds<A>(
    mut server: axum_server::Server<std::net::SocketAddr, A>,
    bounds: Bounds,
) -> axum_server::Server<std::net::SocketAddr, A> {
    let timeout = bounds.header_timeout;
    let http = server.http_builder();
    http.http1().header_read_timeout(timeout).max_buf_size(HEADER_BYTES as usize);
    http.http2()
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(HEADER_BYTES)
        .keep_alive_interval(timeout);
    server.first_request_timeout(timeout)
}

/// Whether the listener speaks TLS.
fn is_secure(config: &Config) -> bool {
    !matches!(config.tls, Tls::Off)
}
