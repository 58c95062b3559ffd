//! The keys that sign tokens.

use inventory::access::SigningKey;

use super::{Administration, Error};
use crate::issuer::keys;

impl Administration<'_> {
    /// Every key, the newest first: the first one signs.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, Error> {
        Ok(self.store.signing_keys(self.tenant()).await?)
    }

    /// Makes a new key that signs from now on. Tokens of the others stay good until they expire.
    pub async fn rotate_signing_key(&self) -> Result<SigningKey, Error> {
        self.replace_signing_key(keys::FULL_OVERLAP_S).await
    }

    /// Makes a new key that signs from now on. Tokens of the others are believed for `overlap_s`
    /// seconds more at most; 0 ends them at once, for a key that others may know.
    pub async fn replace_signing_key(&self, overlap_s: i64) -> Result<SigningKey, Error> {
        let detail = format!("a new key; the others are believed for {overlap_s} s");
        self.audited("signing-key.rotate", detail, async {
            let rotated = keys::rotate(self.store, self.tenant(), overlap_s, self.now()).await;
            rotated.map_err(|error| Error::Key(error.to_string()))
        })
        .await
    }
}
