//! Tables in CSV: a row is a record whose columns are named by the header, so that every shape of
//! [`shape`](crate::shape) can come in rows. Microsoft Sentinel's and Splunk's exports are
//! recognised.
//!
//! Rows are read one by one, for only the quotes before it tell where one ends.

mod dates;

use std::cell::Cell;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use csv::{ByteRecord, ErrorKind, ReaderBuilder, Terminator};

use crate::Format;
use crate::field::{self, Field, Fields};
use crate::line::Line;
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::shape::RecordReader;
use crate::sniff::BOM;
use crate::stream::Stream;
use crate::windows::Candidates;
use crate::zone::Zone;

use dates::Column;

/// The longest row that is read, the header as well; a quote that is never closed makes one row of
/// all that follows.
const MAX_ROW_BYTES: usize = 4 * 1024 * 1024;
/// How many rows are told of at a time.
pub(crate) const BATCH_ROWS: usize = 4096;
/// How much of a file the delimiter is found in.
const HEAD_BYTES: usize = 4096;
/// What exports put between columns.
const DELIMITERS: [u8; 3] = *b",;\t";

/// What a file is, by the columns that its first bytes name; `None` when it is no known table.
pub(crate) fn format(head: &[u8]) -> Option<Format> {
    // What begins like this is another kind of text, whatever names it holds.
    if matches!(first_line(head).first(), None | Some(b'{' | b'[' | b'<')) {
        return None;
    }
    let names = names(head, delimiter(head));
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    if has("TimeGenerated") && (has("Computer") || has("EventID")) {
        return Some(Format::Sentinel);
    }
    has("_raw").then_some(Format::Splunk)
}

/// Reads a file of rows.
pub(crate) fn read(
    session: &mut Session<'_>,
    name: &str,
    mut stream: Stream<'_>,
    format: Format,
) -> ControlFlow<()> {
    let options = session.options;
    if stream.look(BOM.len()) == BOM {
        stream.fill(&mut [0; BOM.len()]);
    }
    let delimiter = delimiter(stream.look(HEAD_BYTES));
    let zone = Zone::of(options.timezone.as_ref(), &[]);
    let mut file = OpenFile::new(session, name, format);
    let mut rows = Rows::new(stream, delimiter);
    let mut header = ByteRecord::new();
    rows.next(&mut header);
    let reader = RowReader {
        columns: header.iter().map(|name| Column::new(&String::from_utf8_lossy(name))).collect(),
        records: RecordReader {
            rule: &options.rule,
            device: options.device.as_deref(),
            zone: &zone,
        },
        candidates: Candidates::new(),
    };
    let mut flow = ControlFlow::Continue(());
    let mut warned = Warned::default();
    while flow.is_continue() && !rows.ended {
        let mut outcome = Outcome::default();
        let mut row = ByteRecord::new();
        for _ in 0..BATCH_ROWS {
            if !rows.next(&mut row) {
                break;
            }
            reader.row(&row, &mut outcome, &mut warned);
        }
        warned.tell(&outcome, &zone, &mut file);
        flow = file.take(outcome);
    }
    if let (Some(error), true) = (&rows.error, flow.is_continue()) {
        file.cut(rows.position(), error);
    }
    file.close(flow)
}

pub(crate) fn delimiter(head: &[u8]) -> u8 {
    let line = first_line(head);
    let count = |delimiter: &u8| line.iter().filter(|byte| *byte == delimiter).count();
    // Of those with equal counts the first.
    DELIMITERS.into_iter().rev().max_by_key(count).unwrap_or(b',')
}

fn names(head: &[u8], delimiter: u8) -> Vec<String> {
    let fields = first_line(head).split(|&byte| byte == delimiter);
    fields.map(|field| Column::new(String::from_utf8_lossy(field).trim_matches('"')).path).collect()
}

pub(crate) fn first_line(head: &[u8]) -> &[u8] {
    let head = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    head.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end()
}

