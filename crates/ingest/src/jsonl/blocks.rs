//! A stream cut into blocks of whole lines, with lines that are too long left out.

use std::io::{self, Read};

use memchr::{memchr, memrchr};

use super::MAX_LINE_BYTES;
use crate::sniff::BOM;
use crate::stream::Stream;

/// How much is asked of the stream at once within a line that has no end yet.
const READ_BYTES: usize = 256 * 1024;
/// Buffers kept to be used again; more than are under way at once help nobody.
const MAX_SPARE_BUFFERS: usize = 16;

/// A piece of a file.
#[derive(Debug)]
pub(crate) enum Block {
    /// Whole lines; the last one of a file may lack its newline.
    Lines(Vec<u8>),
    /// A line that is too long to be read, of so many bytes.
    TooLong { bytes: u64 },
}

/// Reads a stream block by block.
pub(crate) struct Blocks<'a> {
    stream: Stream<'a>,
    /// What is read and not yet given out.
    pending: Vec<u8>,
    spare: Vec<Vec<u8>>,
    bytes_read: u64,
    ended: bool,
    error: Option<io::Error>,
}

impl<'a> Blocks<'a> {
    pub(crate) fn new(mut stream: Stream<'a>) -> Self {
        if stream.look(BOM.len()) == BOM {
            stream.fill(&mut [0; BOM.len()]);
        }
        Self {
            stream,
            pending: Vec::new(),
            spare: Vec::new(),
            bytes_read: 0,
            ended: false,
            error: None,
        }
    }

