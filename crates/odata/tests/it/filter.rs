//! Every construct of `$filter` and `$orderby`, and every habit of clients, by what it is read as.

use odata::expression::{
    Arithmetic, Comparison, Direction, Expr, ExprKind, Function, Members, OrderBy, Path,
    Quantifier, Root,
};
use odata::literal::{Date, DateTime, Guid, Literal};
use odata::options::{Error, Options, parse};

fn read(text: &str) -> Expr {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The tree with parentheses around everything that has parts.
fn shape(expr: &Expr) -> String {
    let all = |items: &[Expr], separator: &str| {
        items.iter().map(shape).collect::<Vec<_>>().join(separator)
    };
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Path(_) | ExprKind::Count(_) => expr.to_string(),
        ExprKind::Not(operand) => format!("(not {})", shape(operand)),
        ExprKind::Negate(operand) => format!("(-{})", shape(operand)),
        ExprKind::And(items) => format!("({})", all(items, " and ")),
        ExprKind::Or(items) => format!("({})", all(items, " or ")),
        ExprKind::Compare { operator, left, right } => {
            format!("({} {} {})", shape(left), operator.name(), shape(right))
        }
        ExprKind::Arithmetic { operator, left, right } => {
            format!("({} {} {})", shape(left), operator.name(), shape(right))
        }
        ExprKind::Has { left, flag } => format!("({} has {})", shape(left), shape(flag)),
        ExprKind::In { left, members: Members::List(items) } => {
            format!("({} in [{}])", shape(left), all(items, ","))
        }
        ExprKind::In { left, members: Members::Collection(path) } => {
            format!("({} in {path})", shape(left))
        }
        ExprKind::Call { function, arguments } => {
            format!("{}({})", function.name(), all(arguments, ","))
        }
        ExprKind::Lambda { quantifier, collection, predicate } => {
            let inside = predicate.as_ref().map_or(String::new(), |predicate| {
                format!("{}: {}", predicate.variable, shape(&predicate.body))
            });
            format!("{collection}/{}({inside})", quantifier.name())
        }
    }
}

#[test]
fn operators_hold_as_tightly_as_odata_says() {
    for (text, expected) in [
        ("a or b and c", "(a or (b and c))"),
        ("a and b or c and d or e", "((a and b) or (c and d) or e)"),
        ("a and b and c", "(a and b and c)"),
        ("a and (b and c)", "(a and (b and c))"),
        ("(a and b) and c", "((a and b) and c)"),
        ("a or b or (c or d)", "(a or b or (c or d))"),
        ("a eq 1 and b ne 2", "((a eq 1) and (b ne 2))"),
        ("a gt 1 eq b lt 2", "((a gt 1) eq (b lt 2))"),
        ("a eq b ne c", "((a eq b) ne c)"),
        ("a eq (b ne c)", "(a eq (b ne c))"),
        ("a add b mul c sub d", "((a add (b mul c)) sub d)"),
        ("a sub b sub c", "((a sub b) sub c)"),
        ("a div b divby c mod d", "(((a div b) divby c) mod d)"),
        ("a add 1 gt b mul 2", "((a add 1) gt (b mul 2))"),
        ("not a eq b", "((not a) eq b)"),
        ("not (a eq b) and c", "((not (a eq b)) and c)"),
        ("not a in (1,2)", "(not (a in [1,2]))"),
        ("not not a", "(not (not a))"),
        ("-a mul -b", "((-a) mul (-b))"),
        ("- 5 add -5", "((-5) add -5)"),
        ("--5", "(--5)"),
        ("-a in (1)", "(-(a in [1]))"),
        ("a mul not b add c", "((a mul (not b)) add c)"),
        ("a has 'x' eq true", "((a has 'x') eq true)"),
        ("a in (1) in (true)", "((a in [1]) in [true])"),
        ("a eq 1 or not b eq 2 and c le 3", "((a eq 1) or (((not b) eq 2) and (c le 3)))"),
        ("((((a))))", "a"),
    ] {
        assert_eq!(shape(&read(text)), expected, "{text}");
    }
}

