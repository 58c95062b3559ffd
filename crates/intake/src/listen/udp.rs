//! Datagrams, each a message. Nobody can be told to wait, so one task does nothing but take them off
//! the system's hands; another writes what it found.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::kernel::KernelDrops;
use super::{Shared, stopped};
use crate::{Held, Room};

/// No datagram is larger.
const MAX_DATAGRAM_BYTES: usize = 64 * 1024;
/// Datagrams that wait at most, and their bytes; these are of what all senders may hold, too.
const MAX_WAITING: usize = 16 * 1024;
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Datagrams that are written together at most.
const MAX_RECORDS: usize = 1_000;
/// How often the system is asked what it dropped itself.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// What is waited when nothing can be received.
const PAUSE: Duration = Duration::from_millis(100);
/// Datagrams that are still taken when the listener stops.
const MAX_DRAINED: usize = MAX_WAITING;
/// Whose datagrams the system dropped is not known.
const UNKNOWN: &str = "(unknown)";

struct Datagram {
    sender: IpAddr,
    bytes: Bytes,
    _room: (Held, Held),
}

/// Receives until it is told to stop, and returns once what came is written.
pub(super) async fn run(
    shared: Arc<Shared>,
    socket: UdpSocket,
    mut stopping: watch::Receiver<bool>,
) {
    let (queue, waiting) = mpsc::channel(MAX_WAITING);
    let writing = tokio::spawn(write(Arc::clone(&shared), waiting));
    let mut receiver = Receiver {
        drops: KernelDrops::of(&socket),
        room: Room::new(MAX_WAITING_BYTES),
        shared: &shared,
        queue,
    };
    let mut buffer = vec![0; MAX_DATAGRAM_BYTES];
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            received = socket.recv_from(&mut buffer) => match received {
                Ok((length, peer)) => receiver.take(peer.ip(), &buffer[..length]),
                Err(error) => {
                    tracing::warn!(%error, "a datagram could not be received");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            _ = look.tick() => receiver.count_kernel_drops(),
            () = stopped(&mut stopping) => break,
        }
    }
    for _ in 0..MAX_DRAINED {
        let Ok((length, peer)) = socket.try_recv_from(&mut buffer) else { break };
        receiver.take(peer.ip(), &buffer[..length]);
    }
    receiver.count_kernel_drops();
    drop(receiver);
    if let Err(error) = writing.await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "datagrams were lost to a defect"
        );
    }
}

struct Receiver<'a> {
    shared: &'a Shared,
    queue: mpsc::Sender<Datagram>,
    room: Room,
    drops: KernelDrops,
}

impl Receiver<'_> {
    /// Hands a datagram on, or counts that there was no room for it.
    fn take(&mut self, sender: IpAddr, bytes: &[u8]) {
        if !self.shared.guard.admits(sender, self.shared.listening.way()) {
            return;
        }
        // Some end a message as C ends a text.
        let text = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count();
        let bytes = &bytes[..text];
        if bytes.is_empty() {
            return;
        }
        let room = self.room.try_take(bytes.len());
        let is_queued = match room.zip(self.shared.intake.try_hold(bytes.len()).ok()) {
            Some(room) => {
                let bytes = Bytes::copy_from_slice(bytes);
                let datagram = Datagram { sender: sender.to_canonical(), bytes, _room: room };
                self.queue.try_send(datagram).is_ok()
            }
            None => false,
        };
        if !is_queued {
            self.count_drops(&sender.to_canonical().to_string(), 1);
        }
    }

    fn count_kernel_drops(&mut self) {
        let drops = self.drops.since_last();
        if drops > 0 {
            let address = self.shared.address;
            tracing::warn!(%address, drops, "datagrams came faster than they could be received");
            self.count_drops(UNKNOWN, drops);
        }
    }

    fn count_drops(&self, sender: &str, drops: u64) {
        let origin = self.shared.listening.origin(sender);
        self.shared.intake.stats().dropped(&origin.sender, drops);
    }
}

/// Writes what waits, of all senders at once, until no more can come.
async fn write(shared: Arc<Shared>, mut queue: mpsc::Receiver<Datagram>) {
    let mut datagrams = Vec::with_capacity(MAX_RECORDS);
    while queue.recv_many(&mut datagrams, MAX_RECORDS).await > 0 {
        let mut of_senders: HashMap<IpAddr, Vec<Datagram>> = HashMap::new();
        for datagram in datagrams.drain(..) {
            of_senders.entry(datagram.sender).or_default().push(datagram);
        }
        let mut writing = JoinSet::new();
        for (sender, datagrams) in of_senders {
            writing.spawn(write_of(Arc::clone(&shared), sender, datagrams));
        }
        while writing.join_next().await.is_some() {}
    }
}

async fn write_of(shared: Arc<Shared>, sender: IpAddr, datagrams: Vec<Datagram>) {
    let origin = shared.listening.origin(sender.to_string());
    let records = datagrams.iter().map(|datagram| datagram.bytes.clone()).collect();
    let written = shared.intake.records_patiently(&origin, (shared.clock)(), records, 0).await;
    if written.is_err() {
        shared.intake.stats().dropped(&origin.sender, datagrams.len() as u64);
    }
}
