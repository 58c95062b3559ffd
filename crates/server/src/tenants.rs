//! The tenants of the server, and the names in URLs and configurations that mean them.

use std::sync::{Arc, Mutex, PoisonError};

use inventory::access::Tenant;
use uuid::Uuid;

use crate::state::AppState;

/// Names that stand for whichever tenant a user or app belongs to.
const ANY_TENANT: &[&str] = &["common", "organizations"];

/// The tenants as they were at a version of the store.
#[derive(Default)]
pub(crate) struct Tenants(Mutex<Option<Snapshot>>);

#[derive(Clone)]
struct Snapshot {
    /// The version at which it was last known to hold.
    version: u64,
    /// The access version at which it was read.
    access_version: u64,
    tenants: Arc<[Tenant]>,
}

impl Tenants {
    /// Every tenant, read again when who may do what has changed.
    async fn all(&self, app: &AppState) -> Result<Arc<[Tenant]>, store::Error> {
        let version = app.store.version()?;
        let kept = self.lock().clone();
        if let Some(kept) = kept.as_ref().filter(|kept| kept.version == version) {
            return Ok(Arc::clone(&kept.tenants));
        }
        // Before what it stands for, so that a change in between is seen the next time.
        let access_version = app.store.access_version()?;
        let tenants = match kept.filter(|kept| kept.access_version == access_version) {
            Some(kept) => kept.tenants,
            None => app.store.tenants().await?.into(),
        };
        *self.lock() = Some(Snapshot { version, access_version, tenants: Arc::clone(&tenants) });
        Ok(tenants)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Snapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tenant of an id, as it stands in `tid`.
pub(crate) async fn by_id(app: &AppState, id: Uuid) -> Result<Option<Tenant>, store::Error> {
    let tenants = app.tenants.all(app).await?;
    Ok(tenants.iter().find(|tenant| tenant.id == id).cloned())
}

/// The tenant that a configuration names: by its id or by what people call it.
pub(crate) async fn named(app: &AppState, name: &str) -> Result<Option<Tenant>, store::Error> {
    let tenants = app.tenants.all(app).await?;
    let id = Uuid::try_parse(name).ok();
    let name = inventory::fold(name);
    let mut tenants = tenants.iter();
    Ok(tenants.find(|it| id == Some(it.id) || inventory::fold(&it.name) == name).cloned())
}

/// The tenant that a URL names: by id, by one of its domains, or by a name that stands for any
/// where there is only one.
pub(crate) async fn find(app: &AppState, name: &str) -> Result<Option<Tenant>, store::Error> {
    let tenants = app.tenants.all(app).await?;
    if let Ok(id) = Uuid::try_parse(name) {
        return Ok(tenants.iter().find(|tenant| tenant.id == id).cloned());
    }
    if stands_for_any(name) {
        return Ok(<&[Tenant; 1]>::try_from(&*tenants).ok().map(|[only]| only.clone()));
    }
    let domain = inventory::fold(name);
    if let Some(tenant) = tenants.iter().find(|tenant| tenant.domains.contains(&domain)) {
        return Ok(Some(tenant.clone()));
    }
    let configured = app.config.tenant_domains.iter().any(|known| inventory::fold(known) == domain);
    let default = || tenants.iter().find(|tenant| tenant.number == app.tenant.number).cloned();
    Ok(configured.then(default).flatten())
}

/// The tenant that a URL names for an app, which says which one is meant where the name does not.
pub(crate) async fn find_for_app(
    app: &AppState,
    name: &str,
    client_id: &str,
) -> Result<Option<Tenant>, store::Error> {
    let found = find(app, name).await?;
    let (None, true, Ok(client_id)) =
        (&found, stands_for_any(name), Uuid::try_parse(client_id.trim()))
    else {
        return Ok(found);
    };
    let Some((number, _)) = app.store.find_app(client_id).await? else { return Ok(None) };
    let tenants = app.tenants.all(app).await?;
    Ok(tenants.iter().find(|tenant| tenant.number == number).cloned())
}

fn stands_for_any(name: &str) -> bool {
    ANY_TENANT.iter().any(|any| any.eq_ignore_ascii_case(name))
}
