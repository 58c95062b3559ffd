//! `journalctl -o json`: one object a line, its keys in any order.
//!
//! Values are text; a value that is no text is an array of its bytes, a field that an entry has
//! several times an array of values, one that is too long null.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use memchr::memmem;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Entry, Reader, SESSION_START};
use crate::Format;
use crate::field::{self, Field};
use crate::jsonl::blocks::{Block, Blocks};
use crate::jsonl::{MAX_LINE_BYTES, syntax};
use crate::pipeline::guarded;
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::stream::Stream;
use crate::words::{Seen, Words};

const BLOCK_BYTES: usize = 1024 * 1024;
/// `journalctl -o json-seq` begins each entry with it.
const RECORD_SEPARATOR: u8 = 0x1e;
/// What sshd says of logons, or hides in bytes; the last is of systemd-logind.
const WORDS: [&str; 4] = ["Accepted ", "Failed ", "\"MESSAGE\":[", SESSION_START];
const SESSION_START_AT: usize = 3;
static SEARCHER: LazyLock<Words> = LazyLock::new(|| Words::new(&WORDS));

/// Whether lines of JSON are the journal's. Inside a value the quotes would be escaped; shippers
/// that keep the stamp give the message another key; `json-pretty` has no object on one line.
pub(crate) fn is_json(head: &[u8]) -> bool {
    head.split(|&byte| byte == b'\n').map(entry_of).any(|line| {
        let has = |key: &str| {
            let mut found = memmem::find_iter(line, key);
            found.any(|at| line[at + key.len()..].trim_ascii_start().starts_with(b":"))
        };
        line.starts_with(b"{")
            && (has("\"__CURSOR\"") || has("\"__REALTIME_TIMESTAMP\""))
            && (has("\"MESSAGE\"") || has("\"MESSAGE_ID\""))
    })
}

/// A line without what separates it from others.
fn entry_of(line: &[u8]) -> &[u8] {
    line.strip_prefix(&[RECORD_SEPARATOR]).unwrap_or(line).trim_ascii()
}

/// Reads a file that looks like it.
pub(crate) fn read(session: &mut Session<'_>, name: &str, stream: Stream<'_>) -> ControlFlow<()> {
    let waiting = session.memory().map(|memory| std::mem::take(&mut memory.journal));
    let mut reader = Reader::new(session.options, waiting.unwrap_or_default());
    let mut file = OpenFile::new(session, name, Format::Journal);
    let mut blocks = Blocks::new(stream);
    let mut flow = ControlFlow::Continue(());
    while let (ControlFlow::Continue(()), Some(block)) = (flow, blocks.next(BLOCK_BYTES)) {
        match guarded(|| read_block(&mut reader, block)) {
            Ok((outcome, buffer)) => {
                blocks.recycle(buffer);
                flow = file.take(outcome);
            }
            Err(panicked) => file.lost(file.next_piece(), &panicked),
        }
    }
    if let (Some(error), true) = (blocks.error(), flow.is_continue()) {
        file.cut(blocks.bytes_read(), error);
    }
    let flow = file.close(flow);
    if let Some(memory) = session.memory() {
        memory.journal = reader.waiting;
    }
    flow
}

fn read_block(reader: &mut Reader<'_>, block: Block) -> (Outcome, Vec<u8>) {
    let mut outcome = Outcome::default();
    let bytes = match block {
        Block::Lines(bytes) => bytes,
        Block::TooLong { bytes } => {
            outcome.lines = 1;
            let reason = format_args!("a line of {bytes} bytes, more than {MAX_LINE_BYTES}");
            outcome.rejects.push(Position::Line(1), reason);
            return (outcome, Vec::new());
        }
    };
    SEARCHER.lines(&bytes, |_| true, &mut |bytes, seen| {
        outcome.lines += 1;
        line(reader, bytes, seen, &mut outcome);
    });
    (outcome, bytes)
}

fn line(reader: &mut Reader<'_>, line: &[u8], seen: Seen, outcome: &mut Outcome) {
    let line = entry_of(line);
    if line.is_empty() {
        return;
    }
    let position = Position::Line(outcome.lines);
    if !line.starts_with(b"{") || !line.ends_with(b"}") {
        outcome.rejects.push(position, "not a JSON object on a line of its own");
        return;
    }
    if !may_matter(line, seen) {
        outcome.part(Format::Journal).tally.records += 1;
        return;
    }
    let text = field::text(line);
    match serde_json::from_str::<Entry>(&text) {
        Ok(entry) => {
            if let Err(error) = reader.entry(&entry, outcome) {
                outcome.rejects.push(position, error);
            }
        }
        Err(error) => outcome.rejects.push(position, syntax(&error)),
    }
}

/// Most entries are nobody's logon, which is seen without taking them apart. A message that is an
/// array has to be.
fn may_matter(line: &[u8], seen: Seen) -> bool {
    static SSHD: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new("sshd"));
    seen.has(SESSION_START_AT) || !seen.is_empty() && SSHD.find(line).is_some()
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let mut entry = Entry::default();
        while let Some(key) = map.next_key::<Field<'de>>()? {
            match entry.slot(key.get()) {
                Some(slot) => *slot = map.next_value::<Text>()?.0,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(entry)
    }
}

/// The value of a field.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, an array or null")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text, E> {
        Ok(Text(String::new()))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text(String::new()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(String::new()))
    }

    /// Bytes, or the first of several values.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
        let mut bytes = Vec::new();
        let mut first: Option<String> = None;
        while let Some(value) = seq.next_element::<Field<'de>>()? {
            match value.get().parse::<u8>() {
                Ok(byte) => bytes.push(byte),
                Err(_) => {
                    first.get_or_insert_with(|| value.get().to_owned());
                }
            }
        }
        Ok(Text(first.unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned())))
    }
}
