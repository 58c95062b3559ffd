//! When an event happened, in the ways that programs write it into JSON.

use inventory::time::{Stamp, TICKS_PER_SECOND, TimeError, Timestamp};

/// What a number below a limit counts in a second, or none: seconds since 1970, milliseconds, then (what has 14
/// digits is a date without its signs) microseconds, a FILETIME's 100 ns since 1601, nanoseconds. Each would
/// be centuries away in another unit.
const UNITS: [(i64, Option<i64>); 6] = [
    (100_000_000_000, Some(1)),
    (10_000_000_000_000, Some(1_000)),
    (100_000_000_000_000, None),
    (100_000_000_000_000_000, Some(1_000_000)),
    (1_000_000_000_000_000_000, Some(FILETIME)),
    (i64::MAX, Some(1_000_000_000)),
];
const FILETIME: i64 = 10_000_000;
/// Seconds from 1601 to 1970.
const FILETIME_EPOCH: i64 = 11_644_473_600;

/// Reads a stamp: `yyyy-MM-dd HH:mm:ss` and its relatives ([`Stamp::parse`]), also with slashes or
/// with `UTC` behind it; .NET's `/Date(1772439330123)/`; WMI's `20260302081530.123456+060`, whose offset
/// is in minutes (MS-WMI, "DATETIME"); a number since 1970.
pub(crate) fn parse(text: &str) -> Result<Stamp, TimeError> {
    let text = text.trim();
    let syntax = |error| number(text).or_else(|| dmtf(text)).or_else(|| net(text)).ok_or(error);
    match Stamp::parse(text) {
        Ok(stamp) => Ok(stamp),
        Err(error @ TimeError::Range) => Err(error),
        Err(error) => match iso(text) {
            Some(stamp) => Ok(stamp),
            None => syntax(error),
        },
    }
}

fn iso(text: &str) -> Option<Stamp> {
    let is_utc = ["UTC", "GMT"].iter().find_map(|zone| text.strip_suffix(zone));
    let slashes = text.get(4..5) == Some("/") && text.get(7..8) == Some("/");
    if is_utc.is_none() && !slashes {
        return None;
    }
    let date = is_utc.unwrap_or(text).trim().replacen('/', "-", 2);
    Stamp::parse(&if is_utc.is_some() { date + "Z" } else { date }).ok()
}

/// A number since 1970, in the unit that its size tells.
fn number(text: &str) -> Option<Stamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let unit = UNITS.into_iter().find(|(below, _)| whole < *below)?.1?;
    let ticks = if unit > TICKS_PER_SECOND {
        whole / (unit / TICKS_PER_SECOND)
    } else {
        let ticks_per_unit = TICKS_PER_SECOND / unit;
        let mut ticks = whole.checked_mul(ticks_per_unit)?;
        let mut place = ticks_per_unit;
        for digit in fraction.bytes() {
            place /= 10;
            ticks = ticks.checked_add(i64::from(digit - b'0') * place)?;
        }
        if unit == FILETIME { ticks - FILETIME_EPOCH * TICKS_PER_SECOND } else { ticks }
    };
    Timestamp::from_ticks(ticks).map(Stamp::Utc)
}

/// Milliseconds since 1970; an offset behind them says in which zone they were shown.
fn net(text: &str) -> Option<Stamp> {
    let inner = text.trim_matches(['/', '\\']).strip_prefix("Date(")?.strip_suffix(')')?;
    let end = inner.rfind(['+', '-']).filter(|&at| at > 0).unwrap_or(inner.len());
    let milliseconds: i64 = inner[..end].parse().ok()?;
    let ticks = milliseconds.checked_mul(TICKS_PER_SECOND / 1_000)?;
    Timestamp::from_ticks(ticks).map(Stamp::Utc)
}

fn dmtf(text: &str) -> Option<Stamp> {
    let (digits, rest) = text.split_at_checked(14)?;
    let rest = rest.strip_prefix('.')?;
    let at = rest.find(['+', '-'])?;
    let (fraction, offset) = rest.split_at(at);
    let minutes: i64 = offset.get(1..)?.parse().ok().filter(|minutes| *minutes < 24 * 60)?;
    let [year, month, day, hour, minute, second] = [0..4, 4..6, 6..8, 8..10, 10..12, 12..14]
        .map(|range| digits.get(range).unwrap_or_default());
    let sign = &offset[..1];
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let iso = format!(
        "{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction}{sign}{hours:02}:{minutes:02}"
    );
    Stamp::parse(&iso).ok()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> String {
        let stamp = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        stamp.in_zone(&TimeZone::UTC).unwrap().to_string()
    }

    #[test]
    fn every_way_gives_the_moment_to_its_fraction() {
        for text in [
            "2026-03-02T08:15:30.1234567Z",
            "2026-03-02 08:15:30.123456789",
            "2026-03-02T09:15:30.1234567+01:00",
            "2026/03/02 08:15:30.1234567",
            "2026-03-02 08:15:30.1234567 UTC",
            "1772439330.1234567",
            "1772439330123.4567",
            "134169129301234567",
            "1772439330123456789",
        ] {
            assert_eq!(read(text), "2026-03-02T08:15:30.1234567Z", "{text}");
        }
        for text in ["20260302081530.123456-000", "20260302091530.123456+060", "1772439330123456"] {
            assert_eq!(read(text), "2026-03-02T08:15:30.123456Z", "{text}");
        }
        for text in ["/Date(1772439330123)/", "/Date(1772439330123+0100)/", "1772439330123"] {
            assert_eq!(read(text), "2026-03-02T08:15:30.123Z", "{text}");
        }
        assert_eq!(read("/Date(-1000)/"), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn what_is_no_time_is_told() {
        for text in ["", "x", "-5", "1.x", "/Date(x)/", "20260302081530.1", "99999999999999999999"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"(/Date\(|é|[0-9]{1,15}|[-+./)é UTC]){0,12}") {
            let _ = parse(&text);
        }
    }
}
