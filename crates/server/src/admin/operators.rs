//! `/admin/v1/operators`: the people who sign in to this server itself.

use axum::response::Response;
use inventory::access::operator::Operator;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Body, Changing, Reading, created, done, ok, text};
use crate::administration::operators::{Entry, NewOperator, OperatorChange, Rank};
use crate::error::ApiError;
use crate::issuer::totp;
use crate::query::Id;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    id: Uuid,
    user_name: String,
    display_name: String,
    administrator: bool,
    has_totp: bool,
    created: String,
    disabled: Option<String>,
    failures: u32,
    locked_until: Option<String>,
}

/// What an authenticator app needs, this once.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Enrolment {
    secret: String,
    uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct New {
    user_name: String,
    display_name: Option<String>,
    password: String,
    #[serde(default)]
    administrator: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Change {
    display_name: Option<String>,
    administrator: Option<bool>,
    disabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Password {
    password: String,
}

impl From<Operator> for View {
    fn from(operator: Operator) -> Self {
        Self {
            id: operator.id,
            user_name: operator.user_name,
            display_name: operator.display_name,
            administrator: operator.is_administrator,
            has_totp: operator.totp.is_some(),
            created: text(operator.created),
            disabled: operator.disabled.map(text),
            failures: operator.failures,
            locked_until: operator.locked_until.map(text),
        }
    }
}

/// `GET /admin/v1/operators`
pub(crate) async fn list(desk: Reading) -> Result<Response, ApiError> {
    let operators = desk.administration().operators().await?;
    super::list(operators.into_iter().map(View::from))
}

/// `POST /admin/v1/operators`
pub(crate) async fn add(desk: Changing, Body(new): Body<New>) -> Result<Response, ApiError> {
    let new = NewOperator {
        user_name: &new.user_name,
        display_name: new.display_name.as_ref().unwrap_or(&new.user_name),
        password: &new.password,
        rank: rank(new.administrator),
    };
    let operator = desk.administration().add_operator(new).await?;
    created(&View::from(operator))
}

/// `GET /admin/v1/operators/{id}`: by user name or id.
pub(crate) async fn get(desk: Reading, Id(id): Id) -> Result<Response, ApiError> {
    ok(&View::from(desk.administration().operator(&id).await?))
}

/// `PATCH /admin/v1/operators/{id}`
pub(crate) async fn change(
    desk: Changing,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Response, ApiError> {
    let change = OperatorChange {
        display_name: change.display_name,
        rank: change.administrator.map(rank),
        entry: change.disabled.map(|is| if is { Entry::Disabled } else { Entry::Enabled }),
    };
    let operator = desk.administration().change_operator(&id, change).await?;
    ok(&View::from(operator))
}

/// `DELETE /admin/v1/operators/{id}`
pub(crate) async fn remove(desk: Changing, Id(id): Id) -> Result<Response, ApiError> {
    desk.administration().remove_operator(&id).await?;
    Ok(done())
}

/// `PUT /admin/v1/operators/{id}/password`
pub(crate) async fn set_password(
    desk: Changing,
    Id(id): Id,
    Body(new): Body<Password>,
) -> Result<Response, ApiError> {
    desk.administration().set_password(&id, &new.password).await?;
    Ok(done())
}

/// `POST /admin/v1/operators/{id}/sign-out`
pub(crate) async fn sign_out(desk: Changing, Id(id): Id) -> Result<Response, ApiError> {
    desk.administration().sign_out(&id).await?;
    Ok(done())
}

/// `POST /admin/v1/operators/{id}/unlock`
pub(crate) async fn unlock(desk: Changing, Id(id): Id) -> Result<Response, ApiError> {
    desk.administration().unlock(&id).await?;
    Ok(done())
}

/// `POST /admin/v1/operators/{id}/totp`
pub(crate) async fn enrol(desk: Changing, Id(id): Id) -> Result<Response, ApiError> {
    let (operator, secret) = desk.administration().enrol_totp(&id).await?;
    let uri = totp::uri(&secret, &operator.user_name);
    created(&Enrolment { secret: totp::written(&secret), uri })
}

/// `DELETE /admin/v1/operators/{id}/totp`
pub(crate) async fn remove_totp(desk: Changing, Id(id): Id) -> Result<Response, ApiError> {
    desk.administration().remove_totp(&id).await?;
    Ok(done())
}

fn rank(administrator: bool) -> Rank {
    if administrator { Rank::Administrator } else { Rank::Member }
}
