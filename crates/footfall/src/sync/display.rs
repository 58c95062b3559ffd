//! How far a sync is: on a terminal what it does and waits for, nothing elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::import::Progress;

pub(super) struct Display {
    bar: ProgressBar,
}

impl Display {
    pub(super) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()) };
        }
        let bar =
            ProgressBar::new_spinner().with_style(style("{spinner} {pos} machines listed  {msg}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// How many machines were listed so far.
    pub(super) fn listed(&self, rows: u64) {
        self.bar.set_position(rows);
    }

    /// From now on, so many machines are asked for their users.
    pub(super) fn ask(&self, machines: u64) {
        self.bar.set_style(style("{wide_bar} users of {pos}/{len} machines  {eta} left  {msg}"));
        self.bar.reset();
        self.bar.set_length(machines);
    }

    pub(super) fn asked(&self) {
        self.bar.inc(1);
    }

    /// Waits, and shows for what.
    pub(super) async fn wait(&self, wait: Duration, why: &str) {
        let seconds = wait.as_secs_f64().ceil();
        self.bar.set_message(format!("waiting {seconds} s: {why}"));
        tracing::info!(seconds, why, "waiting");
        tokio::time::sleep(wait).await;
        self.bar.set_message("");
    }

    /// Prints a line without tearing the bar.
    pub(super) fn note(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    /// For what the import tells.
    pub(super) fn progress(&self) -> Progress {
        Progress::beside(&self.bar)
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The templates are constant and known to be good; a bar without style would do too.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
