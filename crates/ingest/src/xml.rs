//! Files of Windows events in XML: what a collector of Windows Event Forwarding, `wevtutil` or the
//! Event Viewer writes, with a root element or without, on as many lines as they like.
//!
//! The one idea is to cut a file behind each `</Event>`, which no text inside an event can hold
//! (telemetry.md §2.3), so that parts can be shared out and a broken event costs itself alone.

mod cut;

use std::cell::RefCell;
use std::ops::ControlFlow;

use inventory::logon::Source;
use memchr::memmem::Finder;
use memchr::memrchr;

use crate::event_xml::XmlEvent;
use crate::field;
use crate::pipeline;
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::stream::Stream;
use crate::windows::Candidates;
use crate::{Format, Options};

use cut::{Part, Parts};

/// How much a worker gets at a time.
const PART_BYTES: usize = 1024 * 1024;
/// The longest event that is read; Windows' longest have some 100 KiB.
const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;
/// How much of a file is looked at for the prefix of its elements.
const HEAD_BYTES: usize = 64 * 1024;
/// No prefix is longer.
const MAX_PREFIX_BYTES: usize = 64;

/// The tags of events, which may have a prefix: `<e:Event xmlns:e=...>`.
struct Tags {
    start: Vec<u8>,
    end: Vec<u8>,
}

impl Tags {
    /// With a prefix and its colon, or nothing.
    fn with(prefix: &[u8]) -> Self {
        Self { start: [b"<", prefix, b"Event"].concat(), end: [b"</", prefix, b"Event>"].concat() }
    }

    /// By the first event of a file; without a prefix when none has one.
    fn of(head: &[u8]) -> Self {
        let plain = Self::with(b"");
        if plain.starts(head).next().is_some() {
            return plain;
        }
        let prefixed = memchr::memmem::find_iter(head, b":Event").find_map(|at| {
            let before = &head[at.saturating_sub(MAX_PREFIX_BYTES)..at];
            let open = memrchr(b'<', before)?;
            let tags = Self::with(&[&before[open + 1..], b":"].concat());
            let is_name = before[open + 1..].iter().all(u8::is_ascii_alphanumeric);
            (is_name && tags.starts(&head[at - (before.len() - open)..]).next() == Some(0))
                .then_some(tags)
        });
        prefixed.unwrap_or(plain)
    }

    /// Where events start; `<EventData` and `<Events` are no starts.
    fn starts<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = usize> {
        memchr::memmem::find_iter(text, &self.start).filter(|at| {
            let next = text.get(at + self.start.len());
            next.is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))
        })
    }
}

/// Reads a file of events.
pub(crate) fn read(session: &mut Session<'_>, name: &str, stream: Stream<'_>) -> ControlFlow<()> {
    read_in_parts(session, name, stream, PART_BYTES)
}

/// Whether the text holds the start of an event, or of a file's root element `Events`.
pub(crate) fn has_start(text: &[u8]) -> bool {
    Tags::with(b"").starts(text).next().is_some()
        || memchr::memmem::find(text, b"<Events").is_some()
}

/// The same in parts of another size: it must not change what is found.
fn read_in_parts(
    session: &mut Session<'_>,
    name: &str,
    mut stream: Stream<'_>,
    part_bytes: usize,
) -> ControlFlow<()> {
    let options = session.options;
    let tags = Tags::of(stream.look(HEAD_BYTES));
    let mut file = OpenFile::new(session, name, Format::WefXml);
    let parts = RefCell::new(Parts::new(stream, tags.end.clone()));
    let end_tag = Finder::new(&tags.end);
    let reader = EventReader { options, candidates: Candidates::new(), tags: &tags, end_tag };
    let flow = pipeline::run(
        options.threads,
        || parts.borrow_mut().next(part_bytes),
        |part| reader.read(&part),
        |result| match result {
            Ok(outcome) => file.take(outcome),
            Err(panicked) => {
                file.lost(Position::Byte(parts.borrow().bytes_read()), &panicked);
                ControlFlow::Continue(())
            }
        },
    );
    let parts = parts.into_inner();
    if let (Some(error), true) = (parts.error(), flow.is_continue()) {
        file.cut(parts.bytes_read(), error);
    }
    file.close(flow)
}

/// Reads parts of a file; shared by the workers.
struct EventReader<'a> {
    options: &'a Options,
    candidates: Candidates,
    tags: &'a Tags,
    end_tag: Finder<'a>,
}

