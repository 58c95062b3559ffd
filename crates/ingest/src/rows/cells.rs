//! Rows of CSV one by one, each within its bound: only the quotes before it tell where one ends.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use csv::{ByteRecord, ErrorKind, ReaderBuilder, Terminator};

use crate::stream::Stream;

/// The longest row that is read, the header as well; a quote that is never closed makes one row of
/// all that follows.
const MAX_ROW_BYTES: usize = 4 * 1024 * 1024;

/// Reads rows while there are any.
pub(super) struct Rows<'a> {
    reader: csv::Reader<Bounded<'a>>,
    left: Rc<Cell<usize>>,
    pub(super) ended: bool,
    pub(super) error: Option<io::Error>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(stream: Stream<'a>, delimiter: u8) -> Self {
        let left = Rc::new(Cell::new(0));
        let bounded = Bounded { inner: stream, left: Rc::clone(&left) };
        let mut builder = ReaderBuilder::new();
        // With CRLF as one end the crate counts a row's first line too low. The CR is left behind
        // the last value, of which blanks are cut.
        builder.terminator(Terminator::Any(b'\n'));
        builder.has_headers(false).flexible(true).delimiter(delimiter);
        Self { reader: builder.from_reader(bounded), left, ended: false, error: None }
    }

    /// Whether there was one more.
    pub(super) fn next(&mut self, row: &mut ByteRecord) -> bool {
        self.left.set(MAX_ROW_BYTES);
        match self.reader.read_byte_record(row) {
            Ok(more) => self.ended = !more,
            Err(error) => {
                self.ended = true;
                self.error = Some(match error.into_kind() {
                    ErrorKind::Io(error) => error,
                    kind => io::Error::other(format!("{kind:?}")),
                });
            }
        }
        !self.ended
    }

    pub(super) fn position(&self) -> u64 {
        self.reader.position().byte()
    }
}

/// Fails when more is read than may be.
struct Bounded<'a> {
    inner: Stream<'a>,
    left: Rc<Cell<usize>>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::other(format!("a row of more than {MAX_ROW_BYTES} bytes")));
        }
        let end = buffer.len().min(left);
        let count = self.inner.read(&mut buffer[..end])?;
        self.left.set(left - count);
        Ok(count)
    }
}
