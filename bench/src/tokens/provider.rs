//! A provider of keys on a thread of its own, and keys that sign.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use anyhow::anyhow;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A key that signs.
pub(super) enum Key {
    Rsa(rsa::KeyPair),
    P256(EcdsaKeyPair),
}

/// What the server asks for the keys.
pub(super) struct Provider {
    pub(super) issuer: String,
}

impl Provider {
    /// Serves keys by their algorithms' names until the program ends.
    pub(super) fn start(keys: &[(&str, Key)]) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let issuer = format!("http://{}", listener.local_addr()?);
        let metadata = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")}).to_string();
        let jwks: Vec<_> = keys.iter().map(|(kid, key)| key.jwk(kid)).collect();
        let jwks = json!({"keys": jwks}).to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // One that is cut off is asked again.
                let _ = answer(stream, &metadata, &jwks);
            }
        });
        Ok(Self { issuer })
    }
}

fn answer(mut stream: TcpStream, metadata: &str, jwks: &str) -> std::io::Result<()> {
    // Its only client sends requests without a body that fit into one packet.
    let mut request = [0; 4096];
    let length = stream.read(&mut request)?;
    let body = if request[..length].starts_with(b"GET /keys") { jwks } else { metadata };
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length:";
    write!(stream, "{head} {}\r\n\r\n{body}", body.len())
}

impl Key {
    pub(super) fn rsa() -> anyhow::Result<Self> {
        Ok(Self::Rsa(rsa::KeyPair::generate(rsa::KeySize::Rsa2048)?))
    }

    pub(super) fn p256() -> anyhow::Result<Self> {
        Ok(Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?))
    }

    fn jwk(&self, kid: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(pair) => {
                let public = pair.public_key();
                let n = text(public.modulus().big_endian_without_leading_zero());
                let e = text(public.exponent().big_endian_without_leading_zero());
                json!({"kty": "RSA", "kid": kid, "alg": kid, "n": n, "e": e})
            }
            Self::P256(pair) => {
                // An uncompressed point: 4, then the coordinates.
                let point = pair.public_key().as_ref();
                let (x, y) = (text(&point[1..33]), text(&point[33..]));
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y})
            }
        }
    }

    pub(super) fn sign(&self, algorithm: &str, claims: &Value) -> anyhow::Result<String> {
        let header = json!({"typ": "JWT", "alg": algorithm, "kid": algorithm});
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let text = format!("{}.{}", encode(&header), encode(claims));
        let random = SystemRandom::new();
        let failed = |_| anyhow!("no signature");
        let signature = match self {
            Self::Rsa(pair) => {
                let padding: &'static dyn RsaEncoding =
                    if algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, text.as_bytes(), &mut signature).map_err(failed)?;
                signature
            }
            Self::P256(pair) => {
                pair.sign(&random, text.as_bytes()).map_err(failed)?.as_ref().to_vec()
            }
        };
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
