use proptest::prelude::*;

use super::*;

fn moment(text: &str) -> Result<String, Why> {
    DateTime::read(text, Zone::Needed).map(|moment| moment.to_string())
}

#[test]
fn every_spelling_of_a_moment_is_read() {
    for (text, expected) in [
        ("2025-06-01T00:00:00Z", "2025-06-01T00:00:00Z"),
        ("2025-06-01t01:02z", "2025-06-01T01:02:00Z"),
        ("2018-08-01Z", "2018-08-01T00:00:00Z"),
        ("2025-06-01T10:00:00.1Z", "2025-06-01T10:00:00.1Z"),
        ("2025-06-01T10:00:00.123456789012Z", "2025-06-01T10:00:00.1234567Z"),
        ("2025-06-01T10:00:00+02:00", "2025-06-01T08:00:00Z"),
        ("2025-06-01T10:00:00 02:00", "2025-06-01T08:00:00Z"),
        ("2025-12-31T20:00:00-05:30", "2026-01-01T01:30:00Z"),
        ("2024-02-29T23:59:59.9999999Z", "2024-02-29T23:59:59.9999999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"),
    ] {
        assert_eq!(moment(text).as_deref(), Ok(expected), "{text}");
    }
    let bare = DateTime::read("2018-08-01T10:00:00", Zone::Optional).unwrap();
    assert_eq!(bare.to_string(), "2018-08-01T10:00:00Z");
    assert_eq!(DateTime::read("2018-08-01", Zone::Optional).unwrap(), bare.date().midnight());
}

#[test]
fn what_no_calendar_or_clock_has_is_refused() {
    for text in [
        "2025-02-31T00:00:00Z",
        "2023-02-29Z",
        "1900-02-29Z",
        "2025-13-01Z",
        "2025-00-10Z",
        "2025-01-00Z",
        "0000-01-01Z",
        "2025-06-01T24:00:00Z",
        "2025-06-01T10:60:00Z",
        "2025-06-30T23:59:60Z",
        "2025-06-01T10:00:00",
        "2025-06-01T10:00:00.Z",
        "2025-06-01T10:00:00.1234567890123Z",
        "2025-06-01T10Z",
        "2025-06-01TZ",
        "2025-6-1T00:00:00Z",
        "2025-06-01T10:00:00+2:00",
        "2025-06-01T10:00:00+14:01",
        "2025-06-01T10:00:00+02:00Z",
        "2025-06-01+02:00",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2025-06-01Zulu",
        "",
    ] {
        assert!(moment(text).is_err(), "{text}");
    }
}

#[test]
fn the_calendar_is_exact_from_end_to_end() {
    let mut days = 0;
    for year in 1..=9999 {
        for month in 1..=12 {
            for day in 1..=days_in(year, month) {
                let date = Date::new(year, month, day).unwrap();
                assert_eq!(date.days(), days);
                assert_eq!(Date::from_days(days), date);
                days += 1;
            }
        }
    }
    assert_eq!(days, DAYS);
    assert_eq!(Date::new(1970, 1, 1).unwrap().midnight().ticks(), DateTime::UNIX_EPOCH_TICKS);
    // `DateTimeOffset.MaxValue.UtcTicks` of .NET.
    let last = moment("9999-12-31T23:59:59.9999999Z").unwrap();
    assert_eq!(DateTime::read(&last, Zone::Needed).unwrap().ticks(), 3_155_378_975_999_999_999);
}

#[test]
fn durations_are_read_and_written() {
    for (text, ticks, canonical) in [
        ("P1D", TICKS_PER_DAY, "P1D"),
        ("PT36H", 36 * TICKS_PER_HOUR, "P1DT12H"),
        ("-P1DT2H3M4.5S", -937_845_000_000, "-P1DT2H3M4.5S"),
        ("+pt0.0000001s", 1, "PT0.0000001S"),
        ("PT0S", 0, "PT0S"),
        ("P0D", 0, "PT0S"),
        ("PT90M", 90 * TICKS_PER_MINUTE, "PT1H30M"),
    ] {
        let duration = Duration::read(text).unwrap();
        assert_eq!(duration.ticks(), ticks, "{text}");
        assert_eq!(duration.to_string(), canonical, "{text}");
    }
    for text in [
        "",
        "P",
        "PT",
        "P1",
        "P1H",
        "PT1D",
        "P1DT",
        "PT1S1M",
        "PT1M1M",
        "P1.5D",
        "PT1.S",
        "1D",
        "--P1D",
        "P1Y",
        "P1M",
        "P1W",
        "P99999999999D",
        "PT99999999999999999999S",
        "P1DTT1S",
    ] {
        assert!(Duration::read(text).is_err(), "{text}");
    }
}

#[test]
fn times_of_day_are_read_and_written() {
    for (text, canonical) in
        [("17:30", "17:30:00"), ("00:00:00", "00:00:00"), ("23:59:59.9990", "23:59:59.999")]
    {
        assert_eq!(TimeOfDay::read(text).unwrap().to_string(), canonical);
    }
    for text in ["24:00", "1:30", "17:30:00Z", "17:30:60", "17"] {
        assert!(TimeOfDay::read(text).is_err(), "{text}");
    }
    assert_eq!(TimeOfDay::from_ticks(TICKS_PER_DAY), None);
}

proptest! {
    #[test]
    fn a_moment_is_written_as_it_is_read(ticks in 0..DAYS * TICKS_PER_DAY) {
        let moment = DateTime::from_ticks(ticks).unwrap();
        prop_assert_eq!(DateTime::read(&moment.to_string(), Zone::Needed), Ok(moment));
    }

    #[test]
    fn a_duration_is_written_as_it_is_read(ticks in any::<i64>()) {
        let duration = Duration::from_ticks(ticks);
        prop_assert_eq!(Duration::read(&duration.to_string()), Ok(duration));
    }

    #[test]
    fn no_text_panics(text in "[-+0-9TZPDHMS:. ä]{0,40}") {
        let _ = DateTime::read(&text, Zone::Optional);
        let _ = Duration::read(&text);
        let _ = TimeOfDay::read(&text);
        let _ = Date::read(&text);
    }
}
