//! The two sides of a comparison. A member of an enumeration may stand there without quotes, as long as no
//! property has its name: `riskScore eq High`. In lists and after `has` no property can stand.

use odata::expression::{Expr, ExprKind, Root};
use odata::literal::Literal;

use super::{Binder, Result, error};
use crate::filter::{Kind, Scalar, Value};

/// A single value and its kind; `None` for null.
type Side = Option<(Scalar, Kind)>;

impl Binder {
    pub(super) fn sides(&mut self, left: &Expr, right: &Expr) -> Result<(Side, Side)> {
        if let Some(word) = self.word(right) {
            let one = self.scalar(left)?;
            return Ok(match one {
                Some((_, Kind::Choice(..))) => (one, text(word)),
                _ => (one, self.scalar(right)?),
            });
        }
        if let Some(word) = self.word(left) {
            let other = self.scalar(right)?;
            return Ok(match other {
                Some((_, Kind::Choice(..))) => (text(word), other),
                _ => (self.scalar(left)?, other),
            });
        }
        Ok((self.scalar(left)?, self.scalar(right)?))
    }

    /// A name that is no property's.
    fn word<'e>(&self, expr: &'e Expr) -> Option<&'e str> {
        let ExprKind::Path(path) = &expr.kind else { return None };
        let [name] = path.segments.as_slice() else { return None };
        let kind = self.kinds[self.level(&path.root)];
        let is_word = path.root == Root::Entity && kind.property(name).is_none();
        is_word.then_some(name.as_str())
    }
}

/// What stands in quotes elsewhere; which members there are is checked where it meets the other side.
fn text(word: &str) -> Side {
    Some((Scalar::Value(Value::Text(word.to_owned())), Kind::Text))
}

/// The member that a constant names, with quotes or without.
pub(super) fn name_of(constant: &Expr) -> Result<String> {
    match &constant.kind {
        ExprKind::Literal(Literal::String(name) | Literal::Enum { value: name, .. }) => {
            Ok(name.clone())
        }
        ExprKind::Path(path) if path.root == Root::Entity && path.segments.len() == 1 => {
            Ok(path.segments[0].clone())
        }
        _ => error(constant.at, "Expected the name of a member."),
    }
}
