//! The rows of machines that have several records: what is shown is summed from what each record is by
//! itself.

use inventory::change::MAX_TAGS;
use inventory::fold;
use inventory::ids::MachineId;
use inventory::machine::Machine;
use rusqlite::{Connection, OptionalExtension, params};

use crate::sqlite::Failure;
use crate::sqlite::read::facts::REPORTED;
use crate::sqlite::values::{from_json, to_json};

/// The columns that a record has whether it is shown or not, but for those of [`REPORTED`].
const OWN: &str = "number, tenant, id, name, name_at, name_key, host_key, first_seen, last_seen,
    first_report, last_report, facts_at, exclusion, device_value, tags";

fn columns() -> String {
    format!("{OWN}, {}", REPORTED.join(", "))
}

/// Keeps what a record is by itself, if it is not kept yet.
pub(super) fn keep(db: &Connection, record: i64) -> Result<(), Failure> {
    let columns = columns();
    db.prepare_cached(&format!(
        "INSERT OR IGNORE INTO machine_record (machine, is_merged, {columns})
         SELECT number, 0, {columns} FROM machine WHERE number = ?1"
    ))?
    .execute([record])?;
    Ok(())
}

/// Takes the row of a record away from what is shown.
pub(super) fn hide(db: &Connection, record: i64) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM machine WHERE number = ?1")?.execute([record])?;
    Ok(())
}

/// Shows a record as it is by itself; one that was merged says into what.
pub(super) fn show(
    db: &Connection,
    record: i64,
    merged_into: Option<MachineId>,
) -> Result<(), Failure> {
    let columns = columns();
    db.prepare_cached(&format!(
        "INSERT OR REPLACE INTO machine (merged_into, {columns})
         SELECT ?2, {columns} FROM machine_record WHERE number = ?1"
    ))?
    .execute(params![record, merged_into.map(|id| id.0)])?;
    Ok(())
}

/// Says as what a record is shown.
pub(super) fn put(
    db: &Connection,
    record: i64,
    machine: i64,
    is_merged: bool,
) -> Result<(), Failure> {
    db.prepare_cached("UPDATE machine_record SET machine = ?2, is_merged = ?3 WHERE number = ?1")?
        .execute(params![record, machine, is_merged])?;
    Ok(())
}

/// Forgets what a record is by itself: it is all that its machine is.
pub(super) fn unkeep(db: &Connection, record: i64) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM machine_record WHERE number = ?1")?.execute([record])?;
    Ok(())
}

/// Sums a machine of several records, but for its times, and what is shown of those that a person
/// merged.
///
/// A fact is that of the record that reported it last; a name is that of the record as which the machine
/// is shown. What people said of a record that is shown no more holds for the machine. One that a person
/// merged keeps what it reported and what was said of it: it is still shown.
pub(in crate::sqlite) fn refresh(db: &Connection, machine: i64) -> Result<(), Failure> {
    let facts: Vec<_> = REPORTED
        .iter()
        .enumerate()
        .map(|(at, column)| {
            format!(
                "{column} = (SELECT {column} FROM machine_record
                     WHERE machine = ?1 AND NOT is_merged AND {column} IS NOT NULL
                     ORDER BY facts_at ->> {at} DESC, number <> ?1, id LIMIT 1)"
            )
        })
        .collect();
    let said = "machine_record WHERE machine = ?1 AND NOT is_merged ORDER BY";
    let sql = format!(
        "UPDATE machine SET {}, name = own.name, name_at = own.name_at, name_key = own.name_key,
             host_key = own.host_key, tags = ?2,
             first_report = (SELECT min(first_report) FROM machine_record WHERE machine = ?1),
             last_report = (SELECT max(last_report) FROM machine_record WHERE machine = ?1),
             device_value = (SELECT device_value FROM {said} device_value = 'Normal',
                 number <> ?1, device_value = 'Low', id LIMIT 1),
             exclusion = (SELECT exclusion FROM {said} exclusion IS NULL, number <> ?1, id LIMIT 1)
         FROM machine_record AS own WHERE machine.number = ?1 AND own.number = ?1",
        facts.join(", ")
    );
    db.prepare_cached(&sql)?.execute(params![machine, tags(db, machine)?])?;
    let mirrored: Vec<_> = columns()
        .split(',')
        .map(str::trim)
        .filter(|column| *column != "number")
        .map(|column| format!("{column} = own.{column}"))
        .collect();
    db.prepare_cached(&format!(
        "UPDATE machine SET {} FROM machine_record AS own
         WHERE own.machine = ?1 AND own.is_merged AND own.number = machine.number",
        mirrored.join(", ")
    ))?
    .execute([machine])?;
    Ok(())
}