/// What the person was told of the file's times.
#[derive(Default)]
struct Warned {
    zone: bool,
    dates: bool,
    /// A date that says in which order its numbers are only by its habits.
    date: Option<String>,
}

impl Warned {
    fn tell(&mut self, outcome: &Outcome, zone: &Zone, file: &mut OpenFile<'_, '_>) {
        if outcome.zone_assumed && !std::mem::replace(&mut self.zone, true) {
            file.warn(&zone.warning());
        }
        if let (Some(text), false) = (self.date.take(), self.dates) {
            self.dates = true;
            file.warn(&text);
        }
    }
}

/// Reads rows by their columns.
struct RowReader<'a> {
    columns: Vec<Column>,
    records: RecordReader<'a>,
    candidates: Candidates,
}

impl RowReader<'_> {
    fn row(&self, row: &ByteRecord, outcome: &mut Outcome, warned: &mut Warned) {
        let position = Position::Line(row.position().map_or(0, csv::Position::line));
        if row.as_slice().trim_ascii().is_empty() {
            return;
        }
        if row.len() != self.columns.len() {
            let (has, needs) = (row.len(), self.columns.len());
            let reason = format_args!("a row of {has} columns under a header of {needs}");
            return outcome.rejects.push(position, reason);
        }
        if !row.iter().any(|cell| self.candidates.include(cell)) {
            outcome.unread += 1;
            return;
        }
        let texts: Vec<_> = row.iter().map(field::text).collect();
        let mut line = Line::default();
        for (column, text) in self.columns.iter().zip(&texts) {
            if let Some(slot) = line.slot(&column.path) {
                *slot = Field::from(text.as_ref());
            }
        }
        let generated = self.columns.iter().position(|column| column.path == "TimeGenerated");
        if let Some(at) = generated {
            let (column, text) = (&self.columns[at], &texts[at]);
            if let Some(time) = column.time(text, self.records.zone) {
                line.time_generated = time.utc.to_string().into();
                outcome.zone_assumed |= time.zone_assumed;
                if let Some(order) = time.order {
                    warned.date.get_or_insert_with(|| order.warning(text));
                }
            }
        }
        if let Err(reason) = self.records.read(&line, row.as_slice(), outcome) {
            outcome.rejects.push(position, reason);
        }
    }
}

/// Reads rows while there are any, each within its bound.
pub(crate) struct Rows<'a> {
    reader: csv::Reader<Bounded<'a>>,
    left: Rc<Cell<usize>>,
    pub(crate) ended: bool,
    pub(crate) error: Option<io::Error>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(stream: Stream<'a>, delimiter: u8) -> Self {
        let left = Rc::new(Cell::new(0));
        let bounded = Bounded { inner: stream, left: Rc::clone(&left) };
        let mut builder = ReaderBuilder::new();
        // With CRLF as one end the crate counts a row's first line too low. The CR is left behind
        // the last value, of which blanks are cut.
        builder.terminator(Terminator::Any(b'\n'));
        builder.has_headers(false).flexible(true).delimiter(delimiter);
        Self { reader: builder.from_reader(bounded), left, ended: false, error: None }
    }

    /// Whether there was one more.
    pub(crate) fn next(&mut self, row: &mut ByteRecord) -> bool {
        self.left.set(MAX_ROW_BYTES);
        match self.reader.read_byte_record(row) {
            Ok(more) => self.ended = !more,
            Err(error) => {
                self.ended = true;
                self.error = Some(match error.into_kind() {
                    ErrorKind::Io(error) => error,
                    kind => io::Error::other(format!("{kind:?}")),
                });
            }
        }
        !self.ended
    }

    pub(crate) fn position(&self) -> u64 {
        self.reader.position().byte()
    }
}

/// Fails when more is read than may be.
struct Bounded<'a> {
    inner: Stream<'a>,
    left: Rc<Cell<usize>>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::other(format!("a row of more than {MAX_ROW_BYTES} bytes")));
        }
        let end = buffer.len().min(left);
        let count = self.inner.read(&mut buffer[..end])?;
        self.left.set(left - count);
        Ok(count)
    }
}
