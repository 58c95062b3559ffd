//! From bytes to deliveries, on threads that may block: of records as many at once as there are cores,
//! of files, which come as slowly as they like, so many as have a place.

use std::collections::HashMap;
use std::io::Read;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use ingest::live::Memory;
use ingest::reject::{Reject, Skipped};
use ingest::{FileReport, Format, Options, Receiver};
use inventory::ids::TenantId;
use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::session::SessionEvent;
use inventory::time::Timestamp;
use store::{Counts, Delivery, Recorded, SenderKey};
use tokio::sync::mpsc;

use crate::{Intake, Origin, Refusal};

/// Senders whose memory is kept; beyond that all are forgotten, which costs a doubled logon at worst.
const MAX_MEMORIES: usize = 10_000;
/// Things of a file that are written at once.
const PART: usize = 10_000;
/// Warnings that a sender is told at most.
const MAX_WARNINGS: usize = 20;
/// Rejects that a sender is told one by one.
const MAX_REJECTED: usize = 10_000;

/// What a file is called that has no name.
pub const BODY: &str = "the body";

/// What is remembered of each sender's records.
#[derive(Default)]
pub(crate) struct Memories(Mutex<HashMap<(TenantId, SenderKey), Arc<Memory>>>);

impl Memories {
    fn of(&self, origin: &Origin) -> Arc<Memory> {
        let mut memories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memories.len() >= MAX_MEMORIES {
            memories.clear();
        }
        Arc::clone(memories.entry((origin.tenant, origin.sender.clone())).or_default())
    }
}

/// A record or a piece of a file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The file, where it is a member of an archive.
    pub name: String,
    /// The number of the record or line, from 1; `None` for other positions, which the reason tells.
    pub number: Option<u64>,
    /// Why, for a person.
    pub reason: String,
}

/// What became of what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many of what.
    pub counts: Counts,
    /// Failed logons among the records.
    pub failures: u64,
    /// What could not be read; of very many the first.
    pub rejected: Vec<Rejected>,
    /// Files, or members of an archive, that are of no kind that is read, and why.
    pub skipped: Vec<String>,
    /// What was assumed and a person may know better.
    pub warnings: Vec<String>,
}

