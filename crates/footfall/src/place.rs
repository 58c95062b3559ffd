//! Where a command works: a database, and one tenant of it.

use std::sync::Arc;

use inventory::access::Tenant;
use inventory::access::scope::Scope;
use server::administration::{Actor, Administration, Who, tenants};
use server::clock::{Clock, SystemClock};
use store::Store;
use uuid::Uuid;

use crate::config::Config;

/// A store that is open, and the tenant that the person means.
pub(crate) struct Place {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenant: Tenant,
}

impl Place {
    /// Opens the database, and makes it where there is none.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        match config.is_demos() {
            true => Self::open_existing(config).await,
            false => Self::within(store::open(&config.database)?, config).await,
        }
    }

    /// Opens the database, which must exist: for commands to which an empty one has nothing to
    /// say.
    pub(crate) async fn open_existing(config: &Config) -> anyhow::Result<Self> {
        Self::within(store::open_existing(&config.database)?, config).await
    }

    /// A store that is open already.
    pub(crate) async fn within(store: Arc<dyn Store>, config: &Config) -> anyhow::Result<Self> {
        let tenant = match &config.tenant {
            None => store.default_tenant().await?,
            Some(text) => tenants::find(&*store, text).await?,
        };
        Ok(Self { store, tenant })
    }

    /// The person at the command line, as the audit is to name them, at this moment.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            tenant: self.tenant.clone(),
            who: Who::System(system_user()),
            address: None,
            correlation: Uuid::new_v4(),
            now: SystemClock.now(),
        }
    }

    /// What the person at the command line may change of the tenant: all of it.
    pub(crate) fn administration<'a>(&'a self, actor: &'a Actor) -> Administration<'a> {
        Administration::new(&*self.store, actor)
    }

    /// Everything in the tenant.
    pub(crate) fn scope(&self) -> Scope {
        Scope::whole(self.tenant.number)
    }
}

/// Characters of the system user's name at most.
const MAX_USER_CHARS: usize = 256;

/// The system's user: by name where the environment has one, else by number.
fn system_user() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(|name| {
        let name = std::env::var(name).ok()?;
        let name: String =
            name.chars().filter(|char| !char.is_control()).take(MAX_USER_CHARS).collect();
        Some(name).filter(|name| !name.is_empty())
    });
    named.into_iter().next().or_else(user_number).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(unix)]
fn user_number() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    // Who owns the process; where there is no such folder, the environment names the user.
    std::fs::metadata("/proc/self").ok().map(|process| format!("uid {}", process.uid()))
}

#[cfg(not(unix))]
fn user_number() -> Option<String> {
    None
}
