//! Writing the events of a batch, each once.

use inventory::time::TICKS_PER_SECOND;
use rusqlite::{CachedStatement, OptionalExtension, params};

use super::Batch;
use super::event::{Added, Event};
use crate::Recorded;
use crate::sqlite::Failure;
use crate::sqlite::times::DAY;

/// The statements that every event needs.
struct Statements<'c> {
    insert: CachedStatement<'c>,
    same: CachedStatement<'c>,
    span: CachedStatement<'c>,
}

/// When an account was on a machine, as the database has it: an event before or after is new.
struct Span {
    account: i64,
    machine: i64,
    /// The first and the last second since 1970; `None` where it never was.
    seconds: Option<(i64, i64)>,
}

impl Batch<'_> {
    /// Writes the events that are new, in the order of the table's key.
    pub(super) fn add_events(&self, events: &[Event], parts: usize) -> Result<Added, Failure> {
        let mut added = Added { recorded: vec![Recorded::default(); parts], ..Added::default() };
        let mut statements = self.statements()?;
        let mut span = None;
        let mut before: Option<&Event> = None;
        for event in events {
            // Of two that may be one within the batch the second finds the first in the table.
            let is_alone = before.is_none_or(|before| !before.is_beside(event));
            before = Some(event);
            if is_alone
                && self.is_outside(event, &mut span, &mut statements)?
                && statements.insert(event)?
            {
                added.add(event, &self.doubts)?;
                continue;
            }
            match statements.same(event)? {
                None => {
                    statements.insert(event)?;
                    added.add(event, &self.doubts)?;
                }
                Some((record, fraction)) => {
                    added.outcome(event).duplicates += 1;
                    if self.refine(event, record, fraction)? {
                        added.correct(event, &self.doubts);
                    }
                }
            }
        }
        Ok(added)
    }

    fn statements(&self) -> Result<Statements<'_>, Failure> {
        Ok(Statements {
            insert: self.db.prepare_cached(
                "INSERT OR IGNORE INTO event (day, account, machine, second, session, record,
                     fraction, logon_type, remote, source)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?,
            same: self.db.prepare_cached(
                "SELECT record, fraction FROM event WHERE day = ?1 AND account = ?2
                 AND machine = ?3 AND second = ?4 AND session = ?5 ORDER BY record",
            )?,
            span: self.db.prepare_cached(
                "SELECT first_seen, last_seen FROM relation WHERE account = ?1 AND machine = ?2",
            )?,
        })
    }

    /// Whether the relation had neither begun nor been told of when an event happened, so that the
    /// database cannot have it. Most logs tell what is later than everything known.
    fn is_outside(
        &self,
        event: &Event,
        span: &mut Option<Span>,
        statements: &mut Statements<'_>,
    ) -> Result<bool, Failure> {
        let (account, machine) = (event.account, event.machine);
        if self.doubts.joined.contains_key(&machine) {
            // Its relations are those of the machine that it is shown as.
            return Ok(false);
        }
        let known = match span.take() {
            Some(known) if known.account == account && known.machine == machine => known,
            _ => Span { account, machine, seconds: statements.span(account, machine)? },
        };
        let second = i64::from(event.day) * (DAY / TICKS_PER_SECOND) + i64::from(event.second);
        let is_outside = known.seconds.is_none_or(|(first, last)| second < first || last < second);
        *span = Some(known);
        Ok(is_outside)
    }

    /// Takes what a second sight of an event tells better; `true` when that moves its time.
    fn refine(&self, event: &Event, record: i64, fraction: i32) -> Result<bool, Failure> {
        if record >= event.record && fraction >= event.fraction {
            return Ok(false);
        }
        self.db
            .prepare_cached(
                "UPDATE event SET record = max(record, ?7), fraction = max(fraction, ?8),
                     remote = coalesce(remote, ?9)
                 WHERE day = ?1 AND account = ?2 AND machine = ?3 AND second = ?4
                 AND session = ?5 AND record = ?6",
            )?
            .execute(params![
                event.day,
                event.account,
                event.machine,
                event.second,
                event.session,
                record,
                event.record,
                event.fraction,
                event.remote
            ])?;
        Ok(event.fraction > fraction)
    }
}

impl Statements<'_> {
    /// Writes an event, unless there is one with its key.
    fn insert(&mut self, event: &Event) -> Result<bool, Failure> {
        let inserted = self.insert.execute(params![
            event.day,
            event.account,
            event.machine,
            event.second,
            event.session,
            event.record,
            event.fraction,
            event.logon_type,
            event.remote,
            event.source
        ])?;
        Ok(inserted == 1)
    }

    /// The record number and the fraction of an event that is there ([`Event::may_be`]).
    fn same(&mut self, event: &Event) -> Result<Option<(i64, i32)>, Failure> {
        self.same
            .query_map(
                params![event.day, event.account, event.machine, event.second, event.session],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?
            .filter(|row| row.as_ref().map_or(true, |&(record, _)| event.may_be(record)))
            // The same record number is a better match than none.
            .try_fold(None, |best, row: rusqlite::Result<(i64, i32)>| match (best, row?) {
                (Some(best), row) if row.0 != event.record => Ok(Some(best)),
                (_, row) => Ok(Some(row)),
            })
    }

    /// The first and the last second of a relation.
    fn span(&mut self, account: i64, machine: i64) -> Result<Option<(i64, i64)>, Failure> {
        let span = self.span.query_row([account, machine], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        });
        let second = |ticks: i64| ticks.div_euclid(TICKS_PER_SECOND);
        Ok(span.optional()?.map(|(first, last)| (second(first), second(last))))
    }
}