impl EventReader<'_> {
    fn read(&self, part: &Part) -> Outcome {
        let mut outcome = Outcome::default();
        let (at, bytes) = match part {
            Part::Events { at, bytes } => (*at, bytes),
            Part::TooLong { at, bytes } => {
                outcome.rejects.push(
                    Position::Byte(*at),
                    format_args!("an event of {bytes} bytes, more than {MAX_EVENT_BYTES}"),
                );
                return outcome;
            }
        };
        let mut start = 0;
        for tag in self.end_tag.find_iter(bytes) {
            let end = tag + self.tags.end.len();
            self.piece(&bytes[start..end], at + start as u64, &mut outcome);
            start = end;
        }
        self.between(&bytes[start..], at + start as u64, &mut outcome);
        outcome
    }

    /// Reads what ends with an event's end.
    fn piece(&self, piece: &[u8], at: u64, outcome: &mut Outcome) {
        // Of several starts the last is the event's: the others are of events that were cut.
        let Some(start) = self.tags.starts(piece).last() else {
            outcome.rejects.push(Position::Byte(at), "an event without its start");
            return;
        };
        // What stands before it on its line is what a relay put there: a syslog header.
        let line = memrchr(b'\n', &piece[..start]).map_or(0, |newline| newline + 1);
        match self.tags.starts(&piece[line..start]).next() {
            Some(_) => self.between(&piece[..start], at, outcome),
            None => self.between(&piece[..line], at, outcome),
        }
        let event = &piece[start..];
        if !self.candidates.include(event) {
            outcome.part(Format::WefXml).tally.records += 1;
            return;
        }
        if let Err(reason) = self.event(event, outcome) {
            outcome.rejects.push(Position::Byte(at + start as u64), reason);
        }
    }

    /// Looks at what stands between events: blanks, and tags of what is around them.
    fn between(&self, text: &[u8], at: u64, outcome: &mut Outcome) {
        let trimmed = text.trim_ascii();
        if let Some(start) = self.tags.starts(trimmed).next() {
            let blanks = text.len() - text.trim_ascii_start().len();
            let position = Position::Byte(at + (blanks + start) as u64);
            outcome.rejects.push(position, "an event without its end");
        } else if !(trimmed.is_empty() || trimmed.starts_with(b"<") && trimmed.ends_with(b">")) {
            outcome.rejects.push(Position::Byte(at), "text outside of events");
        }
    }

    fn event(&self, raw: &[u8], outcome: &mut Outcome) -> Result<(), String> {
        let text = field::text(raw);
        let event = XmlEvent::parse(&text).map_err(|error| error.to_string())?;
        let Options { rule, device, .. } = self.options;
        event
            .take(outcome.part(Format::WefXml), rule, device.as_deref(), Source::WefXml, raw)
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::session::told::Told;

    fn told(text: &[u8], part_bytes: usize) -> Told {
        let mut told = Told::default();
        let options = Options::default();
        let mut session = Session::new(&options, &mut told, None);
        assert!(read_in_parts(&mut session, "x", Stream::new(text), part_bytes).is_continue());
        told
    }

    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            (1u32..9).prop_map(|number| format!(
                "<Event xmlns='x'>\n<System><EventID>4624</EventID><Computer>h</Computer>\
                 <TimeCreated SystemTime='2026-03-01T10:00:00Z'/><Channel>Security</Channel>\
                 <EventRecordID>{number}</EventRecordID></System><EventData>\
                 <Data Name='TargetUserName'>u</Data><Data Name='LogonType'>2</Data></EventData>\
                 </Event>"
            )),
            Just("<Event><System><EventID>4624</EventID></System></Event>".to_owned()),
            Just("<Event><System><EventID>1</EventID></System></Event>".to_owned()),
            Just("<Event><System>".to_owned()),
            Just("</Event>".to_owned()),
            Just("4624".to_owned()),
            Just("\n".to_owned()),
            Just("<Events>".to_owned()),
        ]
    }

    proptest! {
        #[test]
        fn where_parts_end_does_not_matter(
            pieces in prop::collection::vec(piece(), 0..40),
            part_bytes in 1usize..2_000,
        ) {
            let text = pieces.concat();
            let whole = told(text.as_bytes(), PART_BYTES);
            prop_assert_eq!(told(text.as_bytes(), part_bytes), whole);
        }
    }
}
