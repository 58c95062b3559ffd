//! JSON lines: cut into blocks, looked through for lines that can be logons, which are parsed.
//!
//! The one idea is to leave most bytes unread: a line that holds neither `4624` nor `4625` is no
//! logon, whatever its shape, so that only its two ends are looked at. (No writer escapes digits.)
//! Each line is judged by itself, so a file may mix shapes; which shapes and which zone there are
//! is found out from the first block, whose size depends on nothing.

pub(crate) mod blocks;
mod recognise;

use std::cell::RefCell;
use std::ops::ControlFlow;

use inventory::logon::Source;
use inventory::rule::Rule;
use inventory::time::Timestamp;
use memchr::memchr_iter;
use memchr::memmem::Finder;
use serde::{Deserialize, Deserializer};

use crate::field::{Field, Fields, object};
use crate::pipeline;
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::stream::Stream;
use crate::windows::{self, EventData, FieldError, Kind, System};
use crate::zone::Zone;
use crate::{Format, flat, nxlog};

use blocks::{Block, Blocks};

/// How much a worker gets at a time.
const BLOCK_BYTES: usize = 1024 * 1024;
/// The longest line that is read; Windows' longest events have some 100 KiB.
pub(crate) const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// Reads a file that looks like JSON lines.
pub(crate) fn read(session: &mut Session<'_>, name: &str, stream: Stream<'_>) -> ControlFlow<()> {
    read_in_blocks(session, name, stream, BLOCK_BYTES)
}

/// The same in blocks of another size: it must not change what is found.
fn read_in_blocks(
    session: &mut Session<'_>,
    name: &str,
    stream: Stream<'_>,
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
    let recognised = match recognise::recognise(&head) {
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
    let reader = LineReader {
        rule: &options.rule,
        device: options.device.as_deref(),
        zone: &Zone::of(options.timezone.as_ref(), &recognised.evidence),
        format: recognised.format,
    };
    let mut file = OpenFile::new(session, name, recognised.format);
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
                    file.lost(Position::Line(file.next_line()), &panicked);
                    return ControlFlow::Continue(());
                }
            };
            blocks.borrow_mut().recycle(buffer);
            if outcome.zone_assumed && !warned {
                warned = true;
                file.warn(&reader.zone.warning());
            }
            file.take(outcome)
        },
    );
    let blocks = blocks.into_inner();
    if let (Some(error), true) = (blocks.error(), flow.is_continue()) {
        file.cut(blocks.bytes_read(), error);
    }
    file.close();
    flow
}

/// The values of a line that the shapes ask for.
#[derive(Debug, Default)]
pub(crate) struct Line<'a> {
    pub(crate) event_id: Field<'a>,
    pub(crate) channel: Field<'a>,
    pub(crate) hostname: Field<'a>,
    pub(crate) record_number: Field<'a>,
    pub(crate) event_time: Field<'a>,
    pub(crate) event_received_time: Field<'a>,
    pub(crate) at_timestamp: Field<'a>,
    pub(crate) time_created: Field<'a>,
    /// Sysmon's own time, in UTC.
    pub(crate) utc_time: Field<'a>,
    pub(crate) data: EventData<'a>,
}

impl<'a> Fields<'a> for Line<'a> {
    fn slot(&mut self, key: &str) -> Option<&mut Field<'a>> {
        Some(match key {
            "EventID" => &mut self.event_id,
            "Channel" => &mut self.channel,
            "Hostname" => &mut self.hostname,
            "RecordNumber" => &mut self.record_number,
            "EventTime" => &mut self.event_time,
            "EventReceivedTime" => &mut self.event_received_time,
            "@timestamp" => &mut self.at_timestamp,
            "TimeCreated" => &mut self.time_created,
            "UtcTime" => &mut self.utc_time,
            key => return self.data.slot(key),
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Line<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer)
    }
}

/// The shapes that lines have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    NxLog,
    Flat,
}

impl Shape {
    fn of(line: &Line<'_>) -> Option<Self> {
        if nxlog::is_event(line) {
            Some(Shape::NxLog)
        } else if flat::is_event(line) {
            Some(Shape::Flat)
        } else {
            None
        }
    }

    fn format(self) -> Format {
        match self {
            Shape::NxLog => Format::NxLog,
            Shape::Flat => Format::FlatJson,
        }
    }

    fn source(self) -> Source {
        match self {
            Shape::NxLog => Source::NxLog,
            Shape::Flat => Source::FlatJson,
        }
    }

