//! `/admin/v1/me`: as whom the server knows the caller.

use axum::response::Response;
use serde::Serialize;
use uuid::Uuid;

use super::{Reading, ok};
use crate::error::ApiError;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Me<'a> {
    tenant_id: Uuid,
    tenant_name: &'a str,
    app_id: Uuid,
    /// The person, where the app acts for one.
    person: Option<&'a str>,
    /// What the person's roles permit.
    role_permissions: Vec<&'static str>,
}

/// `GET /admin/v1/me`
pub(crate) async fn get(desk: Reading) -> Result<Response, ApiError> {
    let caller = &desk.permit.caller;
    let person = caller.of_person();
    let permissions = person.map_or(&[][..], |person| &person.access.permissions);
    ok(&Me {
        tenant_id: caller.tenant.id,
        tenant_name: &caller.tenant.name,
        app_id: caller.app_id,
        person: person.map(|person| person.name.as_str()),
        role_permissions: permissions.iter().map(|one| one.as_str()).collect(),
    })
}
