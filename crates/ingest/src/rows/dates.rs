//! The columns of a table, and the dates of those that a portal writes as its reader's country
//! does: `3/1/2026, 8:00:00.123 AM` under `TimeGenerated [UTC]`.

use inventory::time::{Stamp, Timestamp};

use crate::zone::Zone;

/// A column, by its name in the header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// The name without the zone behind it.
    pub(super) path: String,
    /// Times without a zone are on somebody's wall clock, and not in UTC.
    is_local: bool,
}

/// A time as read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) utc: Timestamp,
    pub(super) zone_assumed: bool,
    /// In which order its date was read, where it could be read in two.
    pub(super) order: Option<Order>,
}

/// In which order a date's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    MonthFirst,
    DayFirst,
}

impl Order {
    pub(super) fn warning(self, text: &str) -> String {
        let first = match self {
            Order::MonthFirst => "month",
            Order::DayFirst => "day",
        };
        format!("dates like `{text}` are read with the {first} first; rows in JSON are certain")
    }
}

impl Column {
    pub(super) fn new(header: &str) -> Self {
        let header = header.trim();
        let (path, zone) = match header.strip_suffix(']').and_then(|name| name.rsplit_once(" [")) {
            Some((path, zone)) => (path, zone),
            None => (header, "UTC"),
        };
        Self { path: path.to_owned(), is_local: !zone.eq_ignore_ascii_case("UTC") }
    }

    /// The time in a row; `None` when it is none.
    pub(super) fn time(&self, text: &str, zone: &Zone) -> Option<Time> {
        let (iso, order) = match Stamp::parse(text) {
            Ok(_) => (text.to_owned(), None),
            Err(_) => iso(text)?,
        };
        match (Stamp::parse(&iso).ok()?, self.is_local) {
            (stamp @ Stamp::Local(_), true) => {
                let utc = zone.resolve(stamp).ok()?;
                Some(Time { utc, zone_assumed: zone.is_assumed(), order })
            }
            (stamp, _) => {
                let utc = stamp.in_zone(&jiff::tz::TimeZone::UTC).ok()?;
                Some(Time { utc, zone_assumed: false, order })
            }
        }
    }
}

/// A date and time of some country as ISO 8601. The United States write the month first, and are
/// known by their capital AM and PM; others with slashes or dots write the day first.
fn iso(text: &str) -> Option<(String, Option<Order>)> {
    // Browsers put narrow blanks before AM.
    let text = text.replace(['\u{202f}', '\u{a0}', ','], " ");
    let mut words = text.split_ascii_whitespace();
    let (date, time) = (words.next()?, words.next()?);
    let half = words.next();
    if words.next().is_some() {
        return None;
    }
    let (order, hours) = match half {
        Some("AM") => (Order::MonthFirst, 0),
        Some("PM") => (Order::MonthFirst, 12),
        Some("am") => (Order::DayFirst, 0),
        Some("pm") => (Order::DayFirst, 12),
        Some(_) => return None,
        None => (Order::DayFirst, 0),
    };
    let mut numbers = date.split(['/', '.']).map(|number| number.parse::<u16>().ok());
    let (first, second, year) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let (month, day) = match order {
        Order::MonthFirst => (first, second),
        Order::DayFirst => (second, first),
    };
    let (hour, rest) = time.split_once(':')?;
    let hour: u8 = hour.parse().ok().filter(|&hour| hour < 24)?;
    let hour = match half {
        Some(_) => Some(hour).filter(|hour| (1..=12).contains(hour))? % 12 + hours,
        None => hour,
    };
    let ambiguous = first <= 12 && first != second;
    let iso = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{rest}");
    Some((iso, Some(order).filter(|_| ambiguous)))
}

#[cfg(test)]
mod tests {
    use jiff::tz::{TimeZone, offset};
    use proptest::prelude::*;

    use super::*;

    fn time(header: &str, text: &str) -> Option<(String, Option<Order>)> {
        let zone = Zone::Given(TimeZone::fixed(offset(2)));
        let time = Column::new(header).time(text, &zone)?;
        assert!(!time.zone_assumed);
        Some((time.utc.to_string(), time.order))
    }

    #[test]
    fn dates_are_read_as_portals_write_them() {
        let utc = "TimeGenerated [UTC]";
        for (text, expected, order) in [
            ("2026-03-01T08:00:00.12Z", "2026-03-01T08:00:00.12Z", None),
            ("2026-03-01 08:00:00", "2026-03-01T08:00:00Z", None),
            ("3/1/2026, 8:00:00.123 AM", "2026-03-01T08:00:00.123Z", Some(Order::MonthFirst)),
            ("3/21/2026, 12:00:00\u{202f}AM", "2026-03-21T00:00:00Z", Some(Order::MonthFirst)),
            ("12/12/2026, 12:00:00.5 PM", "2026-12-12T12:00:00.5Z", None),
            ("21/03/2026 20:26:12.030", "2026-03-21T20:26:12.03Z", None),
            ("02/03/2026, 8:26:12 pm", "2026-03-02T20:26:12Z", Some(Order::DayFirst)),
            ("1.3.2026, 20:26:12", "2026-03-01T20:26:12Z", Some(Order::DayFirst)),
        ] {
            assert_eq!(time(utc, text), Some((expected.to_owned(), order)), "{text}");
        }
        for text in [
            "",
            "3/1/2026",
            "21/3/2026, 8:00:00 AM",
            "1/2/3/2026 8:00:00 xm",
            "3/1/2026, 13:00:00 PM",
        ] {
            assert_eq!(time(utc, text), None, "{text}");
        }
    }

    #[test]
    fn a_local_column_is_in_the_persons_zone() {
        let local = "TimeGenerated [Local Time]";
        let expected = Some(("2026-03-01T06:00:00Z".to_owned(), None));
        assert_eq!(time(local, "2026-03-01 08:00:00"), expected);
        assert_eq!(time(local, "2026-03-01T06:00:00Z"), expected);
        let time = Column::new(local).time("2026-03-01 08:00:00", &Zone::Unknown).unwrap();
        assert!(time.zone_assumed);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9/.: ,APMapm\u{202f}é]{0,30}") {
            let _ = Column::new(&text).time(&text, &Zone::Unknown);
        }
    }
}
