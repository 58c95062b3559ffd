//! The questions.
//!
//! Each is asked of what its scope shows ([`visible`]), never of the tables themselves. Machines of
//! a page are found in two steps where their order is not an index's: first the numbers and times
//! that the order needs, then, for the wanted page alone, the machines themselves.

mod condition;
pub(super) mod facts;
pub(super) mod list;
pub(super) mod presence;
pub(super) mod preview;
pub(super) mod remotes;
pub(super) mod users;
pub(super) mod visible;

use std::collections::HashMap;

use inventory::account::Account;
use inventory::ids::MachineId;
use inventory::logon::LogonTypes;
use inventory::machine::Machine;
use inventory::query::{MachineSelector, Page, UserSelector, Window};
use inventory::relation::{MachineUser, Relation, UserMachine};
use rusqlite::{OptionalExtension, Row, ToSql, named_params};

use self::visible::Visible;
use super::Failure;
use super::values::{machine_id, timestamp};
use crate::{RelationRow, Totals};

/// The relations that a window admits, as a table expression with the columns `account`,
/// `machine`, `first_seen`, `last_seen`, `logon_types`, `logon_count`, which takes the window's
/// values as `:since` and `:types`. Both forms use both values, so that a statement's parameters
/// do not depend on the window.
fn relations_in(window: Window, condition: &str) -> String {
    if window == Window::ALL {
        return format!(
            "SELECT account, machine, first_seen, last_seen, logon_types, logon_count
             FROM relation WHERE {condition} AND :since IS NOT NULL AND :types IS NOT NULL"
        );
    }
    format!(
        "SELECT account, machine, min(day * 864000000000 + first_tick) AS first_seen,
             max(day * 864000000000 + last_tick) AS last_seen,
             sum(DISTINCT 1 << logon_type) AS logon_types, sum(logon_count) AS logon_count
         FROM relation_day WHERE {condition} AND day >= :since AND (1 << logon_type) & :types
         GROUP BY account, machine"
    )
}

fn since(window: Window) -> i64 {
    window.since.map_or(i64::MIN, |day| i64::from(day.0))
}

fn relation_at(row: &Row<'_>, first: usize) -> Result<Relation, Failure> {
    Ok(Relation {
        first_seen: timestamp(row.get(first)?)?,
        last_seen: timestamp(row.get(first + 1)?)?,
        logon_types: LogonTypes::from_bits(row.get(first + 2)?),
        logon_count: row.get::<_, i64>(first + 3)?.cast_unsigned(),
    })
}

/// The domain that an account is shown with: the NetBIOS form where one was seen.
pub(super) const DOMAIN: &str = "coalesce((SELECT domain FROM account_domain
    WHERE account_domain.account = account.number
    ORDER BY instr(domain, '.') > 0, domain LIMIT 1), '')";

fn account_at(row: &Row<'_>, first: usize) -> Result<Account, Failure> {
    Ok(Account {
        name: row.get(first)?,
        domain: row.get(first + 1)?,
        sid: row.get(first + 2)?,
        upn: row.get(first + 3)?,
        object_id: row.get(first + 4)?,
    })
}

fn account_columns() -> String {
    format!("account.name, {DOMAIN} AS domain, account.sid, account.upn, account.object_id")
}

pub(super) fn totals(visible: &Visible<'_>) -> Result<Totals, Failure> {
    let start = visible.survey()?;
    let count = |sql: &str| -> Result<u64, Failure> {
        let mut statement = visible.prepare_from(start, sql)?;
        let mut rows = statement.raw_query();
        let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        Ok(row.get::<_, i64>(0)?.cast_unsigned())
    };
    let (accounts, relations) = if visible.is_whole() {
        (
            "SELECT count(*) FROM account",
            "SELECT count(*) FROM relation JOIN account ON account.number = relation.account",
        )
    } else {
        ("SELECT count(DISTINCT account) FROM relation", "SELECT count(*) FROM relation")
    };
    Ok(Totals {
        machines: count("SELECT count(*) FROM machine")?,
        accounts: count(accounts)?,
        relations: count(relations)?,
    })
}

/// The machines of some numbers, in their order.
fn by_numbers(visible: &Visible<'_>, numbers: Vec<i64>) -> Result<Vec<Machine>, Failure> {
    let mut statement = visible
        .prepare(&format!("SELECT {} FROM machine WHERE number = :number", facts::COLUMNS))?;
    let mut machines = Vec::with_capacity(numbers.len());
    for number in numbers {
        let mut rows = statement.query(named_params! { ":number": number })?;
        let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        machines.push(facts::machine_of(row)?);
    }
    Ok(machines)
}

pub(super) fn machine(
    visible: &Visible<'_>,
    machine: &MachineSelector,
) -> Result<Option<Machine>, Failure> {
    let find = |column: &str, key: &dyn ToSql| -> Result<Option<Machine>, Failure> {
        // The + keeps SQLite from walking all machines in the order of time.
        let mut statement = visible.prepare(&format!(
            "SELECT {} FROM machine WHERE {column} = :key
             ORDER BY +last_seen DESC, id LIMIT 1",
            facts::COLUMNS
        ))?;
        let mut rows = statement.query(named_params! { ":key": key })?;
        rows.next()?.map(facts::machine_of).transpose()
    };
    match machine {
        MachineSelector::Id(id) => find("id", &id.0),
        MachineSelector::AadDeviceId(id) => find("aad_device_id", id),
        MachineSelector::Name(name) => match find("name_key", name)? {
            Some(machine) => Ok(Some(machine)),
            None => find("host_key", name),
        },
    }
}

