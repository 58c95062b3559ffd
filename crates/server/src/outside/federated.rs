//! Tokens of providers by which apps prove themselves to this server (defender-api.md §7.2): of any
//! issuer that a credential names, so nothing follows from them but who they are about.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::Uri;
use inventory::time::Timestamp;

use super::SKEW;
use super::fetch::{self, Client};
use super::provider::{NoKey, Provider};
use super::settings::{self, Error};
use crate::auth::claims::Malformed;
use crate::auth::jws::Jws;
use crate::generations::Generations;
use crate::state::AppState;

/// Providers beside those of the configuration that are kept at most.
const MAX_PROVIDERS: usize = 128;

/// Providers that credentials name.
pub(super) struct Providers {
    by_issuer: Mutex<Generations<String, Arc<Provider>>>,
    client: Client,
}

/// What a good assertion says. Whoever asked compares subject and audience, and refuses an id that
/// was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assertion {
    pub(crate) subject: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) id: Option<String>,
    /// Seconds since 1970.
    pub(crate) expires_s: i64,
}

/// Why an assertion is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unproven {
    /// It is no token, or of another issuer, or not signed by it.
    Invalid,
    /// It is too early or too late for it.
    Untimely,
    /// The issuer's keys could not be fetched.
    Unreachable,
}

impl Providers {
    pub(super) fn new() -> Result<Self, Error> {
        let by_issuer = Mutex::new(Generations::new(MAX_PROVIDERS));
        Ok(Self { by_issuer, client: Client::new(None)? })
    }

    fn of(&self, issuer: &str) -> Option<Arc<Provider>> {
        let mut kept = self.by_issuer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(provider) = kept.get(&issuer.to_owned()) {
            return Some(provider);
        }
        let url = settings::discovery_below(issuer);
        if !url.parse::<Uri>().is_ok_and(|uri| fetch::is_safe(&uri)) {
            return None;
        }
        let provider = Arc::new(Provider::new(url, &[issuer.to_owned()], &self.client));
        kept.insert(issuer.to_owned(), Arc::clone(&provider), 1);
        Some(provider)
    }
}

impl From<Malformed> for Unproven {
    fn from(_: Malformed) -> Self {
        Self::Invalid
    }
}

/// Checks an assertion that `issuer`, which a credential names, must have signed.
pub(crate) async fn verify(
    app: &AppState,
    issuer: &str,
    assertion: &str,
    now: Timestamp,
) -> Result<Assertion, Unproven> {
    let jws = Jws::parse(assertion)?;
    let claims = &jws.claims;
    if claims.text("iss")? != Some(issuer) {
        return Err(Unproven::Invalid);
    }
    // One of the configuration may have its own authorities and address.
    let configured = app.outside.trusted.get(issuer).map(|it| Arc::clone(&it.provider));
    let provider = configured.or_else(|| app.outside.federated.of(issuer));
    let provider = provider.ok_or(Unproven::Invalid)?;
    let found = provider.key(&jws.kid, jws.algorithm, now).await;
    let (key, _) = found.map_err(|missing| match missing {
        NoKey::Unknown => Unproven::Invalid,
        NoKey::Unreachable => Unproven::Unreachable,
    })?;
    if !jws.is_signed_by(&key) {
        return Err(Unproven::Invalid);
    }
    let (now_s, expires_s) = (now.seconds(), claims.seconds("exp")?.ok_or(Unproven::Invalid)?);
    let begins_s = claims.seconds("nbf")?.unwrap_or(i64::MIN);
    let is_timely = now_s < expires_s.saturating_add(SKEW.late_s)
        && now_s.saturating_add(SKEW.early_s) >= begins_s;
    if !is_timely {
        return Err(Unproven::Untimely);
    }
    Ok(Assertion {
        subject: claims.text("sub")?.ok_or(Unproven::Invalid)?.to_owned(),
        audiences: claims.text_or_texts("aud")?,
        id: claims.text("jti")?.map(str::to_owned),
        expires_s,
    })
}
