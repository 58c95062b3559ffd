//! Which names there are: how many accounts share one, and which are about as long as one that is
//! not known.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use inventory::ids::TenantId;
use rusqlite::{Connection, params};

use super::Failure;
use crate::NamesOf;

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
