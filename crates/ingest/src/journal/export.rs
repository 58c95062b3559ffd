//! `journalctl -o export`: the fields of an entry on a line each, an empty line behind the entry.
//!
//! A field is `KEY=value`; one whose value is no text is `KEY`, a newline, the value's length as
//! 64 bits, the value, a newline.

use std::io;
use std::ops::ControlFlow;

use memchr::memchr;

use super::{Entry, Reader};
use crate::Format;
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::stream::Stream;

/// How much is read at a time.
const READ_BYTES: usize = 256 * 1024;
/// How much is read before what was found is handed on.
const BLOCK_BYTES: u64 = 4 * 1024 * 1024;
/// The longest value that is read; of others only the length is. Those that are asked for are
/// short, and journald cuts a message at 48 KiB unless told otherwise.
const MAX_VALUE_BYTES: usize = 1024 * 1024;

/// Whether a file's first bytes are an entry. journalctl writes these fields first.
pub(crate) fn is_export(head: &[u8]) -> bool {
    [&b"__CURSOR="[..], b"__REALTIME_TIMESTAMP=", b"__SEQNUM="]
        .iter()
        .any(|key| head.trim_ascii_start().starts_with(key))
}

/// Reads a file that looks like it.
pub(crate) fn read(session: &mut Session<'_>, name: &str, stream: Stream<'_>) -> ControlFlow<()> {
    let mut reader = Reader::new(session.options);
    let mut file = OpenFile::new(session, name, Format::Journal);
    let mut bytes = Bytes::new(stream);
    let mut flow = ControlFlow::Continue(());
    while flow.is_continue() && !bytes.at_end() {
        let mut outcome = Outcome::default();
        let until = bytes.position + BLOCK_BYTES;
        while bytes.position < until && !bytes.at_end() {
            read_entry(&mut reader, &mut bytes, &mut outcome);
        }
        flow = file.take(outcome);
    }
    if let (Some(error), true) = (&bytes.error, flow.is_continue()) {
        file.cut(bytes.position, error);
    }
    file.close(flow)
}

fn read_entry(reader: &mut Reader<'_>, bytes: &mut Bytes<'_>, outcome: &mut Outcome) {
    let position = Position::Byte(bytes.position);
    let mut entry = Entry::default();
    let mut fields = 0;
    loop {
        match bytes.field(&mut entry) {
            Ok(Next::Field) => fields += 1,
            Ok(Next::End) => break,
            Err(reason) => {
                outcome.rejects.push(position, reason);
                bytes.skip_entry();
                return;
            }
        }
    }
    // Empty lines can follow one another.
    if fields == 0 {
        return;
    }
    if let Err(error) = reader.entry(&entry, outcome) {
        outcome.rejects.push(position, error);
    }
}

/// What came next in an entry.
enum Next {
    Field,
    /// The entry's end, or the file's.
    End,
}

/// A line, or as much of it as is kept.
struct Line {
    bytes: Vec<u8>,
    cut: bool,
    /// The newline was there.
    whole: bool,
}

/// The bytes of the file, with how far they were read.
struct Bytes<'a> {
    stream: Stream<'a>,
    buffer: Vec<u8>,
    start: usize,
    position: u64,
    ended: bool,
    error: Option<io::Error>,
}

impl<'a> Bytes<'a> {
    fn new(stream: Stream<'a>) -> Self {
        let (buffer, error) = (Vec::new(), None);
        Self { stream, buffer, start: 0, position: 0, ended: false, error }
    }

    /// Reads the next field into its slot.
    fn field(&mut self, entry: &mut Entry) -> Result<Next, String> {
        let line = self.line();
        if line.bytes.is_empty() {
            return Ok(Next::End);
        }
        if !line.whole && self.error.is_some() {
            return Err("an entry that is cut".to_owned());
        }
        if let Some(equals) = memchr(b'=', &line.bytes) {
            let key = String::from_utf8_lossy(&line.bytes[..equals]);
            if let (Some(slot), false) = (entry.slot(&key), line.cut) {
                *slot = String::from_utf8_lossy(&line.bytes[equals + 1..]).into_owned();
            }
            return Ok(Next::Field);
        }
        let key = String::from_utf8_lossy(&line.bytes);
        let is_key = !line.cut
            && key.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_');
        if !is_key {
            return Err("a line that is no field".to_owned());
        }
        let value = self.binary_value()?;
        if let Some(slot) = entry.slot(&key) {
            *slot = String::from_utf8_lossy(&value).into_owned();
        }
        Ok(Next::Field)
    }

    fn binary_value(&mut self) -> Result<Vec<u8>, String> {
        let cut = || "a value that the file ends in".to_owned();
        let mut length = [0; 8];
        length.copy_from_slice(self.take(8).get(..8).ok_or_else(cut)?);
        let length = u64::from_le_bytes(length);
        let kept = usize::try_from(length).unwrap_or(usize::MAX).min(MAX_VALUE_BYTES);
        let value = self.take(kept);
        if value.len() < kept || !self.skip(length - kept as u64) {
            return Err(cut());
        }
        match self.take(1)[..] {
            [b'\n'] => Ok(value),
            _ => Err("a value without its newline".to_owned()),
        }
    }

    /// Goes on behind the next empty line.
    fn skip_entry(&mut self) {
        while !self.at_end() && !self.line().bytes.is_empty() {}
    }

    /// The next line without its newline.
    fn line(&mut self) -> Line {
        let mut line = Line { bytes: Vec::new(), cut: false, whole: false };
        while !self.at_end() {
            let rest = &self.buffer[self.start..];
            let newline = memchr(b'\n', rest);
            let end = newline.unwrap_or(rest.len());
            let room = MAX_VALUE_BYTES - line.bytes.len();
            line.bytes.extend_from_slice(&rest[..end.min(room)]);
            line.cut |= end > room;
            line.whole = newline.is_some();
            self.advance(end + usize::from(line.whole));
            if line.whole {
                break;
            }
        }
        line
    }

    /// So many bytes, or those that are left.
    fn take(&mut self, count: usize) -> Vec<u8> {
        let mut taken = Vec::new();
        while taken.len() < count && !self.at_end() {
            let rest = &self.buffer[self.start..];
            let end = rest.len().min(count - taken.len());
            taken.extend_from_slice(&rest[..end]);
            self.advance(end);
        }
        taken
    }

    /// Passes over so many bytes; whether they were there.
    fn skip(&mut self, mut count: u64) -> bool {
        while count > 0 && !self.at_end() {
            let here =
                (self.buffer.len() - self.start).min(usize::try_from(count).unwrap_or(usize::MAX));
            self.advance(here);
            count -= here as u64;
        }
        count == 0
    }

    fn advance(&mut self, count: usize) {
        self.start += count;
        self.position += count as u64;
    }

    /// Whether nothing is left, once more has been read.
    fn at_end(&mut self) -> bool {
        if self.start == self.buffer.len() && !self.ended {
            self.buffer.resize(READ_BYTES, 0);
            let (count, error) = self.stream.fill(&mut self.buffer);
            self.buffer.truncate(count);
            self.start = 0;
            self.ended = count < READ_BYTES;
            self.error = error;
        }
        self.start == self.buffer.len()
    }
}
