//! An array of JSON as lines: each element on a line of its own, while it is read.

use std::io::{self, Read};

/// Gives an array's bytes with a newline in place of each comma between its elements, and blanks
/// in place of its brackets and of the newlines inside its elements. Arrays one behind the other
/// are as one.
pub(super) struct Elements<R> {
    inner: R,
    /// 0 outside of the array, 1 between its elements, more inside one.
    depth: u64,
    in_string: bool,
    escaped: bool,
}

impl<R> Elements<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, depth: 0, in_string: false, escaped: false }
    }

    fn next(&mut self, byte: u8) -> u8 {
        if self.in_string {
            let ends = byte == b'"' && !self.escaped;
            self.escaped = byte == b'\\' && !self.escaped;
            self.in_string = !ends;
            return blank(byte);
        }
        match (self.depth, byte) {
            (0, b'[') => {
                self.depth = 1;
                b' '
            }
            (1, b']') => {
                self.depth = 0;
                b'\n'
            }
            (1, b',') => b'\n',
            (1.., b'"') => {
                self.in_string = true;
                byte
            }
            (1.., b'{' | b'[') => {
                self.depth += 1;
                byte
            }
            (2.., b'}' | b']') => {
                self.depth -= 1;
                byte
            }
            (_, byte) => blank(byte),
        }
    }
}

fn blank(byte: u8) -> u8 {
    if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }
}

impl<R: Read> Read for Elements<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for byte in &mut buffer[..count] {
            *byte = self.next(*byte);
        }
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
        Elements::new(text.as_bytes()).read_to_string(&mut lines).unwrap();
        assert_eq!(lines.len(), text.len());
        lines.lines().map(|line| line.trim().to_owned()).collect()
    }

    #[test]
    fn elements_are_lines() {
        assert_eq!(
            lines("[{\"a\":[1,2]},\n {\"b\":\"],\\\"{\"}\n]\n"),
            ["{\"a\":[1,2]}", "{\"b\":\"],\\\"{\"}", ""]
        );
        assert_eq!(lines("[1]\r\n[2]"), ["1", "2"]);
        assert_eq!(lines("[{\"a\":1},{\"b\""), ["{\"a\":1}", "{\"b\""]);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![any::<i32>().prop_map(Value::from), "\\PC{0,8}".prop_map(Value::from)];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::hash_map("[a-z\\[{\"]{0,3}", inner, 0..3)
                    .prop_map(|map| map.into_iter().collect::<Value>()),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_array_is_its_elements(values in prop::collection::vec(value(), 1..6)) {
            let array = Value::Array(values.clone());
            for text in [array.to_string(), serde_json::to_string_pretty(&array).unwrap()] {
                let read: Vec<Value> =
                    lines(&text).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
                prop_assert_eq!(&read, &values);
            }
        }
    }
}
