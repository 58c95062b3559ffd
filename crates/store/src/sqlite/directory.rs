//! A tenant's directory: one document, replaced as a whole by whoever saw its last state.

use inventory::access::device_group::Rules;
use inventory::access::directory::Directory;
use inventory::ids::TenantId;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::Failure;
use super::record::Writer;
use super::values::{from_json, to_json};
use crate::KeptDirectory;

/// The directory; that of a new tenant where nothing was saved.
pub(super) fn directory(db: &Connection, tenant: TenantId) -> Result<KeptDirectory, Failure> {
    let kept: Option<(Option<String>, i64)> = db
        .prepare_cached("SELECT directory, directory_generation FROM tenant WHERE number = ?1")?
        .query_row([tenant.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (text, generation) = kept.unwrap_or_default();
    let directory = text.as_deref().map(from_json).transpose()?.unwrap_or_default();
    Ok(KeptDirectory { directory, generation })
}

pub(super) fn save(
    writer: &mut Writer,
    tenant: TenantId,
    generation: i64,
    directory: &Directory,
) -> Result<bool, Failure> {
    let transaction = writer.transaction()?;
    let before = self::directory(&transaction, tenant)?;
    if before.generation != generation {
        return Ok(false);
    }
    let saved = transaction.execute(
        "UPDATE tenant SET directory = ?2, directory_generation = directory_generation + 1,
             regrouped_to = CASE WHEN ?3 THEN 0 ELSE regrouped_to END
         WHERE number = ?1",
        params![tenant.0, to_json(directory)?, decisive(&before.directory) != decisive(directory)],
    )?;
    name_groups(&transaction, tenant, directory)?;
    transaction.commit()?;
    Ok(saved == 1)
}

/// What decides in which groups machines are: ids and rules, in the order of ranks.
fn decisive(directory: &Directory) -> Vec<(i32, &Rules)> {
    directory.device_groups.iter().map(|group| (group.id, &group.rules)).collect()
}

/// Repeats the names of device groups where questions about machines find them.
fn name_groups(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    directory: &Directory,
) -> Result<(), Failure> {
    transaction.execute("DELETE FROM device_group WHERE tenant = ?1", [tenant.0])?;
    let mut insert = transaction
        .prepare_cached("INSERT INTO device_group (tenant, id, name) VALUES (?1, ?2, ?3)")?;
    for group in &directory.device_groups {
        insert.execute(params![tenant.0, group.id, group.name])?;
    }
    Ok(())
}
