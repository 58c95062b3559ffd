//! `/{tenant}/oauth2/token` and `/{tenant}/oauth2/v2.0/token`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{self, FromRequest, FromRequestParts, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use inventory::access::Tenant;
use serde::Serialize;
use uuid::Uuid;

use crate::call::{Call, ThisCall};
use crate::error::JSON;
use crate::issuer::assertion::Endpoint;
use crate::issuer::client;
use crate::issuer::grants::{self, Grant, Request};
use crate::issuer::refusal::Refusal;
use crate::issuer::request::{Fields, Version};
use crate::issuer::{STATED_LIFETIME_S, Token};
use crate::query::Id;
use crate::state::AppState;
use crate::tenants;

/// Bytes of a form at most; certificates as credentials stay far below it.
const MAX_FORM_BYTES: usize = 64 * 1024;
/// How long a client may take to send its form.
const FORM_TIMEOUT: Duration = Duration::from_secs(15);

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
pub(crate) struct Form(pub(crate) Fields);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: extract::Request, state: &S) -> Result<Self, Response> {
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
    match grant(app, call, tenant, version, &fields).await {
        Ok(token) => granted(&token, version),
        Err(refusal) => refused(&refusal, call, fields.client_request_id),
    }
}

/// The answer to a refused request, whose code the audit is told.
pub(crate) fn refused(refusal: &Refusal, call: &Call, asked: Option<Uuid>) -> Response {
    // The first one to set it: what a sign-in noted is the same code.
    let _ = call.note.set(format!("AADSTS{}", refusal.code().1));
    refusal.respond(call.correlation.id(), asked, call.now)
}

/// The tenant that a request is about.
pub(crate) async fn tenant(
    app: &AppState,
    call: &Call,
    name: &str,
    fields: &Fields,
) -> Result<Tenant, Refusal> {
    let client_id = fields.client_id.as_deref().unwrap_or_default();
    let found = tenants::find_for_app(app, name, client_id).await?;
    let tenant = found.ok_or_else(|| Refusal::unknown_tenant(name))?;
    // The first one to set it.
    let _ = call.tenant.set(tenant.number);
    Ok(tenant)
}

async fn grant(
    app: &AppState,
    call: &Call,
    tenant_name: &str,
    version: Version,
    fields: &Fields,
) -> Result<Token, Refusal> {
    let tenant = tenant(app, call, tenant_name, fields).await?;
    let kind = Fields::required(&fields.grant_type, "grant_type")?;
    let kind = Grant::parse(kind).ok_or_else(|| Refusal::unsupported_grant(kind))?;
    Fields::required(&fields.client_id, "client_id")?;
    if kind == Grant::ClientCredentials {
        // Said before anything else is asked for, as the sign-in service does.
        fields.app_resource(version)?;
    }
    let endpoint = Endpoint { app, call, tenant: &tenant, tenant_name };
    let client = client::authenticate(endpoint, fields).await?;
    let request = Request { app, call, tenant: &tenant, version, client: &client, fields };
    grants::token(request, kind).await
}

#[derive(Serialize)]
struct AnswerV1<'a> {
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    expires_in: String,
    ext_expires_in: String,
    expires_on: String,
    not_before: String,
    resource: &'a str,
    access_token: &'a str,
    #[serde(flatten)]
    person: OfPerson<'a>,
}

#[derive(Serialize)]
struct AnswerV2<'a> {
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    expires_in: i64,
    ext_expires_in: i64,
    access_token: &'a str,
    #[serde(flatten)]
    person: OfPerson<'a>,
}

/// What the tokens of people come with.
#[derive(Serialize)]
struct OfPerson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_info: Option<&'a str>,
}

/// `Cache-Control` of every answer with a token.
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

fn granted(token: &Token, version: Version) -> Response {
    let person = OfPerson {
        refresh_token: token.refresh_token.as_deref(),
        id_token: token.id_token.as_deref(),
        client_info: token.client_info.as_deref(),
    };
    let body = match version {
        Version::V1 => serde_json::to_vec(&AnswerV1 {
            token_type: "Bearer",
            scope: token.scope.as_deref().map(bare),
            expires_in: STATED_LIFETIME_S.to_string(),
            ext_expires_in: STATED_LIFETIME_S.to_string(),
            expires_on: token.expires_s.to_string(),
            not_before: token.not_before_s.to_string(),
            resource: &token.resource,
            access_token: &token.access_token,
            person,
        }),
        Version::V2 => serde_json::to_vec(&AnswerV2 {
            token_type: "Bearer",
            scope: token.scope.as_deref(),
            expires_in: STATED_LIFETIME_S,
            ext_expires_in: STATED_LIFETIME_S,
            access_token: &token.access_token,
            person,
        }),
    };
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CACHE_CONTROL, NO_STORE),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    // Strings and numbers alone, which always serialise.
    (headers, body.unwrap_or_default()).into_response()
}

/// Scopes without their resource, as version 1.0 writes them.
fn bare(scope: &str) -> String {
    let names = scope.split(' ').map(|scope| scope.rsplit('/').next().unwrap_or(scope));
    names.collect::<Vec<_>>().join(" ")
}
