//! Which names there are: how many accounts share one, which names a domain goes by, and which are about as
//! long as one that is not known.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use inventory::ids::TenantId;
use rusqlite::{Connection, params};

use super::Failure;
use crate::NamesOf;

/// The domain that Windows writes for every account of Entra, of whichever organisation: it is no other
/// domain's name.
const ENTRA_DOMAIN: &str = "azuread";

/// Of accounts of the domain, and of those whose UPN has the realm: their domains and SIDs.
const OF_DOMAIN: &str = "
    SELECT DISTINCT coalesce(domain, ''), coalesce(sid, '') FROM (
        SELECT number, sid FROM account_domain JOIN account ON number = account
        WHERE tenant = ?1 AND domain = ?2
        UNION SELECT number, sid FROM account WHERE tenant = ?1 AND substr(upn, -length(?3)) = ?3
    ) LEFT JOIN account_domain ON account = number
    UNION SELECT domain, sid FROM person_identity
    WHERE tenant = ?1 AND (domain = ?2 OR substr(upn, -length(?3)) = ?3)";
/// Domains of the accounts whose SIDs are between two texts.
const OF_SID: &str = "
    SELECT DISTINCT domain FROM account JOIN account_domain ON account = number
    WHERE tenant = ?1 AND sid > ?2 AND sid < ?3";
const USERS: &str = "
    SELECT DISTINCT name FROM account
    WHERE tenant = ?1 AND length(name) BETWEEN ?2 AND ?3 LIMIT ?4";
/// A machine is meant by its full name and by its short one.
const MACHINES: &str = "
    SELECT name_key FROM machine WHERE tenant = ?1 AND length(name_key) BETWEEN ?2 AND ?3
    UNION SELECT host_key FROM machine WHERE tenant = ?1 AND length(host_key) BETWEEN ?2 AND ?3
    LIMIT ?4";

/// The names that more than one account has, and how many have each.
pub(super) fn shared(db: &Connection, tenant: TenantId) -> Result<HashMap<String, u64>, Failure> {
    let mut find = db.prepare_cached(
        "SELECT name, count(*) FROM account WHERE tenant = ?1 GROUP BY name HAVING count(*) > 1",
    )?;
    let found =
        find.query_map([tenant.0], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Every name, folded, under which a domain or realm is known; `None` where nothing is known of it.
pub(super) fn domains(
    db: &Connection,
    tenant: TenantId,
    domain: &str,
) -> Result<Option<Vec<String>>, Failure> {
    let (mut names, mut sids) = (BTreeSet::new(), BTreeSet::new());
    let mut of_domain = db.prepare_cached(OF_DOMAIN)?;
    let mut rows = of_domain.query(params![tenant.0, domain, format!("@{domain}")])?;
    let mut is_known = false;
    while let Some(row) = rows.next()? {
        is_known = true;
        names.insert(row.get::<_, String>(0)?);
        sids.extend(domain_sid(&row.get::<_, String>(1)?).map(str::to_owned));
    }
    if !is_known {
        return Ok(None);
    }
    let mut of_sid = db.prepare_cached(OF_SID)?;
    for sid in sids {
        // What comes behind a `-` is below what comes behind a `.`.
        let values = params![tenant.0, format!("{sid}-"), format!("{sid}.")];
        for name in of_sid.query_map(values, |row| row.get(0))? {
            names.insert(name?);
        }
    }
    names.retain(|name| name == domain || !["", ENTRA_DOMAIN].contains(&name.as_str()));
    Ok(Some(names.into_iter().collect()))
}

/// The part of an account's SID that is its domain's.
fn domain_sid(sid: &str) -> Option<&str> {
    let (domain, _) = sid.rsplit_once('-')?;
    domain.starts_with("S-1-5-21-").then_some(domain)
}

/// Names whose length is within bounds, folded, at most so many.
pub(super) fn names(
    db: &Connection,
    tenant: TenantId,
    of: NamesOf,
    chars: RangeInclusive<usize>,
    most: usize,
) -> Result<Vec<String>, Failure> {
    let mut find = db.prepare_cached(match of {
        NamesOf::Users => USERS,
        NamesOf::Machines => MACHINES,
    })?;
    let bounds = params![tenant.0, *chars.start() as i64, *chars.end() as i64, most as i64];
    let found = find.query_map(bounds, |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}
