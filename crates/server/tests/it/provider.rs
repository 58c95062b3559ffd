//! An OpenID provider on this machine: a real HTTP server with keys that rotate, which counts what
//! it is asked, can be stopped, and can be made to lie.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding,
};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::unsigned;

/// What the provider says and counts.
#[derive(Default)]
pub(crate) struct Said {
    /// The issuer in its metadata; `{tenant}` stands for the first part of the path.
    pub(crate) issuer: String,
    /// Where its keys are; below itself if empty.
    pub(crate) jwks_uri: String,
    pub(crate) keys: Vec<Value>,
    pub(crate) metadata_requests: usize,
    pub(crate) key_requests: usize,
}

pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    pub(crate) said: Arc<Mutex<Said>>,
    task: Option<JoinHandle<()>>,
}

/// A provider's key.
pub(crate) struct Key {
    pub(crate) kid: String,
    pair: Pair,
}

enum Pair {
    Rsa(rsa::KeyPair),
    P256(EcdsaKeyPair),
}

impl Provider {
    /// Starts one that is its own issuer.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let issuer = format!("http://{address}");
        let said = Arc::new(Mutex::new(Said { issuer, ..Said::default() }));
        let mut provider = Self { address, said, task: None };
        provider.serve(listener);
        provider
    }

    fn serve(&mut self, listener: TcpListener) {
        let router =
            Router::new().fallback(answer).with_state((self.address, Arc::clone(&self.said)));
        self.task = Some(tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }));
    }

    /// Nobody listens any more.
    pub(crate) async fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }

    pub(crate) async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }

    pub(crate) fn issuer(&self) -> String {
        self.said.lock().unwrap().issuer.clone()
    }

    /// Shows these keys and no others.
    pub(crate) fn show(&self, keys: &[&Key]) {
        self.said.lock().unwrap().keys = keys.iter().map(|key| key.jwk()).collect();
    }

    /// How often metadata and keys were asked for.
    pub(crate) fn requests(&self) -> [usize; 2] {
        let said = self.said.lock().unwrap();
        [said.metadata_requests, said.key_requests]
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

async fn answer(
    State((address, said)): State<(SocketAddr, Arc<Mutex<Said>>)>,
    uri: Uri,
) -> Response {
    let mut said = said.lock().unwrap();
    if uri.path().ends_with("/.well-known/openid-configuration") {
        said.metadata_requests += 1;
        let tenant = uri.path().split('/').nth(1).unwrap_or_default();
        let own = format!("http://{address}/keys");
        let keys = if said.jwks_uri.is_empty() { own } else { said.jwks_uri.clone() };
        let issuer = said.issuer.replace("{tenant}", tenant);
        json!({"issuer": issuer, "jwks_uri": keys}).to_string().into_response()
    } else if uri.path() == "/keys" {
        said.key_requests += 1;
        json!({"keys": said.keys}).to_string().into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

impl Key {
    pub(crate) fn rsa(kid: &str) -> Self {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        Self { kid: kid.to_owned(), pair: Pair::Rsa(pair) }
    }

    pub(crate) fn p256(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { kid: kid.to_owned(), pair: Pair::P256(pair) }
    }

    fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let n = text(public.modulus().big_endian_without_leading_zero());
                let e = text(public.exponent().big_endian_without_leading_zero());
                json!({"kty": "RSA", "use": "sig", "kid": self.kid, "n": n, "e": e})
            }
            Pair::P256(pair) => {
                // An uncompressed point: 4, then the coordinates.
                let point = pair.public_key().as_ref();
                let (x, y) = (text(&point[1..33]), text(&point[33..]));
                json!({"kty": "EC", "crv": "P-256", "kid": self.kid, "x": x, "y": y})
            }
        }
    }

    /// A token of these claims, signed in the key's usual way.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let algorithm = match &self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
        };
        let header = json!({"typ": "JWT", "alg": algorithm, "kid": self.kid});
        self.sign_with(&header, claims)
    }

    /// A token with a header of its own, whose algorithm decides how an RSA key signs.
    pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let text = unsigned(header, claims);
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let padding: &'static dyn RsaEncoding =
                    if header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, text.as_bytes(), &mut signature).unwrap();
                signature
            }
            Pair::P256(pair) => pair.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
