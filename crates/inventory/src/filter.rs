//! What a query asks of machines and users, bound to their properties and typed: what must be true of a
//! row ([`Condition`]), and what rows are ordered by ([`Sort`]).
//!
//! `bind` makes these from the syntax that the `odata` crate reads; a store evaluates them in SQL, and
//! `evaluate` in memory, which is what tests compare stores with. The rules are those of OData 4.01
//! (URL Conventions §5.1.1): `eq` and `ne` compare nulls as values, `gt`, `ge`, `lt` and `le` are false
//! beside a null, functions of null are null, and a row counts when its condition is true. Text is
//! compared without regard to case (docs/adr/0014-text-in-queries.md).

mod bind;
mod evaluate;
pub mod function;
mod mentions;
mod names;
mod property;
mod rows;

use crate::time::{Day, Timestamp};

pub use self::bind::{BindError, Binder};
pub use self::evaluate::{Row, order};
pub use self::mentions::Mention;
pub use self::property::{
    AddressField, EntityKind, Field, Kind, MachineField, NAMESPACE, Property, UserField, VmField,
    properties,
};
pub use self::rows::MachineAt;

/// What must be true of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// `true`, `false`, or `null`, of which no row is true.
    Constant(Option<bool>),
    /// A Boolean value that is true: `isAadJoined`.
    Is(Scalar),
    /// Both sides are of one [`Kind`], numbers of either kind of number, or one is null. Choices are
    /// compared by their text with `Eq` and `Ne`; for the others both sides are [`Scalar::Ordinal`].
    Compare {
        /// Which comparison.
        operator: Comparison,
        /// Before the operator.
        left: Scalar,
        /// After it.
        right: Scalar,
    },
    /// `Eq` with at least one of these, none of them null unless written so.
    In {
        /// What is looked for.
        left: Scalar,
        /// Among what; one or more.
        members: Vec<Value>,
    },
    /// `startswith`, `endswith`, `contains`: null when one of both is.
    Text {
        /// Which test.
        test: TextTest,
        /// In which text.
        text: Scalar,
        /// For which part.
        part: Scalar,
    },
    /// Not null becomes null.
    Not(Box<Condition>),
    /// Two or more; false where one is, else null where one is.
    And(Vec<Condition>),
    /// Two or more; true where one is, else null where one is.
    Or(Vec<Condition>),
    /// An item of the collection fulfils the condition; without one, there is an item.
    Any {
        /// Whose items.
        collection: Collection,
        /// What is asked of them, at one [`Level`] deeper.
        of: Option<Box<Condition>>,
    },
    /// No item of the collection fails the condition (false or null fails).
    All {
        /// Whose items.
        collection: Collection,
        /// What is asked of them, at one [`Level`] deeper.
        of: Box<Condition>,
    },
}

/// A value of a row, or made of such.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A constant.
    Value(Value),
    /// A property of the row, or of an item of a collection around.
    Property(Level, Field),
    /// How many items a collection has.
    Count(Collection),
    /// A function; null where an argument is.
    Apply(Function, Vec<Scalar>),
    /// The place of a choice's text among its choices, which is what orders it.
    Ordinal(Box<Scalar>, &'static [&'static str]),
    /// Whether a condition is true, as a value.
    Truth(Box<Condition>),
}

/// A constant, and what a scalar is in memory.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// `Edm.Boolean`
    Boolean(bool),
    /// `Edm.Int32`, `Edm.Int64`
    Integer(i64),
    /// `Edm.Double`, finite
    Double(f64),
    /// `Edm.String`, `Edm.Guid` in lower case with hyphens, choices as the EDM writes them
    Text(String),
    /// `Edm.DateTimeOffset`
    Moment(Timestamp),
    /// `Edm.Date`
    Date(Day),
    /// `Edm.TimeOfDay`: ticks of 100 ns since midnight
    TimeOfDay(i64),
}

/// How many collections stand around: 0 is the row itself, 1 an item of the outermost lambda's
/// collection, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Level(pub usize);

/// A collection, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Collection {
    /// Whose collection it is.
    pub level: Level,
    /// Which one.
    pub of: Items,
}

/// The collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Items {
    /// `machineTags` of a machine: texts.
    MachineTags,
    /// `ipAddresses` of a machine.
    IpAddresses,
    /// `logOnUsers` of a machine: its accounts, with the relation on that machine.
    LogOnUsers,
    /// `machines` of a user.
    Machines,
}

/// `eq`, `ne`, `gt`, `ge`, `lt`, `le`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

/// What is asked of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

/// The functions, and arithmetic. Kinds of arguments and results are checked when a query is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// A text in lower case: [`crate::fold`].
    ToLower,
    /// A text in upper case.
    ToUpper,
    /// A text without white space at its ends.
    Trim,
    /// Characters of a text.
    Length,
    /// Characters of the first text before the second one in it, case aside; -1 where it is not there.
    IndexOf,
    /// A text from a character on, at most so many characters where a third argument says so.
    Substring,
    /// Two texts, one after the other.
    Concat,
    /// Year of a moment (UTC) or date.
    Year,
    /// Month, from 1.
    Month,
    /// Day of the month, from 1.
    Day,
    /// Hour of a moment or time of day.
    Hour,
    /// Minute.
    Minute,
    /// Second.
    Second,
    /// The date of a moment.
    Date,
    /// The time of day of a moment.
    Time,
    /// A number, to the nearest integer, halves away from zero.
    Round,
    /// A number, to the next smaller integer.
    Floor,
    /// A number, to the next greater integer.
    Ceiling,
    /// Minus a number.
    Negate,
    /// `add` of numbers; null beyond 64 bits, as all arithmetic.
    Add,
    /// `sub` of numbers.
    Sub,
    /// `mul` of numbers.
    Mul,
    /// `div` of numbers; of integers an integer, towards zero; null for a division by zero.
    Div,
    /// `divby` of numbers: always a [`Value::Double`].
    DivBy,
    /// `mod` of numbers; the sign of the first.
    Mod,
}

/// What rows are ordered by.
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// What is compared. Choices are [`Scalar::Ordinal`]; texts are compared by [`crate::fold`].
    pub by: Scalar,
    /// Which end comes first. Null is less than everything (OData 4.01 Protocol §11.2.6.2).
    pub direction: Direction,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Direction {
    Ascending,
    Descending,
}
