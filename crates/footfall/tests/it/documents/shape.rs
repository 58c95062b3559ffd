//! Whether output has the shape that a page shows: its words in their order, with other numbers in them; the
//! heads of tables, whatever rows are below; the keys of JSON.

use serde_json::Value;

/// Units that stand behind other numbers.
const UNITS: &[&str] = &["s", "min", "h", "d", "ms", "minutes", "hours", "days"];

/// What of a page's lines is missing in the output.
pub(super) fn difference(shown: &[String], printed: &str) -> Option<String> {
    let shown_text = shown.join("\n");
    if let Ok(shown) = serde_json::from_str::<Value>(&shown_text)
        && !shown.is_number()
    {
        let printed = serde_json::from_str::<Value>(printed).unwrap_or_default();
        return (keys(&shown) != keys(&printed)).then(|| format!("other keys than {shown_text}"));
    }
    let printed_words: Vec<&str> =
        printed.lines().filter(|it| !is_row(it)).flat_map(words).collect();
    let mut rest = printed_words.iter();
    for line in shown.iter().filter(|line| !is_row(line)) {
        for word in words(line) {
            if word == "..." {
                continue;
            }
            if !rest.any(|other| is_alike(word, other)) {
                return Some(format!("`{word}` of `{line}`"));
            }
        }
    }
    None
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split_whitespace()
}

/// A row of a table and not its head.
fn is_row(line: &str) -> bool {
    let gaps = line.trim().split("  ").filter(|cell| !cell.is_empty()).count();
    gaps >= 4 && line.contains(|char: char| char.is_ascii_digit())
}

fn is_alike(shown: &str, printed: &str) -> bool {
    if let Some((start, _)) = shown.split_once("...") {
        let mut known = start.chars().zip(printed.chars());
        return known.all(|(one, other)| one == other || one.is_ascii_hexdigit())
            || start.starts_with("TOKEN=") && printed.starts_with("TOKEN=");
    }
    let bare =
        |word: &str| word.trim_end_matches(['.', ',', ';', ':']).trim_end_matches('s').to_owned();
    let has_digit = |word: &str| word.contains(|char: char| char.is_ascii_digit());
    let is_unit = |word: &str| UNITS.contains(&word.trim_end_matches(['.', ',', ';', ':']));
    bare(shown) == bare(printed)
        || has_digit(shown) && has_digit(printed)
        || is_unit(shown) && is_unit(printed)
}

fn keys(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(key, value)| {
                let below = keys(value).into_iter().map(move |below| format!("{key}.{below}"));
                std::iter::once(key.clone()).chain(below)
            })
            .collect(),
        Value::Array(items) => items.first().map(keys).unwrap_or_default(),
        _ => Vec::new(),
    }
}
