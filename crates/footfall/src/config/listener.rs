//! `[[listener]]`: sockets on which senders write what happens.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Context;
use intake::listen;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use server::config::Tls;
use server::proxies::network;

use super::Seconds;

/// One socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listener {
    pub(crate) kind: Kind,
    pub(crate) protocol: Protocol,
    pub(crate) address: SocketAddr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls_cert: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls_key: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_ca: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allow: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timezone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<String>,
    #[serde(default = "max_connections")]
    pub(crate) max_connections: NonZeroUsize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) idle_timeout: Option<Seconds>,
}

/// What comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Lines,
    Syslog,
}

/// Over what it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    Tcp,
    Tls,
    Udp,
}

fn max_connections() -> NonZeroUsize {
    const { NonZeroUsize::MIN.saturating_add(1023) }
}

impl Listener {
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let is_tls = self.protocol == Protocol::Tls;
        if self.protocol == Protocol::Udp && self.kind == Kind::Lines {
            anyhow::bail!("lines do not come over udp: `protocol` is \"tcp\" or \"tls\"");
        }
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            anyhow::bail!("tls_cert and tls_key go together");
        }
        if !is_tls && (self.tls_cert.is_some() || self.client_ca.is_some()) {
            anyhow::bail!("tls_cert, tls_key and client_ca are for `protocol = \"tls\"`");
        }
        self.senders()?;
        self.timezone()?;
        Ok(())
    }

    /// Who may send: who is named, else who shows a certificate, else programs of this machine.
    pub(crate) fn senders(&self) -> anyhow::Result<listen::Senders> {
        let Some(allow) = &self.allow else {
            let is_checked = self.client_ca.is_some();
            return Ok(if is_checked { listen::Senders::All } else { listen::Senders::Local });
        };
        let networks = allow.iter().map(|text| network(text)).collect::<Result<_, _>>();
        Ok(listen::Senders::Of(networks.context("allow")?))
    }

    pub(crate) fn timezone(&self) -> anyhow::Result<Option<TimeZone>> {
        let zone = self.timezone.as_deref().map(crate::cli::time_zone).transpose();
        zone.map_err(|reason| anyhow::anyhow!("timezone: {reason}"))
    }

    /// The certificate that it shows: its own, else the server's.
    pub(crate) fn tls(&self, of_server: &Tls) -> Tls {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                Tls::Files { certificate: certificate.clone(), key: key.clone() }
            }
            _ => of_server.clone(),
        }
    }
}
