//! Lists of users, and the machines of each.

use std::cmp::Reverse;

use inventory::account::Account;
use inventory::filter::{Direction, Items, Sort};
use inventory::ids::MachineId;
use inventory::query::{Key, ListedUsers, Page, UserList, UserPlace, Window};
use inventory::relation::{Relation, User, UserMachine};
use rusqlite::types::Value as Sql;
use rusqlite::{CachedStatement, Row, named_params};

use super::condition::{Related, Writer};
use super::visible::{Start, Visible};
use super::{DOMAIN, account_at, facts, relation_at, relations_in, since, who};
use crate::sqlite::Failure;
use crate::sqlite::values::machine_id;

/// Columns before the keys of the order.
const COLUMNS: &str = "person.name, person.domain, person.sid, person.upn, person.object_id,
    person.first_seen, person.last_seen, person.logon_types, person.logon_count, person.machines,
    person.number, person.authority";
const COLUMN_COUNT: usize = 12;

/// The users of a list.
pub(in crate::sqlite) fn users(
    visible: &Visible<'_>,
    list: &UserList,
) -> Result<ListedUsers, Failure> {
    let start = visible.survey()?;
    let of_page = of_page(visible, start, list)?;
    let list = match &of_page {
        Some(_) => &UserList { after: None, page: Page::ALL, ..list.clone() },
        None => list,
    };
    let mut writer = writer(visible, start, list)?;
    let mut keys: Vec<(String, &str)> = Vec::new();
    for Sort { by, direction } in &list.order {
        let end = if *direction == Direction::Ascending { "ASC" } else { "DESC" };
        keys.push((writer.key(by), end));
    }
    keys.push(("person.name".to_owned(), "ASC"));
    keys.push(("person.authority".to_owned(), "ASC"));
    let source = source(&mut writer, list, of_page.as_deref())?;
    let mut condition = filter(&mut writer, list);
    if let Some(place) = &list.after {
        condition = format!("{condition} AND {}", after(&mut writer, place, &keys));
    }
    let columns: Vec<_> = keys.iter().map(|(key, _)| format!(", {key}")).collect();
    let order: Vec<_> = keys.iter().map(|(key, end)| format!("{key} {end}")).collect();
    let mut bound =
        |rows: u64| writer.parameter(Sql::Integer(i64::try_from(rows).unwrap_or(i64::MAX)));
    let (top, skip) = (bound(list.page.top), bound(list.page.skip));
    let question = format!(
        "SELECT {COLUMNS}{} FROM {source} WHERE {condition} ORDER BY {} LIMIT {top} OFFSET {skip}",
        columns.concat(),
        order.join(", ")
    );
    let mut statement = prepare(visible, start, &writer, &question)?;
    let mut rows = statement.raw_query();
    let mut listed = ListedUsers { users: Vec::new(), end: None };
    let mut numbers = Vec::new();
    while let Some(row) = rows.next()? {
        numbers.push(row.get::<_, i64>(COLUMN_COUNT - 2)?);
        listed.users.push(user_at(row)?);
        listed.end = Some(place_of(row, keys.len())?);
    }
    for (user, number) in listed.users.iter_mut().zip(numbers) {
        (user.most_prevalent, user.least_prevalent) = prevalent(visible, number, list.window)?;
    }
    Ok(listed)
}

/// The accounts of a page of all users by name. They are found first, so that no others' relations are
/// read: else a walk over all users would read all relations for each page.
fn of_page(
    visible: &Visible<'_>,
    start: Start,
    list: &UserList,
) -> Result<Option<Vec<i64>>, Failure> {
    if list.filter.is_some() || list.of.is_some() || !list.order.is_empty() {
        return Ok(None);
    }
    let mut writer = Writer::new("account", list.window, list.now);
    let mut condition = "1".to_owned();
    if let Some([Key::Text(name), Key::Text(authority)]) =
        list.after.as_ref().map(|place| place.keys.as_slice())
    {
        let name = writer.parameter(Sql::Text(name.clone()));
        let authority = writer.parameter(Sql::Text(authority.clone()));
        condition = format!(
            "account.name >= {name} AND (account.name > {name} OR account.authority > {authority})"
        );
    }
    let relations = writer.relations("account = account.number");
    let mut bound =
        |rows: u64| writer.parameter(Sql::Integer(i64::try_from(rows).unwrap_or(i64::MAX)));
    let (top, skip) = (bound(list.page.top), bound(list.page.skip));
    let question = format!(
        "SELECT account.number FROM account WHERE {condition} AND EXISTS (SELECT 1 FROM ({relations}))
         ORDER BY account.name, account.authority LIMIT {top} OFFSET {skip}"
    );
    let mut statement = prepare(visible, start, &writer, &question)?;
    let mut rows = statement.raw_query();
    let mut numbers = Vec::new();
    while let Some(row) = rows.next()? {
        numbers.push(row.get(0)?);
    }
    Ok(Some(numbers))
}

