//! In which zone stamps without one are: what the person says, else what the file shows.
//!
//! A record that waited on its way shows a zone that is none, or another one: waiting only adds to the
//! distance between the clock of a machine and that of who took its record in. So what a machine's
//! records agree on decides, and what a record shows by itself has to be possible.

mod shown;

use std::sync::Arc;

use inventory::time::{Stamp, TICKS_PER_SECOND, TimeError, Timestamp, civil_ticks};
use jiff::tz::TimeZone;

use crate::line::Line;

pub(crate) use shown::Shown;

const MINUTE_TICKS: i64 = 60 * TICKS_PER_SECOND;
const QUARTER_HOUR_TICKS: i64 = 15 * MINUTE_TICKS;
/// No zone is further from UTC than 14 hours.
const MAX_QUARTERS: i64 = 14 * 4;
/// By so much a machine's clock may be ahead of who takes its records in.
const MAX_SKEW_TICKS: i64 = 2 * MINUTE_TICKS;
/// The zones in use, in minutes east of UTC (IANA tz database, since 2000).
const ZONES: [i64; 39] = [
    -720, -660, -600, -570, -540, -480, -420, -360, -300, -270, -240, -210, -180, -150, -120, -60,
    0, 60, 120, 180, 210, 240, 270, 300, 330, 345, 360, 390, 420, 480, 525, 540, 570, 600, 630,
    660, 720, 765, 780,
];
/// The same beyond, of islands at the date line.
const FAR_ZONES: [i64; 2] = [825, 840];

/// A distance from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offset {
    /// What is added to local time to have UTC.
    to_utc: i64,
}

impl Offset {
    /// What brings `local` closest to `utc`, in quarters of an hour, which is what all zones in use have;
    /// `None` when no zone does.
    pub(crate) fn between(local: Stamp, utc: Stamp) -> Option<Self> {
        let distance = distance(local, utc)?;
        let quarters = (distance + QUARTER_HOUR_TICKS / 2).div_euclid(QUARTER_HOUR_TICKS);
        (-MAX_QUARTERS..=MAX_QUARTERS)
            .contains(&quarters)
            .then_some(Self { to_utc: quarters * QUARTER_HOUR_TICKS })
    }

    /// The zone in which a record that was sent at `local` arrived at `utc` after the least wait; `None`
    /// when it is none.
    pub(crate) fn of_arrival(local: Stamp, utc: Stamp) -> Option<Self> {
        let most = distance(local, utc)? + MAX_SKEW_TICKS;
        let zones = ZONES.iter().chain(&FAR_ZONES).map(|minutes| -minutes * MINUTE_TICKS);
        let to_utc = zones.filter(|to_utc| *to_utc <= most).max()?;
        // Behind the last zone in the west there is a day to wait and no longer.
        (most - to_utc < 24 * 60 * MINUTE_TICKS).then_some(Self { to_utc })
    }

    /// Whether it is one hour further in the west: what the end of summer time brings, and a wait can.
    fn is_an_hour_behind(self, other: Self) -> bool {
        self.to_utc - other.to_utc == 60 * MINUTE_TICKS
    }

    /// The zone as `+02:00`.
    fn name(self) -> String {
        let minutes = -self.to_utc / TICKS_PER_SECOND / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }
}

/// What is added to `local` to have `utc`, which may lack its zone.
fn distance(local: Stamp, utc: Stamp) -> Option<i64> {
    let Stamp::Local(local) = local else {
        return None;
    };
    let utc = match utc {
        Stamp::Utc(time) => time.ticks(),
        Stamp::Local(civil) => civil_ticks(civil),
    };
    Some(utc - civil_ticks(local))
}

/// The zone for the stamps of a file that have none.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    /// The person said so.
    Given(TimeZone),
    /// Other records of the file show it.
    Inferred(Offset, Arc<Shown>),
    /// Nothing tells it: UTC.
    Unknown,
}

impl Zone {
    /// Takes the person's word, else what records show.
    pub(crate) fn of(given: Option<&TimeZone>, evidence: &[Evidence]) -> Self {
        let mut shown = Arc::default();
        Shown::add(&mut shown, evidence);
        Self::shown(given, shown)
    }

    /// The same of what is remembered.
    pub(crate) fn shown(given: Option<&TimeZone>, shown: Arc<Shown>) -> Self {
        if let Some(zone) = given {
            return Self::Given(zone.clone());
        }
        match shown.agreed() {
            Some(offset) => Self::Inferred(offset, shown),
            None => Self::Unknown,
        }
    }

