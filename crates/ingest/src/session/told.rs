//! A receiver for tests that compare two readings of one file.

use std::ops::ControlFlow;

use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::session::SessionEvent;
use inventory::time::Timestamp;

use crate::reject::{Reject, Skipped};
use crate::{FileReport, Format, Receiver};

/// Everything that is told, in order.
#[derive(Debug, Default)]
pub(crate) struct Told {
    logons: Vec<Logon>,
    other: Vec<String>,
}

impl Receiver for Told {
    fn logons(&mut self, _: Format, logons: Vec<Logon>) -> ControlFlow<()> {
        self.logons.extend(logons);
        ControlFlow::Continue(())
    }

    fn reports(&mut self, reports: Vec<MachineReport>) -> ControlFlow<()> {
        self.other.push(format!("{reports:?}"));
        ControlFlow::Continue(())
    }

    fn changes(&mut self, changes: Vec<SessionEvent>) -> ControlFlow<()> {
        self.other.extend(changes.iter().map(|change| format!("{change:?}")));
        ControlFlow::Continue(())
    }

    fn identities(&mut self, identities: Vec<(IdentityReport, Timestamp)>) -> ControlFlow<()> {
        self.other.push(format!("{identities:?}"));
        ControlFlow::Continue(())
    }

    fn file(&mut self, file: FileReport) {
        self.other.push(format!("{file:?}"));
    }

    fn skipped(&mut self, skipped: Skipped) {
        self.other.push(format!("{skipped:?}"));
    }

    fn rejected(&mut self, reject: Reject) {
        self.other.push(format!("{reject:?}"));
    }

    fn warning(&mut self, name: &str, text: &str) {
        self.other.push(format!("{name} {text}"));
    }

    fn progress(&mut self, _: u64) {}
}

impl PartialEq for Told {
    /// A warning comes with the part that it is about, so between other parts' rejects.
    fn eq(&self, other: &Self) -> bool {
        let sorted = |told: &Self| {
            let mut lines = told.other.clone();
            lines.sort();
            lines
        };
        self.logons == other.logons && sorted(self) == sorted(other)
    }
}
