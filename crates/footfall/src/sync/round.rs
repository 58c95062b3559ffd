//! A round: which machines there are and when they were seen, then the users of each that changed.

use std::collections::HashSet;
use std::io::Cursor;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ingest::Options;
use inventory::ids::{MachineId, TenantId};
use inventory::rule::Rule;
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use server::clock::{Clock, SystemClock};
use store::{Store, SyncMachine, SyncOutcome, SyncProgress, SyncWalk};

use super::api::{Api, Error, Kind};
use super::client::Fault;
use super::display::Display;
use super::page::Page;
use super::summary::{Calls, Summary};
use super::watch::{Seen, Watch};
use crate::config::Config;
use crate::import::{self, take_in};
use crate::place::Place;

/// Pages of a list in sequence that tell of no other machines: the source does not turn over.
const MAX_STALE_PAGES: u32 = 3;
/// Pages of a machine's users at most.
const MAX_USER_PAGES: u32 = 1000;
/// Machines without an answer in sequence after which it is the source that has none.
const MAX_IN_SEQUENCE: u32 = 3;
/// Machines that are taken from the store at once.
const DUE_AT_ONCE: usize = 100;

pub(super) struct Round<'a, 'b> {
    api: &'a mut Api<'b>,
    store: &'a Arc<dyn Store>,
    tenant: TenantId,
    rule: Rule,
    /// How far ahead of now a time may lie, in seconds: a round can take days.
    max_ahead_s: u32,
    display: &'a Display,
    /// Whether every machine and its users are asked again.
    full: bool,
    summary: Summary,
}

impl<'a, 'b> Round<'a, 'b> {
    pub(super) fn new(
        config: &Config,
        api: &'a mut Api<'b>,
        place: &'a Place,
        display: &'a Display,
        full: bool,
    ) -> Self {
        api.calls = Calls::default();
        Self {
            api,
            store: &place.store,
            tenant: place.tenant.number,
            rule: config.rule(SystemClock.now()),
            max_ahead_s: config.rule.max_ahead.get(),
            display,
            full,
            summary: Summary::default(),
        }
    }

    pub(super) async fn run(&mut self) -> anyhow::Result<()> {
        self.walk().await?;
        self.ask_users().await
    }

    /// What was done, however it ended.
    pub(super) async fn finish(mut self) -> Result<Summary, store::Error> {
        let source = &self.api.source;
        self.summary.left = self.store.count_sync_due(self.tenant, source).await?;
        self.summary.mark = self.store.sync_progress(self.tenant, source).await?.mark;
        self.summary.calls = self.api.calls;
        Ok(self.summary)
    }

    /// Walks over the machines, or goes on where the last walk was stopped.
    ///
    /// Links are followed where there are some; they miss nothing (ADR 15). The vendor gives none, so it
    /// goes on with `$skip` from what it has read until a page is empty: a page that is merely short ends
    /// nothing. A machine that is seen again meanwhile may slip by there. But then it was seen after the
    /// walk began, and the mark is never later than that: the next walk has it.
    async fn walk(&mut self) -> anyhow::Result<()> {
        let source = self.api.source.clone();
        let mut progress = self.store.sync_progress(self.tenant, &source).await?;
        let begun = progress.walk.take().filter(|walk| walk.again || !self.full);
        let mut is_resumed = begun.as_ref().is_some_and(|walk| walk.next.is_some());
        let mut walk = begun.unwrap_or_else(|| self.begin(&progress, self.full));
        let mut known = HashSet::new();
        let mut stale = 0;
        loop {
            let url = walk.next.clone().unwrap_or_else(|| self.url(&walk));
            let page = match self.api.page(Kind::Machines, &url, self.display).await {
                Err(error) if is_resumed && is_about(&error) => {
                    // The source has forgotten the place.
                    walk = self.begin(&progress, walk.again);
                    is_resumed = false;
                    continue;
                }
                page => page?,
            };
            is_resumed = false;
            let is_end = page.rows == 0 && page.next.is_none();
            walk.begun = walk.begun.or(page.date);
            walk.rows += page.rows;
            walk.next = page.next.clone();
            let listed = self.take(&url, page, None).await?.machines();
            self.summary.listed += listed.len() as u64;
            self.display.listed(walk.rows);
            let before = |seen: Timestamp| walk.begun.is_some_and(|begun| seen <= begun);
            let seen = listed.iter().map(|machine| machine.last_seen).filter(|seen| before(*seen));
            walk.last_seen = walk.last_seen.max(seen.max());
            let news = listed.iter().filter(|machine| known.insert(machine.id)).count();
            stale = if news == 0 && !is_end { stale + 1 } else { 0 };
            if stale > MAX_STALE_PAGES {
                // The next one begins anew, and not in the circle.
                progress.walk = None;
                self.store.save_sync(self.tenant, &source, &progress, listed).await?;
                return Err(Error::refused(&url, Fault::Endless).into());
            }
            self.summary.is_whole = walk.since.is_none();
            if is_end {
                progress.mark = progress.mark.max(walk.last_seen);
                if walk.since.is_none() {
                    progress.listed = walk.begun;
                }
            }
            progress.walk = (!is_end).then(|| walk.clone());
            self.store.save_sync(self.tenant, &source, &progress, listed).await?;
            if is_end {
                return Ok(());
            }
        }
    }