#[test]
fn the_habits_of_clients_are_understood() {
    for (text, expected) in [
        // defender-api.md §5.2
        ("riskScore eq 'High'", "riskScore eq 'High'"),
        ("healthStatus ne 'Active'", "healthStatus ne 'Active'"),
        ("lastSeen ge 2025-06-01T00:00:00Z", "lastSeen ge 2025-06-01T00:00:00Z"),
        ("lastSeen gt 2018-08-01Z", "lastSeen gt 2018-08-01T00:00:00Z"),
        (
            "requestor eq 'a@b' and type eq 'RunAntiVirusScan'",
            "requestor eq 'a@b' and type eq 'RunAntiVirusScan'",
        ),
        ("id eq 'a' or id eq 'b' or id eq 'c'", "id eq 'a' or id eq 'b' or id eq 'c'"),
        ("startswith(computerDnsName,'mymachine')", "startswith(computerDnsName,'mymachine')"),
        ("StartsWith( ComputerDNSName , 'x' )", "startswith(ComputerDNSName,'x')"),
        ("machineTags/any(tag: tag eq 'ExampleTag')", "machineTags/any(tag:tag eq 'ExampleTag')"),
        ("machineTags/any(t:t eq 'x')", "machineTags/any(t:t eq 'x')"),
        ("rbacGroupId eq 140", "rbacGroupId eq 140"),
        (
            "RbacGroupId EQ 140 AND riskscore Eq 'High'",
            "RbacGroupId eq 140 and riskscore eq 'High'",
        ),
        // §11.5
        ("name eq 'O''Brien'", "name eq 'O''Brien'"),
        ("name eq ''''", "name eq ''''"),
        ("name eq ''", "name eq ''"),
        // §12
        ("id in ('a', 'b')", "id in ('a','b')"),
        ("id in ('a','b') and x eq 'y'", "id in ('a','b') and x eq 'y'"),
        // §13.12
        ("contains(a,'b') and endswith(c, 'd')", "contains(a,'b') and endswith(c,'d')"),
        ("startswith (a, 'b') eq TRUE", "startswith(a,'b') eq true"),
        ("a gt 2026-11-23T17:34:29.1234567Z", "a gt 2026-11-23T17:34:29.1234567Z"),
        ("a gt 2026-11-23T17:34:29.123456+00:00", "a gt 2026-11-23T17:34:29.123456Z"),
        ("a gt 2026-11-23T17:34:29.123456 00:00", "a gt 2026-11-23T17:34:29.123456Z"),
        ("a gt 2026-11-23T17:34:29 02:00 and b", "a gt 2026-11-23T15:34:29Z and b"),
        ("\ta\u{a0}eq\r\n'b'\t", "a eq 'b'"),
        ("a eq'b'and(c)", "a eq 'b' and c"),
    ] {
        let expr = read(text);
        assert_eq!(expr.to_string(), expected, "{text}");
        assert_eq!(read(expected), expr, "{text}");
    }
}

#[test]
fn a_query_string_is_read_in_every_encoding() {
    let expected = Options { filter: Some(read("a eq 'x'")), ..Options::default() };
    for query in [
        "%24filter=a+eq+%27x%27",
        "%24filter=a%20eq%20%27x%27",
        "$filter=a+eq+'x'",
        "$filter=a eq 'x'&",
        "$Filter=(a%09eq%20'x')&pageSize=10000&filter=b",
    ] {
        assert_eq!(parse(query, 1), Ok(expected.clone()), "{query}");
    }
}

#[test]
fn a_thousand_user_names_are_one_question() {
    let names: Vec<_> =
        (0..1_000).map(|n| format!("'contoso.example\\given-family{n:012}'")).collect();
    let list = format!("$filter=accountName in ({})", names.join(", "));
    assert!(list.len() > 40_000);
    let encoded = list.replace('\'', "%27").replace(", ", "%2C%20").replace(' ', "%20");
    let options = parse(&encoded, 1).unwrap();
    let ExprKind::In { members: Members::List(items), .. } = options.filter.unwrap().kind else {
        panic!("no list");
    };
    assert_eq!(items.len(), 1_000);

    let ids: Vec<_> = (0..1_000).map(|n| format!("id eq '{n:040x}'")).collect();
    let ExprKind::Or(items) = read(&ids.join(" or ")).kind else { panic!("no chain") };
    assert_eq!(items.len(), 1_000);
}

