//! Who holds an identifier of a person.

use std::collections::BTreeSet;

use inventory::ids::TenantId;
use inventory::person::{PersonIdentifier, entra_sid};
use rusqlite::{Connection, Params, params};

use super::Node;
use crate::sqlite::Failure;

/// The accounts and identities that are one person's by an identifier. A name in a domain that several
/// SIDs had, one after the other, is of several people.
pub(super) fn holders(
    db: &Connection,
    tenant: TenantId,
    identifier: &PersonIdentifier,
) -> Result<Vec<Node>, Failure> {
    if let PersonIdentifier::Name(domain, name) = identifier {
        let sids: i64 = db
            .prepare_cached(
                "SELECT count(DISTINCT upper(sid)) FROM (
                     SELECT sid FROM account JOIN account_domain
                         ON account_domain.account = account.number
                     WHERE tenant = ?1 AND name = ?2 AND domain = ?3
                     UNION SELECT sid FROM person_identity
                     WHERE tenant = ?1 AND name = ?2 AND domain = ?3)
                 WHERE sid LIKE 'S-1-5-21-%' OR sid LIKE 'S-1-12-1-%'",
            )?
            .query_row(params![tenant.0, name, domain], |row| row.get(0))?;
        if sids > 1 {
            return Ok(Vec::new());
        }
    }
    all(db, tenant, identifier)
}

/// Everything that holds an identifier.
pub(super) fn all(
    db: &Connection,
    tenant: TenantId,
    identifier: &PersonIdentifier,
) -> Result<Vec<Node>, Failure> {
    let mut nodes: BTreeSet<Node> = BTreeSet::new();
    match identifier {
        PersonIdentifier::Sid(sid) => {
            find(db, &mut nodes, "account WHERE tenant = ?1 AND sid = ?2", params![tenant.0, sid])?;
            let said = "person_identity WHERE tenant = ?1 AND sid = ?2 AND sid <> ''";
            find(db, &mut nodes, said, params![tenant.0, sid])?;
        }
        PersonIdentifier::ObjectId(id) => {
            let bytes = id.as_bytes().to_vec();
            let own = "account WHERE tenant = ?1 AND object_id = ?2";
            find(db, &mut nodes, own, params![tenant.0, bytes])?;
            let said = "person_identity WHERE tenant = ?1 AND object_id = ?2 AND object_id <> x''";
            find(db, &mut nodes, said, params![tenant.0, bytes])?;
            nodes.extend(all(db, tenant, &PersonIdentifier::Sid(entra_sid(*id)))?);
        }
        PersonIdentifier::Upn(upn) => {
            find(db, &mut nodes, "account WHERE tenant = ?1 AND upn = ?2", params![tenant.0, upn])?;
            let said = "person_identity WHERE tenant = ?1 AND upn = ?2 AND upn <> ''";
            find(db, &mut nodes, said, params![tenant.0, upn])?;
        }
        PersonIdentifier::Mail(mail) => {
            let said = "person_identity WHERE tenant = ?1 AND mail = ?2 AND mail <> ''";
            find(db, &mut nodes, said, params![tenant.0, mail])?;
        }
        PersonIdentifier::Name(domain, name) => {
            let own = "account WHERE tenant = ?1 AND name = ?2 AND EXISTS (
                SELECT 1 FROM account_domain
                WHERE account_domain.account = account.number AND domain = ?3)";
            find(db, &mut nodes, own, params![tenant.0, name, domain])?;
            let said = "person_identity WHERE tenant = ?1 AND name = ?2 AND domain = ?3";
            find(db, &mut nodes, said, params![tenant.0, name, domain])?;
        }
    }
    Ok(nodes.into_iter().collect())
}

fn find(
    db: &Connection,
    nodes: &mut BTreeSet<Node>,
    from: &str,
    values: impl Params,
) -> Result<(), Failure> {
    let make = if from.starts_with("account ") { Node::Account } else { Node::Identity };
    let mut statement = db.prepare_cached(&format!("SELECT number FROM {from}"))?;
    for number in statement.query_map(values, |row| row.get(0))? {
        nodes.insert(make(number?));
    }
    Ok(())
}
