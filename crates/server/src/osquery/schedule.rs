//! `POST /osquery/config`: what nodes are to look for. It is what `ingest` reads of osquery's tables
//! (telemetry.md §3.3), each column by its name, so that no version sends more.

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use inventory::node::Platform;
use serde_json::{Map, Value, json};

use super::node::known;
use super::{Desk, Settings, answer, body, invalid};
use crate::error::ApiError;

/// How often a query is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Every {
    Sessions,
    History,
    Addresses,
    Facts,
}

/// A query that nodes run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query {
    /// Its name, without dots: old versions take them apart.
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
    pub(super) every: Every,
    /// Where its tables and columns are; `None` for everywhere.
    pub(super) platform: Option<&'static str>,
    /// The whole of it each time, and not what is new: facts that stayed are facts, too.
    pub(super) snapshot: bool,
}

/// Every query.
pub(super) const QUERIES: [Query; 8] = [
    Query {
        name: "footfall_sessions",
        sql: "SELECT type, user, tty, host, time, pid FROM logged_in_users",
        every: Every::Sessions,
        platform: Some("posix"),
        snapshot: false,
    },
    // Windows' table has the account's SID, too.
    Query {
        name: "footfall_sessions_windows",
        sql: "SELECT type, user, tty, host, time, pid, sid FROM logged_in_users",
        every: Every::Sessions,
        platform: Some("windows"),
        snapshot: false,
    },
    Query {
        name: "footfall_logons",
        sql: "SELECT logon_id, user, logon_domain, logon_type, logon_sid, logon_time, upn \
              FROM logon_sessions",
        every: Every::Sessions,
        platform: Some("windows"),
        snapshot: false,
    },
    // Sessions that began and ended between two looks at those that there are.
    Query {
        name: "footfall_last",
        sql: "SELECT username, tty, pid, type, time, host FROM last",
        every: Every::History,
        platform: Some("posix"),
        snapshot: false,
    },
    Query {
        name: "footfall_system_info",
        sql: "SELECT hostname, computer_name, uuid, cpu_type, cpu_brand, hardware_serial \
              FROM system_info",
        every: Every::Facts,
        platform: None,
        snapshot: true,
    },
    Query {
        name: "footfall_os_version",
        sql: "SELECT name, version, build, platform, arch FROM os_version",
        every: Every::Facts,
        platform: None,
        snapshot: true,
    },
    Query {
        name: "footfall_osquery_info",
        sql: "SELECT version, build_platform FROM osquery_info",
        every: Every::Facts,
        platform: None,
        snapshot: true,
    },
    Query {
        name: "footfall_addresses",
        sql: "SELECT a.interface, a.address, d.mac \
              FROM interface_addresses a JOIN interface_details d ON a.interface = d.interface",
        every: Every::Addresses,
        platform: None,
        snapshot: true,
    },
];

/// What each line is to tell of its machine.
const DECORATORS: [&str; 1] = ["SELECT uuid AS host_uuid, hostname FROM system_info"];

impl Query {
    /// Whether it runs on a platform.
    pub(super) fn runs_on(&self, platform: Platform) -> bool {
        let is_windows = platform == Platform::Windows;
        self.platform.is_none_or(|needed| (needed == "windows") == is_windows)
    }

    fn interval(&self, settings: &Settings) -> Duration {
        match self.every {
            Every::Sessions => settings.sessions_interval,
            Every::History => settings.history_interval,
            Every::Addresses => settings.addresses_interval,
            Every::Facts => settings.facts_interval,
        }
    }

    fn scheduled(&self, settings: &Settings) -> Value {
        let mut entry = Map::new();
        entry.insert("query".to_owned(), self.sql.into());
        entry.insert("interval".to_owned(), self.interval(settings).as_secs().into());
        match self.snapshot {
            true => entry.insert("snapshot".to_owned(), true.into()),
            // That a row is gone is no moment at which a session ended.
            false => entry.insert("removed".to_owned(), false.into()),
        };
        if let Some(platform) = self.platform {
            entry.insert("platform".to_owned(), platform.into());
        }
        Value::Object(entry)
    }
}

/// Tells a node what to look for.
pub(crate) async fn config(desk: Desk, request: Request) -> Result<Response, ApiError> {
    let Some(_) = known(&desk, request, body::MAX_SMALL_BYTES).await? else { return invalid() };
    answer(&document(&desk.app.config.osquery))
}

fn document(settings: &Settings) -> Value {
    let schedule: Map<_, _> =
        QUERIES.iter().map(|query| (query.name.to_owned(), query.scheduled(settings))).collect();
    let mut options = Map::new();
    options
        .insert("disable_distributed".to_owned(), settings.distributed_interval.is_none().into());
    if let Some(interval) = settings.distributed_interval {
        options.insert("distributed_interval".to_owned(), interval.as_secs().into());
    }
    json!({
        "schedule": schedule,
        "decorators": { "load": DECORATORS },
        "options": options,
        "node_invalid": false,
    })
}
