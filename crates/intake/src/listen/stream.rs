//! One connection: its bytes into messages, its messages into batches, one after the other onto the disk.
//!
//! While a batch is not durable one more is read, and nothing beyond it: what the sender writes then
//! stays in the system's buffers, and when these are full the sender waits.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::framing::{Frame, Frames};
use super::{Shared, stopped};
use crate::{Held, Origin};

/// Records that are written together at most.
const MAX_RECORDS: usize = 1_000;
/// Bytes that are written together at most, give or take a record.
const MAX_BATCH_BYTES: usize = 1024 * 1024;
/// How long the first record of a batch waits for others.
const BATCH_WAIT: Duration = Duration::from_millis(50);
/// Bytes that every connection may hold. Beyond that it takes room that all share.
const FREE_BYTES: usize = 64 * 1024;
/// How long a message that needs such room may take to arrive.
const LARGE_WAIT: Duration = Duration::from_secs(60);
/// How long a sender that was told to stop is listened to, and how long when it is silent.
const DRAIN: Duration = Duration::from_secs(2);
const DRAIN_SILENCE: Duration = Duration::from_millis(200);

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its sender ended it.
    Closed,
    /// It broke, or was too slow.
    Cut,
    /// The server stops.
    Stopped,
}

/// What came of reading.
enum Read {
    Bytes,
    Timeout,
    End(End),
}

/// Records to be written together.
#[derive(Default)]
struct Batch {
    records: Vec<Bytes>,
    bytes: usize,
    /// Messages that were no records.
    unreadable: u64,
    since: Option<Instant>,
    room: Vec<Held>,
}

impl Batch {
    fn add(&mut self, frame: Frame) {
        self.since.get_or_insert_with(Instant::now);
        match frame {
            Frame::Message(record) => {
                self.bytes += record.len();
                self.records.push(record);
            }
            Frame::TooLong | Frame::Cut => self.unreadable += 1,
        }
    }

    fn is_empty(&self) -> bool {
        self.since.is_none()
    }

    fn is_full(&self) -> bool {
        self.records.len() >= MAX_RECORDS || self.bytes >= MAX_BATCH_BYTES
    }
}

/// Room for a message that needs much, and how long it may be held.
struct Large {
    room: Held,
    until: Instant,
}

/// Reads a connection to its end; returns once what was read is written.
pub(super) async fn run(
    shared: Arc<Shared>,
    origin: Origin,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    stopping: watch::Receiver<bool>,
) -> End {
    let frames = Frames::new(shared.listening.max_message_bytes());
    let mut connection =
        Connection { shared: &shared, stream, frames, large: None, stopping, drain_until: None };
    let origin = Arc::new(origin);
    let mut writing = None;
    loop {
        let (batch, end) = connection.next_batch().await;
        if let Some(written) = writing.take() {
            wait(written).await;
        }
        if !batch.is_empty() {
            writing = Some(tokio::spawn(write(Arc::clone(&shared), Arc::clone(&origin), batch)));
        }
        if let Some(end) = end {
            if let Some(written) = writing.take() {
                wait(written).await;
            }
            // TLS says that this is the end; a sender that waits for it knows that all is written.
            let _ = timeout(DRAIN_SILENCE, connection.stream.shutdown()).await;
            return end;
        }
    }
}

async fn wait(written: tokio::task::JoinHandle<()>) {
    if let Err(error) = written.await {
        tracing::error!(error = &error as &dyn std::error::Error, "a batch was lost to a defect");
    }
}

/// Writes a batch, however long that takes.
async fn write(shared: Arc<Shared>, origin: Arc<Origin>, batch: Batch) {
    let Batch { records, unreadable, room, .. } = batch;
    let now = (shared.clock)();
    let count = records.len();
    if shared.intake.records_patiently(&origin, now, records, unreadable).await.is_err() {
        tracing::error!(sender = origin.sender.name, count, "records came too late, and are lost");
    }
    drop(room);
}

