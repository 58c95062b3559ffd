//! The sign-in side: access tokens for apps, as the vendor's sign-in service issues them
//! (defender-api.md §7).
//!
//! A token request passes through `endpoint` (what was sent), `client` (which app, and whether it
//! proves itself) and `grants` (on what ground). Apps get their tokens here, people from `person`.
//! What else is handed out on the way are tickets (docs/adr/0012-sign-in.md).

pub mod audience;
pub mod password;
pub mod refusal;
pub mod throttle;
pub mod totp;

mod assertion;
pub(crate) mod client;
pub(crate) mod delegation;
pub(crate) mod device;
pub(crate) mod endpoint;
mod grants;
pub(crate) mod handed_out;
pub(crate) mod keys;
pub(crate) mod person;
pub(crate) mod request;
pub(crate) mod revocation;
pub(crate) mod scopes;
pub(crate) mod signin;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inventory::access::{Permission, Tenant};
use inventory::time::Timestamp;
use serde::Serialize;
use store::Store;
use uuid::Uuid;

use crate::issuer::client::Proven;
use crate::issuer::refusal::Refusal;
use crate::origin::Origin;

/// How long a token is good, in seconds.
pub const LIFETIME_S: i64 = 3600;
/// Seconds of life that answers state: one less, as the vendor has it.
pub const STATED_LIFETIME_S: i64 = 3599;
/// How long before now a token's validity begins, in seconds: the vendor's allowance for clocks
/// that run behind, and why its tokens seem to live for 65 minutes (§7.4).
const BACKDATED_S: i64 = 300;

/// The client id under which the command line asks a running server. No app of the store has it:
/// whoever can sign with the tenant's key has the database, and with it more than any token opens.
pub const COMMAND_LINE_APP: Uuid = Uuid::from_u128(0xf007_fa11_0000_4000_8000_0000_0000_0001);
/// How long the command line's tokens are good, in seconds.
const COMMAND_LINE_LIFETIME_S: i64 = 60;

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
    /// What it permits, where it speaks for a person.
    pub scope: Option<String>,
    /// What gives another one when it has expired.
    pub refresh_token: Option<String>,
    /// Who the person is, for the app.
    pub id_token: Option<String>,
    /// The same for the client's cache, where it asked.
    pub client_info: Option<String>,
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
    tenant: &Tenant,
    claim: Claim<'_>,
    now: Timestamp,
) -> Result<Token, Refusal> {
    let app = client::find(store, tenant, claim.client_id).await?;
    client::check_secret(&app, claim.client_secret, now)?;
    if app.revoked.is_some() {
        return Err(Refusal::revoked_app(&app));
    }
    if !audience::is_ours(claim.resource, claim.own) {
        return Err(Refusal::unknown_resource(claim.resource, tenant.id));
    }
    let grant = Grant {
        client_id: app.client_id,
        name: &app.name,
        proven: Proven::BySecret,
        roles: app.roles().map(Permission::as_str).collect(),
        resource: claim.resource,
        lifetime_s: LIFETIME_S,
    };
    sign(store, tenant, grant, now).await
}

/// Issues a token with which the command line asks the server that runs on this database.
pub async fn issue_for_command_line(
    store: &dyn Store,
    tenant: &Tenant,
    permission: Permission,
    now: Timestamp,
) -> Result<Token, Refusal> {
    let grant = Grant {
        client_id: COMMAND_LINE_APP,
        name: "footfall",
        proven: Proven::BySecret,
        roles: vec![permission.as_str()],
        resource: audience::DEFAULT_RESOURCE,
        lifetime_s: COMMAND_LINE_LIFETIME_S,
    };
    sign(store, tenant, grant, now).await
}

/// What a token that is to be signed says.
struct Grant<'a> {
    client_id: Uuid,
    name: &'a str,
    proven: Proven,
    roles: Vec<&'static str>,
    resource: &'a str,
    lifetime_s: i64,
}

async fn sign(
    store: &dyn Store,
    tenant: &Tenant,
    grant: Grant<'_>,
    now: Timestamp,
) -> Result<Token, Refusal> {
    let key = keys::signing_key(store, tenant.number, now).await?;
    let issuer = format!("https://sts.windows.net/{}/", tenant.id);
    let (begins_s, expires_s) = (now.seconds() - BACKDATED_S, now.seconds() + grant.lifetime_s);
    let principal = service_principal(grant.client_id);
    let claims = Claims {
        aud: grant.resource,
        iss: issuer.clone(),
        iat: begins_s,
        nbf: begins_s,
        exp: expires_s,
        app_displayname: grant.name,
        appid: grant.client_id,
        appidacr: grant.proven.claim(),
        idp: issuer,
        oid: principal,
        roles: grant.roles,
        sub: principal,
        tid: tenant.id,
        uti: URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes()),
        ver: "1.0",
    };
    Ok(Token {
        access_token: keys::sign(&key, &claims)?,
        resource: grant.resource.to_owned(),
        not_before_s: begins_s,
        expires_s,
        scope: None,
        refresh_token: None,
        id_token: None,
        client_info: None,
    })
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
