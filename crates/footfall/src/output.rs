//! What goes to stdout: tables for people, JSON and CSV for programs. A reader that closes the
//! pipe early (`head`) is no failure.

use std::io::{BufRead, Write};

use comfy_table::{ContentArrangement, Table, presets};
use inventory::time::Timestamp;
use serde::Serialize;

/// The exit code of a question to which the answer is nothing; 2 is wrong usage.
pub(crate) const NOTHING_FOUND: u8 = 3;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As asked.
    Done,
    /// Not as asked; the reason was printed.
    Failed,
    /// A question to which the answer is nothing: about a name that is not known, or with no row. What was
    /// asked for in a form is printed in it, empty.
    Nothing,
    /// Stopped by the person.
    Interrupted,
}

impl Outcome {
    /// The outcome of a question that gave so many rows.
    pub(crate) fn of_rows(rows: u64) -> Self {
        if rows == 0 { Outcome::Nothing } else { Outcome::Done }
    }

    /// The process's exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::Nothing => NOTHING_FOUND,
            // What shells give for a process that SIGINT ended.
            Outcome::Interrupted => 130,
        }
    }
}

/// An error with what the person can do about it, which is printed as a `hint:`.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Hinted {
    what: String,
    hint: &'static str,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Hinted {
    pub(crate) fn error(what: String, hint: &'static str) -> anyhow::Error {
        Self { what, hint, source: None }.into()
    }

    /// The same, because of another error.
    pub(crate) fn because(
        source: anyhow::Error,
        what: String,
        hint: &'static str,
    ) -> anyhow::Error {
        Self { what, hint, source: Some(source.into()) }.into()
    }

    /// What to do about an error, where it says.
    pub(crate) fn hint_of(error: &anyhow::Error) -> Option<&'static str> {
        error.chain().find_map(|cause| cause.downcast_ref::<Self>()).map(|hinted| hinted.hint)
    }
}

/// A table without borders and without line breaks in its cells, so that it can be cut, sorted and
/// copied from.
pub(crate) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// Adds a row. Names come from logs, which others write: what would move the cursor, recolour the
/// screen or turn the text around is shown as U+FFFD, and what would fill the screen is cut.
pub(crate) fn add_row(table: &mut Table, cells: impl IntoIterator<Item = String>) {
    table.add_row(cells.into_iter().map(|cell| printable(&cell)).collect::<Vec<_>>());
}

/// Characters of a cell at most.
const MAX_CELL_CHARS: usize = 120;

/// Several things in one cell.
pub(crate) fn list(things: &[String]) -> String {
    if things.is_empty() { "-".to_owned() } else { things.join(" ") }
}

/// A moment in a cell, where there is one.
pub(crate) fn moment(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.whole_second().to_string())
}

/// A text that cannot touch the screen.
pub(crate) fn printable(text: &str) -> String {
    printable_within(text, MAX_CELL_CHARS)
}

/// The same for texts that may be longer or shorter.
pub(crate) fn printable_within(text: &str, max_chars: usize) -> String {
    let mut printable: String = text
        .chars()
        .take(max_chars)
        .map(|char| match char {
            // Marks that turn the direction of writing.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                '\u{fffd}'
            }
            char if char.is_control() => '\u{fffd}',
            char => char,
        })
        .collect();
    if text.chars().nth(max_chars).is_some() {
        printable.push('…');
    }
    printable
}

pub(crate) fn print_table(table: &mut Table) -> std::io::Result<()> {
    lines(table).iter().try_for_each(|row| line(row))
}

/// Prints a table on stderr: what a person is to see before they decide, and no data.
pub(crate) fn show_table(table: &mut Table) {
    lines(table).iter().for_each(|row| eprintln!("{row}"));
}

fn lines(table: &mut Table) -> Vec<String> {
    let columns = table.column_iter_mut();
    for (index, column) in columns.enumerate() {
        column.set_padding((if index == 0 { 0 } else { 1 }, 1));
    }
    table.lines().map(|row| row.trim_end().to_owned()).collect()
}

/// Prints a line.
pub(crate) fn line(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.write_all(b"\n")
}

/// Prints a value as one line of JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    std::io::stdout().lock().write_all(&text)
}

/// Asks a person on the terminal for a yes.
pub(crate) fn agrees(question: &str) -> std::io::Result<bool> {
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// A word as shells read it: as it is where that is safe, else in single quotes.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.,:/@+=".contains(&byte);
    match !word.is_empty() && word.bytes().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// `1 machine`, `2 machines`.
pub(crate) fn count(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// Whether an error only says that nobody reads any more.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// The error of the stream, of which csv's own conversion hides the kind.
pub(crate) fn io_error(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_cannot_touch_the_screen() {
        assert_eq!(
            printable("evil\u{1b}]0;x\u{7}\nfoo\u{202e}"),
            "evil\u{fffd}]0;x\u{fffd}\u{fffd}foo\u{fffd}"
        );
        assert_eq!(printable("Müller 東京"), "Müller 東京");
        assert_eq!(printable(&"x".repeat(5000)).chars().count(), MAX_CELL_CHARS + 1);
    }
}
