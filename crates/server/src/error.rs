//! Every refusal of the API: one table from what went wrong to status, code and message
//! (defender-api.md §6).
//!
//! Handlers return [`ApiError`]; [`render`] writes it once the request's correlation id is known.
//! What the inside of the server says goes to the log and never into an answer.

use std::error::Error as StdError;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use inventory::access::Permission;
use inventory::access::directory::{Fault, RolePermission};
use serde::Serialize;
use uuid::Uuid;

use crate::administration;
use crate::call::Correlation;
use crate::issuer::password;

/// Characters of a caller's text that an error repeats at most.
const SHOWN_CHARS: usize = 256;

/// What to do when a token does not hold its person's groups (§7.4).
const TOO_MANY_GROUPS: &str = "The user is in more groups than the access token can hold, so it \
    does not say which. Limit the groups in the token to those that are assigned to the \
    application (groups claim: `Groups assigned to the application`) and sign in again.";

/// Seconds after which a request may find a server that has less to do.
const UNAVAILABLE_S: u32 = 1;

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(crate) enum ApiError {
    /// The request makes no sense; the text says why.
    BadRequest(String),
    /// The query lacks a parameter.
    MissingParameter(&'static str),
    /// More machines in one request than are allowed.
    BatchTooLarge { received: usize, allowed: usize },
    /// The query options make no sense or are not supported.
    OData(String),
    /// No token, or one that is not to be believed.
    Unauthorized(String),
    /// An app-only token without the permission.
    MissingRoles { required: &'static [Permission], held: Vec<String> },
    /// A token for a person without the permission.
    MissingScopes { required: &'static [Permission], held: Vec<String> },
    /// A person none of whose roles permits it.
    MissingRolePermission(RolePermission),
    /// A token that says only that its person is in more groups than fit into it.
    TooManyGroups,
    /// There is no such machine.
    MachineNotFound(String),
    /// The body makes no sense.
    InvalidBody(String),
    /// The body, unpacked, has more bytes than are allowed.
    TooLarge { allowed: usize },
    /// There is no such thing; the text says which.
    NotFound(String),
    /// What is there stands against a change.
    Conflict(String),
    /// Nobody of this tenant may do that.
    Disallowed(String),
    /// The vendor's service does it and this one does not; the text says what.
    NotImplemented(String),
    /// The app's quota is used up.
    TooManyRequests { tenant: Uuid, calls: u32, period_s: i64, retry_after_s: i64 },
    /// The server has too much to do, or cannot account for what it would do.
    Unavailable,
    /// The answer was not there in time, and the work on it was ended.
    TooLong { limit: Duration },
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

    pub(crate) fn user_not_found(id: &str) -> Self {
        let id: String = id.chars().take(SHOWN_CHARS).collect();
        Self::NotFound(format!("User {id} was not found"))
    }

    pub(crate) fn device_group_not_found(id: &str) -> Self {
        let id: String = id.chars().take(SHOWN_CHARS).collect();
        Self::NotFound(format!("Device group {id} was not found"))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_)
            | Self::MissingParameter(_)
            | Self::BatchTooLarge { .. }
            | Self::OData(_)
            | Self::InvalidBody(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::MissingRoles { .. }
            | Self::MissingScopes { .. }
            | Self::MissingRolePermission(_)
            | Self::TooManyGroups
            | Self::Disallowed(_) => StatusCode::FORBIDDEN,
            Self::MachineNotFound(_) | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            // Not 503, after which clients send the same once more.
            Self::TooLong { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BadRequest",
            Self::MissingParameter(_) => "MissingRequiredParameter",
            Self::BatchTooLarge { .. } => "MaximumBatchSizeExceeded",
            Self::OData(_) => "ODataError",
            Self::Unauthorized(_) => "Unauthorized",
            Self::MissingRoles { .. }
            | Self::MissingScopes { .. }
            | Self::MissingRolePermission(_)
            | Self::TooManyGroups => "Forbidden",
            Self::MachineNotFound(_) | Self::NotFound(_) => "ResourceNotFound",
            Self::InvalidBody(_) => "InvalidRequestBody",
            Self::Disallowed(_) => "DisallowedOperation",
            // The vendor's table has no code for these.
            Self::NotImplemented(_) => "NotImplemented",
            Self::Conflict(_) => "Conflict",
            Self::TooLarge { .. } => "RequestBodyTooLarge",
            // The documentation says TooManyRequests; the wire says 429 (§6.5).
            Self::TooManyRequests { .. } => "429",
            Self::Unavailable => "ServiceUnavailable",
            Self::TooLong { .. } => "GatewayTimeout",
            Self::Internal(_) => "InternalServerError",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::BadRequest(text)
            | Self::OData(text)
            | Self::Unauthorized(text)
            | Self::InvalidBody(text)
            | Self::NotFound(text)
            | Self::Conflict(text)
            | Self::Disallowed(text)
            | Self::NotImplemented(text) => text.clone(),
            Self::MissingParameter(name) => format!("Parameter {name} is missing"),
            Self::BatchTooLarge { received, allowed } => {
                format!("Maximum batch size exceeded. Received: {received}, allowed: {allowed}")
            }
            Self::TooLarge { allowed } => {
                format!("Request body is too large: allowed are {allowed} bytes, unpacked")
            }
            Self::MissingRoles { required, held } => missing("roles", required, held),
            Self::MissingScopes { required, held } => missing("scopes", required, held),
            Self::MissingRolePermission(permission) => format!(
                "The user has no role with the permission '{}'. An administrator assigns roles to \
                 user groups.",
                title(*permission)
            ),
            Self::TooManyGroups => TOO_MANY_GROUPS.to_owned(),
            Self::MachineNotFound(id) => format!("Machine {id} was not found"),
            Self::TooManyRequests { calls, period_s, retry_after_s, .. } => format!(
                "API calls quota exceeded! Maximum allowed {calls} per {:02}:{:02}:{:02} for the key \
                 Destination+TenantID+AppID. You can send requests again in {retry_after_s} seconds.",
                period_s / 3600,
                period_s / 60 % 60,
                period_s % 60,
            ),
            // In words that clients look for after a 429 (§6.5).
            Self::Unavailable => format!(
                "The server is busy. You can send requests again in {UNAVAILABLE_S} seconds."
            ),
            Self::TooLong { limit } => format!(
                "The request was given up after {} seconds. Ask for less: with a $filter that names \
                 machines, users or a span of time, a smaller $top, or without $count.",
                limit.as_secs_f64()
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

/// The vendor's words (§6.4), which clients take apart.
fn missing(what: &str, required: &[Permission], held: &[String]) -> String {
    let required: Vec<_> = required.iter().map(|permission| permission.as_str()).collect();
    format!(
        "Missing application {what}. API required {what}: {}, application {what}: {}.",
        required.join(","),
        held.join(",")
    )
}

/// What the vendor calls a role's permission (§8.1).
fn title(permission: RolePermission) -> &'static str {
    match permission {
        RolePermission::ViewData => "View Data",
        RolePermission::ViewDataVulnerabilityManagement => {
            "View Data - Defender Vulnerability Management"
        }
        RolePermission::ActiveRemediation => "Active remediation actions",
        RolePermission::ActiveRemediationExceptions => {
            "Active remediation actions - Exception handling"
        }
        RolePermission::ActiveRemediationRemediation => {
            "Active remediation actions - Remediation handling"
        }
        RolePermission::ActiveRemediationApplications => {
            "Active remediation actions - Application handling"
        }
        RolePermission::SecurityBaselines => "Security baselines",
        RolePermission::AlertsInvestigation => "Alerts investigation",
        RolePermission::ManageSecuritySettings => "Manage security settings in Security Center",
        RolePermission::LiveResponseBasic => "Live response capabilities - Basic",
        RolePermission::LiveResponseAdvanced => "Live response capabilities - Advanced",
        RolePermission::ManagePortalSettings => "Manage portal system settings",
    }
}

impl From<administration::Error> for ApiError {
    fn from(error: administration::Error) -> Self {
        if matches!(error, administration::Error::Password(password::Error::Busy)) {
            return Self::Unavailable;
        }
        match error.fault() {
            Some(Fault::Invalid) => Self::BadRequest(error.to_string()),
            Some(Fault::Unknown) => Self::NotFound(error.to_string()),
            Some(Fault::Conflict) => Self::Conflict(error.to_string()),
            None => match error {
                administration::Error::Store(error) => error.into(),
                other => Self::Internal(chain(&other)),
            },
        }
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::TooLong { limit, .. } => Self::TooLong { limit },
            other => Self::Internal(chain(&other)),
        }
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

/// The status of an answer that is the API's refusal, or that of a body which did not come in time.
pub(crate) fn refused_around(response: &Response) -> Option<StatusCode> {
    let status = response.status();
    let is_refusal = response.extensions().get::<ApiError>().is_some();
    (is_refusal || status == StatusCode::REQUEST_TIMEOUT).then_some(status)
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
        ApiError::Unavailable => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(UNAVAILABLE_S));
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
