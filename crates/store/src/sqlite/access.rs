//! Tenants, apps and keys.

use inventory::access::{App, CertificateAuthority, Permission, PrivateKey, SigningKey, Tenant};
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use uuid::Uuid;

use super::Failure;
use super::read::timestamp;
use super::record::Writer;

pub(super) fn default_tenant(writer: &mut Writer) -> Result<Tenant, Failure> {
    let transaction =
        writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT INTO tenant (number, id) VALUES (1, ?1) ON CONFLICT DO NOTHING",
        [Uuid::new_v4()],
    )?;
    let id =
        transaction.query_row("SELECT id FROM tenant WHERE number = 1", [], |row| row.get(0))?;
    transaction.commit()?;
    Ok(Tenant { number: TenantId(1), id })
}

pub(super) fn add_app(writer: &mut Writer, tenant: TenantId, app: &App) -> Result<(), Failure> {
    let permissions: Vec<_> =
        app.permissions.iter().map(|permission| permission.as_str()).collect();
    writer.connection.execute(
        "INSERT INTO app (client_id, tenant, name, permissions, secret_sha256, created, revoked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            app.client_id,
            tenant.0,
            app.name,
            permissions.join(" "),
            app.secret_sha256,
            app.created.ticks(),
            app.revoked.map(Timestamp::ticks)
        ],
    )?;
    Ok(())
}

const APP: &str = "client_id, name, permissions, secret_sha256, created, revoked";

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

fn app_of(row: &Row<'_>) -> Result<App, Failure> {
    let permissions: String = row.get(2)?;
    let permissions = permissions
        .split_ascii_whitespace()
        .map(|name| {
            Permission::parse(name)
                .ok_or_else(|| Failure::Damaged(format!("an app has the permission `{name}`")))
        })
        .collect::<Result<_, _>>()?;
    let revoked: Option<i64> = row.get(5)?;
    Ok(App {
        client_id: row.get(0)?,
        name: row.get(1)?,
        permissions,
        secret_sha256: row.get(3)?,
        created: timestamp(row.get(4)?)?,
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

pub(super) fn signing_keys(db: &Connection, tenant: TenantId) -> Result<Vec<SigningKey>, Failure> {
    let mut statement = db.prepare_cached(
        "SELECT kid, pkcs8, created FROM signing_key WHERE tenant = ?1 ORDER BY created DESC, kid",
    )?;
    let mut rows = statement.query([tenant.0])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(SigningKey {
            kid: row.get(0)?,
            key: PrivateKey(row.get(1)?),
            created: timestamp(row.get(2)?)?,
        });
    }
    Ok(keys)
}

pub(super) fn add_first_signing_key(
    writer: &mut Writer,
    tenant: TenantId,
    key: &SigningKey,
) -> Result<(), Failure> {
    writer.connection.execute(
        "INSERT INTO signing_key (tenant, kid, pkcs8, created) SELECT ?1, ?2, ?3, ?4
         WHERE NOT EXISTS (SELECT 1 FROM signing_key WHERE tenant = ?1)",
        params![tenant.0, key.kid, key.key.0, key.created.ticks()],
    )?;
    Ok(())
}

pub(super) fn certificate_authority(
    db: &Connection,
) -> Result<Option<CertificateAuthority>, Failure> {
    let authority = db
        .query_row("SELECT certificate_pem, pkcs8 FROM certificate_authority", [], |row| {
            Ok(CertificateAuthority { certificate_pem: row.get(0)?, key: PrivateKey(row.get(1)?) })
        })
        .optional()?;
    Ok(authority)
}

pub(super) fn add_certificate_authority(
    writer: &mut Writer,
    authority: &CertificateAuthority,
) -> Result<(), Failure> {
    writer.connection.execute(
        "INSERT INTO certificate_authority (number, certificate_pem, pkcs8) VALUES (1, ?1, ?2)
         ON CONFLICT DO NOTHING",
        params![authority.certificate_pem, authority.key.0],
    )?;
    Ok(())
}
