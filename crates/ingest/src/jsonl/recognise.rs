//! What the first lines of a file show: of which format it is, and in which zone.

use std::sync::LazyLock;

use serde_json::Deserializer;

use super::field;
use crate::Format;
use crate::carrier::Hints;
use crate::line::Line;
use crate::record::{Records, Understood};
use crate::reject::Position;
use crate::session::Outcome;
use crate::shape::Shape;
use crate::words::Words;
use crate::zone::Evidence;

/// How much of a file is looked at, give or take a line.
pub(super) const HEAD_BYTES: usize = 1024 * 1024;
/// How many records' zones are enough: of some machines each has waited.
const MAX_EVIDENCE: usize = 256;
/// How many lines of nothing that is read are looked at for what the file is: later ones tell it, too, should
/// they matter.
const MAX_UNKNOWN: usize = 1_000;

/// The format of the first line that is understood; else what the first one seems to be.
pub(super) fn format(head: &[u8], records: &Records<'_>) -> Result<Format, &'static str> {
    let mut like = "";
    let found = lines(head).take(MAX_UNKNOWN).find_map(|line| {
        // Also to be read where some bytes are not UTF-8; a line with odd bytes tells as much.
        let text = field::text(line);
        let mut outcome = Outcome::default();
        let mut values = Deserializer::from_str(&text).into_iter::<&serde_json::value::RawValue>();
        let json = values.next()?.ok()?.get();
        let (hints, position) = (Hints::default(), Position::Line(1));
        let known = records.understand(json, line, &hints, position, &mut outcome);
        match known {
            Ok(Understood::Known) => outcome.format(),
            Ok(Understood::Unknown(said)) if like.is_empty() => {
                like = said;
                None
            }
            _ => None,
        }
    });
    found.ok_or(like)
}

/// What the first lines show of the zones of machines, no more of them than so many.
pub(super) fn zones(head: &[u8], most: usize) -> Vec<Evidence> {
    let mut shown = Vec::new();
    for line in lines(head).take(most).filter(|line| may_show_zone(line)) {
        let text = field::text(line);
        let mut parsed = Deserializer::from_str(&text).into_iter::<Line<'_>>();
        if let Some(Ok(parsed)) = parsed.next()
            && Shape::of(&parsed).is_some()
        {
            shown.extend(Evidence::of(&parsed));
        }
        if shown.len() >= MAX_EVIDENCE {
            break;
        }
    }
    shown
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = head
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_prefix(&[super::RECORD_SEPARATOR]).unwrap_or(line).trim_ascii());
    lines.filter(|line| line.starts_with(b"{") || line.starts_with(b"["))
}

/// Whether a line can show the collector's zone, which is seen without taking it apart: of the two stamps
/// that show it one has one of these keys.
fn may_show_zone(line: &[u8]) -> bool {
    const WORDS: [&str; 2] = ["EventReceivedTime", "UtcTime"];
    static SEARCHER: LazyLock<Words> = LazyLock::new(|| Words::new(&WORDS));
    SEARCHER.any(line, |_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_shows_the_zone_is_not_passed_over() {
        for shows in [
            r#"{"EventTime":"2026-01-01 01:00:00","UtcTime":"2026-01-01 00:00:00.5","Hostname":"a"}"#,
            r#"{"EventTime":"x","EventReceivedTime":"2026-01-01 01:00:00","@timestamp":"2026-01-01T00:00:00Z","Hostname":"a"}"#,
        ] {
            for wrapped in [shows.to_owned(), format!("{{\"result\":{shows}}}")] {
                let known = r#"{"EventTime":"2026-01-01 01:00:00","Hostname":"a"}"#;
                let head = format!("{known}\n{known}\n{wrapped}\n{known}");
                assert_eq!(zones(head.as_bytes(), usize::MAX).len(), 1, "{wrapped}");
            }
        }
    }
}
