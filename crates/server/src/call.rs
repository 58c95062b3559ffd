//! What is known of one request on its whole way, for the answer and for the log.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use uuid::Uuid;

use crate::error::ApiError;
use crate::origin::Origin;

/// One request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) correlation: Correlation,
    pub(crate) origin: Origin,
    /// Path and query as the client sent them.
    pub(crate) target: PathAndQuery,
    /// When the request came in; everything about its answer is decided at this moment.
    pub(crate) now: Timestamp,
    /// Where the request came from, where that is known.
    pub(crate) address: Option<IpAddr>,
    /// The tenant that it concerns, once that is known.
    pub(crate) tenant: OnceLock<TenantId>,
    /// The app that calls, once its token was read.
    pub(crate) app_id: OnceLock<Uuid>,
    /// The person who calls or signs in, as far as they are known: id or name.
    pub(crate) person: OnceLock<String>,
    /// What the audit is to say beside the rest: the code of a refused sign-in, what was changed.
    pub(crate) note: OnceLock<String>,
    /// Rows in the answer.
    pub(crate) rows: OnceLock<u64>,
}

/// The id that an answer and its line in the log share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Correlation(Uuid);

impl Correlation {
    /// A new id: a count under two random keys. It has to be unique and not secret, so no request
    /// pays for fresh random bytes.
    pub(crate) fn new() -> Self {
        static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(Default::default);
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let [high, low] = KEYS.each_ref().map(|key| key.hash_one(count));
        let bits = u128::from(high) << 64 | u128::from(low);
        Self(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid())
    }

    pub(crate) fn id(self) -> Uuid {
        self.0
    }

    /// The value of `mise-correlation-id`.
    pub(crate) fn header(self) -> HeaderValue {
        let mut text = Uuid::encode_buffer();
        HeaderValue::from_str(self.0.hyphenated().encode_lower(&mut text))
            // A GUID is hex digits and hyphens, which every header may hold.
            .expect("a GUID is a header value")
    }

    /// The `target` of an error body: `|8 hex digits-16 hex digits.` (defender-api.md §6.1).
    pub(crate) fn target(self) -> String {
        let hex = self.0.simple().to_string();
        format!("|{}-{}.", &hex[..8], &hex[8..24])
    }
}

/// The call in a handler's arguments.
#[derive(Clone, Debug)]
pub(crate) struct ThisCall(pub(crate) Arc<Call>);

impl<S: Sync> FromRequestParts<S> for ThisCall {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<ThisCall>()
            .cloned()
            .ok_or_else(|| ApiError::internal("a request that did not pass the service"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_guids_and_never_the_same() {
        let ids: HashSet<_> = (0..10_000).map(|_| Correlation::new().id()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.get_version_num() == 4));
    }

    #[test]
    fn the_target_is_made_of_the_guids_first_digits() {
        let id = Uuid::from_u128(0x7b1d0f3e_4c9a_4b6d_8e5f_1023aaaabbbb);
        assert_eq!(Correlation(id).target(), "|7b1d0f3e-4c9a4b6d8e5f1023.");
        assert_eq!(Correlation(id).header(), "7b1d0f3e-4c9a-4b6d-8e5f-1023aaaabbbb");
    }
}
