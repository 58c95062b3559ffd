//! Lists of users, and the machines of each.

use std::cmp::Reverse;
use std::collections::HashMap;

use inventory::account::Account;
use inventory::filter::{Direction, Items, Sort};
use inventory::ids::MachineId;
use inventory::query::{Key, ListedUsers, Page, UserList, UserPlace, Window};
use inventory::relation::{Relation, User, UserMachine};
use rusqlite::types::Value as Sql;
use rusqlite::{CachedStatement, Row, named_params};

use super::condition::{PERSON, Related, Writer};
use super::visible::{Start, Visible};
use super::{account_at, facts, relation_at, relations_in, since, who};
use crate::sqlite::Failure;
use crate::sqlite::values::machine_id;

/// Columns before the keys of the order.
const COLUMNS: &str = "person.name, person.domain, person.sid, person.upn, person.object_id,
    person.first_seen, person.last_seen, person.logon_types, person.logon_count, person.machines,
    person.members, person.shares_name";
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
    let mut members: Vec<String> = Vec::new();
    while let Some(row) = rows.next()? {
        members.push(row.get(COLUMN_COUNT - 2)?);
        listed.users.push(user_at(row)?);
        listed.end = Some(place_of(row, keys.len())?);
    }
    for (user, members) in listed.users.iter_mut().zip(members) {
        (user.most_prevalent, user.least_prevalent) = prevalent(visible, &members, list.window)?;
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
    let place = match list.after.as_ref().map(|place| place.keys.as_slice()) {
        Some([Key::Text(name), Key::Text(authority)]) => Some((name, authority)),
        _ => None,
    };
    let condition = match place {
        // From the first account of the name on: which users were given before, they tell.
        Some((name, _)) => {
            format!("account.name >= {}", writer.parameter(Sql::Text(name.clone())))
        }
        None => "1".to_owned(),
    };
    let relations = writer.relations("account = account.number");
    let question = format!(
        "SELECT account.number, account.name, account.authority, {} FROM account
         WHERE {condition} AND EXISTS (SELECT 1 FROM ({relations}))
         ORDER BY account.name, account.authority",
        who::domain_of_user()
    );
    let mut statement = prepare(visible, start, &writer, &question)?;
    let mut rows = statement.raw_query();
    let mut numbers = Vec::new();
    let mut of_name: HashMap<String, bool> = HashMap::new();
    let (mut last_name, mut users) = (String::new(), 0);
    let end = list.page.skip.saturating_add(list.page.top);
    while let Some(row) = rows.next()? {
        let (name, authority): (String, String) = (row.get(1)?, row.get(2)?);
        if name != last_name {
            if users >= end {
                break;
            }
            of_name.clear();
            last_name = name;
        }
        // A user stands where the first of its accounts does.
        let is_wanted = *of_name.entry(row.get(3)?).or_insert_with(|| {
            let is_given =
                place.is_some_and(|(name, given)| *name == last_name && authority <= *given);
            users += u64::from(!is_given);
            !is_given && users > list.page.skip && users <= end
        });
        if is_wanted {
            numbers.push(row.get(0)?);
        }
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

/// The machines of each of some users, the machine last seen first, then by id.
pub(in crate::sqlite) fn machines_of(
    visible: &Visible<'_>,
    accounts_of: &[Account],
    window: Window,
) -> Result<Vec<Vec<UserMachine>>, Failure> {
    let accounts = who::in_domain(":name", ":domain");
    let relations = relations_in(
        window,
        &format!("account IN (SELECT account.number FROM account WHERE {accounts})"),
    );
    let mut statement = visible.prepare(&format!(
        "SELECT {}, related.first_seen, related.last_seen, related.logon_types,
             related.logon_count
         FROM ({relations}) AS related CROSS JOIN machine ON machine.number = related.machine",
        facts::qualified("machine")
    ))?;
    let mut all = Vec::with_capacity(accounts_of.len());
    for account in accounts_of {
        let mut rows = statement.query(named_params! {
            ":name": account.name,
            ":domain": account.domain,
            ":since": since(window),
            ":types": window.logon_types.bits(),
        })?;
        let mut machines: Vec<UserMachine> = Vec::new();
        while let Some(row) = rows.next()? {
            let relation: Relation = relation_at(row, facts::COLUMN_COUNT)?;
            machines.push(UserMachine { machine: facts::machine_of(row)?, relation });
        }
        // Here, since SQLite would carry each row whole through its sorter.
        machines.sort_unstable_by_key(|one| (Reverse(one.machine.last_seen), one.machine.id));
        // Several accounts of one user on one machine.
        machines.dedup_by(|again, first| {
            let is_same = again.machine.id == first.machine.id;
            if is_same {
                first.relation.add(&again.relation);
            }
            is_same
        });
        all.push(machines);
    }
    Ok(all)
}

fn writer(visible: &Visible<'_>, start: Start, list: &UserList) -> Result<Writer, Failure> {
    let (filter, at) = (list.filter.as_ref(), (list.window, list.now));
    let related = Related::find(visible, start, filter, Items::Machines, at)?;
    Ok(Writer::new(PERSON, list.window, list.now).knowing(related))
}

/// Users with what they did: all that the list can mean, as a table. Accounts that are named one by one
/// are rows of their own, all others of one user are one row.
fn source(
    writer: &mut Writer,
    list: &UserList,
    of_page: Option<&[i64]>,
) -> Result<String, Failure> {
    let accounts = accounts_in(writer, list, of_page)?;
    let chosen = match accounts.as_str() {
        "1" => "1".to_owned(),
        _ => format!("account IN (SELECT account.number FROM account WHERE {accounts})"),
    };
    let relations = writer.relations(&chosen);
    let each = match list.of.as_ref().is_some_and(|user| user.accounts.is_some()) {
        true => ", part.number",
        false => "",
    };
    let of_members = writer.relations("account IN (SELECT value FROM json_each(joined.members))");
    let prevalent = |end: &str| {
        format!(
            "(SELECT lower(hex(machine.id)) FROM (
                  SELECT machine, sum(logon_count) AS logon_count
                  FROM ({of_members}) GROUP BY machine) AS related
              JOIN machine ON machine.number = related.machine
              ORDER BY related.logon_count {end}, machine.id LIMIT 1)"
        )
    };
    let (most, least) = (prevalent("DESC"), prevalent("ASC"));
    let only = |column: &str| {
        format!(
            "CASE WHEN min(part.{column}) = max(part.{column}) THEN min(part.{column}) END
                 AS {column}"
        )
    };
    let (sid, upn, object_id) = (only("sid"), only("upn"), only("object_id"));
    Ok(format!(
        "(SELECT joined.*,
             CASE WHEN joined.parts = 1 THEN joined.relations
                 ELSE (SELECT count(DISTINCT machine) FROM ({of_members})) END AS machines,
             {most} AS most_prevalent, {least} AS least_prevalent
         FROM (SELECT part.name, part.domain, {sid}, {upn}, {object_id},
                 min(part.authority) AS authority, max(part.shares_name) AS shares_name,
                 min(part.first_seen) AS first_seen, max(part.last_seen) AS last_seen,
                 bit_union(part.logon_types) AS logon_types, sum(part.logon_count) AS logon_count,
                 sum(part.relations) AS relations, count(*) AS parts,
                 json_group_array(part.number) AS members
             FROM (SELECT account.number, account.name, {domain} AS domain, account.sid,
                     account.upn, account.object_id, account.authority,
                     {SHARES_NAME} AS shares_name, total.first_seen, total.last_seen,
                     total.logon_types, total.logon_count, total.relations
                 FROM account JOIN (
                     SELECT account, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
                         bit_union(logon_types) AS logon_types, sum(logon_count) AS logon_count,
                         count(*) AS relations
                     FROM ({relations}) GROUP BY account
                 ) AS total ON total.account = account.number
                 WHERE {accounts}) AS part
             GROUP BY part.name, part.domain{each}) AS joined) AS person",
        domain = who::domain_of_user(),
        SHARES_NAME = who::SHARES_NAME,
    ))
}

