//! Erasing a person: what is known of their accounts, and what only their logons told.

use std::collections::BTreeSet;

use inventory::account::Account;
use inventory::ids::TenantId;
use inventory::query::UserSelector;
use rusqlite::{Connection, OptionalExtension, ToSql};

use super::read::who;
use super::record::Writer;
use super::times::recompute_machine;
use super::{Failure, addresses, identity, persons, sessions};
use crate::Forgotten;

/// Erases the accounts that a selector means, in one transaction.
pub(super) fn forget(
    writer: &mut Writer,
    tenant: TenantId,
    user: &UserSelector,
) -> Result<Forgotten, Failure> {
    // Numbers that are remembered would be given to new logons.
    writer.forget();
    // What is erased is overwritten, not only marked as free.
    writer.connection.pragma_update(None, "secure_delete", true)?;
    let forgotten = erase(writer, tenant, user);
    writer.connection.pragma_update(None, "secure_delete", false)?;
    let forgotten = forgotten?;
    // The log still holds pages as they were. While somebody reads, it is emptied later.
    writer.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).optional()?;
    Ok(forgotten)
}

fn erase(writer: &mut Writer, tenant: TenantId, user: &UserSelector) -> Result<Forgotten, Failure> {
    let (transaction, matchers) = writer.transaction_with_matchers()?;
    let mut forgotten = Forgotten::default();
    let mut unsettled = BTreeSet::new();
    let accounts = accounts(&transaction, tenant, user)?;
    let numbers: Vec<i64> = accounts.iter().map(|(number, _)| *number).collect();
    forgotten.identities = persons::erase(&transaction, tenant, user, &numbers)?;
    for (number, account) in accounts {
        forgotten.accounts.push(account);
        let machines: Vec<i64> = transaction
            .prepare_cached("SELECT machine FROM relation WHERE account = ?1")?
            .query_map([number], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for machine in machines {
            forgotten.relations += 1;
            forgotten.logons += erase_relation(&transaction, tenant, number, machine)?;
            let is_gone = keep_or_erase(&transaction, tenant, machine, &mut unsettled)?;
            forgotten.machines += u64::from(is_gone);
        }
        for table in ["account_domain", "relation_day"] {
            transaction.execute(&format!("DELETE FROM {table} WHERE account = ?1"), [number])?;
        }
        transaction.execute("DELETE FROM account WHERE number = ?1", [number])?;
    }
    identity::settle_and_place(&transaction, tenant, &unsettled, matchers)?;
    transaction.commit()?;
    Ok(forgotten)
}

fn accounts(
    db: &Connection,
    tenant: TenantId,
    user: &UserSelector,
) -> Result<Vec<(i64, Account)>, Failure> {
    let (condition, mut values) = who::with_values(user)?;
    values.push((":tenant".to_owned(), tenant.0.into()));
    // Other tenants' accounts of the name do not tell which domains are one.
    let mut find = db.prepare_cached(&format!(
        "WITH account AS NOT MATERIALIZED (
             SELECT * FROM main.account AS account WHERE tenant = :tenant)
         SELECT number, name, {}, sid, upn, object_id FROM account WHERE {condition}",
        super::read::DOMAIN
    ))?;
    let account = |row: &rusqlite::Row<'_>| {
        let account = Account {
            name: row.get(1)?,
            domain: row.get(2)?,
            sid: row.get(3)?,
            upn: row.get(4)?,
            object_id: row.get(5)?,
        };
        Ok((row.get(0)?, account))
    };
    let values: Vec<_> =
        values.iter().map(|(name, value)| (name.as_str(), value as &dyn ToSql)).collect();
    let found = find.query_map(values.as_slice(), account)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Erases the logons of a relation, its days and itself; how many logons there were.
fn erase_relation(
    db: &Connection,
    tenant: TenantId,
    account: i64,
    machine: i64,
) -> Result<u64, Failure> {
    let days: Vec<i64> = db
        .prepare_cached(
            "SELECT DISTINCT day FROM relation_day WHERE account = ?1 AND machine = ?2",
        )?
        .query_map([account, machine], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut logons = 0;
    for record in identity::records_of(db, machine)? {
        let erase = "DELETE FROM event
                     WHERE day = ?1 AND quarter IN quarters AND account = ?2 AND machine = ?3";
        for day in &days {
            sessions::forget(db, tenant, *day, account, record)?;
            logons += db.prepare_cached(erase)?.execute([*day, account, record])? as u64;
        }
    }
    for table in ["relation_day", "relation"] {
        let delete = format!("DELETE FROM {table} WHERE account = ?1 AND machine = ?2");
        db.prepare_cached(&delete)?.execute([account, machine])?;
    }
    Ok(logons)
}

/// Sets the times of a machine anew, or erases it where nothing else is known of it.
fn keep_or_erase(
    db: &Connection,
    tenant: TenantId,
    machine: i64,
    unsettled: &mut BTreeSet<i64>,
) -> Result<bool, Failure> {
    if let Some(is_left) = identity::recheck(db, tenant, machine, unsettled)? {
        let is_shown: bool = db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM machine_record WHERE number = ?1)")?
            .query_row([machine], |row| row.get(0))?;
        if is_shown {
            recompute_machine(db, machine)?;
        }
        return Ok(!is_left);
    }
    let is_known: bool = db
        .prepare_cached(
            "SELECT last_report IS NOT NULL OR EXISTS (
                 SELECT 1 FROM relation WHERE relation.machine = machine.number)
             FROM machine WHERE number = ?1",
        )?
        .query_row([machine], |row| row.get(0))?;
    if is_known {
        recompute_machine(db, machine)?;
        return Ok(false);
    }
    identity::forget(db, tenant, machine, unsettled)?;
    addresses::forget(db, tenant, machine)?;
    db.prepare_cached("DELETE FROM machine WHERE number = ?1")?.execute([machine])?;
    Ok(true)
}
