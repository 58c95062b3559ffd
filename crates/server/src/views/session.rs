//! A session that was there at a moment, as an annotation has it.

use std::net::IpAddr;

use inventory::session::Stay;
use inventory::time::Timestamp;
use serde::Serialize;

use super::{optional_text, text};

/// A session, in the words of the vendor where it has them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    #[serde(serialize_with = "text")]
    since: Timestamp,
    #[serde(serialize_with = "optional_text")]
    until: Option<Timestamp>,
    state: &'static str,
    logon_type: &'static str,
    remote_address: Option<IpAddr>,
    remote_name: Option<String>,
}

impl Session {
    /// The session.
    pub fn new(stay: &Stay) -> Self {
        Self {
            since: stay.since,
            until: stay.until,
            state: stay.state.as_str(),
            logon_type: stay.logon_type.word(),
            remote_address: stay.remote_address,
            remote_name: stay.remote_name.clone(),
        }
    }
}
