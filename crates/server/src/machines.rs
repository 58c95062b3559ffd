//! Machines, and who logged on to one.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use inventory::machine::Machine;
use inventory::query::MachineSelector;

use crate::answers::minute;
use crate::api;
use crate::call::ThisCall;
use crate::envelope;
use crate::error::ApiError;
use crate::permit::Permit;
use crate::query::{CollectionQuery, EntityQuery, Id};
use crate::state::AppState;
use crate::views;

/// `GET /api/machines`: the last seen first, then by id.
pub(crate) async fn list(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::Machines>,
    query: CollectionQuery<views::Machine>,
) -> Result<Response, ApiError> {
    let answer = async {
        let machines = app.store.machines(permit.scope(), query.page).await?;
        let now = minute(call.now);
        envelope::collection(&call, query, machines, move |row| views::Machine::new(row, now)).await
    };
    let body = app.answers.get_or(permit.answer_key(&call), answer).await?;
    Ok(envelope::ok(body).into_response())
}

/// `GET /api/machines/{id}`: by id, computer name or Entra device id.
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::Machine>,
    Id(id): Id,
    query: EntityQuery<views::Machine>,
) -> Result<Response, ApiError> {
    let answer = async {
        let machine = find(&app, &permit, &id).await?;
        envelope::single(&call, &query, &views::Machine::new(machine, minute(call.now)))
    };
    let body = app.answers.get_or(permit.answer_key(&call), answer).await?;
    Ok(envelope::ok(body).into_response())
}

/// `GET /api/machines/{id}/logonusers`
pub(crate) async fn logon_users(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::LogonUsers>,
    Id(id): Id,
    query: CollectionQuery<views::User>,
) -> Result<Response, ApiError> {
    let answer = async {
        let machine = find(&app, &permit, &id).await?;
        let window = app.window(call.now);
        let mut users = app.store.users_of_machine(permit.scope(), machine.id, window).await?;
        // The store gives all users of a machine, whose number people bound.
        query.page.cut(&mut users);
        envelope::collection(&call, query, users, views::User::new).await
    };
    let body = app.answers.get_or(permit.answer_key(&call), answer).await?;
    Ok(envelope::ok(body).into_response())
}

/// The machine that an id in a path means.
pub(crate) async fn find<A: api::Api>(
    app: &AppState,
    permit: &Permit<A>,
    id: &str,
) -> Result<Machine, ApiError> {
    let not_found = || ApiError::machine_not_found(id);
    let selector = MachineSelector::parse(id).ok_or_else(not_found)?;
    let machine = app.store.machine(permit.scope(), &selector).await?;
    machine.ok_or_else(not_found)
}
