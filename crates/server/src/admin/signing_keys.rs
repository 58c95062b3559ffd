//! `/admin/v1/signing-keys`

use axum::response::Response;
use inventory::access::SigningKey;
use serde::Serialize;

use super::{Changing, Reading, created, text};
use crate::error::ApiError;

/// A key without what is secret of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    kid: String,
    created: String,
    /// Until when tokens that it signed are believed; none for the key that signs.
    verifies_until: Option<String>,
}

impl From<SigningKey> for View {
    fn from(key: SigningKey) -> Self {
        Self {
            kid: key.kid,
            created: text(key.created),
            verifies_until: key.verifies_until.map(text),
        }
    }
}

/// `GET /admin/v1/signing-keys`: the newest first.
pub(crate) async fn list(desk: Reading) -> Result<Response, ApiError> {
    let keys = desk.administration().signing_keys().await?;
    super::list(keys.into_iter().map(View::from))
}

/// `POST /admin/v1/signing-keys/rotate`
pub(crate) async fn rotate(desk: Changing) -> Result<Response, ApiError> {
    let key = desk.administration().rotate_signing_key().await?;
    created(&View::from(key))
}
