//! Tokens that this server issued for one of its tenants: RS256 and nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use inventory::access::directory::Directory;
use inventory::ids::TenantId;
use uuid::Uuid;

use super::claims::Malformed;
use super::confirm::{Issuer, Subject, Who};
use super::jws::{Algorithm, Jws, PublicKey};
use super::{Audience, Skew, Verified, invalid};
use crate::error::ApiError;
use crate::issuer::keys;
use crate::state::AppState;
use crate::tenants;

/// How far ahead of this server's clock the issuing one's may be, in seconds. A token that has
/// expired is refused at once.
const SKEW: Skew = Skew { early_s: 60, late_s: 0 };

/// What tokens of a tenant are compared with, as it was at an access version.
pub(super) struct State {
    access_version: u64,
    keys: HashMap<String, Key>,
    pub(super) directory: Directory,
}

/// A key that signs tokens here.
struct Key {
    public: PublicKey,
    /// Until when it is believed, seconds since 1970.
    until_s: i64,
}

/// The states of the tenants. The lock is held while one is read, so that it is read once.
#[derive(Default)]
pub(super) struct States(tokio::sync::Mutex<HashMap<TenantId, Arc<State>>>);

impl State {
    /// Until when a key is believed, seconds since 1970; `None` for one that is gone.
    pub(super) fn key_until_s(&self, kid: &str) -> Option<i64> {
        self.keys.get(kid).map(|key| key.until_s)
    }

    async fn read(app: &AppState, tenant: TenantId, access_version: u64) -> Result<Self, ApiError> {
        let mut known = HashMap::new();
        for key in app.store.signing_keys(tenant).await? {
            let numbers = keys::public_key(&key)
                .map_err(|error| ApiError::internal(format!("signing key {}: {error}", key.kid)))?;
            let public = PublicKey::rsa(&numbers.n, &numbers.e, vec![Algorithm::Rs256]);
            let until_s = key.verifies_until.map_or(i64::MAX, |until| until.seconds());
            known.insert(key.kid, Key { public, until_s });
        }
        let directory = app.store.directory(tenant).await?.directory;
        Ok(Self { access_version, keys: known, directory })
    }
}

/// The state of a tenant, read again when who may do what has changed: a stranger's tokens cost
/// no query.
pub(super) async fn state(
    app: &AppState,
    tenant: TenantId,
    access_version: u64,
) -> Result<Arc<State>, ApiError> {
    let mut states = app.tokens.states.0.lock().await;
    if let Some(state) = states.get(&tenant)
        && state.access_version == access_version
    {
        return Ok(Arc::clone(state));
    }
    let state = Arc::new(State::read(app, tenant, access_version).await?);
    states.insert(tenant, Arc::clone(&state));
    Ok(state)
}

/// Checks a token that names one of this server's tenants as its issuer; `None` when it names
/// another, or a key that is not this server's.
pub(super) async fn verify(
    app: &AppState,
    jws: &Jws<'_>,
    access_version: u64,
) -> Result<Option<Verified>, ApiError> {
    let Some(issuer) = jws.claims.text("iss")? else { return Err(invalid()) };
    let Some(id) = tenant_of(issuer) else { return Ok(None) };
    let Some(tenant) = tenants::by_id(app, id).await? else { return Ok(None) };
    let state = state(app, tenant.number, access_version).await?;
    let Some(key) = state.keys.get(&jws.kid) else { return Ok(None) };
    if !jws.is_signed_by(&key.public) {
        return Err(invalid());
    }
    let claims = &jws.claims;
    let required = |seconds: Option<i64>| seconds.ok_or(Malformed);
    if claims.id("tid")? != Some(tenant.id) {
        return Err(invalid());
    }
    let app_id = claims.id("appid")?.or(claims.id("azp")?).ok_or(Malformed)?;
    let who = match claims.text("scp")? {
        None => Who::App { roles: claims.texts("roles")? },
        Some(scopes) => Who::Operator {
            id: claims.id("oid")?.ok_or(Malformed)?,
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
            issued_s: required(claims.seconds("iat")?)?,
            revocable: [Some(claims.text("uti")?.ok_or(Malformed)?), claims.text("sid")?]
                .into_iter()
                .flatten()
                .map(str::to_owned)
                .collect(),
        },
    };
    Ok(Some(Verified {
        subject: Subject {
            tenant: tenant.id,
            app_id,
            client: None,
            issuer: Issuer::Own { kid: jws.kid.clone() },
            who,
        },
        audience: Audience::Ours(vec![claims.text("aud")?.ok_or(Malformed)?.to_owned()]),
        issuer: issuer.to_owned(),
        not_before_s: required(claims.seconds("nbf")?)?,
        expires_s: required(claims.seconds("exp")?)?,
        skew: SKEW,
        mark: None,
    }))
}

/// The tenant in the issuer's name of a token of version 1.0 or 2.0, written exactly so.
fn tenant_of(issuer: &str) -> Option<Uuid> {
    let id = issuer
        .strip_prefix("https://sts.windows.net/")
        .and_then(|rest| rest.strip_suffix('/'))
        .or_else(|| {
            let rest = issuer.strip_prefix("https://login.microsoftonline.com/")?;
            rest.strip_suffix("/v2.0")
        })?;
    Uuid::try_parse(id).ok().filter(|parsed| parsed.to_string() == id)
}
