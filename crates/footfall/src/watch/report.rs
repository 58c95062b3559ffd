//! What a watch tells: people on stderr, programs on stdout.

use std::io;
use std::sync::{Mutex, PoisonError};

use intake::Outcome;
use serde_json::{Value, json};
use store::Counts;

use crate::output;

/// What happened.
pub(super) enum Event<'a> {
    /// A file or the journal is read from there on.
    Following { path: String, position: u64 },
    /// Lines of it are on the disk.
    Read { path: &'a str, taken: &'a Outcome },
    /// All of a file is.
    Imported { path: &'a str, taken: &'a Outcome },
    /// A log has another name now.
    Rotated { path: String, to: String },
    /// A log begins anew.
    Truncated { path: String },
    /// Nothing is there yet.
    Waiting { path: String, reason: String },
    /// Something is passed over.
    Skipped { path: String, reason: String },
    /// It cannot be read now.
    Failed { path: &'a str, error: &'a io::Error },
}

/// Tells, and sums up.
pub(super) struct Report {
    is_json: bool,
    /// Nobody waits for what is not there.
    is_once: bool,
    sums: Mutex<Sums>,
}

#[derive(Default)]
struct Sums {
    counts: Counts,
    failures: u64,
    /// What could not be read, each told once.
    failed: std::collections::HashSet<String>,
}

impl Report {
    pub(super) fn new(is_json: bool, is_once: bool) -> Self {
        Self { is_json, is_once, sums: Mutex::default() }
    }

    /// Tells of something that happened.
    pub(super) fn tell(&self, event: &Event<'_>) {
        let failed = match event {
            Event::Failed { path, error } => Some(format!("{path}: {error}")),
            Event::Waiting { path, reason } if self.is_once => Some(format!("{path}: {reason}")),
            _ => None,
        };
        if let Some(of) = failed {
            /// Of more failures than that nothing is told.
            const MAX_FAILED: usize = 10_000;
            let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
            if sums.failed.len() >= MAX_FAILED || !sums.failed.insert(of) {
                return;
            }
        }
        let (line, value) = match event {
            Event::Following { path, position } => (
                format!("following {path} from byte {position}"),
                json!({"event": "following", "path": path, "position": position}),
            ),
            Event::Read { path, taken } => {
                self.add(taken);
                (rejected(path, taken), counts("read", path, taken))
            }
            Event::Imported { path, taken } => {
                self.add(taken);
                for note in taken.skipped.iter().chain(&taken.warnings) {
                    eprintln!("{}", output::printable(&format!("{path}: {note}")));
                }
                (format!("read {path}, which had changed"), counts("imported", path, taken))
            }
            Event::Rotated { path, to } => {
                (format!("{path} is {to} now"), json!({"event": "rotated", "path": path, "to": to}))
            }
            Event::Truncated { path } => {
                (format!("{path} begins anew"), json!({"event": "truncated", "path": path}))
            }
            Event::Waiting { path, reason } => (
                match self.is_once {
                    true => format!("{path}: {reason}"),
                    false => format!("waiting for {path}: {reason}"),
                },
                json!({"event": "waiting", "path": path, "reason": reason}),
            ),
            Event::Skipped { path, reason } => (
                format!("{path}: {reason}"),
                json!({"event": "skipped", "path": path, "reason": reason}),
            ),
            Event::Failed { path, error } => (
                format!("{path}: {error}"),
                json!({"event": "failed", "path": path, "reason": error.to_string()}),
            ),
        };
        if !line.is_empty() {
            eprintln!("{}", output::printable(&line));
        }
        if self.is_json {
            // Who closed the pipe wants no more of it; what is read goes on being kept.
            let _ = output::line(&value.to_string());
        }
    }

    fn add(&self, taken: &Outcome) {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        sums.counts.add(&taken.counts);
        sums.failures += taken.failures;
    }

    /// Whether something could not be read.
    pub(super) fn has_failed(&self) -> bool {
        !self.sums.lock().unwrap_or_else(PoisonError::into_inner).failed.is_empty()
    }

    /// Tells what came of it all.
    pub(super) fn finish(&self) -> io::Result<()> {
        let sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { received, accepted, duplicates, noise, rejected } = sums.counts;
        eprintln!(
            "In all: {received} records, {accepted} logons and reports new, {duplicates} known, \
             {noise} noise, {} failures, {rejected} rejected",
            sums.failures
        );
        if self.is_json {
            let value = json!({
                "event": "ended", "records": received, "accepted": accepted,
                "duplicates": duplicates, "noise": noise, "failures": sums.failures,
                "rejected": rejected,
            });
            let _ = output::line(&value.to_string());
        }
        Ok(())
    }
}

/// What of a piece of a log could not be read; empty where all could.
fn rejected(path: &str, taken: &Outcome) -> String {
    match (taken.counts.rejected, taken.rejected.first()) {
        (count @ 1.., Some(first)) => {
            format!("{path}: {count} rejected, the first: {}", first.reason)
        }
        _ => String::new(),
    }
}

fn counts(event: &str, path: &str, taken: &Outcome) -> Value {
    let Counts { received, accepted, duplicates, noise, rejected } = taken.counts;
    json!({
        "event": event, "path": path, "records": received, "accepted": accepted,
        "duplicates": duplicates, "noise": noise, "failures": taken.failures, "rejected": rejected,
    })
}
