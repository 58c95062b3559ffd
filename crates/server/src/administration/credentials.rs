//! What apps prove themselves with (defender-api.md §7.2). Secrets are shown once and never kept.

use std::fmt;

use aws_lc_rs::{digest, rand};
use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inventory::access::{App, Credential, Proof};
use inventory::time::Timestamp;
use uuid::Uuid;

use super::certificate;
use super::invalid::{self, Invalid};
use super::{Administration, Error, shown};

/// Credentials of an app at most.
const MAX_CREDENTIALS: usize = 20;
/// Random bytes of a client secret.
const SECRET_BYTES: usize = 32;
/// What every client secret begins with: scanners for leaked secrets find it, and no command line
/// takes it for a flag.
pub(crate) const SECRET_PREFIX: &str = "footfall_";

/// A new client secret, for its owner alone.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSecret {
    /// Its id, by which it is removed.
    pub id: Uuid,
    /// 52 characters that need no escaping in a form, a URL or a shell.
    pub secret: String,
    /// When it ceases to hold.
    pub expires: Option<Timestamp>,
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecret").field("id", &self.id).field("secret", &"***").finish()
    }
}

/// Another issuer's tokens that stand for an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Federated {
    /// The issuer, as in `iss`.
    pub issuer: String,
    /// The subject, as in `sub`.
    pub subject: String,
    /// The audience, as in `aud`.
    pub audience: String,
}

impl Administration<'_> {
    /// Adds a secret to an app; the others stay good.
    pub async fn add_secret(
        &self,
        client_id: Uuid,
        expires: Option<Timestamp>,
    ) -> Result<NewSecret, Error> {
        let until = expires.map_or_else(|| "for good".into(), |at| format!("until {at}"));
        self.audited("app.secret.add", format!("{client_id} {until}"), async {
            let (credential, secret) = new_secret(self.now(), expires)?;
            self.add_credential(client_id, credential).await?;
            Ok(secret)
        })
        .await
    }

    /// Adds a certificate, PEM or DER, to an app.
    pub async fn add_certificate(
        &self,
        client_id: Uuid,
        bytes: &[u8],
    ) -> Result<Credential, Error> {
        let read = certificate::read(bytes, self.now());
        let subject = read.as_ref().map_or("", |certificate| &certificate.subject);
        self.audited("app.certificate.add", format!("{client_id} {}", shown(subject)), async {
            let certificate = read.clone()?;
            let credential = Credential {
                id: Uuid::new_v4(),
                proof: Proof::Certificate { der: certificate.der },
                created: self.now(),
                expires: Some(certificate.expires),
            };
            self.add_credential(client_id, credential.clone()).await?;
            Ok(credential)
        })
        .await
    }

    /// Lets another issuer's tokens stand for an app.
    pub async fn add_federated(
        &self,
        client_id: Uuid,
        federated: Federated,
    ) -> Result<Credential, Error> {
        let Federated { issuer, subject, audience } = federated;
        let detail = format!("{client_id} {} {}", shown(&issuer), shown(&subject));
        self.audited("app.federated.add", detail, async {
            let proof = Proof::Federated {
                issuer: checked_issuer(&issuer)?,
                subject: invalid::word("subject", &subject)?,
                audience: invalid::word("audience", &audience)?,
            };
            let (id, created) = (Uuid::new_v4(), self.now());
            let credential = Credential { id, proof, created, expires: None };
            self.add_credential(client_id, credential.clone()).await?;
            Ok(credential)
        })
        .await
    }

    /// Removes a credential of an app. Tokens that are out stay good until they expire.
    pub async fn remove_credential(&self, client_id: Uuid, credential: Uuid) -> Result<(), Error> {
        self.audited("app.credential.remove", format!("{client_id} {credential}"), async {
            self.change_live_app(client_id, |app| {
                let count = app.credentials.len();
                app.credentials.retain(|known| known.id != credential);
                match app.credentials.len() == count {
                    true => {
                        Err(Error::Unknown { what: "credential", name: credential.to_string() })
                    }
                    false => Ok(()),
                }
            })
            .await
            .map(drop)
        })
        .await
    }

    async fn add_credential(&self, client_id: Uuid, credential: Credential) -> Result<(), Error> {
        self.change_live_app(client_id, |app| {
            check_confidential(app)?;
            if app.credentials.len() >= MAX_CREDENTIALS {
                let (what, most) = ("credentials of the app", MAX_CREDENTIALS);
                return Err(Error::TooMany { what, most });
            }
            app.credentials.push(credential.clone());
            Ok(())
        })
        .await
        .map(drop)
    }
}

/// Refuses credentials for an app that could not keep them.
fn check_confidential(app: &App) -> Result<(), Error> {
    if app.is_public { Err(Error::Public(app.client_id)) } else { Ok(()) }
}

/// A new secret, as it is kept and as it is shown.
pub(super) fn new_secret(
    now: Timestamp,
    expires: Option<Timestamp>,
) -> Result<(Credential, NewSecret), Error> {
    if expires.is_some_and(|expires| expires <= now) {
        return Err(Invalid::Expired.into());
    }
    let mut bytes = [0; SECRET_BYTES];
    rand::fill(&mut bytes).map_err(|_| Error::Random)?;
    let secret = format!("{SECRET_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    let mut sha256 = [0; digest::SHA256_OUTPUT_LEN];
    sha256.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
    let id = Uuid::new_v4();
    let credential = Credential { id, proof: Proof::Secret { sha256 }, created: now, expires };
    Ok((credential, NewSecret { id, secret, expires }))
}

/// An issuer whose keys can be fetched without anybody in between.
fn checked_issuer(text: &str) -> Result<String, Invalid> {
    let text = invalid::word("issuer", text)?;
    let uri: Option<Uri> = text.parse().ok();
    let is_https = uri.is_some_and(|uri| {
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        uri.scheme_str() == Some("https") && has_host && uri.query().is_none()
    });
    let is_plain = !text.contains(['#', '@']);
    if is_https && is_plain { Ok(text) } else { Err(Invalid::Issuer(shown(&text))) }
}
