//! Alerts: the server keeps none, and says so in the vendor's shape, because widely used clients
//! test their connection here and do nothing before that passes (defender-api.md §13.14).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::api;
use crate::call::{Call, ThisCall};
use crate::envelope;
use crate::error::ApiError;
use crate::machines;
use crate::permit::Permit;
use crate::query::{EmptySetQuery, Id};
use crate::state::AppState;

/// `GET /api/alerts`
pub(crate) async fn list(
    ThisCall(call): ThisCall,
    _permit: Permit<api::Alerts>,
    _query: EmptySetQuery,
) -> Result<Response, ApiError> {
    none(&call)
}

/// `GET /api/users/{id}/alerts`: a user whom nobody knows has none either.
pub(crate) async fn of_user(
    ThisCall(call): ThisCall,
    _permit: Permit<api::UserAlerts>,
    _id: Id,
    _query: EmptySetQuery,
) -> Result<Response, ApiError> {
    none(&call)
}

/// `GET /api/machines/{id}/alerts`
pub(crate) async fn of_machine(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::MachineAlerts>,
    Id(id): Id,
    _query: EmptySetQuery,
) -> Result<Response, ApiError> {
    machines::find(&app, &permit, &id).await?;
    none(&call)
}

fn none(call: &Call) -> Result<Response, ApiError> {
    Ok(envelope::ok(envelope::empty_set(call, "Alerts")?).into_response())
}
