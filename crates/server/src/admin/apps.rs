//! `/admin/v1/apps`

use axum::response::Response;
use inventory::access::{App, Permission};
use inventory::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::credentials::{CredentialView, SecretView};
use super::request::optional_moment;
use super::{Body, Changing, Reading, created, done, ok, text};
use crate::administration::apps::{AppChange, AppKind, AppSettings, FirstCredential};
use crate::error::ApiError;
use crate::query::Id;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    client_id: Uuid,
    name: String,
    kind: Kind,
    permissions: Vec<&'static str>,
    redirect_uris: Vec<String>,
    consented: bool,
    credentials: Vec<CredentialView>,
    created: String,
    revoked: Option<String>,
}

/// A new app, and its secret this once.
#[derive(Serialize)]
struct NewView {
    #[serde(flatten)]
    app: View,
    secret: Option<SecretView>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Confidential,
    Public,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct New {
    name: String,
    kind: Option<Kind>,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    secret: Option<NewSecret>,
}

/// A secret that is wanted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewSecret {
    #[serde(default, deserialize_with = "optional_moment")]
    pub(crate) expires: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Change {
    name: Option<String>,
    permissions: Option<Vec<String>>,
    redirect_uris: Option<Vec<String>>,
    consented: Option<bool>,
}

impl From<App> for View {
    fn from(app: App) -> Self {
        Self {
            client_id: app.client_id,
            name: app.name,
            kind: if app.is_public { Kind::Public } else { Kind::Confidential },
            permissions: app.permissions.iter().map(|one| one.as_str()).collect(),
            redirect_uris: app.redirect_uris,
            consented: app.consented,
            credentials: app.credentials.iter().map(CredentialView::from).collect(),
            created: text(app.created),
            revoked: app.revoked.map(text),
        }
    }
}

/// `GET /admin/v1/apps`
pub(crate) async fn list(desk: Reading) -> Result<Response, ApiError> {
    let apps = desk.administration().apps().await?;
    super::list(apps.into_iter().map(View::from))
}

/// `POST /admin/v1/apps`
pub(crate) async fn add(desk: Changing, Body(new): Body<New>) -> Result<Response, ApiError> {
    let settings = AppSettings {
        name: new.name,
        kind: match new.kind {
            Some(Kind::Public) => AppKind::Public,
            Some(Kind::Confidential) | None => AppKind::Confidential,
        },
        permissions: permissions(&new.permissions)?,
        redirect_uris: new.redirect_uris,
        first: match new.secret {
            None => FirstCredential::None,
            Some(secret) => FirstCredential::Secret { expires: secret.expires },
        },
    };
    let added = desk.administration().add_app(settings).await?;
    created(&NewView { app: View::from(added.app), secret: added.secret.map(SecretView::from) })
}

/// `GET /admin/v1/apps/{id}`
pub(crate) async fn get(desk: Reading, Id(id): Id) -> Result<Response, ApiError> {
    let found = desk.administration().app(client_id(&id)?).await?;
    ok(&View::from(found))
}

/// `PATCH /admin/v1/apps/{id}`
pub(crate) async fn change(
    desk: Changing,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Response, ApiError> {
    let change = AppChange {
        name: change.name,
        permissions: change.permissions.as_deref().map(permissions).transpose()?,
        redirect_uris: change.redirect_uris,
        consented: change.consented,
    };
    let administration = desk.administration();
    ok(&View::from(administration.change_app(client_id(&id)?, change).await?))
}

/// `POST /admin/v1/apps/{id}/revoke`
pub(crate) async fn revoke(desk: Changing, Id(id): Id) -> Result<Response, ApiError> {
    desk.administration().revoke_app(client_id(&id)?).await?;
    Ok(done())
}

/// The client id in a path.
pub(super) fn client_id(text: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(text).map_err(|_| ApiError::NotFound("Apps are found by client id.".to_owned()))
}

fn permissions(names: &[String]) -> Result<Vec<Permission>, ApiError> {
    let parse = |name: &String| {
        Permission::parse(name).ok_or_else(|| {
            let known: Vec<_> = Permission::ALL.iter().map(|one| one.as_str()).collect();
            let shown: String = name.chars().take(100).collect();
            let known = known.join(", ");
            ApiError::BadRequest(format!("`{shown}` is no permission: write one of {known}"))
        })
    };
    names.iter().map(parse).collect()
}
