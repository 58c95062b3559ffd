//! What people say of who is who.

use std::collections::BTreeSet;

use inventory::access::scope::Scope;
use inventory::change::Author;
use inventory::identity::Decision;
use inventory::ids::MachineId;
use rusqlite::{Connection, params};

use super::cluster::decision;
use super::settle_and_place;
use super::told::number_of;
use crate::sqlite::Failure;
use crate::sqlite::record::Writer;
use crate::sqlite::values::to_json;

/// Keeps decisions about records, by their ids, and makes them true; all of them or none. `false` when
/// one of the records is not known.
pub(in crate::sqlite) fn decide(
    writer: &mut Writer,
    scope: &Scope,
    decisions: &[(MachineId, Decision)],
    author: &Author,
) -> Result<bool, Failure> {
    // Numbers that are remembered may be another machine's afterwards.
    writer.forget();
    let tenant = scope.tenant();
    let (transaction, matchers) = writer.transaction_with_matchers()?;
    let mut unsettled = BTreeSet::new();
    for &(id, after) in decisions {
        let Some(number) = number_of(&transaction, tenant, id)? else { return Ok(false) };
        let before = decision(&transaction, tenant, id)?;
        keep(&transaction, scope, id, after)?;
        remember(&transaction, scope, (id, before, after), author)?;
        unsettled.insert(number);
        // What it was merged with before is connected with it no more.
        if let Some(former) = before.merged_into {
            unsettled.extend(number_of(&transaction, tenant, former)?);
        }
    }
    settle_and_place(&transaction, tenant, &unsettled, matchers)?;
    transaction.commit()?;
    Ok(true)
}

fn keep(db: &Connection, scope: &Scope, id: MachineId, after: Decision) -> Result<(), Failure> {
    if after == Decision::default() {
        db.prepare_cached("DELETE FROM machine_decision WHERE tenant = ?1 AND machine = ?2")?
            .execute(params![scope.tenant().0, id.0])?;
        return Ok(());
    }
    db.prepare_cached(
        "INSERT OR REPLACE INTO machine_decision (tenant, machine, is_apart, merged_into)
         VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        scope.tenant().0,
        id.0,
        after.is_apart,
        after.merged_into.map(|id| id.0)
    ])?;
    Ok(())
}

/// Puts a decision into the history of changes.
fn remember(
    db: &Connection,
    scope: &Scope,
    (id, before, after): (MachineId, Decision, Decision),
    author: &Author,
) -> Result<(), Failure> {
    let mut history = db.prepare_cached(
        "INSERT INTO machine_change (tenant, machine, time, app, person, property, before, after)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let changes = [
        ("isApart", to_json(&before.is_apart)?, to_json(&after.is_apart)?),
        ("mergedIntoMachineId", to_json(&before.merged_into)?, to_json(&after.merged_into)?),
    ];
    for (property, before, after) in changes {
        if before != after {
            history.execute(params![
                scope.tenant().0,
                id.0,
                author.time.ticks(),
                author.app,
                author.person,
                property,
                before,
                after
            ])?;
        }
    }
    Ok(())
}