/// The number of a machine.
pub(super) fn number(visible: &Visible<'_>, machine: MachineId) -> Result<Option<i64>, Failure> {
    let mut statement = visible.prepare("SELECT number FROM machine WHERE id = :id")?;
    Ok(statement.query_row(named_params! { ":id": machine.0 }, |row| row.get(0)).optional()?)
}

/// A user's machines; `None` when the user has more than `most` relations.
pub(super) fn machines_of_user(
    visible: &Visible<'_>,
    user: &UserSelector,
    window: Window,
    page: Page,
    most: usize,
) -> Result<Option<Vec<UserMachine>>, Failure> {
    let accounts = "SELECT number FROM account WHERE name = :name AND (:domain IS NULL OR EXISTS (
        SELECT 1 FROM account_domain
        WHERE account_domain.account = account.number AND domain = :domain))";
    let who: &[(&str, &dyn ToSql)] = named_params! { ":name": user.name, ":domain": user.domain };
    if !visible.is_whole() && visible.touches_more_than(accounts, who, most)? {
        return Ok(None);
    }
    let mut statement = visible.prepare(&format!(
        "SELECT machine.number, machine.last_seen, machine.id, related.first_seen,
             related.last_seen, related.logon_types, related.logon_count
         FROM ({}) AS related CROSS JOIN machine ON machine.number = related.machine",
        relations_in(window, &format!("account IN ({accounts})"))
    ))?;
    let mut rows = statement.query(named_params! {
        ":name": user.name,
        ":domain": user.domain,
        ":since": since(window),
        ":types": window.logon_types.bits(),
    })?;
    let mut found: HashMap<i64, (i64, MachineId, Relation)> = HashMap::new();
    let mut relations = 0;
    while let Some(row) = rows.next()? {
        relations += 1;
        if relations > most {
            return Ok(None);
        }
        let relation = relation_at(row, 3)?;
        let id = machine_id(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
        found.entry(row.get(0)?).and_modify(|(_, _, sum)| sum.add(&relation)).or_insert((
            row.get(1)?,
            id,
            relation,
        ));
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_unstable_by_key(|&(_, (last_seen, id, _))| (std::cmp::Reverse(last_seen), id));
    let index = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
    let wanted = found.into_iter().skip(index(page.skip)).take(index(page.top));

    let (numbers, relations): (Vec<_>, Vec<_>) =
        wanted.map(|(number, (_, _, relation))| (number, relation)).unzip();
    let machines = by_numbers(visible, numbers)?.into_iter().zip(relations);
    Ok(Some(machines.map(|(machine, relation)| UserMachine { machine, relation }).collect()))
}

/// A machine's users; `None` when the machine has more than `most` relations.
pub(super) fn users_of_machine(
    visible: &Visible<'_>,
    machine: MachineId,
    window: Window,
    most: usize,
) -> Result<Option<Vec<MachineUser>>, Failure> {
    let Some(number) = number(visible, machine)? else {
        return Ok(Some(Vec::new()));
    };
    // Asked first, because the order makes the statement below work through all rows at once.
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let relations: i64 = visible
        .prepare(
            "SELECT count(*) FROM (SELECT 1 FROM relation WHERE machine = :machine LIMIT :most)",
        )?
        .query_row(
            named_params! { ":machine": number, ":most": limit.saturating_add(1) },
            |row| row.get(0),
        )?;
    if relations > limit {
        return Ok(None);
    }
    // The index by machine gives the accounts; their days are then read by the primary key.
    let condition = "account IN (SELECT account FROM relation WHERE machine = :machine)
        AND machine = :machine";
    let mut statement = visible.prepare(&format!(
        "SELECT {}, related.first_seen, related.last_seen, related.logon_types,
             related.logon_count
         FROM ({}) AS related CROSS JOIN account ON account.number = related.account
         ORDER BY related.last_seen DESC, 2, 1",
        account_columns(),
        relations_in(window, condition)
    ))?;
    let mut rows = statement.query(named_params! {
        ":machine": number,
        ":since": since(window),
        ":types": window.logon_types.bits(),
    })?;
    let mut users = Vec::new();
    while let Some(row) = rows.next()? {
        users.push(MachineUser { account: account_at(row, 0)?, relation: relation_at(row, 5)? });
    }
    Ok(Some(users))
}

/// Gives each relation to `take`, which answers whether it wants more.
pub(super) fn relations(
    visible: &Visible<'_>,
    window: Window,
    mut take: impl FnMut(RelationRow) -> bool,
) -> Result<(), Failure> {
    let question = format!(
        "SELECT {}, related.first_seen, related.last_seen, related.logon_types,
             related.logon_count, machine.id, machine.name
         FROM ({}) AS related
         JOIN account ON account.number = related.account
         JOIN machine ON machine.number = related.machine
         ORDER BY account.name, 2, machine.name_key, machine.id, account.authority",
        account_columns(),
        relations_in(window, "1")
    );
    let mut statement = visible.prepare_from(visible.survey()?, &question)?;
    let mut rows = statement.query(named_params! {
        ":since": since(window),
        ":types": window.logon_types.bits(),
    })?;
    while let Some(row) = rows.next()? {
        let more = take(RelationRow {
            account: account_at(row, 0)?,
            relation: relation_at(row, 5)?,
            machine_id: machine_id(row.get_ref(9)?.as_blob().map_err(rusqlite::Error::from)?)?,
            computer_dns_name: row.get(10)?,
        });
        if !more {
            break;
        }
    }
    Ok(())
}
