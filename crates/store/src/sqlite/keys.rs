//! The keys that sign tokens, and the authority of self-made certificates.

use inventory::access::{CertificateAuthority, PrivateKey, SigningKey};
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::Failure;
use super::record::Writer;
use super::values::timestamp;

/// The keys, the one that signs first: a clock that went back makes no settled key sign again.
pub(super) fn signing_keys(db: &Connection, tenant: TenantId) -> Result<Vec<SigningKey>, Failure> {
    let mut statement = db.prepare_cached(
        "SELECT kid, pkcs8, created, verifies_until FROM signing_key WHERE tenant = ?1
         ORDER BY verifies_until IS NOT NULL, created DESC, kid",
    )?;
    let mut rows = statement.query([tenant.0])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(SigningKey {
            kid: row.get(0)?,
            key: PrivateKey(row.get(1)?),
            created: timestamp(row.get(2)?)?,
            verifies_until: row.get::<_, Option<i64>>(3)?.map(timestamp).transpose()?,
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

pub(super) fn rotate_signing_key(
    writer: &mut Writer,
    tenant: TenantId,
    key: &SigningKey,
    others_until: Timestamp,
) -> Result<(), Failure> {
    let transaction = writer.transaction()?;
    transaction.execute(
        "UPDATE signing_key SET verifies_until = min(coalesce(verifies_until, ?2), ?2)
         WHERE tenant = ?1",
        params![tenant.0, others_until.ticks()],
    )?;
    transaction.execute(
        "INSERT INTO signing_key (tenant, kid, pkcs8, created) VALUES (?1, ?2, ?3, ?4)",
        params![tenant.0, key.kid, key.key.0, key.created.ticks()],
    )?;
    Ok(transaction.commit()?)
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
