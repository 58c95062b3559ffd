//! What could not be read, where it is and why: of a whole file, or of a piece of one.

use std::fmt;

/// How many rejects of one file are told one by one; the others are only counted.
pub const MAX_PER_FILE: usize = 20;
/// How many rejects of a part of a file are kept, each of some hundred bytes: more than are told, for
/// records that come one by one have each its own answer.
const MAX_PER_PART: usize = 1_000;
/// How long a name or a reason can get, in characters; both may hold bytes of the input.
const MAX_TEXT_CHARS: usize = 1_000;

/// A file, or a member of an archive, that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The path, with the path inside the archive behind it.
    pub name: String,
    /// Why, for a person.
    pub reason: String,
}

impl Skipped {
    /// A file with the reason; both as a terminal may have them.
    pub fn new(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { name: name.into(), reason: printable(&reason.into()) }
    }
}

/// A piece of a file that could not be read; what is around it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The path, with the path inside the archive behind it.
    pub name: String,
    /// Which piece.
    pub position: Position,
    /// Why, for a person.
    pub reason: String,
}

/// Where in an unpacked file something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Position {
    /// The n-th line, from 1.
    Line(u64),
    /// The n-th element of an array, from 1.
    Element(u64),
    /// The record of an event log with this number; of another file the n-th, from 1.
    Record(u64),
    /// The n-th chunk of an event log file, from 0.
    Chunk(u64),
    /// So many bytes from the start.
    Byte(u64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Position::Line(number) => write!(f, "line {number}"),
            Position::Element(number) => write!(f, "element {number}"),
            Position::Record(number) => write!(f, "record {number}"),
            Position::Chunk(number) => write!(f, "chunk {number}"),
            Position::Byte(number) => write!(f, "byte {number}"),
        }
    }
}

/// The rejects of a part of a file: all are counted, the first are kept.
#[derive(Debug, Default)]
pub(crate) struct Rejects {
    pub(crate) count: u64,
    pub(crate) kept: Vec<(Position, String)>,
}

impl Rejects {
    pub(crate) fn push(&mut self, position: Position, reason: impl fmt::Display) {
        self.count += 1;
        if self.kept.len() < MAX_PER_PART {
            self.kept.push((position, printable(&reason.to_string())));
        }
    }

    pub(crate) fn append(&mut self, other: Rejects) {
        self.count += other.count;
        let room = MAX_PER_PART.saturating_sub(self.kept.len());
        self.kept.extend(other.kept.into_iter().take(room));
    }
}

/// Text from an input as a terminal may have it: control characters replaced, length bounded.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .take(MAX_TEXT_CHARS)
        .map(|char| match char {
            char if char.is_control() => char::REPLACEMENT_CHARACTER,
            char => char,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_rejects_are_kept() {
        let mut rejects = Rejects::default();
        for line in 0..10_000 {
            rejects.push(Position::Line(line), "broken");
        }
        assert_eq!(rejects.count, 10_000);
        assert_eq!(rejects.kept.len(), MAX_PER_PART);
    }

    #[test]
    fn a_terminal_is_not_steered_by_names() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
