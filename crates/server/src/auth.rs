//! From the `Authorization` header to the app that calls.
//!
//! A token is believed when this server's key signed it (RS256 and nothing else), for this tenant
//! and audience, and it is neither early nor late. Its app must exist and not be revoked, which is
//! asked again whenever the store has changed, so that a revocation holds from the next call on,
//! whichever process made it. Verified tokens are remembered, since checking a signature costs
//! more than all else that a short answer needs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use inventory::access::{Permission, Tenant};
use inventory::time::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use uuid::Uuid;

use crate::call::Call;
use crate::error::ApiError;
use crate::generations::Generations;
use crate::issuer::{audience, keys};
use crate::state::AppState;

/// Bytes of a token at most; the ones issued here have about 1,200.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Bytes of a token that find it again; the whole of it is compared then.
const TAIL_BYTES: usize = 32;
/// Tokens that are remembered at most.
const MAX_KNOWN: usize = 10_000;
/// How far ahead of this server's clock the issuing one's may be, in seconds. A token that has
/// expired is refused at once.
const CLOCK_SKEW_S: i64 = 60;

/// Who calls.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) tenant: Tenant,
    pub(crate) app_id: Uuid,
    /// The token's roles as they stand in it.
    pub(crate) roles: Vec<String>,
    /// The token speaks for a person: its rights are scopes, not roles.
    pub(crate) delegated: bool,
}

impl Caller {
    /// Whether the token holds one of the permissions.
    pub(crate) fn holds_any(&self, accepted: &[Permission]) -> bool {
        let held = |role: &String| {
            Permission::parse(role).is_some_and(|permission| accepted.contains(&permission))
        };
        !self.delegated && self.roles.iter().any(held)
    }
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    exp: i64,
    nbf: i64,
    tid: Uuid,
    appid: Option<Uuid>,
    azp: Option<Uuid>,
    #[serde(default)]
    roles: Vec<String>,
    scp: Option<String>,
}

/// A token whose signature and claims were checked.
#[derive(Clone)]
struct Known {
    /// The whole token: a stranger can end a token as another one ends.
    token: Arc<str>,
    caller: Arc<Caller>,
    audience: Arc<str>,
    not_before_s: i64,
    expires_s: i64,
    /// The store's version at which the app was last seen in force.
    version: u64,
}

/// The end of a token: part of its signature, so that hardly two tokens share one.
type Tail = [u8; TAIL_BYTES];

/// The remembered tokens and the keys that sign them.
pub(crate) struct Tokens {
    known: Mutex<Generations<Tail, Known>>,
    keys: Mutex<Arc<Keys>>,
}

/// The public keys by their ids, as they were at a version of the store.
#[derive(Default)]
struct Keys {
    version: Option<u64>,
    by_id: HashMap<String, DecodingKey>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { known: Mutex::new(Generations::new(MAX_KNOWN)), keys: Mutex::default() }
    }
}

/// The app that a request comes from.
pub(crate) async fn authenticate(
    app: &AppState,
    headers: &HeaderMap,
    call: &Call,
    version: u64,
) -> Result<Arc<Caller>, ApiError> {
    let token = bearer(headers)?;
    let tail = *token.as_bytes().last_chunk().ok_or_else(invalid)?;
    let remembered = lock(&app.tokens.known).get(&tail).filter(|known| *known.token == *token);
    let fresh = remembered.is_none();
    let mut known = match remembered {
        Some(known) => known,
        None => verify(app, token, version).await?,
    };
    check(app, &known, call)?;
    if fresh || known.version != version {
        require_app(app, known.caller.app_id).await?;
        known.version = version;
        lock(&app.tokens.known).insert(tail, known.clone(), 1);
    }
    Ok(known.caller)
}

/// The token of a request; the scheme's name is read in any case.
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let Some(header) = headers.get(header::AUTHORIZATION) else {
        return Err(unauthorized("The authorization header is missing."));
    };
    let token = header
        .to_str()
        .ok()
        .and_then(|text| text.trim().split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
        .map(|(_, token)| token.trim_start());
    match token {
        None | Some("") => Err(unauthorized("The authorization header holds no bearer token.")),
        Some(token) if token.len() > MAX_TOKEN_BYTES => Err(invalid()),
        Some(token) => Ok(token),
    }
}

