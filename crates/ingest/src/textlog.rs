//! Files of text lines as Linux writes them: syslog's, the audit log's, or both mixed, since audit
//! records can come by way of syslog. Each line is judged by itself.
//!
//! They are read on the calling thread: a date without a year, and the sessions of the audit log,
//! hang on the lines before them.

mod foreign;
mod recognise;

use std::ops::ControlFlow;

use inventory::logon::{EventKey, Source};
use inventory::time::{Stamp, TICKS_PER_SECOND, TimeError, Timestamp, civil_ticks};
use memchr::{memchr_iter, memmem};

use crate::auditd::{self, Record};
use crate::carrier::{Carried, Hints};
use crate::jsonl::MAX_LINE_BYTES;
use crate::jsonl::blocks::{Block, Blocks};
use crate::linux::{self, Place};
use crate::live::Recalled;
use crate::logind::{self, Waiting};
use crate::pipeline::guarded;
use crate::record::Records;
use crate::reject::Position;
use crate::sequence::Sequence;
use crate::session::{OpenFile, Outcome, Session};
use crate::sshd::{self, Said};
use crate::stream::Stream;
use crate::syslog::{self, When, Years};
use crate::windows::FieldError;
use crate::zone::Zone;
use crate::{Format, Options, xml};

pub(crate) use recognise::{foreign_name, format};

const BLOCK_BYTES: usize = 1024 * 1024;
/// Words in the names of programs that bring the audit log into syslog: audispd and audisp-syslog,
/// and what people call it where rsyslog reads the file (`tag_audit_log`).
const AUDIT_WORDS: [&str; 2] = ["audisp", "audit"];

/// Reads a file that looks like one of them.
pub(crate) fn read(
    session: &mut Session<'_>,
    name: &str,
    stream: Stream<'_>,
    format: Format,
) -> ControlFlow<()> {
    let options = session.options;
    let zone = Zone::of(options.timezone.as_ref(), &[]);
    let records = Records::new(options, &zone, name);
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
    named_zone: bool,
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
        if let Some(record) = Record::parse(syslog::priority_cut(text)) {
            return Some(Line::Audit(record, ""));
        }
        let line = syslog::Line::parse(text)?;
        // Of other programs it would be a message that quotes a record, which anybody can write.
        let record = brings_audit(line.program).then(|| Record::parse(line.message));
        Some(match record.flatten() {
            Some(record) => Line::Audit(record, line.host),
            None => Line::Syslog(line),
        })
    }
}

/// Whether what a program says in syslog may be a record of the audit log, or what has no program.
fn brings_audit(program: &str) -> bool {
    program.is_empty() || AUDIT_WORDS.iter().any(|word| program.contains(word))
}

/// Why a line cannot be used.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error(transparent)]
    Field(#[from] FieldError),
    #[error("it names sshd and `Accepted`, behind a header of no known form")]
    HiddenLogon,
    #[error("sshd's `Accepted` in no known form; the line may be cut short")]
    Accepted,
    #[error("it begins like an audit record, and is none")]
    HalfRecord,
    #[error("an audit record behind the tag of `{0}`, which does not bring the audit log")]
    ForeignRecord(String),
}

/// What would be lost in silence: a line that is no logon only because its header is none of those that
/// are known. Behind a tag with a process anybody's words are nothing but that.
fn hidden(line: &syslog::Line<'_>) -> Result<(), LineError> {
    if !line.pid.is_empty() || sshd::is_program(line.program) {
        return Ok(());
    }
    if Record::begins(line.message) {
        if brings_audit(line.program) {
            return Err(LineError::HalfRecord);
        }
        if Record::parse(line.message).is_some() {
            return Err(LineError::ForeignRecord(line.program.to_owned()));
        }
    }
    let is_hidden = match line.program {
        "" => names_logon(line.message),
        _ => is_sshds(line.message) && names_logon(line.message),
    };
    if is_hidden { Err(LineError::HiddenLogon) } else { Ok(()) }
}

/// Whether a message begins with a tag of sshd's, or with a header and one.
fn is_sshds(message: &str) -> bool {
    let message = message.trim_start();
    match message.as_bytes().first() {
        Some(b's') => message.starts_with("sshd"),
        // What no header begins with need not be asked.
        Some(b'0'..=b'9' | b'A'..=b'Z' | b'<' | b'@') => {
            syslog::Line::parse(message).is_some_and(|line| sshd::is_program(line.program))
        }
        _ => false,
    }
}

