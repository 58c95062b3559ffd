//! The stamps at the front of lines: of daemons, of journalctl, and of what collects lines.

use inventory::time::{Stamp, TICKS_PER_SECOND, Timestamp};
use jiff::civil;

use super::{When, Yearless, month, word};

/// A stamp, and what follows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamped<'a> {
    pub(super) when: When,
    /// The zone's name where it is known by that alone: `CET`.
    pub(super) zone: &'a str,
    pub(super) form: Form,
    pub(super) rest: &'a str,
}

/// Which programs write such a stamp, where that says how to read the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Any,
    /// `Mon 2026-03-02 08:15:30 UTC`: `journalctl -o short-full`, and `-o with-unit`, which has units
    /// in the programs' place.
    Journal,
    /// `2026-03-02 08:15:30.123456+0000`: macOS' `log show --style syslog`.
    Apple,
}

/// Reads the stamp at the front of a text.
pub(super) fn read(text: &str) -> Option<Stamped<'_>> {
    match text.as_bytes().first()? {
        b'0'..=b'9' => {
            full(text).or_else(|| year_first(text)).or_else(|| unix(text)).or_else(|| svlogd(text))
        }
        b'@' => tai64n(text),
        _ => bsd(text).or_else(|| behind_weekday(text)),
    }
}

/// A stamp with its year; date and time may stand apart, and so may the zone.
fn full(text: &str) -> Option<Stamped<'_>> {
    // Nothing else begins so, and what a stamp is none for is told in a text of its own.
    if text.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let (first, rest) = word(text);
    let is_apart = first.len() == "2026-03-01".len();
    let end = if is_apart { first.len() + 1 + word(rest).0.len() } else { first.len() };
    let written = text.get(..end)?;
    let stamp = Stamp::parse(written).ok()?;
    let is_apples = is_apart && matches!(stamp, Stamp::Utc(_)) && written.contains('.');
    let form = if is_apples { Form::Apple } else { Form::Any };
    Some(zoned(Stamped { when: When::Full(stamp), zone: "", form, rest: &text[end..] }))
}

/// `Mar  1 10:00:00`, with or without a fraction; the year may stand before or behind the time.
fn bsd(text: &str) -> Option<Stamped<'_>> {
    let (name, rest) = word(text);
    let month = month::number(name)?;
    let (day, rest) = word(rest);
    let day = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let (mut clock, mut rest) = word(rest);
    let mut year = year(clock);
    if year.is_some() {
        (clock, rest) = word(rest);
    }
    // Cisco's devices put a colon behind it.
    let time = time(clock.strip_suffix(':').unwrap_or(clock))?;
    let yearless = Yearless { month, day, time };
    if year.is_none() && rest.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        let (next, after) = word(rest);
        // A host may have a number for a name: its tag follows.
        year = self::year(next).filter(|_| !word(after).0.ends_with(':'));
        if year.is_some() {
            rest = after;
        }
    }
    let when = match year {
        Some(year) => yearless.of(year)?,
        None => When::Yearless(yearless),
    };
    Some(zoned(Stamped { when, zone: "", form: Form::Any, rest }))
}

/// `2026 Mar  2 08:15:30`
fn year_first(text: &str) -> Option<Stamped<'_>> {
    let (first, rest) = word(text);
    let year = year(first)?;
    let stamped = bsd(rest)?;
    match stamped.when {
        When::Yearless(date) => Some(zoned(Stamped { when: date.of(year)?, ..stamped })),
        When::Full(_) => None,
    }
}

/// `Mon 2026-03-02 08:15:30 UTC` and `Mon Mar  2 08:15:30 2026`.
fn behind_weekday(text: &str) -> Option<Stamped<'_>> {
    // Neither asctime(3) nor systemd asks the locale.
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let (day, rest) = word(text);
    if !DAYS.contains(&day) {
        return None;
    }
    let Some(stamped) = full(rest) else {
        let stamped = bsd(rest)?;
        let (next, after) = word(stamped.rest);
        // Here no host has a number for a name.
        return Some(match (stamped.when, year(next)) {
            (When::Yearless(date), Some(year)) => {
                Stamped { when: date.of(year)?, rest: after, ..stamped }
            }
            _ => stamped,
        });
    };
    let (zone, after) = word(stamped.rest);
    let is_zone = (2..=5).contains(&zone.len()) && zone.bytes().all(|it| it.is_ascii_uppercase());
    let stamped = Stamped { form: Form::Journal, ..stamped };
    Some(match stamped.when {
        When::Full(Stamp::Local(_)) if is_zone => Stamped { zone, rest: after, ..stamped },
        _ => stamped,
    })
}

/// Seconds since 1970 with their fraction: `journalctl -o short-unix`.
fn unix(text: &str) -> Option<Stamped<'_>> {
    let (first, rest) = word(text);
    let (seconds, fraction) = first.split_once('.')?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(9..=11).contains(&seconds.len()) || fraction.len() != 6 || !is_number(seconds) {
        return None;
    }
    let micros: i64 = fraction.parse().ok().filter(|_| is_number(fraction))?;
    let ticks = micros * (TICKS_PER_SECOND / 1_000_000);
    let time = Timestamp::from_seconds(seconds.parse().ok()?, ticks)?;
    Some(Stamped { when: When::Full(Stamp::Utc(time)), zone: "", form: Form::Any, rest })
}

