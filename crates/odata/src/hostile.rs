//! Text that means harm: the work is linear in it, the stack small, the time short.

use std::time::{Duration, Instant};

use crate::cursor::steps;
use crate::error::Error;
use crate::expression::{Expr, OrderBy};
use crate::limits::MAX_DEPTH;
use crate::options::{Expand, parse};
use crate::search::Search;

/// Inputs that grow: an option, the beginning, what is repeated, the end.
const GROWING: &[(&str, &str, &str, &str)] = &[
    ("$filter", "", "(", ""),
    ("$filter", "a eq 1", ")", ""),
    ("$filter", "", "not ", "a"),
    ("$filter", "", "not(", "a"),
    ("$filter", "", "-", "a"),
    ("$filter", "", "- ", "1"),
    ("$filter", "a", "/a", ""),
    ("$filter", "", "'", ""),
    ("$filter", "a eq '", "''", "'"),
    ("$filter", "a in (", "(", ""),
    ("$filter", "a in (1", ",1", ")"),
    ("$filter", "a in (", ",", ")"),
    ("$filter", "a in [\"", "\\u00e4", "\"]"),
    ("$filter", "a in [\"", "\\", "\"]"),
    ("$filter", "", "a/any(a:", ""),
    ("$filter", "a", "/any(", ""),
    ("$filter", "", "a/all(x:x in ('a') or ", ""),
    ("$filter", "", "tolower(", ""),
    ("$filter", "concat(a", ",a", ")"),
    ("$filter", "a eq 1", " and a eq 1", ""),
    ("$filter", "a eq 1", " or a eq 1 and b eq 2", ""),
    ("$filter", "1", " add 1", ""),
    ("$filter", "1", " add 1 mul 1 eq 1 and 1 or 1", ""),
    ("$filter", "1", " add (1 mul (1", ""),
    ("$filter", "a", " eq a", ""),
    ("$filter", "a", " in (1)", ""),
    ("$filter", "a", " has 'b'", ""),
    ("$filter", "", "0", ""),
    ("$filter", "", "0-", ""),
    ("$filter", "", "abcdef01-", ""),
    ("$filter", "", "abcdef01 ", ""),
    ("$filter", "a", ".a", "'x'"),
    ("$filter", "", "a", ""),
    ("$filter", "", " ", "a"),
    ("$filter", "", "\u{1f600}", ""),
    ("$filter", "", "2018-08-01T00:00:00 02:00 ", ""),
    ("$filter", "", "duration'P", ""),
    ("$orderby", "a", ",a", ""),
    ("$orderby", "", ",", ""),
    ("$orderby", "a desc", " desc", ""),
    ("$expand", "", "a($expand=", "b"),
    ("$expand", "a", ",a", ""),
    ("$expand", "", ",", ""),
    ("$expand", "a(", ";", ")"),
    ("$expand", "a($filter=", "(", ")"),
    ("$expand", "a($filter=a eq '", ";)'", "')"),
    ("$expand", "a($search=", "a ", ")"),
    ("$expand", "a($select=a", ",a", ")"),
    ("$expand", "a($top=", "1", ")"),
    ("$expand", "a", "/a", ""),
    ("$search", "", "(", ""),
    ("$search", "", "NOT ", "a"),
    ("$search", "a", " AND a", ""),
    ("$search", "a", " OR", ""),
    ("$search", "", "\"", ""),
    ("$search", "\"", "\\\"", "\""),
    ("$search", "", "a", ""),
    ("$select", "a", ",a", ""),
    ("$select", "", ",", ""),
    ("$select", "a", "/a", ""),
    ("$select", "a", "b", ""),
];

fn grown(case: &(&str, &str, &str, &str), bytes: usize) -> String {
    let (_, start, repeated, end) = case;
    format!("{start}{}{end}", repeated.repeat(bytes / repeated.len()))
}

fn read(option: &str, text: &str) -> Result<(), Error> {
    match option {
        "$filter" => text.parse::<Expr>().map(drop),
        "$orderby" => text.parse::<OrderBy>().map(drop),
        "$expand" => text.parse::<Expand>().map(drop),
        "$search" => text.parse::<Search>().map(drop),
        _ => parse(&format!("{option}={}", text.replace('+', " ")), 1).map(drop),
    }
}

#[test]
fn twice_the_text_is_at_most_twice_the_work() {
    let steps = |case: &(&str, &str, &str, &str), bytes| {
        steps::take();
        let _ = read(case.0, &grown(case, bytes));
        steps::take()
    };
    for case in GROWING {
        let (once, twice) = (steps(case, 8 * 1024), steps(case, 16 * 1024));
        assert!(twice <= 2 * once + 64, "{case:?}: {once} steps, then {twice}");
        assert!(once <= 2 * 8 * 1024, "{case:?}: {once} steps");
    }
}

#[test]
fn no_text_of_eight_kibibytes_takes_long() {
    for case in GROWING {
        let text = grown(case, 8 * 1024);
        // The quickest of a few: the machine may be doing something else.
        let quickest = (0..5).map(|_| {
            let start = Instant::now();
            let refusal = read(case.0, &text).err().map(|error| error.to_string());
            assert!(refusal.is_none_or(|message| message.len() < 1_200), "{case:?}");
            start.elapsed()
        });
        // 5 ms is the promise; without optimisation everything takes some ten times as long.
        let promised_ms = if cfg!(debug_assertions) { 50 } else { 5 };
        assert!(quickest.min() < Some(Duration::from_millis(promised_ms)), "{case:?}");
    }
}

/// Trees as high as they may be, each of another kind of level.
fn highest() -> Vec<String> {
    let levels = |count: usize, start: &str, middle: &str, end: &str| {
        format!("{}{middle}{}", start.repeat(count), end.repeat(count))
    };
    let most = MAX_DEPTH - 1;
    let mut lambdas = String::new();
    for level in 0..most {
        lambdas.push_str(&format!("a/any(x{level}:"));
    }
    vec![
        levels(most, "(", "a", ")"),
        levels(most, "not ", "a", ""),
        levels(most / 2, "not(", "a", ")"),
        levels(most, "-", "a", ""),
        levels(most, "tolower(", "a", ")"),
        levels(most / 2, "1 add (", "a", ")"),
        levels(most / 7, "a or a and a eq a lt a add a mul (", "a", ")"),
        levels(most / 3, "a or not (", "a", ")"),
        format!("1{}", " add 1".repeat(most)),
        format!("a{}", " in (1)".repeat(most)),
        format!("{lambdas}a{}", ")".repeat(most)),
    ]
}

#[test]
fn the_highest_trees_fit_a_small_stack() {
    let walk = || {
        for text in highest() {
            let expr: Expr = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            let again: Expr = expr.to_string().parse().unwrap();
            assert!(again == expr.clone());
            let mut nodes = 0;
            expr.walk(&mut |_| nodes += 1);
            assert!(nodes > 0 && !format!("{expr:?}").is_empty());
            drop(expr);
        }
        for case in GROWING {
            let _ = read(case.0, &grown(case, 48 * 1024));
        }
    };
    std::thread::Builder::new().stack_size(512 * 1024).spawn(walk).unwrap().join().unwrap();
}

#[test]
fn one_level_more_is_refused() {
    for text in highest() {
        for higher in [format!("not not not not (((({text}))))"), format!("- - - - (((({text}))))")]
        {
            let message = higher.parse::<Expr>().unwrap_err().to_string();
            assert!(message.starts_with("Recursion depth exceeded"), "{message}");
        }
    }
}
