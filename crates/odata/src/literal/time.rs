//! Dates, times and durations: ISO 8601 as OData narrows it (ABNF `dateTimeOffsetValue` and its
//! neighbours), in the proleptic Gregorian calendar, years 0001 to 9999.
//!
//! The unit is the tick, 100 nanoseconds: what .NET counts in, and fine enough for Windows' own
//! times. Up to twelve digits of a second are read; what is finer than a tick is cut off.

use std::fmt;

const TICKS_PER_SECOND: i64 = 10_000_000;
const TICKS_PER_MINUTE: i64 = 60 * TICKS_PER_SECOND;
const TICKS_PER_HOUR: i64 = 60 * TICKS_PER_MINUTE;
const TICKS_PER_DAY: i64 = 24 * TICKS_PER_HOUR;
/// Days from 0001-01-01 to the day after 9999-12-31.
const DAYS: i64 = 3_652_059;
/// Days of four centuries, after which the calendar repeats itself.
const DAYS_PER_ERA: i64 = 146_097;

/// A moment, in UTC whatever its text's offset was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    ticks: i64,
}

/// A day of the calendar; one that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A time on the clock, from 00:00:00 to 23:59:59.9999999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay {
    ticks: i64,
}

/// A span of time, forwards or backwards. Days have 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    ticks: i64,
}

/// Whether a date and time may lack its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    Needed,
    /// Without one it is UTC.
    Optional,
}

/// What is wrong with a text.
type Why = &'static str;

impl DateTime {
    /// 1970-01-01T00:00:00Z in [`ticks`](Self::ticks).
    pub const UNIX_EPOCH_TICKS: i64 = 621_355_968_000_000_000;

    /// Ticks of 100 ns since 0001-01-01T00:00:00Z.
    pub fn ticks(self) -> i64 {
        self.ticks
    }

    /// The moment of that many ticks; `None` before year 1 and after 9999.
    pub fn from_ticks(ticks: i64) -> Option<Self> {
        (0..DAYS * TICKS_PER_DAY).contains(&ticks).then_some(Self { ticks })
    }

    /// Its day in UTC.
    pub fn date(self) -> Date {
        Date::from_days(self.ticks / TICKS_PER_DAY)
    }

    /// Its time of day in UTC.
    pub fn time(self) -> TimeOfDay {
        TimeOfDay { ticks: self.ticks % TICKS_PER_DAY }
    }

    /// Reads a date with `T` and a time, or with nothing, and `Z` or an offset. A blank in the
    /// place of the offset's sign is a plus: what a raw `+` in a URL becomes.
    pub(crate) fn read(text: &str, zone: Zone) -> Result<Self, Why> {
        let mut digits = Digits(text.as_bytes());
        let midnight = digits.date()?.midnight().ticks;
        let has_time = digits.eat(b"Tt");
        let time = if has_time { digits.time()? } else { 0 };
        let offset = match digits.0 {
            [] if zone == Zone::Optional => 0,
            [] => return Err("The time zone is missing: expected Z or an offset such as +02:00."),
            [b'Z' | b'z'] => 0,
            [sign @ (b'+' | b'-' | b' '), rest @ ..] if has_time => {
                let offset = Digits(rest).offset()?;
                if *sign == b'-' { -offset } else { offset }
            }
            _ if has_time => return Err("Expected Z or an offset such as +02:00 at its end."),
            _ => return Err("Expected T and a time, or Z, after the date."),
        };
        Self::from_ticks(midnight + time - offset)
            .ok_or("In UTC its year is not between 0001 and 9999.")
    }
}

impl Date {
    /// The day, when the calendar has it, from 0001-01-01 to 9999-12-31.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let exists = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// 1 to 9999.
    pub fn year(self) -> u16 {
        self.year
    }

    /// 1 to 12.
    pub fn month(self) -> u8 {
        self.month
    }

    /// 1 to 31.
    pub fn day(self) -> u8 {
        self.day
    }

    /// The moment at which it begins in UTC.
    pub fn midnight(self) -> DateTime {
        DateTime { ticks: self.days() * TICKS_PER_DAY }
    }

    /// Days since 0001-01-01. March begins the year here, so that the leap day is its last.
    fn days(self) -> i64 {
        let shift = i64::from(self.month <= 2);
        let year = i64::from(self.year) - shift;
        let month = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - DAYS_TO_YEAR_1
    }

