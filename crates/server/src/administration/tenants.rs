//! Tenants: for whoever runs the server.

use std::collections::BTreeSet;

use inventory::access::Tenant;
use inventory::fold;
use store::Store;
use uuid::Uuid;

use super::invalid::{self, Invalid};
use super::{Administration, Error, shown};

/// Tenants at most.
const MAX_TENANTS: usize = 1_000;
/// Domains of a tenant at most.
const MAX_DOMAINS: usize = 100;
/// Characters of a domain at most (RFC 1035 §2.3.4).
const MAX_DOMAIN_CHARS: usize = 253;

/// The tenant that a person means: by id, domain or name.
pub async fn find(store: &dyn Store, text: &str) -> Result<Tenant, Error> {
    let (id, key) = (Uuid::try_parse(text).ok(), fold(text.trim()));
    let means = |tenant: &Tenant| {
        Some(tenant.id) == id || fold(&tenant.name) == key || tenant.domains.contains(&key)
    };
    let found = store.tenants().await?.into_iter().find(means);
    found.ok_or_else(|| Error::Unknown { what: "tenant", name: shown(text) })
}

impl Administration<'_> {
    /// Every tenant.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, Error> {
        Ok(self.store.tenants().await?)
    }

    /// Adds a tenant. `id` is the one that its tokens are to carry; without one it gets a new one.
    pub async fn add_tenant(
        &self,
        id: Option<Uuid>,
        name: &str,
        domains: &[String],
    ) -> Result<Tenant, Error> {
        let id = id.unwrap_or_else(Uuid::new_v4);
        self.audited("tenant.add", format!("{id} {}", described(name, domains)), async {
            let (name, domains) = checked(name, domains)?;
            if self.store.tenants().await?.len() >= MAX_TENANTS {
                return Err(Error::TooMany { what: "tenants", most: MAX_TENANTS });
            }
            let added = self.store.add_tenant(id, &name, &domains).await?;
            added.ok_or(Error::Taken { what: "tenant with the id, name or a domain of", name })
        })
        .await
    }

    /// Gives the tenant another name and other domains.
    pub async fn rename_tenant(&self, name: &str, domains: &[String]) -> Result<Tenant, Error> {
        self.audited("tenant.rename", described(name, domains), async {
            let (name, domains) = checked(name, domains)?;
            if !self.store.rename_tenant(self.tenant(), &name, &domains).await? {
                return Err(Error::Taken { what: "tenant with the name or a domain of", name });
            }
            Ok(Tenant { name, domains, ..self.actor.tenant.clone() })
        })
        .await
    }
}

fn described(name: &str, domains: &[String]) -> String {
    format!("`{}` {}", shown(name), domains.join(" ")).trim_end().to_owned()
}

fn checked(name: &str, domains: &[String]) -> Result<(String, Vec<String>), Invalid> {
    let name = invalid::name("name of a tenant", name)?;
    if domains.len() > MAX_DOMAINS {
        let (found, most) = (domains.len(), MAX_DOMAINS);
        return Err(Invalid::TooMany { what: "domain", found, most });
    }
    let domains: BTreeSet<_> =
        domains.iter().map(|domain| checked_domain(domain)).collect::<Result<_, _>>()?;
    Ok((name, domains.into_iter().collect()))
}

/// A domain, folded. It has a dot, so that it is none of the words that mean any tenant.
fn checked_domain(text: &str) -> Result<String, Invalid> {
    let domain = fold(text.trim());
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let fits = domain.len() <= MAX_DOMAIN_CHARS && domain.contains('.');
    if fits && domain.split('.').all(is_label) {
        return Ok(domain);
    }
    Err(Invalid::Domain(shown(text)))
}
