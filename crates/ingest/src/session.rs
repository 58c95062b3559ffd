//! One call of [`read`](crate::read()): its options, its receiver, and what a file adds up to.

#[cfg(test)]
pub(crate) mod told;

use std::cell::Cell;
use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::rc::Rc;

use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::rule::Rule;
use inventory::session::SessionEvent;
use inventory::time::Timestamp;

use crate::carrier::{Carried, Piece};
use crate::live::Memory;
use crate::pipeline::Panicked;
use crate::reject::{MAX_PER_FILE, Position, Reject, Rejects, Skipped, printable};
use crate::reports::{self, Reports};
use crate::windows::{FieldError, Kind};
use crate::{FileReport, Format, Options, Receiver, Tally};

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

/// What a part of a file held of one format.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) format: Format,
    pub(crate) tally: Tally,
    pub(crate) logons: Vec<Logon>,
    pub(crate) reports: Vec<MachineReport>,
    pub(crate) changes: Vec<SessionEvent>,
    /// Which identifiers are one account's, and when that was told.
    pub(crate) identities: Vec<(IdentityReport, Timestamp)>,
}

impl Part {
    /// Counts a logon record that could be read: one that counts, or noise.
    pub(crate) fn count(&mut self, rule: &Rule, logon: Option<Logon>) -> Result<(), FieldError> {
        if let Some(logon) = &logon {
            self.check(rule, logon.time)?;
        }
        self.tally.records += 1;
        match logon {
            Some(logon) => {
                self.tally.count_logon(logon.time);
                self.logons.push(logon);
            }
            None => self.tally.noise += 1,
        }
        Ok(())
    }

    /// Refuses a time that lies too far ahead.
    pub(crate) fn check(&mut self, rule: &Rule, time: Timestamp) -> Result<(), FieldError> {
        if !rule.is_ahead(time) {
            return Ok(());
        }
        self.tally.ahead = self.tally.ahead.max(Some(time));
        Err(FieldError::Ahead(time))
    }

    /// Counts a record in which a machine tells of itself.
    pub(crate) fn report(&mut self, rule: &Rule, report: MachineReport) -> Result<(), FieldError> {
        self.check(rule, report.time)?;
        self.tally.records += 1;
        self.tally.reports += 1;
        match self.reports.last_mut() {
            Some(last) if reports::are_one(last, &report) => reports::join(last, report),
            _ => self.reports.push(report),
        }
        Ok(())
    }

    /// Counts a record of something that happened to a session: of a person's, or noise.
    pub(crate) fn change(
        &mut self,
        rule: &Rule,
        change: Option<SessionEvent>,
    ) -> Result<(), FieldError> {
        if let Some(change) = &change {
            self.check(rule, change.time)?;
        }
        self.tally.records += 1;
        if let Some(change) = change {
            self.tally.changes += 1;
            self.changes.push(change);
        }
        Ok(())
    }

    /// Counts a record that is no logon.
    pub(crate) fn count_other(&mut self, kind: Kind) {
        self.tally.records += 1;
        self.tally.failures += u64::from(kind == Kind::Failure);
    }

    /// Counts a logon whose record was counted when it came: it had to wait for others.
    pub(crate) fn count_waited(&mut self, logon: Logon) {
        self.tally.count_logon(logon.time);
        self.logons.push(logon);
    }

    /// Counts one more logon of a record that told one.
    pub(crate) fn another(&mut self, rule: &Rule, logon: Logon) -> Result<(), FieldError> {
        self.check(rule, logon.time)?;
        self.count_waited(logon);
        Ok(())
    }

    /// Counts a moment more at which a machine was there.
    pub(crate) fn sighting(
        &mut self,
        rule: &Rule,
        report: MachineReport,
    ) -> Result<(), FieldError> {
        self.check(rule, report.time)?;
        self.reports.push(report);
        Ok(())
    }
}

/// What a worker made of a part of a file.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// One for each format that was in it.
    parts: Vec<Part>,
    pub(crate) rejects: Rejects,
    /// How many lines it was; the positions of rejects count from its first.
    pub(crate) lines: u64,
    /// A stamp without zone was read, in the zone that is assumed for the file.
    pub(crate) zone_assumed: bool,
    /// What is to be read in the order of the file, behind this part.
    pub(crate) carried: Vec<Piece>,
    /// Records of the file's own format that were passed over: known not to matter.
    pub(crate) unread: u64,
    /// What the first of the records that are not understood seems to be.
    unknown: Option<&'static str>,
}

impl Outcome {
    /// Adds what follows, whose positions are of the file and not of the part.
    pub(crate) fn append(&mut self, other: Outcome) {
        self.unread += other.unread;
        self.unknown = self.unknown.or(other.unknown);
        self.carried.extend(other.carried);
        self.rejects.append(other.rejects);
        for part in other.parts {
            let sum = self.part(part.format);
            sum.tally.add(&part.tally);
            sum.logons.extend(part.logons);
            sum.reports.extend(part.reports);
            sum.changes.extend(part.changes);
            sum.identities.extend(part.identities);
        }
    }

    /// Rejects a record of which nothing is understood.
    pub(crate) fn unknown(&mut self, position: Position, like: &'static str) {
        match like {
            "" => self.rejects.push(position, UNKNOWN),
            like => self.rejects.push(position, format_args!("{UNKNOWN}; it looks like {like}")),
        }
        self.unknown.get_or_insert(like);
    }

    /// The format of the first record that was understood.
    pub(crate) fn format(&self) -> Option<Format> {
        let carried = self.carried.first().map(|(_, carried)| match carried {
            Carried::Journal(_) => Format::Journal,
            Carried::Xml(_) => Format::WefXml,
            Carried::Text(_) | Carried::Json(..) => Format::Syslog,
        });
        self.parts.first().map(|part| part.format).or(carried)
    }

    /// The part of a format.
    pub(crate) fn part(&mut self, format: Format) -> &mut Part {
        let at = match self.parts.iter().position(|part| part.format == format) {
            Some(at) => at,
            None => {
                self.parts.push(Part {
                    format,
                    tally: Tally::default(),
                    logons: Vec::new(),
                    reports: Vec::new(),
                    changes: Vec::new(),
                    identities: Vec::new(),
                });
                self.parts.len() - 1
            }
        };
        &mut self.parts[at]
    }
}

/// Why a record is rejected of which nothing is understood.
const UNKNOWN: &str = "of no kind that is read";

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