/// runit's `svlogd -tt`, in UTC: `2026-03-02_08:15:30.12345`.
fn svlogd(text: &str) -> Option<Stamped<'_>> {
    const MAX_BYTES: usize = 32;
    let (first, rest) = word(text);
    let (date, time) = first.split_once('_').filter(|_| first.len() <= MAX_BYTES)?;
    let stamp = Stamp::parse(&format!("{date}T{time}Z")).ok()?;
    Some(Stamped { when: When::Full(stamp), zone: "", form: Form::Any, rest })
}

/// What daemontools' multilog and `svlogd -t` write: `@`, 16 digits of seconds, 8 of nanoseconds
/// (<https://cr.yp.to/libtai/tai64.html>). Both begin to count ten seconds before 1970.
fn tai64n(text: &str) -> Option<Stamped<'_>> {
    const EPOCH: u64 = (1 << 62) + 10;
    let (first, rest) = word(text);
    let digits = first.strip_prefix('@').filter(|digits| digits.len() == 24)?;
    let number = |digits: &str| {
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u64::from_str_radix(digits, 16).ok().filter(|_| is_hex)
    };
    let seconds = number(digits.get(..16)?)?.checked_sub(EPOCH)?;
    let nanos = number(digits.get(16..)?).filter(|nanos| *nanos < 1_000_000_000)?;
    let ticks = i64::try_from(nanos / 100).ok()?;
    let time = Timestamp::from_seconds(i64::try_from(seconds).ok()?, ticks)?;
    Some(Stamped { when: When::Full(Stamp::Utc(time)), zone: "", form: Form::Any, rest })
}

/// Takes the zone that stands apart behind a stamp.
fn zoned(stamped: Stamped<'_>) -> Stamped<'_> {
    /// Short names that devices write before a colon. Several are more than one zone's.
    const NAMES: [&str; 26] = [
        "CET", "CEST", "WET", "WEST", "EET", "EEST", "BST", "IST", "MSK", "EST", "EDT", "CST",
        "CDT", "MST", "MDT", "PST", "PDT", "AKST", "AKDT", "HST", "JST", "KST", "AEST", "AEDT",
        "NZST", "NZDT",
    ];
    let starts = |byte: &u8| matches!(byte, b'+' | b'-' | b'A'..=b'Z');
    let text = stamped.rest.trim_start();
    if !text.as_bytes().first().is_some_and(starts) {
        return stamped;
    }
    let (first, rest) = word(text);
    let (name, is_cut) = first.strip_suffix(':').map_or((first, false), |name| (name, true));
    match (stamped.when, offset(name)) {
        (When::Full(Stamp::Local(civil)), Some(seconds)) => {
            let ticks = inventory::time::civil_ticks(civil) - seconds * TICKS_PER_SECOND;
            match Timestamp::from_ticks(ticks) {
                Some(time) => Stamped { when: When::Full(Stamp::Utc(time)), rest, ..stamped },
                None => stamped,
            }
        }
        (When::Yearless(_), Some(_)) if is_cut => Stamped { zone: name, rest, ..stamped },
        (When::Full(Stamp::Local(_)) | When::Yearless(_), None)
            if is_cut && NAMES.contains(&name) =>
        {
            Stamped { zone: name, rest, ..stamped }
        }
        _ => stamped,
    }
}

/// The seconds that a zone is ahead of UTC, where its name is nobody else's.
pub(super) fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "UTC" | "GMT" | "Z") {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let number = |from: usize| -> Option<i64> {
        let digits = zone.get(from..from + 2)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let minutes = match zone.len() {
        3 => 0,
        5 => number(3)?,
        6 if zone.as_bytes()[3] == b':' => number(4)?,
        _ => return None,
    };
    let hours = number(1)?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)
}

/// A year, as a word of its own.
fn year(text: &str) -> Option<i16> {
    let is_year = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|year| is_year && (1970..=9999).contains(year))
}

/// `10:00:00` with or without a fraction.
fn time(clock: &str) -> Option<civil::Time> {
    // Nearly every line's.
    if let &[h, i, b':', m, n, b':', s, t] = clock.as_bytes() {
        let number = |tens: u8, ones: u8| {
            let are_digits = tens.is_ascii_digit() && ones.is_ascii_digit();
            are_digits.then(|| (10 * (tens - b'0') + ones - b'0') as i8)
        };
        let (hour, minute, second) = (number(h, i)?, number(m, n)?, number(s, t)?);
        return civil::Time::new(hour, minute, if second == 60 { 59 } else { second }, 0).ok();
    }
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = clock.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let nanos =
        fraction.bytes().chain(std::iter::repeat(b'0')).take(9).try_fold(0, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + i32::from(byte - b'0'))
        })?;
    // Second 60 is a leap second.
    let time = civil::Time::new(hour, minute, if second == 60 { 59 } else { second }, nanos);
    time.ok().filter(|_| parts.next().is_none())
}
