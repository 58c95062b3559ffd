//! Apps: adding one, with a secret that is shown once.

use aws_lc_rs::digest;
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inventory::access::{App, Permission, Tenant};
use inventory::time::Timestamp;
use store::Store;
use uuid::Uuid;

/// Random bytes of a client secret.
const SECRET_BYTES: usize = 32;
/// What every client secret begins with: scanners for leaked secrets find it, and no command line
/// takes it for a flag.
const SECRET_PREFIX: &str = "footfall_";

/// A new app, as its owner needs to know it. The secret is kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct NewApp {
    /// The tenant's id, for token URLs.
    pub tenant_id: Uuid,
    /// The app's id.
    pub client_id: Uuid,
    /// Its secret: 52 characters that need no escaping in a form, a URL or a shell.
    pub client_secret: String,
}

impl std::fmt::Debug for NewApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewApp")
            .field("tenant_id", &self.tenant_id)
            .field("client_id", &self.client_id)
            .field("client_secret", &"***")
            .finish()
    }
}

/// Why an app could not be added.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system gave no random bytes.
    #[error("no secret could be made: the system gave no random bytes")]
    Random,
    /// The store failed.
    #[error("the app could not be kept")]
    Store(#[from] store::Error),
}

/// Adds an app with a new id and secret.
pub async fn add(
    store: &dyn Store,
    tenant: Tenant,
    name: &str,
    permissions: Vec<Permission>,
    now: Timestamp,
) -> Result<NewApp, Error> {
    let mut bytes = [0; SECRET_BYTES];
    rand::fill(&mut bytes).map_err(|_| Error::Random)?;
    let client_secret = format!("{SECRET_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    let mut secret_sha256 = [0; digest::SHA256_OUTPUT_LEN];
    secret_sha256
        .copy_from_slice(digest::digest(&digest::SHA256, client_secret.as_bytes()).as_ref());
    let app = App {
        client_id: Uuid::new_v4(),
        name: name.to_owned(),
        permissions,
        secret_sha256,
        created: now,
        revoked: None,
    };
    store.add_app(tenant.number, &app).await?;
    Ok(NewApp { tenant_id: tenant.id, client_id: app.client_id, client_secret })
}
