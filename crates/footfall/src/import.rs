//! `footfall import`: a thread reads and parses, this one gathers what it finds, a task writes what
//! was gathered before, a terminal sees the progress. Each batch is one transaction, so whatever stops
//! the import leaves what was written complete, and the next run adds only what is missing.

mod host;
pub(crate) mod journal;
mod progress;
mod summary;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use anyhow::Context;
use ingest::input::Input;
use ingest::reject::{Reject, Skipped};
use ingest::{FileReport, Format, Options};
use inventory::ids::TenantId;
use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::session::SessionEvent;
use inventory::time::Timestamp;
use server::clock::{Clock, SystemClock};
use store::{LogonBatch, Recorded, Store};
use tokio::task::JoinHandle;

use crate::cli::{Import, Reading};
use crate::config::Config;
use crate::output::{self, Hinted, Outcome};
use crate::place::Place;
use host::Host;
use journal::Journal;
pub(crate) use progress::Progress;
pub(crate) use summary::Summary;

/// Logons of one transaction at most. A transaction writes every page that it touches, and of many
/// relations each logon touches others: twice as many logons write far less than twice as many
/// pages. Other writers wait for it, about a second.
const BATCH: usize = 400_000;
/// From how many on they are written when nothing else is.
const WORTHWHILE: usize = 100_000;
/// How long read logons may wait for their transaction, so that a server shows them soon.
const BATCH_WAIT: Duration = Duration::from_secs(1);
/// Messages that may wait between the reader and the writer; a message holds one block's logons.
const QUEUE: usize = 16;

/// What the reading thread tells the writing one.
enum Message {
    Logons(Format, Vec<Logon>),
    Reports(Vec<MachineReport>),
    Changes(Vec<SessionEvent>),
    Identities(Vec<(IdentityReport, Timestamp)>),
    File(FileReport),
    Skipped(Skipped),
    Rejected(Reject),
    Warning(String),
    Progress(u64),
}

/// What there is to read, and how.
struct Sources {
    inputs: Vec<Input>,
    journal: Option<Journal>,
    /// What cannot be read, and why.
    missing: Vec<Skipped>,
    options: Options,
}

/// Reads paths, or what this machine has, into the store and prints the summary.
pub(crate) async fn run(config: &Config, args: &Import) -> anyhow::Result<Outcome> {
    let sources = if args.this_machine {
        sources_of_host(config, args)?
    } else {
        sources_of_paths(config, &args.paths, &args.reading)
    };
    let place = Place::open(config).await?;
    let (store, tenant) = (&place.store, place.tenant.number);
    let stop = Arc::new(AtomicBool::new(false));
    crate::signal::stop_on_interrupt(&stop)?;
    let mut summary = import_from(sources, store, tenant, &stop).await?;
    crate::retention::apply(config, &**store, tenant).await?;
    summary.totals = store.totals(&place.scope()).await?;
    if args.json {
        summary.print_json()?;
    } else {
        summary.print_table()?;
    }
    Ok(summary.outcome())
}

