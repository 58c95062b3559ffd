//! Apps: who may ask for tokens, and for what.

use inventory::access::ticket::TicketsOf;
use inventory::access::{App, Permission};
use inventory::time::Timestamp;
use uuid::Uuid;

use super::credentials::{self, NewSecret};
use super::directory::TRIES;
use super::invalid::{self, Invalid};
pub use super::redirect::AppKind;
use super::{Administration, Error, redirect, shown};

/// Apps of a tenant at most, those that were revoked not counted.
const MAX_APPS: usize = 5_000;
const WHAT: &str = "app";

/// What a person says of a new app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSettings {
    /// What people call it.
    pub name: String,
    /// Whether it keeps a secret.
    pub kind: AppKind,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// Where people are sent back to after they signed in.
    pub redirect_uris: Vec<String>,
    /// What it is to prove itself with from the beginning.
    pub first: FirstCredential,
}

/// What a new app proves itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstCredential {
    /// Nothing yet, or nothing at all for a public one.
    None,
    /// A secret.
    Secret {
        /// When it ceases to hold.
        expires: Option<Timestamp>,
    },
}

/// A new app. Its secret is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApp {
    /// The app.
    pub app: App,
    /// Its secret, where one was asked for.
    pub secret: Option<NewSecret>,
}

/// What is to be different about an app; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppChange {
    /// What people call it.
    pub name: Option<String>,
    /// What it may do. Tokens that are out keep what they hold until they expire.
    pub permissions: Option<Vec<Permission>>,
    /// Where people are sent back to.
    pub redirect_uris: Option<Vec<String>>,
    /// An administrator agrees for all people to what the app asks, or takes that back.
    pub consented: Option<bool>,
}

impl Administration<'_> {
    /// Every app, revoked ones too.
    pub async fn apps(&self) -> Result<Vec<App>, Error> {
        Ok(self.store.apps(self.tenant()).await?)
    }

    /// One app.
    pub async fn app(&self, client_id: Uuid) -> Result<App, Error> {
        let app = self.store.app(self.tenant(), client_id).await?;
        app.ok_or_else(|| Error::Unknown { what: WHAT, name: client_id.to_string() })
    }

    /// Adds an app.
    pub async fn add_app(&self, settings: AppSettings) -> Result<NewApp, Error> {
        let client_id = Uuid::new_v4();
        let names: Vec<_> = settings.permissions.iter().map(|one| one.as_str()).collect();
        let detail = format!("{client_id} `{}` {}", shown(&settings.name), names.join(" "));
        self.audited("app.add", detail, async {
            let live = |app: &App| app.revoked.is_none();
            let count = self.apps().await?.into_iter().filter(live).count();
            if count >= MAX_APPS {
                return Err(Error::TooMany { what: "apps", most: MAX_APPS });
            }
            let mut app = App {
                client_id,
                name: invalid::name("name of an app", &settings.name)?,
                permissions: checked_permissions(settings.permissions, settings.kind)?,
                credentials: Vec::new(),
                is_public: settings.kind == AppKind::Public,
                redirect_uris: settings.redirect_uris,
                consented: false,
                created: self.now(),
                revoked: None,
            };
            redirect::check_all(&app.redirect_uris, settings.kind)?;
            let secret = match settings.first {
                FirstCredential::None => None,
                FirstCredential::Secret { .. } if app.is_public => {
                    return Err(Invalid::PublicSecret.into());
                }
                FirstCredential::Secret { expires } => {
                    let (credential, secret) = credentials::new_secret(self.now(), expires)?;
                    app.credentials.push(credential);
                    Some(secret)
                }
            };
            self.store.add_app(self.tenant(), &app).await?;
            Ok(NewApp { app, secret })
        })
        .await
    }

    /// Changes an app.
    pub async fn change_app(&self, client_id: Uuid, change: AppChange) -> Result<App, Error> {
        self.audited("app.change", format!("{client_id}{}", described(&change)), async {
            self.change_live_app(client_id, |app| {
                let kind = if app.is_public { AppKind::Public } else { AppKind::Confidential };
                if let Some(name) = &change.name {
                    app.name = invalid::name("name of an app", name)?;
                }
                if let Some(permissions) = &change.permissions {
                    app.permissions = checked_permissions(permissions.clone(), kind)?;
                }
                if let Some(uris) = &change.redirect_uris {
                    redirect::check_all(uris, kind)?;
                    app.redirect_uris = uris.clone();
                }
                app.consented = change.consented.unwrap_or(app.consented);
                Ok(())
            })
            .await
        })
        .await
    }

    /// Revokes an app for good: its tokens are refused from now on.
    pub async fn revoke_app(&self, client_id: Uuid) -> Result<(), Error> {
        self.audited("app.revoke", client_id.to_string(), async {
            if !self.store.revoke_app(self.tenant(), client_id, self.now()).await? {
                return Err(Error::Unknown { what: WHAT, name: client_id.to_string() });
            }
            self.store.revoke_tickets(self.tenant(), TicketsOf::App(client_id)).await?;
            Ok(())
        })
        .await
    }

    /// Changes an app that was not revoked: read, changed as a value, written if nobody else was
    /// faster.
    pub(super) async fn change_live_app(
        &self,
        client_id: Uuid,
        change: impl Fn(&mut App) -> Result<(), Error> + Send + Sync,
    ) -> Result<App, Error> {
        for _ in 0..TRIES {
            let known = self.live_app(client_id).await?;
            let mut app = known.clone();
            change(&mut app)?;
            if self.store.save_app(self.tenant(), &known, &app).await? {
                return Ok(app);
            }
        }
        Err(Error::Contended)
    }

    /// An app that can still be changed.
    async fn live_app(&self, client_id: Uuid) -> Result<App, Error> {
        let app = self.app(client_id).await?;
        if app.revoked.is_some() { Err(Error::Revoked(client_id)) } else { Ok(app) }
    }
}

fn checked_permissions(
    mut permissions: Vec<Permission>,
    kind: AppKind,
) -> Result<Vec<Permission>, Invalid> {
    permissions.sort_unstable();
    permissions.dedup();
    let mut useless = permissions.iter().filter(|permission| !permission.is_delegated());
    match useless.next() {
        Some(permission) if kind == AppKind::Public => Err(Invalid::PublicPermission(*permission)),
        _ => Ok(permissions),
    }
}

/// What a change says, for the audit.
fn described(change: &AppChange) -> String {
    let mut text = String::new();
    if let Some(name) = &change.name {
        text += &format!(" name `{}`", shown(name));
    }
    if let Some(permissions) = &change.permissions {
        let names: Vec<_> = permissions.iter().map(|one| one.as_str()).collect();
        text += &format!(" permissions {}", names.join(" "));
    }
    if let Some(uris) = &change.redirect_uris {
        text += &format!(" redirect URIs {}", uris.join(" "));
    }
    match change.consented {
        Some(true) => text += " consent for all people",
        Some(false) => text += " no consent for all people",
        None => {}
    }
    text
}
