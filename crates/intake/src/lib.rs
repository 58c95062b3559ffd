//! Telemetry that comes while it happens: read at once, written together, acknowledged when it is
//! durable.
//!
//! The one idea: however many senders there are, one task writes. What came while it was busy
//! goes into its next transaction together, so that a commit is shared by all who wait for it, and
//! nobody is told that something was accepted before it is on the disk. All that may wait is
//! bounded (`room`); who finds no room is told to come again ([`Refusal::Busy`]).
//!
//! `reading` makes a [`store::Delivery`] of records or of a whole file, `writer` is that task, `stats`
//! what metrics show; `listen` are the sockets that are no HTTP.

pub mod listen;
mod reading;
mod room;
mod stats;
mod writer;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ingest::Options;
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use store::{Delivery, Recorded, SenderKey, Store};
use tokio::sync::{Semaphore, mpsc};

pub use self::reading::{BODY, Outcome, Rejected};
pub use self::room::{Held, Room};
pub use self::stats::Stats;

use self::reading::Memories;
use self::writer::{Job, Order, Writer};

/// Files that are read at once; each holds a thread, and some MB.
const MAX_FILES: usize = 16;
/// What is waited before telemetry is tried again that could not be written.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// How the intake behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How telemetry is read; each sender may have another zone and machine ([`Origin`]).
    pub options: Options,
    /// Logons and other things that may wait to be written.
    pub max_waiting: usize,
    /// Bytes of bodies and records that may be held, unpacked.
    pub max_held_bytes: usize,
    /// How long a sender waits for room before it is told to come again.
    pub patience: Duration,
    /// How far ahead of this machine's clock a record's time may lie, in seconds.
    pub max_ahead_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            options: Options::default(),
            max_waiting: 200_000,
            max_held_bytes: 256 * 1024 * 1024,
            patience: Duration::from_secs(5),
            max_ahead_s: 86_400,
        }
    }
}

/// From whom telemetry comes, and how it is to be read.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Whose it is.
    pub tenant: TenantId,
    /// Who sends it.
    pub sender: SenderKey,
    /// The zone of stamps that have none, where the sender's is known.
    pub timezone: Option<jiff::tz::TimeZone>,
    /// The machine of records that name none.
    pub device: Option<String>,
}

impl Origin {
    /// A sender of which nothing else is known.
    pub fn new(tenant: TenantId, kind: &'static str, name: impl Into<String>) -> Self {
        let sender = SenderKey { kind, name: name.into() };
        Self { tenant, sender, timezone: None, device: None }
    }
}

