//! Every refusal of a token request, with the sign-in service's codes (defender-api.md §7.2).
//!
//! Clients act on `error` and on the number in `error_codes`; people search for the text behind
//! `AADSTS`.

use std::fmt;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use inventory::access::App;
use inventory::time::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::error::{ApiError, JSON, chain};

/// Characters of a caller's text that a refusal repeats at most.
const SHOWN_CHARS: usize = 200;

/// Why no token is issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    kind: Kind,
    text: String,
    /// Seconds after which the same may be asked again.
    retry_after_s: Option<i64>,
}

/// OAuth error, code of the sign-in service and status, in one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    AssertionRefused,
    AssertionUntimely,
    CodeSpent,
    CodeUnknown,
    ConsentRequired,
    DeviceDeclined,
    DeviceExpired,
    DevicePending,
    DeviceTooFast,
    DeviceUnknown,
    ExpiredSecret,
    FederationUnknown,
    PublicApp,
    RefreshUnknown,
    SignIn(u32),
    Declined,
    InvalidRequest,
    LoginRequired,
    RedirectUnknown,
    ResponseMode,
    ResponseType,
    Throttled,
    VerifierWrong,
    WrongRedirect,
    Internal,
    InvalidScope,
    InvalidTenant,
    MissingField,
    QueryTooLong,
    RevokedApp,
    SeveralResources,
    TenantNotFound,
    UnknownApp,
    UnknownResource,
    UnsupportedGrant,
    WrongSecret,
    MissingSecret,
}

impl Kind {
    fn row(self) -> (StatusCode, &'static str, u32) {
        match self {
            Kind::AssertionRefused => (StatusCode::UNAUTHORIZED, "invalid_client", 700_027),
            Kind::AssertionUntimely => (StatusCode::UNAUTHORIZED, "invalid_client", 700_024),
            Kind::CodeSpent => (StatusCode::BAD_REQUEST, "invalid_grant", 54005),
            Kind::CodeUnknown => (StatusCode::BAD_REQUEST, "invalid_grant", 70008),
            Kind::DeviceDeclined => (StatusCode::BAD_REQUEST, "authorization_declined", 65004),
            Kind::DeviceExpired => (StatusCode::BAD_REQUEST, "expired_token", 70020),
            Kind::DevicePending => (StatusCode::BAD_REQUEST, "authorization_pending", 70016),
            Kind::DeviceTooFast => (StatusCode::BAD_REQUEST, "slow_down", 70016),
            Kind::DeviceUnknown => (StatusCode::BAD_REQUEST, "bad_verification_code", 70019),
            Kind::ExpiredSecret => (StatusCode::UNAUTHORIZED, "invalid_client", 7_000_222),
            Kind::FederationUnknown => (StatusCode::UNAUTHORIZED, "invalid_client", 700_213),
            Kind::PublicApp => (StatusCode::UNAUTHORIZED, "invalid_client", 700_025),
            Kind::RefreshUnknown => (StatusCode::BAD_REQUEST, "invalid_grant", 700_082),
            Kind::SignIn(code) => (StatusCode::BAD_REQUEST, "invalid_grant", code),
            Kind::Declined => (StatusCode::BAD_REQUEST, "access_denied", 65004),
            Kind::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid_request", 90023),
            Kind::LoginRequired => (StatusCode::BAD_REQUEST, "login_required", 50058),
            Kind::RedirectUnknown => (StatusCode::BAD_REQUEST, "invalid_request", 50011),
            Kind::ResponseMode => (StatusCode::BAD_REQUEST, "invalid_request", 70007),
            Kind::ResponseType => (StatusCode::BAD_REQUEST, "unsupported_response_type", 70005),
            Kind::Throttled => (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", 90055),
            Kind::VerifierWrong => (StatusCode::BAD_REQUEST, "invalid_grant", 501_481),
            Kind::WrongRedirect => (StatusCode::BAD_REQUEST, "invalid_grant", 500_112),
            Kind::ConsentRequired => (StatusCode::BAD_REQUEST, "invalid_grant", 65001),
            Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", 90033),
            Kind::InvalidScope => (StatusCode::BAD_REQUEST, "invalid_scope", 70011),
            Kind::InvalidTenant => (StatusCode::BAD_REQUEST, "invalid_tenant", 90002),
            Kind::MissingField => (StatusCode::BAD_REQUEST, "invalid_request", 900_144),
            Kind::QueryTooLong => (StatusCode::BAD_REQUEST, "invalid_request", 90015),
            Kind::RevokedApp => (StatusCode::BAD_REQUEST, "unauthorized_client", 7_000_112),
            Kind::SeveralResources => (StatusCode::BAD_REQUEST, "invalid_request", 28000),
            Kind::TenantNotFound => (StatusCode::BAD_REQUEST, "invalid_request", 90002),
            Kind::UnknownApp => (StatusCode::BAD_REQUEST, "unauthorized_client", 700_016),
            Kind::UnknownResource => (StatusCode::BAD_REQUEST, "invalid_resource", 500_011),
            Kind::UnsupportedGrant => (StatusCode::BAD_REQUEST, "unsupported_grant_type", 70003),
            Kind::WrongSecret => (StatusCode::UNAUTHORIZED, "invalid_client", 7_000_215),
            Kind::MissingSecret => (StatusCode::UNAUTHORIZED, "invalid_client", 7_000_218),
        }
    }
}

/// `AADSTS...: text`, the beginning of `error_description`.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, _, code) = self.kind.row();
        let text = match self.kind {
            // The text is for the log.
            Kind::Internal => "A transient error has occurred. Please try again.",
            _ => &self.text,
        };
        write!(f, "AADSTS{code}: {text}")
    }
}

