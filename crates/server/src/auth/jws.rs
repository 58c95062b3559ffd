//! Signed tokens (JWS in its compact form, RFC 7515): taken apart, and compared with a key.
//!
//! The header is what a forger writes. So it decides nothing: its algorithm must be one of three
//! and fit the key, its `kid` only chooses among keys that are trusted already, and keys or
//! addresses of keys in it (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;

use super::claims::{Claims, Malformed};

/// Bytes of a token at most; the ones issued here have about 1,200.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The algorithms that are believed. `none` and HMAC are not among them and never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Ps256,
    Es256,
}

impl Algorithm {
    /// Reads the name of RFC 7518 §3.1; its case counts.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }

    fn of_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Ps256 => jsonwebtoken::Algorithm::PS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
        }
    }
}

/// A key that checks signatures, and the algorithms for which it is meant.
#[derive(Clone)]
pub(crate) struct PublicKey {
    key: DecodingKey,
    algorithms: Vec<Algorithm>,
}

impl PublicKey {
    /// An RSA key from its numbers, big-endian.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8], algorithms: Vec<Algorithm>) -> Self {
        Self { key: DecodingKey::from_rsa_raw_components(modulus, exponent), algorithms }
    }

    /// A point of P-256 from its coordinates, base64url.
    pub(crate) fn p256(x: &str, y: &str) -> Result<Self, Malformed> {
        let key = DecodingKey::from_ec_components(x, y).map_err(|_| Malformed)?;
        Ok(Self { key, algorithms: vec![Algorithm::Es256] })
    }

    /// Whether it is meant for an algorithm.
    pub(crate) fn suits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }
}

/// A token whose signature was not checked yet.
pub(crate) struct Jws<'t> {
    pub(crate) algorithm: Algorithm,
    /// Empty where the header names no key.
    pub(crate) kid: String,
    pub(crate) header: Claims,
    pub(crate) claims: Claims,
    signed: &'t str,
    signature: &'t str,
}

impl<'t> Jws<'t> {
    /// An access token, which must name its key.
    pub(crate) fn parse(token: &'t str) -> Result<Self, Malformed> {
        Self::assertion(token).and_then(
            |jws| {
                if jws.kid.is_empty() { Err(Malformed) } else { Ok(jws) }
            },
        )
    }

    /// An app's assertion, whose header may name a certificate in the place of a key.
    pub(crate) fn assertion(token: &'t str) -> Result<Self, Malformed> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Malformed)?;
        let header = decode(header)?;
        let kind = header.text("typ")?;
        // Other kinds are for other readers (RFC 8725 §3.11); extensions in `crit` are to be refused
        // by whoever does not know them (RFC 7515 §4.1.11), and none is known here.
        let is_access_token = kind.is_none_or(|kind| {
            ["JWT", "at+jwt", "application/at+jwt"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(kind))
        });
        if !is_access_token || header.holds("crit") {
            return Err(Malformed);
        }
        let algorithm = header.text("alg")?.and_then(Algorithm::parse).ok_or(Malformed)?;
        let kid = header.text("kid")?.unwrap_or_default().to_owned();
        Ok(Self { algorithm, kid, header, claims: decode(payload)?, signed, signature })
    }

    /// Whether a key made the signature.
    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let algorithm = self.algorithm.of_library();
        key.suits(self.algorithm)
            && jsonwebtoken::crypto::verify(
                self.signature,
                self.signed.as_bytes(),
                &key.key,
                algorithm,
            )
            .unwrap_or(false)
    }
}

/// The object in a part of a token. Five-part tokens fail here, since a dot is no base64url.
fn decode(part: &str) -> Result<Claims, Malformed> {
    Claims::parse(&URL_SAFE_NO_PAD.decode(part).map_err(|_| Malformed)?)
}