    /// What stopped the reading before the end.
    pub(crate) fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// How far the stream was read.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Takes a buffer back.
    pub(crate) fn recycle(&mut self, mut buffer: Vec<u8>) {
        // One that grew for a long line is let go, lest all do in the end.
        if self.spare.len() < MAX_SPARE_BUFFERS && buffer.capacity() <= 2 * super::BLOCK_BYTES {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// The next block of about so many bytes, less where the file ends or a long line begins.
    pub(crate) fn next(&mut self, bytes: usize) -> Option<Block> {
        // Up to here there is no newline in what is pending.
        let mut searched = 0;
        loop {
            if self.pending.len() >= bytes || self.ended {
                // A broken end that was dropped can leave less than was searched.
                searched = searched.min(self.pending.len());
                let newline = memchr(b'\n', &self.pending[searched..]).map(|at| searched + at);
                if newline.unwrap_or(self.pending.len()) > MAX_LINE_BYTES {
                    return Some(self.skip_line(newline));
                }
                if newline.is_some() || self.ended {
                    return self.take_lines();
                }
                searched = self.pending.len();
            }
            let missing = bytes.saturating_sub(self.pending.len());
            self.read_more(if missing > 0 { missing } else { READ_BYTES });
        }
    }

    fn take_lines(&mut self) -> Option<Block> {
        let newline = memrchr(b'\n', &self.pending);
        let end = match newline {
            _ if self.ended && !self.last_line_is_long(newline) => self.pending.len(),
            Some(newline) => newline + 1,
            None => self.pending.len(),
        };
        if end == 0 {
            return None;
        }
        let mut rest = self.spare.pop().unwrap_or_default();
        rest.extend_from_slice(&self.pending[end..]);
        let mut lines = std::mem::replace(&mut self.pending, rest);
        lines.truncate(end);
        Some(Block::Lines(lines))
    }

    fn last_line_is_long(&self, newline: Option<usize>) -> bool {
        self.pending.len() - newline.map_or(0, |at| at + 1) > MAX_LINE_BYTES
    }

    /// Leaves out the line that is pending, whose newline is there or still to come.
    fn skip_line(&mut self, mut newline: Option<usize>) -> Block {
        let mut bytes = 0;
        loop {
            if let Some(newline) = newline {
                bytes += newline as u64;
                self.pending.drain(..=newline);
                break;
            }
            bytes += self.pending.len() as u64;
            self.pending.clear();
            if self.ended {
                break;
            }
            self.read_more(READ_BYTES);
            newline = memchr(b'\n', &self.pending);
        }
        Block::TooLong { bytes }
    }

    fn read_more(&mut self, bytes: usize) {
        let length = self.pending.len();
        self.pending.reserve(bytes);
        let result = (&mut self.stream).take(bytes as u64).read_to_end(&mut self.pending);
        let read = self.pending.len() - length;
        self.bytes_read += read as u64;
        self.ended = match result {
            Ok(count) => count < bytes,
            Err(error) => {
                self.error = Some(error);
                self.drop_broken_end();
                true
            }
        };
    }

    /// What stands last when the reading broke off is no line; the error tells of it.
    fn drop_broken_end(&mut self) {
        let start = memrchr(b'\n', &self.pending).map_or(0, |at| at + 1);
        if !self.pending[start..].trim_ascii_end().ends_with(b"}") {
            self.pending.truncate(start);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocks(bytes: &[u8], size: usize) -> Vec<Block> {
        let mut blocks = Blocks::new(Stream::new(bytes));
        let mut given = Vec::new();
        while let Some(block) = blocks.next(size) {
            given.push(block);
        }
        assert!(blocks.error().is_none());
        given
    }

    #[test]
    fn a_long_line_is_left_out_and_the_next_ones_are_not() {
        for length in [MAX_LINE_BYTES, MAX_LINE_BYTES + 1, 3 * MAX_LINE_BYTES] {
            for end in ["", "\n", "\nafter\n", "\nafter"] {
                let mut bytes = b"before\n".to_vec();
                bytes.resize(7 + length, b'x');
                bytes.extend(end.as_bytes());
                let mut lines = Vec::new();
                let mut long = Vec::new();
                for block in blocks(&bytes, 4096) {
                    match block {
                        Block::Lines(bytes) => lines.extend(bytes),
                        Block::TooLong { bytes } => long.push(bytes),
                    }
                }
                if length > MAX_LINE_BYTES {
                    let rest = end.strip_prefix('\n').unwrap_or(end);
                    assert_eq!(long, [length as u64]);
                    assert_eq!(lines, [b"before\n", rest.as_bytes()].concat());
                } else {
                    assert!(long.is_empty());
                    assert!(lines == bytes);
                }
            }
        }
    }

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
    fn what_stands_last_when_the_reading_breaks_off_is_no_line() {
        let long = "x".repeat(3 * READ_BYTES);
        for (text, expected) in [
            (format!("{{}}\n{{\"a\":\"{long}"), "{}\n"),
            (format!("{{\"a\":\"{long}"), ""),
            ("{}\n{}".to_owned(), "{}\n{}"),
            ("{}\n".to_owned(), "{}\n"),
        ] {
            for size in [1, 100, 4096] {
                let mut blocks = Blocks::new(Stream::new(Failing(text.as_bytes())));
                let mut lines = Vec::new();
                while let Some(Block::Lines(bytes)) = blocks.next(size) {
                    lines.extend(bytes);
                }
                assert_eq!(String::from_utf8(lines).unwrap(), expected);
                assert!(blocks.error().is_some());
                assert_eq!(blocks.bytes_read(), text.len() as u64);
            }
        }
    }

    proptest! {
        #[test]
        fn blocks_are_whole_lines_and_lose_nothing(
            lines in prop::collection::vec("[a-z]{0,200}", 0..50),
            size in 1usize..3000,
        ) {
            let bytes = lines.join("\n").into_bytes();
            let mut joined = Vec::new();
            for block in blocks(&bytes, size) {
                let Block::Lines(lines) = block else { panic!("no line is long") };
                joined.extend(lines);
                prop_assert!(joined.ends_with(b"\n") || joined == bytes);
            }
            prop_assert_eq!(joined, bytes);
        }
    }
}