/// Why telemetry was not taken. Nothing of it is lost to a sender that sends it again.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Too much waits to be written.
    #[error("more telemetry waits to be written than may")]
    Busy,
    /// It could not be written.
    #[error("the telemetry could not be written")]
    Store(#[source] Arc<store::Error>),
    /// It is not packed as it says.
    #[error("the telemetry cannot be unpacked")]
    Unreadable(#[source] Arc<std::io::Error>),
    /// The server stops.
    #[error("the server stops")]
    Stopped,
}

/// The way in. Clones are one.
#[derive(Clone)]
pub struct Intake(Arc<Inner>);

struct Inner {
    settings: Settings,
    jobs: mpsc::UnboundedSender<Order>,
    room: Room,
    held: Room,
    readers: Arc<Semaphore>,
    files: Arc<Semaphore>,
    memories: Memories,
    stats: Stats,
}

impl Intake {
    /// Starts the task that writes, so it needs a runtime. It ends, with everything written, when
    /// the last clone is gone.
    pub fn start(store: Arc<dyn Store>, settings: Settings) -> Self {
        let stats = Stats::default();
        // Its length is bounded by the room that each job holds.
        let (jobs, waiting) = mpsc::unbounded_channel();
        tokio::spawn(Writer::new(store, stats.clone()).run(waiting));
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self(Arc::new(Inner {
            room: Room::new(settings.max_waiting),
            held: Room::new(settings.max_held_bytes),
            readers: Arc::new(Semaphore::new(threads)),
            files: Arc::new(Semaphore::new(MAX_FILES)),
            memories: Memories::default(),
            settings,
            jobs,
            stats,
        }))
    }

    /// What metrics show.
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// Brings up to date what metrics show of queues.
    pub fn show_depths(&self) {
        self.0.stats.set_depths(self.waiting(), self.held());
    }

    /// Logons and other things that wait to be written, and how many may.
    pub fn waiting(&self) -> (usize, usize) {
        (self.0.room.taken(), self.0.settings.max_waiting)
    }

    /// Bytes that are held, and how many may be.
    pub fn held(&self) -> (usize, usize) {
        (self.0.held.taken(), self.0.settings.max_held_bytes)
    }

    /// Takes room for bytes that are to be held, if there is some now.
    pub fn try_hold(&self, bytes: usize) -> Result<Held, Refusal> {
        self.0.held.try_take(bytes).ok_or(Refusal::Busy)
    }

    /// Takes room for bytes that are to be held; a sender is not refused before it waited a while.
    pub async fn hold(&self, bytes: usize) -> Result<Held, Refusal> {
        let room = tokio::time::timeout(self.0.settings.patience, self.0.held.take(bytes));
        room.await.map_err(|_| Refusal::Busy)
    }

    /// Waits for room for bytes that are to be held: for senders that are slowed by not being read.
    pub async fn hold_patiently(&self, bytes: usize) -> Held {
        self.0.held.take(bytes).await
    }

    /// Reads records, each a JSON object, an event in XML or a line of a log, and writes what they
    /// tell. Returns once that is durable.
    pub async fn records(
        &self,
        origin: &Origin,
        now: Timestamp,
        records: Vec<bytes::Bytes>,
    ) -> Result<Outcome, Refusal> {
        reading::records(self, origin, now, records).await
    }

    /// The same for senders that cannot be told to come again: waits as long as it takes, and tries again
    /// what could not be written. `unreadable` are records of which nothing could be kept; they are
    /// counted.
    pub async fn records_patiently(
        &self,
        origin: &Origin,
        now: Timestamp,
        records: Vec<bytes::Bytes>,
        unreadable: u64,
    ) -> Result<Outcome, Refusal> {
        reading::records_patiently(self, origin, now, records, unreadable).await
    }

    /// Reads a file of any format as it comes, opened on the thread that reads it, and writes what it
    /// tells as it is read. Returns once all of that is durable. What was written before a refusal
    /// stays: sent again, it is known.
    pub async fn file<R: std::io::Read>(
        &self,
        origin: &Origin,
        now: Timestamp,
        open: impl FnOnce() -> std::io::Result<R> + Send + 'static,
    ) -> Result<Outcome, Refusal> {
        reading::file(self, origin, BODY, now, open).await
    }

    /// The same of a file with a name, which tells failed logons of Linux (`btmp`) from others.
    pub async fn named_file<R: std::io::Read>(
        &self,
        origin: &Origin,
        name: &str,
        now: Timestamp,
        open: impl FnOnce() -> std::io::Result<R> + Send + 'static,
    ) -> Result<Outcome, Refusal> {
        reading::file(self, origin, name, now, open).await
    }

    /// Writes counts that wait for a transaction of telemetry: for the end of a program.
    pub async fn flush(&self) {
        let (done, flushed) = tokio::sync::oneshot::channel();
        if self.0.jobs.send(Order::Flush(done)).is_ok() {
            // The task ends only when nobody can ask it any more.
            let _ = flushed.await;
        }
    }

    /// Writes what was read. Returns once it is durable.
    pub async fn deliver(&self, delivery: Delivery) -> Result<Recorded, Refusal> {
        let room =
            tokio::time::timeout(self.0.settings.patience, self.0.room.take(delivery.weight()));
        let room = room.await.map_err(|_| Refusal::Busy)?;
        self.write(delivery, room).await
    }

    /// The same, however long it takes. What cannot be written is tried again; the log hears of it
    /// once.
    async fn deliver_patiently(&self, delivery: Delivery) -> Result<Recorded, Refusal> {
        let mut pause = FIRST_PAUSE;
        loop {
            let room = self.0.room.take(delivery.weight()).await;
            match self.write(delivery.clone(), room).await {
                Err(Refusal::Store(_) | Refusal::Busy) => {
                    if pause == FIRST_PAUSE {
                        let SenderKey { kind, name } = &delivery.sender;
                        tracing::warn!(
                            kind,
                            name,
                            "a sender waits until its telemetry can be written"
                        );
                    }
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(LAST_PAUSE);
                }
                outcome => return outcome,
            }
        }
    }

    async fn write(&self, delivery: Delivery, room: Held) -> Result<Recorded, Refusal> {
        let (job, answer) = Job::new(delivery, room);
        self.0.jobs.send(Order::Write(Box::new(job))).map_err(|_| Refusal::Stopped)?;
        answer.await.map_err(|_| Refusal::Stopped)?
    }
}
