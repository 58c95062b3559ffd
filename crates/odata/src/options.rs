//! System query options: those whose name begins with `$`.
//!
//! Names that do not begin with `$` are no business of OData and are passed over, as clients add
//! their own (defender-api.md §11.1); OData 4.01 would read `top=1` as `$top=1`.

use crate::error::{excerpt, shown};
use crate::expression::{Expr, OrderBy};
use crate::limits::{MAX_OPTION_BYTES, MAX_SKIPTOKEN_CHARS};
use crate::pairs::pairs;
use crate::search::Search;

mod expand;
mod select;
mod system;

pub use expand::{Expand, ExpandItem, Target};
pub use system::SystemOption;

pub use crate::error::Error;
pub use crate::limits::{MAX_QUERY_BYTES, MAX_SELECTED, SHOWN_CHARS};

/// The system query options of one query, or of one item of an [`Expand`].
///
/// `None` is an option that was not there. `Display` writes canonical text as it stands inside
/// `$expand`: joined by `;`, without percent-encoding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// `$filter`: what must be true of a row.
    pub filter: Option<Expr>,
    /// `$orderby`: which rows come first.
    pub orderby: Option<OrderBy>,
    /// `$top`: rows wanted at most.
    pub top: Option<u64>,
    /// `$skip`: rows to pass over.
    pub skip: Option<u64>,
    /// `$count`: whether the number of all rows is wanted.
    pub count: Option<bool>,
    /// `$select`: property names as the caller spelt them, or paths of them joined by `/`, each
    /// once; `None` for all (`*`).
    pub select: Option<Vec<String>>,
    /// `$expand`: related entities wanted inside each row.
    pub expand: Option<Expand>,
    /// `$search`: what must be found in a row.
    pub search: Option<Search>,
    /// `$format`: a short name or a media type, as the caller spelt it.
    pub format: Option<String>,
    /// `$skiptoken`: whatever the server wrote into a next link.
    pub skiptoken: Option<String>,
    /// Options of which only the presence is known.
    pub unread: Vec<SystemOption>,
}

/// Reads the options of a query string; `max_top` is the greatest `$top` that is allowed.
pub fn parse(query: &str, max_top: u64) -> Result<Options, Error> {
    if query.len() > MAX_QUERY_BYTES {
        return Err(Error::TooLong);
    }
    let mut options = Options::default();
    let mut seen = system::Seen::default();
    for pair in pairs(query) {
        let (name, value) = pair?;
        let name = name.trim();
        if name.is_empty() || name == "$" {
            return Err(Error::Nameless(shown(&value)));
        }
        if !name.starts_with('$') {
            continue;
        }
        let option = SystemOption::parse(name).ok_or_else(|| Error::Unknown(shown(name)))?;
        if seen.note(option) {
            return Err(Error::Duplicate(option));
        }
        options.read(option, &value, max_top)?;
    }
    Ok(options)
}

impl Options {
    fn read(&mut self, option: SystemOption, value: &str, max_top: u64) -> Result<(), Error> {
        if value.len() > MAX_OPTION_BYTES {
            return Err(Error::OptionTooLong(option));
        }
        match option {
            SystemOption::Filter => self.filter = Some(value.parse()?),
            SystemOption::OrderBy => self.orderby = Some(value.parse()?),
            SystemOption::Search => self.search = Some(value.parse()?),
            SystemOption::Expand => self.expand = Some(expand::read(value, max_top)?),
            SystemOption::Top => self.top = Some(top(value, max_top)?),
            SystemOption::Skip => self.skip = Some(number(option, value)?),
            SystemOption::Count => self.count = Some(count(value)?),
            SystemOption::Select => {
                not_empty(option, value)?;
                self.select = select::read(value)
                    .map_err(|refusal| refusal.error(0, |at| excerpt(value, at)))?;
            }
            SystemOption::Format => self.format = Some(not_empty(option, value)?.to_owned()),
            SystemOption::SkipToken => {
                let token = not_empty(option, value)?;
                if token.chars().count() > MAX_SKIPTOKEN_CHARS {
                    return Err(Error::SkipTokenTooLong);
                }
                self.skiptoken = Some(token.to_owned());
            }
            SystemOption::Apply
            | SystemOption::Compute
            | SystemOption::DeltaToken
            | SystemOption::Id
            | SystemOption::Index
            | SystemOption::Levels
            | SystemOption::SchemaVersion => self.unread.push(option),
        }
        Ok(())
    }
}

fn not_empty(option: SystemOption, value: &str) -> Result<&str, Error> {
    let text = value.trim();
    if text.is_empty() { Err(Error::Empty(option)) } else { Ok(text) }
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

fn top(value: &str, max_top: u64) -> Result<u64, Error> {
    let given = number(SystemOption::Top, value)?;
    if given > max_top { Err(Error::TopTooLarge { max: max_top, given }) } else { Ok(given) }
}

fn count(value: &str) -> Result<bool, Error> {
    let text = value.trim();
    match text {
        _ if text.eq_ignore_ascii_case("true") => Ok(true),
        _ if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Error::NotABoolean(shown(value))),
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
        let options = read("$count=TRUE&$format=+json&$skipToken=a%2Bb&$select=*").unwrap();
        assert_eq!((options.count, options.select), (Some(true), None));
        assert_eq!(options.format.as_deref(), Some("json"));
        assert_eq!(options.skiptoken.as_deref(), Some("a+b"));
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
        let paths = names(&["vmMetadata/vmId", "id"]);
        assert_eq!(select("$select=vmMetadata/vmId,id"), Ok(paths));
    }

    #[test]
    fn options_that_are_not_read_are_named() {
        let options = read("$apply=x&$count=true&$DeltaToken=&$levels=max").unwrap();
        let names: Vec<_> = options.unread.iter().map(|option| option.name()).collect();
        assert_eq!(names, ["$apply", "$deltatoken", "$levels"]);
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
            ("$select=id,+a+b", "Syntax error at position 5 in 'id, a b'."),
            ("$select=id,/a", "Syntax error at position 3 in 'id,/a'."),
            ("$select=a//b,id", "Syntax error at position 2 in 'a//b,id'."),
            ("$select=a/,id", "Syntax error at position 2 in 'a/,id'."),
            (
                "$count=1",
                "Invalid value '1' for $count query option found. Valid values are 'true, false'.",
            ),
            ("$filter=", "The value for OData query '$filter' cannot be empty."),
            ("$orderby=+", "The value for OData query '$orderby' cannot be empty."),
            ("$expand", "The value for OData query '$expand' cannot be empty."),
            ("$skiptoken=", "The value for OData query '$skiptoken' cannot be empty."),
            ("$top=%ff", "The percent-encoding at position 5 of the query is not valid UTF-8."),
        ] {
            assert_eq!(refusal(query), message, "{query}");
        }
        assert_eq!(read(&"a".repeat(MAX_QUERY_BYTES + 1)), Err(Error::TooLong));
        assert_eq!(read(&format!("$select={}", "a,".repeat(300))), Err(Error::SelectTooLong));
        let token = "a".repeat(MAX_SKIPTOKEN_CHARS + 1);
        assert_eq!(read(&format!("$skiptoken={token}")), Err(Error::SkipTokenTooLong));
        let filter = format!("$filter={}", "a".repeat(MAX_OPTION_BYTES + 1));
        assert_eq!(read(&filter), Err(Error::OptionTooLong(SystemOption::Filter)));
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