impl std::error::Error for Refusal {}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::internal(chain(&error))
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

impl Refusal {
    fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), retry_after_s: None }
    }

    /// The server is at fault; the text goes to the log alone.
    pub(crate) fn internal(reason: impl Into<String>) -> Self {
        Self::new(Kind::Internal, reason)
    }

    /// What the log is to say of a fault of the server's own.
    pub fn internal_reason(&self) -> Option<&str> {
        (self.kind == Kind::Internal).then_some(&self.text)
    }

    /// The OAuth error, and the number of the sign-in service.
    pub(crate) fn code(&self) -> (&'static str, u32) {
        let (_, error, code) = self.kind.row();
        (error, code)
    }

    pub(crate) fn missing(field: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{field}'.");
        Self::new(Kind::MissingField, text)
    }

    pub(crate) fn missing_secret() -> Self {
        Self::new(
            Kind::MissingSecret,
            "The request body must contain the following parameter: 'client_assertion' or \
             'client_secret'.",
        )
    }

    /// A client proves itself in one way a request (RFC 6749 §2.3).
    pub(crate) fn two_proofs() -> Self {
        Self::new(
            Kind::InvalidRequest,
            "The request may contain 'client_assertion' or 'client_secret', and not both.",
        )
    }

    /// A certificate's assertion that is not believed; the text says why.
    pub(crate) fn assertion(reason: &str) -> Self {
        let text = format!("Client assertion is not valid. {reason}");
        Self::new(Kind::AssertionRefused, text)
    }

    pub(crate) fn untimely_assertion() -> Self {
        Self::new(
            Kind::AssertionUntimely,
            "Client assertion is not within its valid time range. Check the clock of the machine \
             that made it.",
        )
    }

    pub(crate) fn unknown_federation() -> Self {
        Self::new(
            Kind::FederationUnknown,
            "No matching federated identity record found for the presented assertion's issuer, \
             subject and audience.",
        )
    }

    pub(crate) fn expired_secret(app: &App) -> Self {
        let text =
            format!("The provided client secret keys for app '{}' are expired.", app.client_id);
        Self::new(Kind::ExpiredSecret, text)
    }

    pub(crate) fn public_app() -> Self {
        Self::new(
            Kind::PublicApp,
            "Client is public so neither 'client_assertion' nor 'client_secret' should be \
             presented.",
        )
    }

    pub(crate) fn spent_code() -> Self {
        Self::new(
            Kind::CodeSpent,
            "The authorization code was already redeemed. Retry with a new valid code.",
        )
    }

    pub(crate) fn unknown_code() -> Self {
        Self::new(
            Kind::CodeUnknown,
            "The provided authorization code is expired or was never issued to this app. Send a \
             new interactive authorization request.",
        )
    }

    pub(crate) fn wrong_redirect() -> Self {
        Self::new(
            Kind::WrongRedirect,
            "The reply address does not match the one provided when requesting the authorization \
             code.",
        )
    }

    pub(crate) fn wrong_verifier() -> Self {
        Self::new(
            Kind::VerifierWrong,
            "The Code_Verifier does not match the code_challenge supplied in the authorization \
             request.",
        )
    }

    pub(crate) fn unknown_refresh_token() -> Self {
        Self::new(
            Kind::RefreshUnknown,
            "The refresh token has expired, was revoked or was never issued to this app. Send a \
             new interactive authorization request.",
        )
    }

    pub(crate) fn device_pending() -> Self {
        Self::new(
            Kind::DevicePending,
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        )
    }

    pub(crate) fn device_too_fast() -> Self {
        Self::new(Kind::DeviceTooFast, "OAuth 2.0 device flow error. Poll less often.")
    }

    pub(crate) fn device_declined() -> Self {
        Self::new(Kind::DeviceDeclined, "User declined to consent to access the app.")
    }

    pub(crate) fn device_expired() -> Self {
        Self::new(
            Kind::DeviceExpired,
            "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
        )
    }

    pub(crate) fn unknown_device() -> Self {
        Self::new(Kind::DeviceUnknown, "Verification code was not recognized.")
    }

    /// A person who is not signed in, with the sign-in service's number and words.
    pub(crate) fn sign_in(code: u32, text: &str) -> Self {
        Self::new(Kind::SignIn(code), text)
    }

    /// A person who did not let an app act for them.
    pub(crate) fn declined() -> Self {
        Self::new(Kind::Declined, "User declined to consent to access the app.")
    }

    /// Nobody is signed in, and nobody may be asked to.
    pub(crate) fn login_required() -> Self {
        Self::new(
            Kind::LoginRequired,
            "A silent sign-in request was sent but no user is signed in. Send an interactive \
             authorization request.",
        )
    }

    /// A redirect URI that the app does not have.
    pub(crate) fn unknown_redirect(uri: &str, app: &App) -> Self {
        let text = format!(
            "The redirect URI '{}' specified in the request does not match the redirect URIs \
             configured for the application '{}'. Make sure the redirect URI sent in the request \
             matches one added to your application.",
            shown(uri),
            app.client_id
        );
        Self::new(Kind::RedirectUnknown, text)
    }

    pub(crate) fn unsupported_response(response_type: &str) -> Self {
        let text = format!(
            "The app requested the unsupported response type '{}'. Supported is 'code'.",
            shown(response_type)
        );
        Self::new(Kind::ResponseType, text)
    }

    pub(crate) fn unsupported_mode(mode: &str) -> Self {
        let text = format!(
            "The app requested the unsupported response mode '{}'. Supported are 'query', \
             'fragment' and 'form_post'.",
            shown(mode)
        );
        Self::new(Kind::ResponseMode, text)
    }

    /// A parameter whose value makes no sense.
    pub(crate) fn invalid_request(parameter: &str, value: &str) -> Self {
        let text = format!(
            "The value '{}' of the request parameter '{parameter}' is not supported.",
            shown(value)
        );
        Self::new(Kind::InvalidRequest, text)
    }

    /// The OAuth error as the authorization endpoint names it, where `error` is the token
    /// endpoint's name (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
    pub(crate) fn at_authorization(&self, error: &'static str) -> &'static str {
        match self.kind {
            Kind::ConsentRequired => "consent_required",
            Kind::UnknownResource => "invalid_target",
            _ => error,
        }
    }

    pub(crate) fn throttled(retry_after_s: i64) -> Self {
        let text = format!("Too many requests failed. Try again in {retry_after_s} seconds.");
        Self { retry_after_s: Some(retry_after_s), ..Self::new(Kind::Throttled, text) }
    }

    pub(crate) fn too_long() -> Self {
        Self::new(Kind::QueryTooLong, "Requested query string is too long.")
    }

    pub(crate) fn unsupported_grant(grant: &str) -> Self {
        let text = format!("The app requested an unsupported grant type '{}'.", shown(grant));
        Self::new(Kind::UnsupportedGrant, text)
    }

    pub(crate) fn unknown_tenant(tenant: &str) -> Self {
        Self::new(Kind::TenantNotFound, tenant_not_found(tenant))
    }

    /// The same at the discovery endpoints, where the sign-in service has another word for it.
    pub(crate) fn unknown_tenant_to_discover(tenant: &str) -> Self {
        Self::new(Kind::InvalidTenant, tenant_not_found(tenant))
    }

    pub(crate) fn unknown_app(client_id: &str, tenant: Uuid) -> Self {
        let text = format!(
            "Application with identifier '{}' was not found in the directory '{tenant}'. This can \
             happen if the application has not been installed by the administrator of the tenant \
             or consented to by any user in the tenant. You may have sent your authentication \
             request to the wrong tenant.",
            shown(client_id)
        );
        Self::new(Kind::UnknownApp, text)
    }

    pub(crate) fn wrong_secret(client_id: Uuid) -> Self {
        let text = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the \
             client secret value, not the client secret ID, for a secret added to app \
             '{client_id}'."
        );
        Self::new(Kind::WrongSecret, text)
    }

    pub(crate) fn revoked_app(app: &App) -> Self {
        let text = format!("Application '{}'({}) is disabled.", app.client_id, app.name);
        Self::new(Kind::RevokedApp, text)
    }

    pub(crate) fn unknown_resource(resource: &str, tenant: Uuid) -> Self {
        let text = format!(
            "The resource principal named {} was not found in the tenant named {tenant}. This can \
             happen if the application has not been installed by the administrator of the tenant \
             or consented to by any user in the tenant. You might have sent your authentication \
             request to the wrong tenant.",
            shown(resource)
        );
        Self::new(Kind::UnknownResource, text)
    }

    /// A scope that the API does not have.
    pub(crate) fn invalid_scope(scope: &str) -> Self {
        let text = format!(
            "The provided value for the input parameter 'scope' is not valid. The scope '{}' does \
             not exist.",
            shown(scope)
        );
        Self::new(Kind::InvalidScope, text)
    }

    pub(crate) fn several_resources(one: &str, other: &str) -> Self {
        let text = format!(
            "Provided value for the input parameter scope is not valid because it contains more \
             than one resource: '{}' and '{}'.",
            shown(one),
            shown(other)
        );
        Self::new(Kind::SeveralResources, text)
    }

    /// A scope that the API has and the app was not given.
    pub(crate) fn consent_required(app: &App) -> Self {
        let text = format!(
            "The user or administrator has not consented to use the application with ID '{}' \
             named '{}'. Send an interactive authorization request for this user and resource.",
            app.client_id, app.name
        );
        Self::new(Kind::ConsentRequired, text)
    }

    /// Writes the refusal. `asked` is the id that the client gave its request, if it gave one.
    pub(crate) fn respond(&self, trace: Uuid, asked: Option<Uuid>, now: Timestamp) -> Response {
        if let Some(reason) = self.internal_reason() {
            return ApiError::internal(reason).into_response();
        }
        let (status, error, code) = self.kind.row();
        let correlation = asked.unwrap_or(trace);
        let timestamp = now.whole_second().to_string().replace('T', " ");
        let body = Body::from(
            // Strings and numbers alone, which always serialise.
            serde_json::to_vec(&Written {
                error,
                error_description: format!(
                    "{self} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"
                ),
                error_codes: [code],
                timestamp,
                trace_id: trace,
                correlation_id: correlation,
            })
            .unwrap_or_default(),
        );
        let mut response = (status, [(header::CONTENT_TYPE, JSON)], body).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

fn tenant_not_found(tenant: &str) -> String {
    format!(
        "Tenant '{}' not found. Check to make sure you have the correct tenant ID and are signing \
         into the correct cloud. Check with your subscription administrator, this may happen if \
         there are no active subscriptions for the tenant.",
        shown(tenant)
    )
}

#[derive(Serialize)]
struct Written {
    error: &'static str,
    error_description: String,
    error_codes: [u32; 1],
    timestamp: String,
    trace_id: Uuid,
    correlation_id: Uuid,
}
