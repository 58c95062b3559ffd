//! Where the fields of a record are, and which of the four layouts a file has.

/// The types of records that are told apart (`utmp(5)`).
pub(crate) mod kinds {
    pub(crate) const EMPTY: i16 = 0;
    pub(crate) const LOGIN: i16 = 6;
    pub(crate) const USER: i16 = 7;
    pub(crate) const ACCOUNTING: i16 = 9;
}

/// 1990-01-01, before which there was no Linux.
const FIRST_SECOND: i64 = 631_152_000;
/// A machine without a clock counts from 1970 until it has the time from others.
const WITHOUT_CLOCK: std::ops::Range<i64> = 0..31_536_000;
/// The kernel's own limit (`PID_MAX_LIMIT`).
const MAX_PID: i32 = 4 * 1024 * 1024;
/// How far is looked for the next record where one was cut.
pub(super) const RESUME_RECORDS: usize = 2;
/// Records that are looked at to know a layout.
const MAX_JUDGED: usize = 256;

/// How a machine lays out its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Times of 64 bits: aarch64, s390x, riscv64.
    wide: bool,
    big_endian: bool,
}

/// A record's fields as they stand there.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) kind: i16,
    pub(super) line: &'a [u8],
    pub(super) user: &'a [u8],
    pub(super) host: &'a [u8],
    pub(super) seconds: i64,
    pub(super) micros: i64,
    pub(super) address: &'a [u8; 16],
    pid: i32,
    /// What no program uses.
    unused: &'a [u8],
}

impl Layout {
    const ALL: [Layout; 4] = [
        Layout { wide: false, big_endian: false },
        Layout { wide: true, big_endian: false },
        Layout { wide: false, big_endian: true },
        Layout { wide: true, big_endian: true },
    ];

    /// The layout in which the most of a file's first records make sense.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let scored = Self::ALL.map(|layout| (layout.score(head), layout));
        // Of those with equal scores the first.
        let best = scored.into_iter().rev().max_by_key(|(score, _)| *score)?;
        (best.0 > 0).then_some(best.1)
    }

    /// Bytes of a record.
    pub(super) fn size(self) -> usize {
        if self.wide { 400 } else { 384 }
    }

    /// The record at the front; `None` when there are too few bytes.
    pub(super) fn record<'a>(self, bytes: &'a [u8]) -> Option<Record<'a>> {
        let bytes = bytes.get(..self.size())?;
        let kind = *bytes.first_chunk::<2>()?;
        let number = |at: usize| -> Option<i64> {
            let field = bytes.get(at..)?;
            Some(match (self.wide, self.big_endian) {
                // glibc reads the 32 bits without a sign, so that they last until 2106.
                (false, false) => u32::from_le_bytes(*field.first_chunk()?).into(),
                (false, true) => u32::from_be_bytes(*field.first_chunk()?).into(),
                (true, false) => i64::from_le_bytes(*field.first_chunk()?),
                (true, true) => i64::from_be_bytes(*field.first_chunk()?),
            })
        };
        let (seconds, micros, address) = if self.wide { (344, 352, 360) } else { (340, 344, 348) };
        let pid = *bytes.get(4..)?.first_chunk()?;
        Some(Record {
            kind: if self.big_endian { i16::from_be_bytes(kind) } else { i16::from_le_bytes(kind) },
            line: &bytes[8..40],
            user: &bytes[44..76],
            host: &bytes[76..332],
            seconds: number(seconds)?,
            micros: number(micros)?,
            address: bytes.get(address..)?.first_chunk()?,
            pid: if self.big_endian { i32::from_be_bytes(pid) } else { i32::from_le_bytes(pid) },
            unused: bytes.get(address + 16..)?,
        })
    }

    /// The first whole records of a file that are not all zero.
    pub(super) fn records(self, head: &[u8]) -> impl Iterator<Item = Record<'_>> {
        head.chunks_exact(self.size())
            .filter(|bytes| !is_zero(bytes))
            .filter_map(move |bytes| self.record(bytes))
    }

    /// How many bytes stand before the next record; none in a sound file. A record that was cut,
    /// by a full disk or a crash, moves all that were written after it.
    pub(super) fn misplaced(self, rest: &[u8]) -> usize {
        let size = self.size();
        let record = |at: usize| self.record(&rest[at..]);
        let certain = |at: usize| record(at).is_some_and(|record| record.is_certain());
        // What stands before a certain record is one, however odd: it is read for what it says.
        if certain(0) || rest.len() == size || (rest.len() >= 2 * size && certain(size)) {
            return 0;
        }
        let last = rest.len() - size;
        let mut moved = (1..=last.min(RESUME_RECORDS * size)).filter(|at| at % size != 0);
        match moved.find(|&at| certain(at)) {
            Some(at) => at,
            None if record(0).is_some_and(|record| record.is_readable()) => 0,
            None => size,
        }
    }

    /// How well the records make sense: 0 where they do not throughout.
    fn score(self, head: &[u8]) -> usize {
        let (mut total, mut sound, mut certain) = (0, 0, 0);
        let mut rest = head;
        while total < MAX_JUDGED
            && let Some(bytes) = rest.get(..self.size())
        {
            if is_zero(bytes) {
                rest = &rest[self.size()..];
                continue;
            }
            let odd = self.misplaced(rest);
            let record = self.record(bytes).filter(|_| odd == 0);
            total += 1;
            sound += usize::from(record.as_ref().is_some_and(Record::is_sound));
            certain += usize::from(record.is_some_and(|record| record.is_certain()));
            rest = &rest[if odd == 0 { self.size() } else { odd }..];
        }
        if certain > 0 && 3 * sound >= 2 * total { sound + certain } else { 0 }
    }
}

impl Record<'_> {
    /// Whether the fields can be what a machine wrote.
    pub(super) fn is_sound(&self) -> bool {
        (kinds::EMPTY..=kinds::ACCOUNTING).contains(&self.kind) && self.is_readable()
    }

    /// The same for a record of whatever type.
    pub(super) fn is_readable(&self) -> bool {
        let line = until_nul(self.line).0;
        (0..1_000_000).contains(&self.micros)
            && (WITHOUT_CLOCK.contains(&self.seconds) || self.has_date())
            && !line.iter().any(u8::is_ascii_control)
    }

    /// Whether nothing but a record looks like that.
    pub(super) fn is_certain(&self) -> bool {
        let text = |field: &[u8]| {
            let (text, rest) = until_nul(field);
            is_zero(rest) && !text.iter().any(u8::is_ascii_control)
        };
        self.is_sound()
            && self.kind != kinds::EMPTY
            && self.has_date()
            && (0..=MAX_PID).contains(&self.pid)
            && self.line[0].is_ascii_graphic()
            && [self.line, self.user, self.host].into_iter().all(text)
            && is_zero(self.unused)
    }

    fn has_date(&self) -> bool {
        (FIRST_SECOND..=i64::from(u32::MAX)).contains(&self.seconds)
    }
}

/// A field's text and what stands behind it, from the NUL on.
fn until_nul(field: &[u8]) -> (&[u8], &[u8]) {
    field.split_at(field.iter().position(|&byte| byte == 0).unwrap_or(field.len()))
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}
