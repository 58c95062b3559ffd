//! What an import did: a table for people, JSON for programs.

use std::collections::BTreeMap;

use ingest::reject::{Reject, Skipped};
use ingest::{FileReport, Format, Tally};
use inventory::time::Timestamp;
use serde_json::{Value, json};
use store::{Recorded, Totals};

use crate::output::{self, Outcome};

/// What an import did.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(super) formats: BTreeMap<Format, FormatSummary>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) rejected: Vec<Reject>,
    pub(super) warnings: Vec<String>,
    pub(super) bytes: u64,
    pub(super) interrupted: bool,
    pub(crate) totals: Totals,
}

#[derive(Debug, Default)]
pub(super) struct FormatSummary {
    files: u64,
    tally: Tally,
    recorded: Recorded,
}

impl FormatSummary {
    /// Whether a record told something, or was known not to matter: rejects are counted beside records.
    fn has_understood(&self) -> bool {
        self.tally.records > 0
    }
}

impl Summary {
    pub(super) fn add_file(&mut self, file: &FileReport) {
        let format = self.formats.entry(file.format).or_default();
        format.files += 1;
        format.tally.add(&file.tally);
    }

    pub(super) fn add_recorded(&mut self, format: Format, recorded: Recorded) {
        let sum = &mut self.formats.entry(format).or_default().recorded;
        sum.added += recorded.added;
        sum.duplicates += recorded.duplicates;
    }

    /// What became of the logons of all formats.
    pub(crate) fn recorded(&self) -> Recorded {
        let sum =
            |of: fn(&Recorded) -> u64| self.formats.values().map(|sum| of(&sum.recorded)).sum();
        Recorded { added: sum(|it| it.added), duplicates: sum(|it| it.duplicates) }
    }

    /// Records that could not be read.
    pub(crate) fn rejects(&self) -> u64 {
        self.formats.values().map(|format| format.tally.rejects).sum()
    }

    /// Whether anything was understood, of a format that is known.
    pub(crate) fn outcome(&self) -> Outcome {
        if self.interrupted {
            Outcome::Interrupted
        } else if !self.formats.values().any(FormatSummary::has_understood) {
            Outcome::Failed
        } else {
            Outcome::Done
        }
    }

    pub(super) fn print_json(&self) -> std::io::Result<()> {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let formats: serde_json::Map<String, Value> = self
            .formats
            .iter()
            .map(|(format, sum)| {
                let value = json!({
                    "files": sum.files,
                    "records": sum.tally.records,
                    "logons": sum.recorded.added,
                    "noise": sum.tally.noise,
                    "failures": sum.tally.failures,
                    "reports": sum.tally.reports,
                    "sessionChanges": sum.tally.changes,
                    "duplicates": sum.recorded.duplicates,
                    "rejects": sum.tally.rejects,
                    "first": time(sum.tally.first),
                    "last": time(sum.tally.last),
                });
                (format.key().to_owned(), value)
            })
            .collect();
        let skipped: Vec<_> = self
            .skipped
            .iter()
            .map(|skipped| json!({"name": skipped.name, "reason": skipped.reason}))
            .collect();
        let rejected: Vec<_> = self
            .rejected
            .iter()
            .map(|reject| {
                json!({
                    "name": reject.name,
                    "position": reject.position.to_string(),
                    "reason": reject.reason,
                })
            })
            .collect();
        output::json(&json!({
            "formats": formats,
            "skipped": skipped,
            "rejected": rejected,
            "warnings": self.warnings,
            "bytes": self.bytes,
            "interrupted": self.interrupted,
            "machines": self.totals.machines,
            "accounts": self.totals.accounts,
            "relations": self.totals.relations,
        }))
    }

    pub(crate) fn print_table(&self) -> std::io::Result<()> {
        let mut table = output::table(&[
            "FORMAT",
            "FILES",
            "RECORDS",
            "LOGONS",
            "NOISE",
            "FAILURES",
            "DUPLICATES",
            "REJECTS",
            "FIRST",
            "LAST",
        ]);
        let second = |time: Option<Timestamp>| {
            time.map_or_else(|| "-".to_owned(), |time| time.whole_second().to_string())
        };
        for (format, sum) in &self.formats {
            let cells = [
                format.name().to_owned(),
                sum.files.to_string(),
                sum.tally.records.to_string(),
                sum.recorded.added.to_string(),
                sum.tally.noise.to_string(),
                sum.tally.failures.to_string(),
                sum.recorded.duplicates.to_string(),
                sum.tally.rejects.to_string(),
                second(sum.tally.first),
                second(sum.tally.last),
            ];
            output::add_row(&mut table, cells);
        }
        if !self.formats.is_empty() {
            output::print_table(&mut table)?;
        }
        if self.interrupted {
            eprintln!("Interrupted; what was recorded is kept, and running it again completes it.");
        } else if self.outcome() == Outcome::Failed {
            eprintln!("Nothing could be read.");
            eprintln!("hint: footfall import --help lists the formats that are known");
        }
        if !self.skipped.is_empty() {
            eprintln!(
                "{} passed over (named above)",
                output::count(self.skipped.len() as u64, "file")
            );
        }
        let reports: u64 = self.formats.values().map(|format| format.tally.reports).sum();
        if reports > 0 {
            output::line(&format!(
                "{} of machines about themselves",
                output::count(reports, "report")
            ))?;
        }
        let changes: u64 = self.formats.values().map(|format| format.tally.changes).sum();
        if changes > 0 {
            output::line(&format!(
                "{} of sessions: ends, locks, breaks",
                output::count(changes, "change")
            ))?;
        }
        output::line(&format!(
            "In all: {}, {}, {}",
            output::count(self.totals.machines, "machine"),
            output::count(self.totals.accounts, "account"),
            output::count(self.totals.relations, "relation"),
        ))
    }
}
