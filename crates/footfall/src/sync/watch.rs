//! Sees which machines an answer tells of, while what it tells goes its way into the store.

use std::collections::HashMap;
use std::ops::ControlFlow;

use ingest::reject::{Reject, Skipped};
use ingest::{FileReport, Format, Receiver};
use inventory::ids::MachineId;
use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::session::SessionEvent;
use inventory::time::Timestamp;
use store::SyncMachine;

/// What an answer told.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// When each machine was seen last.
    machines: HashMap<MachineId, Timestamp>,
    /// Whether there was something else than answers of this API.
    pub(super) is_foreign: bool,
}

impl Seen {
    pub(super) fn machines(&self) -> Vec<SyncMachine> {
        let machines = self.machines.iter();
        machines.map(|(id, last_seen)| SyncMachine { id: *id, last_seen: *last_seen }).collect()
    }
}

/// A receiver before another one.
pub(super) struct Watch<'a> {
    pub(super) seen: Seen,
    pub(super) receiver: &'a mut dyn Receiver,
}

impl Receiver for Watch<'_> {
    fn logons(&mut self, format: Format, logons: Vec<Logon>) -> ControlFlow<()> {
        if format != Format::Defender {
            self.seen.is_foreign = true;
            return ControlFlow::Break(());
        }
        self.receiver.logons(format, logons)
    }

    fn reports(&mut self, reports: Vec<MachineReport>) -> ControlFlow<()> {
        for report in &reports {
            // Each machine comes twice: when it was seen first, and last.
            if let Some(id) = report.machine.id {
                let last_seen = self.seen.machines.entry(id).or_insert(report.time);
                *last_seen = report.time.max(*last_seen);
            }
        }
        self.receiver.reports(reports)
    }

    fn changes(&mut self, changes: Vec<SessionEvent>) -> ControlFlow<()> {
        self.receiver.changes(changes)
    }

    fn identities(&mut self, identities: Vec<(IdentityReport, Timestamp)>) -> ControlFlow<()> {
        self.receiver.identities(identities)
    }

    fn file(&mut self, file: FileReport) {
        self.seen.is_foreign |= file.format != Format::Defender;
        self.receiver.file(file);
    }

    /// An answer that is passed over is one of something else; it is told as that.
    fn skipped(&mut self, _: Skipped) {
        self.seen.is_foreign = true;
    }

    fn rejected(&mut self, reject: Reject) {
        self.receiver.rejected(reject);
    }

    fn warning(&mut self, name: &str, text: &str) {
        self.receiver.warning(name, text);
    }

    /// Bytes are not what the progress of a sync is counted in.
    fn progress(&mut self, _: u64) {}
}
