//! Bodies and ids of requests.

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use inventory::time::{Stamp, Timestamp};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};

use crate::error::ApiError;

/// Bytes of a body at most: many times what any operation needs.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Characters of what is wrong with a body at most: it may repeat the body's own words.
const SHOWN_CHARS: usize = 300;

/// The body, JSON of a known form.
pub(crate) struct Body<T>(pub(crate) T);

/// Two ids of a path, decoded.
pub(crate) struct Ids(pub(crate) String, pub(crate) String);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let read = to_bytes(request.into_body(), MAX_BODY_BYTES).await;
        let bytes = read.map_err(|_| {
            ApiError::InvalidBody(format!("The body has more than {MAX_BODY_BYTES} bytes."))
        })?;
        // Of an array serde would take the values in the order of the fields.
        if bytes.trim_ascii_start().first().is_some_and(|&byte| byte == b'[') {
            let text = "Request body is incorrect: it must be an object".to_owned();
            return Err(ApiError::InvalidBody(text));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let said: String = error.to_string().chars().take(SHOWN_CHARS).collect();
            ApiError::InvalidBody(format!("Request body is incorrect: {said}"))
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Ids {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<(String, String)>::from_request_parts(parts, state).await {
            Ok(Path((one, other))) => Ok(Self(one, other)),
            Err(_) => Err(ApiError::BadRequest(
                "The key values in the path of the request are not valid UTF-8.".to_owned(),
            )),
        }
    }
}

/// A moment as it stands in a body or query.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    match Stamp::parse(text) {
        Ok(Stamp::Utc(time)) => Ok(time),
        _ => {
            let shown: String = text.chars().take(40).collect();
            Err(format!("`{shown}` is no moment: write it like 2026-12-31T00:00:00Z"))
        }
    }
}

/// Reads an optional moment of a body.
pub(super) fn optional_moment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| moment(&text).map_err(D::Error::custom)).transpose()
}
