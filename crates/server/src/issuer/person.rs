//! Tokens that speak for a person: version 1.0 claims as the vendor's sign-in service writes them
//! (defender-api.md §7.4), the id token of OpenID Connect beside them, and refresh tokens.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inventory::access::operator::Operator;
use inventory::access::ticket::{Ticket, TicketKind};
use inventory::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::issuer::delegation::Delegation;
use crate::issuer::grants::Request;
use crate::issuer::handed_out::{random, sha256};
use crate::issuer::refusal::Refusal;
use crate::issuer::scopes::{OFFLINE_ACCESS, OPENID};
use crate::issuer::{BACKDATED_S, LIFETIME_S, Token, keys};

/// How long a refresh token is good after it was used last, in seconds: 90 days.
pub(crate) const REFRESH_LIFETIME_S: i64 = 90 * 24 * 3600;

/// Claims of a person's access token, in the vendor's order.
#[derive(Serialize)]
struct AccessClaims<'a> {
    aud: &'a str,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    acr: &'static str,
    amr: &'a [String],
    app_displayname: &'a str,
    appid: Uuid,
    appidacr: &'static str,
    name: &'a str,
    oid: Uuid,
    scp: String,
    sid: Uuid,
    sub: String,
    tid: Uuid,
    unique_name: &'a str,
    upn: &'a str,
    uti: String,
    ver: &'static str,
}

/// Claims of an id token, version 2.0.
#[derive(Serialize)]
struct IdClaims<'a> {
    aud: Uuid,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    auth_time: i64,
    amr: &'a [String],
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    oid: Uuid,
    preferred_username: &'a str,
    sid: Uuid,
    sub: String,
    tid: Uuid,
    ver: &'static str,
}

/// What a client is told of the person, for its cache.
#[derive(Serialize)]
struct ClientInfo {
    uid: Uuid,
    utid: Uuid,
}

/// The data of a refresh token's ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refresh {
    pub(crate) delegation: Delegation,
    /// When it gave way to another one, seconds since 1970; `None` while it is the last.
    pub(crate) replaced_s: Option<i64>,
}

/// The ground on which a person's tokens are issued.
pub(crate) struct Grounds<'a> {
    pub(crate) delegation: &'a Delegation,
    /// What descends from one sign-in.
    pub(crate) family: Uuid,
    /// Permissions of this token: those of the delegation, or fewer.
    pub(crate) scopes: &'a [String],
    /// The refresh token that is answered; `None` for a new one, where one was asked for.
    pub(crate) refresh_token: Option<String>,
}

/// The person behind a delegation, if they may still be spoken for.
pub(crate) async fn operator_of(
    request: &Request<'_>,
    delegation: &Delegation,
) -> Result<Operator, Refusal> {
    let store = &request.app.store;
    let found = store.operator(request.tenant.number, delegation.operator).await?;
    let gone = || Refusal::sign_in(50173, "The grant was revoked. Sign in again.");
    let operator = found.ok_or_else(gone)?;
    // The first one to set it.
    let _ = request.call.person.set(operator.user_name.clone());
    if operator.disabled.is_some() {
        return Err(Refusal::sign_in(50057, "The user account is disabled."));
    }
    if delegation.signed_in_s < operator.tokens_valid_from.seconds() {
        return Err(gone());
    }
    Ok(operator)
}

