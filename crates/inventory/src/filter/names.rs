//! The names that a condition on users leaves possible, which a store looks up first.

use super::{Comparison, Condition, Field, Level, Scalar, UserField, Value};

impl Condition {
    /// Folded account names outside of which the condition is true of no user; `None` when it does not
    /// say.
    pub fn account_names(&self) -> Option<Vec<String>> {
        let name = Scalar::Property(Level(0), Field::User(UserField::AccountName));
        match self {
            Self::Compare { operator: Comparison::Eq, left, right: Scalar::Value(value) }
                if *left == name =>
            {
                text(value).map(|text| vec![text])
            }
            Self::In { left, members } if *left == name => members.iter().map(text).collect(),
            Self::And(all) => all.iter().find_map(Self::account_names),
            Self::Or(any) => {
                let each: Option<Vec<_>> = any.iter().map(Self::account_names).collect();
                each.map(|names| names.concat())
            }
            _ => None,
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(crate::fold(text)),
        _ => None,
    }
}
