//! A file that is one JSON object, or a few one after another, each over several lines: an API's
//! answer. (An array is read element by element, by `jsonl`.)
//!
//! It is held in memory as a whole, so it has a limit; its records are read one at a time.

use std::io::{self, Read};
use std::ops::ControlFlow;

use serde_json::value::RawValue;

use crate::jsonl::MAX_LINE_BYTES;
use crate::product::{self, Context};
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::sniff::BOM;
use crate::stream::Stream;

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
    stream: Stream<'_>,
    max_bytes: usize,
) -> ControlFlow<()> {
    let mut bytes = Vec::new();
    // One more, so that the limit itself is told from what is beyond it.
    let cut = stream.take(max_bytes as u64 + 1).read_to_end(&mut bytes).err();
    if bytes.len() > max_bytes {
        let reason = format!(
            "a JSON document of more than {} MiB, which is not read; export it as one record a \
             line (`jq -c`), or in parts",
            max_bytes >> 20
        );
        session.skipped(name, reason);
        return ControlFlow::Continue(());
    }
    let bytes = bytes.strip_prefix(BOM).unwrap_or(&bytes);
    let text = String::from_utf8_lossy(bytes);
    let mut formats = values(&text).filter_map(|value| product::format(value.ok()?.get()));
    let Some(format) = formats.next() else {
        session.skipped(name, unknown(&text, cut.as_ref()));
        return ControlFlow::Continue(());
    };
    let context = Context {
        rule: &session.options.rule,
        device: session.options.device.as_deref(),
        file: name,
    };
    let mut file = OpenFile::new(session, name, format);
    let mut flow = ControlFlow::Continue(());
    let mut number = 0;
    for value in values(&text) {
        let read = value.and_then(|value| {
            let mut outcome = Outcome::default();
            let read = product::records(value.get(), &mut |record| {
                number += 1;
                let position = (Position::Record(number), None);
                match record.known {
                    Some(_) if record.bytes > MAX_LINE_BYTES => outcome.rejects.push(
                        position.0,
                        format_args!("{} bytes, more than {MAX_LINE_BYTES}", record.bytes),
                    ),
                    Some((product, object)) => {
                        product::read(product, &object, &context, &mut outcome, position);
                    }
                    None => outcome.part(format).tally.records += 1,
                }
                if number % BATCH == 0 {
                    flow = file.take(std::mem::take(&mut outcome));
                }
                flow
            });
            if flow.is_continue() {
                flow = file.take(outcome);
            }
            read
        });
        if let (Err(error), None) = (read, &cut) {
            file.reject(Position::Line(error.line() as u64), reason(&error));
        }
        if flow.is_break() {
            break;
        }
    }
    if let (Some(error), true) = (&cut, flow.is_continue()) {
        file.cut(bytes.len() as u64, error);
    }
    file.close(flow)
}

/// The values that stand in the text one after another, up to the first that is broken.
fn values(text: &str) -> impl Iterator<Item = serde_json::Result<&RawValue>> {
    serde_json::Deserializer::from_str(text).into_iter()
}

fn unknown(text: &str, cut: Option<&io::Error>) -> String {
    let broken = values(text).find_map(Result::err);
    match (cut, broken) {
        (Some(error), _) => format!("a JSON document that cannot be read further: {error}"),
        (None, Some(error)) => {
            format!("a JSON document that is {} at line {}", reason(&error), error.line())
        }
        (None, None) => {
            "a JSON document, but none of its records is of a product that is known".to_owned()
        }
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
    fn a_document_beyond_the_limit_is_refused() {
        let text = b"{\"Timestamp\":\"x\",\"ActionType\":\"y\"}";
        for (limit, word) in [(text.len(), "1 records"), (text.len() - 1, "more than 0 MiB")] {
            let mut told = Told::default();
            let options = Options::default();
            let mut session = Session::new(&options, &mut told, None);
            assert!(read_up_to(&mut session, "x", Stream::new(&text[..]), limit).is_continue());
            assert!(told.0[0].contains(word), "{:?}", told.0);
        }
    }
}
