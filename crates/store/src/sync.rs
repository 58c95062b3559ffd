//! What is kept of reading other servers of the API (`footfall sync`), so that it goes on where it was
//! stopped, and asks no more than it may.

use async_trait::async_trait;
use inventory::ids::{MachineId, TenantId};
use inventory::time::Timestamp;
use uuid::Uuid;

use crate::Error;

/// A tenant of another server, as one of ours reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncSource {
    /// Scheme and authority of its API.
    pub origin: String,
    /// The tenant there, by id or domain.
    pub directory: String,
}

/// How far a source is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncProgress {
    /// Of machines that were seen up to here, all is known that the source told.
    pub mark: Option<Timestamp>,
    /// When a walk over all machines was begun last, by the source's clock.
    pub listed: Option<Timestamp>,
    /// The walk that is under way.
    pub walk: Option<SyncWalk>,
}

/// A walk over a source's machines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncWalk {
    /// It is over machines that were seen from then on; over all without.
    pub since: Option<Timestamp>,
    /// Whether the users of every machine are asked again, or of those that changed.
    pub again: bool,
    /// When it was begun, by the source's clock.
    pub begun: Option<Timestamp>,
    /// The newest time at which a machine was seen, of those before it was begun.
    pub last_seen: Option<Timestamp>,
    /// Machines that were read.
    pub rows: u64,
    /// The link to the next page, where the source gave one.
    pub next: Option<String>,
}

/// A machine of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncMachine {
    /// Its id.
    pub id: MachineId,
    /// When the source says that it was seen last.
    pub last_seen: Timestamp,
}

/// What became of the question for a machine's users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncOutcome {
    /// They are recorded.
    Done,
    /// There was no answer; it is to be asked again, after the others.
    Failed,
}

/// A limit: so many calls in any period of so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimit {
    /// Calls at most, one at least.
    pub calls: u32,
    /// The period.
    pub period_s: u32,
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is counted.
    Admitted,
    /// Not before then; nothing is counted.
    NotBefore(Timestamp),
}

/// What a [`Store`](crate::Store) keeps for `footfall sync`. Like its methods, each is one transaction,
/// durable when it returns.
#[async_trait]
pub trait SyncStore: Send + Sync {
    /// How far a source is read; of a new one nothing is.
    async fn sync_progress(
        &self,
        tenant: TenantId,
        source: &SyncSource,
    ) -> Result<SyncProgress, Error>;

    /// Keeps how far a source is read, with the machines that this step told of. Those that were seen
    /// since their users were asked become due; all of them do where the walk asks again.
    async fn save_sync(
        &self,
        tenant: TenantId,
        source: &SyncSource,
        progress: &SyncProgress,
        listed: Vec<SyncMachine>,
    ) -> Result<(), Error>;

    /// Machines whose users are to be asked, at most `most`: first those of the fewest failures, then
    /// the last seen.
    async fn sync_due(
        &self,
        tenant: TenantId,
        source: &SyncSource,
        most: u32,
    ) -> Result<Vec<SyncMachine>, Error>;

    /// How many machines are due.
    async fn count_sync_due(&self, tenant: TenantId, source: &SyncSource) -> Result<u64, Error>;

    /// Keeps what became of the question for the users of a machine, as it was when it was due.
    async fn note_sync(
        &self,
        tenant: TenantId,
        source: &SyncSource,
        machine: SyncMachine,
        outcome: SyncOutcome,
    ) -> Result<(), Error>;

    /// Counts a call of an app to an API of a source, unless that were more than one of the limits
    /// allows; together with those of other processes.
    async fn admit_sync_call(
        &self,
        tenant: TenantId,
        source: &SyncSource,
        app: Uuid,
        api: &'static str,
        limits: &[CallLimit],
        now: Timestamp,
    ) -> Result<Admission, Error>;
}
