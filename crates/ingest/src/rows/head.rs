//! How a table begins: what stands before its header, what is put between columns, and the header.

use csv::{ByteRecord, ReaderBuilder};

use crate::field;
use crate::sniff::BOM;

/// How much of a file is looked at for that: tables of the Security log have some 230 columns.
pub(super) const HEAD_BYTES: usize = 64 * 1024;
/// What exports put between columns.
const DELIMITERS: [u8; 4] = *b",;\t|";
/// More lines than anything puts before a header.
const MAX_LINES_BEFORE: usize = 16;

/// The beginning of a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// What stands before the header.
    pub(super) bytes_before: usize,
    pub(super) lines_before: u64,
    pub(super) delimiter: u8,
    /// The names of the columns.
    pub(super) names: Vec<String>,
    /// The first row behind them that has any value, as far as it is looked at.
    pub(super) first: Vec<String>,
}

impl Head {
    /// Takes the first bytes of a file apart; `None` where they can be no table.
    ///
    /// Before the header there may be blank lines, Excel's `sep=;`, and `#TYPE ...`, which Windows
    /// PowerShell's `Export-Csv` writes.
    pub(super) fn parse(head: &[u8]) -> Option<Self> {
        let mut at = if head.starts_with(BOM) { BOM.len() } else { 0 };
        let (mut lines_before, mut told) = (0, None);
        for _ in 0..MAX_LINES_BEFORE {
            let rest = &head[at..];
            let end = memchr::memchr(b'\n', rest);
            let line = rest[..end.unwrap_or(rest.len())].trim_ascii();
            let separator = separator(line);
            if !line.is_empty() && separator.is_none() && !line.starts_with(b"#TYPE ") {
                break;
            }
            told = told.or(separator);
            at += end? + 1;
            lines_before += 1;
        }
        let rest = &head[at..];
        // What begins like this is another kind of text, whatever names it holds.
        if matches!(rest.first(), None | Some(b'{' | b'[' | b'<')) {
            return None;
        }
        let delimiter = told.unwrap_or_else(|| delimiter(first_line(rest)));
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(delimiter);
        let mut reader = builder.from_reader(rest);
        let mut row = ByteRecord::new();
        let mut next = || match reader.read_byte_record(&mut row) {
            Ok(true) => Some(texts(&row)),
            _ => None,
        };
        let names = next()?;
        let first = std::iter::from_fn(next).find(|row| row.iter().any(|cell| !cell.is_empty()));
        let first = first.unwrap_or_default();
        Some(Self { bytes_before: at, lines_before, delimiter, names, first })
    }
}

/// The cells of a row without the blanks around them.
pub(super) fn texts(row: &ByteRecord) -> Vec<String> {
    row.iter().map(|cell| field::text(cell).trim().to_owned()).collect()
}

/// What Excel's line says is between columns.
fn separator(line: &[u8]) -> Option<u8> {
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    match line.strip_prefix(b"sep=").or_else(|| line.strip_prefix(b"SEP=")) {
        // The blanks around the line were cut.
        Some(b"") => Some(b'\t'),
        Some(&[byte]) => Some(byte),
        _ => None,
    }
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == b'\n').next().unwrap_or_default()
}

/// What the header has most of outside of quotes; of those with equal counts the first.
fn delimiter(line: &[u8]) -> u8 {
    let mut counts = [0_u32; DELIMITERS.len()];
    let mut is_quoted = false;
    for &byte in line {
        is_quoted ^= byte == b'"';
        if let (false, Some(at)) = (is_quoted, DELIMITERS.iter().position(|it| *it == byte)) {
            counts[at] += 1;
        }
    }
    let best = counts.iter().enumerate().rev().max_by_key(|(_, count)| **count);
    best.map_or(b',', |(at, _)| DELIMITERS[at])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_header_is_found_behind_what_stands_before_it() {
        for (text, lines_before, delimiter) in [
            ("a,\"b;c;d\",e\n1,2,3\n", 0, b','),
            ("\u{feff}a;\"b;c;d\";e\r\n1;2;3", 0, b';'),
            ("sep=;\r\na;b;c;d;e\n", 1, b';'),
            ("\"sep=\t\"\na\tb,c,d\te\n", 1, b'\t'),
            ("#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\na|b;c|d|e", 1, b'|'),
            ("\r\n\n#TYPE x\r\na,b;c;d,e\n\n1,2,3", 3, b','),
        ] {
            let head = Head::parse(text.as_bytes()).unwrap();
            assert_eq!((head.lines_before, head.delimiter), (lines_before, delimiter), "{text}");
            assert_eq!((head.names[0].as_str(), head.names.last().unwrap().as_str()), ("a", "e"));
            assert!(head.first.is_empty() || head.first == ["1", "2", "3"], "{text}");
        }
        for text in ["", "\n\n", "{\"a\":1,\"b\":2}", "[1,2]", "<a>", "sep=;"] {
            assert_eq!(Head::parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Head::parse(&bytes);
        }
    }
}
