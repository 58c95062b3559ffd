//! Sockets on which senders write what happens: lines over TCP and TLS, syslog over UDP, TCP and TLS.
//!
//! None of these protocols has an answer, so what was read must not be lost: a stream is read no faster
//! than its records become durable, and TCP tells its sender to wait. UDP cannot; what finds no room
//! there is dropped and counted. `framing` finds where a message ends, `stream` reads one connection,
//! `tcp` takes connections, `udp` datagrams, and `guard` says who may send.

mod framing;
mod guard;
mod kernel;
mod stream;
mod tcp;
mod udp;

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use inventory::ids::TenantId;
use inventory::time::Timestamp;
use ipnet::IpNet;
use socket2::{Domain, Protocol as Transport, Socket, Type};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{Intake, Origin};

/// How long writing what was read may take once the listeners are to stop.
const STOP_GRACE: Duration = Duration::from_secs(30);
/// Connections that wait to be taken at most; the system may allow fewer.
const BACKLOG: i32 = 1024;
/// Datagrams that come while others are handled wait in the kernel; it may allow less.
const UDP_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// Tells the time when something came.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What comes over a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Records of a line each: JSON or an event in XML.
    Lines,
    /// Messages of syslog (RFC 5424, RFC 3164).
    Syslog,
}

/// Over what it comes.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// A stream in clear.
    Tcp,
    /// TLS, with the certificates that it says (RFC 5425).
    Tls(Arc<rustls::ServerConfig>),
    /// Datagrams, each a message (RFC 5426).
    Udp,
}

/// Who may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Senders {
    /// Programs of this machine.
    Local,
    /// Who has an address in one of these networks.
    Of(Vec<IpNet>),
    /// Everybody: TLS asks for a certificate.
    All,
}

/// A listener as it is configured.
#[derive(Clone, Debug)]
pub struct Listening {
    /// What comes.
    pub kind: Kind,
    /// Over what.
    pub protocol: Protocol,
    /// Where; port 0 is a free one.
    pub address: SocketAddr,
    /// From whom.
    pub senders: Senders,
    /// Whose telemetry it is.
    pub tenant: TenantId,
    /// The zone of stamps that have none.
    pub timezone: Option<jiff::tz::TimeZone>,
    /// The machine of records that name none.
    pub device: Option<String>,
    /// Connections at most; more wait until others end.
    pub max_connections: usize,
    /// How long a connection may be silent; `None` for as long as it likes.
    pub idle_timeout: Option<Duration>,
}

impl Listening {
    /// The way in, as senders' counts name it.
    fn way(&self) -> &'static str {
        match (self.kind, &self.protocol) {
            (Kind::Lines, Protocol::Tcp) => "lines-tcp",
            (Kind::Lines, Protocol::Tls(_)) => "lines-tls",
            (Kind::Lines, Protocol::Udp) => "lines-udp",
            (Kind::Syslog, Protocol::Tcp) => "syslog-tcp",
            (Kind::Syslog, Protocol::Tls(_)) => "syslog-tls",
            (Kind::Syslog, Protocol::Udp) => "syslog-udp",
        }
    }

    /// Bytes of a message at most.
    fn max_message_bytes(&self) -> usize {
        match self.kind {
            Kind::Syslog => 1024 * 1024,
            Kind::Lines => 16 * 1024 * 1024,
        }
    }

    fn origin(&self, sender: impl Into<String>) -> Origin {
        let mut origin = Origin::new(self.tenant, self.way(), sender);
        origin.timezone.clone_from(&self.timezone);
        origin.device.clone_from(&self.device);
        origin
    }
}

enum Bound {
    Stream(TcpListener),
    Datagrams(UdpSocket),
}

/// A listener that has its address, and takes nothing yet.
pub struct Listener {
    listening: Listening,
    address: SocketAddr,
    bound: Bound,
}

impl Listener {
    /// Takes the address.
    pub fn bind(listening: Listening) -> io::Result<Self> {
        let address = listening.address;
        let bound = match listening.protocol {
            Protocol::Tcp | Protocol::Tls(_) => {
                let socket = socket(address, Type::STREAM, Transport::TCP)?;
                // A start right after an end must not wait for old connections to be forgotten. On
                // Windows it would share the port.
                #[cfg(not(windows))]
                socket.set_reuse_address(true)?;
                socket.bind(&address.into())?;
                socket.listen(BACKLOG)?;
                Bound::Stream(socket.into())
            }
            Protocol::Udp => {
                let socket = socket(address, Type::DGRAM, Transport::UDP)?;
                // The system gives what it allows.
                let _ = socket.set_recv_buffer_size(UDP_BUFFER_BYTES);
                socket.bind(&address.into())?;
                Bound::Datagrams(socket.into())
            }
        };
        let address = match &bound {
            Bound::Stream(listener) => listener.local_addr()?,
            Bound::Datagrams(socket) => socket.local_addr()?,
        };
        Ok(Self { listening, address, bound })
    }

    /// What it takes and where: `syslog on tcp://127.0.0.1:6514`.
    pub fn name(&self) -> String {
        let kind = match self.listening.kind {
            Kind::Lines => "lines",
            Kind::Syslog => "syslog",
        };
        let scheme = match self.listening.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Tls(_) => "tls",
            Protocol::Udp => "udp",
        };
        format!("{kind} on {scheme}://{}", self.address)
    }
}

fn socket(address: SocketAddr, kind: Type, transport: Transport) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(transport))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Listeners at work.
pub struct Listeners {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    intake: Intake,
}

/// What the parts of a listener share.
struct Shared {
    listening: Listening,
    address: SocketAddr,
    intake: Intake,
    clock: Clock,
    guard: guard::Guard,
}

impl Listeners {
    /// Begins to take what is sent; needs a runtime.
    pub fn start(listeners: Vec<Listener>, intake: &Intake, clock: &Clock) -> io::Result<Self> {
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for Listener { listening, address, bound } in listeners {
            let guard = guard::Guard::new(listening.senders.clone());
            let (intake, clock) = (intake.clone(), Arc::clone(clock));
            let shared = Arc::new(Shared { listening, address, intake, clock, guard });
            match bound {
                Bound::Stream(listener) => {
                    let listener = tokio::net::TcpListener::from_std(listener)?;
                    tasks.spawn(tcp::run(shared, listener, stopping.clone()));
                }
                Bound::Datagrams(socket) => {
                    let socket = tokio::net::UdpSocket::from_std(socket)?;
                    tasks.spawn(udp::run(shared, socket, stopping.clone()));
                }
            }
        }
        Ok(Self { stop, tasks, intake: intake.clone() })
    }

    /// How to tell them to stop.
    pub fn stopper(&self) -> watch::Sender<bool> {
        self.stop.clone()
    }

    /// Stops them, and returns once all that was read is written, or could not be in time.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let ended = async {
            while self.tasks.join_next().await.is_some() {}
            self.intake.flush().await;
        };
        if tokio::time::timeout(STOP_GRACE, ended).await.is_err() {
            tracing::error!("what came last could not be written in time, and is lost");
        }
    }
}

/// Completes when the listeners are to stop.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Without a sender nobody waits for what is read.
    let _ = stopping.wait_for(|&stop| stop).await;
}