#[test]
fn literals_have_the_type_that_they_look_like() {
    let date = Date::new(2018, 8, 1).unwrap();
    let guid = Guid(0x0123_abcd_4567_89ef_0123_4567_89ab_cdef);
    let level = |value: &str| Literal::Enum {
        type_name: "microsoft.windowsDefenderATP.api.RiskScore".to_owned(),
        value: value.to_owned(),
    };
    for (text, expected) in [
        ("null", Literal::Null),
        ("NULL", Literal::Null),
        ("True", Literal::Boolean(true)),
        ("false", Literal::Boolean(false)),
        ("42", Literal::Integer(42)),
        ("-9223372036854775808", Literal::Integer(i64::MIN)),
        ("1.5", Literal::Double(1.5)),
        ("-1e3", Literal::Double(-1000.0)),
        ("'a'", Literal::String("a".to_owned())),
        ("'äöü ''x'''", Literal::String("äöü 'x'".to_owned())),
        ("2018-08-01", Literal::Date(date)),
        ("2018-08-01Z", Literal::DateTime(date.midnight())),
        ("DateTime'2018-08-01T00:00:00'", Literal::DateTime(date.midnight())),
        ("datetimeoffset'2018-08-01T02:00:00+02:00'", Literal::DateTime(date.midnight())),
        ("0123ABCD-4567-89ef-0123-456789abcdef", Literal::Guid(guid)),
        ("guid'0123abcd-4567-89ef-0123-456789abcdef'", Literal::Guid(guid)),
        ("microsoft.windowsDefenderATP.api.RiskScore'High'", level("High")),
        ("microsoft.windowsDefenderATP.api.RiskScore'High,Low'", level("High,Low")),
    ] {
        assert_eq!(read(text).kind, ExprKind::Literal(expected), "{text}");
    }
    for (text, canonical) in [
        ("duration'PT26H'", "duration'P1DT2H'"),
        ("17:30", "17:30:00"),
        ("a0123456-4567-89EF-0123-456789abcdef", "a0123456-4567-89ef-0123-456789abcdef"),
    ] {
        assert_eq!(read(text).to_string(), canonical, "{text}");
    }
    assert_eq!(
        DateTime::from_ticks(DateTime::UNIX_EPOCH_TICKS).unwrap().to_string(),
        "1970-01-01T00:00:00Z"
    );
}

#[test]
fn lambdas_know_their_variables() {
    let text = "ipAddresses/any(a: a/ipAddress eq '10.0.0.1' and x/all(b: b ne a and $it/c))";
    let ExprKind::Lambda { quantifier, collection, predicate } = read(text).kind else {
        panic!("no lambda");
    };
    assert_eq!((quantifier, collection.to_string()), (Quantifier::Any, "ipAddresses".to_owned()));
    let predicate = predicate.unwrap();
    assert_eq!(predicate.variable, "a");
    let mut roots = Vec::new();
    predicate.body.walk(&mut |expr| {
        if let ExprKind::Path(path) = &expr.kind {
            roots.push(path.clone());
        }
    });
    let path = |root, segments: &[&str]| Path {
        root,
        segments: segments.iter().map(|&name| name.to_owned()).collect(),
    };
    let variable = |name: &str| Root::Variable(name.to_owned());
    assert_eq!(
        roots,
        [
            path(variable("a"), &["ipAddress"]),
            path(variable("b"), &[]),
            path(variable("a"), &[]),
            path(Root::It, &["c"]),
        ]
    );
    // After its parentheses the name is a property again.
    assert_eq!(shape(&read("x/any(a:a) and a")), "(x/any(a: a) and a)");
    let ExprKind::And(items) = read("x/any(a:a) and a").kind else { panic!("no chain") };
    assert_eq!(items[1].kind, ExprKind::Path(path(Root::Entity, &["a"])));
}

