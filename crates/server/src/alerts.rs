//! Alerts: the server keeps none, and says so in the vendor's shape.

use axum::response::{IntoResponse, Response};

use crate::api;
use crate::call::ThisCall;
use crate::envelope;
use crate::error::ApiError;
use crate::permit::Permit;
use crate::query::EmptySetQuery;

/// `GET /api/alerts`: the connection test of widely used clients (defender-api.md §13.14).
pub(crate) async fn list(
    ThisCall(call): ThisCall,
    _permit: Permit<api::Alerts>,
    _query: EmptySetQuery,
) -> Result<Response, ApiError> {
    Ok(envelope::ok(envelope::empty_set(&call, "Alerts")?).into_response())
}
