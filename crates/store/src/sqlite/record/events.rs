//! Writing the events of a batch, each once.

use rusqlite::params;

use super::Batch;
use super::event::{Added, Event};
use crate::Recorded;
use crate::sqlite::Failure;

impl Batch<'_> {
    /// Writes the events that are new, in the order of the table's key.
    pub(super) fn add_events(&self, events: &[Event], parts: usize) -> Result<Added, Failure> {
        let mut added = Added { recorded: vec![Recorded::default(); parts], ..Added::default() };
        // New events mostly follow new ones, and known ones known ones.
        let mut is_new_likely = true;
        for event in events {
            if is_new_likely && self.insert(event)? {
                added.add(event, &self.doubts)?;
                continue;
            }
            match self.same(event)? {
                None => {
                    is_new_likely = self.insert(event)?;
                    added.add(event, &self.doubts)?;
                }
                Some((record, fraction)) => {
                    is_new_likely = false;
                    added.outcome(event).duplicates += 1;
                    if self.refine(event, record, fraction)? {
                        added.correct(event, &self.doubts);
                    }
                }
            }
        }
        Ok(added)
    }

    /// Writes an event, unless it is there ([`Event::may_be`]).
    fn insert(&self, event: &Event) -> Result<bool, Failure> {
        let inserted = self
            .db
            .prepare_cached(
                "INSERT INTO event (day, account, machine, second, session, record,
                     fraction, logon_type, remote, source)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE NOT EXISTS (
                     SELECT 1 FROM event WHERE day = ?1 AND account = ?2 AND machine = ?3
                     AND second = ?4 AND session = ?5 AND (record = ?6 OR record = 0 OR ?6 = 0))",
            )?
            .execute(params![
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

    /// The record number and the fraction of an event that is there.
    fn same(&self, event: &Event) -> Result<Option<(i64, i64)>, Failure> {
        let mut known = self.db.prepare_cached(
            "SELECT record, fraction FROM event WHERE day = ?1 AND account = ?2
             AND machine = ?3 AND second = ?4 AND session = ?5 ORDER BY record",
        )?;
        let same = known
            .query_map(
                params![event.day, event.account, event.machine, event.second, event.session],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?
            .filter(|row| row.as_ref().map_or(true, |&(record, _)| event.may_be(record)))
            // The same record number is a better match than none.
            .try_fold(None, |best, row: rusqlite::Result<(i64, i64)>| match (best, row?) {
                (Some(best), row) if row.0 != event.record => Ok(Some(best)),
                (_, row) => Ok::<_, rusqlite::Error>(Some(row)),
            })?;
        Ok(same)
    }

    /// Takes what a second sight of an event tells better; `true` when that moves its time.
    fn refine(&self, event: &Event, record: i64, fraction: i64) -> Result<bool, Failure> {
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
