//! The keys that sign tokens: RSA of 2048 bits, made at first need and kept in the store.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use aws_lc_rs::{digest, error::KeyRejected};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inventory::access::{PrivateKey, SigningKey};
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use serde::Serialize;
use store::Store;

use crate::error::chain;
use crate::issuer::LIFETIME_S;
use crate::issuer::refusal::Refusal;

/// Bytes of the public key's hash that make a key's id.
const KID_BYTES: usize = 20;

/// Seconds that a key is believed beyond the life of the tokens that it signed: other processes may
/// sign with it for a moment longer, and their clocks differ.
const OVERLAP_S: i64 = 300;
/// For how long a key is believed after it signed its last token, so that no token ends early.
pub(crate) const FULL_OVERLAP_S: i64 = LIFETIME_S + OVERLAP_S;

/// Header of a token. The vendor's tokens name the key twice.
#[derive(Serialize)]
struct Header<'a> {
    typ: &'static str,
    alg: &'static str,
    x5t: &'a str,
    kid: &'a str,
}

/// The key that new tokens are signed with: the newest one, or the first one ever.
pub(crate) async fn signing_key(
    store: &dyn Store,
    tenant: TenantId,
    now: Timestamp,
) -> Result<SigningKey, Refusal> {
    if let Some(key) = store.signing_keys(tenant).await?.into_iter().next() {
        return Ok(key);
    }
    let key = make(now).await?;
    store.add_first_signing_key(tenant, &key).await?;
    let kept = store.signing_keys(tenant).await?.into_iter().next();
    kept.ok_or_else(|| Refusal::internal("the store did not keep the signing key"))
}

/// Makes a key that signs from now on. The ones before it are believed for `overlap_s` seconds
/// more; with [`FULL_OVERLAP_S`] the last token that they signed expires before.
pub(crate) async fn rotate(
    store: &dyn Store,
    tenant: TenantId,
    overlap_s: i64,
    now: Timestamp,
) -> Result<SigningKey, Refusal> {
    let key = make(now).await?;
    let until = now.plus_seconds(overlap_s).unwrap_or(Timestamp::MAX);
    store.rotate_signing_key(tenant, &key, until).await?;
    Ok(key)
}

async fn make(now: Timestamp) -> Result<SigningKey, Refusal> {
    // Finding primes takes up to a second.
    let made = tokio::task::spawn_blocking(move || generate(now)).await;
    made.map_err(|error| Refusal::internal(chain(&error)))?
        .map_err(|_| Refusal::internal("no signing key could be made"))
}

fn generate(now: Timestamp) -> Result<SigningKey, aws_lc_rs::error::Unspecified> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let public = pair.public_key().as_der()?;
    let hash = digest::digest(&digest::SHA256, public.as_ref());
    Ok(SigningKey {
        kid: URL_SAFE_NO_PAD.encode(&hash.as_ref()[..KID_BYTES]),
        key: PrivateKey(pair.as_der()?.as_ref().to_vec()),
        created: now,
        verifies_until: None,
    })
}

/// The public half, as its two numbers.
pub(crate) fn public_key(key: &SigningKey) -> Result<PublicKeyComponents<Vec<u8>>, KeyRejected> {
    let pair = RsaKeyPair::from_pkcs8(&key.key.0)?;
    Ok(PublicKeyComponents::from(pair.public_key()))
}

/// Signs claims: a JWT in its compact form, RS256.
pub(crate) fn sign(key: &SigningKey, claims: &impl Serialize) -> Result<String, Refusal> {
    let header = Header { typ: "JWT", alg: "RS256", x5t: &key.kid, kid: &key.kid };
    let encode = |part: serde_json::Result<Vec<u8>>| {
        part.map(|json| URL_SAFE_NO_PAD.encode(json))
            .map_err(|error| Refusal::internal(format!("writing a token: {error}")))
    };
    let header = encode(serde_json::to_vec(&header))?;
    let claims = encode(serde_json::to_vec(claims))?;
    let mut token = format!("{header}.{claims}");
    let pair = RsaKeyPair::from_pkcs8(&key.key.0)
        .map_err(|error| Refusal::internal(format!("signing key {}: {error}", key.kid)))?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
        .map_err(|_| Refusal::internal("a token could not be signed"))?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}
