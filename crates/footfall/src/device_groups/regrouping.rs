//! Waiting until machines are in the device groups that the rules say.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{self, Outcome};
use crate::place::Place;

/// Machines of one transaction: some tens of milliseconds in which others cannot write.
const STEP: u64 = 5_000;

/// How the regrouping ended.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    /// Machines that are in another group than before.
    pub(super) moved: u64,
}

/// Puts machines into the groups that the rules say now and tells of it on stderr. Each step is
/// complete and its place is kept, so that whoever comes next goes on after an interrupt.
pub(super) async fn run(place: &Place) -> anyhow::Result<Ended> {
    let stop = Arc::new(AtomicBool::new(false));
    crate::signal::stop_on_interrupt(&stop)?;
    let total = place.store.totals(&place.scope()).await?.machines;
    let bar = bar(total);
    let (mut seen, mut moved, mut finished) = (0, 0, false);
    while !finished && !stop.load(Ordering::Relaxed) {
        let step = place.store.regroup(place.tenant.number, STEP).await?;
        (seen, moved, finished) = (seen + step.machines, moved + step.moved, step.finished);
        bar.set_position(seen);
    }
    bar.finish_and_clear();
    let moved_text = format!("{} moved to another device group", output::count(moved, "machine"));
    if finished {
        eprintln!("{moved_text}.");
        return Ok(Ended { outcome: Outcome::Done, moved });
    }
    eprintln!(
        "Interrupted; the change is saved. {moved_text}, of {seen} looked at ({total} in all)."
    );
    eprintln!(
        "hint: a running server goes on with the rest by itself, and so does the next change of a \
         device group"
    );
    Ok(Ended { outcome: Outcome::Interrupted, moved })
}

fn bar(total: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    // The template is constant and known to be good; a bar without style would do too.
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} machines  {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style)
}
