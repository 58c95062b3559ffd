//! Tables in CSV: a row is a record whose columns are named by the header, and is read like a JSON
//! object with these members, so that whatever comes as JSON can come in rows.
//!
//! The first rows are looked at before any is read: they show in which order the numbers of dates are.

mod cells;
mod column;
mod head;
mod kind;
mod months;
mod order;
mod viewed;

use std::ops::ControlFlow;
use std::sync::LazyLock;

use csv::ByteRecord;

use crate::carrier::{self, Hints};
use crate::field::{Field, Fields};
use crate::journal::SESSION_START;
use crate::line::Line;
use crate::object::Object;
use crate::product::{self, Context, Product};
use crate::record::{Records, Understood};
use crate::reject::Position;
use crate::sequence::Sequence;
use crate::session::{OpenFile, Outcome, Session};
use crate::shape::Shape;
use crate::stream::Stream;
use crate::windows::Candidates;
use crate::words::Words;
use crate::zone::Zone;
use crate::{Format, native};

use cells::Rows;
use column::{Column, Doubt, columns};
use head::{HEAD_BYTES, Head, texts};
use kind::Kind;
pub(crate) use kind::{is_known, refusal};
use order::{Order, Orders};

/// How many rows are told of at a time.
const BATCH_ROWS: usize = 4096;
/// How many rows are looked at before any is read, and how many bytes of them.
const LOOK_ROWS: usize = 16 * 1024;
const LOOK_BYTES: usize = 32 * 1024 * 1024;

/// Reads a file of rows.
pub(crate) fn read(
    session: &mut Session<'_>,
    name: &str,
    mut stream: Stream<'_>,
) -> ControlFlow<()> {
    let found = Head::parse(stream.look(HEAD_BYTES));
    let Some((head, kind)) = found.and_then(|head| Kind::of(&head).map(|kind| (head, kind))) else {
        session.skipped(name, "a table whose columns are of no kind that is read");
        return ControlFlow::Continue(());
    };
    stream.fill(&mut vec![0; head.bytes_before]);
    let mut rows = Rows::new(stream, head.delimiter);
    // A header may be longer than what was looked at.
    let mut header = ByteRecord::new();
    rows.next(&mut header);
    let head = Head { names: texts(&header), ..head };
    if let (Kind::Own, Some(reason)) = (kind, native::unknown_column(&head.names)) {
        session.skipped(name, format!("line {}: {reason}", head.lines_before + 1));
        return ControlFlow::Continue(());
    }
    read_rows(session, name, &head, kind, rows)
}

fn read_rows(
    session: &mut Session<'_>,
    name: &str,
    head: &Head,
    kind: Kind,
    mut rows: Rows<'_>,
) -> ControlFlow<()> {
    let options = session.options;
    let zone = Zone::of(options.timezone.as_ref(), &[]);
    let records = Records::new(options, &zone, name);
    let columns = columns(head, kind);
    let looked = look(&mut rows);
    let mut orders = Orders::default();
    looked.iter().for_each(|row| add_dates(&columns, row, &mut orders));
    let taken = orders.decide();
    let reader = RowReader {
        names: columns.iter().map(|column| column.name.to_string()).collect(),
        columns,
        kind,
        order: taken.order,
        lines_before: head.lines_before,
        carries: kind != Kind::Events(Format::Sentinel)
            || head.names.iter().any(|name| carrier::is_text(name)),
        records: &records,
        candidates: Candidates::new(),
    };
    let mut sequence = Sequence::new(session);
    let mut file = OpenFile::new(session, name, kind.format()).of("a table");
    let mut warned = Warned { order: orders.warning(taken), ..Warned::default() };
    let mut waiting = looked.into_iter();
    let mut flow = ControlFlow::Continue(());
    let mut is_over = false;
    while flow.is_continue() && !is_over {
        let mut outcome = Outcome::default();
        let mut row = ByteRecord::new();
        for _ in 0..BATCH_ROWS {
            match waiting.next() {
                Some(looked) => reader.row(&looked, &mut outcome, &mut warned),
                None if !rows.ended && rows.next(&mut row) => {
                    reader.row(&row, &mut outcome, &mut warned);
                }
                None => {
                    is_over = true;
                    break;
                }
            }
        }
        warned.tell(&outcome, &zone, &mut file);
        sequence.settle(&records, &mut outcome);
        sequence.warn(&mut file);
        flow = file.take(outcome);
    }
    let flow = sequence.end(flow, &mut file);
    if let (Some(error), true) = (&rows.error, flow.is_continue()) {
        file.cut(rows.position(), error);
    }
    file.close(flow)
}

