//! Every refusal of the API: one table from what went wrong to status, code and message
//! (defender-api.md §6).
//!
//! Handlers return [`ApiError`]; [`render`] writes it once the request's correlation id is known.
//! What the inside of the server says goes to the log and never into an answer.

use std::error::Error as StdError;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use inventory::access::Permission;
use serde::Serialize;
use uuid::Uuid;

use crate::call::Correlation;

/// Characters of a caller's text that an error repeats at most.
const SHOWN_CHARS: usize = 256;

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(crate) enum ApiError {
    /// The request makes no sense; the text says why.
    BadRequest(String),
    /// The query options make no sense or are not supported.
    OData(String),
    /// No token, or one that is not to be believed.
    Unauthorized(String),
    /// A token without the permission.
    Forbidden { required: &'static [Permission], roles: Vec<String> },
    /// There is no such machine.
    MachineNotFound(String),
    /// The app's quota is used up.
    TooManyRequests { tenant: Uuid, calls: u32, period_s: i64, retry_after_s: i64 },
    /// The server is at fault; the text is for the log.
    Internal(String),
}

impl ApiError {
    pub(crate) fn internal(reason: impl Into<String>) -> Self {
        Self::Internal(reason.into())
    }

    pub(crate) fn machine_not_found(id: &str) -> Self {
        Self::MachineNotFound(id.chars().take(SHOWN_CHARS).collect())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) | Self::OData(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::MachineNotFound(_) => StatusCode::NOT_FOUND,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BadRequest",
            Self::OData(_) => "ODataError",
            Self::Unauthorized(_) => "Unauthorized",
            Self::Forbidden { .. } => "Forbidden",
            Self::MachineNotFound(_) => "ResourceNotFound",
            // The documentation says TooManyRequests; the wire says 429 (§6.5).
            Self::TooManyRequests { .. } => "429",
            Self::Internal(_) => "InternalServerError",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::BadRequest(text) | Self::OData(text) | Self::Unauthorized(text) => text.clone(),
            Self::Forbidden { required, roles } => {
                let required: Vec<_> = required.iter().map(|role| role.as_str()).collect();
                format!(
                    "Missing application roles. API required roles: {}, application roles: {}.",
                    required.join(","),
                    roles.join(",")
                )
            }
            Self::MachineNotFound(id) => format!("Machine {id} was not found"),
            Self::TooManyRequests { calls, period_s, retry_after_s, .. } => format!(
                "API calls quota exceeded! Maximum allowed {calls} per {:02}:{:02}:{:02} for the key \
                 Destination+TenantID+AppID. You can send requests again in {retry_after_s} seconds.",
                period_s / 3600,
                period_s / 60 % 60,
                period_s % 60,
            ),
            Self::Internal(_) => String::new(),
        }
    }

    fn target(&self, correlation: Correlation) -> String {
        match self {
            Self::TooManyRequests { tenant, .. } => tenant.to_string(),
            _ => correlation.target(),
        }
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        Self::Internal(chain(&error))
    }
}

/// Leaves the status and the error for [`render`].
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Shown<'a>,
}

#[derive(Serialize)]
struct Shown<'a> {
    code: &'a str,
    message: &'a str,
    target: &'a str,
}

/// Writes the body and headers of an error that a handler or extractor left behind.
pub(crate) fn render(mut response: Response, correlation: Correlation) -> Response {
    let Some(error) = response.extensions_mut().remove::<ApiError>() else {
        return response;
    };
    if let ApiError::Internal(reason) = &error {
        tracing::error!(correlation_id = %correlation.id(), "request failed: {reason}");
    }
    let (message, target) = (error.message(), error.target(correlation));
    let shown = Shown { code: error.code(), message: &message, target: &target };
    // Strings alone, which always serialise; an empty body would still carry the status.
    let body = serde_json::to_vec(&Envelope { error: shown }).unwrap_or_default();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, JSON);
    match &error {
        ApiError::Unauthorized(_) => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        ApiError::TooManyRequests { retry_after_s, .. } => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
        }
        _ => {}
    }
    *response.body_mut() = Body::from(body);
    response
}

/// Content type of bodies that are JSON but not OData (defender-api.md §6.1).
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
