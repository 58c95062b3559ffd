//! Points in time with the resolution of Windows event logs (100 ns), and UTC days.

use std::fmt;

use jiff::ToSpan;
use jiff::civil;
use jiff::tz::TimeZone;

/// Ticks of 100 ns in a second.
pub const TICKS_PER_SECOND: i64 = 10_000_000;
/// Seconds in a UTC day; leap seconds are not counted, as in Unix time.
pub const SECONDS_PER_DAY: i64 = 86_400;
const EPOCH: civil::Date = civil::date(1970, 1, 1);
const TICKS_PER_DAY: i64 = SECONDS_PER_DAY * TICKS_PER_SECOND;

/// A point in time: ticks of 100 ns since 1970-01-01T00:00:00Z, negative before it.
///
/// Always within the years 1 to 9999, which is what the wire format can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A UTC day: days since 1970-01-01, negative before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

/// Why a text is not a point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not of the form `yyyy-MM-dd[T ]HH:mm:ss[.fraction][zone]`.
    #[error("`{0}` is not a date and time")]
    Syntax(String),
    /// Outside the years 1 to 9999.
    #[error("a time outside the years 1 to 9999")]
    Range,
}

/// A date and time as read, with or without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// The text named its offset from UTC.
    Utc(Timestamp),
    /// The text had no zone: the time on a wall clock somewhere.
    Local(civil::DateTime),
}

impl Timestamp {
    /// 0001-01-01T00:00:00Z, which .NET (and so the vendor) writes for an unknown date.
    pub const MIN: Timestamp = Timestamp(-62_135_596_800 * TICKS_PER_SECOND);
    /// 9999-12-31T23:59:59.9999999Z.
    pub const MAX: Timestamp = Timestamp(253_402_300_800 * TICKS_PER_SECOND - 1);

    /// From ticks of 100 ns since 1970; `None` outside the years 1 to 9999.
    pub fn from_ticks(ticks: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&ticks).then_some(Self(ticks))
    }

    /// From whole seconds since 1970 and a fraction in ticks of 100 ns.
    pub fn from_seconds(seconds: i64, ticks: i64) -> Option<Self> {
        Self::from_ticks(seconds.checked_mul(TICKS_PER_SECOND)?.checked_add(ticks)?)
    }

    /// From a day and the ticks since its midnight.
    pub fn from_day(day: Day, ticks: i64) -> Option<Self> {
        Self::from_ticks(i64::from(day.0) * TICKS_PER_DAY + ticks)
    }

    /// Ticks of 100 ns since 1970.
    pub fn ticks(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, cut and not rounded.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(TICKS_PER_SECOND)
    }

    /// What is left of the second, in ticks of 100 ns.
    pub fn fraction(self) -> i64 {
        self.0.rem_euclid(TICKS_PER_SECOND)
    }

    /// The UTC day.
    pub fn day(self) -> Day {
        Day(self.0.div_euclid(TICKS_PER_DAY) as i32)
    }

    /// Ticks of 100 ns since the day's midnight.
    pub fn ticks_of_day(self) -> i64 {
        self.0.rem_euclid(TICKS_PER_DAY)
    }

    /// This point moved by whole seconds; `None` outside the years 1 to 9999.
    pub fn plus_seconds(self, seconds: i64) -> Option<Self> {
        Self::from_ticks(self.0.checked_add(seconds.checked_mul(TICKS_PER_SECOND)?)?)
    }

    /// The start of this point's second, as the vendor writes the times of users.
    pub fn whole_second(self) -> Self {
        // A second starts no earlier than MIN does, which is itself whole.
        Self(self.0 - self.fraction())
    }

    /// From the clock's type, cut to 100 ns.
    pub fn from_jiff(instant: jiff::Timestamp) -> Self {
        let ticks = instant.as_nanosecond().div_euclid(100);
        Self((ticks.clamp(i128::from(Self::MIN.0), i128::from(Self::MAX.0))) as i64)
    }
}

