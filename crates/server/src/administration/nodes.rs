//! Machines that report by themselves (osquery's nodes), and the secrets with which they enroll.

use inventory::node::{EnrollSecret, Node};
use uuid::Uuid;

use super::{Administration, Error, invalid, shown};
use crate::issuer::handed_out::{random, sha256};
use crate::osquery::SECRET_PREFIX;

/// Secrets of a tenant that are in force at most.
const MAX_SECRETS: usize = 1_000;
const NODE: &str = "node";
const SECRET: &str = "enroll secret";

impl Administration<'_> {
    /// Every node, by name, the revoked ones too.
    pub async fn nodes(&self) -> Result<Vec<Node>, Error> {
        Ok(self.store.nodes(self.tenant()).await?)
    }

    /// The node that a person means: by id, or by a host name that only one has.
    pub async fn node(&self, text: &str) -> Result<Node, Error> {
        let (id, name) = (Uuid::try_parse(text).ok(), inventory::fold(text.trim()));
        let mut found: Vec<Node> = self.nodes().await?;
        found.retain(|node| {
            let Node { enrollment, .. } = node;
            let names = [&enrollment.host_name, &enrollment.host_identifier];
            Some(node.id) == id || names.iter().any(|own| inventory::fold(own) == name)
        });
        match (found.pop(), found.len()) {
            (Some(node), 0) => Ok(node),
            (None, _) => Err(Error::Unknown { what: NODE, name: shown(text) }),
            (Some(_), _) => Err(Error::Ambiguous { what: NODE, name: shown(text) }),
        }
    }

    /// Hears a node no more, and does not let its machine enroll again.
    pub async fn revoke_node(&self, text: &str) -> Result<Node, Error> {
        self.audited("node.revoke", format!("`{}`", shown(text)), async {
            let node = self.node(text).await?;
            let revoked = self.store.revoke_node(self.tenant(), node.id, self.now()).await?;
            match revoked {
                true => Ok(node),
                false => Err(Error::Unknown { what: NODE, name: shown(text) }),
            }
        })
        .await
    }

    /// Forgets a node. Its machine may enroll anew; of the inventory it stays a part.
    pub async fn remove_node(&self, text: &str) -> Result<Node, Error> {
        self.audited("node.remove", format!("`{}`", shown(text)), async {
            let node = self.node(text).await?;
            match self.store.remove_node(self.tenant(), node.id).await? {
                true => Ok(node),
                false => Err(Error::Unknown { what: NODE, name: shown(text) }),
            }
        })
        .await
    }

    /// Asks a node, or each of them, to tell at once what it would tell in its own time; how many are
    /// asked.
    pub async fn refresh_nodes(&self, which: Option<&str>) -> Result<u64, Error> {
        let detail =
            which.map_or_else(|| "every node".to_owned(), |text| format!("`{}`", shown(text)));
        self.audited("node.refresh", detail, async {
            let id = match which {
                Some(text) => Some(self.node(text).await?.id),
                None => None,
            };
            Ok(self.store.ask_nodes(self.tenant(), id, self.now()).await?)
        })
        .await
    }

    /// Every secret with which machines enroll, the revoked ones too.
    pub async fn enroll_secrets(&self) -> Result<Vec<EnrollSecret>, Error> {
        Ok(self.store.enroll_secrets(self.tenant()).await?)
    }

    /// Makes a secret with which machines enroll. It is told this once, and kept nowhere.
    pub async fn add_enroll_secret(&self, name: &str) -> Result<String, Error> {
        self.audited("node.secret.add", format!("`{}`", shown(name)), async {
            let name = invalid::name("name of an enroll secret", name)?;
            let in_force = |secret: &EnrollSecret| secret.revoked.is_none();
            if self.enroll_secrets().await?.into_iter().filter(in_force).count() >= MAX_SECRETS {
                return Err(Error::TooMany { what: "enroll secrets", most: MAX_SECRETS });
            }
            let text = format!("{SECRET_PREFIX}{}", random().ok_or(Error::Random)?);
            let secret = EnrollSecret { name, created: self.now(), revoked: None };
            match self.store.add_enroll_secret(self.tenant(), &secret, sha256(&text)).await? {
                true => Ok(text),
                false => Err(Error::Taken { what: SECRET, name: secret.name }),
            }
        })
        .await
    }

    /// Ends a secret: no machine enrolls with it any more. Those that did stay enrolled.
    pub async fn revoke_enroll_secret(&self, name: &str) -> Result<(), Error> {
        self.audited("node.secret.revoke", format!("`{}`", shown(name)), async {
            match self.store.revoke_enroll_secret(self.tenant(), name.trim(), self.now()).await? {
                true => Ok(()),
                false => Err(Error::Unknown { what: SECRET, name: shown(name) }),
            }
        })
        .await
    }
}
