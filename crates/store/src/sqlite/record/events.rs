//! Writing the events of a batch, each once.

use inventory::time::SECONDS_PER_DAY;
use rusqlite::{CachedStatement, Connection, params};

use super::Batch;
use super::event::{Added, Event};
use crate::Recorded;
use crate::sqlite::Failure;

/// The statements that every event needs.
struct Statements<'c> {
    insert: CachedStatement<'c>,
    same: CachedStatement<'c>,
}

impl Batch<'_> {
    /// Writes the events that are new, in the order of the table's key.
    pub(super) fn add_events(&mut self, events: &[Event], parts: usize) -> Result<Added, Failure> {
        let mut added = Added { recorded: vec![Recorded::default(); parts], ..Added::default() };
        let mut statements = Statements::of(self.db)?;
        let mut before: Option<&Event> = None;
        for event in events {
            // Of two that may be one within the batch the second finds the first in the table.
            let is_alone = before.is_none_or(|before| !before.is_beside(event));
            before = Some(event);
            if is_alone && self.is_outside(event)? && statements.insert(event)? {
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

    /// Whether an event happened before or after everything that was known of its relation, so that
    /// the database cannot have it. Most logs tell what is later than what is known.
    fn is_outside(&mut self, event: &Event) -> Result<bool, Failure> {
        if self.doubts.joined.contains_key(&event.machine) {
            // Its relations are those of the machine that it is shown as.
            return Ok(false);
        }
        let second = i64::from(event.day) * SECONDS_PER_DAY + i64::from(event.second);
        let span = self.known.span(self.db, (event.account, event.machine))?;
        Ok(span.is_none_or(|(first, last)| second < first || last < second))
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
                 WHERE day = ?1 AND quarter = ?10 AND account = ?2 AND machine = ?3
                 AND second = ?4 AND session = ?5 AND record = ?6",
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
                event.remote,
                event.quarter
            ])?;
        Ok(event.fraction > fraction)
    }
}

impl<'c> Statements<'c> {
    fn of(db: &'c Connection) -> Result<Self, Failure> {
        Ok(Self {
            insert: db.prepare_cached(
                "INSERT OR IGNORE INTO event (day, quarter, account, machine, second, session,
                     record, fraction, logon_type, remote, source)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?,
            same: db.prepare_cached(
                "SELECT record, fraction FROM event WHERE day = ?1 AND quarter = ?2
                 AND account = ?3 AND machine = ?4 AND second = ?5 AND session = ?6
                 ORDER BY record",
            )?,
        })
    }

    /// Writes an event, unless there is one with its key.
    fn insert(&mut self, event: &Event) -> Result<bool, Failure> {
        let inserted = self.insert.execute(params![
            event.day,
            event.quarter,
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
                params![
                    event.day,
                    event.quarter,
                    event.account,
                    event.machine,
                    event.second,
                    event.session
                ],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?
            .filter(|row| row.as_ref().map_or(true, |&(record, _)| event.may_be(record)))
            // The same record number is a better match than none.
            .try_fold(None, |best, row: rusqlite::Result<(i64, i32)>| match (best, row?) {
                (Some(best), row) if row.0 != event.record => Ok(Some(best)),
                (_, row) => Ok(Some(row)),
            })
    }
}
