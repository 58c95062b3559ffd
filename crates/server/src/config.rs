//! What the server can be told: plain data, checked once at the start.

use std::path::PathBuf;
use std::time::Duration;

use inventory::logon::LogonTypes;
use inventory::query::{UpnLookup, UserLookup};

use crate::issuer::throttle::FailedSignIns;
use crate::limits::Limits;
use crate::origin::Origin;
use crate::osquery;
use crate::outside::OutsideIssuer;
use crate::proxies::TrustedProxies;

/// Bytes of rendered answers that are remembered, unless the configuration says otherwise.
pub const ANSWER_CACHE_BYTES: usize = 64 * 1024 * 1024;

/// How the server is to behave.
#[derive(Clone, Debug)]
pub struct Config {
    /// HTTP or HTTPS.
    pub tls: Tls,
    /// Where clients reach the server, when that is not where it listens (a proxy in front).
    pub public_url: Option<Origin>,
    /// How many calls an app may make.
    pub limits: Limits,
    /// How many failed sign-ins are borne.
    pub failed_sign_ins: FailedSignIns,
    /// What a user principal name means as a user's id.
    pub upn: UpnLookup,
    /// Whom a user's id means, unless a request says otherwise.
    pub resolve: UserLookup,
    /// Answers cover logons of this many days before today; `None` for all that is kept.
    pub look_back_days: Option<u32>,
    /// Answers cover logons of these types.
    pub logon_types: LogonTypes,
    /// Whether people may give their passwords to apps (the password grant of OAuth 2.0).
    pub password_grant: bool,
    /// Names by which token requests may call the tenant beside its id (`contoso.com`).
    pub tenant_domains: Vec<String>,
    /// Identity providers whose tokens are believed beside the server's own.
    pub issuers: Vec<OutsideIssuer>,
    /// Bytes of rendered answers that are remembered; 0 to remember none.
    pub answer_cache_bytes: usize,
    /// Whether the audit holds calls, beside sign-ins and changes.
    pub audit_calls: bool,
    /// Proxies whose word on their clients' addresses counts.
    pub trusted_proxies: TrustedProxies,
    /// What protects the server from its callers.
    pub bounds: Bounds,
    /// How telemetry is read that is sent, and how much of it may wait.
    pub intake: intake::Settings,
    /// Machines that report by osquery's TLS API.
    pub osquery: osquery::Settings,
}

/// How much callers may ask at once, and how slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Requests in flight; more are told to come again.
    pub max_requests: usize,
    /// Connections; more wait to be taken.
    pub max_connections: usize,
    /// How long a client may take to send its headers, and to begin with a request at all.
    pub header_timeout: Duration,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long a client may take nothing of an answer.
    pub write_timeout: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            max_requests: 1024,
            max_connections: 4096,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
        }
    }
}

/// HTTP or HTTPS, and with which certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Plain HTTP.
    #[default]
    Off,
    /// A certificate of the server's own authority, made at the start.
    SelfSigned {
        /// Names and addresses beside localhost and the host of the public URL.
        names: Vec<String>,
    },
    /// A certificate that exists.
    Files {
        /// The certificate and those that lead to its authority, PEM.
        certificate: PathBuf,
        /// Its private key, PEM.
        key: PathBuf,
    },
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not of the form `https://host[:port]`.
    #[error("`{0}` is no public URL: write https://HOST or https://HOST:PORT, without a path")]
    PublicUrl(String),
    /// A limit for an API that does not exist.
    #[error("there is no API `{name}` to limit; the APIs are {known}")]
    UnknownApi {
        /// What the configuration names.
        name: String,
        /// What exists, joined by commas.
        known: String,
    },
    /// A limit that nothing passes or that would need too much memory.
    #[error("a limit must be between 1 and {max} calls, and no more in a minute than in an hour")]
    Limit {
        /// The greatest limit.
        max: u32,
    },
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tls: Tls::Off,
            public_url: None,
            limits: Limits::vendor(),
            failed_sign_ins: FailedSignIns::default(),
            upn: UpnLookup::default(),
            resolve: UserLookup::default(),
            look_back_days: None,
            logon_types: LogonTypes::ALL,
            password_grant: false,
            tenant_domains: Vec::new(),
            issuers: Vec::new(),
            answer_cache_bytes: ANSWER_CACHE_BYTES,
            audit_calls: true,
            trusted_proxies: TrustedProxies::default(),
            bounds: Bounds::default(),
            intake: intake::Settings::default(),
            osquery: osquery::Settings::default(),
        }
    }
}
