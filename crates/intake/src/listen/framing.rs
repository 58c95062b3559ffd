//! Where one message of a stream ends (RFC 6587): behind so many bytes as the message is preceded by
//! (§3.4.1), or at a newline or NUL (§3.4.2). Each message is judged by itself, for relays mix both.
//!
//! A message that is longer than may be is passed over to its end without being kept.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;

/// Digits of a length at most; a longer number is a text.
const MAX_DIGITS: usize = 10;
/// What is read at once.
const READ_BYTES: usize = 64 * 1024;

/// What came out of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A message.
    Message(Bytes),
    /// One that was longer than may be.
    TooLong,
    /// One whose rest did not come.
    Cut,
}

/// What of the stream is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// A message to the end of its line.
    Line,
    /// A message of so many bytes.
    Counted(usize),
    /// The rest of a message that is too long.
    PassLine,
    PassCounted(u64),
}

/// Takes the bytes of a stream and gives its messages.
pub(super) struct Frames {
    max_bytes: usize,
    buffer: BytesMut,
    state: State,
    /// So many first bytes of the buffer hold no end of a line.
    searched: usize,
}

impl Frames {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, buffer: BytesMut::new(), state: State::Start, searched: 0 }
    }

    /// Where the next bytes of the stream go, at the end.
    pub(super) fn space(&mut self) -> &mut BytesMut {
        self.buffer.reserve(READ_BYTES);
        &mut self.buffer
    }

    /// The next message, if all of it came.
    pub(super) fn next(&mut self) -> Option<Frame> {
        loop {
            match self.state {
                State::Start => {
                    if let Some(frame) = self.start()? {
                        return Some(frame);
                    }
                }
                State::Line => match self.end_of_line() {
                    Some(end) if end > self.max_bytes => {
                        self.buffer.advance(end + 1);
                        return self.begin(Frame::TooLong);
                    }
                    Some(end) => {
                        let message = self.buffer.split_to(end).freeze();
                        self.buffer.advance(1);
                        return self.begin(Frame::Message(message));
                    }
                    None if self.buffer.len() > self.max_bytes => {
                        self.buffer.clear();
                        self.state = State::PassLine;
                        return Some(Frame::TooLong);
                    }
                    None => return None,
                },
                State::Counted(bytes) if self.buffer.len() < bytes => return None,
                State::Counted(bytes) => {
                    let message = self.buffer.split_to(bytes).freeze();
                    return self.begin(Frame::Message(message));
                }
                State::PassLine => match memchr2(b'\n', 0, &self.buffer) {
                    Some(end) => {
                        self.buffer.advance(end + 1);
                        self.state = State::Start;
                    }
                    None => {
                        self.buffer.clear();
                        return None;
                    }
                },
                State::PassCounted(bytes) => {
                    let here = bytes.min(self.buffer.len() as u64);
                    self.buffer.advance(here as usize);
                    if here < bytes {
                        self.state = State::PassCounted(bytes - here);
                        return None;
                    }
                    self.state = State::Start;
                }
            }
        }
    }

    /// What is left at the end of the stream; `is_clean` when its sender ended it.
    pub(super) fn finish(&mut self, is_clean: bool) -> Option<Frame> {
        let rest = self.buffer.split().freeze();
        match std::mem::replace(&mut self.state, State::Start) {
            State::PassLine | State::PassCounted(_) => None,
            State::Counted(_) => Some(Frame::Cut),
            State::Start | State::Line if rest.is_empty() => None,
            State::Start | State::Line if is_clean => Some(Frame::Message(rest)),
            State::Start | State::Line => Some(Frame::Cut),
        }
    }

    /// Whether the message that is coming needs more memory than every connection has.
    pub(super) fn is_large(&self, than: usize) -> bool {
        match self.state {
            State::Counted(bytes) => bytes > than,
            _ => self.buffer.len() > than,
        }
    }

    /// Gives memory back that a large message needed.
    pub(super) fn shrink(&mut self) {
        self.buffer = BytesMut::from(&self.buffer[..]);
    }

    fn begin(&mut self, frame: Frame) -> Option<Frame> {
        (self.state, self.searched) = (State::Start, 0);
        Some(frame)
    }

    /// Judges the message that begins, as soon as that can be done; one that says that it is too long
    /// is told of at once.
    fn start(&mut self) -> Option<Option<Frame>> {
        // What some write between messages, and behind those that they count.
        let between = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0);
        let blanks = self.buffer.iter().take_while(|byte| between(byte)).count();
        self.buffer.advance(blanks);
        self.searched = 0;
        let (digits, bytes) = match Length::of(&self.buffer)? {
            Length::None => {
                self.state = State::Line;
                return Some(None);
            }
            Length::Of { digits, bytes } => (digits, bytes),
        };
        self.buffer.advance(digits + 1);
        match usize::try_from(bytes) {
            Ok(bytes) if bytes <= self.max_bytes => {
                self.state = State::Counted(bytes);
                Some(None)
            }
            _ => {
                self.state = State::PassCounted(bytes);
                Some(Some(Frame::TooLong))
            }
        }
    }

    fn end_of_line(&mut self) -> Option<usize> {
        let end = memchr2(b'\n', 0, &self.buffer[self.searched..]).map(|at| self.searched + at);
        self.searched = self.buffer.len();
        end
    }
}

