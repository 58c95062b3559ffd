//! `footfall limits`: asks the running server, with a token that it signs itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use inventory::access::Permission;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use server::clock::{Clock, SystemClock};
use server::config::Tls;
use server::limits::report::Report;
use server::origin::Origin;
use server::{issuer, tls};
use store::Store;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::cli::LimitsArgs;
use crate::config::Config;
use crate::output;

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of the answer at most.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// Prints what is left of the limits.
pub(crate) async fn run(config: &Config, args: &LimitsArgs) -> anyhow::Result<()> {
    let store = store::open_existing(&config.database)?;
    let server = match &args.server {
        Some(server) => server.clone(),
        None => listening(config)?,
    };
    if !server.keeps_secrets() {
        bail!("no token is sent to {server} in clear: name the server with https");
    }
    let now = SystemClock.now();
    let tenant = store.default_tenant().await?;
    let permission = Permission::AdminReadAll;
    let token = issuer::issue_for_command_line(&*store, &tenant, permission, now).await?;
    let agent = agent(config, &*store).await?;
    let url = format!("{server}/admin/v1/limits");
    let asking = tokio::task::spawn_blocking(move || ask(&agent, &url, &token.access_token));
    let text = asking.await?.with_context(|| format!("cannot ask the server at {server}"))?;
    let report: Report = serde_json::from_str(&text)
        .with_context(|| format!("{server} does not answer as this version of Footfall does"))?;
    if args.json {
        output::json(&report)?;
        return Ok(());
    }
    print(&report)?;
    Ok(())
}

/// Where the configured server is reached from its own machine.
fn listening(config: &Config) -> anyhow::Result<Origin> {
    let listen = config.serve.listen;
    if listen.port() == 0 {
        bail!("the configuration does not say at which port the server listens: use --server");
    }
    let server = crate::serve::server_config(config, listen)?;
    let scheme = if matches!(server.tls, Tls::Off) { "http" } else { "https" };
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    Ok(format!("{scheme}://{}", SocketAddr::new(ip, listen.port())).parse()?)
}

/// A client that believes the certificates of this installation and no others.
async fn agent(config: &Config, store: &dyn Store) -> anyhow::Result<ureq::Agent> {
    let authority = tls::certificate_authority(store, SystemClock.now()).await?;
    let mut pem = authority.certificate_pem.into_bytes();
    if let Some(path) = &config.serve.tls_cert {
        let own = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        pem.extend(own);
    }
    let roots = CertificateDer::pem_slice_iter(&pem)
        .map(|der| der.map(|der| Certificate::from_der(der.as_ref()).to_owned()))
        .collect::<Result<Vec<_>, _>>()
        .context("a certificate cannot be read")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots))
        .unversioned_rustls_crypto_provider(provider)
        .build();
    // The token is for this server: no proxy of the environment and no redirect gets to see it.
    let config = ureq::Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .build();
    Ok(config.into())
}

fn ask(agent: &ureq::Agent, url: &str, token: &str) -> anyhow::Result<String> {
    let request = agent.get(url).header("Authorization", format!("Bearer {token}"));
    let mut answer = request.call()?;
    let text = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string()?;
    if answer.status() != 200 {
        bail!(
            "it answers {}; does it run on the same database?",
            output::printable(answer.status().as_str())
        );
    }
    Ok(text)
}

fn print(report: &Report) -> std::io::Result<()> {
    let (requests, connections) = (report.requests, report.connections);
    output::line(&format!("Requests in flight:  {} of {}", requests.now, requests.most))?;
    output::line(&format!("Connections:         {} of {}", connections.now, connections.most))?;
    output::line("")?;
    calls(report)?;
    failed_sign_ins(report)
}

fn calls(report: &Report) -> std::io::Result<()> {
    if report.calls.is_empty() {
        return output::line("No app called within the last hour.");
    }
    let mut table = output::table(&["API", "APP", "LAST MINUTE", "LAST HOUR", "FREE"]);
    for calls in &report.calls {
        let free = match calls.retry_after_seconds {
            0 => "now".to_owned(),
            seconds => format!("in {seconds} s"),
        };
        let cells = [
            calls.api.clone(),
            calls.app_id.to_string(),
            format!("{} of {}", calls.last_minute, calls.per_minute),
            format!("{} of {}", calls.last_hour, calls.per_hour),
            free,
        ];
        output::add_row(&mut table, cells);
    }
    output::print_table(&mut table)
}

fn failed_sign_ins(report: &Report) -> std::io::Result<()> {
    if report.addresses.is_empty() && report.accounts.is_empty() {
        return Ok(());
    }
    output::line("")?;
    let mut table = output::table(&["FAILED SIGN-INS", "COUNT", "REFUSED UNTIL"]);
    let of_addresses = report.addresses.iter().map(|of| {
        let until = of.is_refused.then(|| of.until.clone());
        (of.address.to_string(), of.failures, until)
    });
    let of_accounts = report
        .accounts
        .iter()
        .map(|of| (of.user_name.clone(), of.failures, of.locked_until.clone()));
    for (who, failures, until) in of_addresses.chain(of_accounts) {
        let cells = [who, failures.to_string(), until.unwrap_or_else(|| "-".to_owned())];
        output::add_row(&mut table, cells);
    }
    output::print_table(&mut table)
}
