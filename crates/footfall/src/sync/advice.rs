//! What a person can do about a sync that stopped.

use super::api::Error;
use super::client::Fault;
use crate::output::Hinted;

const STOPPED: &str =
    "the sync stopped; what was recorded before is kept, and running it again goes on from there";

/// An error that ended a round, with what to do about it where that is known.
pub(super) fn stopped(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<Error>().and_then(hint) {
        Some(hint) => Hinted::because(error, STOPPED.to_owned(), hint),
        None => error.context(STOPPED),
    }
}

fn hint(error: &Error) -> Option<&'static str> {
    let (fault, is_token) = match error {
        Error::NoToken { fault, .. } => (fault, true),
        Error::GivenUp { fault, .. } | Error::Refused { fault, .. } => (fault, false),
        Error::Store(_) => return None,
    };
    match (fault, is_token) {
        (Fault::Connection(_), _) => Some(
            "--url and --authority say where it is; --ca names the authorities of its certificate",
        ),
        (Fault::Status { status: 429, .. }, _) => Some(
            "others use the same app: sync.defender.per_minute and per_hour leave them their share",
        ),
        (Fault::Status { status: 400..=499, .. }, true) => {
            Some("--tenant-id, --client-id, the secret and --authority must be those of the source")
        }
        (Fault::Status { status: 401, .. }, false) => Some(
            "the source does not take the token: is sync.defender.audience the one of its cloud?",
        ),
        (Fault::Status { status: 403, .. }, false) => {
            Some("the app needs the application permissions Machine.Read.All and User.Read.All")
        }
        _ => None,
    }
}