    /// The inverse of [`days`](Self::days); the argument is below [`DAYS`].
    fn from_days(days: i64) -> Self {
        let days = days + DAYS_TO_YEAR_1;
        let (era, day) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let shift = i64::from(month >= 10);
        // Each is in the range of its type: the argument is a day of the years 1 to 9999.
        Self {
            year: (era * 400 + year + shift) as u16,
            month: ((month + 2) % 12 + 1) as u8,
            day: day as u8,
        }
    }

    pub(crate) fn read(text: &str) -> Result<Self, Why> {
        let mut digits = Digits(text.as_bytes());
        let date = digits.date()?;
        if digits.0.is_empty() { Ok(date) } else { Err("Expected nothing after the date.") }
    }
}

/// Days from 0000-03-01 to 0001-01-01.
const DAYS_TO_YEAR_1: i64 = 306;

fn days_in(year: u16, month: u8) -> u8 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl TimeOfDay {
    /// Ticks of 100 ns since midnight.
    pub fn ticks(self) -> i64 {
        self.ticks
    }

    /// The time of that many ticks; `None` outside of one day.
    pub fn from_ticks(ticks: i64) -> Option<Self> {
        (0..TICKS_PER_DAY).contains(&ticks).then_some(Self { ticks })
    }

    pub(crate) fn read(text: &str) -> Result<Self, Why> {
        let mut digits = Digits(text.as_bytes());
        let ticks = digits.time()?;
        if digits.0.is_empty() { Ok(Self { ticks }) } else { Err(NO_TIME) }
    }
}

impl Duration {
    /// Ticks of 100 ns.
    pub fn ticks(self) -> i64 {
        self.ticks
    }

    /// The span of that many ticks.
    pub fn from_ticks(ticks: i64) -> Self {
        Self { ticks }
    }

    pub(crate) fn read(text: &str) -> Result<Self, Why> {
        const NO_DURATION: Why = "Expected a duration such as P1DT2H3M4.5S.";
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let mut digits = Digits(text.as_bytes());
        if !digits.eat(b"Pp") {
            return Err(NO_DURATION);
        }
        let mut total = 0_i128;
        let mut in_time = digits.eat(b"Tt");
        let mut least = 0;
        loop {
            let (count, fraction) = digits.count().ok_or(NO_DURATION)?;
            let unit = match digits.0 {
                [b'D' | b'd', ..] if !in_time => (1, TICKS_PER_DAY),
                [b'H' | b'h', ..] if in_time => (2, TICKS_PER_HOUR),
                [b'M' | b'm', ..] if in_time => (3, TICKS_PER_MINUTE),
                [b'S' | b's', ..] if in_time => (4, TICKS_PER_SECOND),
                _ => return Err(NO_DURATION),
            };
            if unit.0 <= least || (fraction.is_some() && unit.0 != 4) {
                return Err(NO_DURATION);
            }
            least = unit.0;
            digits.0 = &digits.0[1..];
            total += i128::from(count) * i128::from(unit.1) + i128::from(fraction.unwrap_or(0));
            if digits.0.is_empty() {
                break;
            }
            if !in_time {
                in_time = digits.eat(b"Tt");
                if !in_time {
                    return Err(NO_DURATION);
                }
            }
        }
        let total = if negative { -total } else { total };
        i64::try_from(total)
            .map(|ticks| Self { ticks })
            .map_err(|_| "A duration is shorter than 29,000 years.")
    }
}

const NO_DATE: Why = "Expected a date such as 2025-06-30.";
const NO_TIME: Why = "Expected a time such as 17:30, 17:30:00 or 17:30:00.123.";

