//! `footfall watch`: follows files, folders and the journal, and remembers how far each was read.
//!
//! The one idea: a place is kept only once what stands before it is on the disk. Whatever ends the
//! program, the next run reads again what was not kept, and the store knows what it has. A pass looks at
//! everything that is followed; the system's word that something changed (`notify`) makes the next pass
//! come at once, and without it one comes every second.
//!
//! `targets` finds files, `file` reads one, `places` is what is remembered, `journal` asks journalctl,
//! `report` tells.

mod file;
mod journal;
mod places;
mod report;
mod targets;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use intake::{Intake, Origin, Outcome as Taken, Refusal};
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use notify::Watcher as _;
use server::clock::{Clock, SystemClock};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use self::file::{File, Turn};
use self::places::{FileId, Places};
use self::report::{Event, Report};
use self::targets::Targets;
use crate::cli::Watch;
use crate::config::Config;
use crate::output::Outcome;
use crate::place::Place;
use crate::signal::{self, Interrupts};

/// How often everything is looked at when the system tells of no change: it tells of none on network
/// file systems, nor when it has no more watches to give.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Changes that come together are looked at together.
const SETTLE: Duration = Duration::from_millis(50);
/// Files that are read at once; their commits are shared.
const AT_ONCE: usize = 8;
/// Batches of a file before others have their turn.
const TURN: usize = 16;
/// How often the retention is applied.
const RETENTION_EVERY: Duration = Duration::from_secs(3600);

/// What the parts of a watch share.
struct Context {
    intake: Intake,
    tenant: TenantId,
    places: Places,
    report: Report,
    is_once: bool,
    stop: AtomicBool,
    wake: Notify,
}

impl Context {
    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn origin(&self, name: &str) -> Origin {
        Origin::new(self.tenant, "watch", name)
    }
}

/// Follows until interrupted, or once.
pub(crate) async fn run(config: &Config, args: &Watch) -> anyhow::Result<Outcome> {
    let program = match args.journal {
        true => {
            Some(journal::program().context("journalctl, which reads the journal, is not here")?)
        }
        false => None,
    };
    let place = Place::open(config).await?;
    let tenant = place.tenant.number;
    let settings = intake::Settings {
        options: crate::import::options(config, &args.reading),
        ..intake::Settings::default()
    };
    let context = Arc::new(Context {
        intake: Intake::start(Arc::clone(&place.store), settings),
        tenant,
        places: Places::load(Arc::clone(&place.store), tenant).await?,
        report: Report::new(args.json, args.once),
        is_once: args.once,
        stop: AtomicBool::new(false),
        wake: Notify::new(),
    });
    stop_on_interrupt(&context)?;
    signal::ignore_hangups("the watch")?;
    let _watcher = (!args.once).then(|| watch_for_changes(&context, &args.paths));
    let following =
        program.map(|program| tokio::spawn(journal::follow(Arc::clone(&context), program)));
    let mut watch = Watching {
        context: Arc::clone(&context),
        targets: Targets::new(&args.paths),
        files: HashMap::new(),
    };
    let mut retention = tokio::time::interval(RETENTION_EVERY);
    loop {
        let is_more = watch.pass().await;
        context.places.save().await?;
        if context.is_stopping() || args.once && !is_more {
            break;
        }
        if is_more {
            continue;
        }
        tokio::select! {
            () = context.wake.notified() => tokio::time::sleep(SETTLE).await,
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = retention.tick() => {
                crate::retention::apply(config, &*place.store, tenant).await?;
            }
        }
    }
    if let Some(following) = following {
        // It has written what it read when it ends.
        following.await.context("the journal")?;
        context.places.save().await?;
    }
    context.intake.flush().await;
    if args.once {
        crate::retention::apply(config, &*place.store, tenant).await?;
    }
    context.report.finish()?;
    Ok(if context.report.has_failed() { Outcome::Failed } else { Outcome::Done })
}

/// The first interrupt ends the watch once what was read is written, the second one at once.
fn stop_on_interrupt(context: &Arc<Context>) -> std::io::Result<()> {
    let context = Arc::clone(context);
    let mut interrupts = Interrupts::new()?;
    tokio::spawn(async move {
        interrupts.next().await;
        context.stop.store(true, Ordering::Relaxed);
        context.wake.notify_waiters();
        context.wake.notify_one();
        interrupts.next().await;
        std::process::exit(Outcome::Interrupted.code().into());
    });
    Ok(())
}

