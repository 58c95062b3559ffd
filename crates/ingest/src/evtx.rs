//! Windows event log files, chunk by chunk.
//!
//! A file is a header of 4 KiB and chunks of 64 KiB, each with its own strings and templates, so
//! that a stream can be read and the chunks shared out. The file header is not believed: in a copy
//! of a live log it is stale. Records in slack space, which a log's owner deleted, stay there.
//!
//! Most records of a Security log are no logons. Rendering them is most of the work, so in a chunk
//! whose checksum holds those that cannot be an event that matters are left out ([`candidates`]).

mod candidates;
mod counters;

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use evtx::err::EvtxError;
use evtx::{EvtxChunkData, ParserSettings};
use inventory::logon::Source;
use inventory::rule::Rule;
use serde::Deserialize;

use crate::Format;
use crate::field::Field;
use crate::pipeline::{self, guarded};
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::stream::Stream;
use crate::windows::{self, EventData};

const FILE_HEADER_BYTES: usize = 4096;
const CHUNK_BYTES: usize = 64 * 1024;
const CHUNK_MAGIC: &[u8] = b"ElfChnk\0";
/// How many chunks a worker gets at a time.
const CHUNKS_PER_PART: usize = 4;

/// Reads an event log file.
pub(crate) fn read(
    session: &mut Session<'_>,
    name: &str,
    mut stream: Stream<'_>,
) -> ControlFlow<()> {
    let options = session.options;
    let mut file = OpenFile::new(session, name, Format::Evtx);
    let (header_bytes, error) = stream.fill(&mut [0; FILE_HEADER_BYTES]);
    let mut chunks = Chunks {
        stream,
        number: 0,
        bytes_read: header_bytes as u64,
        end: (header_bytes < FILE_HEADER_BYTES).then_some(End { cut_bytes: header_bytes, error }),
    };
    let settings = Arc::new(ParserSettings::new().indent(false));
    let flow = pipeline::run(
        options.threads,
        || chunks.next_part(),
        |part| {
            let mut outcome = Outcome::default();
            for chunk in part {
                let number = chunk.number;
                // Per chunk, so that a defect of the parser costs one chunk and not its part.
                let read = guarded(|| {
                    let mut outcome = Outcome::default();
                    read_chunk(chunk, &options.rule, &settings, &mut outcome);
                    outcome
                });
                match read {
                    Ok(read) => outcome.append(read),
                    Err(panicked) => outcome.rejects.push(
                        Position::Chunk(number),
                        format_args!("left out after a defect of ours: {panicked}"),
                    ),
                }
            }
            outcome
        },
        |result| match result {
            Ok(outcome) => file.take(outcome),
            Err(panicked) => {
                // Not to be expected: what can panic is guarded chunk by chunk.
                file.lost(Position::Byte(0), &panicked);
                ControlFlow::Continue(())
            }
        },
    );
    if flow.is_continue() {
        chunks.report_end(&mut file);
    }
    file.close(flow)
}

/// A chunk as it is in the file.
struct Chunk {
    number: u64,
    bytes: Vec<u8>,
}

/// Reads a stream chunk by chunk.
struct Chunks<'a> {
    stream: Stream<'a>,
    /// Of the next chunk.
    number: u64,
    bytes_read: u64,
    end: Option<End>,
}

/// How the file ended.
struct End {
    /// What there was of a chunk (or of the file's header) that is not whole.
    cut_bytes: usize,
    error: Option<io::Error>,
}