impl Outcome {
    /// Why nothing of what was sent was understood; `None` where something was, or nothing was to be.
    pub fn not_understood(&self) -> Option<String> {
        let Counts { received, rejected, .. } = self.counts;
        let reasons: Vec<&str> = match (received == rejected, self.rejected.first()) {
            (false, _) => return None,
            (true, Some(first)) => vec![&first.reason],
            (true, None) => self.skipped.iter().map(String::as_str).collect(),
        };
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

fn options_of(intake: &Intake, origin: &Origin, now: Timestamp) -> Options {
    let mut options = intake.0.settings.options.clone();
    options.rule.latest = now.plus_seconds(intake.0.settings.max_ahead_s.into());
    options.threads = NonZeroUsize::MIN;
    if origin.timezone.is_some() {
        options.timezone.clone_from(&origin.timezone);
    }
    if origin.device.is_some() {
        options.device.clone_from(&origin.device);
    }
    options
}

/// See [`Intake::records`].
pub(crate) async fn records(
    intake: &Intake,
    origin: &Origin,
    now: Timestamp,
    records: Vec<Bytes>,
) -> Result<Outcome, Refusal> {
    let (outcome, delivery) = read(intake, origin, now, records).await?;
    write(intake, outcome, delivery).await
}

/// See [`Intake::records_patiently`]. They are read once, however often it is tried to write them: what
/// is remembered of a sender would be another the second time.
pub(crate) async fn records_patiently(
    intake: &Intake,
    origin: &Origin,
    now: Timestamp,
    records: Vec<Bytes>,
    unreadable: u64,
) -> Result<Outcome, Refusal> {
    let (mut outcome, mut delivery) = read(intake, origin, now, records).await?;
    for counts in [&mut outcome.counts, &mut delivery.read] {
        counts.received += unreadable;
        counts.rejected += unreadable;
    }
    let others = others(&delivery);
    let recorded = intake.deliver_patiently(delivery).await?;
    Ok(counted(outcome, recorded, others))
}

async fn read(
    intake: &Intake,
    origin: &Origin,
    now: Timestamp,
    records: Vec<Bytes>,
) -> Result<(Outcome, Delivery), Refusal> {
    let options = options_of(intake, origin, now);
    let memory = intake.0.memories.of(origin);
    let delivery = Delivery::new(origin.tenant, origin.sender.clone(), now);
    on_a_thread(intake, move || {
        let mut found = Found { outcome: Outcome::default(), delivery };
        let name = found.delivery.sender.name.clone();
        let records = records.iter().map(|record| &record[..]);
        let _ = ingest::live::read(records, &name, now, &options, &memory, &mut found);
        found.into_parts()
    })
    .await
}

/// Writes a delivery and adds what became of it to the outcome.
async fn write(intake: &Intake, outcome: Outcome, delivery: Delivery) -> Result<Outcome, Refusal> {
    let others = others(&delivery);
    let recorded = intake.deliver(delivery).await?;
    Ok(counted(outcome, recorded, others))
}

/// What of a delivery is no logon.
fn others(delivery: &Delivery) -> u64 {
    (delivery.weight() - delivery.logons.len()) as u64
}

fn counted(mut outcome: Outcome, recorded: Recorded, others: u64) -> Outcome {
    outcome.counts.accepted += recorded.added + others;
    outcome.counts.duplicates += recorded.duplicates;
    outcome
}

/// See [`Intake::file`].
pub(crate) async fn file<R: Read>(
    intake: &Intake,
    origin: &Origin,
    name: &str,
    now: Timestamp,
    open: impl FnOnce() -> std::io::Result<R> + Send + 'static,
) -> Result<Outcome, Refusal> {
    let place = Arc::clone(&intake.0.files).try_acquire_owned().map_err(|_| Refusal::Busy)?;
    // It comes from where logs are written now, as far as anybody knows.
    let options = Options { written: Some(now), ..options_of(intake, origin, now) };
    let empty = Delivery::new(origin.tenant, origin.sender.clone(), now);
    // One part is written while the next is read.
    let (parts, mut read) = mpsc::channel(1);
    let rest = empty.clone();
    let name = name.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let _place = place;
        let found = Found { outcome: Outcome::default(), delivery: rest };
        let mut file = FileParts { found, parts };
        let _ = ingest::read_from(open()?, name, &options, &mut file);
        Ok::<_, std::io::Error>(file.found.into_parts())
    });
    // A refusal ends the reading, too: its next part finds nobody who takes it.
    let writing = async move {
        let mut written = Outcome::default();
        while let Some(part) = read.recv().await {
            written = write(intake, written, part).await?;
        }
        Ok::<_, Refusal>(written)
    };
    let (reading, writing) = tokio::join!(reading, writing);
    let written = writing?;
    let read = reading.map_err(|_| Refusal::Stopped)?;
    let (mut outcome, rest) = read.map_err(|error| Refusal::Unreadable(Arc::new(error)))?;
    outcome.counts.add(&written.counts);
    write(intake, outcome, rest).await
}

/// Runs what takes a core.
async fn on_a_thread<T: Send + 'static>(
    intake: &Intake,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let permit = Arc::clone(&intake.0.readers).acquire_owned().await;
    let permit = permit.map_err(|_| Refusal::Stopped)?;
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    done.await.map_err(|_| Refusal::Stopped)
}

/// Collects what is read.
struct Found {
    outcome: Outcome,
    delivery: Delivery,
}

impl Found {
    /// The outcome, and the delivery with what was counted in reading.
    fn into_parts(self) -> (Outcome, Delivery) {
        let Self { outcome, mut delivery } = self;
        delivery.read = outcome.counts;
        (outcome, delivery)
    }
}