impl Kind {
    /// The format that the columns tell; otherwise the rows do.
    fn format(self) -> Option<Format> {
        match self {
            Kind::Own => Some(Format::Own),
            Kind::Defender => Some(Format::Defender),
            Kind::SignIns => Some(Format::Entra),
            Kind::Events(format) => Some(format),
            Kind::EventViewer => Some(Format::EventJson),
            Kind::Texts => None,
        }
    }
}

/// The columns of a table whose rows come without a file: an answer of an API.
pub(crate) struct Table(Vec<Column>);

impl Table {
    /// A table with these columns; `None` when they are of no kind that is read.
    pub(crate) fn of(names: Vec<String>) -> Option<Self> {
        let head = Head { names, ..Head::default() };
        Kind::of(&head).map(|kind| Self(columns(&head, kind)))
    }

    /// A row as a JSON object. Answers of APIs have their times in UTC, in ISO 8601.
    pub(crate) fn object(&self, cells: &[String]) -> String {
        let mut json = "{".to_owned();
        for (column, cell) in self.0.iter().zip(cells) {
            let mut doubt = Doubt::default();
            let cell = cell.trim();
            let value = column.value(cell, Order::MonthFirst, &Zone::Unknown, &mut doubt);
            column.member(&value, &mut json);
        }
        json + "}"
    }
}

/// The first rows.
fn look(rows: &mut Rows<'_>) -> Vec<ByteRecord> {
    let (mut looked, mut bytes) = (Vec::new(), 0);
    while looked.len() < LOOK_ROWS && bytes < LOOK_BYTES {
        let mut row = ByteRecord::new();
        if !rows.next(&mut row) {
            break;
        }
        bytes += row.as_slice().len();
        looked.push(row);
    }
    looked
}

fn add_dates(columns: &[Column], row: &ByteRecord, orders: &mut Orders) {
    for (column, cell) in columns.iter().zip(row) {
        let Ok(cell) = std::str::from_utf8(cell) else { continue };
        if let Some(viewed) = column.viewed(cell.trim()) {
            orders.add(&viewed, cell.trim());
        }
    }
}

/// What the person is to be told of the file's times, and was.
#[derive(Default)]
struct Warned {
    zone: bool,
    zone_assumed: bool,
    /// Why the order of dates is doubtful.
    order: Option<String>,
    /// A date in it was read.
    order_mattered: bool,
}

impl Warned {
    fn tell(&mut self, outcome: &Outcome, zone: &Zone, file: &mut OpenFile<'_, '_>) {
        let is_assumed = outcome.zone_assumed || self.zone_assumed;
        if is_assumed && !std::mem::replace(&mut self.zone, true) {
            file.warn(&zone.warning());
        }
        if let Some(text) = self.order.take_if(|_| self.order_mattered) {
            file.warn(&text);
        }
    }
}

/// Reads rows by their columns.
struct RowReader<'a> {
    columns: Vec<Column>,
    /// Of the columns.
    names: Vec<String>,
    kind: Kind,
    order: Order,
    lines_before: u64,
    /// A column can hold what a log or a shipper says.
    carries: bool,
    records: &'a Records<'a>,
    candidates: Candidates,
}

