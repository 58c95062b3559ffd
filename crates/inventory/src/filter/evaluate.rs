//! Conditions and scalars of rows in memory. Stores do the same in SQL; tests compare both.

use std::cmp::Ordering;

use super::function::{apply, compare, test};
use super::{
    Collection, Comparison, Condition, Direction, Field, Items, Level, Scalar, Sort, Value,
};

/// A row that conditions can be asked of.
pub trait Row {
    /// The value of a field; null for one that the row does not have.
    fn value(&self, field: Field) -> Value;
    /// The items of a collection; none for one that the row does not have.
    fn items(&self, of: Items) -> Vec<Box<dyn Row + '_>>;
}

/// The row, and the items around, outermost first.
type Rows<'r> = Vec<&'r dyn Row>;

impl Condition {
    /// Whether the condition is true of a row.
    pub fn holds(&self, row: &dyn Row) -> bool {
        self.truth(&mut vec![row]) == Some(true)
    }

    fn truth(&self, rows: &mut Rows<'_>) -> Option<bool> {
        match self {
            Self::Constant(truth) => *truth,
            Self::Is(scalar) => match scalar.value(rows) {
                Value::Boolean(truth) => Some(truth),
                _ => None,
            },
            Self::Compare { operator, left, right } => {
                Some(compares(*operator, &left.value(rows), &right.value(rows)))
            }
            Self::In { left, members } => {
                let left = left.value(rows);
                Some(members.iter().any(|member| compares(Comparison::Eq, &left, member)))
            }
            Self::Text { test: which, text, part } => match (text.value(rows), part.value(rows)) {
                (Value::Text(text), Value::Text(part)) => Some(test(*which, &text, &part)),
                _ => None,
            },
            Self::Not(inner) => inner.truth(rows).map(|truth| !truth),
            Self::And(all) => fold_truths(all, rows, false),
            Self::Or(any) => fold_truths(any, rows, true),
            Self::Any { collection, of: None } => Some(!items(rows, *collection).is_empty()),
            Self::Any { collection, of: Some(of) } => {
                Some(truths(rows, *collection, of).contains(&Some(true)))
            }
            Self::All { collection, of } => {
                Some(truths(rows, *collection, of).iter().all(|truth| *truth == Some(true)))
            }
        }
    }
}

/// `deciding` where one is, else null where one is, else its opposite.
fn fold_truths(conditions: &[Condition], rows: &mut Rows<'_>, deciding: bool) -> Option<bool> {
    let mut folded = Some(!deciding);
    for condition in conditions {
        match condition.truth(rows) {
            Some(truth) if truth == deciding => return Some(deciding),
            Some(_) => {}
            None => folded = None,
        }
    }
    folded
}

fn items<'r>(rows: &Rows<'r>, collection: Collection) -> Vec<Box<dyn Row + 'r>> {
    let Collection { level: Level(level), of } = collection;
    rows.get(level).map(|row| row.items(of)).unwrap_or_default()
}

fn truths(rows: &Rows<'_>, collection: Collection, of: &Condition) -> Vec<Option<bool>> {
    let items = items(rows, collection);
    items
        .iter()
        .map(|item| {
            let mut inner: Rows<'_> = rows.clone();
            inner.push(item.as_ref());
            of.truth(&mut inner)
        })
        .collect()
}

fn compares(operator: Comparison, left: &Value, right: &Value) -> bool {
    let is_null = |value: &Value| *value == Value::Null;
    if is_null(left) || is_null(right) {
        let same = is_null(left) && is_null(right);
        return match operator {
            Comparison::Eq => same,
            Comparison::Ne => !same,
            _ => false,
        };
    }
    let ordering = compare(left, right);
    match operator {
        Comparison::Eq => ordering == Some(Ordering::Equal),
        Comparison::Ne => ordering != Some(Ordering::Equal),
        Comparison::Gt => ordering == Some(Ordering::Greater),
        Comparison::Ge => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
        Comparison::Lt => ordering == Some(Ordering::Less),
        Comparison::Le => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
    }
}

impl Scalar {
    /// The value of a row.
    pub fn of(&self, row: &dyn Row) -> Value {
        self.value(&mut vec![row])
    }

    fn value(&self, rows: &mut Rows<'_>) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Property(Level(level), field) => {
                rows.get(*level).map_or(Value::Null, |row| row.value(*field))
            }
            Self::Count(collection) => {
                let count = items(rows, *collection).len();
                i64::try_from(count).map_or(Value::Null, Value::Integer)
            }
            Self::Apply(function, arguments) => {
                let values: Vec<_> =
                    arguments.iter().map(|argument| argument.value(rows)).collect();
                apply(*function, &values)
            }
            Self::Ordinal(choice, members) => match choice.value(rows) {
                Value::Text(text) => {
                    let place = members.iter().position(|member| *member == text);
                    place.and_then(|at| i64::try_from(at).ok()).map_or(Value::Null, Value::Integer)
                }
                _ => Value::Null,
            },
            Self::Truth(condition) => condition.truth(rows).map_or(Value::Null, Value::Boolean),
        }
    }
}

/// How two rows are ordered by keys; null comes before everything when ascending.
pub fn order(keys: &[Sort], one: &dyn Row, other: &dyn Row) -> Ordering {
    keys.iter().fold(Ordering::Equal, |ordering, key| {
        ordering.then_with(|| {
            let ordering = order_values(&key.by.of(one), &key.by.of(other));
            match key.direction {
                Direction::Ascending => ordering,
                Direction::Descending => ordering.reverse(),
            }
        })
    })
}

fn order_values(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ => compare(one, other).unwrap_or(Ordering::Equal),
    }
}