/// That a row of `account` can be in a list.
fn accounts_in(
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
        // With all others of the name, some of which may be of the same user.
        accounts = format!(
            "account.name IN (SELECT found.name FROM account AS found
                 WHERE found.number IN (SELECT value FROM json_each({numbers})))"
        );
    }
    Ok(accounts)
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

/// The machines with most and fewest of a user's logons; of several the one with the lowest id.
fn prevalent(
    visible: &Visible<'_>,
    members: &str,
    window: Window,
) -> Result<(Option<MachineId>, Option<MachineId>), Failure> {
    let mut statement = visible.prepare(&format!(
        "SELECT related.logon_count, machine.id FROM ({}) AS related
         CROSS JOIN machine ON machine.number = related.machine",
        relations_in(window, "account IN (SELECT value FROM json_each(:members))")
    ))?;
    let mut rows = statement.query(named_params! {
        ":members": members,
        ":since": since(window),
        ":types": window.logon_types.bits(),
    })?;
    let mut counts: HashMap<MachineId, i64> = HashMap::new();
    while let Some(row) = rows.next()? {
        let id = machine_id(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        *counts.entry(id).or_default() += row.get::<_, i64>(0)?;
    }
    let most = counts.iter().max_by_key(|&(&id, &count)| (count, Reverse(id)));
    let least = counts.iter().min_by_key(|&(&id, &count)| (count, id));
    Ok((most.map(|(&id, _)| id), least.map(|(&id, _)| id)))
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
        shares_name: row.get(COLUMN_COUNT - 1)?,
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
