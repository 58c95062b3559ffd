//! Machines that report by themselves, and the secrets with which they enroll.

use inventory::ids::TenantId;
use inventory::node::{EnrollSecret, Enrollment, Node, Platform, Sighting};
use inventory::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::Failure;
use super::record::Writer;
use super::values::timestamp;
use crate::Enrolled;

/// Machines of a tenant that are enrolled at most: more are made up by somebody who has a secret.
const MAX_NODES: i64 = 500_000;

/// See [`Store::add_enroll_secret`](crate::Store::add_enroll_secret).
pub(super) fn add_secret(
    db: &Connection,
    tenant: TenantId,
    secret: &EnrollSecret,
    sha256: [u8; 32],
) -> Result<bool, Failure> {
    let added = db.execute(
        "INSERT INTO enroll_secret (tenant, name, sha256, created) SELECT ?1, ?2, ?3, ?4
         WHERE NOT EXISTS (SELECT 1 FROM enroll_secret
             WHERE tenant = ?1 AND name = ?2 AND revoked IS NULL)",
        params![tenant.0, secret.name, sha256, secret.created.ticks()],
    )?;
    Ok(added == 1)
}

pub(super) fn secrets(db: &Connection, tenant: TenantId) -> Result<Vec<EnrollSecret>, Failure> {
    let mut find = db.prepare_cached(
        "SELECT name, created, revoked FROM enroll_secret WHERE tenant = ?1
         ORDER BY name, created",
    )?;
    let mut rows = find.query([tenant.0])?;
    let mut secrets = Vec::new();
    while let Some(row) = rows.next()? {
        secrets.push(EnrollSecret {
            name: row.get(0)?,
            created: timestamp(row.get(1)?)?,
            revoked: row.get::<_, Option<i64>>(2)?.map(timestamp).transpose()?,
        });
    }
    Ok(secrets)
}

pub(super) fn revoke_secret(
    db: &Connection,
    tenant: TenantId,
    name: &str,
    at: Timestamp,
) -> Result<bool, Failure> {
    let revoked = db.execute(
        "UPDATE enroll_secret SET revoked = ?3
         WHERE tenant = ?1 AND name = ?2 AND revoked IS NULL",
        params![tenant.0, name, at.ticks()],
    )?;
    Ok(revoked == 1)
}

pub(super) fn find_secret(
    db: &Connection,
    sha256: [u8; 32],
) -> Result<Option<(TenantId, String)>, Failure> {
    let mut find = db.prepare_cached(
        "SELECT tenant, name FROM enroll_secret WHERE sha256 = ?1 AND revoked IS NULL",
    )?;
    let found = find.query_row([sha256], |row| Ok((TenantId(row.get(0)?), row.get(1)?)));
    Ok(found.optional()?)
}

/// A machine that enrolls.
pub(super) struct New<'a> {
    pub(super) enrollment: &'a Enrollment,
    pub(super) secret: &'a str,
    pub(super) key: [u8; 32],
    pub(super) at: Timestamp,
}

/// See [`Store::enroll_node`](crate::Store::enroll_node).
pub(super) fn enroll(
    writer: &mut Writer,
    tenant: TenantId,
    new: &New<'_>,
) -> Result<Enrolled, Failure> {
    let Enrollment { host_identifier, hardware, host_name, platform, version, address } =
        new.enrollment;
    let transaction = writer.transaction()?;
    let known = transaction
        .query_row(
            "SELECT id, revoked IS NOT NULL FROM node WHERE tenant = ?1
             AND (hardware = ?2 OR ?2 IS NULL AND hardware IS NULL AND host_identifier = ?3)",
            params![tenant.0, hardware, host_identifier],
            |row| Ok((row.get::<_, Uuid>(0)?, row.get::<_, bool>(1)?)),
        )
        .optional()?;
    let id = match known {
        Some((_, true)) => return Ok(Enrolled::Revoked),
        Some((id, false)) => id,
        None => {
            let count: i64 = transaction.query_row(
                "SELECT count(*) FROM node WHERE tenant = ?1",
                [tenant.0],
                |row| row.get(0),
            )?;
            if count >= MAX_NODES {
                return Ok(Enrolled::Full);
            }
            Uuid::new_v4()
        }
    };
    transaction.execute(
        "INSERT INTO node (id, tenant, key_sha256, host_identifier, hardware, host_name, platform,
             version, address, secret, enrolled, last_seen)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)
         ON CONFLICT (id) DO UPDATE SET key_sha256 = excluded.key_sha256,
             host_identifier = excluded.host_identifier, host_name = excluded.host_name,
             platform = excluded.platform, version = excluded.version,
             address = excluded.address, secret = excluded.secret, enrolled = excluded.enrolled,
             last_seen = max(last_seen, excluded.last_seen)",
        params![
            id,
            tenant.0,
            new.key,
            host_identifier,
            hardware,
            host_name,
            platform.as_str(),
            version,
            address.map(|address| address.to_string()),
            new.secret,
            new.at.ticks()
        ],
    )?;
    transaction.commit()?;
    Ok(Enrolled::As(id))
}

