//! The columns of a table: what a cell of each says, as a member of a JSON object.

use std::borrow::Cow;

use inventory::time::Stamp;
use jiff::tz::TimeZone;
use serde::de::IgnoredAny;

use super::head::Head;
use super::kind::{Kind, plain, unmarked};
use super::order::Order;
use super::viewed::Viewed;
use crate::sentinel;
use crate::zone::Zone;

/// A column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// The name that its cells have as members; empty for those that tell nothing.
    pub(super) name: Cow<'static, str>,
    content: Content,
}

/// What cells hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Text,
    /// A time, and whose clock shows it.
    Time(Clock),
    /// Digits, which some portals group by thousands.
    Number,
    /// Several words, with commas between them.
    Words,
    /// EventData in XML, or as an object.
    EventData,
    /// How a sign-in ended, which Graph has in an object.
    ErrorCode,
}

/// The clock of times without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    Utc,
    /// Of whoever looked at the table.
    Viewers,
    /// Of a viewer where the date has a viewer's form. ISO 8601 is left to who reads the record: most
    /// such times are in UTC.
    Unsaid,
}

/// A time that was read without being sure of its zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) zone_assumed: bool,
}

/// The columns of a table in their order, with one more for what stands behind those of the Event Viewer.
pub(super) fn columns(head: &Head, kind: Kind) -> Vec<Column> {
    if kind == Kind::EventViewer {
        let names = ["Level", "TimeCreated", "ProviderName", "Id", "Category", "Message"];
        return names.map(|name| Column::of(name, Clock::Viewers)).into();
    }
    let has = |wanted: &str| head.names.iter().any(|name| unmarked(name) == wanted);
    // EvtxECmd writes UTC in whatever form it is told to.
    let clock = match kind {
        Kind::Defender | Kind::SignIns => Clock::Viewers,
        _ if has("ChunkNumber") => Clock::Utc,
        _ => Clock::Unsaid,
    };
    let columns = head.names.iter().map(|header| {
        let marked = header.trim().strip_suffix(']').and_then(|name| name.rsplit_once(" ["));
        let clock = match marked.map(|(_, zone)| zone) {
            Some(zone) if zone.eq_ignore_ascii_case("UTC") => Clock::Utc,
            Some(_) => Clock::Viewers,
            None => clock,
        };
        let mut column = Column::of(unmarked(header), clock);
        let other = match (kind, unmarked(header)) {
            (Kind::SignIns, "Status") if has("ResultType") => Some("".into()),
            (Kind::SignIns, "ResultType") => Some("status".into()),
            (Kind::SignIns, "TimeGenerated") if !has("CreatedDateTime") => {
                Some("createdDateTime".into())
            }
            (Kind::SignIns, name) => Some(lower_first(name).into()),
            // Of the workspace's table `Event`.
            (Kind::Events(_), "EventLog") if !has("Channel") => Some("Channel".into()),
            (Kind::Events(_), "RenderedDescription") => Some("Message".into()),
            (Kind::Events(_), "ParameterXml") if !has("EventData") => Some("EventData".into()),
            _ => None,
        };
        match other.as_deref() {
            Some("EventData") => column.content = Content::EventData,
            Some("status") => column.content = Content::ErrorCode,
            _ => {}
        }
        column.name = other.unwrap_or(column.name);
        column
    });
    columns.collect()
}

fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().collect::<String>() + chars.as_str())
}

impl Column {
    fn of(name: &str, clock: Clock) -> Self {
        let folded = plain(name);
        let ends = |words: &[&str]| words.iter().any(|word| folded.ends_with(word));
        let content = if folded.contains("time") || folded.contains("date") {
            Content::Time(clock)
        } else if ends(&["eventid", "eventcode", "recordid", "recordnumber", "pid", "logontype"])
            || folded == "id"
        {
            Content::Number
        } else if matches!(name, "event.category" | "event.type") {
            Content::Words
        } else if name == "EventData" {
            Content::EventData
        } else {
            Content::Text
        };
        Self { name: Cow::Owned(name.to_owned()), content }
    }

    /// The date of a cell, where it has a viewer's form.
    pub(super) fn viewed(&self, cell: &str) -> Option<Viewed> {
        match self.content {
            Content::Time(_) if Stamp::parse(cell).is_err() => Viewed::parse(cell),
            _ => None,
        }
    }

    /// What a cell says.
    pub(super) fn value<'c>(
        &self,
        cell: &'c str,
        order: Order,
        zone: &Zone,
        doubt: &mut Doubt,
    ) -> Cow<'c, str> {
        match self.content {
            Content::Time(clock) => time(cell, clock, order, zone, doubt),
            Content::Number => number(cell),
            Content::EventData if cell.starts_with('<') => {
                sentinel::event_data_json(cell).map_or(Cow::Borrowed(cell), Cow::Owned)
            }
            Content::ErrorCode => {
                serde_json::json!({"errorCode": number(cell).as_ref()}).to_string().into()
            }
            Content::Text | Content::Words | Content::EventData => Cow::Borrowed(cell),
        }
    }

    /// Writes a member with what a cell says, unless it says nothing.
    pub(super) fn member(&self, value: &str, json: &mut String) {
        let is_nothing = value.is_empty() || self.name.contains('.') && value == "-";
        if self.name.is_empty() || is_nothing {
            return;
        }
        if json.len() > 1 {
            json.push(',');
        }
        push_text(&self.name, json);
        json.push(':');
        match self.content {
            Content::Words => {
                json.push('[');
                for (at, word) in value.split(", ").enumerate() {
                    if at > 0 {
                        json.push(',');
                    }
                    push_text(word, json);
                }
                json.push(']');
            }
            _ if is_json(value) => json.push_str(value),
            _ => push_text(value, json),
        }
    }
}

