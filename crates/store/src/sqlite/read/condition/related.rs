//! Rows whose related rows fulfil a condition, found from these: machines from what is asked of their
//! users, users from what is asked of their machines.
//!
//! `logOnUsers/any(u: contains(u/accountName,'svc'))` can be looked at machine by machine, or the users
//! be found once and their machines with them. The second costs as much as there are users and what
//! they lead to; it is tried first, and given up where it leads to too much: then nearly every machine
//! has what is looked for, and looking at each ends early.

use inventory::filter::{
    Collection, Comparison, Condition, Field, Items, Level, MachineField, Mention, Scalar,
    UserField, Value,
};
use inventory::query::Window;
use inventory::time::Timestamp;
use rusqlite::types::Value as Sql;

use super::{Null, Writer};
use crate::sqlite::Failure;
use crate::sqlite::read::list::bind;
use crate::sqlite::read::visible::{Start, Visible};

/// Rows to which related ones may lead; a set of these takes some 50 ms to make.
const MOST_FOUND: i64 = 100_000;
/// Rows that are looked up one by one, whatever else a question says of them.
const FEW_FOUND: usize = 10_000;
/// Conditions of one question that are tried; each may look at every user.
const MOST_TRIED: usize = 16;

/// What was found for the conditions of a question.
#[derive(Default)]
pub(in crate::sqlite::read) struct Related(Vec<Found>);

/// The rows with a related one that fulfils a condition, or fails it.
struct Found {
    condition: Condition,
    fails: bool,
    /// Their numbers, a JSON array.
    numbers: String,
    count: usize,
}

impl Related {
    /// Looks for what the conditions of a filter on some items lead to.
    pub(in crate::sqlite::read) fn find(
        visible: &Visible<'_>,
        start: Start,
        filter: Option<&Condition>,
        items: Items,
        (window, now): (Window, Timestamp),
    ) -> Result<Self, Failure> {
        let mut tried = Vec::new();
        if let Some(filter) = filter {
            collect(filter, items, &mut tried);
        }
        let mut found = Vec::new();
        for (condition, fails) in tried.into_iter().take(MOST_TRIED) {
            let writer = Writer::of_items(window, now);
            if let Some(numbers) = lead(visible, start, writer, items, condition, fails)? {
                let (condition, count) = (condition.clone(), numbers.len());
                found.push(Found { condition, fails, numbers: array(&numbers), count });
            }
        }
        Ok(Self(found))
    }

    /// The rows with an item that fulfils a condition, or fails it, if they were found.
    pub(super) fn numbers(&self, condition: &Condition, fails: bool) -> Option<&str> {
        self.found(condition, fails).map(|found| found.numbers.as_str())
    }

    fn found(&self, condition: &Condition, fails: bool) -> Option<&Found> {
        self.0.iter().find(|one| one.fails == fails && one.condition == *condition)
    }

    /// The rows outside of which a filter is true of none, if they were found.
    pub(in crate::sqlite::read) fn required(&self, filter: &Condition) -> Option<&str> {
        match filter {
            Condition::Any { collection: Collection { level: Level(0), .. }, of: Some(of) } => {
                self.numbers(of, false)
            }
            Condition::And(all) => all.iter().find_map(|one| self.required(one)),
            _ => None,
        }
    }
}

/// The conditions on a row's own items that speak of nothing but the item, and whether those that fail
/// are asked for.
fn collect<'c>(filter: &'c Condition, items: Items, found: &mut Vec<(&'c Condition, bool)>) {
    let own = Collection { level: Level(0), of: items };
    let (condition, fails) = match filter {
        Condition::Not(inner) => return collect(inner, items, found),
        Condition::And(all) | Condition::Or(all) => {
            return all.iter().for_each(|one| collect(one, items, found));
        }
        Condition::Any { collection, of: Some(of) } if *collection == own => (&**of, false),
        Condition::All { collection, of } if *collection == own => (&**of, true),
        _ => return,
    };
    let is_inside = |mention: Mention| match mention {
        Mention::Property(level, _) => level > Level(0),
        Mention::Items(collection) => collection.level > Level(0),
    };
    if condition.all_mentions(&mut |mention| is_inside(mention))
        && !found.contains(&(condition, fails))
    {
        found.push((condition, fails));
    }
}

