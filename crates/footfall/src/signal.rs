//! Ctrl-C, termination, and the loss of the terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Interrupts of the process, counted from the moment this was made.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    signals: Vec<tokio::signal::unix::Signal>,
}

impl Interrupts {
    /// Takes over Ctrl-C and, on Unix, SIGTERM.
    pub(crate) fn new() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::SignalKind;
            Self::of(&[SignalKind::interrupt(), SignalKind::terminate()])
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// The same and SIGHUP: for what is to end with its terminal.
    pub(crate) fn with_hangup() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::SignalKind;
            Self::of(&[SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()])
        }
        #[cfg(not(unix))]
        Self::new()
    }

    #[cfg(unix)]
    fn of(kinds: &[tokio::signal::unix::SignalKind]) -> std::io::Result<Self> {
        let signals = kinds.iter().map(|&kind| tokio::signal::unix::signal(kind));
        Ok(Self { signals: signals.collect::<Result<_, _>>()? })
    }

    /// Completes at the next interrupt.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        std::future::poll_fn(|context| {
            let is_here =
                |signal: &mut tokio::signal::unix::Signal| signal.poll_recv(context).is_ready();
            // Each is asked, so that each wakes this task.
            match self.signals.iter_mut().map(is_here).fold(false, |any, one| any | one) {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        })
        .await;
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the signal ends the process by itself.
            std::future::pending::<()>().await;
        }
    }
}

/// Sets a flag at the first interrupt, for work that stops between two steps; the second ends the
/// process at once.
pub(crate) fn stop_on_interrupt(stop: &Arc<AtomicBool>) -> std::io::Result<()> {
    let stop = Arc::clone(stop);
    let mut interrupts = Interrupts::new()?;
    tokio::spawn(async move {
        interrupts.next().await;
        stop.store(true, Ordering::Relaxed);
        interrupts.next().await;
        std::process::exit(crate::output::Outcome::Interrupted.code().into());
    });
    Ok(())
}

/// From now on SIGHUP ends the process no more: what runs for long outlives its terminal. `on_hangup`
/// is called at each one, in the runtime.
pub(crate) fn outlive_terminal(on_hangup: impl Fn() + Send + 'static) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangups = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while hangups.recv().await.is_some() {
                on_hangup();
            }
        });
    }
    #[cfg(not(unix))]
    drop(on_hangup);
    Ok(())
}

/// SIGHUP is told and changes nothing: `what` goes on with the configuration that it began with.
pub(crate) fn ignore_hangups(what: &'static str) -> std::io::Result<()> {
    outlive_terminal(move || {
        tracing::warn!(
            "SIGHUP: {what} goes on as it is; a changed configuration needs a new start"
        );
    })
}