/// Reads paths into the store. What the person must know of single files goes to stderr.
pub(crate) async fn import(
    config: &Config,
    paths: &[PathBuf],
    reading: &Reading,
    store: &Arc<dyn Store>,
    tenant: TenantId,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<Summary> {
    import_from(sources_of_paths(config, paths, reading), store, tenant, stop).await
}

fn sources_of_paths(config: &Config, paths: &[PathBuf], reading: &Reading) -> Sources {
    let (inputs, missing) = ingest::input::discover(paths);
    Sources { inputs, journal: None, missing, options: options(config, reading) }
}

/// What this machine has, or the one under another root; it is told before it is read.
fn sources_of_host(config: &Config, args: &Import) -> anyhow::Result<Sources> {
    let root = args.root.as_deref();
    if let Some(root) = root.filter(|root| !root.is_dir()) {
        anyhow::bail!("--root: {} is no folder", root.display());
    }
    let host = Host::look(root);
    let mut options = options(config, &args.reading);
    options.device = options.device.or_else(|| host.name.clone());
    options.machine_id = host.machine_id;
    options.timezone = options.timezone.or_else(|| host.zone.clone());
    if options.users.is_empty() {
        options.users.clone_from(&host.users);
    }
    tell_of(&host, options.device.as_deref(), root);
    let (inputs, mut missing) = ingest::input::discover(&host.files);
    let unreadable = host.unreadable.iter();
    missing.extend(unreadable.map(|(name, reason)| Skipped::new(name.clone(), reason.clone())));
    if host.is_empty() {
        let place = root.map_or("this machine".to_owned(), |root| root.display().to_string());
        let hint = if host.is_denied {
            "run it as root, who may read them"
        } else {
            "footfall import PATH reads logs that are somewhere else"
        };
        for skipped in missing {
            eprintln!("{}: {}", output::printable(&skipped.name), skipped.reason);
        }
        let what = format!("there is no log on {place} that can be read");
        return Err(Hinted::error(what, hint));
    }
    Ok(Sources { inputs, journal: host.journal, missing, options })
}

/// Says whose logs these are, and what is left out.
fn tell_of(host: &Host, device: Option<&str>, root: Option<&Path>) {
    let place = root.map_or("This machine".to_owned(), |root| root.display().to_string());
    match device {
        Some(device) => eprintln!("{place} is {}.", output::printable(device)),
        None => eprintln!("{place} does not say its name; --device gives it."),
    }
    for name in host.found() {
        eprintln!("found: {}", output::printable(&name));
    }
    if host.is_denied && !host.is_empty() {
        eprintln!("hint: some logs can be read by root alone; run it as root to have them, too");
    }
}

/// How telemetry is read, as the configuration and the flags say.
pub(crate) fn options(config: &Config, reading: &Reading) -> Options {
    Options {
        rule: config.rule(SystemClock.now()),
        device: reading.device.clone(),
        machine_id: None,
        timezone: reading.timezone.clone(),
        year: reading.year,
        written: None,
        users: reading.passwd.clone().unwrap_or_default(),
        threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
    }
}

async fn import_from(
    sources: Sources,
    store: &Arc<dyn Store>,
    tenant: TenantId,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<Summary> {
    let Sources { inputs, journal, missing, options } = sources;
    let mut summary = Summary::default();
    let progress = Progress::new(&inputs);
    for skipped in missing {
        progress.note(&format!("{}: {}", skipped.name, skipped.reason));
        summary.skipped.push(skipped);
    }
    let read = move |receiver: &mut dyn ingest::Receiver| {
        read(&inputs, journal.as_ref(), &options, receiver);
    };
    let taken = take_in(read, store, tenant, &mut summary, &progress, stop).await;
    progress.finish();
    taken.context(
        "the import stopped; what was recorded before is kept, and running it again completes it",
    )?;
    Ok(summary)
}

/// Reads on a thread of its own, and records here what it finds. Gives what the reading gave, which is
/// nothing if it was interrupted.
pub(crate) async fn take_in<T: Send + 'static>(
    read: impl FnOnce(&mut dyn ingest::Receiver) -> T + Send + 'static,
    store: &Arc<dyn Store>,
    tenant: TenantId,
    summary: &mut Summary,
    progress: &Progress,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<Option<T>> {
    let (sender, messages) = mpsc::sync_channel(QUEUE);
    let reader = std::thread::spawn({
        let stop = Arc::clone(stop);
        move || read(&mut Forward { sender, stop: &stop })
    });
    let mut writer = Writer {
        store,
        tenant,
        pending: LogonBatch::default(),
        format: None,
        reports: Vec::new(),
        changes: Vec::new(),
        since: Instant::now(),
        writing: None,
    };
    let written = writer.take_all(&messages, summary, progress, stop).await;
    // The reader sees the closed channel at its next message, and ends.
    drop(messages);
    written?;
    summary.interrupted = stop.load(Ordering::Relaxed);
    // An interrupted reader may wait for standard input for ever; it ends with the process.
    if summary.interrupted {
        return Ok(None);
    }
    let read = reader.join();
    read.map(Some).map_err(|_| anyhow::anyhow!("the reader failed; this is a bug of the program"))
}

fn read(
    inputs: &[Input],
    journal: Option<&Journal>,
    options: &Options,
    receiver: &mut dyn ingest::Receiver,
) {
    for input in inputs {
        if ingest::read(input, options, receiver).is_break() {
            return;
        }
    }
    if let Some(journal) = journal {
        // It is the last: whether to go on says nothing.
        let _ = journal.read(options, receiver);
    }
}

/// Hands everything that is read to the writing thread.
struct Forward<'a> {
    sender: SyncSender<Message>,
    stop: &'a AtomicBool,
}

impl Forward<'_> {
    fn send(&self, message: Message) {
        if self.sender.send(message).is_err() {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn flow(&self) -> ControlFlow<()> {
        if self.stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl ingest::Receiver for Forward<'_> {
    fn logons(&mut self, format: Format, logons: Vec<Logon>) -> ControlFlow<()> {
        if !logons.is_empty() {
            self.send(Message::Logons(format, logons));
        }
        self.flow()
    }

    fn reports(&mut self, reports: Vec<MachineReport>) -> ControlFlow<()> {
        self.send(Message::Reports(reports));
        self.flow()
    }

    fn changes(&mut self, changes: Vec<SessionEvent>) -> ControlFlow<()> {
        self.send(Message::Changes(changes));
        self.flow()
    }

    fn identities(&mut self, identities: Vec<(IdentityReport, Timestamp)>) -> ControlFlow<()> {
        self.send(Message::Identities(identities));
        self.flow()
    }

    fn file(&mut self, file: FileReport) {
        self.send(Message::File(file));
    }

    fn skipped(&mut self, skipped: Skipped) {
        self.send(Message::Skipped(skipped));
    }

    fn rejected(&mut self, reject: Reject) {
        self.send(Message::Rejected(reject));
    }

    fn warning(&mut self, name: &str, text: &str) {
        self.send(Message::Warning(format!("{name}: {text}")));
    }

    fn progress(&mut self, bytes: u64) {
        self.send(Message::Progress(bytes));
    }
}

/// Collects logons and reports into batches and records them.
struct Writer<'a> {
    store: &'a Arc<dyn Store>,
    tenant: TenantId,
    /// Logons that wait, all of one format.
    pending: LogonBatch,
    format: Option<Format>,
    /// Reports that wait.
    reports: Vec<MachineReport>,
    /// What happened to sessions and waits.
    changes: Vec<SessionEvent>,
    /// When the first of them came.
    since: Instant,
    /// Logons of a format that are being written.
    writing: Option<(Format, JoinHandle<Result<Recorded, store::Error>>)>,
}

impl Writer<'_> {
    async fn take_all(
        &mut self,
        messages: &Receiver<Message>,
        summary: &mut Summary,
        progress: &Progress,
        stop: &AtomicBool,
    ) -> Result<(), store::Error> {
        loop {
            let wait = BATCH_WAIT.saturating_sub(self.since.elapsed());
            match messages.recv_timeout(if self.is_empty() { BATCH_WAIT } else { wait }) {
                Ok(message) => self.take(message, summary, progress).await?,
                Err(RecvTimeoutError::Timeout) if !stop.load(Ordering::Relaxed) => {
                    self.record(summary).await?;
                }
                Err(_) => {
                    self.record(summary).await?;
                    return self.finish_writing(summary).await;
                }
            }
        }
    }

    async fn take(
        &mut self,
        message: Message,
        summary: &mut Summary,
        progress: &Progress,
    ) -> Result<(), store::Error> {
        match message {
            Message::Logons(format, logons) => {
                if self.format != Some(format) {
                    self.record(summary).await?;
                    self.format = Some(format);
                }
                if self.is_empty() {
                    self.since = Instant::now();
                }
                self.pending.extend(&logons);
                self.record_what_is_due(summary).await?;
            }
            Message::Reports(reports) => {
                if self.is_empty() {
                    self.since = Instant::now();
                }
                self.reports.extend(reports);
                self.record_what_is_due(summary).await?;
            }
            Message::Changes(changes) => {
                if self.is_empty() {
                    self.since = Instant::now();
                }
                self.changes.extend(changes);
                self.record_what_is_due(summary).await?;
            }
            // They are few, and joined with nothing that waits.
            Message::Identities(identities) => {
                self.store.identify(self.tenant, identities).await?;
            }
            Message::File(file) => summary.add_file(&file),
            Message::Skipped(skipped) => {
                progress.note(&format!("{}: passed over: {}", skipped.name, skipped.reason));
                summary.skipped.push(skipped);
            }
            Message::Rejected(reject) => {
                progress.note(&format!("{}: {}: {}", reject.name, reject.position, reject.reason));
                summary.rejected.push(reject);
            }
            Message::Warning(text) => {
                progress.note(&format!("warning: {text}"));
                summary.warnings.push(text);
            }
            Message::Progress(bytes) => {
                progress.add(bytes);
                summary.bytes += bytes;
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.reports.is_empty() && self.changes.is_empty()
    }

    async fn record_what_is_due(&mut self, summary: &mut Summary) -> Result<(), store::Error> {
        let waiting = self.pending.len().max(self.reports.len()).max(self.changes.len());
        // While logons are being written, more may as well gather.
        let is_idle = self.writing.as_ref().is_none_or(|(_, writing)| writing.is_finished());
        let is_due = waiting >= WORTHWHILE || self.since.elapsed() >= BATCH_WAIT;
        if waiting >= BATCH || is_idle && is_due {
            self.record(summary).await?;
        }
        Ok(())
    }

    /// Records what waits; of logons it only begins to.
    async fn record(&mut self, summary: &mut Summary) -> Result<(), store::Error> {
        self.finish_writing(summary).await?;
        if !self.reports.is_empty() {
            self.store.describe(self.tenant, std::mem::take(&mut self.reports)).await?;
        }
        if !self.changes.is_empty() {
            self.store.note_sessions(self.tenant, std::mem::take(&mut self.changes)).await?;
        }
        self.since = Instant::now();
        let Some(format) = self.format.filter(|_| !self.pending.is_empty()) else { return Ok(()) };
        let batch = std::mem::take(&mut self.pending);
        let (store, tenant) = (Arc::clone(self.store), self.tenant);
        let writing = tokio::spawn(async move { store.record_batch(tenant, batch).await });
        self.writing = Some((format, writing));
        Ok(())
    }

    /// Waits for the logons that are being written.
    async fn finish_writing(&mut self, summary: &mut Summary) -> Result<(), store::Error> {
        if let Some((format, writing)) = self.writing.take() {
            let recorded = writing.await.unwrap_or_else(|lost| {
                Err(store::Error::Database { doing: "record logons", source: lost.into() })
            })?;
            summary.add_recorded(format, recorded);
        }
        Ok(())
    }
}
