//! Dates as `ctime(3)` writes them, in English whoever asks: `Sun Mar  1 12:00:00 2026`, and as `last`
//! cuts them: `Sun Mar  1 12:00`; or ISO 8601.

use inventory::time::Stamp;
use jiff::civil::{Date, DateTime, Time, Weekday};

use crate::syslog::YearError;

/// Lines are in the order of logons as they ended, or of clocks that were set.
const SLACK_DAYS: i32 = 2;
/// A day of a month is the same day of the week again after 11 years at most, but for 29 February (40).
const YEARS: i16 = 40;

/// A date in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Full(Stamp),
    Yearless(Yearless),
}

/// A date without a year; the weekday tells which years it can be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Yearless {
    weekday: Weekday,
    month: i8,
    day: i8,
    time: Time,
}

impl When {
    /// Reads the date at the front of a text; what follows it.
    pub(super) fn parse(text: &str) -> Option<(Self, &str)> {
        let (first, rest) = word(text);
        if first.as_bytes().first()?.is_ascii_digit() {
            let comma_cut = first.replace(',', ".");
            return Some((When::Full(Stamp::parse(&comma_cut).ok()?), rest));
        }
        let weekday = weekday(first)?;
        let (name, rest) = word(rest);
        let month = month(name)?;
        let (day, rest) = word(rest);
        let day = day.parse().ok().filter(|day| (1..=31).contains(day))?;
        let (clock, rest) = word(rest);
        let (time, has_seconds) = time(clock)?;
        let (year, after) = word(rest);
        let year = Some(year).filter(|year| has_seconds && year.len() == 4);
        match year.and_then(|year| year.parse::<i16>().ok()) {
            Some(year) => {
                let date = Date::new(year, month, day).ok()?;
                Some((When::Full(Stamp::Local(date.to_datetime(time))), after))
            }
            None => Some((When::Yearless(Yearless { weekday, month, day, time }), rest)),
        }
    }
}

/// Which years the dates of a listing are of, asked line by line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Years {
    /// From the last line up: none is before this day.
    After(Date),
    /// From the first line down: none is after this day.
    Before(Date),
    Unknown,
}

impl Years {
    /// The date with its year, the one that is nearest to the line before.
    pub(super) fn complete(&mut self, date: &Yearless) -> Result<DateTime, YearError> {
        let of_year = |year: i16| Date::new(year, date.month, date.day).ok();
        let is_right = |day: &Date| day.weekday() == date.weekday;
        let found = match *self {
            Years::Unknown => return Err(YearError::Unknown),
            Years::After(last) => (last.year() - 1..=last.year() + YEARS)
                .filter_map(of_year)
                .filter(is_right)
                .find(|day| days(last, *day) >= -SLACK_DAYS),
            Years::Before(last) => (last.year() - YEARS..=last.year() + 1)
                .rev()
                .filter_map(of_year)
                .filter(is_right)
                .find(|day| days(last, *day) <= SLACK_DAYS),
        };
        let (Years::After(last) | Years::Before(last)) = self else {
            return Err(YearError::Unknown);
        };
        let (month, day) = (date.month, date.day);
        let found = found.ok_or(YearError::NoSuchDay { year: last.year(), month, day })?;
        *last = found;
        Ok(found.to_datetime(date.time))
    }
}

/// How many days the second comes after the first.
fn days(first: Date, second: Date) -> i32 {
    (second - first).get_days()
}

fn weekday(name: &str) -> Option<Weekday> {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let at = NAMES.iter().position(|known| *known == name)?;
    Weekday::from_monday_zero_offset(i8::try_from(at).ok()?).ok()
}

fn month(name: &str) -> Option<i8> {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let at = NAMES.iter().position(|known| *known == name)?;
    i8::try_from(at + 1).ok()
}

/// `12:00` or `12:00:00`, and whether it has the seconds. Second 60 is a leap second.
fn time(clock: &str) -> Option<(Time, bool)> {
    let mut parts = clock.split(':').map(|part| (part.len() == 2).then(|| part.parse::<i8>().ok()));
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        Some(second) => Some(second??),
        None => None,
    };
    let time = Time::new(hour?, minute?, second.unwrap_or_default().min(59), 0).ok()?;
    parts.next().is_none().then_some((time, second.is_some()))
}

/// The first word, and what follows the blanks behind it.
pub(super) fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn yearless(text: &str) -> Yearless {
        match When::parse(text) {
            Some((When::Yearless(date), "")) => date,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_weekday_tells_the_year() {
        let on = |years: &mut Years, text| years.complete(&yearless(text)).unwrap().date();
        let mut down = Years::Before(date(2026, 3, 3));
        assert_eq!(on(&mut down, "Sun Mar  1 12:00"), date(2026, 3, 1));
        assert_eq!(on(&mut down, "Wed Dec 31 23:59"), date(2025, 12, 31));
        assert_eq!(on(&mut down, "Thu Jan  1 00:00"), date(2026, 1, 1), "out of order by a day");
        assert_eq!(on(&mut down, "Tue Dec 31 12:00"), date(2024, 12, 31));
        assert_eq!(on(&mut down, "Thu Feb 29 12:00"), date(2024, 2, 29));
        let mut up = Years::After(date(2023, 11, 30));
        assert_eq!(on(&mut up, "Wed Nov 29 12:00"), date(2023, 11, 29));
        assert_eq!(on(&mut up, "Fri Feb 28 12:00"), date(2025, 2, 28));
        assert!(up.complete(&yearless("Sun Feb 30 12:00")).is_err());
        assert!(Years::Unknown.complete(&yearless("Sun Mar  1 12:00")).is_err());
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in
            ["", "Sun", "Sun Mar", "Son Mar 1 12:00", "Sun Mar 32 12:00", "Sun Mar 1 12", "2026"]
        {
            assert_eq!(When::parse(text), None, "{text}");
        }
    }
}