/// Checks what never changes about a token: its signature, tenant and issuer.
async fn verify(app: &AppState, token: &str, version: u64) -> Result<Known, ApiError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
    let kid = header.kid.ok_or_else(invalid)?;
    let keys = app.tokens.keys_with(app, &kid, version).await?;
    let key = keys.by_id.get(&kid).ok_or_else(invalid)?;
    // Times and audience are checked below, against the server's clock and the request.
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let claims: Claims =
        jsonwebtoken::decode(token, key, &validation).map_err(|_| invalid())?.claims;
    let tenant = app.tenant;
    let issuers = [
        format!("https://sts.windows.net/{}/", tenant.id),
        format!("https://login.microsoftonline.com/{}/v2.0", tenant.id),
    ];
    if claims.tid != tenant.id || !issuers.contains(&claims.iss) {
        return Err(invalid());
    }
    let app_id = claims.appid.or(claims.azp).ok_or_else(invalid)?;
    Ok(Known {
        token: token.into(),
        caller: Arc::new(Caller {
            tenant,
            app_id,
            roles: claims.roles,
            delegated: claims.scp.is_some(),
        }),
        audience: claims.aud.into(),
        not_before_s: claims.nbf,
        expires_s: claims.exp,
        version,
    })
}

/// Checks what depends on the moment and on where the request went.
fn check(app: &AppState, known: &Known, call: &Call) -> Result<(), ApiError> {
    let now_s = call.now.seconds();
    if now_s >= known.expires_s {
        return Err(unauthorized("The access token has expired."));
    }
    if now_s.saturating_add(CLOCK_SKEW_S) < known.not_before_s {
        return Err(unauthorized("The access token is not valid yet."));
    }
    let public = app.config.public_url.as_ref();
    let own = [public.unwrap_or(&call.origin), &call.origin];
    if !audience::is_ours(&known.audience, &own) {
        return Err(wrong_audience(known));
    }
    Ok(())
}

/// The vendor's words for a token of another audience (defender-api.md §6.3).
fn wrong_audience(known: &Known) -> ApiError {
    let time = |seconds| {
        Timestamp::from_seconds(seconds, 0).map_or_else(String::new, |time| time.to_string())
    };
    unauthorized(format!(
        "Invalid Authorization payload. AppId: {}, Audience: {}, Issuer: https://sts.windows.net/{}/, \
         Validity: valid from {} to {}",
        known.caller.app_id,
        known.audience,
        known.caller.tenant.id,
        time(known.not_before_s),
        time(known.expires_s),
    ))
}

async fn require_app(app: &AppState, app_id: Uuid) -> Result<(), ApiError> {
    match app.store.app(app.tenant.number, app_id).await? {
        Some(found) if found.revoked.is_none() => Ok(()),
        _ => Err(unauthorized("The app of this access token does not exist or was revoked.")),
    }
}

impl Tokens {
    /// The keys, read again when the id is unknown and the store has changed since: a stranger's
    /// ids cost no query.
    async fn keys_with(
        &self,
        app: &AppState,
        kid: &str,
        version: u64,
    ) -> Result<Arc<Keys>, ApiError> {
        let keys = Arc::clone(&lock(&self.keys));
        if keys.by_id.contains_key(kid) || keys.version == Some(version) {
            return Ok(keys);
        }
        let mut by_id = HashMap::new();
        for key in app.store.signing_keys(app.tenant.number).await? {
            let public = keys::public_key(&key)
                .map_err(|error| ApiError::internal(format!("signing key {}: {error}", key.kid)))?;
            let decoding = DecodingKey::from_rsa_raw_components(&public.n, &public.e);
            by_id.insert(key.kid, decoding);
        }
        let keys = Arc::new(Keys { version: Some(version), by_id });
        *lock(&self.keys) = Arc::clone(&keys);
        Ok(keys)
    }
}

fn invalid() -> ApiError {
    unauthorized("The access token is not valid.")
}

fn unauthorized(message: impl Into<String>) -> ApiError {
    ApiError::Unauthorized(message.into())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
