//! Alerts: the server keeps none, and says so in the vendor's shape, because widely used clients
//! test their connection here and do nothing before that passes (defender-api.md §13.14).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::api;
use crate::call::{Call, ThisCall};
use crate::envelope;
use crate::error::ApiError;
use crate::form::Form;
use crate::lists;
use crate::machines;
use crate::permit::Permit;
use crate::query::{EmptySetQuery, Id};
use crate::state::AppState;

/// `GET /api/alerts`
pub(crate) async fn list(
    ThisCall(call): ThisCall,
    _permit: Permit<api::Alerts>,
    form: Form,
    query: EmptySetQuery,
) -> Result<Response, ApiError> {
    none(&call, form, &query)
}

/// `GET /api/users/{id}/alerts`: a user whom nobody knows has none either.
pub(crate) async fn of_user(
    ThisCall(call): ThisCall,
    _permit: Permit<api::UserAlerts>,
    _id: Id,
    form: Form,
    query: EmptySetQuery,
) -> Result<Response, ApiError> {
    none(&call, form, &query)
}

/// `GET /api/machines/{id}/alerts`
pub(crate) async fn of_machine(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::MachineAlerts>,
    Id(id): Id,
    form: Form,
    query: EmptySetQuery,
) -> Result<Response, ApiError> {
    machines::find(&app, &permit, &id).await?;
    none(&call, form, &query)
}

/// `GET /api/alerts/$count`
pub(crate) async fn count(_permit: Permit<api::Alerts>, _query: EmptySetQuery) -> Response {
    envelope::number(0).into_response()
}

/// `GET /api/users/{id}/alerts/$count`
pub(crate) async fn count_of_user(
    _permit: Permit<api::UserAlerts>,
    _id: Id,
    _query: EmptySetQuery,
) -> Response {
    envelope::number(0).into_response()
}

/// `GET /api/machines/{id}/alerts/$count`, as the vendor's page of OData samples has it
/// (defender-api.md §5.1).
pub(crate) async fn count_of_machine(
    State(app): State<Arc<AppState>>,
    permit: Permit<api::MachineAlerts>,
    Id(id): Id,
    _query: EmptySetQuery,
) -> Result<Response, ApiError> {
    machines::find(&app, &permit, &id).await?;
    Ok(envelope::number(0).into_response())
}

fn none(call: &Call, form: Form, query: &EmptySetQuery) -> Result<Response, ApiError> {
    if form != Form::Json {
        // Without columns, as alerts are of no type here.
        return lists::of_rows::<Value>(call, form, Vec::new(), &[]);
    }
    Ok(envelope::ok(envelope::empty_set(call, "Alerts", query.count)?).into_response())
}
