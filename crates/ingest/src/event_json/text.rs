//! An event as a text of lines, which Splunk's input `WinEventLog` writes without `renderXml`: a date, then
//! `Name=value` until `Message=`, behind which the rendered text is.

use std::borrow::Cow;

use super::leaves::{Leaf, parts};

/// The fields before the message are some fifteen.
const MAX_FIELDS: usize = 64;
/// The path of the text's own date, which has no zone.
pub(super) const OWN_TIME: &str = "localtime";

/// The leaves of such a text; none when it is not one.
pub(super) fn leaves(text: &str) -> Vec<Leaf<'static>> {
    let Some((date, rest)) = text.trim_start().split_once('\n') else { return Vec::new() };
    let Some(date) = us_date(date.trim()) else { return Vec::new() };
    let mut leaves = vec![leaf(OWN_TIME.to_owned(), &date)];
    let mut rest = rest;
    for _ in 0..MAX_FIELDS {
        if let Some(message) = rest.strip_prefix("Message=") {
            leaves.push(leaf("message".to_owned(), message));
            break;
        }
        let Some((line, next)) = rest.split_once('\n') else { break };
        let Some((name, value)) = line.split_once('=') else { return Vec::new() };
        leaves.push(leaf(parts(name).collect::<Vec<_>>().join("."), value.trim()));
        rest = next;
    }
    leaves
}

fn leaf(path: String, value: &str) -> Leaf<'static> {
    Leaf { path, index: None, value: Cow::Owned(value.to_owned()) }
}

/// `03/02/2026 09:15:30 AM` as a stamp. Splunk writes it so whatever the machine's language is.
fn us_date(text: &str) -> Option<String> {
    let mut words = text.split_ascii_whitespace();
    let (date, time, half) = (words.next()?, words.next()?, words.next()?);
    let mut date = date.split('/').map(|part| part.parse::<u16>().ok());
    let (month, day, year) = (date.next()??, date.next()??, date.next()??);
    let (hour, rest) = time.split_once(':')?;
    let hour: u16 = hour.parse().ok().filter(|hour| (1..=12).contains(hour))?;
    let hour = match half {
        "AM" => hour % 12,
        "PM" => hour % 12 + 12,
        _ => return None,
    };
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{rest}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_end_where_the_message_begins() {
        let text = "03/02/2026 12:15:30 PM\nLogName=Security\nEventCode=4624\nMessage=An account\n\nLogName=x\n";
        let leaves = leaves(text);
        let told: Vec<_> =
            leaves.iter().map(|leaf| (leaf.path.as_str(), leaf.value.as_ref())).collect();
        assert_eq!(
            told,
            [
                ("localtime", "2026-03-02T12:15:30"),
                ("logname", "Security"),
                ("eventcode", "4624"),
                ("message", "An account\n\nLogName=x\n"),
            ]
        );
        assert_eq!(us_date("12/31/2026 12:00:01 AM").as_deref(), Some("2026-12-31T00:00:01"));
    }

    #[test]
    fn other_texts_are_none() {
        for text in
            ["", "x", "a=b\nc=d", "03/02/2026 13:15:30 PM\na=b\n", "03/02/2026 01:00:00 AM\nx\n"]
        {
            assert_eq!(leaves(text), [], "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(03/02/2026|[0-9]{1,3}|/|:| |AM|PM|\n|Message=|a=|é){0,30}") {
            let _ = leaves(&text);
        }
    }
}
