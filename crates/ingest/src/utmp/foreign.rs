//! The records of logons of other systems, which have other fields at other places: those of macOS,
//! OpenBSD and FreeBSD are read; others are refused by their name.
//!
//! The one idea: a system is a table of places. A file is taken for a system's where each of its
//! first records looks like one, so that no other file gives a logon that is not in it.

use std::ops::{ControlFlow, Range};

use crate::linux::fixed;
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::stream::Stream;
use crate::{Format, Options};

use super::{BLOCK_BYTES, Kind, Said, time};

/// 1990-01-01 to where 32 bits end.
const DATES: Range<i64> = 631_152_000..4_294_967_296;
/// Records that are looked at to know a system.
const MAX_JUDGED: usize = 256;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// How a system lays out its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    size: usize,
    user: (usize, usize),
    line: (usize, usize),
    host: (usize, usize),
    /// Where the type is, how many bytes it has, and which is a user's process.
    kind: Option<(usize, usize, i64)>,
    /// The highest type that there is.
    max_kind: i64,
    /// Where the time is, and how many bytes it has.
    time: (usize, usize),
    /// Where the microseconds are; `None` where the time is of microseconds, or of seconds alone.
    micros: Option<usize>,
    /// Units of the time in a second.
    unit: i64,
    big_endian: bool,
    /// The user of the first record, which is no record.
    header: &'static [u8],
}

/// macOS: struct utmpx32 of Libc's `gen/utmpx-darwin.c`, in `/var/run/utmpx`. Those of PowerPC are
/// big-endian.
const MACOS: Foreign = Foreign {
    size: 628,
    user: (0, 256),
    line: (260, 32),
    host: (308, 256),
    kind: Some((296, 2, 7)),
    max_kind: 11,
    time: (300, 4),
    micros: Some(304),
    unit: 1,
    big_endian: false,
    header: b"utmpx-1.00",
};
/// OpenBSD: `utmp(5)`, in `/var/run/utmp` and `/var/log/wtmp`. A user's name and a terminal are a logon.
const OPENBSD: Foreign = Foreign {
    size: 304,
    user: (8, 32),
    line: (0, 8),
    host: (40, 256),
    kind: None,
    max_kind: 0,
    time: (296, 8),
    micros: None,
    unit: 1,
    big_endian: false,
    header: b"",
};
/// FreeBSD: struct futx of Libc's `gen/utxdb.h`, in `/var/run/utx.active` and `/var/log/utx.lastlogin`.
const FREEBSD: Foreign = Foreign {
    size: 197,
    user: (21, 32),
    line: (53, 16),
    host: (69, 128),
    kind: Some((0, 1, 4)),
    max_kind: 8,
    time: (1, 8),
    micros: None,
    unit: MICROS_PER_SECOND,
    big_endian: true,
    header: b"",
};

const ALL: [Foreign; 5] = [
    MACOS,
    Foreign { big_endian: true, ..MACOS },
    OPENBSD,
    Foreign { big_endian: true, ..OPENBSD },
    FREEBSD,
];

/// A record's fields.
struct Record<'a> {
    user: &'a [u8],
    line: &'a [u8],
    host: &'a [u8],
    kind: Option<i64>,
    /// The time in the system's units.
    time: i64,
    micros: i64,
}

/// Names a file of a system that is not read.
pub(super) fn refusal(head: &[u8]) -> Option<&'static str> {
    const UTX_LOG: &str = "FreeBSD's utx.log, which is not read; the text of `last` is";
    if head.starts_with(b"utmpx-") {
        return Some(
            "a utmpx of NetBSD or an unknown version, which is not read; the text of `last` is",
        );
    }
    // Each record is preceded by its length, and ends where its host does.
    let (mut rest, mut records) = (head, 0);
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some(bytes) = after.get(..length) else { break };
        let mut whole = [0; FREEBSD.size];
        whole.get_mut(..length)?.copy_from_slice(bytes);
        let record = FREEBSD.record(&whole).filter(|record| record.kind != Some(0));
        if !record.is_some_and(|record| FREEBSD.looks_right(&record)) {
            return None;
        }
        records += 1;
        rest = &after[length..];
    }
    (records > 1).then_some(UTX_LOG)
}

