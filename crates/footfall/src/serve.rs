//! `footfall serve`.

mod listeners;
mod upkeep;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use intake::listen::{self, Listeners};
use server::Server;
use server::clock::{Clock, SystemClock};
use server::config::{Bounds, Tls as ServerTls};
use store::Store;

use crate::config::{Config, Tls};
use crate::output;
use crate::signal::{self, Interrupts};

/// How often a running server applies the retention.
const RETENTION_EVERY: Duration = Duration::from_secs(3600);

/// Serves until interrupted.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let store = open(&config)?;
    let listen = config.serve.listen;
    let listener =
        TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    let server_config = server_config(&config, listen)?;
    let scheme = if matches!(server_config.tls, ServerTls::Off) { "http" } else { "https" };
    let address = listener.local_addr()?;
    let tenant = store.default_tenant().await?;
    let bound = listeners::bind(&config, &server_config.tls, &*store).await?;
    let names: Vec<String> = bound.iter().map(listen::Listener::name).collect();
    let mut interrupts = Interrupts::new()?;
    signal::ignore_hangups("the server")?;
    let server =
        Server::new(server_config, Arc::clone(&store), listener, Arc::new(SystemClock)).await?;
    let clock: listen::Clock = Arc::new(|| SystemClock.now());
    let listeners = Listeners::start(bound, &server.intake(), &clock)?;
    let metrics = match config.metrics.listen {
        None => None,
        Some(address) => Some(
            TcpListener::bind(address)
                .with_context(|| format!("cannot listen on {address} for metrics"))?,
        ),
    };
    upkeep::start(&store);
    tokio::spawn(keep_retention(config, store));
    // On stdout, for scripts; the log, on stderr, says the same.
    let ready = format!("Footfall serves {scheme}://{address}/api (tenant {})", tenant.id);
    output::line(&ready)?;
    tracing::info!("{ready}");
    for name in names {
        let ready = format!("Footfall takes {name}");
        output::line(&ready)?;
        tracing::info!("{ready}");
    }
    if let Some(metrics) = metrics {
        let ready = format!("Footfall shows metrics at http://{}/metrics", metrics.local_addr()?);
        output::line(&ready)?;
        tracing::info!("{ready}");
        // It ends with the process: until then it shows how the rest ends.
        tokio::spawn(server::metrics::serve(server.service(), metrics, std::future::pending()));
    }
    let stopper = listeners.stopper();
    let interrupted = async {
        interrupts.next().await;
        // Senders are told at once, while requests in flight end.
        stopper.send_replace(true);
    };
    let served = server.serve(interrupted).await;
    listeners.stop().await;
    Ok(served?)
}

/// The store as callers share it: no question holds it for long.
pub(crate) fn open(config: &Config) -> Result<Arc<dyn Store>, store::Error> {
    if config.is_demos() {
        drop(store::open_existing(&config.database)?);
    }
    let longest_question = Some(config.serve.question_timeout.into());
    store::open_with(&config.database, store::Settings { longest_question })
}

/// The server's part of the configuration.
pub(crate) fn server_config(
    config: &Config,
    listen: SocketAddr,
) -> anyhow::Result<server::config::Config> {
    let serve = &config.serve;
    let tls = match (&serve.tls_cert, &serve.tls_key, serve.tls) {
        (Some(certificate), Some(key), _) => {
            ServerTls::Files { certificate: certificate.clone(), key: key.clone() }
        }
        (_, _, Some(Tls::Off)) => ServerTls::Off,
        // Tokens and answers never cross a network in clear unless the person says so.
        (_, _, None) if listen.ip().is_loopback() => ServerTls::Off,
        _ => ServerTls::SelfSigned { names: serve.tls_names.clone() },
    };
    Ok(server::config::Config {
        tls,
        public_url: config.public_url()?,
        limits: config.limits.to_server()?,
        upn: config.upn(),
        resolve: config.resolve(),
        look_back_days: config.answers.look_back.0,
        logon_types: config.answers.logon_types.0,
        issuers: config.issuers()?,
        tenant_domains: serve.tenant_names.clone(),
        password_grant: serve.password_grant,
        audit_calls: config.audit.calls,
        trusted_proxies: config.trusted_proxies()?,
        intake: intake::Settings {
            options: ingest::Options {
                rule: config.rule(SystemClock.now()),
                ..ingest::Options::default()
            },
            max_ahead_s: config.rule.max_ahead.get(),
            max_waiting: config.intake.max_waiting.get(),
            max_held_bytes: config.intake.max_held_mib.get().saturating_mul(1 << 20),
            patience: config.intake.patience.into(),
        },
        osquery: config.osquery.to_server(),
        bounds: Bounds {
            max_requests: serve.max_requests.get(),
            max_connections: serve.max_connections.get(),
            ..Bounds::default()
        },
        ..server::config::Config::default()
    })
}

async fn keep_retention(config: Config, store: Arc<dyn Store>) {
    let mut every = tokio::time::interval(RETENTION_EVERY);
    loop {
        every.tick().await;
        let outcome = async {
            for tenant in store.tenants().await? {
                crate::retention::apply(&config, &*store, tenant.number).await?;
            }
            crate::retention::apply_to_audit(&config, &*store).await
        };
        if let Err(error) = outcome.await {
            tracing::error!(error = &error as &dyn std::error::Error, "the retention failed");
        }
    }
}