/// Issues the tokens.
pub(crate) async fn issue(request: &Request<'_>, grounds: Grounds<'_>) -> Result<Token, Refusal> {
    let operator = operator_of(request, grounds.delegation).await?;
    let key =
        keys::signing_key(request.app.store.as_ref(), request.tenant.number, request.call.now);
    let key = key.await?;
    let now_s = operator.issue_time_s(request.call.now);
    let client = request.client;
    let sub = pairwise(operator.id, client.app.client_id);
    let delegation = grounds.delegation;
    let access = AccessClaims {
        aud: &delegation.resource,
        iss: format!("https://sts.windows.net/{}/", request.tenant.id),
        // Exact: a sign-out ends what was issued before it.
        iat: now_s,
        nbf: now_s - BACKDATED_S,
        exp: now_s + LIFETIME_S,
        acr: "1",
        amr: &delegation.methods,
        app_displayname: &client.app.name,
        appid: client.app.client_id,
        appidacr: client.proven.claim(),
        name: &operator.display_name,
        oid: operator.id,
        scp: grounds.scopes.join(" "),
        sid: grounds.family,
        sub: sub.clone(),
        tid: request.tenant.id,
        unique_name: &operator.user_name,
        upn: &operator.user_name,
        uti: URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes()),
        ver: "1.0",
    };
    let asks = |scope: &str| delegation.openid.iter().any(|asked| asked == scope);
    let id = asks(OPENID).then(|| IdClaims {
        aud: client.app.client_id,
        // As the metadata says it, which libraries compare.
        iss: format!("{}/{}/v2.0", request.call.origin, request.tenant.id),
        iat: now_s,
        nbf: now_s,
        exp: now_s + LIFETIME_S,
        auth_time: delegation.signed_in_s,
        amr: &delegation.methods,
        name: &operator.display_name,
        nonce: delegation.nonce.as_deref(),
        oid: operator.id,
        preferred_username: &operator.user_name,
        sid: grounds.family,
        sub,
        tid: request.tenant.id,
        ver: "2.0",
    });
    let refresh_token = match grounds.refresh_token {
        Some(token) => Some(token),
        None if asks(OFFLINE_ACCESS) => {
            Some(new_refresh_token(request, delegation, grounds.family).await?)
        }
        None => None,
    };
    let wants_info = request.fields.client_info.as_deref() == Some("1");
    Ok(Token {
        access_token: keys::sign(&key, &access)?,
        resource: delegation.resource.clone(),
        not_before_s: access.nbf,
        expires_s: access.exp,
        scope: Some(answered_scope(&delegation.resource, grounds.scopes, &delegation.openid)),
        refresh_token,
        id_token: id.map(|claims| keys::sign(&key, &claims)).transpose()?,
        client_info: wants_info.then(|| {
            let info = ClientInfo { uid: operator.id, utid: request.tenant.id };
            // Two GUIDs, which always serialise.
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(&info).unwrap_or_default())
        }),
    })
}

/// Keeps a new refresh token of a sign-in.
async fn new_refresh_token(
    request: &Request<'_>,
    delegation: &Delegation,
    family: Uuid,
) -> Result<String, Refusal> {
    let token = random().ok_or_else(|| Refusal::internal("the system gave no random bytes"))?;
    let refresh = Refresh { delegation: delegation.clone(), replaced_s: None };
    let now = request.call.now;
    let ticket = Ticket {
        kind: TicketKind::RefreshToken,
        key: sha256(&token),
        expires: now.plus_seconds(REFRESH_LIFETIME_S).unwrap_or(Timestamp::MAX),
        operator: Some(delegation.operator),
        app: Some(delegation.client_id),
        family: Some(family),
        data: to_json(&refresh)?,
    };
    request.app.store.add_ticket(request.tenant.number, &ticket, now).await?;
    Ok(token)
}

/// The subject by which one app knows a person, and no other app.
fn pairwise(operator: Uuid, client_id: Uuid) -> String {
    let mut text = b"footfall:subject:".to_vec();
    text.extend_from_slice(operator.as_bytes());
    text.extend_from_slice(client_id.as_bytes());
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &text))
}

/// Scopes as the sign-in service answers them: the API's with its name before them.
fn answered_scope(resource: &str, scopes: &[String], openid: &[String]) -> String {
    let resource = resource.trim_end_matches('/');
    let of_api = scopes.iter().map(|scope| format!("{resource}/{scope}"));
    let all: Vec<_> = of_api.chain(openid.iter().cloned()).collect();
    all.join(" ")
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<String, Refusal> {
    serde_json::to_string(value).map_err(|error| Refusal::internal(format!("a ticket: {error}")))
}

pub(crate) fn from_json<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|error| Refusal::internal(format!("a ticket: {error}")))
}
