//! Moments as people write them on the command line.

use inventory::time::{Stamp, Timestamp};
use jiff::tz::TimeZone;

/// A moment, or how long before now it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    At(Timestamp),
    SecondsAgo(i64),
}

impl Moment {
    /// The moment, now being `now`.
    pub(crate) fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::At(time) => time,
            // Before the calendar nothing was.
            Moment::SecondsAgo(seconds) => now.plus_seconds(-seconds).unwrap_or(Timestamp::MIN),
        }
    }
}

/// Reads `30m`, `24h`, `7d`, each also with `ago` behind it, `now`, a date, or a date and time.
pub(crate) fn parse(text: &str) -> Result<Moment, String> {
    let wrong = || {
        format!("`{text}` is no moment: write 2h, '2h ago', 7d, 2026-01-31 or 2026-01-31T10:00:00Z")
    };
    let text = text.trim();
    if text.eq_ignore_ascii_case("now") {
        return Ok(Moment::SecondsAgo(0));
    }
    let length = match text.len().checked_sub("ago".len()).map(|at| text.split_at_checked(at)) {
        Some(Some((length, ago))) if ago.eq_ignore_ascii_case("ago") => length.trim_end(),
        _ => text,
    };
    let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];
    for (unit, seconds) in units {
        if let Some(number) = length.strip_suffix(unit) {
            let number = number.trim_end();
            // `+5d` would parse, too.
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            let number: Option<u32> = number.parse().ok().filter(|_| is_number);
            return number
                .map(|number| Moment::SecondsAgo(i64::from(number) * seconds))
                .ok_or_else(wrong);
        }
    }
    let midnight = format!("{text}T00:00:00");
    let full = if text.len() == "2026-01-31".len() { &midnight } else { text };
    let time = Stamp::parse(full).and_then(|stamp| stamp.in_zone(&TimeZone::UTC));
    time.map(Moment::At).map_err(|_| wrong())
}

/// The longest time that a flag takes: a hundred years.
const MAX_SECONDS: u32 = 100 * 366 * 86_400;

/// Reads a length of time such as `90d` or `2h`, in seconds.
pub(crate) fn seconds(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is no length of time: write 30s, 15m, 2h or 90d");
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];
    let (number, unit_s) = units
        .into_iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
        .ok_or_else(wrong)?;
    // `+5d` would parse, too.
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u32> = number.parse().ok().filter(|_| is_number);
    let seconds = number.and_then(|number| number.checked_mul(unit_s));
    seconds.filter(|&seconds| seconds <= MAX_SECONDS).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_a_unit_and_an_end() {
        assert_eq!(seconds("0s"), Ok(0));
        assert_eq!(seconds("2h"), Ok(7_200));
        assert_eq!(seconds("90d"), Ok(7_776_000));
        for wrong in ["", "h", "2", "-2h", "1.5h", "2 h", "99999d", "4294967295d", "2\u{00b5}"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn moments_are_relative_or_absolute() {
        let shown = |text: &str| {
            let Ok(Moment::At(now)) = parse("2026-11-23T10:00:30Z") else { panic!() };
            parse(text).map(|moment| moment.from(now).to_string())
        };
        for (text, expected) in [
            ("30m", "2026-11-23T09:30:30Z"),
            ("2h ago", "2026-11-23T08:00:30Z"),
            (" 2 h  AGO ", "2026-11-23T08:00:30Z"),
            ("90s", "2026-11-23T09:59:00Z"),
            ("1w ago", "2026-11-16T10:00:30Z"),
            ("now", "2026-11-23T10:00:30Z"),
            ("2026-01-31 10:00:00", "2026-01-31T10:00:00Z"),
            ("24h", "2026-11-22T10:00:30Z"),
            ("7d", "2026-11-16T10:00:30Z"),
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31T10:00:00", "2026-01-31T10:00:00Z"),
            ("2026-01-31T10:00:00+02:00", "2026-01-31T08:00:00Z"),
            ("4000000000d", "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
        for wrong in [
            "",
            "d",
            "ago",
            "2 ago",
            "+2h",
            "2026-01-31 ago",
            "2h agö",
            "-1d",
            "2026-13-01",
            "yesterday",
            "99999999999d",
            "\u{e9}",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
