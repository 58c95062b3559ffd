//! Conditions and scalars (`inventory::filter`) as SQL.
//!
//! A condition becomes an expression that is 1, 0 or NULL as the condition is true, false or null.
//! Where null and false come to the same, comparisons are written so that an index can serve them;
//! under a `not` they are written so that null shows. Values are parameters, never text.

mod column;
mod items;
mod related;

use inventory::filter::{
    Collection, Comparison, Condition, Field, Function, Items, Level, MachineField, Scalar,
    TextTest, UserField, Value,
};
use inventory::ids::MachineId;
use inventory::machine::INACTIVE_AFTER_S;
use inventory::query::Window;
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use rusqlite::types::Value as Sql;

use self::column::{is_ascii_column, kind_letter};
use self::items::{machines, users};
pub(super) use self::related::Related;
use super::{relations_in, since};
use crate::sqlite::functions::{number_of, number_of_test, to_sql};

/// Writes conditions, and keeps the values of their parameters.
pub(super) struct Writer {
    /// The name of the row's table in the statement.
    row: &'static str,
    window: Window,
    now: Timestamp,
    /// How many collections stand around what is being written.
    depth: usize,
    /// What was found for conditions on the row's items.
    related: Related,
    values: Vec<Sql>,
}

/// The table of users, whose rows are those of several accounts: their numbers are in `members`.
pub(super) const PERSON: &str = "person";

/// Whether null may be taken for false.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Null {
    IsFalse,
    Shows,
}

impl Writer {
    /// For rows of a table or alias.
    pub(super) fn new(row: &'static str, window: Window, now: Timestamp) -> Self {
        Self { row, window, now, depth: 0, related: Related::default(), values: Vec::new() }
    }

    /// The same, knowing what was found for conditions on the rows' items.
    pub(super) fn knowing(self, related: Related) -> Self {
        Self { related, ..self }
    }

    /// The rows outside of which a filter is true of none, a JSON array, if they were found.
    pub(super) fn required(&self, filter: &Condition) -> Option<&str> {
        self.related.required(filter)
    }

