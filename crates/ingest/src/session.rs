//! One call of [`read`](crate::read()): its options, its receiver, and what a file adds up to.

mod outcome;
#[cfg(test)]
pub(crate) mod told;

use std::cell::Cell;
use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::rc::Rc;

use inventory::time::Timestamp;

use crate::live::Memory;
use crate::pipeline::Panicked;
use crate::reject::{MAX_PER_FILE, Position, Reject, Skipped, printable};
use crate::reports::Reports;
use crate::{FileReport, Format, Options, Receiver, Tally};

pub(crate) use outcome::{Outcome, Part};

/// What all files of an input share.
pub(crate) struct Session<'a> {
    pub(crate) options: &'a Options,
    receiver: &'a mut dyn Receiver,
    /// Bytes read of the input itself.
    meter: Rc<Cell<u64>>,
    /// How many there are to read, where that is known.
    size_bytes: Option<u64>,
    told_bytes: u64,
    written: Option<Timestamp>,
    /// What is known of the records before these, where they come one by one.
    memory: Option<&'a Memory>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        options: &'a Options,
        receiver: &'a mut dyn Receiver,
        size_bytes: Option<u64>,
    ) -> Self {
        Self {
            size_bytes,
            options,
            receiver,
            meter: Rc::default(),
            told_bytes: 0,
            written: None,
            memory: None,
        }
    }

    /// Reads records that come one by one, after those that are remembered.
    pub(crate) fn go_on(&mut self, memory: &'a Memory) {
        self.memory = Some(memory);
    }

    /// What readers go on from; `None` where a file is read from its start.
    pub(crate) fn memory(&self) -> Option<&'a Memory> {
        self.memory
    }

    /// The counter for the reader of the input itself.
    pub(crate) fn meter(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.meter)
    }

    /// When the file that is read was written, where that is known.
    pub(crate) fn written(&self) -> Option<Timestamp> {
        self.written
    }

    /// Reads a file that was written then. Archives of reproducible builds, and writers without a
    /// clock, give dates before there were any: what is known of the archive stands.
    pub(crate) fn as_written<R>(
        &mut self,
        written: Option<Timestamp>,
        read: impl FnOnce(&mut Self) -> R,
    ) -> R {
        /// 2000-01-01
        const FIRST_SECOND: i64 = 946_684_800;
        let outer = self.written;
        self.written = written.filter(|time| time.seconds() >= FIRST_SECOND).or(outer);
        let result = read(self);
        self.written = outer;
        result
    }

    pub(crate) fn skipped(&mut self, name: &str, reason: impl Into<String>) {
        self.receiver.skipped(Skipped::new(name, reason));
        self.progress();
    }

    /// Tells the bytes read since the last time, never more than there are: of a zip some are
    /// read twice.
    pub(crate) fn progress(&mut self) {
        let done = self.meter.get().min(self.size_bytes.unwrap_or(u64::MAX));
        if done > self.told_bytes {
            self.receiver.progress(done - self.told_bytes);
            self.told_bytes = done;
        }
    }

    /// The input is done with: whatever of it did not have to be read counts as done too.
    pub(crate) fn finish(&mut self) {
        if let Some(size_bytes) = self.size_bytes {
            self.meter.set(size_bytes);
        }
        self.progress();
    }
}

/// What the records of a text file are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pieces {
    Lines,
    /// Of an array.
    Elements,
    /// Objects one behind the other.
    Records,
}

/// A file that is being read: sums up its parts and passes on what they hold.
pub(crate) struct OpenFile<'s, 'a> {
    session: &'s mut Session<'a>,
    name: &'s str,
    /// What the file was recognised as; it has the rejects. Where its first bytes do not tell, the first
    /// record that is understood does.
    format: Option<Format>,
    tallies: Vec<(Format, Tally)>,
    rejects: u64,
    /// Records that were passed over, of the file's own format.
    unread: u64,
    unknown: Option<&'static str>,
    /// Rejects that wait until it is known that something of the file is read.
    held: Vec<(Position, String)>,
    rejects_told: usize,
    lines: u64,
    reports: Reports,
    pieces: Pieces,
    /// What the file looks like.
    what: &'static str,
}

impl<'s, 'a> OpenFile<'s, 'a> {
    pub(crate) fn new(
        session: &'s mut Session<'a>,
        name: &'s str,
        format: impl Into<Option<Format>>,
    ) -> Self {
        let format = format.into();
        Self {
            session,
            name,
            format,
            tallies: format.map(|format| (format, Tally::default())).into_iter().collect(),
            rejects: 0,
            unread: 0,
            unknown: None,
            held: Vec::new(),
            rejects_told: 0,
            lines: 0,
            reports: Reports::default(),
            pieces: Pieces::Lines,
            what: "JSON",
        }
    }

    /// Positions are told of these.
    pub(crate) fn counting(mut self, pieces: Pieces) -> Self {
        self.pieces = pieces;
        self
    }

    /// It looks like this, where nothing of it is understood.
    pub(crate) fn of(mut self, what: &'static str) -> Self {
        self.what = what;
        self
    }

    /// What the file seems to be, should nothing of it be understood.
    pub(crate) fn seems(&mut self, like: &'static str) {
        self.unknown = self.unknown.or(Some(like).filter(|like| !like.is_empty()));
    }

