//! How far files and journals that are followed were read.

use inventory::ids::TenantId;
use rusqlite::{Connection, params};

use super::Failure;
use super::values::timestamp;
use crate::Followed;

/// Of what was not seen for so long nothing is kept: logs are rotated away.
const KEPT_SECONDS: i64 = 400 * 24 * 60 * 60;

/// Keeps places, each in the place of the one before.
pub(super) fn keep(
    db: &Connection,
    tenant: TenantId,
    followed: &[Followed],
) -> Result<(), Failure> {
    let mut add = db.prepare_cached(
        "INSERT OR REPLACE INTO followed (tenant, source, device, inode, position, modified,
             head_length, head, tail, cursor, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for one in followed {
        add.execute(params![
            tenant.0,
            one.source,
            one.device.cast_signed(),
            one.inode.cast_signed(),
            one.position.cast_signed(),
            one.modified,
            one.head_length,
            one.head,
            one.tail,
            one.cursor,
            one.at.ticks(),
        ])?;
    }
    let newest = followed.iter().map(|one| one.at).max();
    if let Some(before) = newest.and_then(|newest| newest.plus_seconds(-KEPT_SECONDS)) {
        db.prepare_cached("DELETE FROM followed WHERE tenant = ?1 AND at < ?2")?
            .execute(params![tenant.0, before.ticks()])?;
    }
    Ok(())
}

/// Every place of a tenant.
pub(super) fn all(db: &Connection, tenant: TenantId) -> Result<Vec<Followed>, Failure> {
    let mut find = db.prepare_cached(
        "SELECT source, device, inode, position, modified, head_length, head, tail, cursor, at
         FROM followed WHERE tenant = ?1",
    )?;
    let mut rows = find.query([tenant.0])?;
    let mut followed = Vec::new();
    while let Some(row) = rows.next()? {
        let number = |at| row.get(at).map(i64::cast_unsigned);
        followed.push(Followed {
            source: row.get(0)?,
            device: number(1)?,
            inode: number(2)?,
            position: number(3)?,
            modified: row.get(4)?,
            head_length: row.get(5)?,
            head: row.get(6)?,
            tail: row.get(7)?,
            cursor: row.get(8)?,
            at: timestamp(row.get(9)?)?,
        });
    }
    Ok(followed)
}
