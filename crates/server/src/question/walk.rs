//! `$skiptoken`: where a walk over many pages goes on.
//!
//! It holds the place of the last row, the moment of the first page, and a hash of what was asked.
//! It gives nothing away that its holder did not see, and bent ones lead nowhere but elsewhere in the
//! holder's own rows; the hash is there to tell mistakes.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inventory::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Asked;
use crate::error::ApiError;

/// Bytes of the hash that are kept.
const HASH_BYTES: usize = 8;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Walk {
    /// A place in an order, as the store gave it.
    #[serde(rename = "p")]
    place: Value,
    #[serde(rename = "n")]
    now_ticks: i64,
    #[serde(rename = "h")]
    hash: String,
}

impl Walk {
    pub(super) fn new(path: &str, asked: &Asked, place: &impl Serialize, now: Timestamp) -> Self {
        // Numbers and texts alone, which always serialise.
        let place = serde_json::to_value(place).unwrap_or_default();
        let hash = hash(path, asked, &place, now.ticks());
        Self { place, now_ticks: now.ticks(), hash }
    }

    pub(super) fn read(token: &str) -> Result<Self, ApiError> {
        let bytes = URL_SAFE_NO_PAD.decode(token.trim()).map_err(|_| refused())?;
        let walk: Self = serde_json::from_slice(&bytes).map_err(|_| refused())?;
        match Timestamp::from_ticks(walk.now_ticks) {
            Some(_) => Ok(walk),
            None => Err(refused()),
        }
    }

    /// Refuses a token that was given to another question.
    pub(super) fn check(&self, path: &str, asked: &Asked) -> Result<(), ApiError> {
        let fits = self.hash == hash(path, asked, &self.place, self.now_ticks);
        if fits { Ok(()) } else { Err(refused()) }
    }

    pub(super) fn write(&self) -> String {
        // Numbers and texts alone, which always serialise.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(super) fn place<P: DeserializeOwned>(&self) -> Result<P, ApiError> {
        P::deserialize(&self.place).map_err(|_| refused())
    }

    pub(super) fn now(&self) -> Timestamp {
        // Checked when it was read.
        Timestamp::from_ticks(self.now_ticks).unwrap_or(Timestamp::MIN)
    }
}

fn hash(path: &str, asked: &Asked, place: &Value, now_ticks: i64) -> String {
    let text =
        format!("{}\n{}\n{now_ticks}\n{place}", path.to_ascii_lowercase(), asked.fingerprint);
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..HASH_BYTES])
}

fn refused() -> ApiError {
    ApiError::OData(
        "The value of $skiptoken was not given by this server to this question. Begin again without \
         it."
            .to_owned(),
    )
}
