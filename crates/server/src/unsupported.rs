//! What the vendor's service does and Footfall does not, refused by name: whoever automates it learns
//! that their request was understood and nothing was done (defender-api.md §4).
//!
//! Nothing is looked for, so that the answer tells nothing of a machine.

use std::future::{Ready, ready};

use crate::api;
use crate::error::ApiError;
use crate::permit::Permit;
use crate::query::Id;

/// Actions on a machine: all of the vendor's metadata but those that are answered.
pub const ACTIONS: &[&str] = &[
    "/api/machines/{id}/isolate",
    "/api/machines/{id}/unisolate",
    "/api/machines/{id}/runAntiVirusScan",
    "/api/machines/{id}/restrictCodeExecution",
    "/api/machines/{id}/unrestrictCodeExecution",
    "/api/machines/{id}/collectInvestigationPackage",
    "/api/machines/{id}/StopAndQuarantineFile",
    "/api/machines/{id}/offboard",
    "/api/machines/{id}/runliveresponse",
    "/api/machines/{id}/runCustomPlaybook",
    "/api/machines/{id}/initiateInvestigation",
    "/api/machines/{id}/startInvestigation",
    "/api/machines/{id}/logsCollection",
];

/// What else a machine has there.
pub const COLLECTIONS: &[&str] = &[
    "/api/machines/{id}/software",
    "/api/machines/{id}/vulnerabilities",
    "/api/machines/{id}/recommendations",
    "/api/machines/{id}/getmissingkbs",
];

/// The handler of an action.
pub(crate) fn action(
    path: &'static str,
) -> impl Fn(Permit<api::Unsupported>, Id) -> Ready<ApiError> + Clone {
    refusing(format!(
        "The machine action '{}' is not implemented. Footfall knows machines from their logs and \
         cannot act on them.",
        name(path)
    ))
}

/// The handler of a collection.
pub(crate) fn collection(
    path: &'static str,
) -> impl Fn(Permit<api::Unsupported>, Id) -> Ready<ApiError> + Clone {
    refusing(format!(
        "The machine collection '{}' is not implemented. Footfall knows machines from their logs, \
         which do not tell it.",
        name(path)
    ))
}

fn refusing(message: String) -> impl Fn(Permit<api::Unsupported>, Id) -> Ready<ApiError> + Clone {
    move |_, _| ready(ApiError::NotImplemented(message.clone()))
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