fn names_logon(text: &str) -> bool {
    memmem::find(text.as_bytes(), b"Accepted ").is_some()
        && memmem::find(text.as_bytes(), b"sshd").is_some()
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
    /// A logon's date had a zone of such a name, which had to be read as another's.
    named_zone: Option<String>,
    warned: Warned,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(session: &Session<'a>) -> Self {
        let options = session.options;
        Self {
            options,
            zone: Zone::of(options.timezone.as_ref(), &[]),
            years: Years::new(options.year, session.written()),
            audit: auditd::Reader::default(),
            sessions: Waiting::default(),
            format: Format::Syslog,
            years_found: false,
            named_zone: None,
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
        if let (Some(name), false) = (&self.named_zone, warned.named_zone) {
            warned.named_zone = true;
            file.warn(&format!(
                "times in the zone `{name}` are read as UTC, for more than one zone has such a name; \
                 say otherwise with --timezone"
            ));
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
                self.audit.record(self.options, &record, host, outcome).map_err(LineError::from)
            }
            Some(Line::Syslog(line)) => match record(&line) {
                Some(carried) => return outcome.carried.push((position, carried)),
                None => self.syslog(&line, outcome),
            },
            None if is_between(&text) && !names_logon(&text) => return,
            None => {
                let reason = foreign::name(&text);
                let reason = reason.unwrap_or("neither a line of syslog nor an audit record");
                outcome.rejects.push(position, reason);
                return;
            }
        };
        if let Err(error) = result {
            outcome.rejects.push(position, error);
        }
    }

    fn syslog(&mut self, line: &syslog::Line<'_>, outcome: &mut Outcome) -> Result<(), LineError> {
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
            Said::Other
                if sshd::is_program(line.program) && line.message.starts_with("Accepted ") =>
            {
                return Err(LineError::Accepted);
            }
            Said::Other => {
                hidden(line)?;
                None
            }
        };
        let Some(entry) = entry else {
            outcome.part(self.format).tally.records += 1;
            return Ok(());
        };
        let logon = linux::logon(self.options, &entry)?;
        outcome.part(Format::Syslog).count(&self.options.rule, logon)?;
        Ok(())
    }

    fn accepted<'l>(
        &mut self,
        line: &syslog::Line<'l>,
        accepted: &sshd::Accepted<'l>,
    ) -> Result<linux::Entry<'l>, FieldError> {
        let time = self.time(line)?;
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
        let time = self.time(line)?;
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

    fn time(&mut self, line: &syslog::Line<'_>) -> Result<Timestamp, FieldError> {
        let stamp = match line.when {
            When::Full(stamp) => stamp,
            When::Yearless(date) => {
                self.years_found = true;
                self.years.complete(&date).map_err(FieldError::Year)?
            }
        };
        let error = |error: TimeError| FieldError::Time { field: "the line's date", error };
        let is_local = matches!(stamp, Stamp::Local(_)) && self.zone.is_assumed();
        match (stamp, syslog::offset(line.zone)) {
            (Stamp::Local(civil), Some(seconds)) => {
                let ticks = civil_ticks(civil) - seconds * TICKS_PER_SECOND;
                return Timestamp::from_ticks(ticks).ok_or(error(TimeError::Range));
            }
            _ if line.zone.is_empty() => self.zone_assumed |= is_local,
            _ if is_local && self.named_zone.is_none() => {
                self.named_zone = Some(line.zone.to_owned());
            }
            _ => {}
        }
        self.zone.resolve(stamp).map_err(error)
    }
}

/// A record that is a line's message: what NXLog, syslog-ng and OpenWEC's relays put behind a header.
fn record(line: &syslog::Line<'_>) -> Option<Carried> {
    if sshd::is_program(line.program) {
        return None;
    }
    match line.message.as_bytes().first()? {
        b'<' if xml::has_start(line.message.as_bytes()) => {
            Some(Carried::Xml(line.message.to_owned()))
        }
        b'{' | b'@' => Some(Carried::Json(line.json()?.to_owned(), Hints::of_line(line.host))),
        _ => None,
    }
}

/// What stands between records and is none: `-- Boot ... --` of journalctl and its hints, `----` and
/// `time->...` of ausearch, the names of files that `tail` writes, comments, macOS' header, and lines that
/// go on with the one before.
fn is_between(text: &str) -> bool {
    const STARTS: [&str; 8] = ["--", "time->", "#", " ", "\t", "Hint: ", "==> ", "Timestamp  "];
    STARTS.iter().any(|start| text.starts_with(start))
}
