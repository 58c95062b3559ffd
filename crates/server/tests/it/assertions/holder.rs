//! An app with a certificate, and assertions that its key, or any other, signs.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use inventory::access::Permission;
use rcgen::{CertificateParams, DnType, PKCS_RSA_SHA256, date_time_ymd};
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};
use uuid::Uuid;

use super::VENDOR;
use crate::harness::{Server, new_key};

/// A confidential app with a certificate and no secret.
pub(super) struct Holder {
    pub(super) client_id: Uuid,
    pub(super) der: Vec<u8>,
    /// The id of the certificate, as a credential.
    pub(super) credential: String,
    /// An administrator's.
    token: String,
}

/// The key of every holder, PKCS#8: finding primes takes long.
pub(crate) fn key() -> &'static [u8] {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    KEY.get_or_init(new_key)
}

/// A key that no app has.
pub(super) fn other_key() -> &'static [u8] {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    KEY.get_or_init(new_key)
}

/// The public half of [`key`], which everybody knows.
pub(super) fn public_key() -> Vec<u8> {
    KeyPair::from_pkcs8(key()).unwrap().public_key().as_ref().to_vec()
}

/// A self-signed certificate, DER, in force from 2026 to the beginning of a year.
pub(crate) fn certificate(key: &[u8], name: &str, until: i32) -> Vec<u8> {
    let pkcs8 = PrivatePkcs8KeyDer::from(key);
    let pair = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_RSA_SHA256).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params.self_signed(&pair).unwrap().der().to_vec()
}

/// SHA-1 and SHA-256, as headers write them.
pub(super) fn thumbprints(der: &[u8]) -> (String, String) {
    let text = |algorithm| URL_SAFE_NO_PAD.encode(digest(algorithm, der));
    (text(&SHA1_FOR_LEGACY_USE_ONLY), text(&SHA256))
}

impl Holder {
    /// A new one, whose certificate is registered over HTTP.
    pub(super) async fn new(server: &Server) -> Self {
        let permissions = ["Machine.Read.All"];
        let token = server.token(&[Permission::AdminReadWriteAll]).await;
        let new = json!({"name": "playbook", "permissions": permissions});
        let answer = server.ask(Method::POST, "/admin/v1/apps", &token, Some(&new)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        let client_id = answer.json()["clientId"].as_str().unwrap().parse().unwrap();
        let der = certificate(key(), &format!("playbook {client_id}"), 2036);
        let mut holder = Self { client_id, der, credential: String::new(), token };
        holder.credential = holder.add_certificate(server, &holder.der).await;
        holder
    }

    /// Registers a certificate; the result is its credential's id.
    pub(super) async fn add_certificate(&self, server: &Server, der: &[u8]) -> String {
        self.add(server, "certificates", &json!({"certificate": STANDARD.encode(der)})).await
    }

    /// Trusts another issuer's tokens.
    pub(super) async fn add_federated(
        &self,
        server: &Server,
        issuer: &str,
        subject: &str,
    ) -> String {
        let new = json!({"issuer": issuer, "subject": subject});
        self.add(server, "federated-credentials", &new).await
    }

    async fn add(&self, server: &Server, what: &str, new: &Value) -> String {
        let path = format!("/admin/v1/apps/{}/{what}", self.client_id);
        let answer = server.ask(Method::POST, &path, &self.fresh(server).await, Some(new)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// A secret beside the certificate.
    pub(super) async fn add_secret(&self, server: &Server) -> String {
        let path = format!("/admin/v1/apps/{}/secrets", self.client_id);
        let answer = server.ask(Method::POST, &path, &self.token, Some(&json!({}))).await;
        answer.json()["clientSecret"].as_str().unwrap().to_owned()
    }

    pub(super) async fn remove_credential(&self, server: &Server, id: &str) {
        let path = format!("/admin/v1/apps/{}/credentials/{id}", self.client_id);
        let answer = server.ask(Method::DELETE, &path, &self.fresh(server).await, None).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    }

    pub(super) async fn revoke(&self, server: &Server) {
        let path = format!("/admin/v1/apps/{}/revoke", self.client_id);
        let answer = server.ask(Method::POST, &path, &self.token, None).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    }

    /// An administrator's token; the clock may have left the first one behind.
    async fn fresh(&self, server: &Server) -> String {
        match server.get("/admin/v1/me", &self.token).await.status {
            StatusCode::OK => self.token.clone(),
            _ => server.token(&[Permission::AdminReadWriteAll]).await,
        }
    }

    /// The header of a good assertion.
    pub(super) fn header(&self) -> String {
        let (_, sha256) = thumbprints(&self.der);
        json!({"alg": "PS256", "typ": "JWT", "x5t#S256": sha256}).to_string()
    }

    /// Claims of a good assertion, to be bent.
    pub(super) fn claims(&self, server: &Server) -> Value {
        let now_s = server.now().seconds();
        json!({
            "aud": format!("{VENDOR}/{}/oauth2/v2.0/token", server.tenant.id),
            "iss": self.client_id, "sub": self.client_id, "jti": Uuid::new_v4(),
            "nbf": now_s, "iat": now_s, "exp": now_s + 600,
        })
    }

    /// An assertion of these claims.
    pub(super) fn sign(&self, claims: &Value) -> String {
        signed(key(), &self.header(), &claims.to_string())
    }

    /// A good assertion.
    pub(super) fn assertion(&self, server: &Server) -> String {
        self.sign(&self.claims(server))
    }
}

/// A new app that proves nothing of itself.
pub(super) async fn add_public_app(server: &Server) -> String {
    let token = server.token(&[Permission::AdminReadWriteAll]).await;
    let new = json!({"name": "desk", "kind": "public", "permissions": ["Machine.Read"]});
    let answer = server.ask(Method::POST, "/admin/v1/apps", &token, Some(&new)).await;
    answer.json()["clientId"].as_str().unwrap().to_owned()
}

/// A token of these very texts, signed as its header says.
pub(super) fn signed(key: &[u8], header: &str, claims: &str) -> String {
    let algorithm = if header.contains("PS256") { "PS256" } else { "RS256" };
    signed_as(key, algorithm, header, claims)
}

/// A token of these very texts, signed in a way whatever its header says.
pub(super) fn signed_as(key: &[u8], algorithm: &str, header: &str, claims: &str) -> String {
    let text = unsigned(header, claims);
    let pair = KeyPair::from_pkcs8(key).unwrap();
    let padding: &'static dyn RsaEncoding =
        if algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What a forger makes who hopes that a public key is taken for a secret.
pub(super) fn hs256(secret: &[u8], header: &str, claims: &str) -> String {
    let text = unsigned(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

pub(super) fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

pub(crate) fn base64(text: impl AsRef<[u8]>) -> String {
    STANDARD.encode(text)
}

pub(super) fn claims_of(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}
