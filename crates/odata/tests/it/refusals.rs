//! What is refused, with the exact words.

use odata::expression::{Expr, OrderBy};
use odata::limits::*;
use odata::options::{Error, SystemOption};
use proptest::prelude::*;

fn refusal(text: &str) -> String {
    match text.parse::<Expr>() {
        Ok(expr) => format!("read as {expr}"),
        Err(error) => error.to_string(),
    }
}

const OPERAND: &str = "Expected a property, a literal, a function or '('";
const OPERATOR: &str = "Expected an operator (such as eq, ne, and, or, in) or the end";

#[test]
fn a_token_out_of_place_is_named() {
    for (text, at, rest) in [
        ("a eq", 4, format!("{OPERAND}, found the end.")),
        ("a eq and b", 9, format!("{OPERATOR}, found 'b'.")),
        ("eq 'x'", 3, format!("{OPERATOR}, found ''x''.")),
        ("a 'x'", 2, format!("{OPERATOR}, found ''x''.")),
        ("a eq 1)", 6, format!("{OPERATOR}, found ')'.")),
        ("(a eq 1", 7, "Expected ')' or an operator, found the end.".to_owned()),
        ("()", 1, format!("{OPERAND}, found ')'.")),
        ("a = 'x'", 2, format!("{OPERATOR}, found '='.")),
        ("a eq 'x';", 8, format!("{OPERATOR}, found ';'.")),
        ("a eq \"x\"", 5, "Expected a string in single quotes, found '\"x\"'.".to_owned()),
        ("ä eq ö ü", 7, format!("{OPERATOR}, found 'ü'.")),
        ("contains(a,", 11, format!("{OPERAND}, found the end.")),
        ("contains(a 'b')", 11, "Expected ',', ')' or an operator, found ''b''.".to_owned()),
        ("contains(,'b')", 9, format!("{OPERAND}, found ','.")),
        ("a in", 4, "Expected a list such as ('a', 'b'), found the end.".to_owned()),
        ("a in 'x'", 5, "Expected a list such as ('a', 'b'), found ''x''.".to_owned()),
        ("a in ('x',)", 10, "Expected a literal, found ')'.".to_owned()),
        ("a in ('x' 'y')", 10, "Expected ',' or ')', found ''y''.".to_owned()),
        ("a in ('x']", 9, "Expected ',' or ')', found ']'.".to_owned()),
        ("a in ['x')", 9, "Expected ',' or ']', found ')'.".to_owned()),
        ("a in (b/c)", 7, "Expected ',' or ')', found '/'.".to_owned()),
        ("a in (not b)", 6, "Expected a literal, found 'not'.".to_owned()),
        ("a in (\"b\")", 6, "Expected a literal, found '\"b\"'.".to_owned()),
        (
            "a in b/$count",
            5,
            "Expected a list such as ('a', 'b') or a collection, found 'b'.".to_owned(),
        ),
        ("a has and", 6, "Expected a member of an enumeration, found 'and'.".to_owned()),
        ("a has b/c", 7, format!("{OPERATOR}, found '/'.")),
        ("a /b", 2, format!("{OPERATOR}, found '/'.")),
        ("a/ b", 3, "Expected a name directly after '/', found 'b'.".to_owned()),
        ("a/'b'", 2, "Expected a name, any(...), all(...) or $count, found ''b''.".to_owned()),
        ("a/all()", 6, "Expected a variable such as 'x:', found ')'.".to_owned()),
        ("a/any(null:1)", 6, "Expected a variable such as 'x:', found 'null'.".to_owned()),
        ("a/any(x)", 7, "Expected ':' after the variable, found ')'.".to_owned()),
        ("a/any(x:)", 8, format!("{OPERAND}, found ')'.")),
        ("a/any(x:x", 9, "Expected ')' or an operator, found the end.".to_owned()),
        ("a/any(x:x)/b", 10, format!("{OPERATOR}, found '/'.")),
        ("a/$count/b", 8, format!("{OPERATOR}, found '/'.")),
        ("$root/a", 0, format!("{OPERAND}, found '$root'.")),
        ("a.", 2, "Expected a name after the dot, found the end.".to_owned()),
        ("a.b", 0, "Type casts are not supported.".to_owned()),
        ("a/b.c eq 1", 2, "Type casts are not supported.".to_owned()),
        ("a in ()", 6, "A list after 'in' needs at least one item.".to_owned()),
        ("a in [ ]", 7, "A list after 'in' needs at least one item.".to_owned()),
    ] {
        assert_eq!(refusal(text), format!("Syntax error at position {at} in '{text}'. {rest}"));
    }
}