/// How many users a list has, whatever its page.
pub(in crate::sqlite) fn count(visible: &Visible<'_>, list: &UserList) -> Result<u64, Failure> {
    let start = visible.survey()?;
    let mut writer = writer(visible, start, list)?;
    let source = source(&mut writer, list, None)?;
    let condition = filter(&mut writer, list);
    let question = format!("SELECT count(*) FROM {source} WHERE {condition}");
    let mut statement = prepare(visible, start, &writer, &question)?;
    let mut rows = statement.raw_query();
    let count: i64 = rows.next()?.map_or(Ok(0), |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// The machines of each of some accounts, the machine last seen first, then by id.
pub(in crate::sqlite) fn machines_of(
    visible: &Visible<'_>,
    accounts: &[Account],
    window: Window,
) -> Result<Vec<Vec<UserMachine>>, Failure> {
    let relations = relations_in(
        window,
        "account = (SELECT number FROM account WHERE name = :name AND authority = :authority)",
    );
    let mut statement = visible.prepare(&format!(
        "SELECT {}, related.first_seen, related.last_seen, related.logon_types,
             related.logon_count
         FROM ({relations}) AS related CROSS JOIN machine ON machine.number = related.machine",
        facts::qualified("machine")
    ))?;
    let mut all = Vec::with_capacity(accounts.len());
    for account in accounts {
        let mut rows = statement.query(named_params! {
            ":name": account.name,
            ":authority": account.authority(),
            ":since": since(window),
            ":types": window.logon_types.bits(),
        })?;
        let mut machines = Vec::new();
        while let Some(row) = rows.next()? {
            let relation: Relation = relation_at(row, facts::COLUMN_COUNT)?;
            machines.push(UserMachine { machine: facts::machine_of(row)?, relation });
        }
        // Here, since SQLite would carry each row whole through its sorter.
        machines.sort_unstable_by_key(|one| (Reverse(one.machine.last_seen), one.machine.id));
        all.push(machines);
    }
    Ok(all)
}

fn writer(visible: &Visible<'_>, start: Start, list: &UserList) -> Result<Writer, Failure> {
    let (filter, at) = (list.filter.as_ref(), (list.window, list.now));
    let related = Related::find(visible, start, filter, Items::Machines, at)?;
    Ok(Writer::new("person", list.window, list.now).knowing(related))
}

/// Accounts with what they did: all that the list can mean, as a table.
fn source(
    writer: &mut Writer,
    list: &UserList,
    of_page: Option<&[i64]>,
) -> Result<String, Failure> {
    let mut accounts = "1".to_owned();
    if let Some(numbers) = of_page {
        let numbers: Vec<_> = numbers.iter().map(i64::to_string).collect();
        let numbers = writer.parameter(Sql::Text(format!("[{}]", numbers.join(","))));
        accounts = format!("account.number IN (SELECT value FROM json_each({numbers}))");
    } else if let Some(user) = &list.of {
        accounts = who::is_of(user, &mut |value| writer.parameter(value))?;
    } else if let Some(names) = list.filter.as_ref().and_then(|filter| filter.account_names()) {
        let names: Vec<_> =
            names.into_iter().map(|name| writer.parameter(Sql::Text(name))).collect();
        accounts = format!("account.name IN ({})", names.join(", "));
    } else if let Some(numbers) = list.filter.as_ref().and_then(|filter| writer.required(filter)) {
        let numbers = Sql::Text(numbers.to_owned());
        let numbers = writer.parameter(numbers);
        accounts = format!("account.number IN (SELECT value FROM json_each({numbers}))");
    }
    let chosen = match accounts.as_str() {
        "1" => "1".to_owned(),
        _ => format!("account IN (SELECT account.number FROM account WHERE {accounts})"),
    };
    let relations = writer.relations(&chosen);
    let of_account = writer.relations("account = account.number");
    let prevalent = |end: &str| {
        format!(
            "(SELECT lower(hex(machine.id)) FROM ({of_account}) AS related
              JOIN machine ON machine.number = related.machine
              ORDER BY related.logon_count {end}, machine.id LIMIT 1)"
        )
    };
    let (most, least) = (prevalent("DESC"), prevalent("ASC"));
    Ok(format!(
        "(SELECT account.number, account.name, {DOMAIN} AS domain, account.sid, account.upn,
             account.object_id, account.authority, total.first_seen, total.last_seen,
             total.logon_types, total.logon_count, total.machines,
             {most} AS most_prevalent, {least} AS least_prevalent
         FROM account JOIN (
             SELECT account, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
                 bit_union(logon_types) AS logon_types, sum(logon_count) AS logon_count,
                 count(*) AS machines
             FROM ({relations}) GROUP BY account
         ) AS total ON total.account = account.number
         WHERE {accounts}) AS person"
    ))
}

