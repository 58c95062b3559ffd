//! A stream cut into parts that end with an event, with events that are too long left out.

use std::io::{self, Read};

use memchr::memmem::{find, rfind};

use super::MAX_EVENT_BYTES;
use crate::sniff::BOM;
use crate::stream::Stream;

/// How much is asked of the stream at once.
const READ_BYTES: usize = 256 * 1024;

/// A piece of a file, from so many bytes on.
#[derive(Debug)]
pub(super) enum Part {
    /// Whole events; behind the last one of a file what is left of it.
    Events { at: u64, bytes: Vec<u8> },
    /// An event that is too long to be read, of so many bytes.
    TooLong { at: u64, bytes: u64 },
}

/// Reads a stream part by part.
pub(super) struct Parts<'a> {
    stream: Stream<'a>,
    /// What an event ends with.
    end_tag: Vec<u8>,
    /// What is read and not yet given out.
    pending: Vec<u8>,
    bytes_read: u64,
    ended: bool,
    error: Option<io::Error>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(mut stream: Stream<'a>, end_tag: Vec<u8>) -> Self {
        let mut bytes_read = 0;
        if stream.look(BOM.len()) == BOM {
            stream.fill(&mut [0; BOM.len()]);
            bytes_read = BOM.len() as u64;
        }
        Self { stream, end_tag, pending: Vec::new(), bytes_read, ended: false, error: None }
    }

    /// What stopped the reading before the end.
    pub(super) fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// How far the stream was read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The next part of about so many bytes, more where an event is longer.
    pub(super) fn next(&mut self, bytes: usize) -> Option<Part> {
        // Up to here no event ends in what is pending.
        let mut searched = 0;
        loop {
            if self.pending.len() >= bytes || self.ended {
                if let Some(tag) = rfind(&self.pending[searched..], &self.end_tag) {
                    return Some(self.take(searched + tag + self.end_tag.len()));
                }
                if self.ended {
                    return self.rest();
                }
                if self.pending.len() > MAX_EVENT_BYTES {
                    return Some(self.skip());
                }
                searched = self.pending.len().saturating_sub(self.end_tag.len() - 1);
            }
            self.read_more();
        }
    }

    /// Where what is pending begins.
    fn at(&self) -> u64 {
        self.bytes_read - self.pending.len() as u64
    }

    fn take(&mut self, end: usize) -> Part {
        let at = self.at();
        let rest = self.pending.split_off(end);
        Part::Events { at, bytes: std::mem::replace(&mut self.pending, rest) }
    }

    /// What stands behind the last event. When the reading broke off that is a piece of one, of
    /// which the error tells.
    fn rest(&mut self) -> Option<Part> {
        if self.error.is_some() || self.pending.is_empty() {
            return None;
        }
        Some(self.take(self.pending.len()))
    }

    /// Leaves out the event that is pending, whose end is still to come.
    fn skip(&mut self) -> Part {
        let at = self.at();
        loop {
            if let Some(tag) = find(&self.pending, &self.end_tag) {
                self.pending.drain(..tag + self.end_tag.len());
                break;
            }
            // The end's tag may be there in part.
            let keep = if self.ended { 0 } else { self.end_tag.len() - 1 };
            self.pending.drain(..self.pending.len().saturating_sub(keep));
            if self.ended {
                break;
            }
            self.read_more();
        }
        Part::TooLong { at, bytes: self.at() - at }
    }

    fn read_more(&mut self) {
        let length = self.pending.len();
        let result = (&mut self.stream).take(READ_BYTES as u64).read_to_end(&mut self.pending);
        self.bytes_read += (self.pending.len() - length) as u64;
        self.ended = match result {
            Ok(count) => count < READ_BYTES,
            Err(error) => {
                self.error = Some(error);
                true
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_without_end_takes_no_memory_without_end() {
        let start = format!("{}<Event>", "<Event></Event>".repeat(3));
        for (end, after) in [("", 0), ("</Event><Event></Event>", 1)] {
            let filler = io::repeat(b'x').take(3 * MAX_EVENT_BYTES as u64);
            let stream = start.as_bytes().chain(filler).chain(end.as_bytes());
            let mut parts = Parts::new(Stream::new(stream), b"</Event>".to_vec());
            let mut told = Vec::new();
            while let Some(part) = parts.next(1) {
                assert!(parts.pending.capacity() < 3 * MAX_EVENT_BYTES);
                told.push(part);
            }
            assert_eq!(told.len(), 2 + after, "{told:?}");
            assert!(matches!(told[0], Part::Events { at: 0, .. }));
            assert!(
                matches!(told[1], Part::TooLong { at: 45, bytes } if bytes > 3 * MAX_EVENT_BYTES as u64)
            );
        }
    }
}
