//! Trees that no text was read for: written, they read back as themselves.

use odata::expression::*;
use odata::literal::*;
use odata::options::*;
use odata::search::Search;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn expr(kind: ExprKind) -> Expr {
    Expr { at: 0, kind }
}

fn name() -> impl Strategy<Value = String> {
    let keyword = prop::sample::select(vec!["eq", "and", "in", "any", "contains", "asc", "Guid"]);
    prop_oneof![
        8 => "[a-w_äß][a-zA-Z0-9_ö]{0,8}".prop_filter("keywords", |name| {
            !["not", "null", "true", "false"].iter().any(|word| name.eq_ignore_ascii_case(word))
        }),
        1 => keyword.prop_map(str::to_owned),
    ]
}

fn literal() -> impl Strategy<Value = Literal> {
    let ticks =
        prop_oneof![Just(0), Just(3_155_378_975_999_999_999), 0..3_155_378_976_000_000_000_i64,];
    let date = (1_u16..=9999, 1_u8..=12, 1_u8..=31)
        .prop_filter_map("no such day", |(year, month, day)| Date::new(year, month, day));
    let number = any::<f64>().prop_filter("finite", |number| number.is_finite());
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Boolean),
        any::<i64>().prop_map(Literal::Integer),
        (-3_i64..3).prop_map(Literal::Integer),
        number.prop_map(Literal::Double),
        "[a-z'\";)( ä\\\\]{0,10}".prop_map(Literal::String),
        any::<u128>().prop_map(|value| Literal::Guid(Guid(value))),
        ticks.prop_filter_map("ticks", DateTime::from_ticks).prop_map(Literal::DateTime),
        date.prop_map(Literal::Date),
        (0..864_000_000_000_i64)
            .prop_filter_map("ticks", TimeOfDay::from_ticks)
            .prop_map(Literal::TimeOfDay),
        any::<i64>().prop_map(|ticks| Literal::Duration(Duration::from_ticks(ticks))),
        (vec("[a-zA-Z_][a-zA-Z0-9]{0,5}", 2..4), "[A-Z'a-z,]{0,6}")
            .prop_map(|(names, value)| { Literal::Enum { type_name: names.join("."), value } }),
    ]
}

/// Variables are placeholders until [`bind`].
fn path() -> impl Strategy<Value = Path> {
    let root = prop_oneof![Just(Root::Entity), Just(Root::It), Just(Root::Variable(String::new()))];
    (root, vec(name(), 0..3), name()).prop_map(|(root, mut segments, first)| {
        if root == Root::Entity {
            segments.insert(0, first);
        }
        Path { root, segments }
    })
}

fn comparison() -> impl Strategy<Value = Comparison> {
    use Comparison::*;
    prop::sample::select(vec![Eq, Ne, Gt, Ge, Lt, Le])
}

fn arithmetic() -> impl Strategy<Value = Arithmetic> {
    use Arithmetic::*;
    prop::sample::select(vec![Add, Sub, Mul, Div, DivBy, Mod])
}

fn call(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = ExprKind> {
    let function = prop_oneof![
        Just((Function::Now, 0)),
        Just((Function::ToLower, 1)),
        Just((Function::Contains, 2)),
        Just((Function::Substring, 2)),
        Just((Function::Substring, 3)),
        Just((Function::MatchesPattern, 2)),
    ];
    (function, vec(inner, 3)).prop_map(|((function, count), mut arguments)| {
        arguments.truncate(count);
        ExprKind::Call { function, arguments }
    })
}

fn tree() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        literal().prop_map(ExprKind::Literal),
        path().prop_map(ExprKind::Path),
        path().prop_map(ExprKind::Count),
    ]
    .prop_map(expr);
    let tree = leaf.prop_recursive(6, 60, 4, |inner| {
        let one = inner.clone().prop_map(Box::new).boxed();
        let list = vec(literal().prop_map(|literal| expr(ExprKind::Literal(literal))), 1..4);
        let members =
            prop_oneof![list.prop_map(Members::List), path().prop_map(Members::Collection)];
        let quantifier = prop::sample::select(vec![Quantifier::Any, Quantifier::All]);
        prop_oneof![
            one.clone().prop_map(ExprKind::Not),
            one.clone().prop_map(ExprKind::Negate),
            vec(inner.clone(), 2..4).prop_map(ExprKind::And),
            vec(inner.clone(), 2..4).prop_map(ExprKind::Or),
            (comparison(), one.clone(), one.clone())
                .prop_map(|(operator, left, right)| ExprKind::Compare { operator, left, right }),
            (arithmetic(), one.clone(), one.clone())
                .prop_map(|(operator, left, right)| ExprKind::Arithmetic { operator, left, right }),
            (one.clone(), literal()).prop_map(|(left, flag)| {
                let flag = Box::new(expr(ExprKind::Literal(flag)));
                ExprKind::Has { left, flag }
            }),
            (one.clone(), members).prop_map(|(left, members)| ExprKind::In { left, members }),
            call(inner.clone().boxed()),
            (quantifier, path(), option::weighted(0.8, inner)).prop_map(
                |(quantifier, collection, body)| {
                    let predicate =
                        body.map(|body| Box::new(Predicate { variable: String::new(), body }));
                    let quantifier = if predicate.is_none() { Quantifier::Any } else { quantifier };
                    ExprKind::Lambda { quantifier, collection, predicate }
                }
            ),
        ]
        .prop_map(expr)
    });
    tree.prop_map(|mut tree| {
        bind(&mut tree, &mut Vec::new());
        tree
    })
}