impl Chunks<'_> {
    /// The next chunks; those that were never written are passed over.
    fn next_part(&mut self) -> Option<Vec<Chunk>> {
        let mut part = Vec::new();
        while self.end.is_none() && part.len() < CHUNKS_PER_PART {
            let mut bytes = vec![0; CHUNK_BYTES];
            let (filled, error) = self.stream.fill(&mut bytes);
            self.bytes_read += filled as u64;
            if filled < CHUNK_BYTES {
                let blank = is_blank(&bytes[..filled]);
                self.end = Some(End { cut_bytes: if blank { 0 } else { filled }, error });
                break;
            }
            if !is_blank(&bytes) {
                part.push(Chunk { number: self.number, bytes });
            }
            self.number += 1;
        }
        (!part.is_empty()).then_some(part)
    }

    /// Tells of a file that did not end with a whole chunk.
    fn report_end(&self, file: &mut OpenFile<'_, '_>) {
        match &self.end {
            Some(End { error: Some(error), .. }) => file.cut(self.bytes_read, error),
            // Like every other reader: its checksums are for the whole, so nothing vouches for it.
            Some(End { cut_bytes, .. }) if *cut_bytes > 0 => file.reject(
                Position::Chunk(self.number),
                format_args!("the file ends after {cut_bytes} bytes of it; left out"),
            ),
            _ => {}
        }
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// Reads what can be read of a chunk.
fn read_chunk(chunk: Chunk, rule: &Rule, settings: &Arc<ParserSettings>, outcome: &mut Outcome) {
    let position = Position::Chunk(chunk.number);
    if !chunk.bytes.starts_with(CHUNK_MAGIC) {
        return outcome.rejects.push(position, "not a chunk of an event log");
    }
    let mut data = match EvtxChunkData::new(chunk.bytes, false) {
        Ok(data) => data,
        Err(error) => return outcome.rejects.push(position, chain(&error)),
    };
    let mut left_out = Vec::new();
    let is_sound = data.validate_checksum();
    counters::correct(&mut data);
    if is_sound {
        left_out = candidates::leave_out_others(&mut data);
    } else {
        outcome.rejects.push(
            position,
            "its checksum does not hold; its records are read as far as they can be",
        );
    }
    let mut parsed = match data.parse(Arc::clone(settings)) {
        Ok(parsed) => parsed,
        Err(error) => return outcome.rejects.push(position, chain(&error)),
    };
    let mut left_out = left_out.into_iter().peekable();
    for record in parsed.iter() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let position = position_of(&error).unwrap_or(position);
                outcome.rejects.push(position, chain(&error));
                continue;
            }
        };
        if left_out.next_if_eq(&record.binxml_offset).is_some() {
            outcome.part(Format::Evtx).tally.records += 1;
            continue;
        }
        let number = record.event_record_id;
        if let Err(reason) = record
            .into_json_bytes()
            .map_err(|error| chain(&error))
            .and_then(|json| read_event(&json.data, rule, outcome))
        {
            outcome.rejects.push(Position::Record(number), reason);
        }
    }
}

fn position_of(error: &EvtxError) -> Option<Position> {
    match error {
        EvtxError::FailedToParseRecord { record_id, .. } => Some(Position::Record(*record_id)),
        _ => None,
    }
}

/// An error with what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(rename = "Event", borrow)]
    event: Event<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event<'a> {
    #[serde(borrow)]
    system: System<'a>,
    #[serde(borrow, default)]
    event_data: EventData<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct System<'a> {
    #[serde(borrow, default, rename = "EventID")]
    event_id: Field<'a>,
    #[serde(borrow, default)]
    channel: Field<'a>,
    #[serde(borrow, default)]
    computer: Field<'a>,
    #[serde(borrow, default, rename = "EventRecordID")]
    event_record_id: Field<'a>,
    #[serde(borrow, default)]
    time_created: TimeCreated<'a>,
}

#[derive(Deserialize, Default)]
struct TimeCreated<'a> {
    #[serde(rename = "#attributes", borrow, default)]
    attributes: TimeAttributes<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct TimeAttributes<'a> {
    #[serde(borrow, default)]
    system_time: Field<'a>,
}

/// Reads a record as the parser renders it.
fn read_event(json: &[u8], rule: &Rule, outcome: &mut Outcome) -> Result<(), String> {
    let Record { event } = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let Event { system, event_data } = event;
    let kind = windows::kind(system.event_id.get(), system.channel.get());
    let around = windows::System {
        computer: system.computer.get(),
        record: system.event_record_id.get(),
        source: Source::Evtx,
        raw: json,
    };
    let time = || windows::utc("TimeCreated", system.time_created.attributes.system_time.get());
    let part = outcome.part(Format::Evtx);
    windows::take(part, kind, rule, &around, &event_data.values(), time)
        .map_err(|error| error.to_string())
}
