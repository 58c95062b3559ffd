//! The sign-in side: access tokens for apps, as the vendor's sign-in service issues them
//! (defender-api.md §7).
//!
//! [`issue`] is the whole of it; the endpoint only reads requests and writes answers, and the
//! command line calls the same function.

pub mod audience;
pub mod refusal;

pub(crate) mod endpoint;
pub(crate) mod keys;
mod request;

use aws_lc_rs::{constant_time, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inventory::access::{App, Permission, Tenant};
use inventory::time::Timestamp;
use serde::Serialize;
use store::Store;
use uuid::Uuid;

use crate::issuer::refusal::Refusal;
use crate::origin::Origin;

/// How long a token is good, in seconds.
pub const LIFETIME_S: i64 = 3600;
/// Seconds of life that answers state: one less, as the vendor has it.
pub const STATED_LIFETIME_S: i64 = 3599;
/// How long before now a token's validity begins, in seconds: the vendor's allowance for clocks
/// that run behind, and why its tokens seem to live for 65 minutes (§7.4).
const BACKDATED_S: i64 = 300;

/// An access token and what is said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The JWT.
    pub access_token: String,
    /// What it is for, as it was asked for.
    pub resource: String,
    /// Seconds since 1970 at which its validity begins.
    pub not_before_s: i64,
    /// Seconds since 1970 at which it expires.
    pub expires_s: i64,
}

/// What an app shows and asks for.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    /// The client id, as it was sent.
    pub client_id: &'a str,
    /// The client secret.
    pub client_secret: &'a str,
    /// What the token is to be for: a name of [`audience`] or one of `own`.
    pub resource: &'a str,
    /// Origins of the server that count as resources.
    pub own: &'a [&'a Origin],
}

/// Claims of an app-only token of version 1.0 (§7.4), in the vendor's order.
#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    app_displayname: &'a str,
    appid: Uuid,
    appidacr: &'static str,
    idp: String,
    oid: Uuid,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<&'static str>,
    sub: Uuid,
    tid: Uuid,
    uti: String,
    ver: &'static str,
}

/// Issues a token to an app that knows its secret.
pub async fn issue(
    store: &dyn Store,
    tenant: Tenant,
    claim: Claim<'_>,
    now: Timestamp,
) -> Result<Token, Refusal> {
    let app = authenticate(store, tenant, claim).await?;
    if !audience::is_ours(claim.resource, claim.own) {
        return Err(Refusal::unknown_resource(claim.resource, tenant.id));
    }
    let key = keys::signing_key(store, tenant.number, now).await?;
    let issuer = format!("https://sts.windows.net/{}/", tenant.id);
    let (begins_s, expires_s) = (now.seconds() - BACKDATED_S, now.seconds() + LIFETIME_S);
    let principal = service_principal(app.client_id);
    let claims = Claims {
        aud: claim.resource,
        iss: issuer.clone(),
        iat: begins_s,
        nbf: begins_s,
        exp: expires_s,
        app_displayname: &app.name,
        appid: app.client_id,
        appidacr: "1",
        idp: issuer,
        oid: principal,
        roles: app.permissions.iter().copied().map(Permission::as_str).collect(),
        sub: principal,
        tid: tenant.id,
        uti: URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes()),
        ver: "1.0",
    };
    Ok(Token {
        access_token: keys::sign(&key, &claims)?,
        resource: claim.resource.to_owned(),
        not_before_s: begins_s,
        expires_s,
    })
}

async fn authenticate(store: &dyn Store, tenant: Tenant, claim: Claim<'_>) -> Result<App, Refusal> {
    let unknown = || Refusal::unknown_app(claim.client_id, tenant.id);
    let client_id = Uuid::try_parse(claim.client_id.trim()).map_err(|_| unknown())?;
    let app = store.app(tenant.number, client_id).await?.ok_or_else(unknown)?;
    let shown = digest::digest(&digest::SHA256, claim.client_secret.as_bytes());
    constant_time::verify_slices_are_equal(shown.as_ref(), &app.secret_sha256)
        .map_err(|_| Refusal::wrong_secret(client_id))?;
    // After the secret, so that a stranger cannot learn which apps exist and are revoked.
    match app.revoked {
        Some(_) => Err(Refusal::revoked_app(&app)),
        None => Ok(app),
    }
}

/// The object id under which an app acts in the tenant: derived from its client id, so that it is
/// the same in every token.
fn service_principal(client_id: Uuid) -> Uuid {
    let mut text = b"footfall:service-principal:".to_vec();
    text.extend_from_slice(client_id.as_bytes());
    let hash = digest::digest(&digest::SHA256, &text);
    let mut id = [0; 16];
    id.copy_from_slice(&hash.as_ref()[..16]);
    uuid::Builder::from_random_bytes(id).into_uuid()
}