/// Gives every lambda a variable, and every placeholder one of those around it.
fn bind(tree: &mut Expr, variables: &mut Vec<String>) {
    let name = |path: &mut Path, variables: &[String]| {
        if matches!(path.root, Root::Variable(_)) {
            path.root = match variables.get(path.segments.len() % variables.len().max(1)) {
                Some(variable) => Root::Variable(variable.clone()),
                None => Root::It,
            };
        }
    };
    match &mut tree.kind {
        ExprKind::Literal(_) => {}
        ExprKind::Path(path) | ExprKind::Count(path) => name(path, variables),
        ExprKind::Not(operand) | ExprKind::Negate(operand) => bind(operand, variables),
        ExprKind::And(items) | ExprKind::Or(items) | ExprKind::Call { arguments: items, .. } => {
            items.iter_mut().for_each(|item| bind(item, variables));
        }
        ExprKind::Compare { left, right, .. } | ExprKind::Arithmetic { left, right, .. } => {
            bind(left, variables);
            bind(right, variables);
        }
        ExprKind::Has { left, .. } => bind(left, variables),
        ExprKind::In { left, members } => {
            bind(left, variables);
            if let Members::Collection(path) = members {
                name(path, variables);
            }
        }
        ExprKind::Lambda { collection, predicate, .. } => {
            name(collection, variables);
            if let Some(predicate) = predicate {
                predicate.variable = format!("x{}", variables.len());
                variables.push(predicate.variable.clone());
                bind(&mut predicate.body, variables);
                variables.pop();
            }
        }
    }
}

fn orderby() -> impl Strategy<Value = OrderBy> {
    let direction = prop::sample::select(vec![Direction::Ascending, Direction::Descending]);
    let key = (tree(), direction).prop_map(|(expr, direction)| OrderKey { expr, direction });
    vec(key, 1..4).prop_map(|keys| OrderBy { keys })
}

fn search() -> impl Strategy<Value = Search> {
    let leaf = prop_oneof![
        "[a-zä0-9.;,'*-]{1,8}".prop_map(|word| Search::Word(word.replace(';', "_"))),
        "[a-z ()\";\\\\ä]{1,8}".prop_map(Search::Phrase),
        Just(Search::Phrase("AND".to_owned())),
    ];
    leaf.prop_recursive(4, 20, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|operand| Search::Not(Box::new(operand))),
            vec(inner.clone(), 2..4).prop_map(Search::And),
            vec(inner, 2..4).prop_map(Search::Or),
        ]
    })
}

fn options(expand: BoxedStrategy<Option<Expand>>) -> impl Strategy<Value = Options> {
    let number = option::of(0..=i64::MAX as u64);
    let select = option::of(prop::collection::btree_set("[a-z]{1,4}(/[a-z]{1,3})?", 1..4));
    (
        option::of(tree()),
        option::of(orderby()),
        number.clone(),
        number,
        option::of(any::<bool>()),
        select,
        expand,
        option::of(search()),
    )
        .prop_map(|(filter, orderby, top, skip, count, select, expand, search)| Options {
            filter,
            orderby,
            top,
            skip,
            count,
            select: select.map(|names| names.into_iter().collect()),
            expand,
            search,
            ..Options::default()
        })
}

fn expand() -> impl Strategy<Value = Expand> {
    let items =
        |inside: BoxedStrategy<Option<Expand>>| {
            let path = (vec(name(), 1..3), options(inside)).prop_map(|(names, options)| {
                ExpandItem { at: 0, target: Target::Path(names), options }
            });
            let all = ExpandItem { at: 0, target: Target::All, options: Options::default() };
            vec(prop_oneof![4 => path, 1 => Just(all)], 1..3).prop_map(|items| Expand { items })
        };
    let inner = items(Just(None).boxed());
    items(option::of(inner).boxed())
}

proptest! {
    #[test]
    fn expressions(tree in tree()) {
        prop_assert_eq!(tree.to_string().parse(), Ok(tree));
    }

    #[test]
    fn sort_keys(orderby in orderby()) {
        prop_assert_eq!(orderby.to_string().parse(), Ok(orderby));
    }

    #[test]
    fn searches(search in search()) {
        prop_assert_eq!(search.to_string().parse(), Ok(search));
    }

    #[test]
    fn expansions(expand in expand()) {
        prop_assert_eq!(expand.to_string().parse(), Ok(expand));
    }
}
