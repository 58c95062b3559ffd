//! `footfall app`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use inventory::access::Permission;
use uuid::Uuid;

use super::{changes, client_id};
use crate::moment::seconds;

#[derive(Debug, Subcommand)]
pub(crate) enum App {
    /// Add an app and print its client id and secret, which is shown this once
    Add(AddApp),
    /// List the apps
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change an app's name, permissions, redirect URIs or consent
    Change(ChangeApp),
    /// Revoke an app: its tokens are refused at once, and it gets no more
    Revoke {
        /// The app's client id
        #[arg(value_parser = client_id)]
        client_id: Uuid,
    },
    /// Give an app one more secret and print it, this once
    #[command(after_help = "Example:
  footfall app secret $ID --expires 90d     # then change the clients, then:
  footfall app credentials $ID
  footfall app remove-credential $ID $OLD")]
    Secret {
        /// The app's client id
        #[arg(value_parser = client_id)]
        client_id: Uuid,
        /// The secret ceases to hold after this time: 90d, 12h. Default: it does not
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        expires: Option<u32>,
        /// Print JSON: tenantId, clientId, credentialId, clientSecret, expires
        #[arg(long)]
        json: bool,
    },
    /// Trust a certificate: its key signs the app's assertions in place of a secret
    #[command(after_help = "Example:
  openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=playbook -keyout key.pem -out cert.pem
  footfall app certificate $ID cert.pem")]
    Certificate {
        /// The app's client id
        #[arg(value_parser = client_id)]
        client_id: Uuid,
        /// The certificate (PEM); a private key in it is passed over
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Trust another issuer's tokens of one subject, in place of a secret
    Federate(Federate),
    /// List what an app proves itself with; secrets are not shown
    Credentials {
        /// The app's client id
        #[arg(value_parser = client_id)]
        client_id: Uuid,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a credential: the app gets no more tokens by it
    RemoveCredential {
        /// The app's client id
        #[arg(value_parser = client_id)]
        client_id: Uuid,
        /// The credential's id
        #[arg(value_name = "CREDENTIAL_ID", value_parser = credential_id)]
        credential_id: Uuid,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall app add playbook --permission Machine.Read.All --permission User.Read.All
  footfall app add siem --permission Machine.Read.All --json
  footfall app add console --public --permission Machine.Read --redirect-uri http://localhost
  footfall app add pipeline --permission Machine.Read.All --no-secret   # then: app federate")]
pub(crate) struct AddApp {
    /// What people call the app
    pub(crate) name: String,
    /// What the app may do, by the vendor's name; may be repeated. Names that end in .All are for
    /// the app itself, the others (and User.Read.All) for the people who use it
    #[arg(long = "permission", value_name = "P", required = true, value_parser = permission)]
    pub(crate) permissions: Vec<Permission>,
    /// It runs where no secret is safe (a desktop, a command line) and acts for people alone
    #[arg(long)]
    pub(crate) public: bool,
    /// Where people are sent back to after they signed in; may be repeated
    #[arg(long = "redirect-uri", value_name = "URI")]
    pub(crate) redirect_uris: Vec<String>,
    /// Make no secret: a certificate or a federated credential is to follow
    #[arg(long)]
    pub(crate) no_secret: bool,
    /// Agree for all people to what the app asks, so that nobody is asked again
    #[arg(long)]
    pub(crate) consented: bool,
    /// Print JSON: tenantId, clientId, clientSecret
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall app change $ID --permission Machine.Read.All --permission Machine.ReadWrite.All
  footfall app change $ID --consented true")]
#[command(group = changes(&["name", "permissions", "redirect_uris", "consented"]))]
pub(crate) struct ChangeApp {
    /// The app's client id
    #[arg(value_parser = client_id)]
    pub(crate) client_id: Uuid,
    /// Its new name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What the app may do; may be repeated, and replaces what it could
    #[arg(long = "permission", value_name = "P", value_parser = permission)]
    pub(crate) permissions: Vec<Permission>,
    /// Where people are sent back to; may be repeated, and replaces those that it had
    #[arg(long = "redirect-uri", value_name = "URI")]
    pub(crate) redirect_uris: Vec<String>,
    /// Whether an administrator agreed for all people to what the app asks
    #[arg(long, value_name = "true|false", action = clap::ArgAction::Set)]
    pub(crate) consented: Option<bool>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  footfall app federate $ID --issuer https://token.actions.githubusercontent.com \\
    --subject repo:corp/playbooks:ref:refs/heads/main")]
pub(crate) struct Federate {
    /// The app's client id
    #[arg(value_parser = client_id)]
    pub(crate) client_id: Uuid,
    /// The other issuer, as in its tokens' `iss`; its keys are found by OpenID discovery
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: String,
    /// Whom the tokens are about, as in `sub`
    #[arg(long)]
    pub(crate) subject: String,
    /// Whom the tokens are for, as in `aud`
    #[arg(long, value_name = "AUD", default_value = "api://AzureADTokenExchange")]
    pub(crate) audience: String,
}

fn permission(text: &str) -> Result<Permission, String> {
    Permission::parse(text).ok_or_else(|| {
        let known: Vec<_> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
        format!("known permissions are {}", known.join(", "))
    })
}

fn credential_id(text: &str) -> Result<Uuid, String> {
    Uuid::try_parse(text).map_err(|_| {
        "write the credential's id, a GUID: footfall app credentials shows it".to_owned()
    })
}
