//! What a question looks at, for those who must know before it is asked.

use super::{Collection, Condition, Items, Scalar, Sort};

impl Condition {
    /// Whether the items of a collection are looked at or counted.
    pub fn mentions(&self, items: Items) -> bool {
        let is = |collection: &Collection| collection.of == items;
        match self {
            Self::Constant(_) => false,
            Self::Is(scalar) => scalar.mentions(items),
            Self::In { left, .. } => left.mentions(items),
            Self::Compare { left, right, .. } | Self::Text { text: left, part: right, .. } => {
                left.mentions(items) || right.mentions(items)
            }
            Self::Not(inner) => inner.mentions(items),
            Self::And(all) | Self::Or(all) => all.iter().any(|one| one.mentions(items)),
            Self::Any { collection, of } => {
                is(collection) || of.as_ref().is_some_and(|of| of.mentions(items))
            }
            Self::All { collection, of } => is(collection) || of.mentions(items),
        }
    }
}

impl Scalar {
    /// Whether the items of a collection are looked at or counted.
    pub fn mentions(&self, items: Items) -> bool {
        match self {
            Self::Value(_) | Self::Property(..) => false,
            Self::Count(collection) => collection.of == items,
            Self::Apply(_, arguments) => arguments.iter().any(|one| one.mentions(items)),
            Self::Ordinal(inner, _) => inner.mentions(items),
            Self::Truth(condition) => condition.mentions(items),
        }
    }
}

impl Sort {
    /// Whether the items of a collection are looked at or counted.
    pub fn mentions(&self, items: Items) -> bool {
        self.by.mentions(items)
    }
}
