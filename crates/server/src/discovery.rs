//! What sign-in libraries ask before they ask for a token: OpenID metadata, signing keys and the
//! cloud's names (defender-api.md §13.2). Open to everyone, as with the vendor.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::call::{Call, ThisCall};
use crate::error::{ApiError, JSON};
use crate::issuer::keys;
use crate::issuer::refusal::Refusal;
use crate::query::Id;
use crate::state::AppState;
use crate::tenants;

/// Characters of a tenant's or domain's name at most.
const MAX_TENANT_CHARS: usize = 100;

/// OpenID metadata: what the server can do, and the endpoints that libraries insist on.
#[derive(Serialize)]
struct Metadata {
    token_endpoint: String,
    token_endpoint_auth_methods_supported: &'static [&'static str],
    jwks_uri: String,
    response_modes_supported: &'static [&'static str],
    subject_types_supported: &'static [&'static str],
    id_token_signing_alg_values_supported: &'static [&'static str],
    response_types_supported: &'static [&'static str],
    scopes_supported: &'static [&'static str],
    issuer: String,
    authorization_endpoint: String,
    device_authorization_endpoint: String,
    end_session_endpoint: String,
    revocation_endpoint: String,
    grant_types_supported: Vec<&'static str>,
    code_challenge_methods_supported: &'static [&'static str],
    claims_supported: &'static [&'static str],
    tenant_region_scope: Option<&'static str>,
    cloud_instance_name: String,
}

/// `GET /{tenant}/v2.0/.well-known/openid-configuration`
pub(crate) async fn metadata_v2(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    Id(name): Id,
) -> Result<Response, ApiError> {
    let Some(tenant) = tenants::find(&app, &name).await? else {
        return Ok(unknown_tenant(&call, &name));
    };
    let base = format!("{}/{}", call.origin, tenant.id);
    // Libraries compare the issuer's host with the one they asked.
    Ok(metadata(
        &app,
        &call,
        format!("{base}/v2.0"),
        format!("{base}/oauth2/v2.0"),
        format!("{base}/discovery/v2.0/keys"),
    ))
}

/// `GET /{tenant}/.well-known/openid-configuration`
pub(crate) async fn metadata_v1(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    Id(name): Id,
) -> Result<Response, ApiError> {
    let Some(tenant) = tenants::find(&app, &name).await? else {
        return Ok(unknown_tenant(&call, &name));
    };
    let base = format!("{}/{}", call.origin, tenant.id);
    Ok(metadata(
        &app,
        &call,
        format!("https://sts.windows.net/{}/", tenant.id),
        format!("{base}/oauth2"),
        format!("{base}/discovery/keys"),
    ))
}

fn metadata(
    app: &AppState,
    call: &Call,
    issuer: String,
    oauth2: String,
    jwks_uri: String,
) -> Response {
    // There is one revocation endpoint, beside those of version 2.0.
    let of_v2 = format!("{}/v2.0", oauth2.trim_end_matches("/v2.0"));
    json(&Metadata {
        token_endpoint: format!("{oauth2}/token"),
        token_endpoint_auth_methods_supported: &[
            "client_secret_post",
            "client_secret_basic",
            "private_key_jwt",
        ],
        jwks_uri,
        response_modes_supported: &["query", "fragment", "form_post"],
        subject_types_supported: &["pairwise"],
        id_token_signing_alg_values_supported: &["RS256"],
        response_types_supported: &["code"],
        scopes_supported: &["openid", "profile", "email", "offline_access"],
        issuer,
        authorization_endpoint: format!("{oauth2}/authorize"),
        device_authorization_endpoint: format!("{oauth2}/devicecode"),
        end_session_endpoint: format!("{oauth2}/logout"),
        revocation_endpoint: format!("{of_v2}/revoke"),
        grant_types_supported: [
            "client_credentials",
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ]
        .into_iter()
        .chain(app.config.password_grant.then_some("password"))
        .collect(),
        code_challenge_methods_supported: &["S256"],
        claims_supported: &["sub", "iss", "aud", "exp", "iat"],
        tenant_region_scope: None,
        cloud_instance_name: call.origin.host().to_owned(),
    })
}

#[derive(Serialize)]
struct KeySet {
    keys: Vec<Key>,
}

