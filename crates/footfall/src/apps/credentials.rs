//! What an app proves itself with: secrets, certificates, other issuers' tokens.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use inventory::access::{Credential, Proof};
use serde_json::json;
use server::administration::credentials::Federated;
use uuid::Uuid;

use crate::cli::Federate;
use crate::output;
use crate::place::Place;

/// Bytes of a certificate's file at most; a chain and a key may be in it.
const MAX_FILE_BYTES: u64 = 256 * 1024;

pub(super) async fn add_secret(
    place: &Place,
    client_id: Uuid,
    lifetime_s: Option<u32>,
    json: bool,
) -> anyhow::Result<()> {
    let actor = place.actor();
    let expires = lifetime_s.and_then(|seconds| actor.now.plus_seconds(seconds.into()));
    let secret = place.administration(&actor).add_secret(client_id, expires).await?;
    if json {
        output::json(&json!({
            "tenantId": place.tenant.id,
            "clientId": client_id,
            "credentialId": secret.id,
            "clientSecret": secret.secret,
            "expires": secret.expires.map(|at| at.to_string()),
        }))?;
    } else {
        output::line(&format!("Credential id:  {}", secret.id))?;
        output::line(&format!("Client secret:  {}", secret.secret))?;
        eprintln!("The secret is not shown again; the app's other credentials stay good.");
    }
    Ok(())
}

pub(super) async fn add_certificate(
    place: &Place,
    client_id: Uuid,
    file: &Path,
) -> anyhow::Result<()> {
    let cannot = || format!("cannot read {}", file.display());
    let mut bytes = Vec::new();
    let mut reader = File::open(file).with_context(cannot)?.take(MAX_FILE_BYTES);
    reader.read_to_end(&mut bytes).with_context(cannot)?;
    let actor = place.actor();
    let added = place.administration(&actor).add_certificate(client_id, &bytes).await;
    let credential = added.with_context(|| file.display().to_string())?;
    output::line(&format!("Credential id:  {}", credential.id))?;
    eprintln!("Trusted until {}.", output::moment(credential.expires));
    Ok(())
}

pub(super) async fn federate(place: &Place, args: Federate) -> anyhow::Result<()> {
    let Federate { client_id, issuer, subject, audience } = args;
    let actor = place.actor();
    let federated = Federated { issuer, subject, audience };
    let credential = place.administration(&actor).add_federated(client_id, federated).await?;
    output::line(&format!("Credential id:  {}", credential.id))?;
    eprintln!("Trusted; that issuer's tokens of this subject stand for the app.");
    Ok(())
}

pub(super) async fn list(place: &Place, client_id: Uuid, json: bool) -> anyhow::Result<()> {
    let actor = place.actor();
    let app = place.administration(&actor).app(client_id).await?;
    if json {
        let credentials: Vec<_> = app
            .credentials
            .iter()
            .map(|credential| {
                json!({
                    "credentialId": credential.id,
                    "kind": kind(credential),
                    "of": whose(credential),
                    "created": credential.created.to_string(),
                    "expires": credential.expires.map(|at| at.to_string()),
                })
            })
            .collect();
        output::json(&credentials)?;
        return Ok(());
    }
    let mut table = output::table(&["CREDENTIAL ID", "KIND", "CREATED", "EXPIRES", "OF"]);
    for credential in &app.credentials {
        let cells = [
            credential.id.to_string(),
            kind(credential).to_owned(),
            credential.created.whole_second().to_string(),
            output::moment(credential.expires),
            whose(credential).unwrap_or_else(|| "-".to_owned()),
        ];
        output::add_row(&mut table, cells);
    }
    output::print_table(&mut table)?;
    Ok(())
}

fn kind(credential: &Credential) -> &'static str {
    match credential.proof {
        Proof::Secret { .. } => "secret",
        Proof::Certificate { .. } => "certificate",
        Proof::Federated { .. } => "federated",
    }
}

/// The issuer and subject whose tokens stand for the app.
fn whose(credential: &Credential) -> Option<String> {
    match &credential.proof {
        Proof::Federated { issuer, subject, .. } => Some(format!("{issuer} {subject}")),
        Proof::Secret { .. } | Proof::Certificate { .. } => None,
    }
}
