//! The grants of the token endpoint: on what ground a token is issued (defender-api.md §7.2).

use aws_lc_rs::{constant_time, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inventory::access::ticket::{Ticket, TicketKind};
use inventory::access::{Permission, Tenant};
use inventory::time::Timestamp;
use uuid::Uuid;

use crate::call::Call;
use crate::issuer::client::{self, Client, Proven};
use crate::issuer::delegation::{Code, Delegation};
use crate::issuer::handed_out::sha256;
use crate::issuer::person::{self, Grounds, REFRESH_LIFETIME_S, Refresh, from_json, to_json};
use crate::issuer::refusal::Refusal;
use crate::issuer::request::{Fields, Version};
use crate::issuer::signin::{self, Shown};
use crate::issuer::{LIFETIME_S, Token, audience, device, revocation, scopes};
use crate::state::AppState;

/// A refresh token that gave way to another is borne for so many seconds more: a client with
/// several windows may use it twice at once.
const REPLACED_GRACE_S: i64 = 60;
/// For how long a code that was used is known as such, in seconds.
const SPENT_S: i64 = 3600;
/// The data of such a code's ticket.
const SPENT: &str = "spent";

/// A token request of an app that proved itself.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) app: &'a AppState,
    pub(crate) call: &'a Call,
    pub(crate) tenant: &'a Tenant,
    pub(crate) version: Version,
    pub(crate) client: &'a Client,
    pub(crate) fields: &'a Fields,
}

/// The grants that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    ClientCredentials,
    AuthorizationCode,
    RefreshToken,
    DeviceCode,
    Password,
}

impl Grant {
    /// Reads `grant_type`; `device_code` is what older clients of version 1.0 write.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "client_credentials" => Some(Self::ClientCredentials),
            "authorization_code" => Some(Self::AuthorizationCode),
            "refresh_token" => Some(Self::RefreshToken),
            "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => {
                Some(Self::DeviceCode)
            }
            "password" => Some(Self::Password),
            _ => None,
        }
    }
}

/// The token of a grant.
pub(crate) async fn token(request: Request<'_>, grant: Grant) -> Result<Token, Refusal> {
    match grant {
        Grant::ClientCredentials => for_app(request).await,
        Grant::AuthorizationCode => by_code(request).await,
        Grant::RefreshToken => by_refresh_token(request).await,
        Grant::DeviceCode => device::token(request).await,
        Grant::Password => by_password(request).await,
    }
}

async fn for_app(request: Request<'_>) -> Result<Token, Refusal> {
    let resource = request.fields.app_resource(request.version)?;
    let own = audience::own(request.app, request.call);
    if !audience::is_ours(resource, &own) {
        return Err(Refusal::unknown_resource(resource, request.tenant.id));
    }
    let client = request.client;
    if client.proven == Proven::Nothing {
        return Err(Refusal::missing_secret());
    }
    let granted = super::Grant {
        client_id: client.app.client_id,
        name: &client.app.name,
        proven: client.proven,
        roles: client.app.roles().map(Permission::as_str).collect(),
        resource,
        lifetime_s: LIFETIME_S,
    };
    super::sign(request.app.store.as_ref(), request.tenant, granted, request.call.now).await
}

async fn by_code(request: Request<'_>) -> Result<Token, Refusal> {
    let code = Fields::required(&request.fields.code, "code")?;
    let (store, tenant, now) = (&request.app.store, request.tenant.number, request.call.now);
    let taken = store.take_ticket(tenant, TicketKind::AuthorizationCode, sha256(code), now).await?;
    let ticket = taken.ok_or_else(Refusal::unknown_code)?;
    let family = ticket.family.unwrap_or_else(Uuid::new_v4);
    // Whoever comes with it once more may be the one who should have it, and so may the one before
    // (RFC 6749 §4.1.2).
    let spent = Ticket {
        expires: now.plus_seconds(SPENT_S).unwrap_or(Timestamp::MAX),
        operator: None,
        family: None,
        data: format!("{SPENT} {family}"),
        ..ticket.clone()
    };
    store.add_ticket(tenant, &spent, now).await?;
    if let Some(family) = ticket.data.strip_prefix(SPENT) {
        if let Ok(family) = Uuid::try_parse(family.trim()) {
            revocation::end_sign_in(store.as_ref(), tenant, family, now).await?;
        }
        return Err(Refusal::spent_code());
    }
    let known: Code = from_json(&ticket.data)?;
    if known.delegation.client_id != request.client.app.client_id {
        return Err(Refusal::unknown_code());
    }
    if request.fields.redirect_uri.as_deref() != Some(known.redirect_uri.as_str()) {
        return Err(Refusal::wrong_redirect());
    }
    check_verifier(&request, known.challenge.as_deref())?;
    let scopes = &known.delegation.scopes;
    let grounds = Grounds { delegation: &known.delegation, family, scopes, refresh_token: None };
    person::issue(&request, grounds).await
}

