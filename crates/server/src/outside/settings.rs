//! What the configuration says about other identity providers.

use std::collections::HashSet;
use std::path::PathBuf;

use axum::http::Uri;
use uuid::Uuid;

use super::fetch;

/// An identity provider whose tokens are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideIssuer {
    /// Which provider.
    pub kind: Kind,
    /// The tenant of this server that it speaks for, by name or id. Without it: for Entra ID the
    /// tenant of the same id, else the tenant that every store has.
    pub tenant: Option<String>,
    /// Audiences of its tokens, in place of the API's own names and the server's origins.
    pub audiences: Vec<String>,
    /// Where its discovery document is, if not below its issuer; `{tenant}` stands for the id of
    /// the Entra ID tenant.
    pub discovery_url: Option<String>,
    /// Authorities of its TLS certificate, PEM, in place of those that the web trusts.
    pub ca: Option<PathBuf>,
}

/// The kinds of providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Microsoft Entra ID.
    Entra {
        /// Which cloud.
        cloud: Cloud,
        /// The ids of the tenants whose tokens are believed.
        tenants: Vec<Uuid>,
    },
    /// A provider of OpenID Connect, such as Keycloak.
    OpenId {
        /// Its issuer, as in `iss`.
        issuer: String,
        /// In which claims it says what.
        claims: ClaimNames,
    },
}

/// The clouds of Entra ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// Azure.
    Commercial,
    /// Azure Government of the US.
    UsGovernment,
    /// Azure operated by 21Vianet.
    China,
}

/// Claims by name; a dot leads into an object (`realm_access.roles`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimNames {
    /// Application permissions, an array; `roles` if not said.
    pub roles: Option<String>,
    /// Delegated permissions, words or an array; `scp`, then `scope`, if not said.
    pub scopes: Option<String>,
    /// A person's groups, an array; `groups` if not said.
    pub groups: Option<String>,
    /// What the audit calls a person; one of the usual claims if not said.
    pub user: Option<String>,
    /// A token speaks for its app and not for a person if it holds this claim, `name` or
    /// `name=value`. Without it: if its `sub` is its client id (RFC 9068 §2.2).
    pub app: Option<String>,
}

/// Why a provider cannot be configured so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address that would be asked in clear.
    #[error("`{0}` is no address of an identity provider: write https://HOST/PATH")]
    Address(String),
    /// `[[issuer]]` of Entra ID without a tenant.
    #[error("an issuer of Entra ID needs `tenants`, the ids of those whose tokens are believed")]
    NoTenants,
    /// One issuer in two entries.
    #[error("the issuer {0} is configured twice")]
    Twice(String),
    /// The authorities cannot be read.
    #[error("cannot read the authorities in {path}")]
    Ca {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
    /// The file of the authorities holds none.
    #[error("{0} holds no certificate in PEM")]
    NoCa(PathBuf),
}

/// A place where keys are, and the names of the issuers that they speak for.
pub(super) struct Authority {
    pub(super) issuers: Vec<String>,
    pub(super) discovery_url: String,
    pub(super) directory: Option<Uuid>,
}

impl Cloud {
    /// Where tokens of version 1.0 say that they come from, and those of version 2.0.
    fn hosts(self) -> [&'static str; 2] {
        match self {
            Self::Commercial => ["sts.windows.net", "login.microsoftonline.com"],
            Self::UsGovernment => ["sts.windows.net", "login.microsoftonline.us"],
            Self::China => ["sts.chinacloudapi.cn", "login.partner.microsoftonline.cn"],
        }
    }
}

impl OutsideIssuer {
    /// Refuses providers that cannot work, alone or beside each other.
    pub fn check_all(issuers: &[Self]) -> Result<(), Error> {
        let mut names = HashSet::new();
        for issuer in issuers {
            issuer.check()?;
            for name in issuer.authorities().into_iter().flat_map(|authority| authority.issuers) {
                if !names.insert(name.clone()) {
                    return Err(Error::Twice(name));
                }
            }
        }
        Ok(())
    }

    /// Refuses what cannot work or would ask for keys in clear.
    fn check(&self) -> Result<(), Error> {
        if let Kind::Entra { tenants, .. } = &self.kind
            && tenants.is_empty()
        {
            return Err(Error::NoTenants);
        }
        for authority in self.authorities() {
            let url = authority.discovery_url;
            let safe = url.parse::<Uri>().is_ok_and(|uri| fetch::is_safe(&uri));
            if !safe {
                return Err(Error::Address(url));
            }
        }
        Ok(())
    }

    /// Whether tokens for an audience are taken, with or without a slash at its end.
    pub(super) fn takes_audience(&self, audience: &str) -> bool {
        let bare = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
        self.audiences.iter().any(|known| bare(known) == bare(audience))
    }

    /// The provider's issuers, and where the keys of each are.
    pub(super) fn authorities(&self) -> Vec<Authority> {
        match &self.kind {
            Kind::Entra { cloud, tenants } => {
                let [v1, v2] = cloud.hosts();
                let authority = |tenant: &Uuid| {
                    let issuers = vec![
                        format!("https://{v1}/{tenant}/"),
                        format!("https://{v2}/{tenant}/v2.0"),
                    ];
                    let discovery_url = match &self.discovery_url {
                        Some(url) => url.replace("{tenant}", &tenant.to_string()),
                        None => discovery_below(&issuers[1]),
                    };
                    Authority { issuers, discovery_url, directory: Some(*tenant) }
                };
                tenants.iter().map(authority).collect()
            }
            Kind::OpenId { issuer, .. } => vec![Authority {
                issuers: vec![issuer.clone()],
                discovery_url: self
                    .discovery_url
                    .clone()
                    .unwrap_or_else(|| discovery_below(issuer)),
                directory: None,
            }],
        }
    }
}

/// Where an issuer's discovery document is (OpenID Connect Discovery 1.0 §4).
pub(super) fn discovery_below(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}
