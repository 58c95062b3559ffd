//! Files of text lines as Linux writes them: syslog's, the audit log's, or both mixed, since audit
//! records can come by way of syslog. Each line is judged by itself.
//!
//! They are read on the calling thread: a date without a year, and the sessions of the audit log,
//! hang on the lines before them.

use std::ops::ControlFlow;

use inventory::logon::{EventKey, Source};
use inventory::time::{Stamp, TimeError, Timestamp};
use memchr::memchr_iter;

use crate::auditd::{self, Record};
use crate::jsonl::MAX_LINE_BYTES;
use crate::jsonl::blocks::{Block, Blocks};
use crate::linux::{self, Place};
use crate::logind::{self, Waiting};
use crate::pipeline::guarded;
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::sshd::{self, Said};
use crate::stream::Stream;
use crate::syslog::{self, When, Years};
use crate::windows::FieldError;
use crate::zone::Zone;
use crate::{Format, Options};

const BLOCK_BYTES: usize = 1024 * 1024;
/// Words in the names of programs that bring the audit log into syslog: audispd and audisp-syslog,
/// and what people call it where rsyslog reads the file (`tag_audit_log`).
const AUDIT_WORDS: [&str; 2] = ["audisp", "audit"];

/// What a file is whose first bytes hold lines of a log; `None` when they do not.
pub(crate) fn format(head: &[u8]) -> Option<Format> {
    /// Much text begins with a date and a word: a program's number behind it is syslog's, and so
    /// are these, which write none.
    const NUMBERLESS: [&str; 4] = ["kernel", "sshd", "sudo", "systemd"];
    let mut found = None;
    let (mut lines, mut records) = (0, 0);
    for line in whole_lines(head) {
        let text = String::from_utf8_lossy(line);
        if text.trim().is_empty() || is_between(&text) {
            continue;
        }
        lines += 1;
        let format = match Line::parse(&text) {
            Some(Line::Audit(..)) => Some(Format::Auditd),
            Some(Line::Syslog(line)) => {
                let has_tag = !line.pid.is_empty() || NUMBERLESS.contains(&line.program);
                has_tag.then_some(Format::Syslog)
            }
            None => continue,
        };
        records += 1;
        found = found.or(format);
    }
    // A text that quotes a line of a log is none.
    found.filter(|_| 2 * records >= lines)
}

/// The lines of a file's first bytes, without the last, which may go on, unless it is alone.
fn whole_lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = memchr::memrchr(b'\n', head).unwrap_or(head.len());
    head[..end].split(|&byte| byte == b'\n')
}

/// Reads a file that looks like one of them.
pub(crate) fn read(
    session: &mut Session<'_>,
    name: &str,
    stream: Stream<'_>,
    format: Format,
) -> ControlFlow<()> {
    let options = session.options;
    let mut reader = Reader {
        options,
        zone: Zone::of(options.timezone.as_ref(), &[]),
        years: Years::new(options.year, session.written()),
        audit: auditd::Reader::after(session.memory().map(|it| std::mem::take(&mut it.audit))),
        sessions: session.memory().map(|it| std::mem::take(&mut it.sessions)).unwrap_or_default(),
        format,
        years_found: false,
    };
    let mut warned = Warned::default();
    let mut file = OpenFile::new(session, name, format);
    let mut blocks = Blocks::new(stream);
    let mut flow = ControlFlow::Continue(());
    while let (ControlFlow::Continue(()), Some(block)) = (flow, blocks.next(BLOCK_BYTES)) {
        match guarded(|| reader.block(block)) {
            Ok((outcome, buffer)) => {
                blocks.recycle(buffer);
                warned.tell(&reader, &outcome, &mut file);
                flow = file.take(outcome);
            }
            Err(panicked) => file.lost(file.next_piece(), &panicked),
        }
    }
    if flow.is_continue() {
        let mut outcome = Outcome::default();
        reader.audit.finish(&mut outcome);
        flow = file.take(outcome);
    }
    if let (Some(error), true) = (blocks.error(), flow.is_continue()) {
        file.cut(blocks.bytes_read(), error);
    }
    let flow = file.close(flow);
    if let Some(memory) = session.memory() {
        memory.sessions = reader.sessions;
        memory.audit = reader.audit.into_counted();
    }
    flow
}

/// What a person was told about a file.
#[derive(Default)]
struct Warned {
    zone: bool,
    years: bool,
    long: bool,
    names: bool,
}

impl Warned {
    fn tell(&mut self, reader: &Reader<'_>, outcome: &Outcome, file: &mut OpenFile<'_, '_>) {
        if outcome.zone_assumed && !std::mem::replace(&mut self.zone, true) {
            file.warn(&reader.zone.warning());
        }
        if let (true, Some(text)) = (reader.years_found && !self.years, reader.years.warning()) {
            self.years = true;
            file.warn(&text);
        }
        if reader.years.goes_back() && !std::mem::replace(&mut self.long, true) {
            file.warn(
                "its dates go over New Year more than once; --year gives the year of the first",
            );
        }
        if reader.audit.nameless && !std::mem::replace(&mut self.names, true) {
            file.warn(linux::NAMELESS);
        }
    }
}

/// A line of either log.
enum Line<'a> {
    Syslog(syslog::Line<'a>),
    /// A record, and the machine that the line around it names.
    Audit(Record<'a>, &'a str),
}

