//! `/admin/v1/nodes` and `/admin/v1/enroll-secrets`: osquery's nodes.

use std::net::IpAddr;

use axum::response::Response;
use inventory::node::{EnrollSecret, Node};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Body, Changing, Reading, created, done, ok, text};
use crate::error::ApiError;
use crate::query::Id;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    id: Uuid,
    host_name: String,
    host_identifier: String,
    hardware_uuid: Option<Uuid>,
    platform: &'static str,
    osquery_version: String,
    address: Option<IpAddr>,
    secret: String,
    enrolled: String,
    last_seen: String,
    asked: Option<String>,
    revoked: Option<String>,
}

impl From<Node> for View {
    fn from(node: Node) -> Self {
        let Node { id, enrollment, secret, enrolled, last_seen, asked, revoked } = node;
        Self {
            id,
            host_name: enrollment.host_name,
            host_identifier: enrollment.host_identifier,
            hardware_uuid: enrollment.hardware,
            platform: enrollment.platform.as_str(),
            osquery_version: enrollment.version,
            address: enrollment.address,
            secret,
            enrolled: text(enrolled),
            last_seen: text(last_seen),
            asked: asked.map(text),
            revoked: revoked.map(text),
        }
    }
}

#[derive(Serialize)]
struct Asked {
    asked: u64,
}

#[derive(Serialize)]
struct SecretView {
    name: String,
    created: String,
    revoked: Option<String>,
}

impl From<EnrollSecret> for SecretView {
    fn from(secret: EnrollSecret) -> Self {
        Self { name: secret.name, created: text(secret.created), revoked: secret.revoked.map(text) }
    }
}

/// A new secret, this once.
#[derive(Serialize)]
struct NewSecretView {
    name: String,
    secret: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewSecret {
    name: String,
}

/// `GET /admin/v1/nodes`
pub(crate) async fn list(desk: Reading) -> Result<Response, ApiError> {
    let nodes = desk.administration().nodes().await?;
    super::list(nodes.into_iter().map(View::from))
}

/// `POST /admin/v1/nodes/refresh`
pub(crate) async fn refresh_all(desk: Changing) -> Result<Response, ApiError> {
    ok(&Asked { asked: desk.administration().refresh_nodes(None).await? })
}

/// `POST /admin/v1/nodes/{id}/refresh`
pub(crate) async fn refresh(desk: Changing, Id(id): Id) -> Result<Response, ApiError> {
    ok(&Asked { asked: desk.administration().refresh_nodes(Some(&id)).await? })
}

/// `POST /admin/v1/nodes/{id}/revoke`
pub(crate) async fn revoke(desk: Changing, Id(id): Id) -> Result<Response, ApiError> {
    desk.administration().revoke_node(&id).await?;
    Ok(done())
}

/// `DELETE /admin/v1/nodes/{id}`
pub(crate) async fn remove(desk: Changing, Id(id): Id) -> Result<Response, ApiError> {
    desk.administration().remove_node(&id).await?;
    Ok(done())
}

/// `GET /admin/v1/enroll-secrets`
pub(crate) async fn list_secrets(desk: Reading) -> Result<Response, ApiError> {
    let secrets = desk.administration().enroll_secrets().await?;
    super::list(secrets.into_iter().map(SecretView::from))
}

/// `POST /admin/v1/enroll-secrets`
pub(crate) async fn add_secret(
    desk: Changing,
    Body(new): Body<NewSecret>,
) -> Result<Response, ApiError> {
    let secret = desk.administration().add_enroll_secret(&new.name).await?;
    created(&NewSecretView { name: new.name.trim().to_owned(), secret })
}

/// `POST /admin/v1/enroll-secrets/{id}/revoke`
pub(crate) async fn revoke_secret(desk: Changing, Id(id): Id) -> Result<Response, ApiError> {
    desk.administration().revoke_enroll_secret(&id).await?;
    Ok(done())
}
