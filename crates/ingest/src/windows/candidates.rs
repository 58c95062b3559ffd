//! Which records can matter, told from their bytes.

use std::ops::Range;

use super::EVENT_IDS;
use crate::words::Words;

/// Tells records that may be events which matter from those that cannot be, unread: without one of
/// the event ids in it, standing alone, a record is none. (No writer escapes digits.)
pub(crate) struct Candidates(Words);

impl Candidates {
    pub(crate) fn new() -> Self {
        Self(Words::new(&EVENT_IDS))
    }

    pub(crate) fn include(&self, record: &[u8]) -> bool {
        self.0.any(record, |found| stands_alone(record, found.range()))
    }
}

/// Whether an event id that was found in bytes is one, and not part of another number.
pub(crate) fn stands_alone(bytes: &[u8], found: Range<usize>) -> bool {
    let before = found.start.checked_sub(1).map(|at| bytes[at]);
    let after = bytes.get(found.end).copied();
    // What a table made a number with a point of may end in `.0`.
    before != Some(b'.') && !continues(before) && !continues(after)
}

/// Whether a byte beside digits makes them part of a longer number, a version or a GUID.
fn continues(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_stand_alone() {
        let candidates = Candidates::new();
        for record in [
            &br#"{"EventID":4624}"#[..],
            br#"{"EventID":"4801"}"#,
            br"\u003cEventID\u003e4634\u003c/EventID\u003e",
            b"<EventID Qualifiers=''>4779</EventID>",
            b"146240,4647",
            b"4778.0,",
            b"4625",
        ] {
            assert!(candidates.include(record), "{}", String::from_utf8_lossy(record));
        }
        for record in [&b"146240"[..], b"4623", b"a-4800-b", b"10.4624.1", b""] {
            assert!(!candidates.include(record), "{}", String::from_utf8_lossy(record));
        }
    }
}
