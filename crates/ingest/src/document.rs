//! A file that is one JSON object, or a few one after another, each over several lines: an API's
//! answer. (An array is read element by element, by `jsonl`.)
//!
//! It is held in memory as a whole, so it has a limit; its records are read one at a time.

use std::io::{self, Read};
use std::ops::ControlFlow;

use serde_json::value::RawValue;

use crate::jsonl;
use crate::record::{Records, Understood};
use crate::reject::Position;
use crate::sequence::Sequence;
use crate::session::{OpenFile, Outcome, Session};
use crate::sniff::BOM;
use crate::stream::Stream;
use crate::zone::Zone;

/// The largest document. Lines of JSON have no limit but that of a line.
const MAX_BYTES: usize = 256 * 1024 * 1024;
/// Records that are handed on together.
const BATCH: u64 = 4096;

/// Reads a file that looks like a JSON document.
pub(crate) fn read(session: &mut Session<'_>, name: &str, stream: Stream<'_>) -> ControlFlow<()> {
    read_up_to(session, name, stream, MAX_BYTES)
}

fn read_up_to(
    session: &mut Session<'_>,
    name: &str,
    mut stream: Stream<'_>,
    max_bytes: usize,
) -> ControlFlow<()> {
    let mut bytes = Vec::new();
    // One more, so that the limit itself is told from what is beyond it.
    let cut = (&mut stream).take(max_bytes as u64 + 1).read_to_end(&mut bytes).err();
    if bytes.len() > max_bytes {
        // More than one object can be read one by one; of one that is too long that is told.
        let all = io::Cursor::new(bytes).chain(stream);
        return jsonl::read_objects(session, name, Stream::new(all));
    }
    let bytes = bytes.strip_prefix(BOM).unwrap_or(&bytes);
    let text = String::from_utf8_lossy(bytes);
    let options = session.options;
    let zone = Zone::of(options.timezone.as_ref(), &[]);
    let records = Records::new(options, &zone, name);
    let sequence = Sequence::new(session);
    let file = OpenFile::new(session, name, None);
    let mut reading = Reading { records: &records, sequence, file, warned: false };
    let flow = reading.values(&text, cut.is_some());
    let flow = reading.sequence.end(flow, &mut reading.file);
    if let (Some(error), true) = (&cut, flow.is_continue()) {
        reading.file.cut(bytes.len() as u64, error);
    }
    reading.file.close(flow)
}

struct Reading<'r, 's, 'a> {
    records: &'r Records<'r>,
    sequence: Sequence<'a>,
    file: OpenFile<'s, 'a>,
    warned: bool,
}

impl Reading<'_, '_, '_> {
    /// The values that stand in the text one after another, up to the first that is broken.
    fn values(&mut self, text: &str, is_cut: bool) -> ControlFlow<()> {
        let mut number = 0;
        for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
            let mut outcome = Outcome::default();
            let first = number + 1;
            let read = value.and_then(|value| {
                let mut since = 0;
                self.records.read_document(value.get(), first, &mut outcome, &mut |outcome| {
                    since += 1;
                    match since % BATCH {
                        0 => self.take(std::mem::take(outcome)),
                        _ => ControlFlow::Continue(()),
                    }
                })
            });
            match read {
                Ok((known, last, flow)) => {
                    number = last.max(first);
                    if let Understood::Unknown(like) = known {
                        outcome.unknown(Position::Record(first), like);
                    }
                    flow?;
                }
                Err(error) if !is_cut => {
                    self.take(std::mem::take(&mut outcome))?;
                    self.file.reject(Position::Line(error.line() as u64), reason(&error));
                }
                Err(_) => {}
            }
            self.take(outcome)?;
        }
        ControlFlow::Continue(())
    }

    fn take(&mut self, mut outcome: Outcome) -> ControlFlow<()> {
        if outcome.zone_assumed && !std::mem::replace(&mut self.warned, true) {
            self.file.warn(&self.records.events.zone.warning());
        }
        self.sequence.settle(self.records, &mut outcome);
        self.sequence.warn(&mut self.file);
        self.file.take(outcome)
    }
}

fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    format!("not valid JSON: {}", text.split(" at line ").next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use inventory::logon::Logon;
    use inventory::machine::MachineReport;
    use inventory::session::SessionEvent;

    use inventory::person::IdentityReport;
    use inventory::time::Timestamp;

    use super::*;
    use crate::reject::{Reject, Skipped};
    use crate::{FileReport, Format, Options, Receiver};

    #[derive(Default)]
    struct Told(Vec<String>);

    impl Receiver for Told {
        fn logons(&mut self, _: Format, _: Vec<Logon>) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }

        fn reports(&mut self, _: Vec<MachineReport>) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }

        fn changes(&mut self, _: Vec<SessionEvent>) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }

        fn identities(&mut self, _: Vec<(IdentityReport, Timestamp)>) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }

        fn file(&mut self, file: FileReport) {
            self.0.push(format!("{} records", file.tally.records));
        }

        fn skipped(&mut self, skipped: Skipped) {
            self.0.push(skipped.reason);
        }

        fn rejected(&mut self, reject: Reject) {
            self.0.push(reject.reason);
        }

        fn warning(&mut self, _: &str, _: &str) {}

        fn progress(&mut self, _: u64) {}
    }

    #[test]
    fn a_document_beyond_the_limit_is_read_object_by_object() {
        let text = b"{\"Timestamp\":\"x\",\"ActionType\":\"y\"}";
        for (limit, word) in [(text.len(), "1 records"), (text.len() - 1, "1 records")] {
            let mut told = Told::default();
            let options = Options::default();
            let mut session = Session::new(&options, &mut told, None);
            assert!(read_up_to(&mut session, "x", Stream::new(&text[..]), limit).is_continue());
            assert!(told.0[0].contains(word), "{:?}", told.0);
        }
    }
}
