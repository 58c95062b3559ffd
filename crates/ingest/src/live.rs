//! Records that come one by one: from a shipper, an agent, a socket.
//!
//! There is no file whose first bytes would tell what follows: each record is judged by itself,
//! taken out of what carries it (`carrier`), and read with others of its kind by the reader of the
//! files that hold such. What a file's reader knows from the lines before is kept from call to
//! call in a [`Memory`], one for each sender.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::session::SessionEvent;
use inventory::time::Timestamp;

use crate::logind::Waiting;
use crate::reject::{Position, Reject, Skipped};
use crate::session::Session;
use crate::stream::Stream;
use crate::zone::Shown;
use crate::{FileReport, Format, Options, Receiver, jsonl, sniff, textlog, xml};

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
    /// What records showed of the zones of stamps without one.
    pub(crate) zones: Arc<Shown>,
    /// They were looked for in all of the first records.
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
    xml: Lines,
    text: Lines,
}

/// `journalctl -o json-seq` begins each entry with it.
const RECORD_SEPARATOR: u8 = 0x1e;

/// Whether bytes begin as a line of syslog from the network, `<38>`.
fn has_priority(bytes: &[u8]) -> bool {
    bytes.get(1).is_some_and(u8::is_ascii_digit)
}

type Reader = fn(&mut Session<'_>, &str, Stream<'_>) -> ControlFlow<()>;

impl Run {
    fn add(&mut self, record: &[u8], number: u64) {
        let record = record.trim_ascii();
        if record.is_empty() {
            return;
        }
        self.records += 1;
        let lines = match record.strip_prefix(sniff::BOM).unwrap_or(record) {
            [b'{' | b'[' | RECORD_SEPARATOR, ..] => &mut self.json,
            start if start.starts_with(b"<") && xml::has_start(start) && !has_priority(start) => {
                &mut self.xml
            }
            _ => &mut self.text,
        };
        lines.add(record, number);
    }

    fn read(
        self,
        name: &str,
        now: Timestamp,
        options: &Options,
        memory: &Memory,
        receiver: &mut dyn Receiver,
    ) -> ControlFlow<()> {
        let text: Reader =
            |session, name, stream| textlog::read(session, name, stream, Format::Syslog);
        let readers: [(&Lines, Reader); 3] =
            [(&self.json, jsonl::read), (&self.xml, xml::read), (&self.text, text)];
        for (lines, reader) in readers {
            if lines.starts.is_empty() {
                continue;
            }
            let mut numbered = Numbered { receiver: &mut *receiver, lines };
            let mut session = Session::new(options, &mut numbered, None);
            session.go_on(memory);
            session.as_written(Some(now), |session| {
                reader(session, name, Stream::new(lines.bytes.as_slice()))
            })?;
        }
        ControlFlow::Continue(())
    }
}

impl Memory {
    pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, Recalled> {
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
