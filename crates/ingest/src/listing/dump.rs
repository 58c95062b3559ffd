//! What `utmpdump` prints: every record of a file, every field in brackets.

use std::net::IpAddr;

use inventory::time::{Stamp, TICKS_PER_SECOND, Timestamp};
use jiff::tz::TimeZone;

use super::Reader;
use super::date::{When, word};
use crate::reject::Position;
use crate::utmp::{Kind, Said, kinds};
use crate::windows::FieldError;

const FIELDS: usize = 8;
/// The short names of zones that are one zone's, and how many hours that is east of UTC. `CST`, `IST` and
/// `BST` are several zones'.
const ZONES: [(&str, i64); 24] = [
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("WEST", 1),
    ("CET", 1),
    ("CEST", 2),
    ("MET", 1),
    ("MEST", 2),
    ("EET", 2),
    ("EEST", 3),
    ("SAST", 2),
    ("MSK", 3),
    ("EST", -5),
    ("EDT", -4),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
    ("JST", 9),
    ("KST", 9),
    ("AEST", 10),
    ("AEDT", 11),
    ("NZST", 12),
];

/// A record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    kind: i16,
    user: &'a str,
    line: &'a str,
    host: &'a str,
    address: &'a str,
    /// A date, and the name of a zone that may follow it.
    when: When,
    zone: &'a str,
}

/// The line before the records, which goes to standard error.
pub(super) fn is_head(text: &str) -> bool {
    text.starts_with("Utmp dump of ") || text.starts_with("Utmp undump of ")
}

impl<'a> Row<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim().strip_prefix('[')?.strip_suffix(']')?;
        let mut fields = text.splitn(FIELDS, "] [");
        let kind = fields.next()?.parse().ok()?;
        let _pid: i64 = fields.next()?.parse().ok()?;
        let _id = fields.next()?;
        let mut texts = fields.map(str::trim_end);
        let (user, line, host) = (texts.next()?, texts.next()?, texts.next()?);
        let (address, date) = (texts.next()?, texts.next()?);
        let (when, zone) = When::parse(date)?;
        Some(Self { kind, user, line, host, address, when, zone })
    }
}

pub(super) fn read(reader: &mut Reader<'_>, text: &str) {
    let rows = || text.split('\n').filter_map(Row::parse);
    // As of the file itself: a getty's records say LOGIN, and no other file has only these types.
    let has_others =
        rows().any(|row| !matches!(row.kind, kinds::EMPTY | kinds::LOGIN | kinds::USER));
    let has_names =
        rows().any(|row| row.kind == kinds::LOGIN && !row.user.eq_ignore_ascii_case("LOGIN"));
    let are_failures = !has_others && (has_names || reader.is_of_failures);
    for (line, number) in text.split('\n').zip(1..) {
        match Row::parse(line) {
            Some(row) => count(reader, number, &row, are_failures),
            None if line.trim().is_empty() || is_head(line) => {}
            None => reader.reject(number, "not a line of `utmpdump`"),
        }
    }
}

fn count(reader: &mut Reader<'_>, number: u64, row: &Row<'_>, are_failures: bool) {
    let kind = match row.kind {
        kinds::LOGIN | kinds::USER if are_failures => Kind::Failure,
        kinds::USER => Kind::of_user(row.user, row.line),
        _ => Kind::Other,
    };
    if kind != Kind::Logon {
        return kind.count(&mut reader.outcome);
    }
    let said = Said {
        user: row.user,
        line: row.line,
        host: row.host,
        address: row.address.parse().ok().filter(|address: &IpAddr| !address.is_unspecified()),
        is_host_cut: false,
        time: time(reader, row),
    };
    said.count(reader.options, Position::Line(number), &mut reader.outcome);
}

fn time(reader: &mut Reader<'_>, row: &Row<'_>) -> Result<Timestamp, FieldError> {
    let When::Full(stamp) = row.when else { return Err(FieldError::Missing("the date's year")) };
    let is_local = matches!(stamp, Stamp::Local(_)) && !row.zone.is_empty();
    if !is_local || reader.options.timezone.is_some() {
        return reader.time(stamp);
    }
    let ticks = |offset: i64| {
        let time = stamp.in_zone(&TimeZone::UTC).ok()?;
        Timestamp::from_ticks(time.ticks().checked_sub(offset * TICKS_PER_SECOND)?)
    };
    offset(word(row.zone).0).and_then(ticks).ok_or_else(|| {
        FieldError::Record(format!("the zone `{}` may be several; --timezone gives it", row.zone))
    })
}

/// How many seconds a zone is east of UTC, by its name or as zones without one are called: `+07`, `-0330`.
fn offset(name: &str) -> Option<i64> {
    if let Some((_, hours)) = ZONES.iter().find(|(known, _)| *known == name) {
        return Some(hours * 3600);
    }
    let sign = if name.starts_with('-') { -1 } else { 1 };
    let digits = name.strip_prefix(['+', '-'])?;
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = match digits.get(2..)? {
        "" => 0,
        minutes => minutes.parse().ok().filter(|minutes| (0..60).contains(minutes))?,
    };
    (0..=14).contains(&hours).then_some(sign * (hours * 60 + minutes) * 60)
}