    /// When the event happened, and whether the file's zone had to be assumed for that.
    fn time(self, line: &Line<'_>, zone: &Zone) -> Result<(Timestamp, bool), FieldError> {
        match self {
            Shape::NxLog => nxlog::time(line, zone),
            Shape::Flat => flat::time(line, zone),
        }
    }
}

/// Reads blocks of lines; shared by the workers.
struct LineReader<'a> {
    rule: &'a Rule,
    /// The machine of lines that do not name theirs.
    device: Option<&'a str>,
    zone: &'a Zone,
    /// What the file was recognised as: lines that are not parsed count for it.
    format: Format,
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
        let finder = Finder::new("462");
        let mut start = 0;
        for end in memchr_iter(b'\n', &bytes).chain([bytes.len()]) {
            let line = &bytes[start..end];
            // The last block may end with or without a newline.
            if start < bytes.len() {
                outcome.lines += 1;
                self.line(line, &finder, &mut outcome);
            }
            start = end + 1;
        }
        (outcome, bytes)
    }

    fn line(&self, line: &[u8], finder: &Finder<'_>, outcome: &mut Outcome) {
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
        let may_matter =
            finder.find_iter(line).any(|at| matches!(line.get(at + 3), Some(b'4' | b'5')));
        if !may_matter {
            outcome.part(self.format).tally.records += 1;
            return;
        }
        // A collector that does not convert passes on the bytes of the machine's code page.
        let result = match serde_json::from_slice::<Line<'_>>(line) {
            Err(_) if std::str::from_utf8(line).is_err() => {
                let text = String::from_utf8_lossy(line);
                serde_json::from_str::<Line<'_>>(&text)
                    .map(|parsed| self.event(&parsed, line, outcome))
            }
            parsed => parsed.map(|parsed| self.event(&parsed, line, outcome)),
        };
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) => outcome.rejects.push(position, error),
            Err(error) => outcome.rejects.push(position, syntax(&error)),
        }
    }

    fn event(&self, line: &Line<'_>, raw: &[u8], outcome: &mut Outcome) -> Result<(), FieldError> {
        let kind = windows::kind(line.event_id.get(), line.channel.get());
        let shape = Shape::of(line);
        let format = shape.map_or(self.format, Shape::format);
        if kind != Kind::Logon {
            let tally = &mut outcome.part(format).tally;
            tally.records += 1;
            tally.failures += u64::from(kind == Kind::Failure);
            return Ok(());
        }
        let shape = shape.ok_or_else(|| missing(line))?;
        let system = System {
            computer: windows::present(line.hostname.get()).or(self.device).unwrap_or_default(),
            record: line.record_number.get(),
            source: shape.source(),
            raw,
        };
        let mut assumed = false;
        let logon = windows::logon(self.rule, &system, &line.data, || {
            let (time, zone_assumed) = shape.time(line, self.zone)?;
            assumed = zone_assumed;
            Ok(time)
        })?;
        outcome.zone_assumed |= assumed;
        outcome.part(format).count(logon);
        Ok(())
    }
}

/// What keeps a logon event from having a shape.
fn missing(line: &Line<'_>) -> FieldError {
    FieldError::Missing(match line.hostname.get() {
        "" => "Hostname",
        _ => "EventTime or TimeCreated",
    })
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
    use crate::reject::{Reject, Skipped};
    use crate::{FileReport, Options, Receiver};
    use inventory::logon::Logon;

    /// Everything that is told, in order.
    #[derive(Debug, Default, PartialEq)]
    struct Told {
        logons: Vec<Logon>,
        other: Vec<String>,
    }

    impl Receiver for Told {
        fn logons(&mut self, _: Format, logons: Vec<Logon>) -> ControlFlow<()> {
            self.logons.extend(logons);
            ControlFlow::Continue(())
        }

        fn file(&mut self, file: FileReport) {
            self.other.push(format!("{file:?}"));
        }

        fn skipped(&mut self, skipped: Skipped) {
            self.other.push(format!("{skipped:?}"));
        }

        fn rejected(&mut self, reject: Reject) {
            self.other.push(format!("{reject:?}"));
        }

        fn warning(&mut self, name: &str, text: &str) {
            self.other.push(format!("{name} {text}"));
        }

        fn progress(&mut self, _: u64) {}
    }

    fn told(text: &[u8], block_bytes: usize) -> Told {
        let mut told = Told::default();
        let options = Options::default();
        let mut session = Session::new(&options, &mut told, None);
        let flow = read_in_blocks(&mut session, "x", Stream::new(text), block_bytes);
        assert!(flow.is_continue());
        // A warning comes with the part that it is about, so between other parts' rejects.
        told.other.sort();
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