#[test]
fn collections_are_counted_asked_and_searched() {
    for text in [
        "machineTags/any()",
        "machineTags/$count gt 2",
        "'x' in machineTags",
        "$it in a/b",
        "a/b/c eq $it/d",
        "a/any(x:x/b/all(y:y/$count eq 1 or x/c in y/d))",
        "$it/any(x:x eq 1)",
        "now() gt lastSeen",
        "substring(a,1) eq substring(b,1,2)",
        "tolower(a) in ('x')",
        "not startswith(a,'b')",
    ] {
        assert_eq!(read(text).to_string(), text);
    }
    assert_eq!(read("a/ANY (x : x) and b/$COUNT").to_string(), "a/any(x:x) and b/$count");
    assert_eq!(read("a in ['x', \"y\\u00e4\"]"), read("a in ('x','yä')"));
}

#[test]
fn keywords_are_names_where_names_stand() {
    for (text, expected) in [
        ("in in (1)", "(in in [1])"),
        ("eq eq eq", "(eq eq eq)"),
        ("and and or", "(and and or)"),
        ("contains eq any", "(contains eq any)"),
        ("has has 'x'", "(has has 'x')"),
        ("any/any(all:all/any)", "any/any(all: all/any)"),
        ("größe ge _x1", "(größe ge _x1)"),
        ("Date eq date(Date)", "(Date eq date(Date))"),
    ] {
        assert_eq!(shape(&read(text)), expected, "{text}");
    }
}

#[test]
fn positions_are_where_a_person_would_point() {
    let text = "ä/b eq 1 and not c in ('x', 'y') or startswith(d, 'z')";
    let mut places = Vec::new();
    let expr = read(text);
    expr.walk(&mut |expr| places.push((expr.at, expr.to_string())));
    let characters: Vec<char> = text.chars().collect();
    let at = |place: usize| characters[place..].iter().take(3).collect::<String>();
    let found: Vec<_> = places.iter().map(|(place, _)| at(*place)).collect();
    let expected =
        ["or ", "and", "eq ", "ä/b", "1 a", "not", "in ", "c i", "'x'", "'y'", "sta", "d, ", "'z'"];
    assert_eq!(found, expected);
}

#[test]
fn every_function_and_operator_has_its_own_node() {
    for name in Function::names() {
        let function = [0, 1, 2]
            .into_iter()
            .map(|count| format!("{}({})", name.to_uppercase(), vec!["a"; count].join(",")))
            .find_map(|text| match text.parse::<Expr>().ok()?.kind {
                ExprKind::Call { function, arguments } => Some((function, arguments.len())),
                _ => None,
            });
        let (function, count) = function.unwrap();
        assert_eq!(function.name(), name);
        assert_eq!(*function.arguments().start(), count);
    }
    assert!(matches!(read("a GE b").kind, ExprKind::Compare { operator: Comparison::Ge, .. }));
    assert!(matches!(
        read("a DivBy b").kind,
        ExprKind::Arithmetic { operator: Arithmetic::DivBy, .. }
    ));
}

#[test]
fn sort_keys_have_a_direction() {
    for (text, expected) in [
        ("a", "a"),
        ("a asc, b DESC,c/d", "a,b desc,c/d"),
        ("a/$count desc,tolower(b) Asc", "a/$count desc,tolower(b)"),
        ("desc desc,asc", "desc desc,asc"),
        ("a add 1 desc", "a add 1 desc"),
    ] {
        let orderby: OrderBy = text.parse().unwrap();
        assert_eq!(orderby.to_string(), expected, "{text}");
    }
    let orderby: OrderBy = "a desc,b".parse().unwrap();
    assert_eq!(orderby.keys[0].direction, Direction::Descending);
    assert_eq!((orderby.keys[1].direction, orderby.keys[1].expr.at), (Direction::Ascending, 7));
    assert!(matches!("a desc b".parse::<OrderBy>(), Err(Error::Syntax(_))));
}
