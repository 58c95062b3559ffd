//! Text in UTF-16, as Windows programs write it (`wevtutil ... > x` in PowerShell, `Out-File`,
//! `Export-Csv -Encoding Unicode`, the Event Viewer), turned into UTF-8 while it is read, so that every
//! reader of text reads it.
//!
//! Half of a surrogate pair stands for no character and becomes U+FFFD; nothing else is changed, so
//! lines keep their numbers.

use std::io::{self, Read};

use memchr::memchr;

/// How much of a file is looked at.
pub(crate) const HEAD_BYTES: usize = 512;
/// How much is read at once.
const READ_BYTES: usize = 16 * 1024;
/// Without a mark so many bytes at least have to look like it.
const MIN_BYTES: usize = 16;

const BYTE_ORDER_MARK: u16 = 0xfeff;

/// Which byte of a code unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

/// Whether a file of these first bytes is text in UTF-16: by its mark, else by its bytes, of which every
/// second one is zero. Binary formats have zeros, too, but no letters before all of them.
pub(crate) fn order(head: &[u8]) -> Option<Order> {
    if is_utf32(head) {
        return None;
    }
    if head.starts_with(b"\xff\xfe") {
        return Some(Order::Little);
    }
    if head.starts_with(b"\xfe\xff") {
        return Some(Order::Big);
    }
    let looked = &head[..head.len().min(HEAD_BYTES)];
    memchr(0, looked)?;
    [Order::Little, Order::Big].into_iter().find(|&order| {
        let units = looked.chunks_exact(2).map(|pair| order.unit([pair[0], pair[1]]));
        let is_ascii = |unit: u16| matches!(unit, 0x20..0x7f | 0x09 | 0x0a | 0x0d);
        let is_letter = |unit: u16| is_ascii(unit) || (0xa0..0xd800).contains(&unit);
        let ascii = units.clone().filter(|&unit| is_ascii(unit)).count();
        looked.len() >= MIN_BYTES
            && units.clone().next().is_some_and(is_ascii)
            && units.clone().all(is_letter)
            // Of any two bytes that are letters of Chinese nearly none are a letter of English.
            && 10 * ascii >= 9 * units.len()
    })
}

/// Whether a file of these first bytes is text in UTF-32, which nobody writes.
pub(crate) fn is_utf32(head: &[u8]) -> bool {
    let unmarked = |at: usize| {
        let is_letter = |unit: &[u8]| {
            let others = unit.iter().enumerate().all(|(place, byte)| place == at || *byte == 0);
            others && (unit[at].is_ascii_graphic() || unit[at].is_ascii_whitespace())
        };
        head.len() >= MIN_BYTES && head[..MIN_BYTES].chunks_exact(4).all(is_letter)
    };
    head.starts_with(b"\xff\xfe\0\0")
        || head.starts_with(b"\0\0\xfe\xff")
        || unmarked(0)
        || unmarked(3)
}

impl Order {
    fn unit(self, bytes: [u8; 2]) -> u16 {
        match self {
            Order::Little => u16::from_le_bytes(bytes),
            Order::Big => u16::from_be_bytes(bytes),
        }
    }
}

/// Reads UTF-8 out of UTF-16.
pub(crate) struct Utf8<R> {
    inner: R,
    order: Order,
    /// Bytes that were read and are of no whole unit.
    odd: Option<u8>,
    /// The first half of a pair.
    high: Option<u16>,
    ready: Vec<u8>,
    given: usize,
    /// No unit was read: the mark may come.
    at_start: bool,
    ended: bool,
}

impl<R: Read> Utf8<R> {
    pub(crate) fn new(inner: R, order: Order) -> Self {
        Self {
            inner,
            order,
            odd: None,
            high: None,
            ready: Vec::new(),
            given: 0,
            at_start: true,
            ended: false,
        }
    }

