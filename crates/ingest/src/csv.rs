//! Tables as CSV (RFC 4180) whose first row names the columns: hunting results from the portal.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;

use crate::object::Object;
use crate::product::{self, Context, Product};
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::sniff::BOM;
use crate::stream::Stream;
use crate::{Format, defender};

/// The longest row, with all its line ends.
const MAX_ROW_BYTES: usize = 16 * 1024 * 1024;
/// More columns than a table has.
const MAX_COLUMNS: usize = 4096;
/// Rows that are handed on together.
const BATCH: usize = 4096;

/// Whether the first line names columns that are known.
pub(crate) fn is_table(head: &[u8]) -> bool {
    let head = head.strip_prefix(BOM).unwrap_or(head);
    let mut rows = Rows::new(head);
    match rows.next() {
        Some(Ok(columns)) => {
            let columns: Vec<&str> = columns.iter().map(|column| column.trim()).collect();
            defender::is_table(&columns)
        }
        _ => false,
    }
}

/// Reads a file that looks like a table.
pub(crate) fn read(session: &mut Session<'_>, name: &str, stream: Stream<'_>) -> ControlFlow<()> {
    let context =
        Context { rule: &session.options.rule, device: session.options.device.as_deref() };
    let mut file = OpenFile::new(session, name, Format::Defender);
    let mut stream = stream;
    if stream.look(BOM.len()) == BOM {
        stream.fill(&mut [0; BOM.len()]);
    }
    let mut rows = Rows::new(BufReader::new(stream));
    let mut columns: Vec<String> = Vec::new();
    let mut outcome = Outcome::default();
    let mut waiting = 0;
    let mut flow = ControlFlow::Continue(());
    while let Some(row) = rows.next() {
        let position = Position::Line(rows.first_line);
        match row {
            Ok(names) if columns.is_empty() => {
                columns = names.iter().map(|name| name.trim().to_owned()).collect();
            }
            Ok(cells) if cells.len() == columns.len() => {
                let row = Object::row(&columns, &cells);
                match Product::of(&row) {
                    Some(product) => {
                        product::read(product, &row, &context, &mut outcome, (position, None));
                    }
                    None => outcome.part(Format::Defender).tally.records += 1,
                }
            }
            Ok(cells) => outcome.rejects.push(
                position,
                format_args!("{} values, where {} columns are named", cells.len(), columns.len()),
            ),
            Err(RowError::Read(error)) => {
                flow = file.take(std::mem::take(&mut outcome));
                file.cut(rows.bytes, &error);
                break;
            }
            Err(error) => outcome.rejects.push(position, error),
        }
        waiting += 1;
        if waiting == BATCH {
            waiting = 0;
            flow = file.take(std::mem::take(&mut outcome));
            if flow.is_break() {
                break;
            }
        }
    }
    if flow.is_continue() {
        flow = file.take(outcome);
    }
    file.close(flow)
}

/// Why a row cannot be read.
#[derive(Debug, thiserror::Error)]
enum RowError {
    #[error("a row of more than {MAX_ROW_BYTES} bytes")]
    TooLong,
    #[error("a row of more than {MAX_COLUMNS} values")]
    TooMany,
    #[error("a quoted value without an end")]
    Open,
    #[error(transparent)]
    Read(io::Error),
}

/// The rows of a table. Blank lines are none.
struct Rows<R> {
    input: R,
    /// Where the row that was given last begins.
    first_line: u64,
    next_line: u64,
    bytes: u64,
    ended: bool,
}

impl<R: BufRead> Rows<R> {
    fn new(input: R) -> Self {
        Self { input, first_line: 1, next_line: 1, bytes: 0, ended: false }
    }

    fn next(&mut self) -> Option<Result<Vec<String>, RowError>> {
        let mut row = Vec::new();
        loop {
            if self.ended {
                return None;
            }
            self.first_line = self.next_line;
            match self.row(&mut row) {
                Ok(()) if row.trim_ascii().is_empty() => row.clear(),
                Ok(()) => return Some(cells(&row)),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Collects lines until no quoted value is open.
    fn row(&mut self, row: &mut Vec<u8>) -> Result<(), RowError> {
        let mut quotes = 0;
        let mut is_long = false;
        loop {
            let length = row.len();
            let room = (MAX_ROW_BYTES - length) as u64 + 1;
            let read = (&mut self.input).take(room).read_until(b'\n', row).map_err(|error| {
                self.ended = true;
                RowError::Read(error)
            })?;
            self.bytes += read as u64;
            let line = &row[length..];
            let line_ended = line.ends_with(b"\n");
            self.next_line += u64::from(line_ended);
            self.ended |= read == 0;
            quotes += memchr::memchr_iter(b'"', line).count();
            is_long |= row.len() > MAX_ROW_BYTES;
            if is_long {
                // Whether a value is open at its end is not known: the row ends with its line.
                row.clear();
                if line_ended || self.ended {
                    return Err(RowError::TooLong);
                }
            } else if self.ended {
                return if quotes % 2 == 0 { Ok(()) } else { Err(RowError::Open) };
            } else if line_ended && quotes % 2 == 0 {
                return Ok(());
            }
        }
    }
}

/// Takes a row apart.
fn cells(row: &[u8]) -> Result<Vec<String>, RowError> {
    let row = String::from_utf8_lossy(row);
    let row = row.strip_suffix('\n').unwrap_or(&row);
    let row = row.strip_suffix('\r').unwrap_or(row);
    let mut cells = Vec::new();
    let mut cell = String::new();
    let mut quoted = false;
    let mut chars = row.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => {
                if cells.len() + 1 == MAX_COLUMNS {
                    return Err(RowError::TooMany);
                }
                cells.push(std::mem::take(&mut cell));
            }
            char => cell.push(char),
        }
    }
    cells.push(cell);
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str) -> Vec<(u64, Result<Vec<String>, String>)> {
        let mut rows = Rows::new(text.as_bytes());
        let mut all = Vec::new();
        while let Some(row) = rows.next() {
            all.push((rows.first_line, row.map_err(|error| error.to_string())));
        }
        all
    }

    fn row(line: u64, cells: &[&str]) -> (u64, Result<Vec<String>, String>) {
        (line, Ok(cells.iter().map(|&cell| cell.to_owned()).collect()))
    }

    #[test]
    fn quoted_values_may_hold_anything() {
        let text = "a,b\r\n\r\n\"1,\"\"x\"\"\r\ny\",2\n,\n\"";
        assert_eq!(
            rows(text),
            [
                row(1, &["a", "b"]),
                row(3, &["1,\"x\"\r\ny", "2"]),
                row(5, &["", ""]),
                (6, Err("a quoted value without an end".to_owned())),
            ]
        );
    }

    #[test]
    fn a_long_row_costs_itself() {
        let text = format!("a\n{}\nb", "x".repeat(MAX_ROW_BYTES + 1));
        let all = rows(&text);
        assert_eq!(all[0], row(1, &["a"]));
        assert!(all[1].1.is_err());
        assert_eq!(all[2], row(3, &["b"]));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            table in prop::collection::vec(prop::collection::vec("[a\",\n é]{0,6}", 2..4), 1..6),
        ) {
            let quote = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let lines: Vec<String> = table
                .iter()
                .map(|cells| cells.iter().map(quote).collect::<Vec<_>>().join(","))
                .collect();
            let read: Vec<_> = rows(&lines.join("\n")).into_iter().map(|row| row.1.unwrap()).collect();
            prop_assert_eq!(read, table);
        }
    }
}
