//! Times that lie ahead of the clock are rejected with the reason, in whatever format they come.

use ingest::Format;
use inventory::rule::Rule;
use inventory::time::{Stamp, Timestamp};
use jiff::tz::TimeZone;
use samples::{Fleet, Shape};

use super::support::{options, read_bytes_with};

fn time(text: &str) -> Timestamp {
    Stamp::parse(text).unwrap().in_zone(&TimeZone::UTC).unwrap()
}

#[test]
fn what_lies_too_far_ahead_is_rejected_in_every_format() {
    for shape in Shape::ALL {
        let mut bytes = Vec::new();
        shape.write(&mut Fleet::new(3), 200_000, &mut bytes).unwrap();
        let mut options = options();
        options.device = Some("d".to_owned());
        options.year = Some(2026);
        let name = shape.name();
        let whole = read_bytes_with(&bytes, &options);
        let last = whole.logons.iter().map(|logon| logon.time).max().unwrap();
        // In the middle: what is before it is read, the rest is told.
        let mut times: Vec<_> = whole.logons.iter().map(|logon| logon.time).collect();
        times.sort();
        let latest = times[times.len() / 2];
        options.rule = Rule { latest: Some(latest), ..Rule::default() };
        let read = read_bytes_with(&bytes, &options);
        let kept = whole.logons.iter().filter(|logon| logon.time <= latest).count();
        assert_eq!(read.logons.len(), kept, "{name}");
        assert!(read.reports.iter().all(|report| report.time <= latest), "{name}");
        assert!(read.changes.iter().all(|change| change.time <= latest), "{name}");
        let tally = read.tally();
        if latest < last {
            assert!(tally.rejects > 0 && tally.ahead >= Some(last), "{name}: {tally:?}");
            assert!(read.rejects.iter().all(|it| it.reason.contains("rule.max_ahead")), "{name}");
        }
    }
}

#[test]
fn a_reject_says_which_time_and_where() {
    let mut options = options();
    options.rule.latest = Some(time("2026-03-02T00:00:00Z"));
    let line = |day: u32| {
        format!(
            "2026-03-{day:02}T08:00:00Z web-1 sshd[{day}]: Accepted publickey for ann from 192.0.2.7 port 1 ssh2\n"
        )
    };
    let read = read_bytes_with((line(1) + &line(3)).as_bytes(), &options);
    assert_eq!((read.users(), read.files[0].format), (vec!["ann"], Format::Syslog));
    let reject = &read.rejects[0];
    assert_eq!(
        format!("{}: {}", reject.position, reject.reason),
        "line 2: its time, 2026-03-03T08:00:00Z, lies ahead of the clock by more than rule.max_ahead"
    );
}
