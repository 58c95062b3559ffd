//! The questions.
//!
//! Each is asked of what its scope shows ([`visible`]), never of the tables themselves. Machines of
//! a page are found in two steps where their order is not an index's: first the numbers and times
//! that the order needs, then, for the wanted page alone, the machines themselves.

mod condition;
pub(super) mod facts;
pub(super) mod list;
pub(super) mod meant;
pub(super) mod presence;
pub(super) mod preview;
pub(super) mod remotes;
pub(super) mod users;
pub(super) mod visible;
pub(super) mod who;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use inventory::account::Account;
use inventory::identity::IdentifierKind;
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

/// The same of the user that the account is one of.
fn user_columns() -> String {
    let domain = who::domain_of_user();
    format!("account.name, {domain} AS domain, account.sid, account.upn, account.object_id")
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
    let find = |condition: &str, key: &dyn ToSql| -> Result<Option<Machine>, Failure> {
        // The + keeps SQLite from walking all machines in the order of time.
        let mut statement = visible.prepare(&format!(
            "SELECT {} FROM machine WHERE {condition}
             ORDER BY merged_into IS NOT NULL, +last_seen DESC, id LIMIT 1",
            facts::COLUMNS
        ))?;
        let mut rows = statement.query(named_params! { ":key": key })?;
        rows.next()?.map(facts::machine_of).transpose()
    };
    let first = |conditions: &[String], key: &dyn ToSql| -> Result<Option<Machine>, Failure> {
        for condition in conditions {
            if let Some(machine) = find(condition, key)? {
                return Ok(Some(machine));
            }
        }
        Ok(None)
    };
    let as_shown = |column: &str| format!("{column} = :key");
    match machine {
        MachineSelector::Id(id) => first(&[as_shown("id"), of_record("id")], &id.0),
        MachineSelector::AadDeviceId(id) => {
            let ever = of_identifier(IdentifierKind::EntraDeviceId);
            first(&[as_shown("aad_device_id"), ever], id)
        }
        MachineSelector::Name(name) => {
            let names = [as_shown("name_key"), of_record("name_key")];
            let hosts = [as_shown("host_key"), of_record("host_key")];
            let ever = of_identifier(IdentifierKind::DnsName);
            if let Some(machine) = first(&names, name)? {
                return Ok(Some(machine));
            }
            match first(&[ever], &name.as_bytes())? {
                Some(machine) => Ok(Some(machine)),
                None => first(&hosts, name),
            }
        }
    }
}

/// That a machine has a record with a value in a column that is not shown itself. One that a person
/// merged is: who does not see it does not learn where it went.
fn of_record(column: &str) -> String {
    format!(
        "number IN (SELECT record.machine FROM machine_record AS record
             WHERE record.tenant = :tenant AND record.{column} = :key AND NOT record.is_merged)"
    )
}

/// That a machine, or one of its records, was ever told to have an identifier.
fn of_identifier(kind: IdentifierKind) -> String {
    format!(
        "number IN (SELECT coalesce(record.machine, told.machine)
             FROM machine_identifier AS told
             LEFT JOIN machine_record AS record
                 ON record.number = told.machine AND NOT record.is_merged
             WHERE told.tenant = :tenant AND told.kind = {} AND told.value = :key)",
        kind.number()
    )
}

/// The number of a machine by the id of any of its records.
pub(super) fn number(visible: &Visible<'_>, machine: MachineId) -> Result<Option<i64>, Failure> {
    let find = |condition: &str| -> Result<Option<i64>, Failure> {
        let mut statement =
            visible.prepare(&format!("SELECT number FROM machine WHERE {condition}"))?;
        Ok(statement.query_row(named_params! { ":key": machine.0 }, |row| row.get(0)).optional()?)
    };
    match find("id = :key")? {
        Some(number) => Ok(Some(number)),
        None => find(&of_record("id")),
    }
}

/// The id of a machine by its number.
pub(super) fn id_of(visible: &Visible<'_>, number: i64) -> Result<Option<MachineId>, Failure> {
    let mut statement = visible.prepare("SELECT id FROM machine WHERE number = :number")?;
    let mut rows = statement.query(named_params! { ":number": number })?;
    let Some(row) = rows.next()? else { return Ok(None) };
    machine_id(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?).map(Some)
}

/// The number under which a machine's relations are: of one that was merged, that into which it was.
pub(super) fn number_of_relations(
    visible: &Visible<'_>,
    machine: MachineId,
) -> Result<Option<i64>, Failure> {
    let Some(number) = number(visible, machine)? else { return Ok(None) };
    let mut merged = visible.prepare(
        "SELECT machine.number FROM machine_record AS record
         JOIN machine ON machine.number = record.machine WHERE record.number = :number",
    )?;
    let into =
        merged.query_row(named_params! { ":number": number }, |row| row.get(0)).optional()?;
    Ok(Some(into.unwrap_or(number)))
}

/// A user's machines; `None` when the user has more than `most` relations.
pub(super) fn machines_of_user(
    visible: &Visible<'_>,
    user: &UserSelector,
    window: Window,
    page: Page,
    most: usize,
) -> Result<Option<Vec<UserMachine>>, Failure> {
    let (is_of, values) = who::with_values(user)?;
    let accounts = format!("SELECT number FROM account WHERE {is_of}");
    let mut who: Vec<(&str, &dyn ToSql)> =
        values.iter().map(|(name, value)| (name.as_str(), value as &dyn ToSql)).collect();
    if !visible.is_whole() && visible.touches_more_than(&accounts, &who, most)? {
        return Ok(None);
    }
    let mut statement = visible.prepare(&format!(
        "SELECT machine.number, machine.last_seen, machine.id, related.first_seen,
             related.last_seen, related.logon_types, related.logon_count
         FROM ({}) AS related CROSS JOIN machine ON machine.number = related.machine",
        relations_in(window, &format!("account IN ({accounts})"))
    ))?;
    let (from, types) = (since(window), window.logon_types.bits());
    who.push((":since", &from));
    who.push((":types", &types));
    let mut rows = statement.query(who.as_slice())?;
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
    let Some(number) = number_of_relations(visible, machine)? else {
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
             related.logon_count, {} AS shares_name
         FROM ({}) AS related CROSS JOIN account ON account.number = related.account",
        user_columns(),
        who::SHARES_NAME,
        relations_in(window, condition)
    ))?;
    let mut rows = statement.query(named_params! {
        ":machine": number,
        ":since": since(window),
        ":types": window.logon_types.bits(),
    })?;
    let mut found: HashMap<(String, String), (Vec<Account>, Relation, bool)> = HashMap::new();
    while let Some(row) = rows.next()? {
        let (account, relation) = (account_at(row, 0)?, relation_at(row, 5)?);
        match found.entry((account.domain.clone(), account.name.clone())) {
            Entry::Occupied(mut known) => {
                let (accounts, sum, _) = known.get_mut();
                accounts.push(account);
                sum.add(&relation);
            }
            Entry::Vacant(new) => {
                new.insert((vec![account], relation, row.get(9)?));
            }
        }
    }
    let user = |(accounts, relation, shares_name)| MachineUser {
        account: who::in_common(accounts),
        shares_name,
        relation,
    };
    let mut users: Vec<_> = found.into_values().map(user).collect();
    users.sort_unstable_by(|one, other| {
        let last = other.relation.last_seen.cmp(&one.relation.last_seen);
        let (one, other) = (&one.account, &other.account);
        last.then_with(|| (&one.domain, &one.name).cmp(&(&other.domain, &other.name)))
    });
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
