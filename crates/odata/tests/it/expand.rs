//! `$expand` and the options inside it.

use odata::expression::{Expr, OrderBy};
use odata::options::{Expand, Options, Target, parse};

fn expand(text: &str) -> Expand {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn items_are_paths_or_everything() {
    let targets = |text: &str| {
        let items = expand(text).items;
        items.into_iter().map(|item| (item.at, item.target)).collect::<Vec<_>>()
    };
    let path = |names: &[&str]| Target::Path(names.iter().map(|&name| name.to_owned()).collect());
    assert_eq!(
        targets("logOnUsers, alerts/evidence,*"),
        [(0, path(&["logOnUsers"])), (12, path(&["alerts", "evidence"])), (28, Target::All)]
    );
}

#[test]
fn options_inside_are_read_like_those_outside() {
    let text = "users($filter=contains(name, ';)''') and (a in (1,2)); $select = id,a/b ;$ORDERBY=a \
                desc,b;$top=5;$skip=10; $count=true;$search=(\"x;)\" OR y) z;$expand=m($top=1),n),o";
    let items = expand(text).items;
    assert_eq!(items.len(), 2);
    let inner = Options { top: Some(1), ..Options::default() };
    let options = &items[0].options;
    let Some(expanded) = &options.expand else { panic!("nothing inside") };
    assert_eq!((&expanded.items[0].options, expanded.items.len()), (&inner, 2));
    let filter: Expr = "contains(name,';)''') and a in (1,2)".parse().unwrap();
    let orderby: OrderBy = "a desc,b".parse().unwrap();
    let expected = Options {
        filter: Some(filter),
        orderby: Some(orderby),
        top: Some(5),
        skip: Some(10),
        count: Some(true),
        select: Some(vec!["id".to_owned(), "a/b".to_owned()]),
        expand: Some(expand("m($top=1),n")),
        search: Some("(\"x;)\" OR y) z".parse().unwrap()),
        ..Options::default()
    };
    assert_eq!(*options, expected);
    assert_eq!(expand(&expand(text).to_string()), expand(text));
    assert_eq!(
        expand(text).to_string(),
        "users($filter=contains(name,';)''') and a in (1,2);$orderby=a desc,b;$top=5;$skip=10;\
         $count=true;$select=id,a/b;$expand=m($top=1),n;$search=(\"x;)\" OR y) AND z),o"
    );
}

#[test]
fn refusals_say_what_is_wrong() {
    for (text, expected) in [
        (
            "a(",
            "Syntax error at position 2 in 'a('. Expected an option such as $select or $filter, found the end.",
        ),
        (
            "a()",
            "Syntax error at position 2 in 'a()'. Expected an option such as $select or $filter, found ')'.",
        ),
        (
            "a(top=1)",
            "Syntax error at position 2 in 'a(top=1)'. Expected an option such as $select or $filter, found 'top'.",
        ),
        ("a($foo=1)", "The query parameter '$foo' is not supported."),
        (
            "a($top=1;$TOP=2)",
            "Query option '$top' was specified more than once, but it must be specified at most once.",
        ),
        (
            "a($top=1;)",
            "Syntax error at position 9 in 'a($top=1;)'. Expected an option such as $select or $filter, found ')'.",
        ),
        (
            "a($top=x)",
            "Invalid value 'x' for $top query option found. The $top query option requires a non-negative integer value.",
        ),
        (
            "a($count=maybe)",
            "Invalid value 'maybe' for $count query option found. Valid values are 'true, false'.",
        ),
        ("a($select=)", "The value for OData query '$select' cannot be empty."),
        ("a($select=b,c d)", "Syntax error at position 13 in 'a($select=b,c d)'."),
        (
            "a($filter=b eq)",
            "Syntax error at position 14 in 'a($filter=b eq)'. Expected a property, a literal, a function or '(', found ')'.",
        ),
        (
            "a($filter=b c)",
            "Syntax error at position 12 in 'a($filter=b c)'. Expected ';', ')' or more of the value, found 'c'.",
        ),
        (
            "a($levels=2)",
            "The query option '$levels' is not supported inside $expand. At position 2 in 'a($levels=2)' $filter, $select, $orderby, $top, $skip, $count, $expand or $search is expected.",
        ),
        (
            "logOnUsers/$count",
            "Syntax error at position 11 in 'logOnUsers/$count'. '/$count' and '/$ref' in $expand are not supported.",
        ),
        ("a/x.y", "Syntax error at position 2 in 'a/x.y'. Type casts are not supported."),
        (
            "a,",
            "Syntax error at position 2 in 'a,'. Expected the name of a property, or '*', found the end.",
        ),
        (
            "*($top=1)",
            "Syntax error at position 1 in '*($top=1)'. Expected ',', '(' or the end, found '('.",
        ),
        (
            "a($expand=a($expand=a($expand=a($expand=a))))",
            "The request includes a $expand path which is too deep. The maximum depth allowed is 4; position 40 in 'a($expand=a($expand=a($expand=a($expand=a))))' is past it.",
        ),
    ] {
        assert_eq!(text.parse::<Expand>().unwrap_err().to_string(), expected, "{text}");
    }
    let many = vec!["a"; 33].join(",");
    let message = many.parse::<Expand>().unwrap_err().to_string();
    assert!(message.starts_with("The limit of 32 items in $expand is exceeded; position 64"));
    let message = parse("$expand=a($top=11)", 10).unwrap_err().to_string();
    assert!(message.starts_with("The limit of '10' for Top query"), "{message}");
}
