//! Lists of machines: what is asked, in which order, from which place on.

use inventory::filter::{Direction, Sort};
use inventory::query::{Key, Listed, MachineList, Order, Place};
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{CachedStatement, Row};

use super::condition::{Writer, is_narrow};
use super::visible::{Start, Visible};
use super::{facts, relations_in, since};
use crate::sqlite::Failure;
use crate::sqlite::values::machine_id;

/// A statement that is being put together.
struct Draft {
    writer: Writer,
    conditions: Vec<String>,
}

/// The machines of a list.
pub(in crate::sqlite) fn machines(
    visible: &Visible<'_>,
    list: &MachineList,
) -> Result<Listed, Failure> {
    let start = visible.survey()?;
    let mut draft = Draft::of(list);
    let few = start == Start::Groups
        || list.of_address.is_some()
        || list.filter.as_ref().is_some_and(is_narrow);
    let keys = draft.keys(&list.order, few);
    draft.after(list.after.as_ref(), &keys);
    let columns: Vec<_> = keys.iter().map(|(key, _)| format!(", {key}")).collect();
    let order: Vec<_> = keys.iter().map(|(key, end)| format!("{key} {end}, ")).collect();
    let (top, skip) = (draft.bound(list.page.top), draft.bound(list.page.skip));
    let question = format!(
        "SELECT {}{} FROM machine WHERE {} ORDER BY {}machine.id LIMIT {top} OFFSET {skip}",
        facts::COLUMNS,
        columns.concat(),
        draft.conditions.join(" AND "),
        order.concat(),
    );
    let mut statement = draft.prepare(visible, start, &question)?;
    let mut rows = statement.raw_query();
    let mut listed = Listed { machines: Vec::new(), end: None };
    while let Some(row) = rows.next()? {
        listed.machines.push(facts::machine_of(row)?);
        listed.end = Some(place_of(row, keys.len())?);
    }
    Ok(listed)
}

/// How many machines a list has, from wherever it goes on and whatever its page is.
pub(in crate::sqlite) fn count(visible: &Visible<'_>, list: &MachineList) -> Result<u64, Failure> {
    let mut draft = Draft::of(list);
    let question = format!("SELECT count(*) FROM machine WHERE {}", draft.conditions.join(" AND "));
    let start = visible.survey()?;
    let mut statement = draft.prepare(visible, start, &question)?;
    let mut rows = statement.raw_query();
    let count: i64 = rows.next()?.map_or(Ok(0), |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

impl Draft {
    fn of(list: &MachineList) -> Self {
        let mut writer = Writer::new("machine", list.window, list.now);
        let mut conditions = vec!["1".to_owned()];
        if let Some(filter) = &list.filter {
            conditions.push(writer.condition(filter));
        }
        if let Some(user) = &list.of_user {
            let name = writer.parameter(Sql::Text(user.name.clone()));
            let domain = match &user.domain {
                None => String::new(),
                Some(domain) => {
                    let domain = writer.parameter(Sql::Text(domain.clone()));
                    format!(
                        " AND EXISTS (SELECT 1 FROM account_domain
                             WHERE account_domain.account = account.number AND domain = {domain})"
                    )
                }
            };
            let accounts = format!("SELECT number FROM account WHERE name = {name}{domain}");
            let from = writer.parameter(Sql::Integer(since(list.window)));
            let types = writer.parameter(Sql::Integer(list.window.logon_types.bits().into()));
            let relations = relations_in(list.window, &format!("account IN ({accounts})"))
                .replace(":since", &from)
                .replace(":types", &types);
            conditions.push(format!("machine.number IN (SELECT machine FROM ({relations}))"));
        }
        if let Some(of) = &list.of_address {
            let address = writer.parameter(Sql::Text(of.address.to_string()));
            let from = writer.parameter(Sql::Integer(of.from.ticks()));
            let until = writer.parameter(Sql::Integer(of.until.ticks()));
            conditions.push(format!(
                "machine.number IN (SELECT machine FROM machine_address
                     WHERE tenant = :tenant AND address = {address}
                     AND first_seen <= {until} AND last_seen >= {from})"
            ));
        }
        Self { writer, conditions }
    }

    fn bound(&mut self, rows: u64) -> String {
        self.writer.parameter(Sql::Integer(i64::try_from(rows).unwrap_or(i64::MAX)))
    }

    /// The keys of an order, and which of their ends comes first.
    fn keys(&mut self, order: &Order, few: bool) -> Vec<(String, &'static str)> {
        match order {
            Order::Id => Vec::new(),
            // The + keeps SQLite from walking all machines in the order of time, where few are to be found.
            Order::LastSeen if few => {
                vec![("+machine.last_seen".to_owned(), "DESC")]
            }
            Order::LastSeen => vec![("machine.last_seen".to_owned(), "DESC")],
            Order::By(sorts) => sorts
                .iter()
                .map(|Sort { by, direction }| {
                    let end = match direction {
                        Direction::Ascending => "ASC",
                        Direction::Descending => "DESC",
                    };
                    (self.writer.key(by), end)
                })
                .collect(),
        }
    }

    /// Only what comes after a place: greater in the first key, or equal in it and after the place
    /// in the others.
    fn after(&mut self, place: Option<&Place>, keys: &[(String, &'static str)]) {
        let Some(place) = place else { return };
        let id = self.writer.parameter(Sql::Blob(place.id.0.to_vec()));
        let mut condition = format!("machine.id > {id}");
        for ((key, end), value) in keys.iter().zip(&place.keys).rev() {
            let parameter = self.writer.parameter(sql_of(value));
            let beyond = beyond(key, end, value, &parameter);
            condition = format!("({beyond} OR ({key} IS {parameter} AND {condition}))");
        }
        self.conditions.push(condition);
    }

    fn prepare<'a>(
        &mut self,
        visible: &Visible<'a>,
        start: Start,
        question: &str,
    ) -> Result<CachedStatement<'a>, Failure> {
        let mut statement = visible.prepare_from(start, question)?;
        bind(&mut statement, &self.writer)?;
        Ok(statement)
    }
}