impl Stamp {
    /// The point in time, a local one being read in `zone`.
    ///
    /// A local time that a change of clocks skipped or repeated is read as RFC 5545 says: before
    /// the change for a repeated one, moved by the gap for a skipped one.
    pub fn in_zone(self, zone: &TimeZone) -> Result<Timestamp, TimeError> {
        match self {
            Stamp::Utc(time) => Ok(time),
            Stamp::Local(civil) => {
                let instant = zone.to_timestamp(civil).map_err(|_| TimeError::Range)?;
                Timestamp::from_ticks(
                    i64::try_from(instant.as_nanosecond().div_euclid(100))
                        .map_err(|_| TimeError::Range)?,
                )
                .ok_or(TimeError::Range)
            }
        }
    }

    /// Reads `yyyy-MM-dd`, `T` or a blank, `HH:mm:ss`, an optional fraction of any length (cut
    /// after 100 ns) and an optional zone `Z`, `+hh:mm` or `+hhmm`, a blank before it allowed.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let syntax = || TimeError::Syntax(text.chars().take(64).collect());
        let trimmed = text.trim();
        let bytes = trimmed.as_bytes();
        let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
        if bytes.len() < 19
            || separators.iter().any(|&(at, byte)| bytes[at] != byte)
            || !matches!(bytes[10], b'T' | b't' | b' ')
        {
            return Err(syntax());
        }
        let number = |from: usize, to: usize| -> Option<i32> {
            bytes[from..to].iter().try_fold(0, |value, byte| {
                byte.is_ascii_digit().then(|| value * 10 + i32::from(byte - b'0'))
            })
        };
        let field = |from, to| number(from, to).ok_or_else(syntax);
        let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
        let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
        let mut at = 19;
        let mut ticks = 0;
        if bytes.get(at).is_some_and(|&byte| byte == b'.' || byte == b',') {
            at += 1;
            let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return Err(syntax());
            }
            for place in 0..7 {
                let digit = bytes.get(at + place).filter(|_| place < digits);
                ticks = ticks * 10 + digit.map_or(0, |byte| i32::from(byte - b'0'));
            }
            at += digits;
        }
        let civil = civil::DateTime::new(
            year as i16,
            month as i8,
            day as i8,
            hour as i8,
            minute as i8,
            // Some devices write second 60 for a leap second.
            second.min(59) as i8,
            ticks * 100,
        )
        .map_err(|_| syntax())?;
        if second > 60 {
            return Err(syntax());
        }
        match zone_seconds(trimmed[at..].trim_start()) {
            None => Err(syntax()),
            Some(None) => Ok(Stamp::Local(civil)),
            Some(Some(offset)) => {
                let utc = civil_ticks(civil) - i64::from(offset) * TICKS_PER_SECOND;
                Timestamp::from_ticks(utc).map(Stamp::Utc).ok_or(TimeError::Range)
            }
        }
    }
}

/// `Some(None)` for no zone, `None` for a text that is no zone.
fn zone_seconds(text: &str) -> Option<Option<i32>> {
    match text.as_bytes() {
        [] => Some(None),
        [b'Z' | b'z'] => Some(Some(0)),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let digit = |byte: u8| byte.is_ascii_digit().then(|| i32::from(byte - b'0'));
            let (h1, h2, m1, m2) = match rest {
                [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => (h1, h2, m1, m2),
                _ => return None,
            };
            let hours = digit(*h1)? * 10 + digit(*h2)?;
            let minutes = digit(*m1)? * 10 + digit(*m2)?;
            let offset = (hours * 60 + minutes) * 60;
            (hours < 24 && minutes < 60).then_some(Some(if *sign == b'-' {
                -offset
            } else {
                offset
            }))
        }
        _ => None,
    }
}

