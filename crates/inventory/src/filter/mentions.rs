//! What a question looks at, for those who must know before it is asked.

use super::{Collection, Condition, Field, Items, Level, Scalar, Sort};

/// Something that a question looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mention {
    /// A property of the row, or of an item of a collection around.
    Property(Level, Field),
    /// The items of a collection, which are looked at or counted.
    Items(Collection),
}

impl Condition {
    /// Whether the items of a collection are looked at or counted.
    pub fn mentions(&self, items: Items) -> bool {
        !self.all_mentions(&mut |mention| !is_of(mention, items))
    }

    /// Whether a test holds of everything that is looked at.
    pub fn all_mentions(&self, test: &mut dyn FnMut(Mention) -> bool) -> bool {
        match self {
            Self::Constant(_) => true,
            Self::Is(scalar) => scalar.all_mentions(test),
            Self::In { left, .. } => left.all_mentions(test),
            Self::Compare { left, right, .. } | Self::Text { text: left, part: right, .. } => {
                left.all_mentions(test) && right.all_mentions(test)
            }
            Self::Not(inner) => inner.all_mentions(test),
            Self::And(all) | Self::Or(all) => all.iter().all(|one| one.all_mentions(test)),
            Self::Any { collection, of } => {
                test(Mention::Items(*collection))
                    && of.as_ref().is_none_or(|of| of.all_mentions(test))
            }
            Self::All { collection, of } => {
                test(Mention::Items(*collection)) && of.all_mentions(test)
            }
        }
    }
}

impl Scalar {
    fn all_mentions(&self, test: &mut dyn FnMut(Mention) -> bool) -> bool {
        match self {
            Self::Value(_) => true,
            Self::Property(level, field) => test(Mention::Property(*level, *field)),
            Self::Count(collection) => test(Mention::Items(*collection)),
            Self::Apply(_, arguments) => arguments.iter().all(|one| one.all_mentions(test)),
            Self::Ordinal(inner, _) => inner.all_mentions(test),
            Self::Truth(condition) => condition.all_mentions(test),
        }
    }
}

impl Sort {
    /// Whether the items of a collection are looked at or counted.
    pub fn mentions(&self, items: Items) -> bool {
        !self.by.all_mentions(&mut |mention| !is_of(mention, items))
    }
}

fn is_of(mention: Mention, items: Items) -> bool {
    matches!(mention, Mention::Items(collection) if collection.of == items)
}
