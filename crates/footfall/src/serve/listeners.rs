//! The sockets of `[[listener]]`: taken before the server is ready, at work as long as it is.

use anyhow::Context;
use intake::listen::{self, Listening};
use server::administration::tenants;
use server::clock::{Clock, SystemClock};
use server::config::Tls;
use store::Store;

use crate::config::Config;
use crate::config::listener::{Kind, Listener, Protocol};

/// Takes every address that is configured; `tls` is the server's own.
pub(super) async fn bind(
    config: &Config,
    tls: &Tls,
    store: &dyn Store,
) -> anyhow::Result<Vec<listen::Listener>> {
    let mut bound = Vec::with_capacity(config.listener.len());
    for (at, listener) in config.listener.iter().enumerate() {
        let context = || format!("listener {} on {}", at + 1, listener.address);
        let listening = listening(listener, tls, store).await.with_context(context)?;
        bound.push(listen::Listener::bind(listening).with_context(context)?);
    }
    Ok(bound)
}

async fn listening(listener: &Listener, tls: &Tls, store: &dyn Store) -> anyhow::Result<Listening> {
    let tenant = match &listener.tenant {
        None => store.default_tenant().await?,
        Some(text) => tenants::find(store, text).await?,
    };
    let protocol = match listener.protocol {
        Protocol::Tcp => listen::Protocol::Tcp,
        Protocol::Udp => listen::Protocol::Udp,
        Protocol::Tls => {
            let (tls, client_ca) = (listener.tls(tls), listener.client_ca.as_deref());
            let now = SystemClock.now();
            listen::Protocol::Tls(server::tls::listener_config(&tls, client_ca, store, now).await?)
        }
    };
    Ok(Listening {
        kind: match listener.kind {
            Kind::Lines => listen::Kind::Lines,
            Kind::Syslog => listen::Kind::Syslog,
        },
        protocol,
        address: listener.address,
        senders: listener.senders()?,
        tenant: tenant.number,
        timezone: listener.timezone()?,
        device: listener.device.clone(),
        max_connections: listener.max_connections.get(),
        idle_timeout: listener.idle_timeout.map(Into::into),
    })
}
