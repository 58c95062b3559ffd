//! JSON lines: cut into blocks, looked through for lines that can matter, which are parsed.
//!
//! The one idea is to leave most bytes unread: a block is looked through once for the few words of which
//! a line that matters has one (`candidates`), and of a line without any only the two ends are looked at.
//! Which zone there is, and what the file is of, is found out from the first block, whose size depends on
//! nothing. Records that come one by one are all parsed: each has its own answer.

mod array;
pub(crate) mod blocks;
mod candidates;
mod objects;
mod recognise;

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::carrier::Hints;
use crate::field;
use crate::line::Line;
use crate::pipeline;
use crate::record::Records;
use crate::reject::Position;
use crate::sequence::Sequence;
use crate::session::{OpenFile, Outcome, Pieces, Session};
use crate::shape::Shape;
use crate::stream::Stream;
use crate::zone::{Shown, Zone};

use array::Elements;
use blocks::{Block, Blocks};
use candidates::MayBe;
use objects::Objects;
pub(crate) use objects::is_concatenated;

/// How much a worker gets at a time.
const BLOCK_BYTES: usize = 1024 * 1024;
/// Of a sender's later records so many at once are looked at for the zone.
const LIVE_EVIDENCE: usize = 16;
/// The longest line that is read; Windows' longest events have some 100 KiB.
pub(crate) const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;
/// `journalctl -o json-seq` begins each entry with it.
const RECORD_SEPARATOR: u8 = 0x1e;

/// Reads a file that looks like JSON lines.
pub(crate) fn read(session: &mut Session<'_>, name: &str, stream: Stream<'_>) -> ControlFlow<()> {
    read_in_blocks(session, name, stream, Pieces::Lines, BLOCK_BYTES)
}

/// Reads a file that looks like an array of JSON.
pub(crate) fn read_array(
    session: &mut Session<'_>,
    name: &str,
    stream: Stream<'_>,
) -> ControlFlow<()> {
    let lines = Stream::new(Elements::new(stream));
    read_in_blocks(session, name, lines, Pieces::Elements, BLOCK_BYTES)
}

/// Reads a file of objects one behind the other, each on several lines or several on one.
pub(crate) fn read_objects(
    session: &mut Session<'_>,
    name: &str,
    stream: Stream<'_>,
) -> ControlFlow<()> {
    let lines = Stream::new(Objects::new(stream));
    read_in_blocks(session, name, lines, Pieces::Records, BLOCK_BYTES)
}

/// The same in blocks of another size: it must not change what is found.
fn read_in_blocks(
    session: &mut Session<'_>,
    name: &str,
    stream: Stream<'_>,
    pieces: Pieces,
    block_bytes: usize,
) -> ControlFlow<()> {
    let mut blocks = Blocks::new(stream);
    // Lines that are too long can come before the first one that can be read.
    let mut waiting = Vec::new();
    let head = loop {
        match blocks.next(recognise::HEAD_BYTES) {
            Some(block @ Block::TooLong { .. }) => waiting.push(block),
            Some(Block::Lines(bytes)) => break bytes,
            None => break Vec::new(),
        }
    };
    let options = session.options;
    let zone = zone(session, &head);
    let records = Records::new(options, &zone, name);
    // Of a sender's records each is read: nothing is to be known of them all.
    let is_live = session.memory().is_some();
    let format = if is_live { Err("") } else { recognise::format(&head, &records) };
    let reader = LineReader { records: &records, is_live };
    let mut sequence = Sequence::new(session);
    let mut file = OpenFile::new(session, name, format.ok()).counting(pieces);
    file.seems(format.err().unwrap_or_default());
    let blocks = RefCell::new(blocks);
    let mut first = waiting.into_iter().chain([Block::Lines(head)]);
    let mut warned = false;
    let flow = pipeline::run(
        options.threads,
        || first.next().or_else(|| blocks.borrow_mut().next(block_bytes)),
        |block| reader.read(block),
        |result| {
            let (mut outcome, buffer) = match result {
                Ok(result) => result,
                Err(panicked) => {
                    file.lost(file.next_piece(), &panicked);
                    return ControlFlow::Continue(());
                }
            };
            blocks.borrow_mut().recycle(buffer);
            if outcome.zone_assumed && !warned {
                warned = true;
                file.warn(&zone.warning());
            }
            sequence.settle(&records, &mut outcome);
            sequence.warn(&mut file);
            file.take(outcome)
        },
    );
    let flow = sequence.end(flow, &mut file);
    let blocks = blocks.into_inner();
    if let (Some(error), true) = (blocks.error(), flow.is_continue()) {
        file.cut(blocks.bytes_read(), error);
    }
    file.close(flow)
}

/// The zone of stamps without one, by what the first records show, or of a sender those before.
fn zone(session: &Session<'_>, head: &[u8]) -> Zone {
    let given = session.options.timezone.as_ref();
    let Some(memory) = session.memory() else {
        return Zone::of(given, &recognise::zones(head, usize::MAX));
    };
    // Of a sender's records the first ones show the zones, which are remembered.
    let has_looked = std::mem::replace(&mut memory.lock().has_looked, true);
    let evidence = recognise::zones(head, if has_looked { LIVE_EVIDENCE } else { usize::MAX });
    let mut kept = memory.lock();
    Shown::add(&mut kept.zones, &evidence);
    Zone::shown(given, Arc::clone(&kept.zones))
}

