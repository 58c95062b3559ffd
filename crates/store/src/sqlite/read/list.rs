//! Lists of machines: what is asked, in which order, from which place on.

use std::cmp::Reverse;

use inventory::filter::{Direction, Items, Sort};
use inventory::ids::MachineId;
use inventory::query::{Key, Listed, MachineList, Order, Place};
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{CachedStatement, Row, named_params};

use super::condition::{Related, Writer};
use super::visible::{Start, Visible};
use super::{by_numbers, facts, relations_in, since, who};
use crate::sqlite::Failure;
use crate::sqlite::values::machine_id;

/// Machines up to which those of a list are found first and then sorted, whatever its page. Beyond,
/// all machines are walked in the order of the list: as often as one of them is meant, a page is soon
/// full. To find so many in vain takes a few milliseconds.
const FEW: std::ops::RangeInclusive<u64> = 1_000..=10_000;

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
    let (start, mut draft) = Draft::begin(visible, list)?;
    if let Some(numbers) = draft.few(visible, start, list)? {
        return few(visible, list, &numbers);
    }
    let (start, from) = match (start, &list.order) {
        (Start::Question | Start::Numbers, Order::LastSeen) => {
            (Start::LastSeen, "machine_by_time AS machine")
        }
        _ => (start, "machine"),
    };
    let keys = draft.keys(&list.order);
    draft.after(list.after.as_ref(), &keys);
    let columns: Vec<_> = keys.iter().map(|(key, _)| format!(", {key}")).collect();
    let order: Vec<_> = keys.iter().map(|(key, end)| format!("{key} {end}, ")).collect();
    let (top, skip) = (draft.bound(list.page.top), draft.bound(list.page.skip));
    let question = format!(
        "SELECT {}{} FROM {from} WHERE {} ORDER BY {}machine.id LIMIT {top} OFFSET {skip}",
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

/// The page of a list that consists of a few machines.
fn few(visible: &Visible<'_>, list: &MachineList, numbers: &[i64]) -> Result<Listed, Failure> {
    let mut find = visible.prepare("SELECT last_seen, id FROM machine WHERE number = :number")?;
    let mut found: Vec<(Option<Reverse<i64>>, MachineId, i64)> = Vec::with_capacity(numbers.len());
    for &number in numbers {
        let mut rows = find.query(named_params! { ":number": number })?;
        let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let key = (list.order == Order::LastSeen).then_some(Reverse(row.get(0)?));
        let id = machine_id(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        found.push((key, id, number));
    }
    found.sort_unstable();
    if let Some(place) = &list.after {
        let key = match place.keys.first() {
            Some(Key::Integer(last_seen)) => Some(Reverse(*last_seen)),
            _ => None,
        };
        found.retain(|&(one, id, _)| (one, id) > (key, place.id));
    }
    list.page.cut(&mut found);
    let end = found.last().map(|&(key, id, _)| {
        let keys = key.into_iter().map(|Reverse(last_seen)| Key::Integer(last_seen)).collect();
        Place { keys, id }
    });
    let numbers = found.into_iter().map(|(_, _, number)| number).collect();
    Ok(Listed { machines: by_numbers(visible, numbers)?, end })
}

/// How many machines a list has, from wherever it goes on and whatever its page is.
pub(in crate::sqlite) fn count(visible: &Visible<'_>, list: &MachineList) -> Result<u64, Failure> {
    let (start, mut draft) = Draft::begin(visible, list)?;
    let question = format!("SELECT count(*) FROM machine WHERE {}", draft.conditions.join(" AND "));
    let mut statement = draft.prepare(visible, start, &question)?;
    let mut rows = statement.raw_query();
    let count: i64 = rows.next()?.map_or(Ok(0), |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

impl Draft {
    /// The conditions of a list, and where to start from.
    fn begin(visible: &Visible<'_>, list: &MachineList) -> Result<(Start, Self), Failure> {
        let start = visible.survey()?;
        let draft = Self::of(visible, start, list)?;
        let says_numbers =
            list.filter.as_ref().is_some_and(|filter| draft.writer.says_numbers(filter));
        let start = if says_numbers && start == Start::Question { Start::Numbers } else { start };
        Ok((start, draft))
    }

    fn of(visible: &Visible<'_>, start: Start, list: &MachineList) -> Result<Self, Failure> {
        let (filter, at) = (list.filter.as_ref(), (list.window, list.now));
        let related = Related::find(visible, start, filter, Items::LogOnUsers, at)?;
        let mut writer = Writer::new("machine", list.window, list.now).knowing(related);
        let mut conditions = vec!["1".to_owned()];
        if let Some(filter) = &list.filter {
            conditions.push(writer.condition(filter));
        }
        if let Some(user) = &list.of_user {
            let is_of = who::is_of(user, &mut |value| writer.parameter(value))?;
            let accounts = format!("SELECT number FROM account WHERE {is_of}");
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
                "machine.number IN (SELECT coalesce(record.machine, had.machine)
                     FROM machine_address AS had
                     LEFT JOIN machine_record AS record
                         ON record.number = had.machine AND NOT record.is_merged
                     WHERE had.tenant = :tenant AND had.address = {address}
                     AND had.first_seen <= {until} AND had.last_seen >= {from})"
            ));
        }
        Ok(Self { writer, conditions })
    }

    /// The numbers of the list's machines if they are few; asked for without an order, so that SQLite
    /// starts from whatever the conditions name.
    fn few(
        &mut self,
        visible: &Visible<'_>,
        start: Start,
        list: &MachineList,
    ) -> Result<Option<Vec<i64>>, Failure> {
        let is_all = list.filter.is_none() && list.of_user.is_none() && list.of_address.is_none();
        let is_ordered_by_own_keys = matches!(list.order, Order::By(_));
        if is_ordered_by_own_keys || is_all && start == Start::Question {
            return Ok(None);
        }
        let few = match start {
            // The scope shows no more than a few.
            Start::Groups => u64::MAX - 1,
            _ => {
                let rows = list.page.skip.saturating_add(list.page.top);
                rows.clamp(*FEW.start(), *FEW.end())
            }
        };
        let most = self.bound(few + 1);
        let conditions = self.conditions.join(" AND ");
        let question =
            format!("SELECT machine.number FROM machine WHERE {conditions} LIMIT {most}");
        let mut statement = self.prepare(visible, start, &question)?;
        let mut rows = statement.raw_query();
        let mut numbers = Vec::new();
        while let Some(row) = rows.next()? {
            numbers.push(row.get(0)?);
        }
        Ok((numbers.len() as u64 <= few).then_some(numbers))
    }

    fn bound(&mut self, rows: u64) -> String {
        self.writer.parameter(Sql::Integer(i64::try_from(rows).unwrap_or(i64::MAX)))
    }

    /// The keys of an order, and which of their ends comes first.
    fn keys(&mut self, order: &Order) -> Vec<(String, &'static str)> {
        match order {
            Order::Id => Vec::new(),
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
