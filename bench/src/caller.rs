//! An app that may ask, and its tokens of the server's own issuer.

use inventory::access::Permission;
use inventory::time::Timestamp;
use server::administration::apps::{AppKind, AppSettings, FirstCredential};
use server::administration::{Actor, Administration, Who};
use server::issuer::{Claim, audience, issue};
use store::Store;

pub(crate) struct Caller {
    client_id: String,
    secret: String,
}

impl Caller {
    /// Registers the app.
    pub(crate) async fn register(
        store: &dyn Store,
        permissions: Vec<Permission>,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let actor = Actor {
            tenant: store.default_tenant().await?,
            who: Who::System("bench".to_owned()),
            address: None,
            correlation: uuid::Uuid::new_v4(),
            now,
        };
        let settings = AppSettings {
            name: "bench".to_owned(),
            kind: AppKind::Confidential,
            permissions,
            redirect_uris: Vec::new(),
            first: FirstCredential::Secret { expires: None },
        };
        let added = Administration::new(store, &actor).add_app(settings).await?;
        let secret = added.secret.map(|secret| secret.secret).unwrap_or_default();
        Ok(Self { client_id: added.app.client_id.to_string(), secret })
    }

    /// A token that nobody has seen.
    pub(crate) async fn token(&self, store: &dyn Store, now: Timestamp) -> anyhow::Result<String> {
        let claim = Claim {
            client_id: &self.client_id,
            client_secret: &self.secret,
            resource: audience::DEFAULT_RESOURCE,
            own: &[],
        };
        Ok(issue(store, &store.default_tenant().await?, claim, now).await?.access_token)
    }
}