/// Reads blocks of lines; shared by the workers.
struct LineReader<'a> {
    records: &'a Records<'a>,
    /// Records come one by one.
    is_live: bool,
}

impl LineReader<'_> {
    /// The outcome, and the block's buffer to be used again.
    fn read(&self, block: Block) -> (Outcome, Vec<u8>) {
        let mut outcome = Outcome::default();
        let bytes = match block {
            Block::Lines(bytes) => bytes,
            Block::TooLong { bytes } => {
                outcome.lines = 1;
                outcome.rejects.push(
                    Position::Line(1),
                    format_args!("a line of {bytes} bytes, more than {MAX_LINE_BYTES}"),
                );
                return (outcome, Vec::new());
            }
        };
        candidates::lines(&bytes, &mut |line, may_be| {
            outcome.lines += 1;
            self.line(line, may_be, &mut outcome);
        });
        (outcome, bytes)
    }

    fn line(&self, line: &[u8], may_be: MayBe, outcome: &mut Outcome) {
        let line = line.strip_prefix(&[RECORD_SEPARATOR]).unwrap_or(line).trim_ascii();
        let (Some(first), Some(last)) = (line.first(), line.last()) else {
            return;
        };
        let position = Position::Line(outcome.lines);
        match (first, last) {
            (b'{', b'}') | (b'[', b']') => {}
            (b'{', _) => {
                return outcome.rejects.push(position, "an object that does not end on its line");
            }
            _ => return outcome.rejects.push(position, "not a JSON object"),
        }
        if !may_be.any() && !self.is_live && *first == b'{' {
            outcome.unread += 1;
            return;
        }
        let text = field::text(line);
        // Windows' events are most of what is parsed.
        if may_be.is_event_alone()
            && let Ok(event) = serde_json::from_str::<Line<'_>>(&text)
            && Shape::of(&event).is_some()
        {
            if let Err(error) = self.records.events.read(&event, line, outcome) {
                outcome.rejects.push(position, error);
            }
            return;
        }
        self.record(&text, line, position, outcome);
    }

    /// Reads a line of one record, or of several without anything between them.
    fn record(&self, text: &str, line: &[u8], position: Position, outcome: &mut Outcome) {
        use crate::record::Understood;
        let hints = Hints::default();
        match self.records.understand(text, line, &hints, position, outcome) {
            Ok(Understood::Known) => return,
            Ok(Understood::Unknown(like)) => return outcome.unknown(position, like),
            Err(_) => {}
        }
        for value in
            serde_json::Deserializer::from_str(text).into_iter::<&serde_json::value::RawValue>()
        {
            match value {
                Ok(value) => {
                    let json = value.get();
                    self.records.read(json, json.as_bytes(), &hints, position, outcome);
                }
                Err(error) => return outcome.rejects.push(position, syntax(&error)),
            }
        }
    }
}

/// serde_json counts lines within the line, which says nothing.
pub(crate) fn syntax(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or_default();
    format!("not valid JSON: {reason} at column {}", error.column())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Options;
    use crate::session::told::Told;

    fn told(text: &[u8], block_bytes: usize) -> Told {
        let mut told = Told::default();
        let options = Options::default();
        let mut session = Session::new(&options, &mut told, None);
        let flow = read_in_blocks(&mut session, "x", Stream::new(text), Pieces::Lines, block_bytes);
        assert!(flow.is_continue());
        told
    }

    fn line() -> impl Strategy<Value = String> {
        let event = |id: u32, time: &str| {
            format!(
                "{{\"EventTime\":\"{time}\",\"Hostname\":\"h{id}\",\"EventID\":4624,\
                 \"Channel\":\"Security\",\"TargetUserName\":\"u{id}\",\"LogonType\":2,\
                 \"TargetLogonId\":\"0x{id}\"}}"
            )
        };
        prop_oneof![
            (1u32..9).prop_map(move |id| event(id, "2026-03-01 10:00:00")),
            (1u32..9).prop_map(move |id| event(id, "never")),
            Just("{\"EventTime\":\"2026-03-01 10:00:00\",\"UtcTime\":\"2026-03-01 07:00:00\",\"Hostname\":\"a\"}".to_owned()),
            Just("4624".to_owned()),
            Just("  \r".to_owned()),
        ]
    }

    proptest! {
        // Each case reads a file that is longer than the first block.
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn where_blocks_end_does_not_matter(
            lines in prop::collection::vec(line(), 0..80),
            block_bytes in 1usize..2_000,
        ) {
            // More than the first block, whose size is fixed.
            let filler = format!("{{\"EventTime\":\"x\",\"Hostname\":\"{}\"}}\n", "x".repeat(500));
            let mut text = filler.repeat(recognise::HEAD_BYTES / filler.len() + 2);
            text.insert_str(0, &lines.join("\n"));
            text.push_str(&lines.join("\n"));
            let whole = told(text.as_bytes(), BLOCK_BYTES);
            prop_assert_eq!(told(text.as_bytes(), block_bytes), whole);
        }
    }
}