/// Proof key for code exchange (RFC 7636), S256 alone; a public client must have sent one.
fn check_verifier(request: &Request<'_>, challenge: Option<&str>) -> Result<(), Refusal> {
    let verifier = request.fields.code_verifier.as_deref();
    match (challenge, verifier) {
        (None, None) if request.client.proven != Proven::Nothing => Ok(()),
        (Some(_), None) => Err(Refusal::missing("code_verifier")),
        (Some(challenge), Some(verifier)) => {
            let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
            let shown = URL_SAFE_NO_PAD.encode(hash);
            constant_time::verify_slices_are_equal(shown.as_bytes(), challenge.as_bytes())
                .map_err(|_| Refusal::wrong_verifier())
        }
        (None, _) => Err(Refusal::wrong_verifier()),
    }
}

async fn by_refresh_token(request: Request<'_>) -> Result<Token, Refusal> {
    let shown = Fields::required(&request.fields.refresh_token, "refresh_token")?;
    let (store, tenant, now) = (&request.app.store, request.tenant.number, request.call.now);
    let key = sha256(shown);
    let found = store.ticket(tenant, TicketKind::RefreshToken, key, now).await?;
    let ticket = found.ok_or_else(Refusal::unknown_refresh_token)?;
    let refresh: Refresh = from_json(&ticket.data)?;
    let family = ticket.family.unwrap_or_else(Uuid::new_v4);
    if refresh.delegation.client_id != request.client.app.client_id {
        return Err(Refusal::unknown_refresh_token());
    }
    let is_late = |replaced_s: i64| now.seconds() - replaced_s > REPLACED_GRACE_S;
    if refresh.replaced_s.is_some_and(is_late) {
        // Two hold it: the client, and somebody who has no business with it (RFC 9700 §4.14).
        revocation::end_sign_in(store.as_ref(), tenant, family, now).await?;
        return Err(Refusal::unknown_refresh_token());
    }
    let scopes = narrowed(&request, &refresh.delegation)?;
    let is_public = request.client.proven == Proven::Nothing;
    // An app that proves itself keeps its token, as with the vendor, whose clients count on it; of
    // one that cannot, each use ends the token.
    let mut next = ticket.clone();
    if !is_public {
        next.expires = now.plus_seconds(REFRESH_LIFETIME_S).unwrap_or(Timestamp::MAX);
    } else if refresh.replaced_s.is_none() {
        let replaced = Refresh { replaced_s: Some(now.seconds()), ..refresh.clone() };
        next.data = to_json(&replaced)?;
    }
    store.change_ticket(tenant, &ticket.data, &next, now).await?;
    let grounds = Grounds {
        delegation: &refresh.delegation,
        family,
        scopes: &scopes,
        refresh_token: (!is_public).then(|| shown.to_owned()),
    };
    person::issue(&request, grounds).await
}

/// The permissions of a token that is asked for by a refresh token: not more than were granted, nor
/// than the app holds now.
fn narrowed(request: &Request<'_>, delegation: &Delegation) -> Result<Vec<String>, Refusal> {
    let app = &request.client.app;
    let held = |scope: &&String| app.scopes().any(|permission| permission.as_str() == **scope);
    let names_api =
        |scope: &str| scope.split_whitespace().any(|word| !scopes::OPENID_SCOPES.contains(&word));
    let wanted = match (request.version, request.fields.scope.as_deref()) {
        (Version::V2, Some(scope)) if names_api(scope) => Some(asked(request)?.scopes),
        _ => None,
    };
    let granted = delegation.scopes.iter().filter(held);
    let fits = |scope: &&String| wanted.as_ref().is_none_or(|wanted| wanted.contains(scope));
    let scopes: Vec<_> = granted.filter(fits).cloned().collect();
    if scopes.is_empty() { Err(Refusal::consent_required(app)) } else { Ok(scopes) }
}

/// What a request for a person asks for.
pub(crate) fn asked(request: &Request<'_>) -> Result<scopes::Asked, Refusal> {
    let fields = scopes::Fields {
        version: request.version,
        resource: request.fields.resource.as_deref(),
        scope: request.fields.scope.as_deref(),
    };
    let own = audience::own(request.app, request.call);
    scopes::read(fields, &request.client.app, request.tenant.id, &own)
}

/// The password grant (§7.2, ROPC), for whoever switched it on.
async fn by_password(request: Request<'_>) -> Result<Token, Refusal> {
    if !request.app.config.password_grant {
        return Err(Refusal::unsupported_grant("password"));
    }
    let asked = asked(&request)?;
    let shown = Shown {
        user_name: Fields::required(&request.fields.username, "username")?,
        password: Fields::required(&request.fields.password, "password")?,
        totp_code: None,
    };
    let signed_in = signin::sign_in(request.app, request.call, request.tenant, shown).await;
    let operator = signed_in.map_err(client::refused)?;
    let delegation = Delegation {
        client_id: request.client.app.client_id,
        operator: operator.id,
        resource: asked.resource,
        scopes: asked.scopes,
        openid: asked.openid,
        nonce: None,
        signed_in_s: operator.issue_time_s(request.call.now),
        methods: signin::methods(&operator),
    };
    if delegation.scopes.is_empty() {
        return Err(Refusal::consent_required(&request.client.app));
    }
    let scopes = &delegation.scopes;
    let family = Uuid::new_v4();
    let grounds = Grounds { delegation: &delegation, family, scopes, refresh_token: None };
    person::issue(&request, grounds).await
}