/// The tags of all records, each once.
fn tags(db: &Connection, machine: i64) -> Result<Option<String>, Failure> {
    let mut find = db.prepare_cached(
        "SELECT tags FROM machine_record WHERE machine = ?1 AND NOT is_merged AND tags IS NOT NULL
         ORDER BY number <> ?1, id",
    )?;
    let mut all: Vec<String> = Vec::new();
    let mut rows = find.query([machine])?;
    while let Some(row) = rows.next()? {
        let own: Vec<String> = from_json(&row.get::<_, String>(0)?)?;
        for tag in own {
            let is_there = all.iter().any(|known| fold(known) == fold(&tag));
            if !is_there && all.len() < MAX_TAGS {
                all.push(tag);
            }
        }
    }
    Ok(if all.is_empty() { None } else { Some(to_json(&all)?) })
}

/// What a person or app changed about what is shown, said of the records behind it.
pub(in crate::sqlite) fn said(
    db: &Connection,
    machine: i64,
    before: &Machine,
    after: &Machine,
) -> Result<(), Failure> {
    let is_merged: Option<bool> = db
        .prepare_cached("SELECT is_merged FROM machine_record WHERE number = ?1")?
        .query_row([machine], |row| row.get(0))
        .optional()?;
    let Some(is_merged) = is_merged else { return Ok(()) };
    let exclusion = after.exclusion.map(inventory::machine::ExclusionReason::as_str);
    let tags = if after.tags.is_empty() { None } else { Some(to_json(&after.tags)?) };
    let mut own = db.prepare_cached(
        "UPDATE machine_record SET tags = CASE WHEN ?2 THEN ?3 ELSE tags END,
             device_value = CASE WHEN ?4 THEN ?5 ELSE device_value END,
             exclusion = CASE WHEN ?6 THEN ?7 ELSE exclusion END
         WHERE number = ?1",
    )?;
    let are_tags_new = before.tags != after.tags;
    let is_value_new = before.device_value != after.device_value;
    let is_exclusion_new = before.exclusion != after.exclusion;
    own.execute(params![
        machine,
        are_tags_new,
        tags,
        is_value_new,
        after.device_value.as_str(),
        is_exclusion_new,
        exclusion
    ])?;
    if is_merged {
        return Ok(());
    }
    let mut others = db.prepare_cached(
        "SELECT number, coalesce(tags, '[]') FROM machine_record
         WHERE machine = ?1 AND NOT is_merged AND number <> ?1",
    )?;
    let others: Vec<(i64, String)> = others
        .query_map([machine], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (record, known) in others {
        let mut kept: Vec<String> = from_json(&known)?;
        kept.retain(|tag| after.tags.iter().any(|other| fold(other) == fold(tag)));
        let kept = if kept.is_empty() { None } else { Some(to_json(&kept)?) };
        own.execute(params![
            record,
            are_tags_new,
            kept,
            is_value_new,
            inventory::machine::DeviceValue::Normal.as_str(),
            is_exclusion_new,
            None::<&str>
        ])?;
    }
    Ok(())
}