fn filter(writer: &mut Writer, list: &UserList) -> String {
    list.filter.as_ref().map_or_else(|| "1".to_owned(), |filter| writer.condition(filter))
}

fn after(writer: &mut Writer, place: &UserPlace, keys: &[(String, &str)]) -> String {
    let mut condition = "0".to_owned();
    for ((key, end), value) in keys.iter().zip(&place.keys).rev() {
        let parameter = writer.parameter(super::list::sql_of(value));
        let beyond = super::list::beyond(key, end, value, &parameter);
        condition = format!("({beyond} OR ({key} IS {parameter} AND {condition}))");
    }
    condition
}

/// The machines with most and fewest of an account's logons; of several the one with the lowest id.
fn prevalent(
    visible: &Visible<'_>,
    account: i64,
    window: Window,
) -> Result<(Option<MachineId>, Option<MachineId>), Failure> {
    let mut statement = visible.prepare(&format!(
        "SELECT related.logon_count, machine.id FROM ({}) AS related
         CROSS JOIN machine ON machine.number = related.machine",
        relations_in(window, "account = :account")
    ))?;
    let mut rows = statement.query(named_params! {
        ":account": account,
        ":since": since(window),
        ":types": window.logon_types.bits(),
    })?;
    let (mut most, mut least): (Option<(i64, Reverse<MachineId>)>, _) = (None, None);
    while let Some(row) = rows.next()? {
        let count: i64 = row.get(0)?;
        let id = machine_id(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        most = most.max(Some((count, Reverse(id))));
        least = Some(least.map_or((count, id), |least| std::cmp::min(least, (count, id))));
    }
    Ok((most.map(|(_, Reverse(id))| id), least.map(|(_, id)| id)))
}

fn prepare<'a>(
    visible: &Visible<'a>,
    start: Start,
    writer: &Writer,
    question: &str,
) -> Result<CachedStatement<'a>, Failure> {
    let mut statement = visible.prepare_from(start, question)?;
    super::list::bind(&mut statement, writer)?;
    Ok(statement)
}

fn user_at(row: &Row<'_>) -> Result<User, Failure> {
    Ok(User {
        account: account_at(row, 0)?,
        relation: relation_at(row, 5)?,
        machines: row.get::<_, i64>(9)?.cast_unsigned(),
        most_prevalent: None,
        least_prevalent: None,
    })
}

fn place_of(row: &Row<'_>, keys: usize) -> Result<UserPlace, Failure> {
    let key = |at: usize| super::list::key_of(row.get_ref(COLUMN_COUNT + at)?);
    let keys = (0..keys).map(key).collect::<Result<Vec<Key>, rusqlite::Error>>()?;
    Ok(UserPlace { keys })
}