impl<'a> Line<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        if let Some(record) = Record::parse(text) {
            return Some(Line::Audit(record, ""));
        }
        let line = syslog::Line::parse(text)?;
        // Of other programs it would be a message that quotes a record, which anybody can write.
        let brings_audit = AUDIT_WORDS.iter().any(|word| line.program.contains(word));
        let record = brings_audit.then(|| Record::parse(line.message));
        Some(match record.flatten() {
            Some(record) => Line::Audit(record, line.host),
            None => Line::Syslog(line),
        })
    }
}

struct Reader<'a> {
    options: &'a Options,
    zone: Zone,
    years: Years,
    audit: auditd::Reader,
    sessions: Waiting,
    /// What the file was recognised as.
    format: Format,
    /// A logon's date had no year.
    years_found: bool,
}

impl Reader<'_> {
    /// The outcome, and the block's buffer to be used again.
    fn block(&mut self, block: Block) -> (Outcome, Vec<u8>) {
        let mut outcome = Outcome::default();
        let bytes = match block {
            Block::Lines(bytes) => bytes,
            Block::TooLong { bytes } => {
                outcome.lines = 1;
                outcome.rejects.push(
                    Position::Line(1),
                    format_args!("a line of {bytes} bytes, more than {MAX_LINE_BYTES}"),
                );
                return (outcome, Vec::new());
            }
        };
        let mut start = 0;
        for end in memchr_iter(b'\n', &bytes).chain([bytes.len()]) {
            // The last block may end with or without a newline.
            if start < bytes.len() {
                outcome.lines += 1;
                self.line(&bytes[start..end], &mut outcome);
            }
            start = end + 1;
        }
        (outcome, bytes)
    }

    fn line(&mut self, line: &[u8], outcome: &mut Outcome) {
        let text = String::from_utf8_lossy(line);
        if text.trim().is_empty() {
            return;
        }
        let position = Position::Line(outcome.lines);
        let result = match Line::parse(&text) {
            Some(Line::Audit(record, host)) => {
                self.audit.record(self.options, &record, host, outcome)
            }
            Some(Line::Syslog(line)) => self.syslog(&line, outcome),
            None if is_between(&text) => return,
            None => {
                outcome.rejects.push(position, "neither a line of syslog nor an audit record");
                return;
            }
        };
        if let Err(error) = result {
            outcome.rejects.push(position, error);
        }
    }

    fn syslog(&mut self, line: &syslog::Line<'_>, outcome: &mut Outcome) -> Result<(), FieldError> {
        if let When::Full(stamp) = line.when {
            self.years.pass(stamp);
        }
        let said = match sshd::is_program(line.program) {
            true => Said::read(line.message),
            false => Said::Other,
        };
        let entry = match said {
            Said::Accepted(accepted) => Some(self.accepted(line, &accepted, outcome)?),
            Said::Failed(times) => {
                let tally = &mut outcome.part(Format::Syslog).tally;
                tally.records += 1;
                tally.failures += times;
                return Ok(());
            }
            Said::Other if logind::is_program(line.program) => self.session(line, outcome)?,
            Said::Other => None,
        };
        let Some(entry) = entry else {
            outcome.part(self.format).tally.records += 1;
            return Ok(());
        };
        let logon = linux::logon(self.options, &entry)?;
        outcome.part(Format::Syslog).count(logon);
        Ok(())
    }

    fn accepted<'l>(
        &mut self,
        line: &syslog::Line<'l>,
        accepted: &sshd::Accepted<'l>,
        outcome: &mut Outcome,
    ) -> Result<linux::Entry<'l>, FieldError> {
        let time = self.time(line.when, outcome)?;
        self.sessions.add(linux::session(&[line.host, accepted.user]), time);
        Ok(linux::Entry {
            user: accepted.user,
            host: line.host,
            time,
            place: Place::Remote,
            remote: accepted.remote,
            source: Source::Sshd,
            key: accepted.key(line.pid),
        })
    }

    /// A session of a person of which sshd did not tell.
    fn session<'l>(
        &mut self,
        line: &syslog::Line<'l>,
        outcome: &mut Outcome,
    ) -> Result<Option<linux::Entry<'l>>, FieldError> {
        let session = logind::Session::read(line.message);
        let Some(session) = session.filter(|it| logind::is_of_a_person(it.class)) else {
            return Ok(None);
        };
        let time = self.time(line.when, outcome)?;
        let (of, id) = (linux::session(&[line.host, session.user]), linux::session(&[session.id]));
        if session.has_no_screen() && self.sessions.is_of_logon(of, id, time) {
            return Ok(None);
        }
        Ok(Some(linux::Entry {
            user: session.user,
            host: line.host,
            time,
            place: Place::Local,
            remote: "",
            source: Source::Logind,
            key: EventKey {
                session: linux::session(&["logind's words", session.id, session.user]),
                record: None,
            },
        }))
    }

    fn time(&mut self, when: When, outcome: &mut Outcome) -> Result<Timestamp, FieldError> {
        let stamp = match when {
            When::Full(stamp) => stamp,
            When::Yearless(date) => {
                self.years_found = true;
                self.years.complete(&date).map_err(FieldError::Year)?
            }
        };
        outcome.zone_assumed |= matches!(stamp, Stamp::Local(_)) && self.zone.is_assumed();
        let error = |error: TimeError| FieldError::Time { field: "the line's date", error };
        self.zone.resolve(stamp).map_err(error)
    }
}

/// What stands between records and is none: `-- Boot ... --` of journalctl, `----` and `time->...`
/// of ausearch, comments, and lines that go on with the one before.
fn is_between(text: &str) -> bool {
    ["--", "time->", "#", " ", "\t"].iter().any(|start| text.starts_with(start))
}
