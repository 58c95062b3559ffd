//! Connections: taken while there is a place, each read by itself.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Protocol, Shared, stopped, stream};

/// How long TLS may take to begin.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// After so long a silence it is asked whether the sender is still there. Shippers are silent for hours
/// and lose a line when they find their connection closed; so it ends only when nobody answers.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// What is waited when no connection can be taken, for want of file descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Characters of a name that a certificate gives at most; RFC 5280 allows 64.
const MAX_NAME_CHARS: usize = 256;

/// Takes connections until it is told to stop, and returns once what they brought is written.
pub(super) async fn run(
    shared: Arc<Shared>,
    listener: TcpListener,
    mut stopping: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(shared.listening.max_connections));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = stopped(&mut stopping) => break,
        };
        while connections.try_join_next().is_some() {}
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if !shared.guard.admits(peer.ip(), shared.listening.way()) {
            continue;
        }
        let (shared, stopping) = (Arc::clone(&shared), stopping.clone());
        connections.spawn(async move {
            let _place = place;
            serve(shared, stream, peer, stopping).await;
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    stopping: watch::Receiver<bool>,
) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 6);
    // Without it a sender that vanished keeps its place.
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let address = peer.ip().to_canonical();
    let tls = match &shared.listening.protocol {
        Protocol::Tls(config) => Arc::clone(config),
        Protocol::Tcp | Protocol::Udp => {
            let origin = shared.listening.origin(address.to_string());
            let mut stream = stream;
            let end = stream::run(shared, origin, &mut stream, stopping).await;
            return close(&stream, end);
        }
    };
    match timeout(HANDSHAKE, TlsAcceptor::from(tls).accept(stream)).await {
        Ok(Ok(mut stream)) => {
            let origin = shared.listening.origin(name(&stream, address));
            let end = stream::run(shared, origin, &mut stream, stopping).await;
            close(stream.get_ref().0, end);
        }
        Ok(Err(error)) => {
            tracing::warn!(%address, error = &error as &dyn std::error::Error, "TLS did not begin");
        }
        Err(_) => tracing::warn!(%address, "TLS did not begin in time"),
    }
}

/// Prepares a connection to be dropped. A sender that was told that the server stops and did not end
/// its connection is reset. Behind an end that it does not look for, as syslog-ng over TLS, its next
/// write would succeed and be lost; now that fails at once, and it sends the message again.
fn close(stream: &TcpStream, end: stream::End) {
    if end == stream::End::Stopped {
        // Where it cannot be, the connection ends as others do.
        let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
}

/// What the sender is called: by its certificate where it showed one, else by its address.
fn name(stream: &TlsStream<TcpStream>, address: IpAddr) -> String {
    let certificates = stream.get_ref().1.peer_certificates();
    let named = certificates.and_then(|chain| common_name(chain.first()?));
    named.unwrap_or_else(|| address.to_string())
}

/// The common name of a certificate, which TLS has checked.
fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let names = certificate.subject().iter_common_name();
    let name = names.filter_map(|name| name.as_str().ok()).next()?;
    let name: String =
        name.chars().filter(|char| !char.is_control()).take(MAX_NAME_CHARS).collect();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
