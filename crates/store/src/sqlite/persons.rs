//! Which accounts are one person's (docs/adr/0018-one-person.md): found when it is asked, along what
//! accounts and identities share, and what somebody decided.

mod decide;
mod holders;

use std::collections::{BTreeSet, VecDeque};

use inventory::account::Account;
use inventory::ids::TenantId;
use inventory::person::{IdentityReport, PersonIdentifier, identifiers_of, read_identifier};
use inventory::query::{AccountKey, UserSelector};
use inventory::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::Failure;
use crate::{PersonAccount, PersonDecision};

pub(super) use decide::decide;
use holders::holders;

/// Accounts and identities of one person that are looked at: more are none's.
const MAX_NODES: usize = 1_000;

/// An account, or what a directory says of one, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Account(i64),
    Identity(i64),
}

/// Keeps what directories say; how much of it is new.
pub(super) fn identify(
    db: &Connection,
    tenant: TenantId,
    reports: &[(IdentityReport, Timestamp)],
) -> Result<u64, Failure> {
    let mut known = db.prepare_cached(
        "UPDATE person_identity SET last_seen = max(last_seen, ?8)
         WHERE tenant = ?1 AND name = ?2 AND domain = ?3 AND sid = ?4 AND upn = ?5
         AND object_id = ?6 AND mail = ?7",
    )?;
    let mut insert = db.prepare_cached(
        "INSERT INTO person_identity (tenant, name, domain, sid, upn, object_id, mail, last_seen)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut new = 0;
    for (report, time) in reports.iter().filter(|(report, _)| report.joins()) {
        let object_id = report.object_id.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let values = params![
            tenant.0,
            text(&report.name),
            text(&report.domain),
            text(&report.sid),
            text(&report.upn),
            object_id,
            text(&report.mail),
            time.ticks()
        ];
        if known.execute(values)? == 0 {
            insert.execute(values)?;
            new += 1;
        }
    }
    Ok(new)
}

/// The accounts that a text names by itself: by an identifier, else as a user's name.
pub(super) fn named(
    db: &Connection,
    tenant: TenantId,
    text: &str,
    fallback: Option<&UserSelector>,
) -> Result<Vec<AccountKey>, Failure> {
    let (accounts, _) = seeds(db, tenant, text, fallback)?;
    accounts.into_iter().map(|number| Ok(kept(db, number)?.key)).collect()
}

/// The accounts of the person, or of the people, that a text names.
pub(super) fn accounts(
    db: &Connection,
    tenant: TenantId,
    text: &str,
    fallback: Option<&UserSelector>,
) -> Result<Vec<PersonAccount>, Failure> {
    let (accounts, identities) = seeds(db, tenant, text, fallback)?;
    let nodes = accounts.into_iter().map(Node::Account);
    let nodes = nodes.chain(identities.into_iter().map(Node::Identity));
    let mut waiting: VecDeque<Node> = nodes.collect();
    let mut met: BTreeSet<Node> = waiting.iter().copied().collect();
    let mut found = Vec::new();
    while let Some(node) = waiting.pop_front() {
        let (identifiers, account) = match node {
            Node::Account(number) => {
                let kept = kept(db, number)?;
                let decision = decide::decision(db, tenant, &kept.key)?;
                (kept.identifiers.clone(), Some((number, kept, decision)))
            }
            Node::Identity(number) => (identity(db, number)?.identifiers(), None),
        };
        let mut next = Vec::new();
        if !account.as_ref().is_some_and(|(_, _, decision)| decision.is_apart) {
            for identifier in &identifiers {
                next.extend(holders(db, tenant, identifier)?);
            }
        }
        if let Some((_, kept, _)) = &account {
            next.extend(decide::linked(db, tenant, &kept.key)?);
        }
        for node in next {
            if is_apart(db, tenant, node)? && !is_linked(db, tenant, node, account.as_ref())? {
                continue;
            }
            if met.len() < MAX_NODES && met.insert(node) {
                waiting.push_back(node);
            }
        }
        if let Some((_, kept, decision)) = account {
            found.push(PersonAccount {
                account: kept.account,
                key: kept.key,
                decision,
                identifiers,
            });
        }
    }
    found.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(found)
}

/// Whether somebody said that an account is nobody else's.
fn is_apart(db: &Connection, tenant: TenantId, node: Node) -> Result<bool, Failure> {
    let Node::Account(number) = node else { return Ok(false) };
    Ok(decide::decision(db, tenant, &kept(db, number)?.key)?.is_apart)
}

/// Whether somebody linked two accounts.
fn is_linked(
    db: &Connection,
    tenant: TenantId,
    node: Node,
    from: Option<&(i64, Kept, PersonDecision)>,
) -> Result<bool, Failure> {
    let Some((_, kept, _)) = from else { return Ok(false) };
    Ok(decide::linked(db, tenant, &kept.key)?.contains(&node))
}

fn seeds(
    db: &Connection,
    tenant: TenantId,
    text: &str,
    fallback: Option<&UserSelector>,
) -> Result<(BTreeSet<i64>, BTreeSet<i64>), Failure> {
    let (mut accounts, mut identities) = (BTreeSet::new(), BTreeSet::new());
    for identifier in read_identifier(text) {
        let (mut own, mut said) = (BTreeSet::new(), BTreeSet::new());
        for node in holders::all(db, tenant, &identifier)? {
            match node {
                Node::Account(number) => own.insert(number),
                Node::Identity(number) => said.insert(number),
            };
        }
        // From an account the evidence leads on, unless somebody took it out.
        if own.is_empty() {
            identities.extend(said);
        }
        accounts.extend(own);
    }
    if let (true, true, Some(user)) = (accounts.is_empty(), identities.is_empty(), fallback) {
        if let Some(keys) = &user.accounts {
            for key in keys {
                accounts.extend(number_of(db, tenant, key)?);
            }
            return Ok((accounts, identities));
        }
        let mut find = db.prepare_cached(
            "SELECT number FROM account WHERE tenant = ?1 AND name = ?2
             AND (?3 IS NULL OR EXISTS (SELECT 1 FROM account_domain
                 WHERE account_domain.account = account.number AND domain = ?3))",
        )?;
        let found = find.query_map(params![tenant.0, user.name, user.domain], |row| row.get(0))?;
        accounts = found.collect::<Result<_, _>>()?;
    }
    Ok((accounts, identities))
}

/// An account as it is kept.
struct Kept {
    account: Account,
    key: AccountKey,
    identifiers: Vec<PersonIdentifier>,
}

fn kept(db: &Connection, number: i64) -> Result<Kept, Failure> {
    let (mut account, authority) = db
        .prepare_cached(
            "SELECT name, authority, sid, upn, object_id FROM account WHERE number = ?1",
        )?
        .query_row([number], |row| {
            let account = Account {
                name: row.get(0)?,
                domain: String::new(),
                sid: row.get(2)?,
                upn: row.get(3)?,
                object_id: row.get(4)?,
            };
            Ok((account, row.get::<_, String>(1)?))
        })?;
    let domains: Vec<String> = db
        .prepare_cached(
            "SELECT domain FROM account_domain WHERE account = ?1
             ORDER BY instr(domain, '.') > 0, domain",
        )?
        .query_map([number], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let forms: Vec<&str> = domains.iter().map(String::as_str).collect();
    let identifiers = identifiers_of(&account, &forms);
    account.domain = domains.first().cloned().unwrap_or_default();
    let key = AccountKey { name: account.name.clone(), authority };
    Ok(Kept { account, key, identifiers })
}

fn identity(db: &Connection, number: i64) -> Result<IdentityReport, Failure> {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let report = db
        .prepare_cached(
            "SELECT name, domain, sid, upn, object_id, mail FROM person_identity
             WHERE number = ?1",
        )?
        .query_row([number], |row| {
            let object_id: Vec<u8> = row.get(4)?;
            Ok(IdentityReport {
                name: some(row.get(0)?),
                domain: some(row.get(1)?),
                sid: some(row.get(2)?),
                upn: some(row.get(3)?),
                object_id: Uuid::from_slice(&object_id).ok(),
                mail: some(row.get(5)?),
            })
        })
        .optional()?;
    Ok(report.unwrap_or_default())
}

/// The number of the account with a key.
fn number_of(db: &Connection, tenant: TenantId, key: &AccountKey) -> Result<Option<i64>, Failure> {
    Ok(db
        .prepare_cached(
            "SELECT number FROM account WHERE tenant = ?1 AND name = ?2 AND authority = ?3",
        )?
        .query_row(params![tenant.0, key.name, key.authority], |row| row.get(0))
        .optional()?)
}

/// Forgets what directories said last before a moment.
pub(super) fn prune(db: &Connection, tenant: TenantId, before: i64) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM person_identity WHERE tenant = ?1 AND last_seen < ?2")?
        .execute(params![tenant.0, before])?;
    Ok(())
}

/// Erases what directories say of an account, or of the user that a selector means, and what somebody
/// decided; how many identities those were.
pub(super) fn erase(
    db: &Connection,
    tenant: TenantId,
    user: &UserSelector,
    accounts: &[i64],
) -> Result<u64, Failure> {
    let mut identities: BTreeSet<i64> = BTreeSet::new();
    let mut keys = Vec::new();
    for &number in accounts {
        let kept = kept(db, number)?;
        for identifier in &kept.identifiers {
            for node in holders::all(db, tenant, identifier)? {
                if let Node::Identity(number) = node {
                    identities.insert(number);
                }
            }
        }
        keys.push(kept.key);
    }
    // Who names accounts means no other of their names.
    let mut named = db.prepare_cached(
        "SELECT number FROM person_identity WHERE tenant = ?1 AND name = ?2
         AND (?3 IS NULL OR domain = ?3) AND NOT ?4",
    )?;
    let is_exact = user.accounts.is_some();
    let named =
        named.query_map(params![tenant.0, user.name, user.domain, is_exact], |row| row.get(0))?;
    for number in named {
        identities.insert(number?);
    }
    for number in &identities {
        db.prepare_cached("DELETE FROM person_identity WHERE number = ?1")?.execute([number])?;
    }
    for key in keys {
        decide::erase(db, tenant, &key)?;
    }
    Ok(identities.len() as u64)
}
