//! One reading of a text of records: where it is, and what it found.

use std::fmt;
use std::ops::ControlFlow;

use crate::carrier::Carried;
use crate::reject::Position;
use crate::session::Outcome;

/// What is told after each record; it may break.
pub(super) type After<'f> = dyn FnMut(&mut Outcome) -> ControlFlow<()> + 'f;

/// One reading of a text.
pub(super) struct Walk<'w> {
    pub(super) outcome: &'w mut Outcome,
    /// Where the text stands.
    pub(super) position: Position,
    /// The bytes of the whole text as they came.
    pub(super) raw: &'w [u8],
    /// The text is one of several records, and this the number of the last one that was begun.
    pub(super) inside: Option<u64>,
    /// What of a document comes after one another is numbered by itself.
    pub(super) is_document: bool,
    pub(super) after: &'w mut After<'w>,
    pub(super) flow: ControlFlow<()>,
}

impl<'w> Walk<'w> {
    /// A record begins.
    pub(super) fn number(&mut self) {
        if let Some(number) = &mut self.inside {
            *number += 1;
        }
    }

    /// Where it stands.
    pub(super) fn place(&self) -> Position {
        match (self.is_document, self.inside) {
            (true, Some(number)) => Position::Record(number),
            _ => self.position,
        }
    }

    pub(super) fn reject(&mut self, reason: impl fmt::Display) {
        let place = self.place();
        match self.inside.filter(|_| !self.is_document) {
            Some(number) => {
                self.outcome.rejects.push(place, format_args!("its record {number}: {reason}"));
            }
            None => self.outcome.rejects.push(place, reason),
        }
    }

    /// The bytes of a record: as they came, where it came alone.
    pub(super) fn raw_of<'j>(&self, json: &'j str) -> &'j [u8]
    where
        'w: 'j,
    {
        if self.raw.len() == json.len() { self.raw } else { json.as_bytes() }
    }

    /// A record is read, or is not for a reason.
    pub(super) fn read(&mut self, read: Result<(), impl fmt::Display>) {
        if let Err(error) = read {
            self.reject(error);
        }
        self.done();
    }

    pub(super) fn carry(&mut self, carried: Carried) {
        let place = self.place();
        self.outcome.carried.push((place, carried));
        self.done();
    }

    /// A record is read.
    pub(super) fn done(&mut self) {
        if self.flow.is_continue() {
            self.flow = (self.after)(self.outcome);
        }
    }
}