impl RowReader<'_> {
    fn row(&self, row: &ByteRecord, outcome: &mut Outcome, warned: &mut Warned) {
        let line = row.position().map_or(0, csv::Position::line);
        let position = Position::Line(self.lines_before + line);
        if row.as_slice().trim_ascii().is_empty() {
            return;
        }
        if row.len() != self.columns.len() {
            // What the Event Viewer puts behind the header's columns has none.
            let unnamed = usize::from(self.kind == Kind::EventViewer);
            let (has, needs) = (row.len(), self.columns.len() - unnamed);
            let reason = format_args!("a row of {has} columns under a header of {needs}");
            return outcome.rejects.push(position, reason);
        }
        let is_judged = matches!(self.kind, Kind::Own | Kind::Defender | Kind::SignIns);
        // An id stands alone in its cell; the words of others may be looked for in all cells at once.
        let may_matter = || {
            row.iter().any(|cell| self.candidates.include(cell))
                || self.carries && may_be_carried(row.as_slice())
        };
        if !is_judged && !may_matter() {
            outcome.unread += 1;
            return;
        }
        let cells = texts(row);
        let mut doubt = Doubt::default();
        let zone = self.records.events.zone;
        // Ours are strict.
        if self.kind == Kind::Own {
            return self.product(&cells, position, outcome);
        }
        let columns = self.columns.iter().zip(&cells);
        let values: Vec<String> = columns
            .map(|(column, cell)| {
                warned.order_mattered |= column.viewed(cell).is_some();
                column.value(cell, self.order, zone, &mut doubt).into_owned()
            })
            .collect();
        warned.zone_assumed |= doubt.zone_assumed;
        match self.kind {
            Kind::Defender => self.product(&values, position, outcome),
            _ if self.quick(&values, row, position, outcome) => {}
            _ => self.json(&values, position, outcome),
        }
    }

    /// Reads a record of ours or of Defender's, whose cells are values as they stand.
    fn product(&self, values: &[String], position: Position, outcome: &mut Outcome) {
        let events = &self.records.events;
        let context = Context { rule: events.rule, device: events.device, file: self.records.file };
        let record = Object::row(&self.names, values);
        match Product::of(&record) {
            Some(product) => product::read(product, &record, &context, outcome, (position, None)),
            None => outcome.unread += 1,
        }
    }

    /// Reads a row of Sentinel's whose columns are the event's fields, without a JSON text of it; `false`
    /// for every other row. Such a row without a logon id is known by its bytes.
    fn quick(
        &self,
        values: &[String],
        row: &ByteRecord,
        position: Position,
        outcome: &mut Outcome,
    ) -> bool {
        if self.kind != Kind::Events(Format::Sentinel) {
            return false;
        }
        let mut line = Line::default();
        for (name, value) in self.names.iter().zip(values) {
            if let Some(slot) = line.slot(name) {
                *slot = Field::from(value.as_str());
            }
        }
        let is_folded = line.folded.get().starts_with('{');
        let has_values = !line.data.values().logon_type.is_empty() || is_folded;
        if !has_values || Shape::of(&line) != Some(Shape::Sentinel) {
            return false;
        }
        if let Err(reason) = self.records.events.read(&line, row.as_slice(), outcome) {
            outcome.rejects.push(position, reason);
        }
        true
    }

    fn json(&self, values: &[String], position: Position, outcome: &mut Outcome) {
        let mut json = "{".to_owned();
        for (column, value) in self.columns.iter().zip(values) {
            column.member(value, &mut json);
        }
        json.push('}');
        let hints = Hints::default();
        match self.records.understand(&json, json.as_bytes(), &hints, position, outcome) {
            Ok(Understood::Known) => {}
            // Of the format's columns, but no event that matters.
            Ok(Understood::Unknown(_)) if self.kind != Kind::Texts => outcome.unread += 1,
            Ok(Understood::Unknown(like)) => outcome.unknown(position, like),
            Err(error) => outcome.rejects.push(position, error),
        }
    }
}

/// Whether cells may hold a line of a log, an entry of a journal, or a record of a product that matters;
/// or an event id as Kibana groups the digits of numbers.
fn may_be_carried(cell: &[u8]) -> bool {
    const WORDS: [&str; 15] = [
        "sshd",
        "logind",
        SESSION_START,
        "audit(",
        "authentication",
        "3002",
        "Logon",
        "4,624",
        "4,625",
        "4,634",
        "4,647",
        "4,778",
        "4,779",
        "4,800",
        "4,801",
    ];
    static SEARCHER: LazyLock<Words> = LazyLock::new(|| Words::new(&WORDS));
    SEARCHER.any(cell, |_| true)
}
