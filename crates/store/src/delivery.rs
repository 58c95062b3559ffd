//! Telemetry that comes while it happens: what one sender sent, read, and what is kept of senders.

use inventory::ids::TenantId;
use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::session::SessionEvent;
use inventory::time::Timestamp;

/// Who sends: over what, and what it is called there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SenderKey {
    /// The way in, `hec`, `bulk`, `syslog`, as metrics name it.
    pub kind: &'static str,
    /// An app's name, a node's, an address: what people know the sender by.
    pub name: String,
}

/// What became of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that came.
    pub received: u64,
    /// Logons, and reports of machines, sessions and accounts, that were kept.
    pub accepted: u64,
    /// Logons that were known.
    pub duplicates: u64,
    /// Logons that the rule leaves out.
    pub noise: u64,
    /// Records that could not be read.
    pub rejected: u64,
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, other: &Counts) {
        self.received += other.received;
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.noise += other.noise;
        self.rejected += other.rejected;
    }
}

/// What a sender sent at once, read.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Whose telemetry it is.
    pub tenant: TenantId,
    /// Who sent it.
    pub sender: SenderKey,
    /// When it came.
    pub at: Timestamp,
    /// What was counted in reading; what was accepted and known is counted in writing.
    pub read: Counts,
    /// Logons that count.
    pub logons: Vec<Logon>,
    /// Reports of machines.
    pub reports: Vec<MachineReport>,
    /// What happened to sessions.
    pub changes: Vec<SessionEvent>,
    /// Which identifiers are one account's, and when that was said.
    pub identities: Vec<(IdentityReport, Timestamp)>,
    /// The latest time of records that were rejected because it lies ahead of the clock.
    pub ahead: Option<Timestamp>,
}

impl Delivery {
    /// One with nothing in it.
    pub fn new(tenant: TenantId, sender: SenderKey, at: Timestamp) -> Self {
        Self {
            tenant,
            sender,
            at,
            read: Counts::default(),
            logons: Vec::new(),
            reports: Vec::new(),
            changes: Vec::new(),
            identities: Vec::new(),
            ahead: None,
        }
    }

    /// How many things of it are to be written.
    pub fn weight(&self) -> usize {
        self.logons.len() + self.reports.len() + self.changes.len() + self.identities.len()
    }
}

/// What is kept of a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The way in.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// When something of it came first.
    pub first_at: Timestamp,
    /// When something of it came last.
    pub last_at: Timestamp,
    /// The time of its youngest logon.
    pub newest: Option<Timestamp>,
    /// How far the latest time of what came last lay ahead of this machine's clock, in ticks; negative
    /// where it lay behind.
    pub ahead_ticks: Option<i64>,
    /// What became of its records, over all time.
    pub counts: Counts,
}
