//! The keys of one provider, kept and renewed.
//!
//! They are fetched at first need, renewed once a day in the background, and fetched again when a
//! token names a key that is not among them, which is how keys rotate. Strangers can name what they
//! like, so that is done by one request at a time and seldom. When the provider cannot be reached,
//! the keys that are known go on holding.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use axum::http::Uri;
use inventory::time::Timestamp;

use super::discovery::{self, DocumentError};
use super::fetch::{Client, FetchError};
use crate::auth::jws::{Algorithm, PublicKey};
use crate::error::chain;

/// Age from which on keys are renewed, in seconds.
const RENEW_AFTER_S: i64 = 24 * 3600;
/// Seconds between two fetches at least: how long the tokens of a key that nobody announced are refused
/// at worst, and all that a flood of unknown key ids costs the provider.
const FETCH_EVERY_S: i64 = 30;
/// Seconds between two fetches at least while no keys are known at all.
const RETRY_EVERY_S: i64 = 15;

/// A provider.
pub(crate) struct Provider {
    discovery_url: String,
    /// For whom its document may speak.
    issuers: Vec<String>,
    client: Client,
    kept: Mutex<Kept>,
    /// Held while keys are fetched.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    keys: Vec<(String, Arc<PublicKey>)>,
    /// What the keys were read from.
    hash: Option<[u8; digest::SHA256_OUTPUT_LEN]>,
    /// Grows when the keys change.
    generation: u64,
    /// When they were fetched last, seconds since 1970.
    fetched_s: Option<i64>,
    /// When that was tried last.
    tried_s: Option<i64>,
}

/// The keys of a provider at one moment.
#[derive(Clone)]
pub(crate) struct Mark {
    provider: Arc<Provider>,
    generation: u64,
}

/// Why there is no key to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// The provider has none of this id and algorithm.
    Unknown,
    /// The provider's keys could not be fetched yet.
    Unreachable,
}

#[derive(Debug, thiserror::Error)]
enum RenewError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("{url} is of no use")]
    Document { url: String, source: DocumentError },
}

impl Mark {
    /// Whether the provider's keys are still the same.
    pub(crate) fn is_current(&self) -> bool {
        self.provider.lock().generation == self.generation
    }
}

impl Kept {
    fn find(&self, kid: &str, algorithm: Algorithm) -> Option<Arc<PublicKey>> {
        let fits = |(id, key): &&(String, Arc<PublicKey>)| id == kid && key.suits(algorithm);
        self.keys.iter().find(fits).map(|(_, key)| Arc::clone(key))
    }

    fn is_old(&self, now_s: i64) -> bool {
        self.fetched_s.is_none_or(|at| now_s.saturating_sub(at) >= RENEW_AFTER_S)
    }

    fn may_fetch(&self, now_s: i64) -> bool {
        let pause = if self.fetched_s.is_some() { FETCH_EVERY_S } else { RETRY_EVERY_S };
        self.tried_s.is_none_or(|at| now_s.saturating_sub(at) >= pause)
    }
}

impl Provider {
    pub(super) fn new(discovery_url: String, issuers: &[String], client: &Client) -> Self {
        Self {
            discovery_url,
            issuers: issuers.to_vec(),
            client: client.clone(),
            kept: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// The key of an id for an algorithm.
    pub(crate) async fn key(
        self: &Arc<Self>,
        kid: &str,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<(Arc<PublicKey>, Mark), NoKey> {
        let now_s = now.seconds();
        if let Some(found) = self.find(kid, algorithm) {
            self.renew_if_old(now_s);
            return Ok(found);
        }
        {
            let _one = self.fetching.lock().await;
            // Whoever held the lock before may have fetched it.
            let may_fetch = self.find(kid, algorithm).is_none() && self.lock().may_fetch(now_s);
            if may_fetch {
                self.renew(now_s).await;
            }
        }
        self.find(kid, algorithm).ok_or_else(|| match self.lock().fetched_s {
            Some(_) => NoKey::Unknown,
            None => NoKey::Unreachable,
        })
    }

    fn find(self: &Arc<Self>, kid: &str, algorithm: Algorithm) -> Option<(Arc<PublicKey>, Mark)> {
        let kept = self.lock();
        let key = kept.find(kid, algorithm)?;
        Some((key, Mark { provider: Arc::clone(self), generation: kept.generation }))
    }

    /// Renews old keys while they still serve.
    fn renew_if_old(self: &Arc<Self>, now_s: i64) {
        let due = move |kept: &Kept| kept.is_old(now_s) && kept.may_fetch(now_s);
        if !due(&self.lock()) {
            return;
        }
        let provider = Arc::clone(self);
        tokio::spawn(async move {
            if let Ok(_one) = provider.fetching.try_lock()
                && due(&provider.lock())
            {
                provider.renew(now_s).await;
            }
        });
    }

    /// Fetches the keys; what went wrong is logged, and the keys that are known stay.
    async fn renew(&self, now_s: i64) {
        self.lock().tried_s = Some(now_s);
        match self.fetch().await {
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(issuer = %self.issuers[0], "no keys of the issuer: {error}");
            }
            Ok((keys, hash)) => {
                let mut kept = self.lock();
                kept.fetched_s = Some(now_s);
                if kept.hash != Some(hash) {
                    let shared = keys.into_iter().map(|(kid, key)| (kid, Arc::new(key)));
                    kept.keys = shared.collect();
                    kept.hash = Some(hash);
                    kept.generation += 1;
                }
            }
        }
    }

    async fn fetch(&self) -> Result<(Vec<(String, PublicKey)>, [u8; 32]), RenewError> {
        let url = &self.discovery_url;
        let metadata = self.client.get(url).await?;
        let of_no_use = |url: &str, source| RenewError::Document { url: url.to_owned(), source };
        let asked: Uri = url.parse().map_err(|_| FetchError::Address(url.clone()))?;
        let keys_url = discovery::keys_url(&metadata, &asked, &self.issuers)
            .map_err(|source| of_no_use(url, source))?;
        let document = self.client.get(&keys_url).await?;
        let keys = discovery::keys(&document).map_err(|source| of_no_use(&keys_url, source))?;
        let mut hash = [0; digest::SHA256_OUTPUT_LEN];
        hash.copy_from_slice(digest::digest(&digest::SHA256, &document).as_ref());
        Ok((keys, hash))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
