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
use crate::carrier::{Carried, Hints};
use crate::jsonl::MAX_LINE_BYTES;
use crate::jsonl::blocks::{Block, Blocks};
use crate::linux::{self, Place};
use crate::live::Recalled;
use crate::logind::{self, Waiting};
use crate::pipeline::guarded;
use crate::record::{self, Records};
use crate::reject::Position;
use crate::sequence::Sequence;
use crate::session::{OpenFile, Outcome, Session};
use crate::shape::RecordReader;
use crate::sshd::{self, Said};
use crate::stream::Stream;
use crate::syslog::{self, When, Years};
use crate::windows::FieldError;
use crate::zone::Zone;
use crate::{Format, Options, xml};

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
    let zone = Zone::without_evidence(options.timezone.as_ref());
    let records = Records {
        events: RecordReader {
            rule: &options.rule,
            device: options.device.as_deref(),
            zone: &zone,
        },
        file: name,
    };
    let mut sequence = Sequence::of_lines(session, format);
    let mut file = OpenFile::new(session, name, format);
    let mut blocks = Blocks::new(stream);
    let mut flow = ControlFlow::Continue(());
    while let (ControlFlow::Continue(()), Some(block)) = (flow, blocks.next(BLOCK_BYTES)) {
        match guarded(|| sequence.block(block)) {
            Ok((mut outcome, buffer)) => {
                blocks.recycle(buffer);
                sequence.settle(&records, &mut outcome);
                sequence.warn(&mut file);
                flow = file.take(outcome);
            }
            Err(panicked) => file.lost(file.next_piece(), &panicked),
        }
    }
    flow = sequence.end(flow, &mut file);
    if let (Some(error), true) = (blocks.error(), flow.is_continue()) {
        file.cut(blocks.bytes_read(), error);
    }
    file.close(flow)
}

/// What a person was told about a file.
#[derive(Default)]
struct Warned {
    zone: bool,
    years: bool,
    long: bool,
    names: bool,
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

/// Reads lines in their order.
pub(crate) struct Reader<'a> {
    options: &'a Options,
    zone: Zone,
    years: Years,
    audit: auditd::Reader,
    sessions: Waiting,
    /// What the file was recognised as.
    pub(crate) format: Format,
    /// A logon's date had no year.
    years_found: bool,
    /// A logon's stamp had no zone.
    zone_assumed: bool,
    /// A user had no name but the number.
    nameless: bool,
    warned: Warned,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(session: &Session<'a>) -> Self {
        let options = session.options;
        Self {
            options,
            zone: Zone::without_evidence(options.timezone.as_ref()),
            years: Years::new(options.year, session.written()),
            audit: auditd::Reader::default(),
            sessions: Waiting::default(),
            format: Format::Syslog,
            years_found: false,
            zone_assumed: false,
            nameless: false,
            warned: Warned::default(),
        }
    }

    /// Goes on from what is remembered of a sender.
    pub(crate) fn go_on(&mut self, kept: &mut Recalled) {
        self.audit = auditd::Reader::after(Some(std::mem::take(&mut kept.audit)));
        std::mem::swap(&mut self.sessions, &mut kept.sessions);
    }

    /// Leaves to a sender's memory what the next lines go on from.
    pub(crate) fn leave(&mut self, kept: &mut Recalled) {
        self.nameless |= self.audit.nameless;
        kept.audit = std::mem::take(&mut self.audit).into_counted();
        std::mem::swap(&mut self.sessions, &mut kept.sessions);
    }

    /// The end of the file: what waited for more.
    pub(crate) fn finish(&mut self, outcome: &mut Outcome) {
        self.audit.finish(outcome);
    }

    /// Tells a person what was assumed of the lines so far.
    pub(crate) fn warn(&mut self, file: &mut OpenFile<'_, '_>) {
        let warned = &mut self.warned;
        if self.zone_assumed && !std::mem::replace(&mut warned.zone, true) {
            file.warn(&self.zone.warning());
        }
        if let (true, Some(text)) = (self.years_found && !warned.years, self.years.warning()) {
            warned.years = true;
            file.warn(&text);
        }
        if self.years.goes_back() && !std::mem::replace(&mut warned.long, true) {
            file.warn(
                "its dates go over New Year more than once; --year gives the year of the first",
            );
        }
        if (self.nameless || self.audit.nameless) && !std::mem::replace(&mut warned.names, true) {
            file.warn(linux::NAMELESS);
        }
    }

    /// The outcome, and the block's buffer to be used again.
    pub(crate) fn block(&mut self, block: Block) -> (Outcome, Vec<u8>) {
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
                let position = Position::Line(outcome.lines);
                self.line(&bytes[start..end], position, &mut outcome);
            }
            start = end + 1;
        }
        (outcome, bytes)
    }

    /// Reads a line; what of it cannot be read is rejected at `position`.
    pub(crate) fn line(&mut self, line: &[u8], position: Position, outcome: &mut Outcome) {
        let text = String::from_utf8_lossy(line);
        if text.trim().is_empty() {
            return;
        }
        let result = match Line::parse(&text) {
            Some(Line::Audit(record, host)) => {
                self.audit.record(self.options, &record, host, outcome)
            }
            Some(Line::Syslog(line)) => match record(&line) {
                Some(carried) => return outcome.carried.push((position, carried)),
                None => self.syslog(&line, outcome),
            },
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
            Said::Accepted(accepted) => Some(self.accepted(line, &accepted)?),
            Said::Failed(times) => {
                let tally = &mut outcome.part(Format::Syslog).tally;
                tally.records += 1;
                tally.failures += times;
                return Ok(());
            }
            Said::Other if logind::is_program(line.program) => self.session(line)?,
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
    ) -> Result<linux::Entry<'l>, FieldError> {
        let time = self.time(line.when)?;
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
    ) -> Result<Option<linux::Entry<'l>>, FieldError> {
        let session = logind::Session::read(line.message);
        let Some(session) = session.filter(|it| logind::is_of_a_person(it.class)) else {
            return Ok(None);
        };
        let time = self.time(line.when)?;
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

    fn time(&mut self, when: When) -> Result<Timestamp, FieldError> {
        let stamp = match when {
            When::Full(stamp) => stamp,
            When::Yearless(date) => {
                self.years_found = true;
                self.years.complete(&date).map_err(FieldError::Year)?
            }
        };
        self.zone_assumed |= matches!(stamp, Stamp::Local(_)) && self.zone.is_assumed();
        let error = |error: TimeError| FieldError::Time { field: "the line's date", error };
        self.zone.resolve(stamp).map_err(error)
    }
}

/// A record that is a line's message: what NXLog, syslog-ng and OpenWEC's relays put behind a header.
fn record(line: &syslog::Line<'_>) -> Option<Carried> {
    if sshd::is_program(line.program) {
        return None;
    }
    if xml::has_start(line.message.as_bytes()) {
        return Some(Carried::Xml(line.message.to_owned()));
    }
    let json = record::behind_cookie(line.message)?;
    Some(Carried::Json(json.to_owned(), Hints::of_line(line.host)))
}

/// What stands between records and is none: `-- Boot ... --` of journalctl, `----` and `time->...`
/// of ausearch, comments, and lines that go on with the one before.
fn is_between(text: &str) -> bool {
    ["--", "time->", "#", " ", "\t"].iter().any(|start| text.starts_with(start))
}
