//! Tags that machines have elsewhere. The one idea: people decide. What is reported is added, never
//! taken away, and a tag that somebody removed here stays removed.

use inventory::change::{MAX_TAG_CHARS, MAX_TAGS};
use inventory::fold;
use inventory::ids::TenantId;
use rusqlite::{Connection, params};

use super::Failure;
use super::values::{from_json, to_json};

/// Adds reported tags to a record, which is kept in a table and shown as a machine; whether there was
/// one to add.
pub(super) fn add(
    db: &Connection,
    tenant: TenantId,
    table: &str,
    (record, machine): (i64, i64),
    reported: &[String],
) -> Result<bool, Failure> {
    if reported.is_empty() {
        return Ok(false);
    }
    let tags: Option<String> = db
        .prepare_cached(&format!("SELECT tags FROM {table} WHERE number = ?1"))?
        .query_row([record], |row| row.get(0))?;
    let mut tags: Vec<String> = tags.as_deref().map(from_json).transpose()?.unwrap_or_default();
    let known = tags.len();
    for tag in reported {
        let fits = !tag.is_empty() && tag.chars().count() <= MAX_TAG_CHARS;
        let is_there = tags.iter().any(|known| fold(known) == fold(tag));
        if fits
            && !is_there
            && tags.len() < MAX_TAGS
            && !was_removed(db, tenant, [record, machine], tag)?
        {
            tags.push(tag.clone());
        }
    }
    if tags.len() == known {
        return Ok(false);
    }
    db.prepare_cached(&format!("UPDATE {table} SET tags = ?2 WHERE number = ?1"))?
        .execute(params![record, to_json(&tags)?])?;
    Ok(true)
}

/// Whether somebody took the tag off the record, or off the machine that it is shown as.
fn was_removed(
    db: &Connection,
    tenant: TenantId,
    [record, machine]: [i64; 2],
    tag: &str,
) -> Result<bool, Failure> {
    let mut changes = db.prepare_cached(
        "SELECT before, after FROM machine_change
         WHERE tenant = ?1 AND property = 'machineTags' AND machine IN (
             SELECT id FROM machine WHERE number IN (?2, ?3)
             UNION ALL SELECT id FROM machine_record WHERE number = ?2)",
    )?;
    let mut rows = changes.query(params![tenant.0, record, machine])?;
    while let Some(row) = rows.next()? {
        let has = |column: usize| -> Result<bool, Failure> {
            let tags: Vec<String> = from_json(&row.get::<_, String>(column)?)?;
            Ok(tags.iter().any(|known| fold(known) == fold(tag)))
        };
        if has(0)? && !has(1)? {
            return Ok(true);
        }
    }
    Ok(false)
}
