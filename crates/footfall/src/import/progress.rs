//! How far an import is: a bar with rate and time left on a terminal, nothing elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ingest::input::Input;

pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Tells beside a bar that shows something else than bytes.
    pub(crate) fn beside(bar: &ProgressBar) -> Self {
        Self { bar: bar.clone() }
    }

    pub(super) fn new(inputs: &[Input]) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()) };
        }
        let sizes = inputs.iter().map(|input| match input {
            Input::File { size_bytes, .. } => Some(*size_bytes),
            Input::Stdin => None,
        });
        // The templates are constant and known to be good; a bar without style would do too.
        let style = |template| {
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
        };
        let bar = match sizes.sum::<Option<u64>>() {
            Some(total) => ProgressBar::new(total)
                .with_style(style("{wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left")),
            None => ProgressBar::new_spinner()
                .with_style(style("{spinner} {bytes} read  {bytes_per_sec}")),
        };
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    pub(super) fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Prints a line without tearing the bar.
    pub(super) fn note(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
