//! What a user logged on to.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use inventory::query::UserSelector;

use crate::answers::minute;
use crate::api;
use crate::call::ThisCall;
use crate::envelope;
use crate::error::ApiError;
use crate::permit::Permit;
use crate::query::{CollectionQuery, Id};
use crate::state::AppState;
use crate::views;

/// `GET /api/users/{id}/machines`: the machines that a user logged on to, the last seen first,
/// then by id. A user whom nobody knows has no machines (defender-api.md §1.1).
pub(crate) async fn machines(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::UserMachines>,
    Id(id): Id,
    query: CollectionQuery<views::Machine>,
) -> Result<Response, ApiError> {
    let answer = async {
        let machines = match UserSelector::parse(&id, app.config.upn) {
            None => Vec::new(),
            Some(user) => {
                let window = app.window(call.now);
                app.store.machines_of_user(permit.scope(), &user, window, query.page).await?
            }
        };
        let now = minute(call.now);
        let view =
            move |row: inventory::relation::UserMachine| views::Machine::new(row.machine, now);
        envelope::collection(&call, query, machines, view).await
    };
    let body = app.answers.get_or(permit.answer_key(&call), answer).await?;
    Ok(envelope::ok(body).into_response())
}
