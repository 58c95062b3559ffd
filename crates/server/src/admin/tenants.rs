//! `/admin/v1/tenants`: for administrators of the tenant that runs the server.

use axum::response::Response;
use inventory::access::Tenant;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Body, Changing, Desk, Reading, created, ok};
use crate::api::Api;
use crate::error::ApiError;
use crate::query::Id;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    id: Uuid,
    name: String,
    domains: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct New {
    id: Option<Uuid>,
    name: String,
    #[serde(default)]
    domains: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Change {
    name: Option<String>,
    domains: Option<Vec<String>>,
}

impl From<Tenant> for View {
    fn from(tenant: Tenant) -> Self {
        Self { id: tenant.id, name: tenant.name, domains: tenant.domains }
    }
}

/// `GET /admin/v1/tenants`
pub(crate) async fn list(desk: Reading) -> Result<Response, ApiError> {
    require_default(&desk)?;
    let tenants = desk.administration().tenants().await?;
    super::list(tenants.into_iter().map(View::from))
}

/// `POST /admin/v1/tenants`
pub(crate) async fn add(desk: Changing, Body(new): Body<New>) -> Result<Response, ApiError> {
    require_default(&desk)?;
    let administration = desk.administration();
    let tenant = administration.add_tenant(new.id, &new.name, &new.domains).await?;
    created(&View::from(tenant))
}

/// `PATCH /admin/v1/tenants/{id}`: the caller's own.
pub(crate) async fn change(
    desk: Changing,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Response, ApiError> {
    let own = &desk.permit.caller.tenant;
    if Uuid::try_parse(&id) != Ok(own.id) {
        return Err(ApiError::NotFound(format!(
            "The tenant of the access token is {}, and it alone can be changed with it.",
            own.id
        )));
    }
    let name = change.name.as_ref().unwrap_or(&own.name);
    let domains = change.domains.as_ref().unwrap_or(&own.domains);
    let administration = desk.administration();
    ok(&View::from(administration.rename_tenant(name, domains).await?))
}

/// Other tenants are the business of whoever runs the server.
fn require_default<A: Api>(desk: &Desk<A>) -> Result<(), ApiError> {
    if desk.permit.caller.tenant.number == desk.app.tenant.number {
        return Ok(());
    }
    Err(ApiError::Disallowed(
        "Tenants are listed and added by administrators of the server's first tenant.".to_owned(),
    ))
}
