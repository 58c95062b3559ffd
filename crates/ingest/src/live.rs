//! Records that come one by one: from a shipper, an agent, a socket.
//!
//! There is no file whose first bytes would tell what follows: each record is judged by itself,
//! taken out of what carries it (`carrier`), and read with others of its kind by the reader of the
//! files that hold such. What a file's reader knows from the lines before is kept from call to
//! call in a [`Memory`], one for each sender.

mod carrier;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::session::SessionEvent;
use inventory::time::Timestamp;

use crate::logind::Waiting;
use crate::reject::{Position, Reject, Skipped};
use crate::session::Session;
use crate::stream::Stream;
use crate::zone::Offset;
use crate::{FileReport, Format, Options, Receiver, journal, jsonl, sniff, textlog, xml};

use carrier::{Carried, Hints};

/// Records that are read at once: so many of their rejects are told one by one.
const RUN: usize = 1000;

/// How many first bytes of a file tell how it grows.
pub const HEAD_BYTES: usize = sniff::TEXT_HEAD_BYTES;

/// Whether what is appended to a file of these first bytes is records of a line each; `Some(false)` for
/// formats that are read from their start, `None` while the bytes are too few to tell, or of nothing
/// that is read.
pub fn grows_by_lines(head: &[u8]) -> Option<bool> {
    sniff::grows_by_lines(head)
}

/// What is remembered of a sender's records. It may be used by several calls at once.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Recalled>);

/// What of it a reader goes on from, and leaves.
#[derive(Debug, Default)]
pub(crate) struct Recalled {
    /// Of sshd's logons in the journal, for their sessions.
    pub(crate) journal: Waiting,
    /// Of sshd's logons in lines of syslog, too.
    pub(crate) sessions: Waiting,
    /// Sessions of the audit log that were counted.
    pub(crate) audit: VecDeque<u64>,
    /// What records showed of the zone of stamps without one.
    pub(crate) zone: Option<Offset>,
    /// It was looked for in all of the first records.
    pub(crate) has_looked: bool,
}

/// Reads records, each a JSON object, an event in XML, or a line of a log, that came at `now`.
///
/// Rejects are told of [`Position::Record`], from 1, every one of them. Blank records are nothing.
pub fn read<'r>(
    records: impl IntoIterator<Item = &'r [u8]>,
    name: &str,
    now: Timestamp,
    options: &Options,
    memory: &Memory,
    receiver: &mut dyn Receiver,
) -> ControlFlow<()> {
    let mut number = 0;
    let mut run = Run::default();
    for record in records {
        number += 1;
        run.add(record, number);
        if run.records == RUN {
            std::mem::take(&mut run).read(name, now, options, memory, receiver)?;
        }
    }
    run.read(name, now, options, memory, receiver)
}

/// Records of one kind, a line each.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Where each begins, and the number of its record.
    starts: Vec<(u64, u64)>,
}

impl Lines {
    fn add(&mut self, line: &[u8], number: u64) {
        self.starts.push((self.bytes.len() as u64, number));
        let start = self.bytes.len();
        self.bytes.extend_from_slice(line);
        // Within JSON, XML and a log's line it is a blank.
        for byte in &mut self.bytes[start..] {
            if *byte == b'\n' {
                *byte = b' ';
            }
        }
        self.bytes.push(b'\n');
    }

    /// The number of the record at a position.
    fn number(&self, position: Position) -> Option<u64> {
        let at = match position {
            Position::Line(line) => usize::try_from(line).ok()?.checked_sub(1)?,
            Position::Byte(byte) => {
                self.starts.partition_point(|&(start, _)| start <= byte).checked_sub(1)?
            }
            Position::Record(_) | Position::Element(_) | Position::Chunk(_) => return None,
        };
        self.starts.get(at).map(|&(_, number)| number)
    }
}

/// Records that are read at once, by kind.
#[derive(Default)]
struct Run {
    records: usize,
    json: Lines,
    journal: Lines,
    xml: Lines,
    text: Lines,
    /// Objects that are none of ours and carry none.
    others: u64,
}

type Reader = fn(&mut Session<'_>, &str, Stream<'_>) -> ControlFlow<()>;

