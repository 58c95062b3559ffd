//! lastlog: each user's last logon, at the place that the user's number gives (telemetry.md §4.1).
//!
//! The one idea is that zeros say nothing: the file is mostly holes, so it is known by its first
//! record that is none, however far behind the start that stands.

use std::ops::ControlFlow;

use inventory::logon::{Logon, Source};
use inventory::time::{TimeError, Timestamp};

use crate::linux::{self, NAMELESS, Place, fixed};
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::stream::Stream;
use crate::utmp;
use crate::windows::FieldError;
use crate::{Format, Options};

/// How much is read at a time: whole records of both sizes.
const BLOCK_BYTES: usize = 292 * 296 * 12;
/// How far a file is read: to the users below some 29 million. The numbers of a directory's users
/// can make a file, nearly all of it a hole, that takes hours to read.
const MAX_BYTES: u64 = 8 * 1024 * 1024 * 1024;
const LINE_BYTES: usize = 32;
const HOST_BYTES: usize = 256;
/// 1990-01-01 to where 32 bits end.
const DATES: std::ops::RangeInclusive<i64> = 631_152_000..=4_294_967_295;

/// Whether a file's first bytes can be those of a lastlog.
pub(crate) fn is_log(head: &[u8]) -> bool {
    is_hole(head) || Layout::of(head).is_some()
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
    let Some(layout) = Layout::of(&block[..count]) else {
        session.skipped(name, "not a known format");
        return ControlFlow::Continue(());
    };
    let mut reader = Reader { options: session.options, layout, nameless: false };
    let mut file = OpenFile::new(session, name, Format::Lastlog);
    let mut flow;
    loop {
        let mut outcome = Outcome::default();
        reader.block(&block[..count], start, &mut outcome);
        start += count as u64;
        let ended = count < block.len();
        if start >= MAX_BYTES && !ended {
            let reason = format_args!("not read beyond {} GiB", MAX_BYTES >> 30);
            outcome.rejects.push(Position::Byte(start), reason);
        }
        flow = file.take(outcome);
        if let Some(error) = error {
            file.cut(start, &error);
        }
        if ended || start >= MAX_BYTES || flow.is_break() {
            break;
        }
        (count, error) = stream.fill(&mut block);
    }
    if reader.nameless {
        file.warn(NAMELESS);
    }
    file.close(flow)
}

/// How a machine lays out its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    /// Times of 64 bits: aarch64, s390x, riscv64.
    wide: bool,
    big_endian: bool,
}

struct Record<'a> {
    seconds: i64,
    line: &'a [u8],
    host: &'a [u8],
}

impl Layout {
    const ALL: [Layout; 4] = [
        Layout { wide: false, big_endian: false },
        Layout { wide: true, big_endian: false },
        Layout { wide: false, big_endian: true },
        Layout { wide: true, big_endian: true },
    ];

    /// The layout in which the first record that is no hole makes sense.
    fn of(bytes: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| {
            let mut records = bytes.chunks_exact(layout.size());
            let first = records.find(|record| !is_hole(record));
            first.and_then(|record| layout.record(record)).is_some_and(|record| record.is_certain())
        })
    }

    fn time_bytes(self) -> usize {
        if self.wide { 8 } else { 4 }
    }

    fn size(self) -> usize {
        self.time_bytes() + LINE_BYTES + HOST_BYTES
    }

    fn record<'a>(self, bytes: &'a [u8]) -> Option<Record<'a>> {
        let (time, rest) = bytes.get(..self.size())?.split_at(self.time_bytes());
        let (line, host) = rest.split_at(LINE_BYTES);
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
    /// Whether nothing but a record looks like that.
    fn is_certain(&self) -> bool {
        // Text that fills its field could be any text.
        let is_text = |field: &[u8]| {
            let end = field.iter().position(|&byte| byte == 0);
            end.is_some_and(|end| {
                is_hole(&field[end..]) && !field[..end].iter().any(u8::is_ascii_control)
            })
        };
        DATES.contains(&self.seconds)
            && self.line.first().is_some_and(|&byte| byte != 0)
            && is_text(self.line)
            && is_text(self.host)
    }
}

struct Reader<'a> {
    options: &'a Options,
    layout: Layout,
    /// A user had no name but the number.
    nameless: bool,
}

impl Reader<'_> {
    fn block(&mut self, bytes: &[u8], start: u64, outcome: &mut Outcome) {
        let size = self.layout.size();
        let records = bytes.chunks_exact(size);
        let rest = records.remainder();
        for (index, bytes) in records.enumerate() {
            if is_hole(bytes) {
                continue;
            }
            let at = start + (index * size) as u64;
            // Without a time the user never logged on, whatever else is left there.
            let Some(record) = self.layout.record(bytes).filter(|record| record.seconds != 0)
            else {
                continue;
            };
            match self.logon(&record, at / size as u64) {
                Ok(logon) => outcome.part(Format::Lastlog).count(logon),
                Err(error) => outcome.rejects.push(Position::Byte(at), error),
            }
        }
        if !is_hole(rest) {
            let at = start + (bytes.len() - rest.len()) as u64;
            let reason = format_args!("a record that ends after {} of {size} bytes", rest.len());
            outcome.rejects.push(Position::Byte(at), reason);
        }
    }

    fn logon(&mut self, record: &Record<'_>, uid: u64) -> Result<Option<Logon>, FieldError> {
        let time = Timestamp::from_seconds(record.seconds, 0)
            .ok_or(FieldError::Time { field: "ll_time", error: TimeError::Range })?;
        let name = u32::try_from(uid).ok().and_then(|uid| self.options.users.name(uid));
        self.nameless |= name.is_none();
        let number = uid.to_string();
        let host = fixed(record.host);
        let local = utmp::is_local(&host);
        let entry = linux::Entry {
            user: name.unwrap_or(&number),
            host: "",
            time,
            place: if local { Place::Local } else { Place::Remote },
            remote: if local { "" } else { &host },
            source: Source::Lastlog,
            key: utmp::key(&fixed(record.line), &host),
        };
        linux::logon(self.options, &entry)
    }
}

fn is_hole(bytes: &[u8]) -> bool {
    // Most of a lastlog is this question, so it is asked of whole words.
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|&byte| byte == 0)
}
