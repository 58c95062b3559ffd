//! `[[issuer]]`: identity providers whose tokens the API takes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use server::outside::{self, ClaimNames, Kind, OutsideIssuer};
use uuid::Uuid;

/// An identity provider. What both kinds have stands in each, since unknown keys are errors.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Issuer {
    Entra {
        #[serde(default)]
        cloud: Cloud,
        tenants: Vec<Uuid>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        audiences: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        discovery_url: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca: Option<PathBuf>,
    },
    #[serde(rename = "openid")]
    OpenId {
        issuer: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        audiences: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        roles_claim: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scopes_claim: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        groups_claim: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_claim: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        app_claim: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        discovery_url: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cloud {
    #[default]
    Commercial,
    UsGovernment,
    China,
}

impl Issuer {
    /// The provider as the server takes it.
    pub(super) fn to_server(&self) -> OutsideIssuer {
        match self.clone() {
            Self::Entra { cloud, tenants, tenant, audiences, discovery_url, ca } => {
                let cloud = match cloud {
                    Cloud::Commercial => outside::Cloud::Commercial,
                    Cloud::UsGovernment => outside::Cloud::UsGovernment,
                    Cloud::China => outside::Cloud::China,
                };
                let kind = Kind::Entra { cloud, tenants };
                OutsideIssuer { kind, tenant, audiences, discovery_url, ca }
            }
            Self::OpenId {
                issuer,
                tenant,
                audiences,
                roles_claim,
                scopes_claim,
                groups_claim,
                user_claim,
                app_claim,
                discovery_url,
                ca,
            } => {
                let claims = ClaimNames {
                    roles: roles_claim,
                    scopes: scopes_claim,
                    groups: groups_claim,
                    user: user_claim,
                    app: app_claim,
                };
                let kind = Kind::OpenId { issuer, claims };
                OutsideIssuer { kind, tenant, audiences, discovery_url, ca }
            }
        }
    }
}
