//! `/admin/v1/roles`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use inventory::access::directory::{ADMINISTRATOR_ROLE, Role, RolePermission, RoleSettings};
use serde::{Deserialize, Serialize};

use super::{Body, Changing, Ids, Reading, actor, created, done, ok};
use crate::administration::Administration;
use crate::call::ThisCall;
use crate::error::ApiError;
use crate::query::Id;
use crate::state::AppState;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    id: i32,
    name: String,
    description: String,
    built_in: bool,
    permissions: Vec<&'static str>,
    user_groups: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct New {
    name: String,
    #[serde(default)]
    description: String,
    permissions: Vec<RolePermission>,
    #[serde(default)]
    user_groups: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Change {
    name: Option<String>,
    description: Option<String>,
    permissions: Option<Vec<RolePermission>>,
}

impl From<Role> for View {
    fn from(role: Role) -> Self {
        Self {
            id: role.id,
            built_in: role.id == ADMINISTRATOR_ROLE,
            permissions: role.permits().iter().map(|one| one.as_str()).collect(),
            name: role.name,
            description: role.description,
            user_groups: role.user_groups,
        }
    }
}

/// `GET /admin/v1/roles`
pub(crate) async fn list(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Reading,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    let kept = Administration::new(&*app.store, &actor).directory().await?;
    super::list(kept.directory.roles.into_iter().map(View::from))
}

/// `POST /admin/v1/roles`
pub(crate) async fn add(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
    Body(new): Body<New>,
) -> Result<Response, ApiError> {
    let New { name, description, permissions, user_groups } = new;
    let settings = RoleSettings { name, description, permissions };
    let actor = actor(&permit, &call);
    let role = Administration::new(&*app.store, &actor).add_role(settings, &user_groups).await?;
    created(&View::from(role))
}

/// `GET /admin/v1/roles/{id}`: by id or name.
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Reading,
    Id(id): Id,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    ok(&View::from(Administration::new(&*app.store, &actor).role(&id).await?))
}

/// `PATCH /admin/v1/roles/{id}`
pub(crate) async fn change(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    let change = |settings: RoleSettings| RoleSettings {
        name: change.name.clone().unwrap_or(settings.name),
        description: change.description.clone().unwrap_or(settings.description),
        permissions: change.permissions.clone().unwrap_or(settings.permissions),
    };
    let role = Administration::new(&*app.store, &actor).change_role(&id, change).await?;
    ok(&View::from(role))
}

/// `DELETE /admin/v1/roles/{id}`
pub(crate) async fn remove(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
    Id(id): Id,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    Administration::new(&*app.store, &actor).remove_role(&id).await?;
    Ok(done())
}

/// `PUT /admin/v1/roles/{id}/user-groups/{member}`
pub(crate) async fn assign(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
    Ids(role, group): Ids,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    Administration::new(&*app.store, &actor).assign(&role, &group).await?;
    Ok(done())
}

/// `DELETE /admin/v1/roles/{id}/user-groups/{member}`
pub(crate) async fn unassign(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
    Ids(role, group): Ids,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    Administration::new(&*app.store, &actor).unassign(&role, &group).await?;
    Ok(done())
}