/// Whether a cell holds an object or a list, as tables put them.
fn is_json(value: &str) -> bool {
    value.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(value).is_ok()
}

fn push_text(text: &str, json: &mut String) {
    json.push_str(&serde_json::Value::from(text).to_string());
}

/// A number without what groups its digits (`4,624`) or makes it a fraction (`4624.0`).
fn number(cell: &str) -> Cow<'_, str> {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let whole = cell.strip_suffix(".0").unwrap_or(cell);
    let mut groups = whole.split([',', '\u{a0}', '\u{202f}']);
    let first = groups.next().unwrap_or_default();
    let is_grouped = (1..=3).contains(&first.len())
        && is_digits(first)
        && groups.clone().count() > 0
        && groups.all(|group| group.len() == 3 && is_digits(group));
    match is_grouped {
        true => whole.chars().filter(char::is_ascii_digit).collect::<String>().into(),
        false => Cow::Borrowed(whole),
    }
}

/// A time as ISO 8601, in UTC where its clock is known; what is no time stays as it is.
fn time<'c>(
    cell: &'c str,
    clock: Clock,
    order: Order,
    zone: &Zone,
    doubt: &mut Doubt,
) -> Cow<'c, str> {
    let own = Stamp::parse(cell).ok();
    let (iso, stamp) = match own {
        Some(stamp) => (Cow::Borrowed(cell), stamp),
        None => {
            let Some(iso) = Viewed::parse(cell).map(|viewed| viewed.iso(order)) else {
                return Cow::Borrowed(cell);
            };
            let Ok(stamp) = Stamp::parse(&iso) else { return Cow::Borrowed(cell) };
            (Cow::Owned(iso), stamp)
        }
    };
    let utc = match (stamp, clock) {
        (Stamp::Utc(_), _) if own.is_some() => return iso,
        (Stamp::Local(_), Clock::Unsaid) if own.is_some() => return iso,
        (Stamp::Local(_), Clock::Viewers | Clock::Unsaid) => {
            doubt.zone_assumed |= zone.is_assumed();
            zone.resolve(stamp)
        }
        _ => stamp.in_zone(&TimeZone::UTC),
    };
    utc.map_or(iso, |time| time.to_string().into())
}

#[cfg(test)]
mod tests {
    use jiff::tz::offset;

    use super::*;

    fn head(names: &[&str]) -> Head {
        Head::parse(names.join("|").as_bytes()).unwrap()
    }

    fn object(names: &[&str], cells: &[&str], zone: &Zone) -> (String, bool) {
        let head = head(names);
        let columns = columns(&head, Kind::of(&head).unwrap());
        let (mut json, mut doubt) = ("{".to_owned(), Doubt::default());
        for (column, cell) in columns.iter().zip(cells) {
            column.member(&column.value(cell, Order::DayFirst, zone, &mut doubt), &mut json);
        }
        (json + "}", doubt.zone_assumed)
    }

    #[test]
    fn times_are_on_their_columns_clock() {
        let berlin = Zone::Given(TimeZone::fixed(offset(2)));
        let told = |header: &str, cell: &str, zone: &Zone| {
            let (json, assumed) = object(&[header, "EventID"], &[cell, "1"], zone);
            let object: serde_json::Value = serde_json::from_str(&json).unwrap();
            (object[unmarked(header)].as_str().unwrap().to_owned(), assumed)
        };
        for (header, cell, given, unknown) in [
            ("TimeGenerated [UTC]", "2026-03-01 08:00:00", "08:00:00Z", ("08:00:00Z", false)),
            ("TimeGenerated [UTC]", "1.3.2026 08:00:00", "08:00:00Z", ("08:00:00Z", false)),
            ("TimeGenerated [Local Time]", "2026-03-01 08:00:00", "06:00:00Z", ("08:00:00Z", true)),
            ("TimeGenerated [Local]", "2026-03-01T06:00:00Z", "06:00:00Z", ("06:00:00Z", false)),
            ("TimeGenerated", "1 Mar 2026 08:00:00", "06:00:00Z", ("08:00:00Z", true)),
            ("TimeGenerated", "1 Mar 2026 08:00:00 GMT", "08:00:00Z", ("08:00:00Z", false)),
            ("TimeGenerated", "2026-03-01T08:00:00", "08:00:00", ("08:00:00", false)),
        ] {
            assert_eq!(
                told(header, cell, &berlin),
                (format!("2026-03-01T{given}"), false),
                "{cell}"
            );
            let unknown = (format!("2026-03-01T{}", unknown.0), unknown.1);
            assert_eq!(told(header, cell, &Zone::Unknown), unknown, "{cell}");
        }
    }

    #[test]
    fn cells_become_members() {
        let (json, _) = object(
            &[
                "@timestamp",
                "winlog.event_id",
                "event.category",
                "host.name",
                "winlog.record_id",
                "x",
            ],
            &["Mar 2, 2026 @ 08:15:30.123", "4,624", "authentication, session", "-", "1.0", "a\"b"],
            &Zone::Unknown,
        );
        let expected = r#"{"@timestamp":"2026-03-02T08:15:30.123Z","winlog.event_id":"4624","event.category":["authentication","session"],"winlog.record_id":"1","x":"a\"b"}"#;
        assert_eq!(json, expected);
        let (json, _) = object(
            &["System", "EventData"],
            &[r#"{"EventID":{"Value":4624}}"#, "{broken"],
            &Zone::Unknown,
        );
        assert_eq!(json, r#"{"System":{"EventID":{"Value":4624}},"EventData":"{broken"}"#);
    }
}
