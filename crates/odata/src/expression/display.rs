//! Trees as canonical text: keywords in lower case, one blank around operators, parentheses only
//! where the tree would change without them. Nothing is percent-encoded.

use std::fmt;

use super::{
    Arithmetic, Comparison, Direction, Expr, ExprKind, Members, OrderBy, OrderKey, Path, Root,
};

/// How tightly an expression holds together (OData 4.01 URL conventions §5.1.1.17).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    Or,
    And,
    Equality,
    Relational,
    Additive,
    Multiplicative,
    Unary,
    /// `has` and `in`.
    Postfix,
    Atom,
}

impl Strength {
    /// The next stronger one.
    pub(crate) fn above(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Equality,
            Self::Equality => Self::Relational,
            Self::Relational => Self::Additive,
            Self::Additive => Self::Multiplicative,
            Self::Multiplicative => Self::Unary,
            Self::Unary => Self::Postfix,
            Self::Postfix | Self::Atom => Self::Atom,
        }
    }
}

impl Comparison {
    pub(crate) fn strength(self) -> Strength {
        match self {
            Self::Eq | Self::Ne => Strength::Equality,
            Self::Gt | Self::Ge | Self::Lt | Self::Le => Strength::Relational,
        }
    }
}

impl Arithmetic {
    pub(crate) fn strength(self) -> Strength {
        match self {
            Self::Add | Self::Sub => Strength::Additive,
            Self::Mul | Self::Div | Self::DivBy | Self::Mod => Strength::Multiplicative,
        }
    }
}

impl ExprKind {
    fn strength(&self) -> Strength {
        match self {
            Self::Or(_) => Strength::Or,
            Self::And(_) => Strength::And,
            Self::Compare { operator, .. } => operator.strength(),
            Self::Arithmetic { operator, .. } => operator.strength(),
            Self::Not(_) | Self::Negate(_) => Strength::Unary,
            Self::Has { .. } | Self::In { .. } => Strength::Postfix,
            Self::Literal(_)
            | Self::Path(_)
            | Self::Count(_)
            | Self::Call { .. }
            | Self::Lambda { .. } => Strength::Atom,
        }
    }

    /// Whether a minus before it would become part of a literal.
    fn may_begin_with_a_digit(&self) -> bool {
        matches!(self, Self::Literal(_) | Self::Has { .. } | Self::In { .. })
    }
}

/// An expression, in parentheses when it is weaker than its place needs.
struct Operand<'a>(&'a Expr, Strength);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(expr, least) = self;
        if expr.kind.strength() < *least { write!(out, "({expr})") } else { write!(out, "{expr}") }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strength = self.kind.strength();
        match &self.kind {
            ExprKind::Literal(literal) => write!(out, "{literal}"),
            ExprKind::Path(path) => write!(out, "{path}"),
            ExprKind::Count(path) => write!(out, "{path}/$count"),
            ExprKind::Not(operand) => write!(out, "not {}", Operand(operand, Strength::Unary)),
            ExprKind::Negate(operand) if operand.kind.may_begin_with_a_digit() => {
                write!(out, "-({operand})")
            }
            ExprKind::Negate(operand) => write!(out, "-{}", Operand(operand, Strength::Unary)),
            ExprKind::And(items) => join(out, items, " and ", strength.above()),
            ExprKind::Or(items) => join(out, items, " or ", strength.above()),
            ExprKind::Compare { operator, left, right } => {
                binary(out, left, operator.name(), right, strength)
            }
            ExprKind::Arithmetic { operator, left, right } => {
                binary(out, left, operator.name(), right, strength)
            }
            ExprKind::Has { left, flag } => binary(out, left, "has", flag, strength),
            ExprKind::In { left, members } => {
                write!(out, "{} in ", Operand(left, strength))?;
                match members {
                    Members::Collection(path) => write!(out, "{path}"),
                    Members::List(items) => {
                        write!(out, "(")?;
                        join(out, items, ",", Strength::Or)?;
                        write!(out, ")")
                    }
                }
            }
            ExprKind::Call { function, arguments } => {
                write!(out, "{}(", function.name())?;
                join(out, arguments, ",", Strength::Or)?;
                write!(out, ")")
            }
            ExprKind::Lambda { quantifier, collection, predicate } => {
                write!(out, "{collection}/{}(", quantifier.name())?;
                if let Some(predicate) = predicate {
                    write!(out, "{}:{}", predicate.variable, predicate.body)?;
                }
                write!(out, ")")
            }
        }
    }
}

/// Left to right: an equally strong operand on the right needs parentheses.
fn binary(
    out: &mut fmt::Formatter<'_>,
    left: &Expr,
    operator: &str,
    right: &Expr,
    strength: Strength,
) -> fmt::Result {
    write!(out, "{} {operator} {}", Operand(left, strength), Operand(right, strength.above()))
}

fn join(
    out: &mut fmt::Formatter<'_>,
    items: &[Expr],
    separator: &str,
    least: Strength,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        write!(out, "{}{}", if index == 0 { "" } else { separator }, Operand(item, least))?;
    }
    Ok(())
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = match &self.root {
            Root::Entity => "",
            Root::It => "$it",
            Root::Variable(name) => name,
        };
        write!(out, "{root}")?;
        for (index, segment) in self.segments.iter().enumerate() {
            let slash = if index == 0 && self.root == Root::Entity { "" } else { "/" };
            write!(out, "{slash}{segment}")?;
        }
        Ok(())
    }
}

impl fmt::Display for OrderBy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.keys.iter().enumerate() {
            write!(out, "{}{key}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Display for OrderKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.direction {
            Direction::Ascending => write!(out, "{}", self.expr),
            Direction::Descending => write!(out, "{} desc", self.expr),
        }
    }
}