impl Foreign {
    /// The system whose records a file's first bytes are, all of them.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        ALL.into_iter().find(|foreign| foreign.is_of(head))
    }

    fn is_of(self, head: &[u8]) -> bool {
        if !head.starts_with(self.header) {
            return false;
        }
        let records =
            || head.chunks_exact(self.size).filter(|bytes| !is_zero(bytes)).take(MAX_JUDGED);
        let looks_right = |bytes| self.record(bytes).is_some_and(|it| self.looks_right(&it));
        // A header is of nothing else; records without one show it by what they hold.
        let is_certain = |bytes| self.record(bytes).is_some_and(|it| self.is_certain(&it));
        records().all(looks_right) && (records().any(is_certain) || self.has_header(head))
    }

    fn has_header(self, head: &[u8]) -> bool {
        let kind = self.record(head).and_then(|record| record.kind);
        !self.header.is_empty() && kind == Some(HEADER_KIND)
    }

    fn record(self, bytes: &[u8]) -> Option<Record<'_>> {
        let field = |(at, length): (usize, usize)| bytes.get(at..at + length);
        let number = |at: usize, length: usize| {
            let mut value = [0; 8];
            let field = field((at, length))?;
            value[..length].copy_from_slice(field);
            if self.big_endian {
                value[..length].reverse();
            }
            Some(i64::from_le_bytes(value))
        };
        Some(Record {
            user: field(self.user)?,
            line: field(self.line)?,
            host: field(self.host)?,
            kind: match self.kind {
                Some((at, length, _)) => Some(number(at, length)?),
                None => None,
            },
            time: number(self.time.0, self.time.1)?,
            micros: match self.micros {
                Some(at) => number(at, 4)?,
                None => 0,
            },
        })
    }

    /// Whether the fields can be what the system wrote.
    fn looks_right(self, record: &Record<'_>) -> bool {
        let has_kind = record.kind.is_none_or(|kind| (0..=self.max_kind).contains(&kind));
        let is_unset = record.kind == Some(0) || record.kind == Some(HEADER_KIND);
        // A header is proof enough; where there is none, what stands behind a text counts, too.
        let is_right = if self.header.is_empty() { is_whole_text } else { is_text };
        let has_texts = [record.user, record.line, record.host].into_iter().all(is_right);
        has_kind && has_texts && (is_unset || DATES.contains(&(record.time / self.unit)))
    }

    /// Whether it is a logon that nothing else looks like.
    fn is_certain(self, record: &Record<'_>) -> bool {
        self.looks_right(record)
            && self.kind(record) == Kind::Logon
            && record.line[0].is_ascii_graphic()
            && !record.user[0].is_ascii_control()
    }

    fn kind(self, record: &Record<'_>) -> Kind {
        let (user, line) = (fixed(record.user), fixed(record.line));
        match (self.kind, record.kind) {
            (Some((_, _, of_user)), kind) if kind == Some(of_user) => Kind::of_user(&user, &line),
            // `~` is the machine's own; `|` and `{` are its clock, before and after it was set.
            (None, _) if !line.starts_with(['~', '|', '{']) && !line.is_empty() => {
                Kind::of_user(&user, &line)
            }
            _ => Kind::Other,
        }
    }

    fn count(self, bytes: &[u8], at: u64, options: &Options, outcome: &mut Outcome) {
        let position = Position::Byte(at);
        let (length, size) = (bytes.len(), self.size);
        if length < size {
            let reason = format_args!("a record that ends after {length} of {size} bytes");
            return outcome.rejects.push(position, reason);
        }
        if is_zero(bytes) {
            return Kind::Other.count(outcome);
        }
        let Some(record) = self.record(bytes).filter(|record| self.looks_right(record)) else {
            let reason = format_args!("{size} bytes that are no record");
            return outcome.rejects.push(position, reason);
        };
        let kind = self.kind(&record);
        if kind != Kind::Logon {
            kind.count(outcome);
            return;
        }
        let (seconds, of_second) =
            (record.time.div_euclid(self.unit), record.time.rem_euclid(self.unit));
        let micros = of_second + record.micros.clamp(0, MICROS_PER_SECOND - 1);
        let said = Said {
            user: &fixed(record.user),
            line: &fixed(record.line),
            host: &fixed(record.host),
            address: None,
            is_host_cut: false,
            time: time(seconds, micros),
        };
        said.count(options, position, outcome);
    }
}

/// The type of a header: `SIGNATURE`.
const HEADER_KIND: i64 = 10;

/// Reads a file of such records.
pub(super) fn read(
    session: &mut Session<'_>,
    name: &str,
    mut stream: Stream<'_>,
    foreign: Foreign,
) -> ControlFlow<()> {
    let (options, size) = (session.options, foreign.size);
    let mut file = OpenFile::new(session, name, Format::Utmp);
    let mut block = vec![0; BLOCK_BYTES / size * size];
    let mut start = 0;
    let mut flow = ControlFlow::Continue(());
    let mut ended = false;
    while !ended && flow.is_continue() {
        let (count, error) = stream.fill(&mut block);
        ended = count < block.len();
        let mut outcome = Outcome::default();
        for bytes in block[..count].chunks(size) {
            foreign.count(bytes, start, options, &mut outcome);
            start += bytes.len() as u64;
        }
        flow = file.take(outcome);
        if let Some(error) = error {
            file.cut(start, &error);
        }
    }
    file.close(flow)
}

/// The field's text has nothing in it that no terminal has.
fn is_text(field: &[u8]) -> bool {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    !field[..end].iter().any(u8::is_ascii_control)
}

/// The same, and nothing stands behind its end.
fn is_whole_text(field: &[u8]) -> bool {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    is_text(field) && is_zero(&field[end..])
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}
