//! The records of utmp as text: what `last` and `lastb` print, and `utmpdump`.
//!
//! Each line is a record of the file that was printed, so a logon is the same event as the record
//! itself where the text has its second, its terminal and its whole host
//! (docs/adr/0004-event-identity.md). A listing is read as a whole: its last line tells which
//! file it is of, and the order of its lines which years its dates are of.

mod date;
mod dump;
mod last;

use std::io::Read;
use std::ops::ControlFlow;

use inventory::time::{Stamp, TimeError, Timestamp};

use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::sniff::BOM;
use crate::stream::Stream;
use crate::windows::FieldError;
use crate::zone::Zone;
use crate::{Format, Options};

/// How much of a listing is read: some 800,000 logons.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of a line; a host has 256 at most.
const MAX_LINE_BYTES: usize = 4096;

/// The programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    Last,
    Dump,
}

impl Listing {
    /// The program that printed text of these first bytes: each of their lines is one of its.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        let head = head.strip_prefix(BOM).unwrap_or(head);
        let end = memchr::memrchr(b'\n', head).unwrap_or(head.len());
        let lines = || {
            let lines = head[..end].split(|&byte| byte == b'\n');
            lines.map(|line| line.trim_ascii_end()).filter(|line| !line.is_empty())
        };
        // Nearly every other file is known to be none by its first line.
        let is_all = |is_line: fn(&str) -> bool| {
            lines().next().is_some()
                && lines().all(|line| {
                    line.len() <= MAX_LINE_BYTES && is_line(&String::from_utf8_lossy(line))
                })
        };
        if is_all(|line| last::Line::parse(line).is_some()) {
            return Some(Listing::Last);
        }
        (is_all(|line| dump::is_head(line) || dump::Row::parse(line).is_some())
            && lines().any(|line| !dump::is_head(&String::from_utf8_lossy(line))))
        .then_some(Listing::Dump)
    }
}

/// Reads text that is a listing.
pub(crate) fn read(
    session: &mut Session<'_>,
    name: &str,
    stream: Stream<'_>,
    listing: Listing,
) -> ControlFlow<()> {
    let mut bytes = Vec::new();
    let error = stream.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).err();
    let is_cut = bytes.len() > MAX_BYTES;
    if is_cut {
        let end = memchr::memrchr(b'\n', &bytes[..MAX_BYTES]).unwrap_or(MAX_BYTES);
        bytes.truncate(end);
    }
    let text = String::from_utf8_lossy(bytes.strip_prefix(BOM).unwrap_or(&bytes));
    let written = session.written();
    let mut reader = Reader {
        options: session.options,
        zone: Zone::of(session.options.timezone.as_ref(), &[]),
        is_of_failures: is_named_so(name),
        outcome: Outcome::default(),
        warnings: Vec::new(),
    };
    let mut file = OpenFile::new(session, name, Format::Utmp);
    match listing {
        Listing::Last => last::read(&mut reader, &text, written),
        Listing::Dump => dump::read(&mut reader, &text),
    }
    if is_cut {
        let reason = format_args!("not read beyond {} MiB", MAX_BYTES >> 20);
        reader.outcome.rejects.push(Position::Byte(bytes.len() as u64), reason);
    }
    if reader.outcome.zone_assumed {
        file.warn(&reader.zone.warning());
    }
    reader.warnings.iter().for_each(|text| file.warn(text));
    let flow = file.take(reader.outcome);
    if let Some(error) = error {
        file.cut(bytes.len() as u64, &error);
    }
    file.close(flow)
}

/// Whether a name is one that files of failures have.
fn is_named_so(name: &str) -> bool {
    let file_name = name.rsplit('/').next().unwrap_or_default();
    file_name.contains("btmp") || file_name.contains("lastb")
}

/// Reads the lines of a listing.
struct Reader<'a> {
    options: &'a Options,
    zone: Zone,
    /// The file's name says that it holds failures.
    is_of_failures: bool,
    outcome: Outcome,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn time(&mut self, stamp: Stamp) -> Result<Timestamp, FieldError> {
        self.outcome.zone_assumed |= matches!(stamp, Stamp::Local(_)) && self.zone.is_assumed();
        let error = |error: TimeError| FieldError::Time { field: "the line's date", error };
        self.zone.resolve(stamp).map_err(error)
    }

    fn reject(&mut self, line: u64, reason: impl std::fmt::Display) {
        self.outcome.rejects.push(Position::Line(line), reason);
    }
}
