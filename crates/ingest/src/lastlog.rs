//! lastlog: each user's last logon, at the place that the user's number gives (telemetry.md §4.1).
//!
//! The one idea is that zeros say nothing: the file is mostly holes, so it is known by the records that
//! are none, however far behind the start the first stands, and every one of them has to look like one.

use std::ops::ControlFlow;

use inventory::logon::{Logon, Source};
use inventory::rule::Opening;
use inventory::time::{TimeError, Timestamp};

use crate::linux::{self, NAMELESS, Place, fixed};
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::stream::Stream;
use crate::utmp;
use crate::windows::FieldError;
use crate::{Format, Options};

/// How much is read at a time: whole records of each size.
const BLOCK_BYTES: usize = 292 * 296 * 272 / 32;
/// How far a file is read: to the users below some 29 million. The numbers of a directory's users
/// can make a file, nearly all of it a hole, that takes hours to read.
const MAX_BYTES: u64 = 8 * 1024 * 1024 * 1024;
const HOST_BYTES: usize = 256;
/// 1990-01-01 to where 32 bits end.
const DATES: std::ops::RangeInclusive<i64> = 631_152_000..=4_294_967_295;

/// Whether a file's first bytes can be those of a lastlog: every record in them that is no hole looks
/// like one.
pub(crate) fn is_log(head: &[u8]) -> bool {
    is_hole(head) || Layout::ALL.into_iter().any(|layout| layout.is_of(head))
}

/// Reads a file that can be one.
pub(crate) fn read(
    session: &mut Session<'_>,
    name: &str,
    mut stream: Stream<'_>,
) -> ControlFlow<()> {
    let mut block = vec![0; BLOCK_BYTES];
    let mut start = 0;
    let (mut count, mut error) = stream.fill(&mut block);
    while is_hole(&block[..count]) {
        start += count as u64;
        if count < block.len() || start >= MAX_BYTES {
            let reason = match error {
                Some(error) => format!("nothing but zeros; cannot be read further: {error}"),
                None => "nothing but zeros".to_owned(),
            };
            session.skipped(name, reason);
            return ControlFlow::Continue(());
        }
        (count, error) = stream.fill(&mut block);
    }
    let layouts = Layout::ALL.into_iter().filter(|layout| layout.is_of(&block[..count]));
    let mut readers: Vec<_> = layouts.map(|layout| Reader::new(session.options, layout)).collect();
    if readers.is_empty() {
        let reason = "not a known format (a lastlog has nothing but its records and holes)";
        session.skipped(name, reason);
        return ControlFlow::Continue(());
    }
    let mut file = OpenFile::new(session, name, Format::Lastlog);
    let mut flow = ControlFlow::Continue(());
    loop {
        readers.iter_mut().for_each(|reader| reader.block(&block[..count], start));
        start += count as u64;
        let ended = count < block.len() || start >= MAX_BYTES;
        retain_right(&mut readers, ended.then_some(start));
        if let [reader] = readers.as_mut_slice() {
            if start >= MAX_BYTES && count == block.len() {
                let reason = format_args!("not read beyond {} GiB", MAX_BYTES >> 30);
                reader.outcome.rejects.push(Position::Byte(start), reason);
            }
            flow = file.take(std::mem::take(&mut reader.outcome));
        }
        if let Some(error) = error {
            file.cut(start, &error);
        }
        if ended || flow.is_break() {
            break;
        }
        (count, error) = stream.fill(&mut block);
    }
    if readers.iter().any(|reader| reader.nameless) {
        file.warn(NAMELESS);
    }
    file.close(flow)
}

/// Leaves out layouts in which a record does not look like one, and at the end of the file those of which
/// it does not have whole records; one is always left. Few files are both Linux' and OpenBSD's so far:
/// what they hold waits until it is clear.
fn retain_right(readers: &mut Vec<Reader<'_>>, length: Option<u64>) {
    let keep = |readers: &mut Vec<Reader<'_>>, is_right: &dyn Fn(&Reader<'_>) -> bool| {
        if readers.iter().any(is_right) {
            readers.retain(is_right);
        }
    };
    if readers.len() > 1 {
        keep(readers, &|reader| reader.outcome.rejects.count == 0);
    }
    if let Some(length) = length {
        keep(readers, &|reader| length % reader.layout.size() as u64 == 0);
        readers.truncate(1);
    }
}

/// How a machine lays out its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    /// Times of 64 bits: aarch64, s390x, riscv64, and OpenBSD.
    wide: bool,
    big_endian: bool,
    line_bytes: usize,
}

struct Record<'a> {
    seconds: i64,
    line: &'a [u8],
    host: &'a [u8],
}

impl Layout {
    const LINUX: Layout = Layout { wide: false, big_endian: false, line_bytes: 32 };
    /// OpenBSD's (`lastlog(5)`).
    const OPENBSD: Layout = Layout { wide: true, big_endian: false, line_bytes: 8 };
    const ALL: [Layout; 6] = [
        Self::LINUX,
        Layout { wide: true, ..Self::LINUX },
        Layout { big_endian: true, ..Self::LINUX },
        Layout { wide: true, big_endian: true, ..Self::LINUX },
        Self::OPENBSD,
        Layout { big_endian: true, ..Self::OPENBSD },
    ];

