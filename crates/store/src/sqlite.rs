//! SQLite, embedded (being written).
use std::path::Path;
/// An inventory in one SQLite file.
pub struct Sqlite;
impl Sqlite {
    /// Opens or creates the file.
    pub fn open(_path: &Path) -> Result<Self, crate::Error> { unimplemented!() }
}
