//! What a round did: a table for people, JSON for programs.

use std::time::Duration;

use inventory::time::Timestamp;
use serde_json::json;
use store::{Recorded, Totals};

use crate::output::{self, Outcome};

/// Calls that were made, and what for nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Calls {
    pub(super) made: u64,
    /// Of them those that failed and were made again.
    pub(super) repeated: u64,
    pub(super) waited: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Whether all machines were listed, and not only those that were seen since.
    pub(super) is_whole: bool,
    /// Machines in the answers.
    pub(super) listed: u64,
    /// Machines whose users were to be asked.
    pub(super) due: u64,
    /// Machines whose users were asked.
    pub(super) asked: u64,
    /// Machines that the source does not know any more.
    pub(super) gone: u64,
    /// Machines whose users could not be had.
    pub(super) failed: u64,
    /// Machines that are still to be asked, the failed ones among them.
    pub(super) left: u64,
    pub(super) calls: Calls,
    pub(super) recorded: Recorded,
    pub(super) rejects: u64,
    /// Up to when all is known.
    pub(super) mark: Option<Timestamp>,
    pub(super) is_interrupted: bool,
    pub(super) totals: Totals,
}

impl Summary {
    pub(super) fn outcome(&self) -> Outcome {
        match (self.is_interrupted, self.failed) {
            (true, _) => Outcome::Interrupted,
            (false, 0) => Outcome::Done,
            _ => Outcome::Failed,
        }
    }

    pub(super) fn print(&self, as_json: bool) -> std::io::Result<()> {
        if as_json {
            return self.print_json();
        }
        let mut table = output::table(&[
            "LISTED",
            "CHANGED",
            "ASKED",
            "GONE",
            "FAILED",
            "LEFT",
            "CALLS",
            "REPEATED",
            "LOGONS",
            "DUPLICATES",
            "REJECTS",
            "UP TO",
        ]);
        let numbers = [
            self.listed,
            self.due,
            self.asked,
            self.gone,
            self.failed,
            self.left,
            self.calls.made,
            self.calls.repeated,
            self.recorded.added,
            self.recorded.duplicates,
            self.rejects,
        ];
        let cells = numbers.iter().map(u64::to_string).chain([output::moment(self.mark)]);
        output::add_row(&mut table, cells);
        output::print_table(&mut table)?;
        if self.is_interrupted {
            eprintln!("Interrupted; what was recorded is kept, and running it again goes on.");
        }
        if self.failed > 0 {
            eprintln!("{} failed (named above)", output::count(self.failed, "machine"));
            eprintln!("hint: they are asked again by the next run, after the others");
        }
        output::line(&format!(
            "In all: {}, {}, {}",
            output::count(self.totals.machines, "machine"),
            output::count(self.totals.accounts, "account"),
            output::count(self.totals.relations, "relation"),
        ))
    }

    fn print_json(&self) -> std::io::Result<()> {
        output::json(&json!({
            "whole": self.is_whole,
            "listed": self.listed,
            "changed": self.due,
            "asked": self.asked,
            "gone": self.gone,
            "failed": self.failed,
            "left": self.left,
            "calls": self.calls.made,
            "repeated": self.calls.repeated,
            "waitedSeconds": self.calls.waited.as_secs(),
            "logons": self.recorded.added,
            "duplicates": self.recorded.duplicates,
            "rejects": self.rejects,
            "upTo": self.mark.map(|mark| mark.to_string()),
            "interrupted": self.is_interrupted,
            "machines": self.totals.machines,
            "accounts": self.totals.accounts,
            "relations": self.totals.relations,
        }))
    }
}
