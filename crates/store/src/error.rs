//! Why the store could not do what was asked.

use std::path::PathBuf;
use std::time::Duration;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database URL is of no kind that is known.
    #[error("`{0}` is no database: write sqlite:PATH")]
    Url(String),
    /// There is no such database.
    #[error("there is no database {path}")]
    Missing {
        /// The database file.
        path: PathBuf,
    },
    /// The file could not be opened or created.
    #[error("cannot open the database {path}")]
    Open {
        /// The database file.
        path: PathBuf,
        /// What the operating system or SQLite said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file is a database of another program.
    #[error("{path} is a database, but not one of Footfall")]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// The database was written by a newer version of the program.
    #[error(
        "{path} was written by a newer Footfall: its schema is {found}, this program knows {known}; update the program"
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The schema version that the file has.
        found: i64,
        /// The newest schema version that this program knows.
        known: i64,
    },
    /// A demo was to write into an inventory that is not its own.
    #[error("{path} is no demo's inventory, and a demo writes logons that never were")]
    NotDemo {
        /// The database file.
        path: PathBuf,
    },
    /// A statement failed.
    #[error("the database failed at: {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A question took longer than questions may ([`Settings::longest_question`](crate::Settings::longest_question)).
    #[error("{doing}: not done after {limit:?}")]
    TooLong {
        /// What was being done.
        doing: &'static str,
        /// How long questions may take.
        limit: Duration,
    },
    /// A row holds what no version of the program writes.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The visitor of a listing failed.
    #[error("the listing was not taken")]
    Visitor(#[source] std::io::Error),
}
