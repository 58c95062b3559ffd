//! What a scope shows, And-ed onto every question in this one place.
//!
//! A question names the tables `machine`, `relation`, `relation_day` and `account` as if everything
//! were to be seen. [`Visible::prepare`] puts definitions of the same names before it, which hide
//! the tables behind what the scope shows; so a question cannot forget its scope, and what is
//! outside of it is as if it were in no table. SQLite folds the definitions into the question.

use std::fmt::Write;

use inventory::access::scope::{Groups, Scope};
use inventory::ids::TenantId;
use rusqlite::{CachedStatement, Connection};

use crate::sqlite::Failure;

/// Machines up to which a question about all that a scope shows starts from the machines. Beyond,
/// it passes over what is outside: as often as something is inside, that costs less.
const FEW: i64 = 5_000;

/// The parts of the database that a scope shows.
pub(in crate::sqlite) struct Visible<'a> {
    db: &'a Connection,
    tenant: i64,
    /// The device groups as a JSON array; `None` for all.
    groups: Option<String>,
}

/// Where SQLite starts from: without statistics it cannot know which way is short.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// From what the question asks for; each machine that is met is looked at.
    Question,
    /// From the machines of the scope's groups.
    Groups,
    /// From the numbers of machines that the question says.
    Numbers,
    /// As from the question, but for the table `machine_by_time`: all machines, walked in the order of
    /// time. A question about much is best asked of it.
    LastSeen,
}

/// The columns of `machine` that show as they are.
const PLAIN: &str = "number, id, name, name_key, host_key, first_seen, last_seen,
    exclusion, os_platform, os_processor, version, last_ip_address,
    last_external_ip_address, agent_version, os_build, os_architecture, is_aad_joined,
    aad_device_id, risk_score, exposure_level, onboarding_status, managed_by, managed_by_status,
    ip_addresses, vm_metadata, device_value, rbac_group_id, tags";

/// Evaluated only for rows whose name of the group is asked for, and which are in one.
const GROUP_NAME: &str = "CASE WHEN rbac_group_id <> 0 THEN (
    SELECT device_group.name FROM main.device_group AS device_group
    WHERE device_group.tenant = :tenant AND device_group.id = machine.rbac_group_id) END";

/// A machine outside of the scope is not named by one inside.
const MERGED_INTO: &str = "CASE WHEN merged_into IS NOT NULL AND EXISTS (
    SELECT 1 FROM main.machine AS target
    WHERE target.tenant = :tenant AND target.id = machine.merged_into
    AND target.rbac_group_id IN (SELECT value FROM json_each(:groups))) THEN merged_into END";

/// Nor does one outside show by making one inside look like it. Evaluated for those rows alone that are
/// marked.
const DUPLICATION: &str = "CASE WHEN is_potential_duplication AND (EXISTS (
        SELECT 1 FROM main.machine AS other
        WHERE other.tenant = :tenant AND other.name_key = machine.name_key
        AND other.number <> machine.number
        AND other.rbac_group_id IN (SELECT value FROM json_each(:groups)))
    OR EXISTS (
        SELECT 1 FROM main.machine_identifier AS told
        JOIN main.machine_identifier AS same ON same.tenant = told.tenant
            AND same.kind = told.kind AND same.value = told.value
        LEFT JOIN main.machine_record AS record ON record.number = same.machine
            AND NOT record.is_merged
        JOIN main.machine AS other ON other.number = coalesce(record.machine, same.machine)
        WHERE told.machine IN (SELECT machine.number UNION ALL
            SELECT own.number FROM main.machine_record AS own WHERE own.machine = machine.number)
        AND other.number <> machine.number
        AND other.rbac_group_id IN (SELECT value FROM json_each(:groups))))
    THEN 1 ELSE 0 END";

/// The + keeps SQLite from starting with the index by group.
const SHOWN: &str = "+machine.rbac_group_id IN (SELECT value FROM json_each(:groups))";

const ACCOUNT: &str = "SELECT account.* FROM main.account AS account WHERE tenant = :tenant";

impl<'a> Visible<'a> {
    pub(in crate::sqlite) fn new(db: &'a Connection, scope: &Scope) -> Self {
        let groups = match scope.groups() {
            Groups::All => None,
            Groups::Only(ids) => {
                let ids: Vec<_> = ids.iter().map(i32::to_string).collect();
                Some(format!("[{}]", ids.join(",")))
            }
        };
        Self { db, tenant: scope.tenant().0, groups }
    }

