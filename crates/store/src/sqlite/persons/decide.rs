//! What somebody said of whose accounts are whose.

use inventory::change::Author;
use inventory::ids::TenantId;
use inventory::query::AccountKey;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Node, number_of};
use crate::PersonDecision;
use crate::sqlite::Failure;

/// Keeps decisions, all of them or none.
pub(in crate::sqlite) fn decide(
    db: &Connection,
    tenant: TenantId,
    decisions: &[(AccountKey, PersonDecision)],
    author: &Author,
) -> Result<(), Failure> {
    for (key, decision) in decisions {
        if *decision == PersonDecision::default() {
            db.prepare_cached(
                "DELETE FROM person_decision WHERE tenant = ?1 AND name = ?2 AND authority = ?3",
            )?
            .execute(params![tenant.0, key.name, key.authority])?;
            continue;
        }
        let with = decision.linked_with.as_ref();
        db.prepare_cached(
            "INSERT OR REPLACE INTO person_decision (tenant, name, authority, is_apart, with_name,
                 with_authority, time, app, person) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            tenant.0,
            key.name,
            key.authority,
            decision.is_apart,
            with.map(|with| &with.name),
            with.map(|with| &with.authority),
            author.time.ticks(),
            author.app,
            author.person
        ])?;
    }
    Ok(())
}

/// What somebody decided of an account.
pub(super) fn decision(
    db: &Connection,
    tenant: TenantId,
    key: &AccountKey,
) -> Result<PersonDecision, Failure> {
    let found = db
        .prepare_cached(
            "SELECT is_apart, with_name, with_authority FROM person_decision
             WHERE tenant = ?1 AND name = ?2 AND authority = ?3",
        )?
        .query_row(params![tenant.0, key.name, key.authority], |row| {
            let with: (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
            let linked_with = with.0.zip(with.1);
            let linked_with = linked_with.map(|(name, authority)| AccountKey { name, authority });
            Ok(PersonDecision { is_apart: row.get(0)?, linked_with })
        });
    Ok(found.optional()?.unwrap_or_default())
}

/// The accounts that somebody linked with one, in either direction.
pub(super) fn linked(
    db: &Connection,
    tenant: TenantId,
    key: &AccountKey,
    decision: &PersonDecision,
) -> Result<Vec<Node>, Failure> {
    let mut keys: Vec<AccountKey> = db
        .prepare_cached(
            "SELECT name, authority FROM person_decision
             WHERE tenant = ?1 AND with_name = ?2 AND with_authority = ?3",
        )?
        .query_map(params![tenant.0, key.name, key.authority], |row| {
            Ok(AccountKey { name: row.get(0)?, authority: row.get(1)? })
        })?
        .collect::<Result<_, _>>()?;
    keys.extend(decision.linked_with.clone());
    let mut nodes = Vec::new();
    for key in keys {
        nodes.extend(number_of(db, tenant, &key)?.map(Node::Account));
    }
    Ok(nodes)
}

/// Forgets what was decided of an account, and what was linked with it.
pub(super) fn erase(db: &Connection, tenant: TenantId, key: &AccountKey) -> Result<(), Failure> {
    db.prepare_cached(
        "DELETE FROM person_decision WHERE tenant = ?1
         AND (name = ?2 AND authority = ?3 OR with_name = ?2 AND with_authority = ?3)",
    )?
    .execute(params![tenant.0, key.name, key.authority])?;
    Ok(())
}
