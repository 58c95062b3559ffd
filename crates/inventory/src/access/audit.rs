//! The record of who asked, changed and signed in. Entries are added and never changed.

use std::net::IpAddr;

use uuid::Uuid;

use crate::ids::TenantId;
use crate::time::Timestamp;

/// What kind of deed an entry records. The numbers are kept in databases: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// A call of the API.
    Call = 1,
    /// A change of the administration, by API or command line.
    Administration = 2,
    /// A sign-in or a request for a token, good or not.
    SignIn = 3,
}

/// One entry. No text in it is ever a secret or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it began.
    pub time: Timestamp,
    /// The tenant, where one is known.
    pub tenant: Option<TenantId>,
    /// What kind.
    pub deed: Deed,
    /// The id that the answer and the log share.
    pub correlation: Uuid,
    /// The app that called, where its token was read.
    pub app: Option<Uuid>,
    /// The person: object id or name, as far as it is known; the command line names the system's
    /// user.
    pub person: Option<String>,
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// The method and the route's pattern (`GET /api/machines/{id}`), or the name of the change
    /// (`app.add`).
    pub operation: String,
    /// What was asked: path and query of a call as they were sent, or what was changed.
    pub detail: String,
    /// HTTP status; 0 where there was none.
    pub status: u16,
    /// Rows in the answer, where it holds rows.
    pub rows: Option<u64>,
    /// How long it took, in microseconds.
    pub latency_us: u64,
}

/// Which entries to read.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of this tenant.
    pub tenant: Option<TenantId>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Of this kind.
    pub deed: Option<Deed>,
    /// Of this app.
    pub app: Option<Uuid>,
    /// Of this person, without regard to case.
    pub person: Option<String>,
    /// Only the last so many that match; `None` for all.
    pub last: Option<u64>,
}
