//! What goes wrong in here, on its way to [`Error`].

use crate::Error;

/// What goes wrong inside one statement, before it is known what was being done.
#[derive(Debug)]
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    Damaged(String),
}

impl Failure {
    pub(super) fn at(self, doing: &'static str) -> Error {
        match self {
            Failure::Sqlite(source) => failed(doing, source),
            Failure::Damaged(what) => Error::Damaged(what),
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

pub(super) fn failed(
    doing: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::Database { doing, source: Box::new(source) }
}