impl Run {
    fn add(&mut self, record: &[u8], number: u64) {
        let record = record.trim_ascii();
        if record.is_empty() {
            return;
        }
        self.records += 1;
        let text = String::from_utf8_lossy(record);
        // The bytes as they came, where they carry themselves: what is no UTF-8 is hashed as it is.
        let line = |own: &str| if own.len() == text.len() { record.to_vec() } else { own.into() };
        match carrier::open(&text, &Hints::default()) {
            Carried::Json(json) => self.json.add(&line(&json), number),
            Carried::Journal(json) => self.journal.add(&line(&json), number),
            Carried::Xml(xml) => self.xml.add(&line(&xml), number),
            Carried::Text(text) => self.text.add(&line(&text), number),
            Carried::Other => self.others += 1,
        }
    }

    fn read(
        self,
        name: &str,
        now: Timestamp,
        options: &Options,
        memory: &Memory,
        receiver: &mut dyn Receiver,
    ) -> ControlFlow<()> {
        if self.others > 0 {
            let tally = crate::Tally { records: self.others, ..Default::default() };
            receiver.file(FileReport { name: name.to_owned(), format: Format::Own, tally });
        }
        let text: Reader =
            |session, name, stream| textlog::read(session, name, stream, Format::Syslog);
        let readers: [(&Lines, Reader, Recall); 4] = [
            (&self.json, jsonl::read, Recall::Zone),
            (&self.journal, journal::read_json, Recall::All),
            (&self.xml, xml::read, Recall::Zone),
            (&self.text, text, Recall::All),
        ];
        for (lines, reader, recall) in readers {
            if lines.starts.is_empty() {
                continue;
            }
            let mut numbered = Numbered { receiver: &mut *receiver, lines };
            let mut session = Session::new(options, &mut numbered, None);
            memory.lend(recall, |recalled| {
                session.go_on(recalled);
                let flow = session.as_written(Some(now), |session| {
                    reader(session, name, Stream::new(lines.bytes.as_slice()))
                });
                (session.remembered(), flow)
            })?;
        }
        ControlFlow::Continue(())
    }
}

/// What a reader needs of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recall {
    /// The zone alone: others may read at the same time.
    Zone,
    /// What came before, in its order: others wait.
    All,
}

impl Memory {
    fn lend<T>(&self, recall: Recall, read: impl FnOnce(Recalled) -> (Recalled, T)) -> T {
        let mut kept = self.lock();
        if recall == Recall::All {
            let (recalled, done) = read(std::mem::take(&mut kept));
            *kept = recalled;
            return done;
        }
        let (zone, has_looked) = (kept.zone, kept.has_looked);
        drop(kept);
        let (recalled, done) = read(Recalled { zone, has_looked, ..Recalled::default() });
        if (recalled.zone, recalled.has_looked) != (zone, has_looked) {
            let mut kept = self.lock();
            (kept.zone, kept.has_looked) = (recalled.zone, recalled.has_looked);
        }
        done
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Recalled> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells of records by their numbers.
struct Numbered<'a> {
    receiver: &'a mut dyn Receiver,
    lines: &'a Lines,
}

impl Receiver for Numbered<'_> {
    fn logons(&mut self, format: Format, logons: Vec<Logon>) -> ControlFlow<()> {
        self.receiver.logons(format, logons)
    }

    fn reports(&mut self, reports: Vec<MachineReport>) -> ControlFlow<()> {
        self.receiver.reports(reports)
    }

    fn changes(&mut self, changes: Vec<SessionEvent>) -> ControlFlow<()> {
        self.receiver.changes(changes)
    }

    fn identities(&mut self, identities: Vec<(IdentityReport, Timestamp)>) -> ControlFlow<()> {
        self.receiver.identities(identities)
    }

    fn file(&mut self, file: FileReport) {
        self.receiver.file(file);
    }

    fn skipped(&mut self, skipped: Skipped) {
        self.receiver.skipped(skipped);
    }

    fn rejected(&mut self, reject: Reject) {
        let number = self.lines.number(reject.position);
        let position = number.map_or(reject.position, Position::Record);
        self.receiver.rejected(Reject { position, ..reject });
    }

    fn warning(&mut self, name: &str, text: &str) {
        self.receiver.warning(name, text);
    }

    fn progress(&mut self, _: u64) {}
}
