//! What people and apps change about machines, with its history.

use inventory::access::scope::Scope;
use inventory::change::{Author, MachineChange};
use inventory::ids::MachineId;
use inventory::machine::{ExclusionReason, Machine};
use inventory::query::MachineSelector;
use rusqlite::{Transaction, params};

use super::groups::place;
use super::read::{self, visible::Visible};
use super::record::Writer;
use super::values::to_json;
use super::{Failure, groups, identity};

/// Changes those of some machines that the scope shows, all or none. Their device groups follow.
pub(super) fn change(
    writer: &mut Writer,
    scope: &Scope,
    machines: &[MachineId],
    changes: &[MachineChange],
    author: &Author,
) -> Result<Vec<Machine>, Failure> {
    let (transaction, matchers) = writer.transaction_with_matchers()?;
    let mut changed = Vec::with_capacity(machines.len());
    for id in machines {
        let visible = Visible::new(&transaction, scope);
        let shown = read::machine(&visible, &MachineSelector::Id(*id))?;
        let (Some(before), Some(number)) = (shown, read::number(&visible, *id)?) else { continue };
        let mut machine = before.clone();
        changes.iter().for_each(|change| change.apply(&mut machine));
        write(&transaction, (scope, number), &before, &machine, author)?;
        if let Some(matcher) = matchers.of(&transaction, scope.tenant())? {
            place(&transaction, &matcher, number)?;
        }
        (machine.rbac_group_id, machine.rbac_group_name) = groups::of(&transaction, number)?;
        changed.push(machine);
    }
    transaction.commit()?;
    Ok(changed)
}

fn write(
    transaction: &Transaction<'_>,
    (scope, number): (&Scope, i64),
    before: &Machine,
    after: &Machine,
    author: &Author,
) -> Result<(), Failure> {
    let tags = if after.tags.is_empty() { None } else { Some(to_json(&after.tags)?) };
    let exclusion = after.exclusion.map(ExclusionReason::as_str);
    transaction
        .prepare_cached(
            "UPDATE machine SET tags = ?2, device_value = ?3, exclusion = ?4 WHERE number = ?1",
        )?
        .execute(params![number, tags, after.device_value.as_str(), exclusion])?;
    identity::rows::said(transaction, number, before, after)?;
    let words = |machine: &Machine| -> Result<[String; 3], Failure> {
        Ok([
            to_json(&machine.tags)?,
            to_json(&machine.device_value.as_str())?,
            to_json(&machine.exclusion.map(ExclusionReason::as_str))?,
        ])
    };
    let mut history = transaction.prepare_cached(
        "INSERT INTO machine_change (tenant, machine, time, app, person, property, before, after)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let properties = ["machineTags", "deviceValue", "exclusionReason"];
    // By its id, since what was changed is to be known when the machine itself is forgotten.
    let id = before.id;
    for ((property, before), after) in properties.iter().zip(words(before)?).zip(words(after)?) {
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