    /// Takes the next part, in the order of the file.
    pub(crate) fn take(&mut self, mut outcome: Outcome) -> ControlFlow<()> {
        // What was put aside was rejected later.
        outcome.rejects.kept.sort_by_key(|(position, _)| *position);
        for (position, reason) in outcome.rejects.kept {
            let position = match position {
                Position::Line(line) => self.piece(self.lines + line),
                position => position,
            };
            self.tell(position, reason);
        }
        self.rejects += outcome.rejects.count;
        self.unread += outcome.unread;
        self.unknown = self.unknown.or(outcome.unknown);
        self.lines += outcome.lines;
        let mut flow = ControlFlow::Continue(());
        for part in outcome.parts {
            self.tally(part.format).add(&part.tally);
            if !part.logons.is_empty() && flow.is_continue() {
                flow = self.session.receiver.logons(part.format, part.logons);
            }
            if !part.changes.is_empty() && flow.is_continue() {
                flow = self.session.receiver.changes(part.changes);
            }
            if !part.identities.is_empty() && flow.is_continue() {
                flow = self.session.receiver.identities(part.identities);
            }
            let reports = part.reports.into_iter();
            let whole: Vec<_> = reports.filter_map(|report| self.reports.take(report)).collect();
            if !whole.is_empty() && flow.is_continue() {
                flow = self.session.receiver.reports(whole);
            }
        }
        self.session.progress();
        flow
    }

    /// Counts and tells a piece that could not be read.
    pub(crate) fn reject(&mut self, position: Position, reason: impl fmt::Display) {
        self.rejects += 1;
        self.tell(position, printable(&reason.to_string()));
    }

    /// A part was lost to a defect of a parser.
    pub(crate) fn lost(&mut self, position: Position, panicked: &Panicked) {
        self.reject(position, format_args!("left out after a defect of ours: {panicked}"));
    }

    /// The file could not be read further.
    pub(crate) fn cut(&mut self, bytes: u64, error: &io::Error) {
        self.reject(Position::Byte(bytes), format_args!("cannot be read further: {error}"));
    }

    /// Where the next line is.
    pub(crate) fn next_piece(&self) -> Position {
        self.piece(self.lines + 1)
    }

    pub(crate) fn warn(&mut self, text: &str) {
        self.session.receiver.warning(self.name, text);
    }

    /// The end of the file, or where the receiver broke; whether to go on after it.
    pub(crate) fn close(mut self, mut flow: ControlFlow<()>) -> ControlFlow<()> {
        let rest = self.reports.rest();
        if !rest.is_empty() && flow.is_continue() {
            flow = self.session.receiver.reports(rest);
        }
        let format = self.format.or(self.tallies.first().map(|(format, _)| *format));
        match format {
            Some(format) => self.add_rest(format),
            None if self.session.memory.is_some() => self.add_rest(Format::Own),
            None => self.skip(),
        }
        for (own, tally) in std::mem::take(&mut self.tallies) {
            if Some(own) == format || !tally.is_empty() {
                self.session.receiver.file(FileReport {
                    name: self.name.to_owned(),
                    format: own,
                    tally,
                });
            }
        }
        self.session.progress();
        flow
    }

    /// What was rejected, and what was passed over, counts with a format.
    fn add_rest(&mut self, format: Format) {
        let (records, rejects) = (self.unread, self.rejects);
        self.tally(format).add(&Tally { records, rejects, ..Tally::default() });
    }

    /// Nothing of the file was understood.
    fn skip(&mut self) {
        let (what, count) = (self.what, self.unread + self.rejects);
        let reason = match (self.unknown, self.held.first()) {
            (Some(""), _) | (None, None) => {
                format!("{what}, but none of its {count} records is of a kind that is read")
            }
            (Some(like), _) => format!(
                "{what}, but none of its {count} records is of a kind that is read; it looks like {like}"
            ),
            (None, Some((position, reason))) => format!(
                "looks like {what}, but none of its {count} lines can be read; {position}: {reason}"
            ),
        };
        self.session.skipped(self.name, reason);
    }

    fn piece(&self, number: u64) -> Position {
        match self.pieces {
            Pieces::Lines => Position::Line(number),
            Pieces::Elements => Position::Element(number),
            Pieces::Records => Position::Record(number),
        }
    }

    fn tell(&mut self, position: Position, reason: String) {
        if self.rejects_told >= MAX_PER_FILE && self.session.memory.is_none() {
            return;
        }
        self.rejects_told += 1;
        if self.tallies.is_empty() && self.session.memory.is_none() {
            self.held.push((position, reason));
        } else {
            self.hand_on(position, reason);
        }
    }

    fn hand_on(&mut self, position: Position, reason: String) {
        self.session.receiver.rejected(Reject { name: self.name.to_owned(), position, reason });
    }

    fn tally(&mut self, format: Format) -> &mut Tally {
        let at = match self.tallies.iter().position(|(known, _)| *known == format) {
            Some(at) => at,
            None => {
                self.tallies.push((format, Tally::default()));
                for (position, reason) in std::mem::take(&mut self.held) {
                    self.hand_on(position, reason);
                }
                self.tallies.len() - 1
            }
        };
        &mut self.tallies[at].1
    }
}