/// Asks the system to tell of changes. Where it does not, [`LOOK_EVERY`] has to do.
fn watch_for_changes(
    context: &Arc<Context>,
    paths: &[PathBuf],
) -> Option<notify::RecommendedWatcher> {
    let shared = Arc::clone(context);
    let told = move |event: notify::Result<notify::Event>| {
        // Our own reading is no change.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            shared.wake.notify_one();
        }
    };
    let mut watcher = notify::recommended_watcher(told)
        .inspect_err(|error| tracing::info!(%error, "the system tells of no changes"))
        .ok()?;
    for path in paths {
        let is_folder = path.is_dir();
        // A file is replaced in its folder; one that does not exist yet comes to be there.
        let folder = if is_folder { Some(path.as_path()) } else { path.parent() };
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(std::path::Path::new("."));
        let mode = match is_folder {
            true => notify::RecursiveMode::Recursive,
            false => notify::RecursiveMode::NonRecursive,
        };
        if let Err(error) = watcher.watch(folder, mode) {
            tracing::info!(%error, folder = %folder.display(), "the system tells of no changes");
        }
    }
    Some(watcher)
}

/// Everything that is followed.
struct Watching {
    context: Arc<Context>,
    targets: Targets,
    files: HashMap<FileId, File>,
}

impl Watching {
    /// Looks at everything and reads what is new; whether there is more.
    async fn pass(&mut self) -> bool {
        // Before anything is looked at: what is written later is younger than what is kept now.
        let now = SystemClock.now();
        let found = self.targets.find(&self.context.places, &self.context.report);
        let mut due = Vec::new();
        for target in found {
            let id = target.id.clone();
            let file = self.files.remove(&id);
            let mut file = match file {
                Some(file) => file,
                None => {
                    let file = File::new(target.clone(), self.context.places.of(&target));
                    // Kept with the places of others, so that it is not taken for one from before.
                    self.context.places.keep(file.place(now));
                    file
                }
            };
            file.is_at(target);
            due.push((id, file));
        }
        // What is in no watched place any more was rotated away: its rest is read while it is open.
        due.extend(self.files.drain().filter(|(_, file)| file.is_worth_keeping()));
        let mut is_more = false;
        let mut turns = JoinSet::new();
        let mut waiting = due.into_iter();
        loop {
            while turns.len() < AT_ONCE
                && let Some((id, mut file)) = waiting.next()
            {
                if self.context.is_stopping() || !file.is_due(self.context.is_once) {
                    self.files.insert(id, file);
                    continue;
                }
                let context = Arc::clone(&self.context);
                turns.spawn(async move { (id, turn(&context, file, now).await) });
            }
            match turns.join_next().await {
                Some(Ok((id, (file, more)))) => {
                    is_more |= more;
                    self.files.insert(id, file);
                }
                // It is found again in the next pass.
                Some(Err(error)) => tracing::error!(%error, "a file was left to a defect"),
                None => return is_more && !self.context.is_stopping(),
            }
        }
    }
}

/// Reads what is new in a file, in a pass that began at `now`; whether there is more.
async fn turn(context: &Arc<Context>, mut file: File, now: Timestamp) -> (File, bool) {
    for _ in 0..TURN {
        let shared = Arc::clone(context);
        let read = tokio::task::spawn_blocking(move || {
            let turn = file.read(shared.is_once, &shared.places);
            (file, turn)
        });
        let read = match read.await {
            Ok(read) => read,
            Err(defect) => std::panic::resume_unwind(defect.into_panic()),
        };
        let turn;
        (file, turn) = read;
        for event in file.take_events() {
            context.report.tell(&event);
        }
        match turn {
            Ok(Turn::Nothing | Turn::Unsettled) => return (file, false),
            Ok(Turn::Lines(batch)) => {
                let origin = context.origin(&file.source());
                let (records, came) = (batch.records.clone(), SystemClock.now());
                let taken =
                    context.intake.records_patiently(&origin, came, records, batch.unreadable);
                let taken = taken.await;
                let Ok(taken) = taken else { return (file, false) };
                file.done(&batch);
                context.places.keep(file.place(now));
                context.report.tell(&Event::Read { path: &file.source(), taken: &taken });
            }
            Ok(Turn::Whole(reader)) => {
                let taken = whole(context, &file, reader).await;
                if let Some(taken) = taken {
                    file.done_whole();
                    context.places.keep(file.place(now));
                    context.report.tell(&Event::Imported { path: &file.source(), taken: &taken });
                } else {
                    file.look_again();
                }
                return (file, false);
            }
            Ok(Turn::Known) => {
                context.places.keep(file.place(now));
                return (file, false);
            }
            Err(error) => {
                context.report.tell(&Event::Failed { path: &file.path(), error: &error });
                return (file, false);
            }
        }
        if context.is_stopping() {
            return (file, false);
        }
    }
    (file, true)
}

/// Imports a file that is read from its start; `None` when that is to be tried again.
async fn whole(context: &Context, file: &File, reader: std::fs::File) -> Option<Taken> {
    let (origin, name) = (context.origin(&file.source()), file.path());
    let taken = context.intake.named_file(&origin, &name, SystemClock.now(), || Ok(reader)).await;
    match taken {
        Ok(taken) => Some(taken),
        Err(Refusal::Busy) => None,
        Err(error) => {
            let error = std::io::Error::other(error);
            context.report.tell(&Event::Failed { path: &name, error: &error });
            None
        }
    }
}
