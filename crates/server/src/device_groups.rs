//! Device groups, as far as the caller may see their machines (defender-api.md §12).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::api;
use crate::call::ThisCall;
use crate::envelope;
use crate::error::ApiError;
use crate::form::Form;
use crate::permit::Permit;
use crate::query::{CollectionQuery, EntityQuery, Id};
use crate::state::AppState;
use crate::views::DeviceGroup;

/// `GET /api/deviceGroups`: by rank, the group of all other machines last.
pub(crate) async fn list(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::DeviceGroups>,
    form: Form,
    query: CollectionQuery<DeviceGroup>,
) -> Result<Response, ApiError> {
    if form != Form::Json {
        let mut groups = visible(&app, &permit).await?;
        query.page.cut(&mut groups);
        return envelope::in_form(&call, form, &query, &groups);
    }
    let answer = async {
        let mut groups = visible(&app, &permit).await?;
        query.page.cut(&mut groups);
        envelope::collection(&call, query, groups, |group| group).await
    };
    let body = app.answers.get_or(permit.answer_key(&call), answer).await?;
    Ok(envelope::ok(body).into_response())
}

/// `GET /api/deviceGroups/{id}`
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::DeviceGroup>,
    Id(id): Id,
    query: EntityQuery<DeviceGroup>,
) -> Result<Response, ApiError> {
    let answer = async {
        let groups = visible(&app, &permit).await?;
        let found = groups.iter().find(|group| group.id().to_string() == id.trim());
        let group = found.ok_or_else(|| ApiError::device_group_not_found(&id))?;
        envelope::single(&call, &query, group)
    };
    let body = app.answers.get_or(permit.answer_key(&call), answer).await?;
    Ok(envelope::ok(body).into_response())
}

/// The groups whose machines the caller may see: of these all, so that their counts tell nothing that
/// the caller could not count.
async fn visible<A: api::Api>(
    app: &AppState,
    permit: &Permit<A>,
) -> Result<Vec<DeviceGroup>, ApiError> {
    let scope = permit.scope();
    let directory = app.store.directory(scope.tenant()).await?.directory;
    let counts = app.store.group_counts(scope.tenant()).await?;
    let mut groups = DeviceGroup::all(directory, &counts);
    groups.retain(|group| scope.groups().contains(group.id()));
    Ok(groups)
}
