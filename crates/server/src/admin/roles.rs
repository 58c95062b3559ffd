//! `/admin/v1/roles`

use axum::response::Response;
use inventory::access::directory::{ADMINISTRATOR_ROLE, Role, RolePermission, RoleSettings};
use serde::{Deserialize, Serialize};

use super::{Body, Changing, Ids, Reading, created, done, ok};
use crate::error::ApiError;
use crate::query::Id;

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
pub(crate) async fn list(desk: Reading) -> Result<Response, ApiError> {
    let kept = desk.administration().directory().await?;
    super::list(kept.directory.roles.into_iter().map(View::from))
}

/// `POST /admin/v1/roles`
pub(crate) async fn add(desk: Changing, Body(new): Body<New>) -> Result<Response, ApiError> {
    let New { name, description, permissions, user_groups } = new;
    let settings = RoleSettings { name, description, permissions };
    let role = desk.administration().add_role(settings, &user_groups).await?;
    created(&View::from(role))
}

/// `GET /admin/v1/roles/{id}`: by id or name.
pub(crate) async fn get(desk: Reading, Id(id): Id) -> Result<Response, ApiError> {
    ok(&View::from(desk.administration().role(&id).await?))
}

/// `PATCH /admin/v1/roles/{id}`
pub(crate) async fn change(
    desk: Changing,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Response, ApiError> {
    let change = |settings: RoleSettings| RoleSettings {
        name: change.name.clone().unwrap_or(settings.name),
        description: change.description.clone().unwrap_or(settings.description),
        permissions: change.permissions.clone().unwrap_or(settings.permissions),
    };
    let role = desk.administration().change_role(&id, change).await?;
    ok(&View::from(role))
}

/// `DELETE /admin/v1/roles/{id}`
pub(crate) async fn remove(desk: Changing, Id(id): Id) -> Result<Response, ApiError> {
    desk.administration().remove_role(&id).await?;
    Ok(done())
}

/// `PUT /admin/v1/roles/{id}/user-groups/{member}`
pub(crate) async fn assign(desk: Changing, Ids(role, group): Ids) -> Result<Response, ApiError> {
    desk.administration().assign(&role, &group).await?;
    Ok(done())
}

/// `DELETE /admin/v1/roles/{id}/user-groups/{member}`
pub(crate) async fn unassign(desk: Changing, Ids(role, group): Ids) -> Result<Response, ApiError> {
    desk.administration().unassign(&role, &group).await?;
    Ok(done())
}
