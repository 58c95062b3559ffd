//! Asks a provider: one GET, https, bounded in time and bytes, no redirects.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use rustls::crypto::aws_lc_rs::default_provider;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::settings::Error;
use crate::origin;

/// How long an answer may take, from the name's resolution to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer at most.
const MAX_BYTES: u64 = 1024 * 1024;

/// Why a provider gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("`{0}` is no https address")]
    Address(String),
    #[error("GET {url} answered {status}")]
    Status { url: String, status: u16 },
    #[error("GET {url} failed")]
    Failed { url: String, source: ureq::Error },
    #[error("the task that asked was ended")]
    Ended(#[source] tokio::task::JoinError),
}

/// What asks.
#[derive(Clone)]
pub(super) struct Client(Agent);

impl Client {
    /// A client that trusts the authorities of a file, or those that the web trusts.
    pub(super) fn new(ca: Option<&Path>) -> Result<Self, Error> {
        let tls = client_tls(ca)?;
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent("footfall")
            .tls_config(tls)
            .build();
        Ok(Self(config.into()))
    }

    /// The body at an address.
    pub(super) async fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let uri: Uri = url.parse().map_err(|_| FetchError::Address(url.to_owned()))?;
        if !is_safe(&uri) {
            return Err(FetchError::Address(url.to_owned()));
        }
        let (agent, url) = (self.0.clone(), url.to_owned());
        let asking = tokio::task::spawn_blocking(move || {
            let failed = |source| FetchError::Failed { url: url.clone(), source };
            let mut request = agent.get(&url);
            if is_local(&uri) {
                // The environment's proxy leads elsewhere.
                request = request.config().proxy(None).build();
            }
            let mut response = request.call().map_err(failed)?;
            match response.status().as_u16() {
                200 => {
                    response.body_mut().with_config().limit(MAX_BYTES).read_to_vec().map_err(failed)
                }
                status => Err(FetchError::Status { url: url.clone(), status }),
            }
        });
        asking.await.map_err(FetchError::Ended)?
    }
}

/// TLS of a client that trusts the authorities of a file, PEM, or those that the web trusts.
pub fn client_tls(ca: Option<&Path>) -> Result<TlsConfig, Error> {
    let roots = match ca {
        None => RootCerts::WebPki,
        Some(path) => {
            let read = std::fs::read(path);
            let pem = read.map_err(|source| Error::Ca { path: path.to_owned(), source })?;
            let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                })
                .collect();
            if certificates.is_empty() {
                return Err(Error::NoCa(path.to_owned()));
            }
            RootCerts::from(certificates)
        }
    };
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(default_provider()))
        .root_certs(roots);
    Ok(tls.build())
}

/// Whether an address is asked at all: over https, or in clear on this machine.
pub(crate) fn is_safe(uri: &Uri) -> bool {
    match uri.scheme_str() {
        Some("https") => uri.host().is_some_and(|host| !host.is_empty()),
        Some("http") => is_local(uri),
        _ => false,
    }
}

/// Whether an address is one of this machine.
pub(crate) fn is_local(uri: &Uri) -> bool {
    uri.host().is_some_and(origin::is_local)
}
