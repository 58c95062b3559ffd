//! `/admin/v1/tenants`: for administrators of the tenant that runs the server.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use inventory::access::Tenant;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Body, Changing, Reading, actor, created, ok};
use crate::administration::Administration;
use crate::api::Api;
use crate::call::ThisCall;
use crate::error::ApiError;
use crate::permit::Permit;
use crate::query::Id;
use crate::state::AppState;

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
pub(crate) async fn list(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Reading,
) -> Result<Response, ApiError> {
    require_default(&app, &permit)?;
    let actor = actor(&permit, &call);
    let tenants = Administration::new(&*app.store, &actor).tenants().await?;
    super::list(tenants.into_iter().map(View::from))
}

/// `POST /admin/v1/tenants`
pub(crate) async fn add(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
    Body(new): Body<New>,
) -> Result<Response, ApiError> {
    require_default(&app, &permit)?;
    let actor = actor(&permit, &call);
    let administration = Administration::new(&*app.store, &actor);
    let tenant = administration.add_tenant(new.id, &new.name, &new.domains).await?;
    created(&View::from(tenant))
}

/// `PATCH /admin/v1/tenants/{id}`: the caller's own.
pub(crate) async fn change(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Response, ApiError> {
    let own = &permit.caller.tenant;
    if Uuid::try_parse(&id) != Ok(own.id) {
        return Err(ApiError::NotFound(format!(
            "The tenant of the access token is {}, and it alone can be changed with it.",
            own.id
        )));
    }
    let actor = actor(&permit, &call);
    let name = change.name.as_ref().unwrap_or(&own.name);
    let domains = change.domains.as_ref().unwrap_or(&own.domains);
    let administration = Administration::new(&*app.store, &actor);
    ok(&View::from(administration.rename_tenant(name, domains).await?))
}

/// Other tenants are the business of whoever runs the server.
fn require_default<A: Api>(app: &AppState, permit: &Permit<A>) -> Result<(), ApiError> {
    if permit.caller.tenant.number == app.tenant.number {
        return Ok(());
    }
    Err(ApiError::Disallowed(
        "Tenants are listed and added by administrators of the server's first tenant.".to_owned(),
    ))
}
