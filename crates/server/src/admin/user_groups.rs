//! `/admin/v1/user-groups`

use axum::response::Response;
use inventory::access::directory::UserGroup;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Body, Changing, Ids, Reading, created, done, ok};
use crate::administration::user_groups::Origin;
use crate::error::ApiError;
use crate::query::Id;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    id: String,
    display_name: String,
    local: bool,
    /// The operators in it, where the group is local.
    members: Vec<Uuid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct New {
    /// The text of tokens that means a directory's group; a local one has none.
    id: Option<String>,
    display_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Name {
    display_name: String,
}

impl From<UserGroup> for View {
    fn from(group: UserGroup) -> Self {
        Self {
            id: group.id,
            display_name: group.display_name,
            local: group.members.is_some(),
            members: group.members.unwrap_or_default(),
        }
    }
}

/// `GET /admin/v1/user-groups`
pub(crate) async fn list(desk: Reading) -> Result<Response, ApiError> {
    let kept = desk.administration().directory().await?;
    super::list(kept.directory.user_groups.into_iter().map(View::from))
}

/// `POST /admin/v1/user-groups`
pub(crate) async fn add(desk: Changing, Body(new): Body<New>) -> Result<Response, ApiError> {
    let origin = new.id.map_or(Origin::Local, Origin::Directory);
    let administration = desk.administration();
    created(&View::from(administration.add_user_group(origin, &new.display_name).await?))
}

/// `GET /admin/v1/user-groups/{id}`: by id or name.
pub(crate) async fn get(desk: Reading, Id(id): Id) -> Result<Response, ApiError> {
    let administration = desk.administration();
    ok(&View::from(administration.user_group(&id).await?))
}

/// `PATCH /admin/v1/user-groups/{id}`
pub(crate) async fn rename(
    desk: Changing,
    Id(id): Id,
    Body(name): Body<Name>,
) -> Result<Response, ApiError> {
    let administration = desk.administration();
    ok(&View::from(administration.rename_user_group(&id, &name.display_name).await?))
}

/// `DELETE /admin/v1/user-groups/{id}`
pub(crate) async fn remove(desk: Changing, Id(id): Id) -> Result<Response, ApiError> {
    desk.administration().remove_user_group(&id).await?;
    Ok(done())
}

/// `PUT /admin/v1/user-groups/{id}/members/{member}`
pub(crate) async fn add_member(
    desk: Changing,
    Ids(group, operator): Ids,
) -> Result<Response, ApiError> {
    desk.administration().add_member(&group, &operator).await?;
    Ok(done())
}

/// `DELETE /admin/v1/user-groups/{id}/members/{member}`
pub(crate) async fn remove_member(
    desk: Changing,
    Ids(group, operator): Ids,
) -> Result<Response, ApiError> {
    desk.administration().remove_member(&group, &operator).await?;
    Ok(done())
}