    /// A new walk: over all machines, or over those that were seen since the last one.
    fn begin(&self, progress: &SyncProgress, again: bool) -> SyncWalk {
        let settings = self.api.settings;
        let later = |time: Timestamp, seconds: u32| {
            time.ticks().saturating_add(i64::from(seconds) * TICKS_PER_SECOND)
        };
        let listed = progress.listed.map(|listed| later(listed, settings.list_all_every_s));
        let since =
            progress.mark.filter(|mark| !again && listed.is_some_and(|until| mark.ticks() < until));
        let overlap_s = i64::from(settings.overlap_s);
        SyncWalk {
            since: since.map(|mark| mark.plus_seconds(-overlap_s).unwrap_or(Timestamp::MIN)),
            again,
            ..SyncWalk::default()
        }
    }

    /// The next page of a walk for which there is no link.
    fn url(&self, walk: &SyncWalk) -> String {
        let mut options = Vec::new();
        if let Some(since) = walk.since {
            options.push(format!("$filter=lastSeen%20ge%20{}", since.whole_second()));
        }
        if walk.rows > 0 {
            options.push(format!("$top={}&$skip={}", self.api.settings.page_rows, walk.rows));
        }
        let mark = if options.is_empty() { "" } else { "?" };
        format!("{}/api/machines{mark}{}", self.api.settings.url, options.join("&"))
    }

    /// Asks for the users of every machine that is due, each once.
    async fn ask_users(&mut self) -> anyhow::Result<()> {
        let source = self.api.source.clone();
        self.summary.due = self.store.count_sync_due(self.tenant, &source).await?;
        self.display.ask(self.summary.due);
        let mut failed: HashSet<MachineId> = HashSet::new();
        let mut in_sequence = 0;
        loop {
            let most = u32::try_from(DUE_AT_ONCE + failed.len()).unwrap_or(u32::MAX);
            let mut due = self.store.sync_due(self.tenant, &source, most).await?;
            due.retain(|machine| !failed.contains(&machine.id));
            if due.is_empty() {
                return Ok(());
            }
            for machine in due {
                let mut stopped = None;
                let outcome = match self.users_of(machine).await {
                    Ok(()) => {
                        self.summary.asked += 1;
                        SyncOutcome::Done
                    }
                    // One that says something knows that it has no such machine (defender-api.md §4).
                    Err(error) if status(&error) == Some((404, false)) => {
                        self.summary.gone += 1;
                        SyncOutcome::Done
                    }
                    Err(error) if error.downcast_ref().is_some_and(is_about) => {
                        self.display.note(&format!("machine {}: {error:#}", machine.id));
                        self.summary.failed += 1;
                        failed.insert(machine.id);
                        stopped = Some(error).filter(|_| in_sequence + 1 == MAX_IN_SEQUENCE);
                        SyncOutcome::Failed
                    }
                    Err(error) => return Err(error),
                };
                in_sequence = if outcome == SyncOutcome::Failed { in_sequence + 1 } else { 0 };
                self.store.note_sync(self.tenant, &source, machine, outcome).await?;
                self.display.asked();
                if let Some(error) = stopped {
                    return Err(error);
                }
            }
        }
    }

    /// Asks for the users of a machine and records them, all pages of them.
    async fn users_of(&mut self, machine: SyncMachine) -> anyhow::Result<()> {
        let id = machine.id;
        let mut url = format!("{}/api/machines/{id}/logonusers", self.api.settings.url);
        for _ in 0..MAX_USER_PAGES {
            let page = self.api.page(Kind::LogonUsers, &url, self.display).await?;
            let next = page.next.clone();
            self.take(&url, page, Some(id)).await?;
            match next {
                None => return Ok(()),
                Some(next) => url = next,
            }
        }
        Err(Error::refused(&url, Fault::Endless).into())
    }

    /// Records what a page tells, as an import of it would.
    async fn take(
        &mut self,
        url: &str,
        page: Page,
        machine: Option<MachineId>,
    ) -> anyhow::Result<Seen> {
        if page.rows == 0 {
            return Ok(Seen::default());
        }
        let latest = SystemClock.now().plus_seconds(self.max_ahead_s.into());
        let rule = Rule { latest, ..self.rule.clone() };
        let options = Options { rule, threads: NonZeroUsize::MIN, ..Options::default() };
        // By it the import knows whose users they are.
        let name = match machine {
            Some(id) => format!("/api/machines/{id}/logonusers"),
            None => "/api/machines".to_owned(),
        };
        let read = move |receiver: &mut dyn ingest::Receiver| {
            let mut watch = Watch { seen: Seen::default(), receiver };
            // Where it stopped, it says in `seen`.
            let _ = ingest::read_from(Cursor::new(page.body), name, &options, &mut watch);
            watch.seen
        };
        let never = Arc::new(AtomicBool::new(false));
        let mut summary = import::Summary::default();
        let progress = self.display.progress();
        let taken = take_in(read, self.store, self.tenant, &mut summary, &progress, &never).await?;
        let recorded = summary.recorded();
        self.summary.recorded.added += recorded.added;
        self.summary.recorded.duplicates += recorded.duplicates;
        self.summary.rejects += summary.rejects();
        match taken.unwrap_or_default() {
            seen if seen.is_foreign => Err(Error::refused(url, Fault::Foreign).into()),
            seen => Ok(seen),
        }
    }
}

fn status(error: &anyhow::Error) -> Option<(u16, bool)> {
    error.downcast_ref::<Error>().and_then(Error::status)
}

/// Whether it is about what was asked, so that others may still be had; and neither about who asks, nor
/// about the whole of the source, nor about this side.
fn is_about(error: &Error) -> bool {
    match error {
        Error::GivenUp { fault, .. } => {
            !matches!(fault, Fault::Connection(_) | Fault::Status { status: 429, .. })
        }
        Error::Refused { fault: Fault::Status { status, .. }, .. } => {
            !matches!(status, 300..=399 | 401 | 403)
        }
        Error::Refused { .. } => true,
        Error::NoToken { .. } | Error::Store(_) => false,
    }
}
