//! Why a query cannot be understood: one type, and every message.
//!
//! Where ASP.NET's OData library has a message for the case, ours begins with it, since clients
//! and people know those; what was expected follows. Positions count characters from 0 at the
//! start of the option's decoded value. What is wrong inside `$expand=a(...)` is counted from the
//! start of the `$expand`.

use std::fmt;

use crate::expression::Function;
use crate::limits::*;
use crate::options::SystemOption;
use crate::pairs::NotText;

/// Why a query cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than [`MAX_QUERY_BYTES`].
    #[error("The query is longer than {MAX_QUERY_BYTES} bytes.")]
    TooLong,
    /// A value longer than [`MAX_OPTION_BYTES`].
    #[error("The value of query option '{}' is longer than {MAX_OPTION_BYTES} bytes.", .0.name())]
    OptionTooLong(SystemOption),
    /// Not UTF-8 once decoded.
    #[error(transparent)]
    NotText(#[from] NotText),
    /// A name with a dollar sign that OData does not know.
    #[error("The query parameter '{0}' is not supported.")]
    Unknown(String),
    /// An option without a name; its value, cut to [`SHOWN_CHARS`]. Shells write such: PowerShell and sh
    /// take `$filter` in double quotes for a variable of theirs, which is empty.
    #[error(
        "A query option has no name: '={0}'. In double quotes PowerShell and sh take $filter for a variable \
         of their own: write the address in single quotes, or `$filter (sh: \\$filter), or %24filter."
    )]
    Nameless(String),
    /// The same option twice.
    #[error("Query option '{}' was specified more than once, but it must be specified at most once.", .0.name())]
    Duplicate(SystemOption),
    /// No natural number where one is needed.
    #[error("Invalid value '{value}' for {name} query option found. The {name} query option requires a non-negative integer value.", name = .option.name())]
    NotANumber {
        /// Which option.
        option: SystemOption,
        /// What stood there, cut to [`SHOWN_CHARS`].
        value: String,
    },
    /// Neither `true` nor `false` for `$count`; what stood there, cut to [`SHOWN_CHARS`].
    #[error("Invalid value '{0}' for $count query option found. Valid values are 'true, false'.")]
    NotABoolean(String),
    /// More rows asked for than the caller of [`parse`](crate::options::parse) allows.
    #[error(
        "The limit of '{max}' for Top query has been exceeded. The value from the incoming request is '{given}'."
    )]
    TopTooLarge {
        /// The limit.
        max: u64,
        /// What was asked.
        given: u64,
    },
    /// An option without a value.
    #[error("The value for OData query '{}' cannot be empty.", .0.name())]
    Empty(SystemOption),
    /// An empty name or one with a character that no name has.
    #[error("Syntax error at position {at} in '{text}'.")]
    Select {
        /// Characters before the bad one.
        at: usize,
        /// The value, cut to [`SHOWN_CHARS`].
        text: String,
    },
    /// More than [`MAX_SELECTED`] names.
    #[error("$select names more than {MAX_SELECTED} properties.")]
    SelectTooLong,
    /// More than [`MAX_SKIPTOKEN_CHARS`].
    #[error("The value of '$skiptoken' is longer than {MAX_SKIPTOKEN_CHARS} characters.")]
    SkipTokenTooLong,
    /// A value that does not follow its grammar, or that passes a limit.
    #[error(transparent)]
    Syntax(Box<SyntaxError>),
}