struct Connection<'a, S> {
    shared: &'a Shared,
    stream: S,
    frames: Frames,
    large: Option<Large>,
    stopping: watch::Receiver<bool>,
    /// The server stops, and listens so long to what is on its way.
    drain_until: Option<Instant>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    /// What is there now, or comes soon; and whether nothing comes behind it.
    async fn next_batch(&mut self) -> (Batch, Option<End>) {
        let mut batch = Batch::default();
        loop {
            if !self.take_what_came(&mut batch) {
                return (batch, None);
            }
            if self.large.is_none() && self.frames.is_large(FREE_BYTES) {
                if !batch.is_empty() {
                    return (batch, None);
                }
                let most = 2 * self.shared.listening.max_message_bytes();
                let room = self.shared.intake.hold_patiently(most).await;
                self.large = Some(Large { room, until: Instant::now() + LARGE_WAIT });
            }
            match self.read(batch.since).await {
                Read::Bytes => {}
                Read::Timeout if !batch.is_empty() => return (batch, None),
                Read::Timeout => {
                    let is_stopped = self.drain_until.is_some();
                    let end = if is_stopped { End::Stopped } else { End::Cut };
                    return (self.last(batch, end), Some(end));
                }
                Read::End(end) => return (self.last(batch, end), Some(end)),
            }
        }
    }

    /// Adds the messages that are there; `false` when the batch is to go.
    fn take_what_came(&mut self, batch: &mut Batch) -> bool {
        while let Some(frame) = self.frames.next() {
            batch.add(frame);
            if let Some(large) = self.large.take() {
                // The message that needed it came, or is passed over.
                batch.room.push(large.room);
                self.frames.shrink();
            }
            if batch.is_full() {
                return false;
            }
            if batch.bytes > FREE_BYTES && batch.room.is_empty() {
                match self.shared.intake.try_hold(MAX_BATCH_BYTES) {
                    Ok(room) => batch.room.push(room),
                    // Batches are smaller when much waits.
                    Err(_) => return false,
                }
            }
        }
        true
    }

    /// The batch with what is left at the end.
    fn last(&mut self, mut batch: Batch, end: End) -> Batch {
        if let Some(frame) = self.frames.finish(end == End::Closed) {
            batch.add(frame);
        }
        batch.room.extend(self.large.take().map(|large| large.room));
        batch
    }

    async fn read(&mut self, batch_since: Option<Instant>) -> Read {
        let until = self.deadline(batch_since);
        let is_draining = self.drain_until.is_some();
        let space = self.frames.space();
        let read = async {
            match until {
                Some(until) => timeout_at(until, self.stream.read_buf(space)).await.ok(),
                None => Some(self.stream.read_buf(space).await),
            }
        };
        let read = tokio::select! {
            read = read => read,
            () = stopped(&mut self.stopping), if !is_draining => {
                self.begin_to_stop().await;
                return Read::Bytes;
            }
        };
        match read {
            None => Read::Timeout,
            Some(Ok(0)) => Read::End(End::Closed),
            Some(Ok(_)) => Read::Bytes,
            Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Read::Bytes,
            Some(Err(_)) => Read::End(End::Cut),
        }
    }

    fn deadline(&self, batch_since: Option<Instant>) -> Option<Instant> {
        let now = Instant::now();
        let idle = self.shared.listening.idle_timeout.map(|idle| now + idle);
        let batch = batch_since.map(|since| since + BATCH_WAIT);
        let large = self.large.as_ref().map(|large| large.until);
        let drain = self.drain_until.map(|until| until.min(now + DRAIN_SILENCE));
        [idle, batch, large, drain].into_iter().flatten().min()
    }

    /// Tells the sender that nothing is taken any more. One that heeds it keeps what it has; what is
    /// on its way is still read.
    async fn begin_to_stop(&mut self) {
        self.drain_until = Some(Instant::now() + DRAIN);
        let _ = timeout(DRAIN_SILENCE, self.stream.shutdown()).await;
    }
}