impl Receiver for Found {
    fn logons(&mut self, _: Format, logons: Vec<Logon>) -> ControlFlow<()> {
        self.delivery.logons.extend(logons);
        ControlFlow::Continue(())
    }

    fn reports(&mut self, reports: Vec<MachineReport>) -> ControlFlow<()> {
        self.delivery.reports.extend(reports);
        ControlFlow::Continue(())
    }

    fn changes(&mut self, changes: Vec<SessionEvent>) -> ControlFlow<()> {
        self.delivery.changes.extend(changes);
        ControlFlow::Continue(())
    }

    fn identities(&mut self, identities: Vec<(IdentityReport, Timestamp)>) -> ControlFlow<()> {
        self.delivery.identities.extend(identities);
        ControlFlow::Continue(())
    }

    fn file(&mut self, file: FileReport) {
        let counts = &mut self.outcome.counts;
        counts.received += file.tally.records + file.tally.rejects;
        counts.noise += file.tally.noise;
        counts.rejected += file.tally.rejects;
        self.outcome.failures += file.tally.failures;
        self.delivery.ahead = self.delivery.ahead.max(file.tally.ahead);
    }

    fn skipped(&mut self, skipped: Skipped) {
        if self.outcome.skipped.len() < MAX_WARNINGS {
            self.outcome.skipped.push(format!("{}: {}", skipped.name, skipped.reason));
        }
    }

    fn rejected(&mut self, reject: Reject) {
        use ingest::reject::Position;
        if self.outcome.rejected.len() >= MAX_REJECTED {
            return;
        }
        let number = match reject.position {
            Position::Line(number) | Position::Record(number) | Position::Element(number) => {
                Some(number)
            }
            Position::Chunk(_) | Position::Byte(_) => None,
        };
        let reason = match number {
            Some(_) => reject.reason,
            None => format!("{}: {}", reject.position, reject.reason),
        };
        self.outcome.rejected.push(Rejected { name: reject.name, number, reason });
    }

    fn warning(&mut self, _: &str, text: &str) {
        if self.outcome.warnings.len() < MAX_WARNINGS {
            self.outcome.warnings.push(text.to_owned());
        }
    }

    fn progress(&mut self, _: u64) {}
}

/// The same of a file, which is handed on in parts.
struct FileParts {
    found: Found,
    parts: mpsc::Sender<Delivery>,
}

impl FileParts {
    fn hand_on(&mut self, flow: ControlFlow<()>) -> ControlFlow<()> {
        flow?;
        if self.found.delivery.weight() < PART {
            return ControlFlow::Continue(());
        }
        let of = &self.found.delivery;
        let empty = Delivery::new(of.tenant, of.sender.clone(), of.at);
        let part = std::mem::replace(&mut self.found.delivery, empty);
        match self.parts.blocking_send(part) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

impl Receiver for FileParts {
    fn logons(&mut self, format: Format, logons: Vec<Logon>) -> ControlFlow<()> {
        let flow = self.found.logons(format, logons);
        self.hand_on(flow)
    }

    fn reports(&mut self, reports: Vec<MachineReport>) -> ControlFlow<()> {
        let flow = self.found.reports(reports);
        self.hand_on(flow)
    }

    fn changes(&mut self, changes: Vec<SessionEvent>) -> ControlFlow<()> {
        let flow = self.found.changes(changes);
        self.hand_on(flow)
    }

    fn identities(&mut self, identities: Vec<(IdentityReport, Timestamp)>) -> ControlFlow<()> {
        let flow = self.found.identities(identities);
        self.hand_on(flow)
    }

    fn file(&mut self, file: FileReport) {
        self.found.file(file);
    }

    fn skipped(&mut self, skipped: Skipped) {
        self.found.skipped(skipped);
    }

    fn rejected(&mut self, reject: Reject) {
        self.found.rejected(reject);
    }

    fn warning(&mut self, name: &str, text: &str) {
        self.found.warning(name, text);
    }

    fn progress(&mut self, bytes: u64) {
        self.found.progress(bytes);
    }
}