/// A civil time read as UTC, in ticks.
pub fn civil_ticks(civil: civil::DateTime) -> i64 {
    let days = i64::from(days_from_civil(civil.date()));
    let seconds =
        i64::from(civil.hour()) * 3600 + i64::from(civil.minute()) * 60 + i64::from(civil.second());
    (days * SECONDS_PER_DAY + seconds) * TICKS_PER_SECOND
        + i64::from(civil.subsec_nanosecond()) / 100
}

fn days_from_civil(date: civil::Date) -> i32 {
    (date - EPOCH).get_days()
}

/// Writes `yyyy-MM-ddTHH:mm:ss[.f{1..7}]Z`: up to seven fractional digits, trailing zeros
/// trimmed, none when there is no fraction (defender-api.md §2.2).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = EPOCH.checked_add(self.day().0.days()).map_err(|_| fmt::Error)?;
        let second = self.ticks_of_day() / TICKS_PER_SECOND;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let (year, month, day) = (date.year(), date.month(), date.day());
        // Written as bytes: answers hold thousands of times, and each part that is formatted by itself
        // costs as much as this. The calendar ends with the year 9999.
        let mut text = *b"0000-00-00T00:00:00";
        for (at, number) in [
            (0, i64::from(year) / 100),
            (2, i64::from(year) % 100),
            (5, i64::from(month)),
            (8, i64::from(day)),
            (11, hour),
            (14, minute),
            (17, second),
        ] {
            text[at] = b'0' + (number / 10) as u8;
            text[at + 1] = b'0' + (number % 10) as u8;
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)?;
        let mut fraction = self.fraction();
        if fraction != 0 {
            let mut width = 7;
            while fraction % 10 == 0 {
                fraction /= 10;
                width -= 1;
            }
            write!(f, ".{fraction:0width$}")?;
        }
        f.write_str("Z")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn utc(text: &str) -> Timestamp {
        Stamp::parse(text).unwrap().in_zone(&TimeZone::UTC).unwrap()
    }

    #[test]
    fn writes_up_to_seven_digits_without_trailing_zeros() {
        for text in [
            "2025-02-11T08:14:55.7791856Z",
            "2025-06-02T17:40:05.684607Z",
            "2025-06-02T17:40:05.55Z",
            "2025-06-02T17:40:54Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.9999999Z",
            "1969-12-31T23:59:59.0000001Z",
        ] {
            assert_eq!(utc(text).to_string(), text);
        }
    }

    #[test]
    fn reads_the_forms_that_telemetry_has() {
        let expected = utc("2020-09-04T07:06:25Z");
        for text in [
            "2020-09-04 07:06:25",
            "2020-09-04 03:06:25 -0400",
            "2020-09-04T09:06:25+02:00",
            "2020-09-04t07:06:25z",
            "  2020-09-04T07:06:25Z ",
        ] {
            assert_eq!(utc(text), expected, "{text}");
        }
        assert_eq!(utc("2020-09-04T07:06:25.123456789Z").fraction(), 1_234_567);
        for text in [
            "",
            "2020-09-04",
            "2020-13-04T07:06:25Z",
            "2020-09-04T07:06:25X",
            "2020-09-04T07:06:61Z",
            "2020-09-04T07:06:25.Z",
        ] {
            assert!(Stamp::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_local_time_is_read_in_its_zone() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let stamp = Stamp::parse("2020-09-04 03:06:25").unwrap();
        assert_eq!(stamp.in_zone(&zone).unwrap(), utc("2020-09-04T07:06:25Z"));
    }

    proptest! {
        #[test]
        fn printing_and_reading_again_gives_the_same(ticks in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let time = Timestamp::from_ticks(ticks).unwrap();
            prop_assert_eq!(utc(&time.to_string()), time);
            prop_assert_eq!(Timestamp::from_day(time.day(), time.ticks_of_day()), Some(time));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = Stamp::parse(&text);
        }
    }
}
