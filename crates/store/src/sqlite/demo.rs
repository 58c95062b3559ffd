//! The mark of a demo's inventory. A demo writes logons that never were, so it must never open an
//! inventory of real ones; what it made itself it knows again by a table that no migration makes.

use std::path::Path;

use super::schema;
use crate::Error;

/// Whether a file is marked as a demo's; `None` where there is no inventory yet. Changes nothing, not
/// even the schema of an older one.
pub(crate) fn is_marked(path: &Path) -> Result<Option<bool>, Error> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(schema::open_error(path, error)),
        Ok(file) if file.len() == 0 => return Ok(None),
        Ok(_) => {}
    }
    let found = schema::open_reader(path)?.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'demo')",
        [],
        |row| row.get(0),
    );
    found.map(Some).map_err(|source| schema::open_error(path, source))
}

/// Marks an inventory as a demo's.
pub(crate) fn mark(path: &Path) -> Result<(), Error> {
    let connection = schema::open_writer(path, &schema::INVENTORY)?;
    let marked = connection.execute_batch("CREATE TABLE IF NOT EXISTS demo (made INTEGER) STRICT");
    marked.map_err(|source| schema::open_error(path, source))
}