/// Gives a statement the values that were kept while it was written.
pub(super) fn bind(statement: &mut CachedStatement<'_>, writer: &Writer) -> Result<(), Failure> {
    for (name, value) in writer.parameters() {
        // One of a text that was written and not used after all is not named in the statement.
        if let Some(index) = statement.parameter_index(&name)? {
            statement.raw_bind_parameter(index, value)?;
        }
    }
    Ok(())
}

/// The value of a key of a place.
pub(super) fn sql_of(key: &Key) -> Sql {
    match key {
        Key::Null => Sql::Null,
        Key::Integer(number) => Sql::Integer(*number),
        Key::Double(number) => Sql::Real(*number),
        Key::Text(text) => Sql::Text(text.clone()),
    }
}

/// Whether a key comes after the value of a place. Null is less than everything.
pub(super) fn beyond(key: &str, end: &str, value: &Key, parameter: &str) -> String {
    match (end, value) {
        ("ASC", Key::Null) => format!("{key} IS NOT NULL"),
        ("ASC", _) => format!("{key} > {parameter}"),
        (_, Key::Null) => "0".to_owned(),
        _ => format!("({key} < {parameter} OR {key} IS NULL)"),
    }
}

/// A key as a row has it.
pub(super) fn key_of(value: ValueRef<'_>) -> rusqlite::Result<Key> {
    Ok(match value {
        ValueRef::Null | ValueRef::Blob(_) => Key::Null,
        ValueRef::Integer(number) => Key::Integer(number),
        ValueRef::Real(number) => Key::Double(number),
        ValueRef::Text(text) => Key::Text(String::from_utf8_lossy(text).into_owned()),
    })
}

fn place_of(row: &Row<'_>, keys: usize) -> Result<Place, Failure> {
    let id = machine_id(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
    let first = facts::COLUMN_COUNT;
    let key = |at: usize| key_of(row.get_ref(first + at)?);
    let keys = (0..keys).map(key).collect::<Result<_, rusqlite::Error>>()?;
    Ok(Place { keys, id })
}