    /// The parameters' names and values.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (String, &Sql)> {
        self.values.iter().enumerate().map(|(at, value)| (format!(":p{at}"), value))
    }

    /// A condition as the text behind WHERE.
    pub(super) fn condition(&mut self, condition: &Condition) -> String {
        self.write(condition, Null::IsFalse)
    }

    /// A new parameter.
    pub(super) fn parameter(&mut self, value: Sql) -> String {
        self.values.push(value);
        format!(":p{}", self.values.len() - 1)
    }

    fn write(&mut self, condition: &Condition, null: Null) -> String {
        match condition {
            Condition::Constant(Some(truth)) => if *truth { "1" } else { "0" }.to_owned(),
            Condition::Constant(None) => "NULL".to_owned(),
            Condition::Is(scalar) => self.scalar(scalar),
            Condition::Compare { operator, left, right } => {
                self.compare(*operator, left, right, null)
            }
            Condition::In { left, members } => self.within(left, members, null),
            Condition::Text { test, text, part } => self.test(*test, text, part, null),
            Condition::Not(inner) => format!("(NOT {})", self.write(inner, Null::Shows)),
            Condition::And(all) => {
                let all = all.iter().map(|one| self.write(one, null)).collect();
                balanced(all, "AND")
            }
            Condition::Or(any) => self.any_of(any, null),
            Condition::Any { collection, of } => self.exists(*collection, of.as_deref()),
            Condition::All { collection, of } => {
                if let Some(found) = self.found(*collection, of, true) {
                    return format!("(NOT {found})");
                }
                let source = self.source(*collection);
                let of = self.inside(of, Null::Shows);
                format!("NOT EXISTS (SELECT 1 FROM {source} WHERE ({of}) IS NOT TRUE)")
            }
        }
    }

    /// Equalities of one property, which clients join by `or`, are one list.
    fn any_of(&mut self, conditions: &[Condition], null: Null) -> String {
        let mut lists: Vec<(&Scalar, Vec<Value>)> = Vec::new();
        let mut others = Vec::new();
        for condition in conditions {
            match condition {
                Condition::Compare {
                    operator: Comparison::Eq,
                    left: left @ Scalar::Property(..),
                    right: Scalar::Value(value),
                } if *value != Value::Null => {
                    match lists.iter_mut().find(|(known, _)| *known == left) {
                        Some((_, members)) => members.push(value.clone()),
                        None => lists.push((left, vec![value.clone()])),
                    }
                }
                other => others.push(other),
            }
        }
        let mut written = Vec::with_capacity(lists.len() + others.len());
        for (left, members) in lists {
            written.push(self.within(left, &members, null));
        }
        for other in others {
            written.push(self.write(other, null));
        }
        balanced(written, "OR")
    }

    fn compare(
        &mut self,
        operator: Comparison,
        left: &Scalar,
        right: &Scalar,
        null: Null,
    ) -> String {
        // The property stands left, so that what follows looks there alone.
        if let (Scalar::Value(_), Scalar::Property(..)) = (left, right) {
            return self.compare(turned(operator), right, left, null);
        }
        let is_equality = matches!(operator, Comparison::Eq | Comparison::Ne);
        let sign = match operator {
            Comparison::Eq if null == Null::IsFalse && is_constant(right) => "=",
            Comparison::Eq => "IS",
            Comparison::Ne => "IS NOT",
            Comparison::Gt => ">",
            Comparison::Ge => ">=",
            Comparison::Lt => "<",
            Comparison::Le => "<=",
        };
        if let (Scalar::Property(level, Field::Machine(MachineField::HealthStatus)), true) =
            (left, is_equality)
            && let Scalar::Value(Value::Text(status)) = right
        {
            return self.health(*level, operator, status);
        }
        let follows = match (left, right) {
            (Scalar::Property(level, field), Scalar::Value(Value::Text(value)))
                if operator == Comparison::Eq && null == Null::IsFalse =>
            {
                column::follows(&self.alias(*level), *field, value)
            }
            _ => String::new(),
        };
        let (left, right) = self.sides(left, right);
        match null {
            _ if is_equality => format!("({left} {sign} {right}{follows})"),
            Null::IsFalse => format!("({left} {sign} {right})"),
            Null::Shows => format!("coalesce({left} {sign} {right}, 0)"),
        }
    }

    /// Health follows from the time, so that its index serves.
    fn health(&mut self, level: Level, operator: Comparison, status: &str) -> String {
        let active = match (status, operator) {
            ("Active", Comparison::Eq) | ("Inactive", Comparison::Ne) => ">=",
            ("Inactive", Comparison::Eq) | ("Active", Comparison::Ne) => "<",
            // Nothing else is ever said of a machine.
            (_, Comparison::Ne) => return "1".to_owned(),
            _ => return "0".to_owned(),
        };
        let since = self.parameter(Sql::Integer(self.inactive_before()));
        format!("({}.last_seen {active} {since})", self.alias(level))
    }

    /// Ticks before which a machine was last seen that is inactive now.
    fn inactive_before(&self) -> i64 {
        (self.now.seconds() - INACTIVE_AFTER_S).saturating_mul(TICKS_PER_SECOND)
    }

    /// Both sides of a comparison, texts folded.
    fn sides(&mut self, left: &Scalar, right: &Scalar) -> (String, String) {
        if !self.is_text(left) && !self.is_text(right) {
            return (self.scalar(left), self.scalar(right));
        }
        if let (Scalar::Property(level, field), Scalar::Value(Value::Text(text))) = (left, right)
            && let Some(sides) = self.keyed(*level, *field, text)
        {
            return sides;
        }
        (self.folded(left), self.folded(right))
    }

    /// A property that is compared with a constant, in a form that an index has.
    fn keyed(&mut self, level: Level, field: Field, text: &str) -> Option<(String, String)> {
        let alias = self.alias(level);
        if field == Field::User(UserField::AccountName) {
            let name = self.parameter(Sql::Text(inventory::fold(text)));
            return Some((format!("{alias}.name"), name));
        }
        let Field::Machine(field) = field else { return None };
        let (column, value) = match field {
            MachineField::ComputerDnsName => {
                (format!("{alias}.name_key"), Sql::Text(inventory::fold(text)))
            }
            MachineField::Id if text.len() == 40 => {
                (format!("{alias}.id"), Sql::Blob(MachineId::parse(text)?.0.to_vec()))
            }
            MachineField::AadDeviceId if text.len() == 36 => {
                let id = uuid::Uuid::try_parse(text).ok()?;
                (format!("{alias}.aad_device_id"), Sql::Blob(id.as_bytes().to_vec()))
            }
            _ if is_ascii_column(field) && text.is_ascii() => {
                let column = column::machine(&alias, field, self.inactive_before());
                (format!("{column} COLLATE NOCASE"), Sql::Text(text.to_owned()))
            }
            _ => return None,
        };
        Some((column, self.parameter(value)))
    }

    fn within(&mut self, left: &Scalar, members: &[Value], null: Null) -> String {
        let (nulls, members): (Vec<&Value>, Vec<&Value>) =
            members.iter().partition(|member| **member == Value::Null);
        let mut written = Vec::new();
        if !nulls.is_empty() {
            written.push(format!("({} IS NULL)", self.scalar(left)));
        }
        let keyed: Option<Vec<_>> = match left {
            Scalar::Property(level, field) => {
                let before = self.values.len();
                let all = members.iter().map(|member| match member {
                    Value::Text(text) => self.keyed(*level, *field, text),
                    _ => None,
                });
                let all: Option<Vec<_>> = all.collect();
                if all.is_none() {
                    self.values.truncate(before);
                }
                all
            }
            _ => None,
        };
        if let (Some(keyed), false) = (keyed, members.is_empty()) {
            let column = keyed[0].0.clone();
            let values: Vec<_> = keyed.into_iter().map(|(_, value)| value).collect();
            written.push(format!("({column} IN ({}))", values.join(", ")));
        } else if !members.is_empty() {
            let is_text = self.is_text(left);
            let column = if is_text { self.folded(left) } else { self.scalar(left) };
            let values: Vec<_> = members
                .iter()
                .map(|member| match member {
                    Value::Text(text) => self.parameter(Sql::Text(inventory::fold(text))),
                    other => self.parameter(to_sql(other)),
                })
                .collect();
            written.push(format!("({column} IN ({}))", values.join(", ")));
        }
        let any = balanced(written, "OR");
        // A null is in no list, which is false and not null.
        if null == Null::Shows { format!("coalesce({any}, 0)") } else { any }
    }

    fn test(&mut self, test: TextTest, text: &Scalar, part: &Scalar, null: Null) -> String {
        let name = self.folded_column(text);
        if let (
            Some(name),
            TextTest::StartsWith,
            Scalar::Value(Value::Text(prefix)),
            Null::IsFalse,
        ) = (&name, test, part, null)
        {
            // The range is what an index serves; nothing that begins so is outside of it.
            let prefix = inventory::fold(prefix);
            let end = self.parameter(Sql::Text(format!("{prefix}\u{10ffff}\u{10ffff}")));
            let prefix = self.parameter(Sql::Text(prefix));
            return format!(
                "({name} >= {prefix} AND {name} < {end} AND text_test(0, {name}, {prefix}))"
            );
        }
        let text = name.unwrap_or_else(|| self.scalar(text));
        let part = self.scalar(part);
        format!("text_test({}, {text}, {part})", number_of_test(test))
    }

    fn exists(&mut self, collection: Collection, of: Option<&Condition>) -> String {
        if let Some(indexed) = self.tagged(collection, of) {
            return indexed;
        }
        if let Some(found) = of.and_then(|of| self.found(collection, of, false)) {
            return found;
        }
        let source = self.source(collection);
        let Some(of) = of else { return format!("EXISTS (SELECT 1 FROM {source})") };
        let of = self.inside(of, Null::IsFalse);
        format!("EXISTS (SELECT 1 FROM {source} WHERE {of})")
    }

    /// That the row is one of those that were found for a condition on its items.
    fn found(&mut self, collection: Collection, of: &Condition, fails: bool) -> Option<String> {
        if (collection.level, self.depth) != (Level(0), 0) {
            return None;
        }
        let numbers = Sql::Text(self.related.numbers(of, fails)?.to_owned());
        let numbers = self.parameter(numbers);
        if self.row == PERSON {
            return Some(format!(
                "EXISTS (SELECT 1 FROM json_each({PERSON}.members) AS member
                     WHERE member.value IN (SELECT value FROM json_each({numbers})))"
            ));
        }
        Some(format!("({}.number IN (SELECT value FROM json_each({numbers})))", self.row))
    }

    /// A condition on the items of a collection.
    fn inside(&mut self, of: &Condition, null: Null) -> String {
        self.depth += 1;
        let written = self.write(of, null);
        self.depth -= 1;
        written
    }

    /// A tag of the row that is a constant of ASCII, by the index of tags.
    fn tagged(&mut self, collection: Collection, of: Option<&Condition>) -> Option<String> {
        let (Collection { level: Level(0), of: Items::MachineTags }, 0) = (collection, self.depth)
        else {
            return None;
        };
        let tag = related::tag_of(of)?.to_owned();
        let (row, tag) = (self.row, self.parameter(Sql::Text(tag)));
        Some(format!(
            "{row}.number IN (SELECT machine_tag.machine FROM main.machine_tag AS machine_tag
                WHERE machine_tag.tenant = :tenant AND machine_tag.tag = {tag})"
        ))
    }

    /// The items of a collection as a table, named for the level at which they are asked about.
    fn source(&mut self, collection: Collection) -> String {
        let Collection { level, of } = collection;
        let (owner, item) = (self.alias(level), self.alias(Level(self.depth + 1)));
        match of {
            Items::MachineTags => format!("json_each(coalesce({owner}.tags, '[]')) AS {item}"),
            Items::IpAddresses => {
                format!("json_each(coalesce({owner}.ip_addresses, '[]')) AS {item}")
            }
            Items::LogOnUsers => {
                // Days are found by their accounts, which the relations tell.
                let accounts = match self.window {
                    Window::ALL => String::new(),
                    _ => format!(
                        "account IN (SELECT met.account FROM relation AS met
                             WHERE met.machine = {owner}.number) AND "
                    ),
                };
                let relations = self.relations(&format!("{accounts}machine = {owner}.number"));
                format!("{} AS {item}", users(&relations))
            }
            Items::Machines => {
                if level == Level(0) && self.row == PERSON {
                    let accounts = format!("(SELECT value FROM json_each({PERSON}.members))");
                    let relations = self.relations(&format!("account IN {accounts}"));
                    // Where several of the accounts were there is one machine.
                    let relations = format!(
                        "SELECT machine, min(account) AS account FROM ({relations}) GROUP BY machine"
                    );
                    return format!("{} AS {item}", machines(&relations));
                }
                let relations = self.relations(&format!("account = {owner}.number"));
                format!("{} AS {item}", machines(&relations))
            }
        }
    }

    /// The relations of the window that fulfil a condition on their columns.
    pub(super) fn relations(&mut self, condition: &str) -> String {
        let since = self.parameter(Sql::Integer(since(self.window)));
        let types = self.parameter(Sql::Integer(self.window.logon_types.bits().into()));
        relations_in(self.window, condition).replace(":since", &since).replace(":types", &types)
    }

    /// The name of the table of a level.
    fn alias(&self, Level(level): Level) -> String {
        if level == 0 { self.row.to_owned() } else { format!("item_{level}") }
    }

    /// A key of an order: texts folded, as they are compared.
    pub(super) fn key(&mut self, scalar: &Scalar) -> String {
        let key = if self.is_text(scalar) { self.folded(scalar) } else { self.scalar(scalar) };
        // A bare number behind ORDER BY is no value: SQLite reads it as the place of a column.
        let bare = key.trim_matches(['(', ')', '+', '-', ' ']);
        if bare.bytes().all(|byte| byte.is_ascii_digit()) {
            return format!("coalesce({key}, NULL)");
        }
        key
    }

    fn folded(&mut self, scalar: &Scalar) -> String {
        match scalar {
            Scalar::Value(Value::Text(text)) => self.parameter(Sql::Text(inventory::fold(text))),
            other => match self.folded_column(other) {
                Some(column) => column,
                None => format!("fold({})", self.scalar(other)),
            },
        }
    }

    /// The column of a property that is kept folded.
    fn folded_column(&self, scalar: &Scalar) -> Option<String> {
        let Scalar::Property(level, field) = scalar else { return None };
        let alias = self.alias(*level);
        match field {
            Field::Machine(MachineField::ComputerDnsName) => Some(format!("{alias}.name_key")),
            Field::User(UserField::AccountName) => Some(format!("{alias}.name")),
            _ => None,
        }
    }

    fn scalar(&mut self, scalar: &Scalar) -> String {
        match scalar {
            Scalar::Value(value) => self.parameter(to_sql(value)),
            Scalar::Property(level, field) => {
                let alias = self.alias(*level);
                column::of(&alias, *field, self.inactive_before())
            }
            Scalar::Count(collection) => {
                let source = self.source(*collection);
                format!("(SELECT count(*) FROM {source})")
            }
            Scalar::Apply(function, arguments) => self.apply(*function, arguments),
            Scalar::Ordinal(choice, members) => {
                let choice = self.scalar(choice);
                let mut places = String::new();
                for (at, member) in members.iter().enumerate() {
                    // Members are names of the EDM: letters and digits.
                    places.push_str(&format!(" WHEN '{member}' THEN {at}"));
                }
                format!("(CASE {choice}{places} END)")
            }
            Scalar::Truth(condition) => format!("({})", self.write(condition, Null::Shows)),
        }
    }

    fn apply(&mut self, function: Function, arguments: &[Scalar]) -> String {
        let kinds: String = arguments.iter().map(kind_letter).collect();
        let arguments: Vec<_> = arguments.iter().map(|argument| self.scalar(argument)).collect();
        format!("apply({}, '{kinds}', {})", number_of(function), arguments.join(", "))
    }

    fn is_text(&self, scalar: &Scalar) -> bool {
        kind_letter(scalar) == 'x'
    }
}

fn is_constant(scalar: &Scalar) -> bool {
    matches!(scalar, Scalar::Value(value) if *value != Value::Null)
}

fn turned(operator: Comparison) -> Comparison {
    match operator {
        Comparison::Gt => Comparison::Lt,
        Comparison::Ge => Comparison::Le,
        Comparison::Lt => Comparison::Gt,
        Comparison::Le => Comparison::Ge,
        same => same,
    }
}

/// Conditions joined so that the tree stays low: SQLite bounds its height.
fn balanced(mut conditions: Vec<String>, operator: &str) -> String {
    match conditions.len() {
        0 => "0".to_owned(),
        1 => conditions.remove(0),
        count => {
            let rest = conditions.split_off(count / 2);
            let (one, other) = (balanced(conditions, operator), balanced(rest, operator));
            format!("({one} {operator} {other})")
        }
    }
}
