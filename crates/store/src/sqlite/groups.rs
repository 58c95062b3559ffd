//! The device groups of machines: decided when a machine changes, and step by step when the rules
//! do.

use std::collections::HashMap;
use std::sync::Arc;

use inventory::access::device_group::{Matcher, Subject, UNGROUPED};
use inventory::ids::TenantId;
use rusqlite::{Connection, Row, params};

use super::record::Writer;
use super::values::from_json;
use super::{Failure, directory};
use crate::{GroupCount, Regrouped};

/// The rules of each tenant, made ready, with the generation of the directory that they are of.
#[derive(Default)]
pub(super) struct Matchers(HashMap<TenantId, (i64, Option<Arc<Matcher>>)>);

impl Matchers {
    /// The rules that hold in this transaction; `None` for a tenant without device groups.
    pub(super) fn of(
        &mut self,
        db: &Connection,
        tenant: TenantId,
    ) -> Result<Option<Arc<Matcher>>, Failure> {
        let generation: i64 = db
            .prepare_cached("SELECT directory_generation FROM tenant WHERE number = ?1")?
            .query_row([tenant.0], |row| row.get(0))?;
        if let Some((known, matcher)) = self.0.get(&tenant)
            && *known == generation
        {
            return Ok(matcher.clone());
        }
        let groups = directory::directory(db, tenant)?.directory.device_groups;
        let matcher = (!groups.is_empty()).then(|| Arc::new(Matcher::new(&groups)));
        self.0.insert(tenant, (generation, matcher.clone()));
        Ok(matcher)
    }
}

/// The columns that [`group_at`] reads, in its order.
const SUBJECT: &str = "name, tags, os_platform";

/// The group that the rules say for a row that has [`SUBJECT`] from a column on.
fn group_at(row: &Row<'_>, first: usize, matcher: &Matcher) -> Result<i32, Failure> {
    let text = |column| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
    let tags: Vec<String> = match text(first + 1)? {
        Some(tags) => from_json(tags)?,
        None => Vec::new(),
    };
    Ok(matcher.group_of(Subject {
        name: text(first)?.unwrap_or_default(),
        tags: &tags,
        os_platform: text(first + 2)?,
    }))
}

/// Puts a machine that is new or has changed into its group.
pub(super) fn place(db: &Connection, matcher: &Matcher, machine: i64) -> Result<(), Failure> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {SUBJECT}, rbac_group_id FROM machine WHERE number = ?1"
    ))?;
    let mut rows = statement.query([machine])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    let group = group_at(row, 0, matcher)?;
    if group != row.get::<_, i32>(3)? {
        put(db, machine, group)?;
    }
    Ok(())
}

fn put(db: &Connection, machine: i64, group: i32) -> Result<(), Failure> {
    db.prepare_cached("UPDATE machine SET rbac_group_id = ?2 WHERE number = ?1")?
        .execute(params![machine, group])?;
    Ok(())
}

/// One step of putting all machines into their groups, in one short transaction.
pub(super) fn regroup(
    writer: &mut Writer,
    tenant: TenantId,
    most: u64,
) -> Result<Regrouped, Failure> {
    let (transaction, matchers) = writer.transaction_with_matchers()?;
    let cursor: Option<i64> = transaction
        .prepare_cached("SELECT regrouped_to FROM tenant WHERE number = ?1")?
        .query_row([tenant.0], |row| row.get(0))?;
    let Some(cursor) = cursor else {
        return Ok(Regrouped { finished: true, ..Regrouped::default() });
    };
    let matcher = matchers.of(&transaction, tenant)?;
    let mut step = Regrouped::default();
    let mut moves = Vec::new();
    let mut last = None;
    let mut rows_seen = 0;
    {
        // Machines of every tenant, by number: those of others count as work, so that a step is
        // short whomever the machines belong to.
        let mut statement = transaction.prepare_cached(&format!(
            "SELECT number, tenant, rbac_group_id, {SUBJECT} FROM machine
             WHERE number > ?1 ORDER BY number LIMIT ?2"
        ))?;
        let mut rows = statement.query(params![cursor, i64::try_from(most).unwrap_or(i64::MAX)])?;
        while let Some(row) = rows.next()? {
            rows_seen += 1;
            let number = row.get(0)?;
            last = Some(number);
            if row.get::<_, i64>(1)? != tenant.0 {
                continue;
            }
            step.machines += 1;
            let group = match &matcher {
                Some(matcher) => group_at(row, 3, matcher)?,
                None => UNGROUPED,
            };
            if group != row.get::<_, i32>(2)? {
                moves.push((number, group));
            }
        }
    }
    for &(number, group) in &moves {
        put(&transaction, number, group)?;
    }
    step.moved = moves.len() as u64;
    step.finished = rows_seen < most;
    transaction
        .prepare_cached("UPDATE tenant SET regrouped_to = ?2 WHERE number = ?1")?
        .execute(params![tenant.0, if step.finished { None } else { last }])?;
    transaction.commit()?;
    Ok(step)
}

pub(super) fn counts(db: &Connection, tenant: TenantId) -> Result<Vec<GroupCount>, Failure> {
    let mut statement = db.prepare_cached(
        "SELECT rbac_group_id, count(*) FROM machine WHERE tenant = ?1 GROUP BY rbac_group_id",
    )?;
    let counts = statement.query_map([tenant.0], |row| {
        Ok(GroupCount { group: row.get(0)?, machines: row.get::<_, i64>(1)?.cast_unsigned() })
    })?;
    Ok(counts.collect::<Result<_, _>>()?)
}

/// The group of a machine and its name.
pub(super) fn of(db: &Connection, number: i64) -> Result<(i32, Option<String>), Failure> {
    let group = db
        .prepare_cached(
            "SELECT rbac_group_id, device_group.name FROM machine LEFT JOIN device_group
                 ON device_group.tenant = machine.tenant AND device_group.id = rbac_group_id
             WHERE number = ?1",
        )?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(group)
}
