//! A provider's documents: OpenID metadata and key set (OpenID Connect Discovery 1.0 §3, RFC 7517).

use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::fetch;
use crate::auth::jws::{Algorithm, PublicKey};

/// Keys of a set at most.
const MAX_KEYS: usize = 100;
/// Bits of an RSA key at least and at most (RFC 7518 §3.3); greater ones take long to use.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Bytes of a coordinate of P-256.
const P256_BYTES: usize = 32;

/// Why a document says nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    #[error("the document is not what it should be")]
    Json(#[from] serde_json::Error),
    #[error("the document speaks for the issuer `{0}`")]
    Issuer(String),
    #[error("its keys would be asked for at `{0}`")]
    Address(String),
    #[error("the key set holds {0} keys")]
    TooManyKeys(usize),
    #[error("the key set holds no key that checks signatures by RS256, PS256 or ES256")]
    NoKeys,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// Where the keys are. The document must speak for one of the issuers that it was asked for, or
/// whoever writes it could speak for another (OpenID Connect Discovery 1.0 §4.3).
pub(super) fn keys_url(
    document: &[u8],
    asked: &Uri,
    issuers: &[String],
) -> Result<String, DocumentError> {
    let metadata: Metadata = serde_json::from_slice(document)?;
    if !issuers.contains(&metadata.issuer) {
        return Err(DocumentError::Issuer(metadata.issuer));
    }
    // A provider elsewhere must not send this server to addresses of its own machine.
    let safe = metadata.jwks_uri.parse::<Uri>().is_ok_and(|uri| {
        fetch::is_safe(&uri) && (!fetch::is_local(&uri) || fetch::is_local(asked))
    });
    if !safe {
        return Err(DocumentError::Address(metadata.jwks_uri));
    }
    Ok(metadata.jwks_uri)
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// A key as it is written. What is of no use here is not read.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The keys of a set that check signatures, by their ids. Keys of other kinds are passed over.
pub(super) fn keys(document: &[u8]) -> Result<Vec<(String, PublicKey)>, DocumentError> {
    let set: KeySet = serde_json::from_slice(document)?;
    if set.keys.len() > MAX_KEYS {
        return Err(DocumentError::TooManyKeys(set.keys.len()));
    }
    let jwks = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    let keys: Vec<_> = jwks.filter_map(key).collect();
    if keys.is_empty() { Err(DocumentError::NoKeys) } else { Ok(keys) }
}

fn key(jwk: Jwk) -> Option<(String, PublicKey)> {
    let signs = jwk.r#use.as_deref().is_none_or(|purpose| purpose == "sig")
        && jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    if !signs {
        return None;
    }
    let named = jwk.alg.as_deref().map(Algorithm::parse);
    let public = match jwk.kty.as_str() {
        "RSA" => {
            let algorithms = match named {
                None => vec![Algorithm::Rs256, Algorithm::Ps256],
                Some(Some(named @ (Algorithm::Rs256 | Algorithm::Ps256))) => vec![named],
                Some(_) => return None,
            };
            let (modulus, exponent) = (number(jwk.n.as_deref()?)?, number(jwk.e.as_deref()?)?);
            let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
            let is_odd = exponent.last()? % 2 == 1;
            if !RSA_BITS.contains(&bits) || !is_odd || exponent == [1] || exponent.len() > 8 {
                return None;
            }
            PublicKey::rsa(&modulus, &exponent, algorithms)
        }
        "EC" if jwk.crv.as_deref() == Some("P-256") => {
            if !matches!(named, None | Some(Some(Algorithm::Es256))) {
                return None;
            }
            let (x, y) = (jwk.x?, jwk.y?);
            let fits = |text| URL_SAFE_NO_PAD.decode(text).is_ok_and(|it| it.len() == P256_BYTES);
            if !fits(&x) || !fits(&y) {
                return None;
            }
            PublicKey::p256(&x, &y).ok()?
        }
        _ => return None,
    };
    Some((jwk.kid?, public))
}

/// A number in base64url, without zeros before it.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    Some(bytes[zeros..].to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(changes: &[(&str, Value)]) -> Vec<u8> {
        let mut key = serde_json::json!({
            "kty": "RSA", "kid": "a", "use": "sig",
            "n": URL_SAFE_NO_PAD.encode([0xff; 256]), "e": "AQAB",
        });
        for (name, value) in changes {
            key[name] = value.clone();
        }
        serde_json::json!({"keys": [key, {"kty": "oct", "kid": "b", "k": "AAAA"}, 5]})
            .to_string()
            .into_bytes()
    }

    #[test]
    fn only_keys_that_are_fit_are_taken() {
        let read = keys(&set(&[])).unwrap();
        assert_eq!(read.len(), 1);
        assert!(read[0].1.suits(Algorithm::Rs256) && read[0].1.suits(Algorithm::Ps256));
        assert!(!read[0].1.suits(Algorithm::Es256));
        let read = keys(&set(&[("alg", "PS256".into())])).unwrap();
        assert!(!read[0].1.suits(Algorithm::Rs256) && read[0].1.suits(Algorithm::Ps256));
        let short = URL_SAFE_NO_PAD.encode([0xff; 255]);
        let padded = URL_SAFE_NO_PAD.encode([vec![0], vec![0xff; 255]].concat());
        let long = URL_SAFE_NO_PAD.encode([0xff; 1025]);
        for (name, value) in [
            ("n", short.into()),
            ("n", padded.into()),
            ("n", long.into()),
            ("n", Value::Null),
            ("e", "AQ".into()),
            ("e", "".into()),
            ("e", "AQAA".into()),
            ("use", "enc".into()),
            ("key_ops", serde_json::json!(["sign"])),
            ("alg", "RS512".into()),
            ("alg", "HS256".into()),
            ("alg", "ES256".into()),
            ("alg", "none".into()),
            ("kty", "oct".into()),
            ("kty", "EC".into()),
            ("kid", Value::Null),
        ] {
            let text = format!("{name} {value}");
            assert!(matches!(keys(&set(&[(name, value)])), Err(DocumentError::NoKeys)), "{text}");
        }
        let many = serde_json::json!({"keys": vec![Value::Null; 101]}).to_string();
        assert!(matches!(keys(many.as_bytes()), Err(DocumentError::TooManyKeys(101))));
    }

    #[test]
    fn a_document_speaks_for_the_issuer_that_was_asked() {
        let url = |issuer: &str, keys: &str, asked: &str| {
            let document = serde_json::json!({"issuer": issuer, "jwks_uri": keys}).to_string();
            keys_url(document.as_bytes(), &asked.parse().unwrap(), &["https://a.example/".into()])
        };
        let (issuer, asked) = ("https://a.example/", "https://a.example/x");
        assert!(url(issuer, "https://keys.example/k", asked).is_ok());
        assert!(url("https://b.example/", "https://a.example/k", asked).is_err());
        assert!(url("https://a.example", "https://a.example/k", asked).is_err());
        for keys in ["http://a.example/k", "file:///etc/passwd", "/k", "http://127.0.0.1/k", ""] {
            assert!(url(issuer, keys, asked).is_err(), "{keys}");
        }
        assert!(url(issuer, "http://127.0.0.1:5/k", "http://localhost:5/x").is_ok());
    }

    proptest! {
        #[test]
        fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = keys(&bytes);
        }

        #[test]
        fn texts_never_panic(n in "[A-Za-z0-9=_-]{0,8}", e in "[A-Za-z0-9=_-]{0,4}", x in "\\PC{0,4}") {
            let _ = keys(&set(&[("n", n.into()), ("e", e.into())]));
            let _ = keys(&set(&[("kty", "EC".into()), ("crv", "P-256".into()), ("x", x.into())]));
        }
    }
}
