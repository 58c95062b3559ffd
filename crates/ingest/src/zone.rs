//! In which zone stamps without one are: what the person says, else what the file shows.

use inventory::time::{Stamp, TICKS_PER_SECOND, TimeError, Timestamp, civil_ticks};
use jiff::tz::TimeZone;

use crate::line::Line;

const QUARTER_HOUR_TICKS: i64 = 15 * 60 * TICKS_PER_SECOND;
/// No zone is further from UTC than 14 hours.
const MAX_QUARTERS: i64 = 14 * 4;

/// A distance from UTC in quarters of an hour, which is what all zones in use have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offset {
    /// What is added to local time to have UTC.
    to_utc: i64,
}

impl Offset {
    /// What brings `local` closest to `utc`; `None` when no zone does.
    pub(crate) fn between(local: Stamp, utc: Stamp) -> Option<Self> {
        let Stamp::Local(local) = local else {
            return None;
        };
        let utc = match utc {
            Stamp::Utc(time) => time.ticks(),
            Stamp::Local(civil) => civil_ticks(civil),
        };
        let quarters =
            (utc - civil_ticks(local) + QUARTER_HOUR_TICKS / 2).div_euclid(QUARTER_HOUR_TICKS);
        (-MAX_QUARTERS..=MAX_QUARTERS)
            .contains(&quarters)
            .then_some(Self { to_utc: quarters * QUARTER_HOUR_TICKS })
    }

    /// The zone as `+02:00`.
    fn name(self) -> String {
        let minutes = -self.to_utc / TICKS_PER_SECOND / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }
}

/// The zone for the stamps of a file that have none.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    /// The person said so.
    Given(TimeZone),
    /// Other records of the file show it.
    Inferred(Offset),
    /// Nothing tells it: UTC.
    Unknown,
}

impl Zone {
    /// Takes the person's word, else the offset that most of the first records show.
    pub(crate) fn of(given: Option<&TimeZone>, evidence: &[Offset]) -> Self {
        if let Some(zone) = given {
            return Self::Given(zone.clone());
        }
        Self::shown(evidence).map_or(Self::Unknown, Self::Inferred)
    }

    /// The offset that most records show.
    pub(crate) fn shown(evidence: &[Offset]) -> Option<Offset> {
        let votes = |offset: &Offset| evidence.iter().filter(|other| *other == offset).count();
        // Of those with equal votes the first.
        evidence.iter().rev().max_by_key(|offset| votes(offset)).copied()
    }

    /// Whether a person should hear of a stamp read in it.
    pub(crate) fn is_assumed(&self) -> bool {
        !matches!(self, Zone::Given(_))
    }

    /// The point in time of a stamp.
    pub(crate) fn resolve(&self, stamp: Stamp) -> Result<Timestamp, TimeError> {
        match self {
            Zone::Given(zone) => stamp.in_zone(zone),
            Zone::Inferred(offset) => at_offset(stamp, *offset),
            Zone::Unknown => stamp.in_zone(&TimeZone::UTC),
        }
    }

    /// What to tell a person about it.
    pub(crate) fn warning(&self) -> String {
        const HINT: &str = "say otherwise with --timezone";
        match self {
            Zone::Inferred(offset) => format!(
                "times without a zone are read as UTC{}, which other records of the file show; {HINT}",
                offset.name()
            ),
            _ => format!("times without a zone are read as UTC, for nothing tells theirs; {HINT}"),
        }
    }
}

/// The point in time of a stamp, a local one being so far from UTC.
pub(crate) fn at_offset(stamp: Stamp, offset: Offset) -> Result<Timestamp, TimeError> {
    match stamp {
        Stamp::Utc(time) => Ok(time),
        Stamp::Local(civil) => {
            Timestamp::from_ticks(civil_ticks(civil) + offset.to_utc).ok_or(TimeError::Range)
        }
    }
}

/// What one record shows of the collector's zone: when Logstash got it against when the collector
/// says it did, or when Sysmon says it happened against when the collector does.
pub(crate) fn evidence(line: &Line<'_>) -> Option<Offset> {
    let between = |local: &str, utc: &str| {
        Offset::between(Stamp::parse(local).ok()?, Stamp::parse(utc).ok()?)
    };
    between(line.event_received_time.get(), line.lower.at_timestamp.get())
        .or_else(|| between(line.event_time.get(), line.utc_time.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(text: &str) -> Stamp {
        Stamp::parse(text).unwrap()
    }

    fn offset(local: &str, utc: &str) -> Option<String> {
        Offset::between(stamp(local), stamp(utc)).map(Offset::name)
    }

    #[test]
    fn an_offset_is_rounded_to_a_quarter_of_an_hour() {
        for (local, utc, expected) in [
            ("2020-09-04 03:06:25", "2020-09-04T07:06:31.123Z", Some("-04:00")),
            ("2020-09-04 12:51:25", "2020-09-04T07:06:25Z", Some("+05:45")),
            ("2020-09-04 07:06:25", "2020-09-04 07:06:24.9", Some("+00:00")),
            ("2020-09-04 21:06:25", "2020-09-04T07:06:25Z", Some("+14:00")),
            ("2020-09-05 07:06:25", "2020-09-04T07:06:25Z", None),
            ("2020-09-04T03:06:25Z", "2020-09-04T07:06:25Z", None),
        ] {
            assert_eq!(offset(local, utc).as_deref(), expected, "{local}");
        }
    }

    #[test]
    fn most_records_decide() {
        let two = Offset { to_utc: -8 * QUARTER_HOUR_TICKS };
        let three = Offset { to_utc: -12 * QUARTER_HOUR_TICKS };
        let inferred = |evidence: &[Offset]| match Zone::of(None, evidence) {
            Zone::Inferred(offset) => Some(offset),
            _ => None,
        };
        assert_eq!(inferred(&[three, two, two]), Some(two));
        assert_eq!(inferred(&[three, two]), Some(three));
        assert_eq!(inferred(&[]), None);
        assert!(Zone::Inferred(two).warning().contains("UTC+02:00"));
        let time = Zone::Inferred(two).resolve(stamp("2020-09-04 03:00:00")).unwrap();
        assert_eq!(time.to_string(), "2020-09-04T01:00:00Z");
    }
}
