//! Apps and their credentials.

use inventory::access::{App, Credential, Permission, Proof};
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use rusqlite::{Connection, Row, ToSql, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Failure;
use super::record::Writer;
use super::values::{from_json, timestamp, to_json};

/// Adds an app.
pub(super) fn add_app(writer: &mut Writer, tenant: TenantId, app: &App) -> Result<(), Failure> {
    let stored = StoredApp::of(app)?;
    writer.connection.execute(
        "INSERT INTO app (client_id, tenant, name, permissions, credentials, is_public,
             redirect_uris, consented, created, revoked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        [&stored.values(app, &tenant.0)[..], &[&app.revoked.map(Timestamp::ticks)]]
            .concat()
            .as_slice(),
    )?;
    Ok(())
}

/// Replaces an app but for its id and revocation, if nobody else changed it.
pub(super) fn save_app(
    writer: &mut Writer,
    tenant: TenantId,
    known: &App,
    app: &App,
) -> Result<bool, Failure> {
    let transaction = writer.transaction()?;
    if self::app(&transaction, tenant, app.client_id)?.as_ref() != Some(known) {
        return Ok(false);
    }
    let changed = transaction.execute(
        "UPDATE app SET name = ?3, permissions = ?4, credentials = ?5, is_public = ?6,
             redirect_uris = ?7, consented = ?8, created = ?9
         WHERE client_id = ?1 AND tenant = ?2",
        &StoredApp::of(app)?.values(app, &tenant.0)[..],
    )?;
    transaction.commit()?;
    Ok(changed == 1)
}

/// What of an app is kept as text made for it.
struct StoredApp {
    permissions: String,
    credentials: String,
    redirect_uris: String,
    created: i64,
}

impl StoredApp {
    fn of(app: &App) -> Result<Self, Failure> {
        let permissions: Vec<_> =
            app.permissions.iter().map(|permission| permission.as_str()).collect();
        let credentials: Vec<_> = app.credentials.iter().map(StoredCredential::of).collect();
        Ok(Self {
            permissions: permissions.join(" "),
            credentials: to_json(&credentials)?,
            redirect_uris: to_json(&app.redirect_uris)?,
            created: app.created.ticks(),
        })
    }

    /// The values of `?1` to `?9`, in the order of the columns.
    fn values<'v>(&'v self, app: &'v App, tenant: &'v i64) -> [&'v dyn ToSql; 9] {
        [
            &app.client_id,
            tenant,
            &app.name,
            &self.permissions,
            &self.credentials,
            &app.is_public,
            &self.redirect_uris,
            &app.consented,
            &self.created,
        ]
    }
}

const APP: &str = "client_id, name, permissions, credentials, is_public, redirect_uris, consented,
    created, revoked";

pub(super) fn apps(db: &Connection, tenant: TenantId) -> Result<Vec<App>, Failure> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {APP} FROM app WHERE tenant = ?1 ORDER BY created, client_id"
    ))?;
    let mut rows = statement.query([tenant.0])?;
    let mut apps = Vec::new();
    while let Some(row) = rows.next()? {
        apps.push(app_of(row)?);
    }
    Ok(apps)
}

pub(super) fn app(
    db: &Connection,
    tenant: TenantId,
    client_id: Uuid,
) -> Result<Option<App>, Failure> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {APP} FROM app WHERE tenant = ?1 AND client_id = ?2"))?;
    let mut rows = statement.query(params![tenant.0, client_id])?;
    rows.next()?.map(app_of).transpose()
}

/// The app of a client id, in whichever tenant.
pub(super) fn find_app(
    db: &Connection,
    client_id: Uuid,
) -> Result<Option<(TenantId, App)>, Failure> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {APP}, tenant FROM app WHERE client_id = ?1"))?;
    let mut rows = statement.query([client_id])?;
    rows.next()?.map(|row| Ok((TenantId(row.get(9)?), app_of(row)?))).transpose()
}

fn app_of(row: &Row<'_>) -> Result<App, Failure> {
    let permissions: String = row.get(2)?;
    let permissions = permissions
        .split_ascii_whitespace()
        .map(|name| {
            Permission::parse(name)
                .ok_or_else(|| Failure::Damaged(format!("an app has the permission `{name}`")))
        })
        .collect::<Result<_, _>>()?;
    let credentials: Vec<StoredCredential> = from_json(&row.get::<_, String>(3)?)?;
    let revoked: Option<i64> = row.get(8)?;
    Ok(App {
        client_id: row.get(0)?,
        name: row.get(1)?,
        permissions,
        credentials: credentials
            .into_iter()
            .map(StoredCredential::read)
            .collect::<Result<_, _>>()?,
        is_public: row.get(4)?,
        redirect_uris: from_json(&row.get::<_, String>(5)?)?,
        consented: row.get(6)?,
        created: timestamp(row.get(7)?)?,
        revoked: revoked.map(timestamp).transpose()?,
    })
}

pub(super) fn revoke_app(
    writer: &mut Writer,
    tenant: TenantId,
    client_id: Uuid,
    at: Timestamp,
) -> Result<bool, Failure> {
    let changed = writer.connection.execute(
        "UPDATE app SET revoked = coalesce(revoked, ?3) WHERE tenant = ?1 AND client_id = ?2",
        params![tenant.0, client_id, at.ticks()],
    )?;
    Ok(changed == 1)
}

/// A credential as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredCredential {
    id: Uuid,
    #[serde(flatten)]
    proof: StoredProof,
    created: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
}

/// Binary values are hex digits.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredProof {
    Secret(String),
    Certificate(String),
    Federated { issuer: String, subject: String, audience: String },
}

impl StoredCredential {
    fn of(credential: &Credential) -> Self {
        Self {
            id: credential.id,
            proof: match &credential.proof {
                Proof::Secret { sha256 } => StoredProof::Secret(to_hex(sha256)),
                Proof::Certificate { der } => StoredProof::Certificate(to_hex(der)),
                Proof::Federated { issuer, subject, audience } => StoredProof::Federated {
                    issuer: issuer.clone(),
                    subject: subject.clone(),
                    audience: audience.clone(),
                },
            },
            created: credential.created.ticks(),
            expires: credential.expires.map(Timestamp::ticks),
        }
    }

    fn read(self) -> Result<Credential, Failure> {
        let damaged = || Failure::Damaged("a credential is no hex digits".to_owned());
        let proof = match self.proof {
            StoredProof::Secret(hex) => Proof::Secret {
                sha256: from_hex(&hex).and_then(|hash| hash.try_into().ok()).ok_or_else(damaged)?,
            },
            StoredProof::Certificate(hex) => {
                Proof::Certificate { der: from_hex(&hex).ok_or_else(damaged)? }
            }
            StoredProof::Federated { issuer, subject, audience } => {
                Proof::Federated { issuer, subject, audience }
            }
        };
        Ok(Credential {
            id: self.id,
            proof,
            created: timestamp(self.created)?,
            expires: self.expires.map(timestamp).transpose()?,
        })
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match *pair {
            [high, low] => Some((digit(high)? * 16 + digit(low)?) as u8),
            _ => None,
        })
        .collect()
}