#[derive(Serialize)]
struct Key {
    kty: &'static str,
    r#use: &'static str,
    kid: String,
    x5t: String,
    n: String,
    e: String,
}

/// `GET /{tenant}/discovery/v2.0/keys` and `/{tenant}/discovery/keys`
pub(crate) async fn key_set(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    Id(name): Id,
) -> Result<Response, ApiError> {
    let Some(tenant) = tenants::find(&app, &name).await? else {
        return Ok(unknown_tenant(&call, &name));
    };
    // The first key is made here if no token was asked for yet: who verifies tokens may come
    // before who asks for them.
    keys::signing_key(app.store.as_ref(), tenant.number, call.now)
        .await
        .map_err(|refusal| ApiError::internal(refusal.internal_reason().unwrap_or_default()))?;
    let mut set = KeySet { keys: Vec::new() };
    for key in app.store.signing_keys(tenant.number).await? {
        let public = keys::public_key(&key)
            .map_err(|error| ApiError::internal(format!("signing key {}: {error}", key.kid)))?;
        set.keys.push(Key {
            kty: "RSA",
            r#use: "sig",
            x5t: key.kid.clone(),
            kid: key.kid,
            n: URL_SAFE_NO_PAD.encode(public.n),
            e: URL_SAFE_NO_PAD.encode(public.e),
        });
    }
    Ok(json(&set))
}

#[derive(Serialize)]
struct Instances {
    tenant_discovery_endpoint: String,
    #[serde(rename = "api-version")]
    api_version: &'static str,
    metadata: [Instance; 1],
}

#[derive(Serialize)]
struct Instance {
    preferred_network: String,
    preferred_cache: String,
    aliases: Vec<String>,
}

/// `GET /common/discovery/instance`: whether an authority is to be trusted, and its other names.
/// Only a client that already trusts this server asks it, so the answer is this server.
pub(crate) async fn instance(ThisCall(call): ThisCall, uri: Uri) -> Response {
    let asked = odata::pairs::pairs(uri.query().unwrap_or_default())
        .flatten()
        .find(|(name, _)| name == "authorization_endpoint")
        .map(|(_, authority)| authority);
    let tenant = asked.as_deref().and_then(tenant_of).unwrap_or("common");
    let host = call.origin.authority().to_owned();
    json(&Instances {
        tenant_discovery_endpoint: format!(
            "{}/{tenant}/v2.0/.well-known/openid-configuration",
            call.origin
        ),
        api_version: "1.1",
        metadata: [Instance {
            preferred_network: host.clone(),
            preferred_cache: host.clone(),
            aliases: vec![host],
        }],
    })
}

#[derive(Serialize)]
struct UserRealm<'a> {
    ver: &'static str,
    account_type: &'static str,
    domain_name: &'a str,
    cloud_instance_name: &'a str,
    cloud_audience_urn: &'static str,
}

/// `GET /common/userrealm/{user}`: where a user's password is checked, which libraries ask before they
/// send it. Here, whoever it is: nobody learns who exists.
pub(crate) async fn user_realm(ThisCall(call): ThisCall, Id(user): Id) -> Response {
    let user: String = user.chars().take(MAX_TENANT_CHARS).collect();
    json(&UserRealm {
        ver: "1.0",
        account_type: "Managed",
        domain_name: user.rsplit('@').next().unwrap_or_default(),
        cloud_instance_name: call.origin.host(),
        cloud_audience_urn: "urn:federation:MicrosoftOnline",
    })
}

/// The tenant in `https://host/tenant/oauth2/...`, if it can be one.
fn tenant_of(authorization_endpoint: &str) -> Option<&str> {
    let tenant = authorization_endpoint.split("://").nth(1)?.split('/').nth(1)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let fits = !tenant.is_empty() && tenant.len() <= MAX_TENANT_CHARS;
    (fits && tenant.bytes().all(allowed)).then_some(tenant)
}

fn unknown_tenant(call: &Call, name: &str) -> Response {
    Refusal::unknown_tenant_to_discover(name).respond(call.correlation.id(), None, call.now)
}

fn json(value: &impl Serialize) -> Response {
    // Strings alone, which always serialise.
    let body = serde_json::to_vec(value).unwrap_or_default();
    ([(header::CONTENT_TYPE, JSON)], body).into_response()
}
