//! What records carried and hangs on those before: lines of logs, whose years and sessions go on from
//! line to line, and a journal's entries. It is read on the calling thread, in the order of the file.

use std::ops::ControlFlow;

use crate::carrier::Carried;
use crate::jsonl::blocks::Block;
use crate::live::Memory;
use crate::record::Records;
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::{Format, journal, textlog};

/// Reads it.
pub(crate) struct Sequence<'a> {
    text: textlog::Reader<'a>,
    journal: journal::Reader<'a>,
    /// What is remembered of a sender, whose records may be read by several calls at once.
    memory: Option<&'a Memory>,
}

impl<'a> Sequence<'a> {
    /// For a file, or what a sender sends.
    pub(crate) fn new(session: &Session<'a>) -> Self {
        Self {
            text: textlog::Reader::new(session),
            journal: journal::Reader::new(session.options),
            memory: session.memory(),
        }
    }

    /// The same for a file of lines of this format.
    pub(crate) fn of_lines(session: &Session<'a>, format: Format) -> Self {
        let mut sequence = Self::new(session);
        sequence.text.format = format;
        sequence
    }

    /// Reads a block of lines.
    pub(crate) fn block(&mut self, block: Block) -> (Outcome, Vec<u8>) {
        self.in_turn(|sequence| {
            let (mut outcome, buffer) = sequence.text.block(block);
            sequence.rest(&mut outcome);
            (outcome, buffer)
        })
    }

    /// Reads what was put aside in reading a part, and what that carries in turn.
    pub(crate) fn settle(&mut self, records: &Records<'_>, outcome: &mut Outcome) {
        if outcome.carried.is_empty() {
            return;
        }
        self.in_turn(|sequence| {
            while !outcome.carried.is_empty() {
                for (position, carried) in std::mem::take(&mut outcome.carried) {
                    sequence.piece(records, carried, position, outcome);
                }
            }
            sequence.rest(outcome);
        });
    }

    fn piece(
        &mut self,
        records: &Records<'_>,
        carried: Carried,
        position: Position,
        outcome: &mut Outcome,
    ) {
        match carried {
            Carried::Text(text) => self.text.line(text.as_bytes(), position, outcome),
            Carried::Journal(entry) => {
                if let Err(error) = self.journal.entry(&entry, outcome) {
                    outcome.rejects.push(position, error);
                }
            }
            Carried::Xml(xml) => records.xml(&xml, position, outcome),
            // Its depth goes on from the line, so that this ends.
            Carried::Json(json, hints) => {
                let hints = hints.deeper();
                records.read(&json, json.as_bytes(), &hints, position, outcome);
            }
        }
    }

    /// Nothing of a sender's waits for what is to come.
    fn rest(&mut self, outcome: &mut Outcome) {
        if self.memory.is_some() {
            self.text.finish(outcome);
        }
    }

    /// The end of the file: what waited for more.
    pub(crate) fn end(
        &mut self,
        flow: ControlFlow<()>,
        file: &mut OpenFile<'_, '_>,
    ) -> ControlFlow<()> {
        flow?;
        let mut outcome = Outcome::default();
        self.text.finish(&mut outcome);
        file.take(outcome)
    }

    /// What a person should know of how lines were read.
    pub(crate) fn warn(&mut self, file: &mut OpenFile<'_, '_>) {
        self.text.warn(file);
    }

    /// Works with what is remembered of a sender, while its other calls wait.
    fn in_turn<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let Some(memory) = self.memory else {
            return work(self);
        };
        let mut kept = memory.lock();
        std::mem::swap(&mut self.journal.waiting, &mut kept.journal);
        self.text.go_on(&mut kept);
        let done = work(self);
        std::mem::swap(&mut self.journal.waiting, &mut kept.journal);
        self.text.leave(&mut kept);
        done
    }
}
