//! Expressions as trees: what `$filter` and the keys of `$orderby` say.
//!
//! A tree is what was written, without blanks, parentheses and the case of keywords. Names keep
//! their case; whether a property of that name exists is for the caller to find out. `Display`
//! writes canonical text, which reads back as an equal tree. No tree that was read is higher than
//! [`MAX_DEPTH`](crate::limits::MAX_DEPTH), so it may be walked by recursion.

use std::str::FromStr;

use crate::error::Error;
use crate::literal::Literal;
use crate::options::SystemOption;
use crate::parser::Parser;

mod display;
mod function;

pub(crate) use display::Strength;
pub use function::Function;

/// An expression and where it stands.
///
/// Two are equal when they say the same; positions are not compared.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Characters of the option's value before it. An operator with two sides stands where its
    /// name does, `and` and `or` where they first do, everything else where it begins.
    pub at: usize,
    /// What it says.
    pub kind: ExprKind,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// What an expression says.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `'High'`, `140`, `2025-06-01T00:00:00Z`, `null`, ...
    Literal(Literal),
    /// `computerDnsName`, `vmMetadata/vmId`, `$it`, or a lambda's variable.
    Path(Path),
    /// `machineTags/$count`: how many there are.
    Count(Path),
    /// `not a`
    Not(Box<Expr>),
    /// `-a`. A minus directly before a digit belongs to the literal.
    Negate(Box<Expr>),
    /// `a and b and c`: two or more. A chain is one node; parentheses begin another.
    And(Vec<Expr>),
    /// `a or b or c`: two or more, as with `And`.
    Or(Vec<Expr>),
    /// `a eq b`
    Compare {
        /// Which comparison.
        operator: Comparison,
        /// Before the operator.
        left: Box<Expr>,
        /// After the operator.
        right: Box<Expr>,
    },
    /// `a add b`
    Arithmetic {
        /// Which operation.
        operator: Arithmetic,
        /// Before the operator.
        left: Box<Expr>,
        /// After the operator.
        right: Box<Expr>,
    },
    /// `a has Name.Space.Type'Flag'`
    Has {
        /// Before `has`.
        left: Box<Expr>,
        /// After `has`: always a literal.
        flag: Box<Expr>,
    },
    /// `a in ('x', 'y')`
    In {
        /// Before `in`.
        left: Box<Expr>,
        /// After `in`.
        members: Members,
    },
    /// `startswith(a, 'x')`
    Call {
        /// Which function.
        function: Function,
        /// As many as the function takes.
        arguments: Vec<Expr>,
    },
    /// `machineTags/any(tag: tag eq 'x')`
    Lambda {
        /// `any` or `all`.
        quantifier: Quantifier,
        /// Whose items are asked about.
        collection: Path,
        /// What is asked of each; `None` for `any()`: is there an item?
        predicate: Option<Box<Predicate>>,
    },
}

/// What stands after `in`.
#[derive(Clone, Debug, PartialEq)]
pub enum Members {
    /// `('x', 'y')` or `['x', 'y']`: one or more, all of them literals.
    List(Vec<Expr>),
    /// A collection: `'x' in machineTags`.
    Collection(Path),
}

/// The inside of a lambda.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicate {
    /// The name for the item; no outer lambda has the same.
    pub variable: String,
    /// What is asked of it.
    pub body: Expr,
}

/// The way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Where it begins.
    pub root: Root,
    /// Names of properties from there, as the caller spelt them. They are separated by one `/`
    /// without blanks, so the place of each follows from that of the expression. Never empty
    /// after [`Root::Entity`].
    pub segments: Vec<String>,
}

/// Where a path begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// Unsaid: at what the option is about.
    Entity,
    /// `$it`: the same, said.
    It,
    /// The variable of a lambda around it, spelt exactly so.
    Variable(String),
}

/// `eq`, `ne`, `gt`, `ge`, `lt`, `le`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // Each is the operator of its name.
pub enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Comparison {
    /// Its name as OData writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }
}

/// `add`, `sub`, `mul`, `div`, `divby`, `mod`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `add`
    Add,
    /// `sub`
    Sub,
    /// `mul`
    Mul,
    /// `div`: of integers, an integer.
    Div,
    /// `divby`: of integers, a fraction.
    DivBy,
    /// `mod`
    Mod,
}

impl Arithmetic {
    /// Its name as OData writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::DivBy => "divby",
            Self::Mod => "mod",
        }
    }
}

/// How many items must fulfil a lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// At least one.
    Any,
    /// Every one, also when there is none.
    All,
}

impl Quantifier {
    /// Its name as OData writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
        }
    }
}

/// The keys of an `$orderby`, the first the most significant: one or more.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderBy {
    /// In the order of the text.
    pub keys: Vec<OrderKey>,
}

/// A key of an `$orderby`.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderKey {
    /// What is compared.
    pub expr: Expr,
    /// Which end comes first.
    pub direction: Direction,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The smallest: `asc`, or nothing.
    Ascending,
    /// The greatest: `desc`.
    Descending,
}

impl Expr {
    /// Calls `visit` with the expression and everything in it: parents before children, children
    /// from left to right.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Path(_) | ExprKind::Count(_) => {}
            ExprKind::Not(operand) | ExprKind::Negate(operand) => operand.walk(visit),
            ExprKind::And(items)
            | ExprKind::Or(items)
            | ExprKind::Call { arguments: items, .. } => {
                items.iter().for_each(|item| item.walk(visit));
            }
            ExprKind::Compare { left, right, .. }
            | ExprKind::Arithmetic { left, right, .. }
            | ExprKind::Has { left, flag: right } => {
                left.walk(visit);
                right.walk(visit);
            }
            ExprKind::In { left, members } => {
                left.walk(visit);
                if let Members::List(items) = members {
                    items.iter().for_each(|item| item.walk(visit));
                }
            }
            ExprKind::Lambda { predicate, .. } => {
                if let Some(predicate) = predicate {
                    predicate.body.walk(visit);
                }
            }
        }
    }
}

/// Reads the value of a `$filter`.
impl FromStr for Expr {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Parser::new(SystemOption::Filter, text)?
            .whole(Parser::expression, "an operator (such as eq, ne, and, or, in) or the end")
    }
}

/// Reads the value of an `$orderby`.
impl FromStr for OrderBy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Parser::new(SystemOption::OrderBy, text)?
            .whole(Parser::order_by, "asc, desc, ',', an operator or the end")
    }
}