    /// Whether every whole record that is no hole looks like one, and the first leaves no doubt.
    fn is_of(self, bytes: &[u8]) -> bool {
        let mut records = bytes
            .chunks_exact(self.size())
            .filter(|bytes| !is_hole(bytes))
            .filter_map(|bytes| self.record(bytes));
        records.next().is_some_and(|first| first.is_certain())
            && records.all(|record| record.looks_right())
    }

    fn time_bytes(self) -> usize {
        if self.wide { 8 } else { 4 }
    }

    fn size(self) -> usize {
        self.time_bytes() + self.line_bytes + HOST_BYTES
    }

    fn record<'a>(self, bytes: &'a [u8]) -> Option<Record<'a>> {
        let (time, rest) = bytes.get(..self.size())?.split_at(self.time_bytes());
        let (line, host) = rest.split_at(self.line_bytes);
        let seconds = match (self.wide, self.big_endian) {
            (false, false) => u32::from_le_bytes(*time.first_chunk()?).into(),
            (false, true) => u32::from_be_bytes(*time.first_chunk()?).into(),
            (true, false) => i64::from_le_bytes(*time.first_chunk()?),
            (true, true) => i64::from_be_bytes(*time.first_chunk()?),
        };
        Some(Record { seconds, line, host })
    }
}

impl Record<'_> {
    /// Whether it can be a record: a time, or none, and texts. A line that is as long as its field has
    /// no end (`strncpy(3)`); a host of which that is true could be any text.
    fn looks_right(&self) -> bool {
        let is_text = |field: &[u8], end: usize| {
            is_hole(&field[end..]) && !field[..end].iter().any(u8::is_ascii_control)
        };
        let end = |field: &[u8]| field.iter().position(|&byte| byte == 0);
        (self.seconds == 0 || DATES.contains(&self.seconds))
            && is_text(self.line, end(self.line).unwrap_or(self.line.len()))
            && end(self.host).is_some_and(|end| is_text(self.host, end))
    }

    /// Whether nothing but a record looks like that.
    fn is_certain(&self) -> bool {
        self.looks_right() && self.seconds != 0 && self.line.first().is_some_and(|&byte| byte != 0)
    }
}

struct Reader<'a> {
    options: &'a Options,
    layout: Layout,
    outcome: Outcome,
    /// A user had no name but the number.
    nameless: bool,
}

impl<'a> Reader<'a> {
    fn new(options: &'a Options, layout: Layout) -> Self {
        Self { options, layout, outcome: Outcome::default(), nameless: false }
    }

    fn block(&mut self, bytes: &[u8], start: u64) {
        let size = self.layout.size();
        let records = bytes.chunks_exact(size);
        let rest = records.remainder();
        for (index, bytes) in records.enumerate() {
            if is_hole(bytes) {
                continue;
            }
            let at = start + (index * size) as u64;
            let position = Position::Byte(at);
            let record = self.layout.record(bytes).filter(Record::looks_right);
            let Some(record) = record else {
                let reason = format_args!("{size} bytes that are no record");
                self.outcome.rejects.push(position, reason);
                continue;
            };
            // Without a time the user never logged on, whatever else is left there.
            if record.seconds == 0 {
                continue;
            }
            let logon = self.logon(&record, at / size as u64);
            let part = self.outcome.part(Format::Lastlog);
            if let Err(error) = logon.and_then(|logon| part.count(&self.options.rule, logon)) {
                self.outcome.rejects.push(position, error);
            }
        }
        if !is_hole(rest) {
            let at = start + (bytes.len() - rest.len()) as u64;
            let reason = format_args!("a record that ends after {} of {size} bytes", rest.len());
            self.outcome.rejects.push(Position::Byte(at), reason);
        }
    }

    fn logon(&mut self, record: &Record<'_>, uid: u64) -> Result<Option<Logon>, FieldError> {
        let time = Timestamp::from_seconds(record.seconds, 0)
            .ok_or(FieldError::Time { field: "ll_time", error: TimeError::Range })?;
        let name = u32::try_from(uid).ok().and_then(|uid| self.options.users.name(uid));
        self.nameless |= name.is_none();
        let number = uid.to_string();
        let host = fixed(record.host);
        let (line, remote) = (fixed(record.line), utmp::remote_side(&host));
        let entry = linux::Entry {
            user: name.unwrap_or(&number),
            host: "",
            time,
            place: if remote.is_empty() { Place::Local } else { Place::Remote },
            remote,
            source: Source::Lastlog,
            key: utmp::key(&line, &host),
        };
        let opening = Opening { terminal: &line, ..Opening::default() };
        linux::logon_of(self.options, &entry, opening)
    }
}

fn is_hole(bytes: &[u8]) -> bool {
    // Most of a lastlog is this question, so it is asked of whole words.
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|&byte| byte == 0)
}
