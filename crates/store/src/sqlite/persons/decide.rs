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

/// The accounts that somebody linked with one, in either direction. Who says later that the other account
/// is nobody else's takes it out of the link, too.
pub(super) fn linked(
    db: &Connection,
    tenant: TenantId,
    key: &AccountKey,
) -> Result<Vec<Node>, Failure> {
    const HOLDS: &str = "NOT EXISTS (SELECT 1 FROM person_decision AS parted
        WHERE parted.tenant = link.tenant AND parted.name = link.with_name
        AND parted.authority = link.with_authority AND parted.is_apart AND parted.time > link.time)";
    let mut keys: Vec<AccountKey> = Vec::new();
    for sql in [
        format!(
            "SELECT name, authority FROM person_decision AS link
             WHERE tenant = ?1 AND with_name = ?2 AND with_authority = ?3 AND {HOLDS}"
        ),
        format!(
            "SELECT with_name, with_authority FROM person_decision AS link
             WHERE tenant = ?1 AND name = ?2 AND authority = ?3 AND with_name IS NOT NULL
             AND {HOLDS}"
        ),
    ] {
        let mut find = db.prepare_cached(&sql)?;
        let found = find.query_map(params![tenant.0, key.name, key.authority], |row| {
            Ok(AccountKey { name: row.get(0)?, authority: row.get(1)? })
        })?;
        for key in found {
            keys.push(key?);
        }
    }
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
