//! Which shape the lines of a file have, from its first ones.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::de::IgnoredAny;

use crate::field;
use crate::line::Line;
use crate::shape::Shape;
use crate::words::Words;
use crate::zone::{Offset, evidence};
use crate::{Format, product};

/// How much of a file is looked at, give or take a line.
pub(super) const HEAD_BYTES: usize = 1024 * 1024;
/// How many records' zones are enough.
const MAX_EVIDENCE: usize = 64;

/// What the first lines show.
pub(super) struct Recognised {
    /// The shape of the first line that has one.
    pub(super) format: Format,
    /// What they show of the collector's zone.
    pub(super) evidence: Vec<Offset>,
}

/// Looks at the first lines, no more than so many once one is known; the reason when none has a shape that
/// is known.
pub(super) fn recognise(head: &[u8], most: usize) -> Result<Recognised, String> {
    let mut format = None;
    let mut shown = Vec::new();
    let mut objects = 0;
    let mut foreign = None;
    for line in head.split(|&byte| byte == b'\n') {
        let line = line.trim_ascii();
        if !line.starts_with(b"{") || format.is_some() && !may_show_zone(line) {
            continue;
        }
        // Also to be read where some bytes are not UTF-8; a line with odd bytes tells as much.
        let text = field::text(line);
        if let Some(product) = product::format(&text) {
            objects += 1;
            format.get_or_insert(product);
            if objects >= most {
                break;
            }
            continue;
        }
        let mut parsed = serde_json::Deserializer::from_str(&text).into_iter::<Line<'_>>();
        let Some(Ok(parsed)) = parsed.next() else {
            continue;
        };
        objects += 1;
        match Shape::of(&parsed) {
            Some(shape) => {
                format.get_or_insert(shape.format());
                shown.extend(evidence(&parsed));
            }
            None => foreign = foreign.or_else(|| product(&text)),
        }
        if format.is_some() && (shown.len() >= MAX_EVIDENCE || objects >= most) {
            break;
        }
    }
    match (format, objects) {
        (Some(format), _) => Ok(Recognised { format, evidence: shown }),
        (None, 0) => Err("begins like JSON, but no line or element is a JSON object".to_owned()),
        (None, count) => {
            let like =
                foreign.map_or_else(String::new, |product| format!(" (they look like {product})"));
            Err(format!(
                "JSON, but none of the first {count} records is of a kind that is read{like}"
            ))
        }
    }
}

/// Whether a line can show the collector's zone, which is seen without taking it apart: of the two stamps
/// that show it one has one of these keys.
fn may_show_zone(line: &[u8]) -> bool {
    const WORDS: [&str; 2] = ["EventReceivedTime", "UtcTime"];
    static SEARCHER: LazyLock<Words> = LazyLock::new(|| Words::new(&WORDS));
    SEARCHER.any(line, |_| true)
}

/// Whose lines have a key like one of these, the first that fits.
const PRODUCTS: [(&str, &str); 4] = [
    ("StringInserts", "Fluent Bit's older input, winlog"),
    ("sourcetype", "Splunk events that are not Windows' XML"),
    ("operationName", "an Azure diagnostic export"),
    ("records", "Event Hubs messages"),
];

fn product(line: &str) -> Option<&'static str> {
    let keys: HashMap<String, IgnoredAny> = serde_json::from_str(line).ok()?;
    PRODUCTS.iter().find(|(key, _)| keys.contains_key(*key)).map(|&(_, product)| product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_line_decides() {
        let head = br#"
{"a":1}
{"EventTime":"2026-01-01 01:00:00","Hostname":"a","UtcTime":"2026-01-01 00:00:00.5"}
{"TimeCreated":"2026-01-01T00:00:00Z","Hostname":"a"}"#;
        let recognised = recognise(head, usize::MAX).ok().unwrap();
        assert_eq!(recognised.format, Format::NxLog);
        assert_eq!(recognised.evidence.len(), 1);
    }

    #[test]
    fn a_line_that_shows_the_zone_is_not_passed_over() {
        for shows in [
            r#"{"EventTime":"2026-01-01 01:00:00","UtcTime":"2026-01-01 00:00:00.5","Hostname":"a"}"#,
            r#"{"EventTime":"x","EventReceivedTime":"2026-01-01 01:00:00","@timestamp":"2026-01-01T00:00:00Z","Hostname":"a"}"#,
        ] {
            for wrapped in [shows.to_owned(), format!("{{\"result\":{shows}}}")] {
                let known = r#"{"EventTime":"2026-01-01 01:00:00","Hostname":"a"}"#;
                let head = format!("{known}\n{known}\n{wrapped}\n{known}");
                let recognised = recognise(head.as_bytes(), usize::MAX).ok().unwrap();
                assert_eq!(recognised.evidence.len(), 1, "{wrapped}");
            }
        }
    }

    #[test]
    fn other_products_are_named() {
        for (line, word) in [
            (r#"{"a":1}"#, "none of the first 1 records is"),
            ("{\n \"a\":1\n}", "no line or element is"),
        ] {
            let reason = recognise(line.as_bytes(), usize::MAX).err().unwrap();
            assert!(reason.contains(word), "{reason}");
        }
    }
}
