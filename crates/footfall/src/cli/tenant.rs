//! `footfall tenant`.

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::changes;

#[derive(Debug, Subcommand)]
pub(crate) enum Tenant {
    /// List the tenants
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a tenant, with data, apps, people and keys of its own
    Add(AddTenant),
    /// Change a tenant's name and domains
    Rename(RenameTenant),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall tenant add Contoso --domain contoso.com
  footfall tenant add Contoso --id 6f5d1c1e-3b0a-4d52-9a60-0c1a2f9f3a77   # its id in Entra ID
  footfall --tenant Contoso import /cases/2025-117/")]
pub(crate) struct AddTenant {
    /// What people call it
    pub(crate) name: String,
    /// Its id, where it has one elsewhere. Default: a new one
    #[arg(long, value_name = "GUID")]
    pub(crate) id: Option<Uuid>,
    /// A name that stands for it in sign-in addresses; may be repeated
    #[arg(long = "domain", value_name = "DOMAIN")]
    pub(crate) domains: Vec<String>,
    /// Print JSON: tenantId, name, domains
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall tenant rename default --name Contoso
  footfall tenant rename Contoso --domain contoso.com --domain contoso.onmicrosoft.com")]
#[command(group = changes(&["name", "domains", "no_domain"]))]
pub(crate) struct RenameTenant {
    /// The tenant: name, id or domain
    #[arg(value_name = "TENANT")]
    pub(crate) which: String,
    /// Its new name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A name that stands for it in sign-in addresses; may be repeated, and replaces those that it
    /// had
    #[arg(long = "domain", value_name = "DOMAIN")]
    pub(crate) domains: Vec<String>,
    /// Take away all its domains
    #[arg(long, conflicts_with = "domains")]
    pub(crate) no_domain: bool,
}