const NODE: &str = "id, host_identifier, hardware, host_name, platform, version, address, secret,
    enrolled, last_seen, asked, revoked";

pub(super) fn of_key(db: &Connection, key: [u8; 32]) -> Result<Option<(TenantId, Node)>, Failure> {
    let mut find = db.prepare_cached(&format!(
        "SELECT {NODE}, tenant FROM node WHERE key_sha256 = ?1 AND revoked IS NULL"
    ))?;
    let mut rows = find.query([key])?;
    rows.next()?.map(|row| Ok((TenantId(row.get(12)?), node(row)?))).transpose()
}

pub(super) fn list(db: &Connection, tenant: TenantId) -> Result<Vec<Node>, Failure> {
    let mut find = db.prepare_cached(&format!(
        "SELECT {NODE} FROM node WHERE tenant = ?1 ORDER BY host_name, id"
    ))?;
    let mut rows = find.query([tenant.0])?;
    let mut nodes = Vec::new();
    while let Some(row) = rows.next()? {
        nodes.push(node(row)?);
    }
    Ok(nodes)
}

fn node(row: &Row<'_>) -> Result<Node, Failure> {
    let time =
        |at| -> Result<_, Failure> { row.get::<_, Option<i64>>(at)?.map(timestamp).transpose() };
    let platform: String = row.get(4)?;
    let address: Option<String> = row.get(6)?;
    Ok(Node {
        id: row.get(0)?,
        enrollment: Enrollment {
            host_identifier: row.get(1)?,
            hardware: row.get(2)?,
            host_name: row.get(3)?,
            platform: Platform::parse(&platform)
                .ok_or_else(|| Failure::Damaged(format!("a node runs on `{platform}`")))?,
            version: row.get(5)?,
            address: address.and_then(|address| address.parse().ok()),
        },
        secret: row.get(7)?,
        enrolled: timestamp(row.get(8)?)?,
        last_seen: timestamp(row.get(9)?)?,
        asked: time(10)?,
        revoked: time(11)?,
    })
}

pub(super) fn revoke(
    db: &Connection,
    tenant: TenantId,
    id: Uuid,
    at: Timestamp,
) -> Result<bool, Failure> {
    let revoked = db.execute(
        "UPDATE node SET revoked = coalesce(revoked, ?3), asked = NULL
         WHERE tenant = ?1 AND id = ?2",
        params![tenant.0, id, at.ticks()],
    )?;
    Ok(revoked == 1)
}

pub(super) fn remove(db: &Connection, tenant: TenantId, id: Uuid) -> Result<bool, Failure> {
    let removed =
        db.execute("DELETE FROM node WHERE tenant = ?1 AND id = ?2", params![tenant.0, id])?;
    Ok(removed == 1)
}

pub(super) fn ask(
    db: &Connection,
    tenant: TenantId,
    id: Option<Uuid>,
    at: Timestamp,
) -> Result<u64, Failure> {
    let asked = db.execute(
        "UPDATE node SET asked = ?3
         WHERE tenant = ?1 AND (?2 IS NULL OR id = ?2) AND revoked IS NULL",
        params![tenant.0, id, at.ticks()],
    )?;
    Ok(asked as u64)
}

/// What was asked since then stays asked.
pub(super) fn answered(
    db: &Connection,
    tenant: TenantId,
    id: Uuid,
    asked: Timestamp,
) -> Result<(), Failure> {
    db.execute(
        "UPDATE node SET asked = NULL WHERE tenant = ?1 AND id = ?2 AND asked <= ?3",
        params![tenant.0, id, asked.ticks()],
    )?;
    Ok(())
}

pub(super) fn note(writer: &mut Writer, sightings: &[(TenantId, Sighting)]) -> Result<(), Failure> {
    let transaction = writer.transaction()?;
    {
        let mut note = transaction.prepare_cached(
            "UPDATE node SET last_seen = ?3, address = coalesce(?4, address)
             WHERE tenant = ?1 AND id = ?2 AND last_seen < ?3",
        )?;
        for (tenant, sighting) in sightings {
            let address = sighting.address.map(|address| address.to_string());
            note.execute(params![tenant.0, sighting.node, sighting.time.ticks(), address])?;
        }
    }
    Ok(transaction.commit()?)
}