/// What is wrong with an option's value, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Whose value it is; `$expand` for everything inside it.
    pub option: SystemOption,
    /// Characters of the value before the place.
    pub at: usize,
    /// The value; when it is longer than [`SHOWN_CHARS`], that many characters around the place,
    /// with `...` where it was cut.
    pub text: String,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A token that cannot stand there.
    Unexpected {
        /// What could.
        expected: &'static str,
        /// The token, cut to [`SHOWN_CHARS`]; empty for the end of the value.
        found: String,
    },
    /// A character that begins no token.
    Character {
        /// Which.
        character: char,
        /// What could stand there.
        expected: &'static str,
    },
    /// A string, phrase or enumeration value that does not end; the place is where it begins.
    Unterminated {
        /// How it ends.
        rule: &'static str,
    },
    /// Something that looks like a literal of a type and is none.
    Literal {
        /// The type's name in the EDM.
        edm: &'static str,
        /// The text, cut to [`SHOWN_CHARS`].
        literal: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A function that OData, or this crate, does not know; its name.
    UnknownFunction(String),
    /// A function with too few or too many arguments.
    Arguments {
        /// Which function.
        function: Function,
        /// How many there were; counting stops at one too many.
        given: usize,
    },
    /// A lambda's variable that an outer lambda has already; its name.
    VariableTwice(String),
    /// An `in` list without items.
    EmptyList,
    /// Legal OData that this crate does not read.
    NotSupported(&'static str),
    /// An option that `$expand` does not take.
    NotInExpand(SystemOption),
    /// A limit that is passed there.
    Limit(Limit),
}

/// A limit that is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`MAX_DEPTH`]
    Depth,
    /// [`MAX_NODES`]
    Nodes,
    /// [`MAX_ORDER_KEYS`]
    OrderKeys,
    /// [`MAX_EXPAND_DEPTH`]
    ExpandDepth,
    /// Another.
    Count {
        /// What is counted.
        what: &'static str,
        /// How many are allowed.
        max: usize,
    },
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, text, .. } = self;
        match &self.problem {
            Problem::Unexpected { expected, found } if found.is_empty() => write!(
                out,
                "Syntax error at position {at} in '{text}'. Expected {expected}, found the end."
            ),
            Problem::Unexpected { expected, found } => write!(
                out,
                "Syntax error at position {at} in '{text}'. Expected {expected}, found '{found}'."
            ),
            Problem::Character { character, expected } => write!(
                out,
                "Syntax error: character '{}' is not valid at position {at} in '{text}'. \
                 Expected {expected}.",
                character.escape_debug()
            ),
            Problem::Unterminated { rule } => write!(
                out,
                "There is an unterminated string literal at position {at} in '{text}'. {rule}"
            ),
            Problem::Literal { edm, literal, why } => {
                write!(out, "Unrecognized '{edm}' literal '{literal}' at '{at}' in '{text}'. {why}")
            }
            Problem::UnknownFunction(name) => write!(
                out,
                "An unknown function with name '{name}' was found. This may also be a function \
                 import or a key lookup on a navigation property, which is not allowed. It stands \
                 at position {at} in '{text}'. Known functions are {Names}."
            ),
            Problem::Arguments { function, given } => write!(
                out,
                "No function signature for the function with name '{name}' matches the specified \
                 arguments. It takes {takes}, at position {at} in '{text}' it has {given}.",
                name = function.name(),
                takes = Takes(*function),
                given = if *given > *function.arguments().end() { "more" } else { "fewer" },
            ),
            Problem::VariableTwice(name) => write!(
                out,
                "The range variable '{name}' has already been declared. At position {at} in \
                 '{text}' another name is needed."
            ),
            Problem::EmptyList => write!(
                out,
                "Syntax error at position {at} in '{text}'. A list after 'in' needs at least one item."
            ),
            Problem::NotSupported(what) => {
                write!(out, "Syntax error at position {at} in '{text}'. {what} are not supported.")
            }
            Problem::NotInExpand(option) => write!(
                out,
                "The query option '{}' is not supported inside $expand. At position {at} in \
                 '{text}' $filter, $select, $orderby, $top, $skip, $count, $expand or $search is \
                 expected.",
                option.name()
            ),
            Problem::Limit(limit) => {
                write!(out, "{limit}; position {at} in '{text}' is past it.")
            }
        }
    }
}

impl std::error::Error for SyntaxError {}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Depth => {
                write!(out, "Recursion depth exceeded allowed limit. The limit is {MAX_DEPTH}")
            }
            Self::Nodes => write!(out, "The node count limit of '{MAX_NODES}' has been exceeded"),
            Self::OrderKeys => write!(
                out,
                "The number of clauses in $orderby query option exceeded the maximum number \
                 allowed. The maximum number of $orderby clauses allowed is {MAX_ORDER_KEYS}"
            ),
            Self::ExpandDepth => write!(
                out,
                "The request includes a $expand path which is too deep. The maximum depth allowed \
                 is {MAX_EXPAND_DEPTH}"
            ),
            Self::Count { what, max } => write!(out, "The limit of {max} {what} is exceeded"),
        }
    }
}

/// How many arguments a function takes, in words.
struct Takes(Function);

impl fmt::Display for Takes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.0.arguments();
        match (*counts.start(), *counts.end()) {
            (0, 0) => write!(out, "no arguments"),
            (1, 1) => write!(out, "1 argument"),
            (least, most) if least == most => write!(out, "{least} arguments"),
            (least, most) => write!(out, "{least} to {most} arguments"),
        }
    }
}

/// The names of all functions.
struct Names;

impl fmt::Display for Names {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in Function::names().enumerate() {
            write!(out, "{}{name}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// The first [`SHOWN_CHARS`] of a text.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

/// [`SHOWN_CHARS`] of a text around a place, `...` where it was cut.
pub(crate) fn excerpt(text: &str, at: usize) -> String {
    let total = text.chars().count();
    if total <= SHOWN_CHARS {
        return text.to_owned();
    }
    let start = at.saturating_sub(SHOWN_CHARS / 2).min(total - SHOWN_CHARS);
    let middle: String = text.chars().skip(start).take(SHOWN_CHARS).collect();
    let before = if start > 0 { "..." } else { "" };
    let after = if start + SHOWN_CHARS < total { "..." } else { "" };
    format!("{before}{middle}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_around_the_place() {
        let text: String = ('a'..='z').cycle().take(300).collect();
        assert_eq!(excerpt(&text[..100], 3), &text[..100]);
        assert_eq!(excerpt(&text, 3), format!("{}...", &text[..100]));
        assert_eq!(excerpt(&text, 150), format!("...{}...", &text[100..200]));
        assert_eq!(excerpt(&text, 300), format!("...{}", &text[200..]));
        assert_eq!(excerpt(&"ä".repeat(101), 101), format!("...{}", "ä".repeat(100)));
    }
}
