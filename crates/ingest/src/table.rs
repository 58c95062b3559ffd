//! Tables in CSV whose rows are records of a product: hunting results from Defender's portal, and
//! our own.

use std::ops::ControlFlow;

use csv::ByteRecord;

use crate::object::Object;
use crate::product::{self, Context, Product};
use crate::reject::Position;
use crate::rows::{BATCH_ROWS, Rows, delimiter, first_line};
use crate::session::{OpenFile, Outcome, Session};
use crate::sniff::BOM;
use crate::stream::Stream;
use crate::{Format, defender, native};

/// How much of a file the columns are looked for in.
const HEAD_BYTES: usize = 4096;

/// Whose columns the first line names.
pub(crate) fn format(head: &[u8]) -> Option<Format> {
    let line = String::from_utf8_lossy(first_line(head));
    let delimiter = char::from(delimiter(head));
    let names: Vec<&str> =
        line.split(delimiter).map(|name| name.trim().trim_matches('"')).collect();
    if native::is_table(&names) {
        return Some(Format::Own);
    }
    defender::is_table(&names).then_some(Format::Defender)
}

/// Reads a file that looks like a table.
pub(crate) fn read(
    session: &mut Session<'_>,
    name: &str,
    mut stream: Stream<'_>,
    format: Format,
) -> ControlFlow<()> {
    if stream.look(BOM.len()) == BOM {
        stream.fill(&mut [0; BOM.len()]);
    }
    let delimiter = delimiter(stream.look(HEAD_BYTES));
    let context = Context {
        rule: &session.options.rule,
        device: session.options.device.as_deref(),
        file: name,
    };
    let mut rows = Rows::new(stream, delimiter);
    let mut row = ByteRecord::new();
    rows.next(&mut row);
    let columns = texts(&row);
    if let (Format::Own, Some(reason)) = (format, native::unknown_column(&columns)) {
        session.skipped(name, format!("line 1: {reason}"));
        return ControlFlow::Continue(());
    }
    let mut file = OpenFile::new(session, name, format);
    let mut flow = ControlFlow::Continue(());
    while flow.is_continue() && !rows.ended {
        let mut outcome = Outcome::default();
        for _ in 0..BATCH_ROWS {
            if !rows.next(&mut row) {
                break;
            }
            read_row(&columns, &row, (&context, format), &mut outcome);
        }
        flow = file.take(outcome);
    }
    if let (Some(error), true) = (&rows.error, flow.is_continue()) {
        file.cut(rows.position(), error);
    }
    file.close(flow)
}

fn read_row(
    columns: &[String],
    row: &ByteRecord,
    (context, format): (&Context<'_>, Format),
    outcome: &mut Outcome,
) {
    let position = Position::Line(row.position().map_or(0, csv::Position::line));
    if row.as_slice().trim_ascii().is_empty() {
        return;
    }
    if row.len() != columns.len() {
        let (has, needs) = (row.len(), columns.len());
        let reason = format_args!("a row of {has} columns under a header of {needs}");
        return outcome.rejects.push(position, reason);
    }
    let cells = texts(row);
    let record = Object::row(columns, &cells);
    match Product::of(&record) {
        Some(product) => product::read(product, &record, context, outcome, (position, None)),
        None => outcome.part(format).tally.records += 1,
    }
}

fn texts(row: &ByteRecord) -> Vec<String> {
    row.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect()
}