    /// The database itself, for tables that say nothing without a row of those above.
    pub(in crate::sqlite) fn db(&self) -> &'a Connection {
        self.db
    }

    /// Whose the tables are.
    pub(in crate::sqlite) fn tenant(&self) -> TenantId {
        TenantId(self.tenant)
    }

    /// Whether the scope shows every machine of its tenant.
    pub(super) fn is_whole(&self) -> bool {
        self.groups.is_none()
    }

    /// Makes a question ready to be asked; its own parameters are named ones. A question about
    /// relations reaches them through a machine or an account, which know their tenant.
    pub(super) fn prepare(&self, question: &str) -> Result<CachedStatement<'a>, Failure> {
        self.prepare_from(Start::Question, question)
    }

    /// The same, told where to start from.
    pub(super) fn prepare_from(
        &self,
        start: Start,
        question: &str,
    ) -> Result<CachedStatement<'a>, Failure> {
        let definitions = match (&self.groups, start) {
            (None, Start::LastSeen) => {
                whole("tenant") + &by_time("merged_into", "is_potential_duplication", "1")
            }
            (None, Start::Numbers) => whole("+tenant"),
            (None, _) => whole("tenant"),
            (Some(_), Start::Question) => from_question("tenant"),
            (Some(_), Start::LastSeen) => {
                from_question("tenant") + &by_time(MERGED_INTO, DUPLICATION, SHOWN)
            }
            (Some(_), Start::Numbers) => from_question("+tenant"),
            (Some(_), Start::Groups) => from_groups(),
        };
        let mut statement = self.db.prepare_cached(&format!("{definitions} {question}"))?;
        statement.raw_bind_parameter(":tenant", self.tenant)?;
        if let Some(groups) = &self.groups {
            statement.raw_bind_parameter(":groups", groups)?;
        }
        Ok(statement)
    }

    /// Where a question about all that the scope shows is to start from.
    pub(super) fn survey(&self) -> Result<Start, Failure> {
        if self.is_whole() {
            return Ok(Start::Question);
        }
        let mut count = self.prepare_from(
            Start::Groups,
            "SELECT count(*) FROM (SELECT 1 FROM machine LIMIT :few + 1)",
        )?;
        let machines: i64 = count.query_row(&[(":few", &FEW)], |row| row.get(0))?;
        Ok(if machines <= FEW { Start::Groups } else { Start::Question })
    }

    /// Whether a question about a user would touch more relations than `most`, those outside of
    /// the scope among them: it counts work, of which nothing shows but the thread that does it.
    pub(super) fn touches_more_than(
        &self,
        accounts: &str,
        values: &[(&str, &dyn rusqlite::ToSql)],
        most: usize,
    ) -> Result<bool, Failure> {
        let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
        let mut count = self.db.prepare_cached(&format!(
            "WITH account AS NOT MATERIALIZED ({ACCOUNT})
             SELECT count(*) FROM (SELECT 1 FROM relation WHERE account IN ({accounts}) LIMIT :most)"
        ))?;
        count.raw_bind_parameter(":tenant", self.tenant)?;
        count.raw_bind_parameter(":most", limit)?;
        for (name, value) in values {
            count.raw_bind_parameter(*name, value)?;
        }
        let mut rows = count.raw_query();
        let touched: i64 = match rows.next()? {
            Some(row) => row.get(0)?,
            None => 0,
        };
        Ok(touched >= limit)
    }
}

/// Every machine of the tenant. Relations stay the bare tables: to look at each one's machine would
/// cost every answer, and those of other tenants are reached by no machine or account of this one.
// With a + before it the tenant's indexes of machines serve nothing, of which SQLite thinks too well.
fn whole(tenant: &str) -> String {
    format!(
        "WITH machine AS NOT MATERIALIZED (SELECT {PLAIN}, merged_into, is_potential_duplication,
             {GROUP_NAME} AS rbac_group_name FROM main.machine AS machine
             WHERE {tenant} = :tenant),
         account AS NOT MATERIALIZED ({ACCOUNT})"
    )
}

/// The machines once more, in the order of their index by time.
fn by_time(merged_into: &str, duplication: &str, shown: &str) -> String {
    format!(
        ", machine_by_time AS NOT MATERIALIZED (SELECT {PLAIN}, {merged_into} AS merged_into,
             {duplication} AS is_potential_duplication,
             {GROUP_NAME} AS rbac_group_name
             FROM main.machine AS machine INDEXED BY machine_by_last_seen
             WHERE tenant = :tenant AND {shown})"
    )
}

fn from_question(tenant: &str) -> String {
    let shown = SHOWN;
    let mut sql = format!(
        "WITH machine AS NOT MATERIALIZED (SELECT {PLAIN}, {MERGED_INTO} AS merged_into,
             {DUPLICATION} AS is_potential_duplication,
             {GROUP_NAME} AS rbac_group_name FROM main.machine AS machine
             WHERE {tenant} = :tenant AND {shown})"
    );
    for table in ["relation", "relation_day"] {
        // Writing to a String cannot fail.
        let _ = write!(
            sql,
            ", {table} AS NOT MATERIALIZED (SELECT {table}.* FROM main.{table} AS {table}
                 CROSS JOIN main.machine AS machine ON machine.number = {table}.machine
                 WHERE machine.tenant = :tenant AND {shown})"
        );
    }
    let _ = write!(
        sql,
        ", account AS NOT MATERIALIZED ({ACCOUNT}
             AND EXISTS (SELECT 1 FROM relation WHERE relation.account = account.number))"
    );
    sql
}

fn from_groups() -> String {
    let machines = "main.machine AS machine INDEXED BY machine_by_group";
    let shown = "machine.rbac_group_id IN (SELECT value FROM json_each(:groups))";
    let mut sql = format!(
        "WITH machine AS NOT MATERIALIZED (SELECT {PLAIN}, {MERGED_INTO} AS merged_into,
             {DUPLICATION} AS is_potential_duplication,
             {GROUP_NAME} AS rbac_group_name FROM {machines}
             WHERE machine.tenant = :tenant AND {shown})"
    );
    for table in ["relation", "relation_day"] {
        let by_machine =
            "SELECT account FROM main.relation AS met WHERE met.machine = machine.number";
        let accounts = match table {
            // The days have no index by machine; the relations tell their accounts.
            "relation_day" => format!("AND relation_day.account IN ({by_machine})"),
            _ => String::new(),
        };
        let _ = write!(
            sql,
            ", {table} AS NOT MATERIALIZED (SELECT {table}.* FROM {machines}
                 CROSS JOIN main.{table} AS {table} ON {table}.machine = machine.number {accounts}
                 WHERE machine.tenant = :tenant AND {shown})"
        );
    }
    let _ = write!(
        sql,
        ", account AS NOT MATERIALIZED ({ACCOUNT}
             AND account.number IN (SELECT relation.account FROM relation))"
    );
    sql
}