/// The length before a message.
enum Length {
    None,
    Of { digits: usize, bytes: u64 },
}

impl Length {
    /// Judges the first bytes; `None` when they are too few. A line of a log begins with no number
    /// and a blank, but RFC 5424's header without its priority does (`1 2026-...`): so what follows
    /// has to be a message's first byte.
    fn of(bytes: &[u8]) -> Option<Self> {
        let digits = bytes.iter().take(MAX_DIGITS + 1).take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        match bytes.first()? {
            b'1'..=b'9' if digits <= MAX_DIGITS => {}
            _ => return Some(Self::None),
        }
        if *bytes.get(digits)? != b' ' {
            return Some(Self::None);
        }
        // A priority, JSON, or the mark of UTF-8.
        if !matches!(bytes.get(digits + 1)?, b'<' | b'{' | 0xEF) {
            return Some(Self::None);
        }
        let number = bytes[..digits].iter().fold(0, |sum, byte| sum * 10 + u64::from(byte - b'0'));
        Some(Self::Of { digits, bytes: number })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 64;

    /// The messages of a stream that comes in pieces of so many bytes.
    fn messages(stream: &[u8], piece: usize, is_clean: bool) -> Vec<Frame> {
        let mut frames = Frames::new(MAX);
        let mut found = Vec::new();
        for piece in stream.chunks(piece) {
            frames.space().extend_from_slice(piece);
            while let Some(frame) = frames.next() {
                found.push(frame);
            }
            assert!(frames.buffer.len() <= MAX + piece.len(), "{}", frames.buffer.len());
        }
        found.extend(frames.finish(is_clean));
        found
    }

    fn message(text: &str) -> Frame {
        Frame::Message(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn both_framings_are_told_apart_wherever_the_stream_is_cut() {
        let stream = b"<1>one\n7 <2>a\nb\n1 2026-03-01T10:00:00Z a b - - - c\n\0\r\n9 {\"a\":12}\n\
            2026-03-01T10:00:00Z a b: c\n12 blanks\n123\n0 <x\n12345678901 <y\n4 <3>d5 <4>ef<5>last";
        let expected: Vec<Frame> = [
            "<1>one",
            "<2>a\nb\n",
            "1 2026-03-01T10:00:00Z a b - - - c",
            "{\"a\":12}\n",
            "2026-03-01T10:00:00Z a b: c",
            "12 blanks",
            "123",
            "0 <x",
            "12345678901 <y",
            "<3>d",
            "<4>ef",
            "<5>last",
        ]
        .map(message)
        .into();
        for piece in 1..=stream.len() {
            assert_eq!(messages(stream, piece, true), expected, "{piece}");
        }
    }

    #[test]
    fn what_is_too_long_is_passed_over_and_the_next_message_is_read() {
        let long = "x".repeat(MAX + 1);
        let stream = format!("<1>{long}\n<2>a\n{} <3>{long}<4>b\n99999999 <5>c", MAX + 4);
        let expected =
            [Frame::TooLong, message("<2>a"), Frame::TooLong, message("<4>b"), Frame::TooLong];
        for piece in 1..=stream.len() {
            assert_eq!(messages(stream.as_bytes(), piece, true), expected, "{piece}");
        }
    }

    #[test]
    fn a_message_that_is_cut_is_none() {
        assert_eq!(messages(b"5 <1>a", 9, true), [Frame::Cut]);
        assert_eq!(messages(b"<1>a", 9, false), [Frame::Cut]);
        assert_eq!(messages(b"<1>a\n", 9, false), [message("<1>a")]);
        assert_eq!(messages(b"12 ", 9, true), [message("12 ")]);
        assert_eq!(messages(b"", 9, false), []);
    }

    proptest! {
        #[test]
        fn no_stream_panics_and_pieces_change_nothing(
            stream in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b' '), Just(b'<'), Just(0), b'0'..=b'9', any::<u8>()],
                0..300,
            ),
            piece in 1_usize..40,
        ) {
            prop_assert_eq!(messages(&stream, piece, true), messages(&stream, 300, true));
        }
    }
}
