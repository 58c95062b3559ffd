//! Writing many rows by one statement.

use rusqlite::{CachedStatement, Connection, params_from_iter};

use super::Failure;

/// How many rows at once: more save nothing.
const AT_ONCE: usize = 16;

/// A statement that writes rows of numbers, by many at once and the rest one by one: beginning and ending
/// a statement takes about as long as writing a row.
pub(super) struct Rows<'c, const COLUMNS: usize> {
    many: CachedStatement<'c>,
    one: CachedStatement<'c>,
    waiting: Vec<[i64; COLUMNS]>,
}

impl<'c, const COLUMNS: usize> Rows<'c, COLUMNS> {
    /// `insert` is what stands before the word VALUES, `conflict` what stands behind the rows.
    pub(super) fn of(db: &'c Connection, insert: &str, conflict: &str) -> Result<Self, Failure> {
        let row = format!("({})", ["?"; COLUMNS].join(", "));
        let statement = |rows: usize| {
            let rows = vec![row.as_str(); rows].join(", ");
            db.prepare_cached(&format!("{insert} VALUES {rows} {conflict}"))
        };
        Ok(Self { many: statement(AT_ONCE)?, one: statement(1)?, waiting: Vec::new() })
    }

    /// Writes a row, now or with others.
    pub(super) fn add(&mut self, row: [i64; COLUMNS]) -> Result<(), Failure> {
        self.waiting.push(row);
        if self.waiting.len() == AT_ONCE {
            self.many.execute(params_from_iter(self.waiting.drain(..).flatten()))?;
        }
        Ok(())
    }

    /// Writes what waits.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        for row in self.waiting {
            self.one.execute(params_from_iter(row))?;
        }
        Ok(())
    }
}