#[test]
fn characters_strings_and_literals_are_explained() {
    for (text, expected) in [
        (
            "a > 1",
            "Syntax error: character '>' is not valid at position 2 in 'a > 1'. Expected an operator by its name (eq, ne, gt, ge, lt, le, and, or, not).",
        ),
        (
            "a eq \u{2019}x\u{2019}",
            "Syntax error: character '\u{2019}' is not valid at position 5 in 'a eq \u{2019}x\u{2019}'. Expected a straight single quote (') around a string.",
        ),
        (
            "a eq @p",
            "Syntax error: character '@' is not valid at position 5 in 'a eq @p'. Expected a name, a literal, an operator or a parenthesis.",
        ),
        (
            "a eq 'O''Brien",
            "There is an unterminated string literal at position 5 in 'a eq 'O''Brien'. A string ends with a single quote; one inside it is written twice.",
        ),
        (
            "a eq 9223372036854775808",
            "Unrecognized 'Edm.Int64' literal '9223372036854775808' at '5' in 'a eq 9223372036854775808'. An integer goes from -9223372036854775808 to 9223372036854775807.",
        ),
        (
            "a eq 1.",
            "Unrecognized 'Edm.Double' literal '1.' at '5' in 'a eq 1.'. Expected digits, with a fraction such as .5 or an exponent such as e3 if need be.",
        ),
        (
            "a eq 1e999",
            "Unrecognized 'Edm.Double' literal '1e999' at '5' in 'a eq 1e999'. The number is too great.",
        ),
        (
            "a ge 2018-02-31Z",
            "Unrecognized 'Edm.DateTimeOffset' literal '2018-02-31Z' at '5' in 'a ge 2018-02-31Z'. The calendar has no such day.",
        ),
        (
            "a ge 2018-02-01T00:00:00",
            "Unrecognized 'Edm.DateTimeOffset' literal '2018-02-01T00:00:00' at '5' in 'a ge 2018-02-01T00:00:00'. The time zone is missing: expected Z or an offset such as +02:00.",
        ),
        (
            "a ge 2016-12-31T23:59:60Z",
            "Unrecognized 'Edm.DateTimeOffset' literal '2016-12-31T23:59:60Z' at '5' in 'a ge 2016-12-31T23:59:60Z'. Seconds go from 00 to 59; leap seconds are not supported.",
        ),
        (
            "a ge 2018-2-1",
            "Unrecognized 'Edm.Date' literal '2018-2-1' at '5' in 'a ge 2018-2-1'. Expected a date such as 2025-06-30.",
        ),
        (
            "a ge 25:00",
            "Unrecognized 'Edm.TimeOfDay' literal '25:00' at '5' in 'a ge 25:00'. Hours go from 00 to 23, minutes from 00 to 59.",
        ),
        (
            "a eq guid'x'",
            "Unrecognized 'Edm.Guid' literal 'guid'x'' at '5' in 'a eq guid'x''. Expected 32 hexadecimal digits in groups of 8-4-4-4-12.",
        ),
        (
            "a eq duration'1d'",
            "Unrecognized 'Edm.Duration' literal 'duration'1d'' at '5' in 'a eq duration'1d''. Expected a duration such as P1DT2H3M4.5S.",
        ),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
}

#[test]
fn functions_and_variables_are_explained() {
    let unknown = |name: &str, at: usize, text: &str| {
        format!(
            "An unknown function with name '{name}' was found. This may also be a function import \
             or a key lookup on a navigation property, which is not allowed. It stands at position \
             {at} in '{text}'. Known functions are startswith, endswith, contains, tolower, toupper, \
             length, indexof, substring, concat, trim, date, time, year, month, day, hour, minute, \
             second, now, mindatetime, maxdatetime, floor, ceiling, round, matchesPattern."
        )
    };
    for (name, at, text) in [
        ("foo", 0, "foo(a)"),
        ("substringof", 6, "a and substringof('x',a)"),
        ("geo.distance", 0, "geo.distance(a,b) lt 1"),
        ("b", 2, "a/b(1)"),
        ("any", 0, "any(x:x)"),
    ] {
        assert_eq!(refusal(text), unknown(name, at, text));
    }
    for (text, expected) in [
        (
            "a eq startswith('x')",
            "No function signature for the function with name 'startswith' matches the specified arguments. It takes 2 arguments, at position 5 in 'a eq startswith('x')' it has fewer.",
        ),
        (
            "substring(a)",
            "No function signature for the function with name 'substring' matches the specified arguments. It takes 2 to 3 arguments, at position 0 in 'substring(a)' it has fewer.",
        ),
        (
            "now(a)",
            "No function signature for the function with name 'now' matches the specified arguments. It takes no arguments, at position 0 in 'now(a)' it has more.",
        ),
        (
            "Length()",
            "No function signature for the function with name 'length' matches the specified arguments. It takes 1 argument, at position 0 in 'Length()' it has fewer.",
        ),
        (
            "a/any(x:x/any(x:x))",
            "The range variable 'x' has already been declared. At position 14 in 'a/any(x:x/any(x:x))' another name is needed.",
        ),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
}

#[test]
fn limits_are_named() {
    let items = |count| format!("a in ({})", vec!["1"; count].join(","));
    let chain = |count| vec!["a eq 1"; count].join(" or ");
    let string = |count| format!("a eq '{}'", "ä".repeat(count));
    let segments = |count| vec!["a"; count].join("/");
    for (most, more, message) in [
        (
            items(MAX_LIST_ITEMS),
            items(MAX_LIST_ITEMS + 1),
            "The limit of 2000 items in lists after 'in'",
        ),
        (chain(MAX_NODES / 3), chain(MAX_NODES / 3 + 1), "The node count limit of '4000'"),
        (
            string(MAX_STRING_CHARS),
            string(MAX_STRING_CHARS + 1),
            "The limit of 2048 characters in a string",
        ),
        (
            "a".repeat(MAX_NAME_CHARS),
            "a".repeat(MAX_NAME_CHARS + 1),
            "The limit of 128 characters in a name",
        ),
        (
            segments(MAX_PATH_SEGMENTS),
            segments(MAX_PATH_SEGMENTS + 1),
            "The limit of 16 names in a path",
        ),
    ] {
        assert!(most.parse::<Expr>().is_ok(), "{message}");
        assert!(refusal(&more).starts_with(message), "{}", refusal(&more));
    }
    let long = "a".repeat(MAX_OPTION_BYTES + 1).parse::<Expr>();
    assert_eq!(long, Err(Error::OptionTooLong(SystemOption::Filter)));
    let message = "a desc b".parse::<OrderBy>().unwrap_err().to_string();
    assert_eq!(
        message,
        "Syntax error at position 7 in 'a desc b'. Expected asc, desc, ',', an operator or the end, found 'b'."
    );
    let keys = |count| vec!["a desc"; count].join(",").parse::<OrderBy>();
    assert!(keys(MAX_ORDER_KEYS).is_ok());
    let message = keys(MAX_ORDER_KEYS + 1).unwrap_err().to_string();
    assert!(message.starts_with("The number of clauses in $orderby query option exceeded"));
}

#[test]
fn a_long_text_is_shown_around_the_place() {
    let text = format!("{} eq eq 1 and {}", "a".repeat(100), "b".repeat(100));
    let expected = format!(
        "Syntax error at position 107 in '...{} eq eq 1 and {}...'. {OPERATOR}, found '1'.",
        "a".repeat(43),
        "b".repeat(44)
    );
    assert_eq!(refusal(&text), expected);
    let Err(Error::Syntax(error)) = text.parse::<Expr>() else { panic!("no syntax error") };
    assert_eq!((error.option, error.at), (SystemOption::Filter, 107));
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = text.parse::<Expr>();
        let _ = text.parse::<OrderBy>();
        let _ = text.parse::<odata::options::Expand>();
        let _ = text.parse::<odata::search::Search>();
    }

    /// Whatever is read from likely pieces is written as text that reads back the same.
    #[test]
    fn no_soup_of_likely_pieces_panics(
        text in "(a|b|tag|eq |ne |and |or |not |in |has |add |mul |-|\\(|\\)|\\[|\\]|,|/|:|;|=|\\*|'|''|\"|\
                 any\\(|all\\(x:|\\$it|\\$count|\\$top=|\\$filter=|\\$expand=|\\$search=|\\$select=|contains\\(|now\\(|\
                 0|12|\\.|e|T|Z|2018-08-01|17:30:00|\\+02:00|guid'|duration'P1D'|a\\.b'c'|null|true| |\t|ä){0,30}",
    ) {
        if let Ok(expr) = text.parse::<Expr>() {
            prop_assert_eq!(expr.to_string().parse::<Expr>(), Ok(expr));
        }
        if let Ok(expand) = text.parse::<odata::options::Expand>() {
            prop_assert_eq!(expand.to_string().parse(), Ok(expand));
        }
        if let Ok(orderby) = text.parse::<OrderBy>() {
            prop_assert_eq!(orderby.to_string().parse(), Ok(orderby));
        }
        if let Ok(search) = text.parse::<odata::search::Search>() {
            prop_assert_eq!(search.to_string().parse(), Ok(search));
        }
    }
}
