//! The vendor's API over HTTP: routes, tokens, permissions, limits and answers.
//!
//! A request passes through the modules in this order: [`service`] names it and finds its route
//! (`path`, [`router`]), `permit` decides who asks and whether they may (`auth`, `api`,
//! [`limits`]), `query` reads what is asked, a handler (`users`, `machines`, `alerts`) asks the
//! store, and `views` writes the answer, which `answers` remembers. `error` is the one table of
//! refusals. [`issuer`] and `discovery` are the sign-in side, so that no other server is needed.
//!
//! Nothing here reads a log file or knows SQL. The clock is read through [`clock`] alone.

pub mod apps;
pub mod clock;
pub mod config;
pub mod issuer;
pub mod limits;
pub mod origin;
pub mod router;
pub mod service;
pub mod tls;

mod alerts;
mod answers;
mod api;
mod auth;
mod call;
mod discovery;
mod envelope;
mod error;
mod generations;
mod machines;

mod path;
mod permit;
mod query;
mod state;
mod users;
pub mod views;

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use store::Store;
use tower::make::Shared;

use crate::clock::Clock;
use crate::config::{Config, Tls};

/// How long a client may take to send its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests in flight may take to end once the server is told to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
/// Requests in flight on one HTTP/2 connection at most.
const HTTP2_STREAMS: u32 = 200;

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
    /// The listener failed.
    #[error("the server cannot listen")]
    Listen(#[from] io::Error),
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

    /// Serves until `shutdown` ends, then lets requests in flight end.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let service = Shared::new(self.service);
        let handle = Handle::new();
        let server = axum_server::from_tcp(self.listener)?.handle(handle.clone());
        let serving = async {
            match self.tls {
                None => with_timeouts(server).serve(service).await,
                Some(tls) => {
                    let tls = RustlsConfig::from_config(tls);
                    let acceptor = axum_server::tls_rustls::RustlsAcceptor::new(tls);
                    with_timeouts(server.acceptor(acceptor)).serve(service).await
                }
            }
        };
        let stopping = async {
            shutdown.await;
            handle.graceful_shutdown(Some(SHUTDOWN_GRACE));
            // The serving side ends the wait.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            served = serving => served.map_err(Error::Listen),
            () = stopping => Ok(()),
        }
    }
}

fn with_timeouts<A>(
    mut server: axum_server::Server<std::net::SocketAddr, A>,
) -> axum_server::Server<std::net::SocketAddr, A> {
    let http = server.http_builder();
    http.http1().header_read_timeout(HEADER_TIMEOUT);
    http.http2().max_concurrent_streams(HTTP2_STREAMS).keep_alive_interval(HEADER_TIMEOUT);
    server.first_request_timeout(HEADER_TIMEOUT)
}

/// Whether the listener speaks TLS.
fn is_secure(config: &Config) -> bool {
    !matches!(config.tls, Tls::Off)
}
