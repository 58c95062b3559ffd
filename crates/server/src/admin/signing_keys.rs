//! `/admin/v1/signing-keys`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use inventory::access::SigningKey;
use serde::Serialize;

use super::{Changing, Reading, actor, created, text};
use crate::administration::Administration;
use crate::call::ThisCall;
use crate::error::ApiError;
use crate::state::AppState;

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
pub(crate) async fn list(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Reading,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    let keys = Administration::new(&*app.store, &actor).signing_keys().await?;
    super::list(keys.into_iter().map(View::from))
}

/// `POST /admin/v1/signing-keys/rotate`
pub(crate) async fn rotate(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    let key = Administration::new(&*app.store, &actor).rotate_signing_key().await?;
    created(&View::from(key))
}
