//! JSON lines: cut into blocks, looked through for lines that can be logons, which are parsed.
//!
//! The one idea is to leave most bytes unread: a block is looked through once for the few words of which
//! a line that matters has one (`candidates`), and of a line without any only the two ends are looked at.
//! Which shape and which zone there are is found out from the first block, whose size depends on
//! nothing.

mod array;
pub(crate) mod blocks;
mod candidates;
mod recognise;

use std::cell::RefCell;
use std::ops::ControlFlow;

use crate::field;
use crate::line::Line;
use crate::pipeline;
use crate::product::{self, Product};
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Pieces, Session};
use crate::shape::RecordReader;
use crate::stream::Stream;
use crate::zone::Zone;

use array::Elements;
use blocks::{Block, Blocks};
use candidates::MayBe;

/// How much a worker gets at a time.
const BLOCK_BYTES: usize = 1024 * 1024;
/// Of a sender's later records so many at once are looked at for the zone.
const LIVE_EVIDENCE: usize = 16;
/// The longest line that is read; Windows' longest events have some 100 KiB.
pub(crate) const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

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
    // Of a sender's records the first ones show the zone, which is remembered.
    let has_looked =
        session.memory().is_some_and(|memory| std::mem::replace(&mut memory.has_looked, true));
    let most = if has_looked { LIVE_EVIDENCE } else { usize::MAX };
    let recognised = match recognise::recognise(&head, most) {
        Ok(recognised) => recognised,
        Err(reason) => {
            let reason = match blocks.error() {
                Some(error) => format!("{reason}; cannot be read further: {error}"),
                None => reason,
            };
            session.skipped(name, reason);
            return ControlFlow::Continue(());
        }
    };
    let options = session.options;
    let mut evidence = recognised.evidence;
    if let Some(memory) = session.memory() {
        evidence.extend(memory.zone.filter(|_| evidence.is_empty()));
        memory.zone = Zone::shown(&evidence);
    }
    let records = RecordReader {
        rule: &options.rule,
        device: options.device.as_deref(),
        zone: &Zone::of(options.timezone.as_ref(), &evidence),
        format: recognised.format,
    };
    let reader = LineReader { records, file: name };
    let mut file = OpenFile::new(session, name, recognised.format).counting(pieces);
    let blocks = RefCell::new(blocks);
    let mut first = waiting.into_iter().chain([Block::Lines(head)]);
    let mut warned = false;
    let flow = pipeline::run(
        options.threads,
        || first.next().or_else(|| blocks.borrow_mut().next(block_bytes)),
        |block| reader.read(block),
        |result| {
            let (outcome, buffer) = match result {
                Ok(result) => result,
                Err(panicked) => {
                    file.lost(file.next_piece(), &panicked);
                    return ControlFlow::Continue(());
                }
            };
            blocks.borrow_mut().recycle(buffer);
            if outcome.zone_assumed && !warned {
                warned = true;
                file.warn(&reader.records.zone.warning());
            }
            file.take(outcome)
        },
    );
    let blocks = blocks.into_inner();
    if let (Some(error), true) = (blocks.error(), flow.is_continue()) {
        file.cut(blocks.bytes_read(), error);
    }
    file.close(flow)
}

/// Reads blocks of lines; shared by the workers.
struct LineReader<'a> {
    records: RecordReader<'a>,
    /// The file's name.
    file: &'a str,
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
        let line = line.trim_ascii();
        let (Some(first), Some(last)) = (line.first(), line.last()) else {
            return;
        };
        let position = Position::Line(outcome.lines);
        if *first != b'{' || *last != b'}' {
            let reason = match (first, last) {
                (b'{', _) => "an object that does not end on its line",
                _ => "not a JSON object",
            };
            outcome.rejects.push(position, reason);
            return;
        }
        if may_be.product && self.product(line, position, outcome) {
            return;
        }
        if !may_be.event {
            outcome.part(self.records.format).tally.records += 1;
            return;
        }
        let text = field::text(line);
        // Splunk's collector takes objects without anything between them.
        let mut objects = serde_json::Deserializer::from_str(&text).into_iter::<Line<'_>>();
        let mut start = 0;
        while let Some(object) = objects.next() {
            let end = objects.byte_offset();
            // The only one of a line is known by the bytes that came.
            let raw = if end - start == text.len() { line } else { &text.as_bytes()[start..end] };
            start = end;
            match object.map(|object| self.records.read(&object, raw, outcome)) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => outcome.rejects.push(position, error),
                Err(error) => return outcome.rejects.push(position, syntax(&error)),
            }
        }
    }

    /// Reads a record of another product, or a message of several; `false` when it is none.
    fn product(&self, line: &[u8], position: Position, outcome: &mut Outcome) -> bool {
        let context = product::Context {
            rule: self.records.rule,
            device: self.records.device,
            file: self.file,
        };
        let text = field::text(line);
        let mut number = 0;
        // What is beside known records counts with them, should there be any.
        let mut others = 0;
        let known = product::records(&text, &mut |record| {
            number += 1;
            match record.known {
                Some((product, object)) => {
                    let inside = record.is_wrapped.then_some(number);
                    product::read(product, &object, &context, outcome, (position, inside));
                }
                None => others += 1,
            }
            ControlFlow::Continue(())
        });
        match known {
            Ok(known) => {
                if known {
                    outcome.part(self.records.format).tally.records += others;
                }
                known
            }
            Err(error) if Product::reads(self.records.format) => {
                outcome.rejects.push(position, syntax(&error));
                true
            }
            Err(_) => false,
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