/// What is left of a text.
struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn eat(&mut self, any_of: &[u8]) -> bool {
        match self.0 {
            [first, rest @ ..] if any_of.contains(first) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Exactly so many digits.
    fn number(&mut self, length: usize) -> Option<u16> {
        let digits = self.0.get(..length)?;
        let mut value = 0;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return None;
            }
            value = value * 10 + u16::from(digit - b'0');
        }
        self.0 = &self.0[length..];
        Some(value)
    }

    fn pair(&mut self) -> Option<i64> {
        self.number(2).map(i64::from)
    }

    fn date(&mut self) -> Result<Date, Why> {
        let year = self.number(4).ok_or(NO_DATE)?;
        let month = self.eat(b"-").then(|| self.pair()).flatten().ok_or(NO_DATE)?;
        let day = self.eat(b"-").then(|| self.pair()).flatten().ok_or(NO_DATE)?;
        // Two digits fit a byte.
        Date::new(year, month as u8, day as u8).ok_or("The calendar has no such day.")
    }

    /// Hours and minutes, seconds and their fraction if any, as ticks.
    fn time(&mut self) -> Result<i64, Why> {
        let hour = self.pair().ok_or(NO_TIME)?;
        let minute = self.eat(b":").then(|| self.pair()).flatten().ok_or(NO_TIME)?;
        let mut second = 0;
        let mut fraction = 0;
        if self.eat(b":") {
            second = self.pair().ok_or(NO_TIME)?;
            if self.eat(b".") {
                fraction = self.fraction().ok_or("A fraction has 1 to 12 digits.")?;
            }
        }
        if hour > 23 || minute > 59 {
            return Err("Hours go from 00 to 23, minutes from 00 to 59.");
        }
        if second > 59 {
            return Err("Seconds go from 00 to 59; leap seconds are not supported.");
        }
        let whole = hour * TICKS_PER_HOUR + minute * TICKS_PER_MINUTE + second * TICKS_PER_SECOND;
        Ok(whole + fraction)
    }

    /// The distance from UTC without its sign, to the end of the text. .NET's limit is 14 hours.
    fn offset(&mut self) -> Result<i64, Why> {
        const NO_OFFSET: Why = "An offset is hours and minutes, such as +02:00, up to 14:00.";
        let hours = self.pair().ok_or(NO_OFFSET)?;
        let minutes = self.eat(b":").then(|| self.pair()).flatten().ok_or(NO_OFFSET)?;
        if !self.0.is_empty() || minutes > 59 || hours * 60 + minutes > 14 * 60 {
            return Err(NO_OFFSET);
        }
        Ok(hours * TICKS_PER_HOUR + minutes * TICKS_PER_MINUTE)
    }

    /// Digits after the point as ticks: 1 to 12, cut off after the seventh.
    fn fraction(&mut self) -> Option<i64> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=12).contains(&length) {
            return None;
        }
        let digits = self.0[..length].iter().chain(std::iter::repeat(&b'0')).take(7);
        let ticks = digits.fold(0, |ticks, digit| ticks * 10 + i64::from(digit - b'0'));
        self.0 = &self.0[length..];
        Some(ticks)
    }

    /// Digits with a fraction if there is one.
    fn count(&mut self) -> Option<(u64, Option<i64>)> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&self.0[..length]).ok()?;
        // Longer ones are no duration in any unit.
        let count = text.parse().ok()?;
        self.0 = &self.0[length..];
        let fraction = if self.eat(b".") { Some(self.fraction()?) } else { None };
        Some((count, fraction))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, rest) = (self.ticks / TICKS_PER_HOUR, self.ticks % TICKS_PER_HOUR);
        let (minute, rest) = (rest / TICKS_PER_MINUTE, rest % TICKS_PER_MINUTE);
        write!(out, "{hour:02}:{minute:02}:{:02}", rest / TICKS_PER_SECOND)?;
        write_fraction(out, (rest % TICKS_PER_SECOND).unsigned_abs())
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}T{}Z", self.date(), self.time())
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ticks = self.ticks.unsigned_abs();
        let second = TICKS_PER_SECOND.unsigned_abs();
        let (days, rest) = (ticks / (86_400 * second), ticks % (86_400 * second));
        let (seconds, fraction) = (rest / second, rest % second);
        write!(out, "{}P", if self.ticks < 0 { "-" } else { "" })?;
        if days > 0 {
            write!(out, "{days}D")?;
        }
        if rest == 0 && days > 0 {
            return Ok(());
        }
        write!(out, "T")?;
        for (count, unit) in [(seconds / 3600, 'H'), (seconds / 60 % 60, 'M')] {
            if count > 0 {
                write!(out, "{count}{unit}")?;
            }
        }
        if seconds % 60 > 0 || fraction > 0 || rest == 0 {
            write!(out, "{}", seconds % 60)?;
            write_fraction(out, fraction)?;
            write!(out, "S")?;
        }
        Ok(())
    }
}

/// Ticks below a second, without zeros at the end.
fn write_fraction(out: &mut fmt::Formatter<'_>, ticks: u64) -> fmt::Result {
    if ticks == 0 {
        return Ok(());
    }
    write!(out, ".{}", format!("{ticks:07}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests;