    fn more(&mut self) -> io::Result<()> {
        let mut bytes = [0; READ_BYTES];
        let count = self.inner.read(&mut bytes)?;
        self.ready.clear();
        self.given = 0;
        if count == 0 {
            self.ended = true;
            // A unit, or a pair, that was cut.
            if self.high.take().is_some() | self.odd.take().is_some() {
                self.push(char::REPLACEMENT_CHARACTER);
            }
            return Ok(());
        }
        for &byte in &bytes[..count] {
            match self.odd.take() {
                None => self.odd = Some(byte),
                Some(first) => self.unit(self.order.unit([first, byte])),
            }
        }
        Ok(())
    }

    fn unit(&mut self, unit: u16) {
        if std::mem::take(&mut self.at_start) && unit == BYTE_ORDER_MARK {
            return;
        }
        let high = self.high.take();
        if let (Some(high), 0xdc00..=0xdfff) = (high, unit) {
            let code = 0x10000 + (u32::from(high - 0xd800) << 10) + u32::from(unit - 0xdc00);
            return self.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if high.is_some() {
            self.push(char::REPLACEMENT_CHARACTER);
        }
        match unit {
            0xd800..=0xdbff => self.high = Some(unit),
            unit => self.push(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }

    fn push(&mut self, char: char) {
        self.ready.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() && !self.ended {
            self.more()?;
        }
        let count = buffer.len().min(self.ready.len() - self.given);
        buffer[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str, order: Order) -> Vec<u8> {
        let bytes = |unit: u16| match order {
            Order::Little => unit.to_le_bytes(),
            Order::Big => unit.to_be_bytes(),
        };
        text.encode_utf16().flat_map(bytes).collect()
    }

    fn decoded(bytes: &[u8], order: Order) -> String {
        let mut text = String::new();
        Utf8::new(bytes, order).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn text_is_known_by_its_mark_or_its_zeros() {
        for by in [Order::Little, Order::Big] {
            assert_eq!(order(&encoded("\u{feff}x", by)), Some(by));
            assert_eq!(order(&encoded("{\"EventID\":4624,\"a\":\"\u{e4}\"}\r\n", by)), Some(by));
            assert_eq!(order(&encoded("too few", by)), None);
        }
        for head in [
            &b"plain text without a zero in it"[..],
            b"ElfFile\0\0\0\0\0\0\0\0\0\x0a\0\0\0\0\0\0\0",
            b"\x07\0\0\0a\0b\0c\0d\0e\0f\0",
            b"a\0\0\0b\0\0\0c\0\0\0d\0\0\0",
            &[0; 64],
            b"",
        ] {
            assert_eq!(order(head), None, "{head:?}");
        }
        assert!(is_utf32(b"\xff\xfe\0\0{\0\0\0"));
        assert!(is_utf32(b"\0\0\xfe\xff\0\0\0{"));
        assert!(is_utf32(b"a\0\0\0b\0\0\0c\0\0\0d\0\0\0"));
        assert!(!is_utf32(b"\xff\xfe{\0"));
    }

    #[test]
    fn half_a_pair_costs_itself_alone() {
        for (units, expected) in [
            (&[0x61, 0xd83d, 0x62][..], "a\u{fffd}b"),
            (&[0xde00, 0x62], "\u{fffd}b"),
            (&[0xd83d, 0xd83d, 0xde00], "\u{fffd}\u{1f600}"),
            (&[0x61, 0xd83d], "a\u{fffd}"),
        ] {
            let bytes: Vec<u8> = units.iter().flat_map(|unit: &u16| unit.to_le_bytes()).collect();
            assert_eq!(decoded(&bytes, Order::Little), expected);
        }
        assert_eq!(decoded(b"a\0b", Order::Little), "a\u{fffd}");
    }

    proptest! {
        #[test]
        fn text_comes_out_as_it_went_in(text in "\\PC{0,40}", little: bool) {
            let order = if little { Order::Little } else { Order::Big };
            prop_assert_eq!(decoded(&encoded(&text, order), order), text);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = order(&bytes);
            let _ = decoded(&bytes, Order::Big);
        }
    }
}
