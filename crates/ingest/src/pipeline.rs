//! Parts of a file on several threads, their results in order.
//!
//! The calling thread reads the parts and takes the results; the workers do what is between. Part
//! n goes to worker n modulo their number, each over a channel of its own, so that asking the
//! workers in turn gives the results in order without sorting. What is under way is bounded, so
//! memory is too; a panic of a worker becomes the result of its part.

use std::any::Any;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Parts under way for each worker: one that it works on, and others that wait.
const PARTS_PER_WORKER: usize = 3;

/// The caller's ends of a worker's channels.
struct Worker<P, R> {
    parts: SyncSender<P>,
    results: Receiver<Result<R, Panicked>>,
}

/// A parser panicked, which is a defect of it.
#[derive(Debug)]
pub(crate) struct Panicked(String);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs what may panic for a defect of a parser.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Panicked(message(&*panic)))
}

fn message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

/// Reads parts with `next` until it has none, lets `work` loose on them and hands the results to
/// `done` in the order of the parts, until it breaks.
///
/// A panic takes only the part it came from: `done` gets it in place of a result.
pub(crate) fn run<P: Send, R: Send>(
    threads: NonZeroUsize,
    mut next: impl FnMut() -> Option<P>,
    work: impl Fn(P) -> R + Sync,
    mut done: impl FnMut(Result<R, Panicked>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some(first) = next() else {
        return ControlFlow::Continue(());
    };
    // Most files of a folder have one part: no thread is started for them.
    let Some(second) = next() else {
        return done(guarded(|| work(first)));
    };
    let mut parts = [first, second].into_iter().chain(std::iter::from_fn(next));
    thread::scope(|scope| {
        let workers: Vec<Worker<P, R>> = (0..threads.get())
            .map(|_| {
                let (to_worker, from_caller) = sync_channel::<P>(PARTS_PER_WORKER);
                let (to_caller, from_worker) = sync_channel(PARTS_PER_WORKER);
                let work = &work;
                scope.spawn(move || {
                    for part in from_caller {
                        if to_caller.send(guarded(|| work(part))).is_err() {
                            // The caller wants no more.
                            return;
                        }
                    }
                });
                Worker { parts: to_worker, results: from_worker }
            })
            .collect();
        let (mut sent, mut taken, mut ended) = (0, 0, false);
        loop {
            while !ended && sent - taken < workers.len() * PARTS_PER_WORKER {
                match parts.next() {
                    // A worker ends only after its channel does, so that the part is taken.
                    Some(part) => {
                        let _ = workers[sent % workers.len()].parts.send(part);
                        sent += 1;
                    }
                    None => ended = true,
                }
            }
            if taken == sent {
                return ControlFlow::Continue(());
            }
            let result = workers[taken % workers.len()]
                .results
                .recv()
                .unwrap_or_else(|_| Err(Panicked("a worker ended early".to_owned())));
            taken += 1;
            done(result)?;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn results_come_in_the_order_of_the_parts() {
        for workers in 1..5 {
            let mut numbers = 0..200u64;
            let mut seen = Vec::new();
            let flow = run(
                threads(workers),
                || numbers.next(),
                |number| {
                    // Later parts finish earlier.
                    thread::sleep(std::time::Duration::from_micros(200 - number));
                    number * 2
                },
                |result| {
                    seen.push(result.unwrap());
                    ControlFlow::Continue(())
                },
            );
            assert!(flow.is_continue());
            assert_eq!(seen, (0..200).map(|n| n * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_break_stops_the_reading() {
        let mut read = 0;
        let mut taken = 0;
        let flow = run(
            threads(2),
            || {
                read += 1;
                Some(read)
            },
            |number| number,
            |_| {
                taken += 1;
                match taken {
                    5 => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                }
            },
        );
        assert!(flow.is_break());
        assert_eq!(taken, 5);
        assert!(read <= 5 + 2 * PARTS_PER_WORKER, "{read}");
    }

    #[test]
    fn a_panic_costs_its_own_part_only() {
        let mut numbers = 0..50;
        let mut lost = Vec::new();
        let mut kept = 0;
        let flow = run(
            threads(2),
            || numbers.next(),
            |number| assert!(number % 10 != 3, "part {number} is odd"),
            |result| {
                match result {
                    Ok(()) => kept += 1,
                    Err(panicked) => lost.push(panicked.to_string()),
                }
                ControlFlow::Continue(())
            },
        );
        assert!(flow.is_continue());
        assert_eq!(kept, 45);
        assert_eq!(lost.len(), 5);
        assert_eq!(lost[0], "part 3 is odd");
    }
}
