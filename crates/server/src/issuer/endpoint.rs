//! `/{tenant}/oauth2/token` and `/{tenant}/oauth2/v2.0/token`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use inventory::access::Tenant;
use serde::Serialize;
use uuid::Uuid;

use crate::call::{Call, ThisCall};
use crate::error::JSON;
use crate::issuer::refusal::Refusal;
use crate::issuer::request::{Fields, Version};
use crate::issuer::{self, Claim, STATED_LIFETIME_S, Token};
use crate::query::Id;
use crate::state::AppState;

/// Bytes of a form at most; certificates as credentials stay far below it.
const MAX_FORM_BYTES: usize = 64 * 1024;
/// How long a client may take to send its form.
const FORM_TIMEOUT: Duration = Duration::from_secs(15);
/// Names that stand for whichever tenant a user belongs to. There is one tenant, so it is meant.
const ANY_TENANT: &[&str] = &["common", "organizations"];

/// `GET` and `POST /{tenant}/oauth2/token`
pub(crate) async fn v1(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    Id(tenant): Id,
    form: Form,
) -> Response {
    answer(&app, &call, &tenant, Version::V1, form.0).await
}

/// `GET` and `POST /{tenant}/oauth2/v2.0/token`
pub(crate) async fn v2(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    Id(tenant): Id,
    form: Form,
) -> Response {
    answer(&app, &call, &tenant, Version::V2, form.0).await
}

/// The fields of a token request, wherever they stand.
pub(crate) struct Form(Fields);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let ThisCall(call) = ThisCall::from_request_parts(&mut parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let read = tokio::time::timeout(FORM_TIMEOUT, to_bytes(body, MAX_FORM_BYTES));
        let Ok(body) = read.await else {
            return Err(StatusCode::REQUEST_TIMEOUT.into_response());
        };
        let body =
            body.map_err(|_| Refusal::too_long().respond(call.correlation.id(), None, call.now))?;
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(Fields::read(query, &body, &parts.headers)))
    }
}

async fn answer(
    app: &AppState,
    call: &Call,
    tenant: &str,
    version: Version,
    fields: Fields,
) -> Response {
    let asked: Option<Uuid> = fields.client_request_id;
    match grant(app, call, tenant, version, fields).await {
        Ok(token) => granted(&token, version),
        Err(refusal) => refusal.respond(call.correlation.id(), asked, call.now),
    }
}

async fn grant(
    app: &AppState,
    call: &Call,
    tenant: &str,
    version: Version,
    fields: Fields,
) -> Result<Token, Refusal> {
    let tenant = find_tenant(app, tenant).ok_or_else(|| Refusal::unknown_tenant(tenant))?;
    let credentials = fields.credentials(version)?;
    let public = app.config.public_url.as_ref();
    let claim = Claim {
        client_id: &credentials.client_id,
        client_secret: &credentials.client_secret,
        resource: &credentials.resource,
        own: &[public.unwrap_or(&call.origin), &call.origin],
    };
    let token = issuer::issue(app.store.as_ref(), tenant, claim, call.now).await?;
    if let Ok(app_id) = Uuid::try_parse(credentials.client_id.trim()) {
        // The first one to set it; a request is authenticated once.
        let _ = call.app_id.set(app_id);
    }
    Ok(token)
}

/// The tenant that a token URL names: by id, by a domain of the configuration, or by a name that
/// stands for any.
pub(crate) fn find_tenant(app: &AppState, name: &str) -> Option<Tenant> {
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    let named = Uuid::try_parse(name).is_ok_and(|id| id == app.tenant.id)
        || app.config.tenant_domains.iter().any(|domain| is(domain))
        || ANY_TENANT.iter().any(|any| is(any));
    named.then_some(app.tenant)
}

#[derive(Serialize)]
struct AnswerV1<'a> {
    token_type: &'static str,
    expires_in: String,
    ext_expires_in: String,
    expires_on: String,
    not_before: String,
    resource: &'a str,
    access_token: &'a str,
}

#[derive(Serialize)]
struct AnswerV2<'a> {
    token_type: &'static str,
    expires_in: i64,
    ext_expires_in: i64,
    access_token: &'a str,
}

fn granted(token: &Token, version: Version) -> Response {
    let body = match version {
        Version::V1 => serde_json::to_vec(&AnswerV1 {
            token_type: "Bearer",
            expires_in: STATED_LIFETIME_S.to_string(),
            ext_expires_in: STATED_LIFETIME_S.to_string(),
            expires_on: token.expires_s.to_string(),
            not_before: token.not_before_s.to_string(),
            resource: &token.resource,
            access_token: &token.access_token,
        }),
        Version::V2 => serde_json::to_vec(&AnswerV2 {
            token_type: "Bearer",
            expires_in: STATED_LIFETIME_S,
            ext_expires_in: STATED_LIFETIME_S,
            access_token: &token.access_token,
        }),
    };
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    // Strings and numbers alone, which always serialise.
    (headers, body.unwrap_or_default()).into_response()
}