/// The numbers of the rows to which items lead that fulfil a condition, or fail it; `None` for too many.
fn lead(
    visible: &Visible<'_>,
    start: Start,
    mut writer: Writer,
    items: Items,
    condition: &Condition,
    fails: bool,
) -> Result<Option<Vec<i64>>, Failure> {
    let (source, owner) = match items {
        Items::LogOnUsers => (of_accounts(&mut writer, condition, fails), "machine"),
        Items::Machines => (of_machines(&mut writer, condition, fails), "account"),
        Items::MachineTags | Items::IpAddresses => return Ok(None),
    };
    let holds = writer.tested(condition, fails);
    let most = writer.parameter(Sql::Integer(MOST_FOUND + 1));
    let question = format!("SELECT item_1.met_{owner} FROM {source} WHERE {holds} LIMIT {most}");
    let mut statement = visible.prepare_from(start, &question)?;
    bind(&mut statement, &writer)?;
    let mut rows = statement.raw_query();
    let mut numbers: Vec<i64> = Vec::new();
    while let Some(row) = rows.next()? {
        numbers.push(row.get(0)?);
    }
    if numbers.len() as i64 > MOST_FOUND {
        return Ok(None);
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(Some(numbers))
}

/// Users on machines: of accounts that fulfil what a condition asks of the account alone.
fn of_accounts(writer: &mut Writer, condition: &Condition, fails: bool) -> String {
    let is_of_account = |mention: Mention| {
        use UserField as U;
        matches!(mention, Mention::Property(Level(1), Field::User(U::AccountName | U::AccountSid)))
    };
    let parts = match condition {
        Condition::And(all) if !fails => all.as_slice(),
        whole => std::slice::from_ref(whole),
    };
    let mut tests = Vec::new();
    for part in parts {
        if part.all_mentions(&mut |mention| is_of_account(mention)) {
            tests.push(writer.tested(part, fails));
        }
    }
    let chosen = match tests.as_slice() {
        [] => "1".to_owned(),
        tests => format!(
            "account IN (SELECT item_1.number FROM account AS item_1 WHERE {})",
            tests.join(" AND ")
        ),
    };
    let relations = writer.relations(&chosen);
    format!("{} AS item_1", super::items::users(&relations))
}

/// Machines of users: those that fulfil a condition. Days are found by their accounts.
fn of_machines(writer: &mut Writer, condition: &Condition, fails: bool) -> String {
    let test = writer.tested(condition, fails);
    let machines = format!("machine IN (SELECT item_1.number FROM machine AS item_1 WHERE {test})");
    let relations = match writer.window {
        Window::ALL => writer.relations(&machines),
        _ => writer.relations(&format!(
            "account IN (SELECT account FROM relation WHERE {machines}) AND {machines}"
        )),
    };
    format!("{} AS item_1", super::items::machines(&relations))
}

impl Writer {
    /// For conditions on items of rows that are not named.
    fn of_items(window: Window, now: Timestamp) -> Self {
        Self { depth: 1, ..Self::new("nothing", window, now) }
    }

    /// Whether a filter says the numbers of few machines, or of those with a tag, outside of which it
    /// is true of none, and says nothing by which they are found sooner.
    pub(in crate::sqlite::read) fn says_numbers(&self, filter: &Condition) -> bool {
        !names_machines(filter) && self.has_numbers(filter)
    }

    fn has_numbers(&self, filter: &Condition) -> bool {
        match filter {
            Condition::And(all) => all.iter().any(|one| self.has_numbers(one)),
            Condition::Any { collection: Collection { level: Level(0), of: items }, of } => {
                let found = of.as_ref().and_then(|of| self.related.found(of, false));
                found.is_some_and(|found| found.count <= FEW_FOUND)
                    || *items == Items::MachineTags && tag_of(of.as_deref()).is_some()
            }
            _ => false,
        }
    }

    /// That a condition holds, or that it does not.
    fn tested(&mut self, condition: &Condition, fails: bool) -> String {
        if fails {
            format!("(({}) IS NOT TRUE)", self.write(condition, Null::Shows))
        } else {
            self.write(condition, Null::IsFalse)
        }
    }
}

/// Whether a condition asks for a tag that the index of tags has.
pub(super) fn tag_of(condition: Option<&Condition>) -> Option<&str> {
    match condition? {
        Condition::Compare {
            operator: Comparison::Eq,
            left: Scalar::Property(Level(1), Field::Item),
            right: Scalar::Value(Value::Text(tag)),
        } if tag.is_ascii() => Some(tag),
        _ => None,
    }
}

/// Whether a condition names machines, which are found by their own indexes.
fn names_machines(condition: &Condition) -> bool {
    let is_name = |scalar: &Scalar| {
        use MachineField as M;
        let Scalar::Property(Level(0), Field::Machine(field)) = scalar else { return false };
        matches!(field, M::ComputerDnsName | M::Id | M::AadDeviceId | M::LastIpAddress)
    };
    match condition {
        Condition::Compare { operator: Comparison::Eq, left, right } => {
            is_name(left) || is_name(right)
        }
        Condition::In { left, .. } => is_name(left),
        Condition::And(all) => all.iter().any(names_machines),
        _ => false,
    }
}

fn array(numbers: &[i64]) -> String {
    let numbers: Vec<_> = numbers.iter().map(i64::to_string).collect();
    format!("[{}]", numbers.join(","))
}
