//! Bytes to be read once, with a look ahead, a count and an error that waits for its turn.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// A reader whose first bytes can be looked at before they are read.
pub(crate) struct Stream<'a> {
    inner: Box<dyn Read + 'a>,
    head: Vec<u8>,
    head_read: usize,
    /// What stopped the look ahead; it is told once the bytes before it are read.
    error: Option<io::Error>,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(inner: impl Read + 'a) -> Self {
        Self { inner: Box::new(inner), head: Vec::new(), head_read: 0, error: None }
    }

    /// The next bytes, as many as asked for or as there are. To be used before any reading.
    pub(crate) fn look(&mut self, count: usize) -> &[u8] {
        if self.error.is_none() && self.head.len() < count {
            let missing = count - self.head.len();
            // What was read before an error stays in the buffer.
            let read = (&mut self.inner).take(missing as u64).read_to_end(&mut self.head);
            self.error = read.err();
        }
        &self.head[..self.head.len().min(count)]
    }

    /// The error that the look ahead met.
    pub(crate) fn look_error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// Fills as much of the buffer as there is; the error that stopped it, if one did.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> (usize, Option<io::Error>) {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (filled, Some(error)),
            }
        }
        (filled, None)
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ahead = &self.head[self.head_read..];
        if !ahead.is_empty() {
            let count = ahead.len().min(buffer.len());
            buffer[..count].copy_from_slice(&ahead[..count]);
            self.head_read += count;
            return Ok(count);
        }
        match self.error.take() {
            Some(error) => Err(error),
            None => self.inner.read(buffer),
        }
    }
}

/// Counts the bytes that are read through it.
pub(crate) struct Metered<R> {
    inner: R,
    meter: Rc<Cell<u64>>,
}

impl<R> Metered<R> {
    pub(crate) fn new(inner: R, meter: Rc<Cell<u64>>) -> Self {
        Self { inner, meter }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.meter.set(self.meter.get() + count as u64);
        Ok(count)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}

/// A member of an archive that says how long it is: an early end is an error, not an end.
pub(crate) struct Whole<R> {
    inner: R,
    missing: u64,
}

impl<R> Whole<R> {
    pub(crate) fn new(inner: R, length: u64) -> Self {
        Self { inner, missing: length }
    }
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count == 0 && self.missing > 0 && !buffer.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("the archive ends {} bytes too early", self.missing),
            ));
        }
        self.missing = self.missing.saturating_sub(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes, then fails.
    struct Failing<'a>(&'a [u8]);

    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("broken")),
                count => Ok(count),
            }
        }
    }

    #[test]
    fn an_error_waits_until_the_bytes_before_it_are_read() {
        let mut stream = Stream::new(Failing(b"abcdef"));
        assert_eq!(stream.look(3), b"abc");
        assert!(stream.look_error().is_none());
        assert_eq!(stream.look(100), b"abcdef");
        assert!(stream.look_error().is_some());
        let mut buffer = [0; 16];
        let (count, error) = stream.fill(&mut buffer);
        assert_eq!(&buffer[..count], b"abcdef");
        assert!(error.is_some());
    }

    #[test]
    fn a_member_that_is_cut_short_says_so() {
        let mut text = String::new();
        let cut = Whole::new(&b"abc"[..], 4).read_to_string(&mut text);
        assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(Whole::new(&b"abc"[..], 3).read_to_string(&mut text).is_ok());
    }
}
