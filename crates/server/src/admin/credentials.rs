//! `/admin/v1/apps/{id}/...`: what apps prove themselves with.

use aws_lc_rs::digest;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use inventory::access::{Credential, Proof};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::apps::{NewSecret, client_id};
use super::{Body, Changing, Ids, created, done, text};
use crate::administration::credentials::{self, Federated};
use crate::error::ApiError;
use crate::query::Id;

/// The audience of tokens for workload identities, unless another one is named (§7.2).
const EXCHANGE: &str = "api://AzureADTokenExchange";

/// A credential without what it proves.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CredentialView {
    id: Uuid,
    #[serde(flatten)]
    proof: ProofView,
    created: String,
    expires: Option<String>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum ProofView {
    Secret {},
    Certificate { sha256: String },
    Federated { issuer: String, subject: String, audience: String },
}

/// A new secret: the only answer that holds one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecretView {
    id: Uuid,
    client_secret: String,
    expires: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewCertificate {
    /// PEM, or DER as base64.
    certificate: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewFederated {
    issuer: String,
    subject: String,
    audience: Option<String>,
}

impl From<&Credential> for CredentialView {
    fn from(credential: &Credential) -> Self {
        let proof = match &credential.proof {
            Proof::Secret { .. } => ProofView::Secret {},
            Proof::Certificate { der } => {
                let hash = digest::digest(&digest::SHA256, der);
                ProofView::Certificate { sha256: HEXLOWER.encode(hash.as_ref()) }
            }
            Proof::Federated { issuer, subject, audience } => ProofView::Federated {
                issuer: issuer.clone(),
                subject: subject.clone(),
                audience: audience.clone(),
            },
        };
        Self {
            id: credential.id,
            proof,
            created: text(credential.created),
            expires: credential.expires.map(text),
        }
    }
}

impl From<credentials::NewSecret> for SecretView {
    fn from(new: credentials::NewSecret) -> Self {
        Self { id: new.id, client_secret: new.secret, expires: new.expires.map(text) }
    }
}

/// `POST /admin/v1/apps/{id}/secrets`
pub(crate) async fn add_secret(
    desk: Changing,
    Id(id): Id,
    Body(new): Body<NewSecret>,
) -> Result<Response, ApiError> {
    let administration = desk.administration();
    let secret = administration.add_secret(client_id(&id)?, new.expires).await?;
    created(&SecretView::from(secret))
}

/// `POST /admin/v1/apps/{id}/certificates`
pub(crate) async fn add_certificate(
    desk: Changing,
    Id(id): Id,
    Body(new): Body<NewCertificate>,
) -> Result<Response, ApiError> {
    let administration = desk.administration();
    // What is no base64 is read as PEM, or refused as neither.
    let bytes =
        STANDARD.decode(new.certificate.trim()).unwrap_or_else(|_| new.certificate.into_bytes());
    let credential = administration.add_certificate(client_id(&id)?, &bytes).await?;
    created(&CredentialView::from(&credential))
}

/// `POST /admin/v1/apps/{id}/federated-credentials`
pub(crate) async fn add_federated(
    desk: Changing,
    Id(id): Id,
    Body(new): Body<NewFederated>,
) -> Result<Response, ApiError> {
    let administration = desk.administration();
    let federated = Federated {
        issuer: new.issuer,
        subject: new.subject,
        audience: new.audience.unwrap_or_else(|| EXCHANGE.to_owned()),
    };
    let credential = administration.add_federated(client_id(&id)?, federated).await?;
    created(&CredentialView::from(&credential))
}

/// `DELETE /admin/v1/apps/{id}/credentials/{member}`
pub(crate) async fn remove(desk: Changing, Ids(id, credential): Ids) -> Result<Response, ApiError> {
    let unknown = |_| ApiError::NotFound("Credentials are found by their id.".to_owned());
    let credential = Uuid::try_parse(&credential).map_err(unknown)?;
    let administration = desk.administration();
    administration.remove_credential(client_id(&id)?, credential).await?;
    Ok(done())
}
