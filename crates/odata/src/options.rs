//! System query options: those whose name begins with `$`.
//!
//! Names that do not begin with `$` are no business of OData and are passed over, as clients add
//! their own (defender-api.md §11.1). The messages of [`Error`] are the ones that ASP.NET's OData
//! library gives, since clients and people know those.

use crate::pairs::{NotText, pairs};

/// Bytes of a query string that are read at most.
pub const MAX_QUERY_BYTES: usize = 16 * 1024;
/// Names in one `$select` at most.
pub const MAX_SELECTED: usize = 256;

/// A system query option, known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemOption {
    /// `$apply`
    Apply,
    /// `$count`
    Count,
    /// `$expand`
    Expand,
    /// `$filter`
    Filter,
    /// `$format`
    Format,
    /// `$orderby`
    OrderBy,
    /// `$search`
    Search,
    /// `$select`
    Select,
    /// `$skip`
    Skip,
    /// `$top`
    Top,
}

impl SystemOption {
    /// Every option, each at the index of its number.
    const ALL: [SystemOption; 10] = [
        SystemOption::Apply,
        SystemOption::Count,
        SystemOption::Expand,
        SystemOption::Filter,
        SystemOption::Format,
        SystemOption::OrderBy,
        SystemOption::Search,
        SystemOption::Select,
        SystemOption::Skip,
        SystemOption::Top,
    ];

    /// The name, dollar sign included.
    pub fn name(self) -> &'static str {
        match self {
            SystemOption::Apply => "$apply",
            SystemOption::Count => "$count",
            SystemOption::Expand => "$expand",
            SystemOption::Filter => "$filter",
            SystemOption::Format => "$format",
            SystemOption::OrderBy => "$orderby",
            SystemOption::Search => "$search",
            SystemOption::Select => "$select",
            SystemOption::Skip => "$skip",
            SystemOption::Top => "$top",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|option| option.name().eq_ignore_ascii_case(name))
    }
}

/// The system query options of one query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `$top`: rows wanted at most.
    pub top: Option<u64>,
    /// `$skip`: rows to pass over.
    pub skip: Option<u64>,
    /// `$select`: property names as the caller spelt them, each once; `None` for all (`*`).
    pub select: Option<Vec<String>>,
    /// Options of which only the presence is known.
    pub unread: Vec<SystemOption>,
}

/// Why a query cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than [`MAX_QUERY_BYTES`].
    #[error("The query is longer than {MAX_QUERY_BYTES} bytes.")]
    TooLong,
    /// Not UTF-8 once decoded.
    #[error(transparent)]
    NotText(#[from] NotText),
    /// A name with a dollar sign that OData does not know.
    #[error("The query parameter '{0}' is not supported.")]
    Unknown(String),
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
    /// More rows asked for than the caller of [`parse`] allows.
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
}

/// Characters of a caller's text that an error repeats at most.
pub const SHOWN_CHARS: usize = 100;

/// Reads the options of a query string; `max_top` is the greatest `$top` that is allowed.
pub fn parse(query: &str, max_top: u64) -> Result<Options, Error> {
    if query.len() > MAX_QUERY_BYTES {
        return Err(Error::TooLong);
    }
    let mut options = Options::default();
    let mut seen = [false; SystemOption::ALL.len()];
    for pair in pairs(query) {
        let (name, value) = pair?;
        let name = name.trim();
        if !name.starts_with('$') {
            continue;
        }
        let option = SystemOption::parse(name).ok_or_else(|| Error::Unknown(shown(name)))?;
        if std::mem::replace(&mut seen[option as usize], true) {
            return Err(Error::Duplicate(option));
        }
        match option {
            SystemOption::Top => {
                let given = number(option, &value)?;
                if given > max_top {
                    return Err(Error::TopTooLarge { max: max_top, given });
                }
                options.top = Some(given);
            }
            SystemOption::Skip => options.skip = Some(number(option, &value)?),
            SystemOption::Select => options.select = select(&value)?,
            _ => options.unread.push(option),
        }
    }
    Ok(options)
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

fn number(option: SystemOption, value: &str) -> Result<u64, Error> {
    let text = value.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Databases count rows in signed 64-bit numbers.
    text.parse::<u64>()
        .ok()
        .filter(|&number| digits && i64::try_from(number).is_ok())
        .ok_or_else(|| Error::NotANumber { option, value: shown(value) })
}

fn select(value: &str) -> Result<Option<Vec<String>>, Error> {
    if value.trim().is_empty() {
        return Err(Error::Empty(SystemOption::Select));
    }
    let mut names: Vec<String> = Vec::new();
    let mut all = false;
    let mut at = 0;
    for (index, item) in value.split(',').enumerate() {
        if index == MAX_SELECTED {
            return Err(Error::SelectTooLong);
        }
        if let Some(offset) = bad_character(item) {
            return Err(Error::Select { at: at + offset, text: shown(value) });
        }
        let name = item.trim();
        all |= name == "*";
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name.to_owned());
        }
        at += item.chars().count() + 1;
    }
    Ok((!all).then_some(names))
}

