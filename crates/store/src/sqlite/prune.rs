//! Retention: forgetting whole UTC days.

use std::collections::BTreeSet;

use inventory::ids::TenantId;
use inventory::time::{Day, Timestamp};
use rusqlite::params;

use super::record::Writer;
use super::times::{recompute_machine, recompute_relation};
use super::{Failure, addresses, identity, persons, sessions};
use crate::Pruned;

/// Relations handled in one transaction, so that others get to write in between.
const RELATIONS_AT_ONCE: i64 = 2_000;

pub(super) fn prune(writer: &mut Writer, tenant: TenantId, before: Day) -> Result<Pruned, Failure> {
    writer.forget();
    let mut pruned = Pruned::default();
    let cutoff = Timestamp::from_day(before, 0).map_or(i64::MIN, Timestamp::ticks);
    while prune_some(writer, tenant, before, cutoff, &mut pruned)? {}
    // One statement here may touch every machine: what it would have to undo belongs in a file.
    writer.connection.pragma_update(None, "temp_store", "FILE")?;
    let unrelated = prune_unrelated(writer, tenant, cutoff, &mut pruned);
    writer.connection.pragma_update(None, "temp_store", "MEMORY")?;
    unrelated?;
    Ok(pruned)
}

/// Cuts the days of some relations; `false` when none was left to cut.
fn prune_some(
    writer: &mut Writer,
    tenant: TenantId,
    before: Day,
    cutoff: i64,
    pruned: &mut Pruned,
) -> Result<bool, Failure> {
    let transaction = writer.transaction()?;
    let old: Vec<(i64, i64)> = transaction
        .prepare_cached(
            "SELECT relation.account, relation.machine FROM relation
             JOIN account ON account.number = relation.account
             WHERE account.tenant = ?1 AND relation.first_seen < ?2 LIMIT ?3",
        )?
        .query_map(params![tenant.0, cutoff, RELATIONS_AT_ONCE], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<_, _>>()?;
    for &(account, machine) in &old {
        let days: Vec<i32> = transaction
            .prepare_cached(
                "DELETE FROM relation_day WHERE account = ?1 AND machine = ?2 AND day < ?3
                 RETURNING day",
            )?
            .query_map(params![account, machine, before.0], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for record in identity::records_of(&transaction, machine)? {
            for day in &days {
                pruned.events += transaction
                    .prepare_cached(
                        "DELETE FROM event WHERE day = ?1 AND quarter IN quarters
                         AND account = ?2 AND machine = ?3",
                    )?
                    .execute(params![day, account, record])?
                    as u64;
            }
        }
        let emptied = transaction
            .prepare_cached(
                "DELETE FROM relation WHERE account = ?1 AND machine = ?2 AND NOT EXISTS (
                     SELECT 1 FROM relation_day WHERE account = ?1 AND machine = ?2)",
            )?
            .execute([account, machine])?;
        if emptied == 1 {
            pruned.relations += 1;
        } else {
            recompute_relation(&transaction, account, machine)?;
            recompute_machine(&transaction, machine)?;
        }
    }
    transaction.commit()?;
    Ok(!old.is_empty())
}

/// Removes the accounts and machines that no relation and no younger report keeps.
fn prune_unrelated(
    writer: &mut Writer,
    tenant: TenantId,
    cutoff: i64,
    pruned: &mut Pruned,
) -> Result<(), Failure> {
    let (transaction, matchers) = writer.transaction_with_matchers()?;
    transaction.execute(
        "DELETE FROM account_domain WHERE account IN (SELECT number FROM account
             WHERE tenant = ?1 AND NOT EXISTS (
                 SELECT 1 FROM relation WHERE relation.account = account.number))",
        [tenant.0],
    )?;
    pruned.accounts += transaction.execute(
        "DELETE FROM account WHERE tenant = ?1 AND NOT EXISTS (
             SELECT 1 FROM relation WHERE relation.account = account.number)",
        [tenant.0],
    )? as u64;
    // Before the machines: one that goes has no report, and so no address, that is younger.
    addresses::prune(&transaction, tenant, cutoff)?;
    sessions::prune(&transaction, tenant, Timestamp::from_ticks(cutoff).unwrap_or(Timestamp::MIN))?;
    persons::prune(&transaction, tenant, cutoff)?;
    let mut unsettled = BTreeSet::new();
    pruned.machines += identity::prune(&transaction, tenant, cutoff, &mut unsettled)?;
    let gone: Vec<i64> = transaction
        .prepare(
            "DELETE FROM machine WHERE tenant = ?1 AND coalesce(last_report, ?2 - 1) < ?2
             AND NOT EXISTS (SELECT 1 FROM relation WHERE relation.machine = machine.number)
             AND NOT EXISTS (
                 SELECT 1 FROM machine_record AS record WHERE record.number = machine.number)
             RETURNING number",
        )?
        .query_map(params![tenant.0, cutoff], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    pruned.machines += gone.len() as u64;
    for machine in gone {
        identity::forget(&transaction, tenant, machine, &mut unsettled)?;
    }
    identity::settle_and_place(&transaction, tenant, &unsettled, matchers)?;
    transaction.commit()?;
    Ok(())
}
