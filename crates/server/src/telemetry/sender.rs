//! Who sends telemetry: an app that holds `Telemetry.Write`.
//!
//! A shipper keeps one text and sends it with every request, so beside an access token the app's
//! secret itself is taken, as `CLIENT_ID:SECRET`, in each form that shippers have for it: Splunk's
//! `Authorization: Splunk ...`, Elasticsearch's `ApiKey` and `Basic` (both in Base64), and `Bearer`.
//! Secrets that were found right are remembered by their hash, until who may do what changes.

use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use intake::Origin;
use inventory::access::Permission;
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use uuid::Uuid;

use crate::api::Ingest;
use crate::auth::{self, jws::MAX_TOKEN_BYTES};
use crate::call::Call;
use crate::error::ApiError;
use crate::generations::Generations;
use crate::issuer::client::check_secret;
use crate::issuer::handed_out::sha256;
use crate::issuer::signin::{self, SignInError};
use crate::state::AppState;

/// Bytes that a remembered sender costs, roughly.
const ENTRY_BYTES: usize = 300;
const MAX_KNOWN_BYTES: usize = 4 * 1024 * 1024;

/// An app that may send.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    tenant: TenantId,
    app_id: Uuid,
    /// What people call the app.
    name: String,
}

/// Why somebody may not send.
#[derive(Debug)]
pub(crate) enum Refused {
    /// There is no credential.
    Missing,
    /// What is there is no credential.
    Malformed,
    /// It is not right, or of an app that may not send.
    Wrong,
    /// As the API refuses a token.
    Api(ApiError),
    /// Too many were wrong.
    TooMany { retry_after_s: i64 },
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Self {
        Self::Api(error.into())
    }
}

/// Senders whose secret was found right.
pub(crate) struct Senders(Mutex<Generations<[u8; 32], Known>>);

#[derive(Clone)]
struct Known {
    sender: Sender,
    access_version: u64,
    expires: Option<Timestamp>,
}

impl Default for Senders {
    fn default() -> Self {
        Self(Mutex::new(Generations::new(MAX_KNOWN_BYTES)))
    }
}

impl Sender {
    /// From where the telemetry comes, as the intake knows it.
    pub(crate) fn origin(&self, kind: &'static str) -> Origin {
        Origin::new(self.tenant, kind, self.name.clone())
    }

    fn name_in(&self, call: &Call) {
        let _ = call.tenant.set(self.tenant);
        let _ = call.app_id.set(self.app_id);
    }
}

/// What the header holds.
enum Shown {
    /// An access token.
    Token,
    /// `CLIENT_ID:SECRET`.
    Secret(String),
}

/// Whom a request comes from.
pub(crate) async fn authenticate(
    app: &AppState,
    headers: &HeaderMap,
    call: &Call,
) -> Result<Sender, Refused> {
    let sender = match shown(headers)? {
        Shown::Token => by_token(app, headers, call).await?,
        Shown::Secret(text) => by_secret(app, &text, call).await?,
    };
    sender.name_in(call);
    Ok(sender)
}

fn shown(headers: &HeaderMap) -> Result<Shown, Refused> {
    let header = headers.get(header::AUTHORIZATION).ok_or(Refused::Missing)?;
    let text = header.to_str().map_err(|_| Refused::Malformed)?.trim();
    let (scheme, credential) = text.split_once(' ').ok_or(Refused::Malformed)?;
    let credential = credential.trim();
    if credential.is_empty() || credential.len() > MAX_TOKEN_BYTES {
        return Err(Refused::Malformed);
    }
    let decoded = || {
        let bytes = STANDARD.decode(credential).map_err(|_| Refused::Malformed)?;
        String::from_utf8(bytes).map_err(|_| Refused::Malformed)
    };
    match scheme.to_ascii_lowercase().as_str() {
        "splunk" => Ok(Shown::Secret(credential.to_owned())),
        "apikey" => Ok(Shown::Secret(decoded()?)),
        "basic" => {
            let text = decoded()?;
            // Splunk's collector takes its token as a password beside any user name.
            let password = text.split_once(':').map_or("", |(_, password)| password);
            let is_whole = password.split_once(':').is_some_and(|(id, _)| is_id(id));
            Ok(Shown::Secret(if is_whole { password.to_owned() } else { text }))
        }
        "bearer" if credential.split_once(':').is_some_and(|(id, _)| is_id(id)) => {
            Ok(Shown::Secret(credential.to_owned()))
        }
        "bearer" => Ok(Shown::Token),
        _ => Err(Refused::Malformed),
    }
}

fn is_id(text: &str) -> bool {
    Uuid::try_parse(text).is_ok()
}

async fn by_token(app: &AppState, headers: &HeaderMap, call: &Call) -> Result<Sender, Refused> {
    let version = app.store.version()?;
    let caller = auth::authenticate(app, headers, call, version).await?;
    caller.name_in(call);
    caller.require::<Ingest>()?;
    let tenant = caller.tenant.number;
    // An app of another issuer is not kept here.
    let kept = app.store.app(tenant, caller.app_id).await?;
    let name = kept.map_or_else(|| caller.app_id.to_string(), |app| app.name);
    Ok(Sender { tenant, app_id: caller.app_id, name })
}

async fn by_secret(app: &AppState, text: &str, call: &Call) -> Result<Sender, Refused> {
    let access_version = app.store.access_version()?;
    let key = sha256(text);
    let remembered = lock(&app.senders).get(&key);
    if let Some(known) = remembered.filter(|known| {
        known.access_version == access_version
            && known.expires.is_none_or(|expires| call.now < expires)
    }) {
        return Ok(known.sender);
    }
    let (id, secret) = text.split_once(':').ok_or(Refused::Malformed)?;
    signin::count_address(app, call).map_err(|error| match error {
        SignInError::TooMany { retry_after_s } => Refused::TooMany { retry_after_s },
        _ => Refused::Wrong,
    })?;
    let id = Uuid::try_parse(id.trim()).map_err(|_| Refused::Wrong)?;
    let (tenant, found) = app.store.find_app(id).await?.ok_or(Refused::Wrong)?;
    check_secret(&found, secret, call.now).map_err(|_| Refused::Wrong)?;
    signin::forgive_address(app, call);
    if found.revoked.is_some() || !found.permissions.contains(&Permission::TelemetryWrite) {
        return Err(Refused::Wrong);
    }
    let sender = Sender { tenant, app_id: id, name: found.name };
    // Of several secrets any may be the one that was shown: the first to end is the safe one.
    let expires = found.credentials.iter().filter_map(|credential| credential.expires).min();
    let known = Known { sender: sender.clone(), access_version, expires };
    lock(&app.senders).insert(key, known, ENTRY_BYTES);
    Ok(sender)
}

fn lock(senders: &Senders) -> std::sync::MutexGuard<'_, Generations<[u8; 32], Known>> {
    senders.0.lock().unwrap_or_else(PoisonError::into_inner)
}