/// Characters before the one that makes an item of `$select` no name; `None` when it is one.
fn bad_character(item: &str) -> Option<usize> {
    let blanks = item.chars().take_while(|c| c.is_whitespace()).count();
    match item.trim() {
        "" => Some(item.chars().count()),
        "*" => None,
        name => name.chars().position(|c| !(c.is_alphanumeric() || c == '_')).map(|at| blanks + at),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(query: &str) -> Result<Options, Error> {
        parse(query, 10_000)
    }

    fn refusal(query: &str) -> String {
        read(query).unwrap_err().to_string()
    }

    #[test]
    fn the_habits_of_clients_are_understood() {
        let expected = Options { top: Some(100), skip: Some(20), ..Options::default() };
        for query in [
            "$top=100&$skip=20",
            "$top=100&$skip=20&",
            "%24top=100&%24skip=20",
            "$TOP=100&$Skip=20&pageSize=10000&top=1",
            "+$top=+100+&$skip=20",
            "&&$skip=20&$top=0100",
        ] {
            assert_eq!(read(query).as_ref(), Ok(&expected), "{query}");
        }
        assert_eq!(read(""), Ok(Options::default()));
        assert_eq!(read("top=1&skip=x&select="), Ok(Options::default()));
    }

    #[test]
    fn select_keeps_order_and_drops_repetitions() {
        let select = |query| read(query).map(|options| options.select);
        let names = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(select("$select=id,+computerDnsName"), Ok(names(&["id", "computerDnsName"])));
        assert_eq!(select("$select=id,ID,lastSeen"), Ok(names(&["id", "lastSeen"])));
        assert_eq!(select("$select=id,*"), Ok(None));
    }

    #[test]
    fn options_that_are_not_read_are_named() {
        let options = read("$filter=id+eq+'x'&$count=true").unwrap();
        assert_eq!(options.unread, [SystemOption::Filter, SystemOption::Count]);
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        for (query, message) in [
            ("$foo=1", "The query parameter '$foo' is not supported."),
            (
                "$top=1&$Top=2",
                "Query option '$top' was specified more than once, but it must be specified at most once.",
            ),
            (
                "$top=-1",
                "Invalid value '-1' for $top query option found. The $top query option requires a non-negative integer value.",
            ),
            (
                "$skip=",
                "Invalid value '' for $skip query option found. The $skip query option requires a non-negative integer value.",
            ),
            (
                "$skip=9223372036854775808",
                "Invalid value '9223372036854775808' for $skip query option found. The $skip query option requires a non-negative integer value.",
            ),
            (
                "$top=10001",
                "The limit of '10000' for Top query has been exceeded. The value from the incoming request is '10001'.",
            ),
            ("$select=+", "The value for OData query '$select' cannot be empty."),
            ("$select=id,,version", "Syntax error at position 3 in 'id,,version'."),
            ("$select=id,+a/b", "Syntax error at position 5 in 'id, a/b'."),
            ("$top=%ff", "The percent-encoding at position 5 of the query is not valid UTF-8."),
        ] {
            assert_eq!(refusal(query), message, "{query}");
        }
        assert_eq!(read(&"a".repeat(MAX_QUERY_BYTES + 1)), Err(Error::TooLong));
        assert_eq!(read(&format!("$select={}", "a,".repeat(300))), Err(Error::SelectTooLong));
    }

    proptest! {
        #[test]
        fn no_query_panics(query in "\\PC{0,200}") {
            let _ = read(&query);
        }

        #[test]
        fn no_query_of_likely_pieces_panics(
            query in "(\\$|%24|top|skip|select|=|&|,|\\+|%|%f|%ff|%C3%A4|[a-z0-9]|ä|\\*){0,40}",
        ) {
            let _ = read(&query);
        }

        #[test]
        fn what_is_written_is_read(top in 0_u64..=10_000, skip in 0..=i64::MAX as u64) {
            let options = read(&format!("$top={top}&$skip={skip}")).unwrap();
            prop_assert_eq!((options.top, options.skip), (Some(top), Some(skip)));
        }
    }
}
