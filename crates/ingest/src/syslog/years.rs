//! Of which year a date without one is (telemetry.md §4.3).
//!
//! What a person says is the year of the first date; from there on the order of the lines shows
//! where a year ends. Otherwise no line is younger than its file: the year is the last in which
//! the date does not lie after the file's own, so that December, read in January, is last year's.

use inventory::time::{SECONDS_PER_DAY, Stamp, Timestamp};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::Yearless;

/// Lines that go back by more than this go over New Year; less is lines out of order.
const BACK_DAYS: i32 = 180;
/// Lines that go on by more than this within a year went back over New Year, out of order.
const AHEAD_DAYS: i32 = 360;
/// 29 February comes back within so many years, even around 2100.
const YEARS_BACK: i16 = 8;

/// Why a date has no year.
#[derive(Debug, thiserror::Error)]
pub(crate) enum YearError {
    #[error("the date has no year; --year gives it")]
    Unknown,
    #[error("no {day}. of month {month} in {year}")]
    NoSuchDay { year: i16, month: i8, day: i8 },
}

/// The years of one file's dates, asked in the order of its lines.
#[derive(Debug)]
pub(crate) struct Years {
    rule: Rule,
    last: Option<Date>,
    goes_back: bool,
}

#[derive(Debug)]
enum Rule {
    /// The year of the first date.
    First(i16),
    /// The last moment that a date can mean, somewhere on Earth.
    Until(DateTime),
    Unknown,
}

impl Years {
    /// By what the person says, else by when the file was written.
    pub(crate) fn new(given: Option<i16>, written: Option<Timestamp>) -> Self {
        let until = || {
            let day = written?.plus_seconds(SECONDS_PER_DAY)?;
            let instant = jiff::Timestamp::from_second(day.seconds()).ok()?;
            Some(instant.to_zoned(TimeZone::UTC).datetime())
        };
        let rule = match (given, until()) {
            (Some(year), _) => Rule::First(year),
            (None, Some(until)) => Rule::Until(until),
            (None, None) => Rule::Unknown,
        };
        Self { rule, last: None, goes_back: false }
    }

    /// Whether a person should hear of how years were found.
    pub(crate) fn warning(&self) -> Option<String> {
        match &self.rule {
            Rule::Until(until) => Some(format!(
                "dates without a year are read as of {} and the year before, by the date of the file; say otherwise with --year",
                until.year()
            )),
            _ => None,
        }
    }

    /// Whether lines in their order went back by most of a year, so that some of them are taken
    /// for younger than they are.
    pub(crate) fn goes_back(&self) -> bool {
        self.goes_back
    }

    /// A line whose date has its year, which is where the next ones go on.
    pub(crate) fn pass(&mut self, stamp: Stamp) {
        if matches!(self.rule, Rule::Unknown) {
            self.last = date_of(stamp).or(self.last);
        }
    }

    /// The stamp of a date.
    pub(crate) fn complete(&mut self, date: &Yearless) -> Result<Stamp, YearError> {
        let on = |year| Date::new(year, date.month, date.day).ok();
        let year = match (&self.rule, self.last) {
            (Rule::Until(until), _) => {
                let known = (0..=YEARS_BACK).map(|back| until.year() - back);
                let mut past = known.filter(|&year| {
                    on(year).is_some_and(|day| day.to_datetime(date.time) <= *until)
                });
                past.next().unwrap_or(until.year())
            }
            (_, Some(last)) => {
                // A day that its year does not have is told as such below.
                match on(last.year()).map_or(0, |day| (day - last).get_days()) {
                    days if days < -BACK_DAYS => last.year() + 1,
                    days if days > AHEAD_DAYS => last.year() - 1,
                    _ => last.year(),
                }
            }
            (Rule::First(year), None) => *year,
            (Rule::Unknown, None) => return Err(YearError::Unknown),
        };
        let day =
            on(year).ok_or(YearError::NoSuchDay { year, month: date.month, day: date.day })?;
        let back = self.last.map_or(0, |last| (last - day).get_days());
        self.goes_back |= matches!(self.rule, Rule::Until(_)) && back > BACK_DAYS;
        self.last = Some(day);
        Ok(Stamp::Local(day.to_datetime(date.time)))
    }
}

/// The date on the wall; of a point in time that of UTC.
fn date_of(stamp: Stamp) -> Option<Date> {
    match stamp {
        Stamp::Local(civil) => Some(civil.date()),
        Stamp::Utc(time) => {
            let instant = jiff::Timestamp::from_second(time.seconds()).ok()?;
            Some(instant.to_zoned(TimeZone::UTC).date())
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;

    fn complete(years: &mut Years, month: i8, day: i8) -> Option<Date> {
        let date = Yearless { month, day, time: time(10, 0, 0, 0) };
        years.complete(&date).ok().and_then(date_of)
    }

    fn written(text: &str) -> Option<Timestamp> {
        Some(Stamp::parse(text).unwrap().in_zone(&TimeZone::UTC).unwrap())
    }

    #[test]
    fn december_read_in_january_is_last_years() {
        let mut years = Years::new(None, written("2026-01-03T09:00:00Z"));
        for (month, day, year) in [(12, 31, 2025), (1, 3, 2026), (1, 5, 2025), (2, 29, 2024)] {
            assert_eq!(complete(&mut years, month, day).map(Date::year), Some(year), "{month}");
        }
        assert!(years.warning().unwrap().contains("2026"));
        assert!(years.goes_back(), "from 3 January 2026 to 5 January 2025");
    }

    #[test]
    fn from_the_year_that_a_person_gives_the_lines_go_on() {
        let mut years = Years::new(Some(2025), written("2030-01-01T00:00:00Z"));
        for (month, day, year) in [
            (11, 3, 2025),
            (10, 3, 2025),
            (12, 31, 2025),
            (1, 1, 2026),
            (12, 31, 2025),
            (1, 1, 2026),
            (10, 1, 2026),
        ] {
            assert_eq!(complete(&mut years, month, day).map(Date::year), Some(year), "{month}");
        }
        assert_eq!(years.warning(), None);
        assert_eq!(complete(&mut years, 2, 30), None);
    }

    #[test]
    fn without_any_word_of_it_there_is_no_year() {
        let mut years = Years::new(None, None);
        assert_eq!(complete(&mut years, 1, 1), None);
        years.pass(Stamp::parse("2025-12-31T23:00:00Z").unwrap());
        assert_eq!(complete(&mut years, 1, 1).map(Date::year), Some(2026));
    }
}
