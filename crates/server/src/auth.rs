//! From the `Authorization` header to the caller.
//!
//! A token is read once (`jws`, `claims`): its `iss` names who must have signed it, this server for
//! one of its tenants (`own`) or a provider of the configuration ([`crate::outside`]), and only that
//! issuer's keys are tried. What it says is a [`Subject`]; what follows from that here and now, a
//! [`Caller`], is `confirm`'s word, and is asked again whenever who may do what has changed, so that
//! a revocation or another role holds from the next call on, whichever process made it. Verified
//! tokens are remembered, since checking a signature costs more than all else that a short answer
//! needs.

pub(crate) mod caller;
pub(crate) mod claims;
pub(crate) mod jws;

mod confirm;
mod own;

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use inventory::time::Timestamp;

pub(crate) use self::caller::Caller;
use self::claims::Malformed;
pub(crate) use self::confirm::{Issuer, Subject, Who};
use self::jws::{Jws, MAX_TOKEN_BYTES};
use crate::call::Call;
use crate::error::ApiError;
use crate::generations::Generations;
use crate::issuer::audience;
use crate::outside::{self, Mark};
use crate::state::AppState;

/// Bytes of a token that find it again; the whole of it is compared then.
const TAIL_BYTES: usize = 32;
/// Bytes of tokens that are remembered at most.
const MAX_KNOWN_BYTES: usize = 32 * 1024 * 1024;
/// Bytes that a remembered token costs beside its text, roughly.
const ENTRY_BYTES: usize = 700;

/// What a token with a good signature says.
pub(crate) struct Verified {
    pub(crate) subject: Subject,
    pub(crate) audience: Audience,
    /// `iss`.
    pub(crate) issuer: String,
    /// Seconds since 1970 between which it is valid, and by how much clocks may differ.
    pub(crate) not_before_s: i64,
    pub(crate) expires_s: i64,
    pub(crate) skew: Skew,
    /// The keys that checked it, if they are another provider's.
    pub(crate) mark: Option<Mark>,
}

/// For whom a token is.
#[derive(Clone, Debug)]
pub(crate) enum Audience {
    /// One of these must be a name of the API or an origin of the server.
    Ours(Vec<String>),
    /// Found to be one that the configuration names.
    Configured,
}

/// By how many seconds clocks may differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Skew {
    pub(crate) early_s: i64,
    pub(crate) late_s: i64,
}

/// A token that was found good.
#[derive(Clone)]
struct Known {
    /// The whole token: a stranger can end a token as another one ends.
    token: Arc<str>,
    verified: Arc<Verified>,
    caller: Arc<Caller>,
    /// Until when its key is believed, seconds since 1970.
    key_until_s: i64,
    /// The store's version at which the caller was last known to be right.
    version: u64,
    /// The access version at which it was made.
    access_version: u64,
}

/// The end of a token: part of its signature, so that hardly two tokens share one.
type Tail = [u8; TAIL_BYTES];

/// The remembered tokens, and what they are compared with.
pub(crate) struct Tokens {
    known: Mutex<Generations<Tail, Known>>,
    states: own::States,
}

impl Default for Tokens {
    fn default() -> Self {
        let known = Mutex::new(Generations::new(MAX_KNOWN_BYTES));
        Self { known, states: own::States::default() }
    }
}

impl From<Malformed> for ApiError {
    fn from(_: Malformed) -> Self {
        invalid()
    }
}

/// Whom a request comes from. `version` is the store's when the request came in.
pub(crate) async fn authenticate(
    app: &AppState,
    headers: &HeaderMap,
    call: &Call,
    version: u64,
) -> Result<Arc<Caller>, ApiError> {
    let token = bearer(headers)?;
    let tail = *token.as_bytes().last_chunk().ok_or_else(invalid)?;
    let remembered = lock(&app.tokens.known)
        .get(&tail)
        .filter(|known| *known.token == *token && is_current(&known.verified));
    if let Some(known) = &remembered
        && known.version == version
    {
        check(app, &known.verified, known.key_until_s, call)?;
        return Ok(Arc::clone(&known.caller));
    }
    // Before what is read from the store, so that a change in between is seen the next time.
    let access_version = app.store.access_version()?;
    let unchanged = |known: &Known| known.access_version == access_version;
    let known = match remembered {
        Some(known) if unchanged(&known) => Known { version, ..known },
        remembered => {
            let verified = match remembered {
                Some(known) => known.verified,
                None => Arc::new(verify(app, token, access_version, call.now).await?),
            };
            // Before the store is asked: most tokens that are refused have expired.
            check(app, &verified, i64::MAX, call)?;
            let (caller, key_until_s) =
                confirm::confirm(app, &verified.subject, access_version, call.now).await?;
            let (token, caller) = (token.into(), Arc::new(caller));
            Known { token, verified, caller, key_until_s, version, access_version }
        }
    };
    check(app, &known.verified, known.key_until_s, call)?;
    let caller = Arc::clone(&known.caller);
    lock(&app.tokens.known).insert(tail, known, token.len() + ENTRY_BYTES);
    Ok(caller)
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

/// Checks what never changes about a token: that the issuer which it names signed it.
async fn verify(
    app: &AppState,
    token: &str,
    access_version: u64,
    now: Timestamp,
) -> Result<Verified, ApiError> {
    let jws = Jws::parse(token)?;
    // A tenant with the id of its Entra ID tenant shares its issuer's name; the key tells whose a
    // token is.
    match own::verify(app, &jws, access_version).await? {
        Some(verified) => Ok(verified),
        None => outside::verify(app, &jws, now).await,
    }
}

/// Whether the provider still shows the keys that checked a token.
fn is_current(verified: &Verified) -> bool {
    verified.mark.as_ref().is_none_or(Mark::is_current)
}

/// Checks what depends on the moment and on where the request went.
fn check(
    app: &AppState,
    verified: &Verified,
    key_until_s: i64,
    call: &Call,
) -> Result<(), ApiError> {
    let (now_s, skew) = (call.now.seconds(), verified.skew);
    if now_s >= verified.expires_s.saturating_add(skew.late_s) {
        return Err(unauthorized("The access token has expired."));
    }
    if now_s.saturating_add(skew.early_s) < verified.not_before_s {
        return Err(unauthorized("The access token is not valid yet."));
    }
    if now_s >= key_until_s {
        return Err(invalid());
    }
    let Audience::Ours(names) = &verified.audience else { return Ok(()) };
    let public = app.config.public_url.as_ref();
    let own = [public.unwrap_or(&call.origin), &call.origin];
    if !names.iter().any(|name| audience::is_ours(name, &own)) {
        return Err(wrong_audience(verified, &names.join(",")));
    }
    Ok(())
}

/// The vendor's words for a token of another audience (defender-api.md §6.3).
pub(crate) fn wrong_audience(verified: &Verified, audience: &str) -> ApiError {
    let time = |seconds| {
        Timestamp::from_seconds(seconds, 0).map_or_else(String::new, |time| time.to_string())
    };
    unauthorized(format!(
        "Invalid Authorization payload. AppId: {}, Audience: {audience}, Issuer: {}, Validity: valid \
         from {} to {}",
        verified.subject.app_id,
        verified.issuer,
        time(verified.not_before_s),
        time(verified.expires_s),
    ))
}

pub(crate) fn invalid() -> ApiError {
    unauthorized("The access token is not valid.")
}

pub(crate) fn unauthorized(message: impl Into<String>) -> ApiError {
    ApiError::Unauthorized(message.into())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
