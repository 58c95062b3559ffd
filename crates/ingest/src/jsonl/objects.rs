//! Objects one behind the other as lines: each on a line of its own, while they are read.
//!
//! Some programs print each object over several lines (`jq`, `journalctl -o json-pretty`), some put
//! nothing between them (Firehose), some a line of their own before each (`Record 12` of evtx_dump).

use std::io::{self, Read};

/// Gives the objects of a text with a newline behind each, blanks in place of the newlines inside them,
/// and nothing of what is between them.
pub(super) struct Objects<R> {
    inner: R,
    scan: Scan,
    /// What was read and is not yet given.
    pending: Vec<u8>,
    start: usize,
}

/// How much is read at a time.
const READ_BYTES: usize = 64 * 1024;

/// Where in the objects a byte is.
#[derive(Default)]
struct Scan {
    depth: u64,
    in_string: bool,
    escaped: bool,
}

/// What a byte is.
#[derive(PartialEq, Eq)]
enum Place {
    Outside,
    Inside,
    /// The last of an object.
    End,
}

impl Scan {
    fn next(&mut self, byte: u8) -> Place {
        if self.in_string {
            let ends = byte == b'"' && !self.escaped;
            self.escaped = byte == b'\\' && !self.escaped;
            self.in_string = !ends;
            return Place::Inside;
        }
        match byte {
            b'{' => self.depth += 1,
            _ if self.depth == 0 => return Place::Outside,
            b'"' => self.in_string = true,
            b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth == 0 {
                    return Place::End;
                }
            }
            _ => {}
        }
        Place::Inside
    }
}

/// Whether the first bytes of a file hold an object that ends on its first line with another behind it.
pub(crate) fn is_concatenated(head: &[u8]) -> bool {
    let mut scan = Scan::default();
    let mut ended = false;
    for &byte in head {
        if scan.depth == 0 && ended {
            match byte {
                b'{' => return true,
                b' ' | b'\t' => continue,
                _ => return false,
            }
        }
        ended = scan.next(byte) == Place::End;
    }
    false
}

impl<R> Objects<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, scan: Scan::default(), pending: Vec::new(), start: 0 }
    }
}

impl<R: Read> Read for Objects<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.start == self.pending.len() {
            let mut bytes = [0; READ_BYTES];
            let count = self.inner.read(&mut bytes)?;
            if count == 0 {
                return Ok(0);
            }
            self.pending.clear();
            self.start = 0;
            for &byte in &bytes[..count] {
                match self.scan.next(byte) {
                    Place::Outside => {}
                    Place::Inside if matches!(byte, b'\n' | b'\r') => self.pending.push(b' '),
                    Place::Inside => self.pending.push(byte),
                    Place::End => self.pending.extend([byte, b'\n']),
                }
            }
        }
        let count = buffer.len().min(self.pending.len() - self.start);
        buffer[..count].copy_from_slice(&self.pending[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let mut lines = String::new();
        Objects::new(text.as_bytes()).read_to_string(&mut lines).unwrap();
        lines.lines().map(|line| line.trim().to_owned()).collect()
    }

    #[test]
    fn objects_are_lines() {
        assert_eq!(lines("{\"a\":[1]}{\"b\":\"}{\"}"), ["{\"a\":[1]}", "{\"b\":\"}{\"}"]);
        assert_eq!(lines("Record 1\r\n{\n\"a\": 1\n}\r\nRecord 2\n{}"), ["{ \"a\": 1 }", "{}"]);
        assert_eq!(lines("{\"a\":1"), ["{\"a\":1"]);
        assert!(lines("} ] \" nothing").is_empty());
        assert!(is_concatenated(b"{\"a\":\"}{\"} {\"b\":1}"));
        assert!(!is_concatenated(b"{\"a\":\"}{\"}\n{\"b\":1}"));
        assert!(!is_concatenated(b"{\"a\":{}}"));
    }

    proptest! {
        #[test]
        fn any_objects_are_found(
            texts in prop::collection::vec("\\PC{0,8}", 1..6),
            between in "[ \r\nA-Za-z0-9:]{0,9}",
            pretty: bool,
        ) {
            let objects: Vec<Value> =
                texts.iter().map(|text| serde_json::json!({"a": [{"b": text}]})).collect();
            let text = objects.iter().map(|object| match pretty {
                true => serde_json::to_string_pretty(object).unwrap(),
                false => object.to_string(),
            } + &between).collect::<String>();
            let read: Vec<Value> =
                lines(&text).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            prop_assert_eq!(read, objects);
        }
    }
}