    /// The time of a machine's stamp whose record shows `own`, and whether its zone had to be assumed.
    pub(crate) fn of_machine(
        &self,
        machine: &str,
        stamp: Stamp,
        own: Option<Offset>,
    ) -> Result<(Timestamp, bool), TimeError> {
        let is_local = matches!(stamp, Stamp::Local(_));
        let offset = match (self, own) {
            (Zone::Inferred(_, shown), Some(own)) => shown.of_record(machine, stamp, own),
            (Zone::Unknown, Some(own)) => own,
            _ => return Ok((self.resolve(stamp)?, is_local && self.is_assumed())),
        };
        Ok((at_offset(stamp, offset)?, false))
    }

    /// Whether a person should hear of a stamp read in it.
    pub(crate) fn is_assumed(&self) -> bool {
        !matches!(self, Zone::Given(_))
    }

    /// The point in time of a stamp.
    pub(crate) fn resolve(&self, stamp: Stamp) -> Result<Timestamp, TimeError> {
        match self {
            Zone::Given(zone) => stamp.in_zone(zone),
            Zone::Inferred(offset, _) => at_offset(stamp, *offset),
            Zone::Unknown => stamp.in_zone(&TimeZone::UTC),
        }
    }

    /// What to tell a person about it.
    pub(crate) fn warning(&self) -> String {
        const HINT: &str = "say otherwise with --timezone";
        match self {
            Zone::Inferred(offset, _) => format!(
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

/// What one record shows.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    machine: String,
    local: Stamp,
    offset: Offset,
}

impl Evidence {
    pub(crate) fn of(line: &Line<'_>) -> Option<Self> {
        let stamps = [line.event_time.get(), line.event_received_time.get()];
        let local = stamps.iter().find_map(|stamp| Stamp::parse(stamp).ok())?;
        let machine = line.hostname.get().to_owned();
        Some(Self { machine, local, offset: evidence(line)? })
    }
}

/// What one record shows of its machine's zone: when Sysmon says it happened against when the collector
/// does, or when Logstash got it against when the collector says it sent it.
pub(crate) fn evidence(line: &Line<'_>) -> Option<Offset> {
    let stamps =
        |local: &str, utc: &str| Some((Stamp::parse(local).ok()?, Stamp::parse(utc).ok()?));
    let sysmon = stamps(line.event_time.get(), line.utc_time.get());
    sysmon.and_then(|(local, utc)| Offset::between(local, utc)).or_else(|| {
        let (sent, arrived) =
            stamps(line.event_received_time.get(), line.lower.at_timestamp.get())?;
        Offset::of_arrival(sent, arrived)
    })
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
    fn a_record_waits_and_never_comes_before_it_is_sent() {
        for (local, utc, expected) in [
            ("2026-03-02 10:00:01", "2026-03-02T10:00:02Z", Some("+00:00")),
            // Clocks differ.
            ("2026-03-02 10:00:01", "2026-03-02T09:59:00Z", Some("+00:00")),
            ("2026-03-02 10:00:01", "2026-03-02T10:40:02Z", Some("+00:00")),
            ("2026-03-02 10:00:01", "2026-03-02T08:55:02Z", Some("+02:00")),
            ("2026-03-02 10:00:01", "2026-03-02T04:30:02Z", Some("+05:30")),
            ("2026-03-02 10:00:01", "2026-03-01T20:00:02Z", Some("+14:00")),
            ("2026-03-02 10:00:01", "2026-03-01T19:00:02Z", None),
            ("2026-03-02 10:00:01", "2026-03-03T09:00:02Z", Some("-12:00")),
            ("2026-03-02 10:00:01", "2026-03-09T09:00:02Z", None),
            ("2026-03-02T10:00:01Z", "2026-03-02T10:00:02Z", None),
        ] {
            let offset = Offset::of_arrival(stamp(local), stamp(utc));
            assert_eq!(offset.map(Offset::name).as_deref(), expected, "{local} {utc}");
        }
    }

    #[test]
    fn a_zone_that_is_shown_is_told() {
        let (local, offset) =
            (stamp("2020-09-04 03:00:00"), Offset { to_utc: -8 * QUARTER_HOUR_TICKS });
        let evidence = Evidence { machine: "a".to_owned(), local, offset };
        let zone = Zone::of(None, &[evidence]);
        assert!(zone.warning().contains("UTC+02:00"));
        let time = zone.resolve(stamp("2020-09-04 03:00:00")).unwrap();
        assert_eq!(time.to_string(), "2020-09-04T01:00:00Z");
        assert!(matches!(Zone::of(None, &[]), Zone::Unknown));
    }
}
