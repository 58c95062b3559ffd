//! What a user logged on to.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use inventory::query::{Page, UserSelector};

use crate::api;
use crate::call::ThisCall;
use crate::envelope;
use crate::error::ApiError;
use crate::permit::Permit;
use crate::query::Id;
use crate::question::Question;
use crate::rows::{self, Row};
use crate::state::AppState;
use crate::{machines, views};

/// `GET /api/users/{id}/machines`: the machines that a user logged on to, the last seen first,
/// then by id. A user whom nobody knows has no machines (defender-api.md §1.1).
pub(crate) async fn machines(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::UserMachines>,
    Id(id): Id,
    question: Question<views::Machine>,
) -> Result<Response, ApiError> {
    machines::require_users(&permit, &question)?;
    let answer = async {
        let asked = &question.asked;
        let user = UserSelector::parse(&id, app.config.upn);
        let scope = permit.scope();
        let machines = match &user {
            None => Vec::new(),
            Some(user) if question.is_plain() => {
                let (window, top) = (app.window(call.now), question.rows());
                let page = Page { skip: asked.skip, top };
                app.store.machines_of_user(scope, user, window, page).await?
            }
            Some(_) => return machines::answer(&app, &call, scope, user, question).await,
        };
        if !question.has_top && machines.len() as u64 == question.rows() {
            // More than a page, perhaps: a walk.
            return machines::answer(&app, &call, scope, user, question).await;
        }
        let now = question.now;
        let rows = machines.into_iter().map(|row| Row::bare(views::Machine::new(row.machine, now)));
        let page =
            rows::Page { rows: rows.collect(), count: asked.count.then_some(0), next_link: None };
        rows::write(&call, asked, page).await
    };
    let body = app.answers.get_or(permit.answer_key(&call), answer).await?;
    Ok(envelope::ok(body).into_response())
}
