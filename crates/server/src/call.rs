//! What is known of one request on its whole way, for the answer and for the log.

use std::sync::{Arc, OnceLock};

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use inventory::time::Timestamp;
use uuid::Uuid;

use crate::error::ApiError;
use crate::origin::Origin;

/// One request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) correlation: Correlation,
    pub(crate) origin: Origin,
    /// Path and query as the client sent them.
    pub(crate) target: PathAndQuery,
    /// When the request came in; everything about its answer is decided at this moment.
    pub(crate) now: Timestamp,
    /// The app that calls, once its token was read.
    pub(crate) app_id: OnceLock<Uuid>,
}

/// The id that an answer and its line in the log share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Correlation(Uuid);

impl Correlation {
    pub(crate) fn new() -> Self {
        Self(Uuid::new_v4())
    }

    pub(crate) fn id(self) -> Uuid {
        self.0
    }

    /// The value of `mise-correlation-id`.
    pub(crate) fn header(self) -> HeaderValue {
        let mut text = Uuid::encode_buffer();
        HeaderValue::from_str(self.0.hyphenated().encode_lower(&mut text))
            // A GUID is hex digits and hyphens, which every header may hold.
            .expect("a GUID is a header value")
    }

    /// The `target` of an error body: `|8 hex digits-16 hex digits.` (defender-api.md §6.1).
    pub(crate) fn target(self) -> String {
        let hex = self.0.simple().to_string();
        format!("|{}-{}.", &hex[..8], &hex[8..24])
    }
}

/// The call in a handler's arguments.
#[derive(Clone, Debug)]
pub(crate) struct ThisCall(pub(crate) Arc<Call>);

impl<S: Sync> FromRequestParts<S> for ThisCall {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<ThisCall>()
            .cloned()
            .ok_or_else(|| ApiError::internal("a request that did not pass the service"))
    }
}
