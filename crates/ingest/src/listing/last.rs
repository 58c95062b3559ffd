//! What `last` and `lastb` print, of util-linux, sysvinit, wtmpdb, macOS and the BSDs.
//!
//! The columns have widths, and are wider where asked for (`-w`) or where a name is longer. So a line is
//! known by the date in it and by what can stand behind that: the columns before it are the user, the
//! terminal, and the host, unless that comes last (`-a`).

use inventory::time::{Stamp, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::date::{When, Years, word};
use super::{MAX_LINE_BYTES, Reader};
use crate::reject::Position;
use crate::utmp::{Kind, Said};
use crate::windows::FieldError;

/// How wide the columns of users and hosts are where nothing wider is asked for.
const USER_CHARS: usize = 8;
const HOST_CHARS: usize = 16;
/// Terminals begin within so many blanks behind the column of users; if nothing does, there is none.
const MAX_GAP: usize = 5;
/// What stands in the terminal's column where the line is no user's.
const PSEUDO_LINES: [&str; 10] = [
    "system boot",
    "system down",
    "(to lvl",
    "old time",
    "new time",
    "runlevel ",
    "~",
    "|",
    "{",
    "}",
];
/// Whom utmp names where no person is; FreeBSD's are two words.
const PSEUDO_USERS: [&str; 4] = ["reboot", "shutdown", "runlevel", "LOGIN"];
const MACHINE_USERS: [&str; 2] = ["boot time", "shutdown time"];
/// What ends the terminal of tries that sshd refused; only a btmp has them.
const REFUSED: &str = ":notty";

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Row(Row<'a>),
    /// `wtmp begins Sun Mar  1 12:00:00 2026`: the file that was printed, and its first date.
    Begins(&'a str, When),
}

/// A logon, or a try, or something of the machine's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    user: &'a str,
    line: &'a str,
    host: &'a str,
    /// The host stands in a column that cuts it.
    is_in_column: bool,
    when: When,
}

impl<'a> Line<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_end();
        if text.len() > MAX_LINE_BYTES {
            return None;
        }
        begins(text).or_else(|| Row::parse(text).map(Line::Row))
    }
}

/// The last line, in whatever language: a name, a verb, a date.
fn begins(text: &str) -> Option<Line<'_>> {
    let (name, rest) = word(text);
    let (verb, rest) = word(rest);
    let (date, _) = When::parse(rest)?;
    let is_alone = text.starts_with(name)
        && text.get(name.len()..)?.trim_start_matches(' ').len() + name.len() + 1 == text.len();
    let is_verb = match date {
        When::Full(_) => verb.chars().all(char::is_alphabetic),
        When::Yearless(_) => verb == "begins",
    };
    (is_alone && is_verb).then_some(Line::Begins(name, date))
}

impl<'a> Row<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        // Whoever tries to log on may give no name; FreeBSD calls the machine by two words.
        let of_machine = MACHINE_USERS.iter().find(|user| text.starts_with(**user));
        let end = of_machine.map_or(text.find(' ').unwrap_or(text.len()), |user| user.len());
        let user = &text[..end];
        let mut at = user.len();
        // The first date that has behind it what can stand there.
        loop {
            at += text.get(at..)?.find(|char: char| char != ' ')?;
            if let Some((when, after)) = When::parse(&text[at..])
                && let Some(last) = tail(after)
            {
                let (line, host) = columns(user, &text[user.len()..at])?;
                let is_in_column = !host.is_empty();
                let host = if is_in_column { host } else { last };
                return Some(Self { user, line, host, is_in_column, when });
            }
            at += text[at..].find(' ')?;
        }
    }

    fn is_of_machine(&self) -> bool {
        PSEUDO_LINES.iter().any(|line| self.line.starts_with(line))
            || PSEUDO_USERS.contains(&self.user)
            || MACHINE_USERS.contains(&self.user)
    }
}

/// The terminal and the host, between the user and the date.
fn columns<'a>(user: &str, between: &'a str) -> Option<(&'a str, &'a str)> {
    let text = between.trim_start_matches(' ');
    if text.is_empty() {
        return Some(("", ""));
    }
    let width = user.chars().count();
    let at = width + between.len() - text.len();
    let gap = at.checked_sub(width.max(USER_CHARS)).filter(|gap| *gap > 0)?;
    if gap > MAX_GAP {
        return Some(("", text.trim_end()));
    }
    let pseudo = PSEUDO_LINES.iter().find(|line| text.starts_with(**line));
    let end = match pseudo {
        Some(line) => line.len() + text[line.len()..].find("  ").unwrap_or(text.len() - line.len()),
        None => text.find(' ').unwrap_or(text.len()),
    };
    Some((&text[..end], text[end..].trim()))
}

/// What stands behind the date: whether somebody is still there, or until when and how long. The host,
/// where it comes last.
fn tail(text: &str) -> Option<&str> {
    const OPEN: [&str; 4] =
        ["still logged in", "still running", "gone - no logout", "still logged on"];
    if text.is_empty() {
        return Some("");
    }
    let ended = text.strip_prefix('-').map(str::trim_start);
    let open = OPEN.iter().find_map(|words| ended.unwrap_or(text).strip_prefix(words));
    if let Some(host) = open {
        return Some(host.trim());
    }
    let ended = ended?;
    let rest = match When::parse(ended) {
        Some((_, rest)) => rest,
        None => {
            let (end, rest) = word(ended);
            let is_clock =
                end.len() >= 5 && end.bytes().all(|it| it.is_ascii_digit() || it == b':');
            let is_word = end.bytes().all(|it| it.is_ascii_lowercase());
            if !is_clock && !is_word {
                return None;
            }
            rest
        }
    };
    // A length of many years is cut.
    let Some(length) = rest.strip_prefix('(') else { return rest.is_empty().then_some("") };
    let end = length.find([')', ' ']).unwrap_or(length.len());
    let is_length = |byte: u8| byte.is_ascii_digit() || matches!(byte, b':' | b'+' | b'-');
    let host = length.get(end + 1..).unwrap_or_default().trim();
    (end > 0 && length[..end].bytes().all(is_length)).then_some(host)
}

/// Reads a listing. Of several behind one another each has its own last line.
pub(super) fn read(reader: &mut Reader<'_>, text: &str, written: Option<Timestamp>) {
    let mut rows = Vec::new();
    for (line, number) in text.split('\n').zip(1..) {
        match Line::parse(line) {
            _ if line.trim().is_empty() => {}
            Some(Line::Row(row)) => rows.push((number, row)),
            Some(Line::Begins(name, date)) => {
                let rows = std::mem::take(&mut rows);
                segment(reader, rows, Some((name, date)), written);
            }
            None => reader.reject(number, "not a line of `last`"),
        }
    }
    if !rows.is_empty() {
        segment(reader, rows, None, written);
    }
}

/// Reads the lines of one file that was printed.
fn segment(
    reader: &mut Reader<'_>,
    mut rows: Vec<(u64, Row<'_>)>,
    begins: Option<(&str, When)>,
    written: Option<Timestamp>,
) {
    // A copy can have any name; then that of the listing tells.
    let are_failures = match begins {
        Some((name, _)) if name.contains("btmp") => true,
        Some((name, _)) if name.contains("wtmp") => false,
        _ => reader.is_of_failures,
    } || rows.iter().any(|(_, row)| row.line.ends_with(REFUSED));
    let is_wide = rows.iter().any(|(_, row)| {
        let host_chars = if row.is_in_column { row.host.chars().count() } else { 0 };
        !row.is_of_machine() && row.user.chars().count() > USER_CHARS || host_chars > HOST_CHARS
    });
    let first = match begins {
        Some((_, When::Full(stamp))) => date_of(stamp),
        _ => None,
    };
    let mut years = match first {
        Some(date) => Years::After(date),
        None => years_before(reader, &rows, written),
    };
    if let Years::After(_) = years {
        rows.reverse();
    }
    for (number, row) in rows {
        let time = match row.when {
            When::Full(stamp) => Ok(stamp),
            When::Yearless(date) => years.complete(&date).map(Stamp::Local),
        };
        let kind = match () {
            () if row.is_of_machine() => Kind::Other,
            () if are_failures => Kind::Failure,
            () => Kind::of_user(row.user, row.line),
        };
        match (kind, time) {
            (Kind::Logon, Ok(stamp)) => logon(reader, number, &row, stamp, is_wide),
            (Kind::Logon, Err(error)) => reader.reject(number, FieldError::Year(error)),
            (kind, _) => kind.count(&mut reader.outcome),
        }
    }
}

/// What the person says of the first line, else what the file's date does.
fn years_before(
    reader: &mut Reader<'_>,
    rows: &[(u64, Row<'_>)],
    written: Option<Timestamp>,
) -> Years {
    if let Some(year) = reader.options.year {
        return Date::new(year, 12, 31).map_or(Years::Unknown, Years::Before);
    }
    let until = written.and_then(|time| date_of(Stamp::Utc(time)));
    let Some(until) = until else { return Years::Unknown };
    if rows.iter().any(|(_, row)| matches!(row.when, When::Yearless(_))) {
        reader.warnings.push(format!(
            "dates without a year are read as of {} and before, by their weekdays and the date of the file; \
             say otherwise with --year, or print them with `last -F`",
            until.year()
        ));
    }
    Years::Before(until)
}

fn logon(reader: &mut Reader<'_>, number: u64, row: &Row<'_>, stamp: Stamp, is_wide: bool) {
    let is_cut = |text: &str, width| !is_wide && text.chars().count() == width;
    let user = match is_cut(row.user, USER_CHARS) {
        true => whole_name(reader, row.user),
        false => Some(row.user.to_owned()),
    };
    let Some(user) = user else {
        let reason = format_args!(
            "the user `{}` is cut, and several names begin so; `last -w` prints them whole",
            row.user
        );
        return reader.reject(number, reason);
    };
    // Of no address, `last -i` prints this one.
    let host = if row.host == "0.0.0.0" { "" } else { row.host };
    let said = Said {
        user: &user,
        line: row.line,
        host,
        address: None,
        is_host_cut: row.is_in_column && is_cut(host, HOST_CHARS),
        time: reader.time(stamp),
    };
    said.count(reader.options, Position::Line(number), &mut reader.outcome);
}

/// The name that a column of eight letters can have cut, as far as the names of users are known; `None`
/// where several begin so.
fn whole_name(reader: &mut Reader<'_>, cut: &str) -> Option<String> {
    const CUT: &str = "users whose names have eight letters may have longer ones, of which `last` prints no \
                       more; `last -w` prints them whole, and --passwd tells them";
    let users = &reader.options.users;
    let known: Vec<&str> = users.beginning_with(cut).collect();
    match known.as_slice() {
        [one] => Some((*one).to_owned()),
        [] => {
            if !reader.warnings.iter().any(|text| text == CUT) {
                reader.warnings.push(CUT.to_owned());
            }
            Some(cut.to_owned())
        }
        _ => None,
    }
}

/// The date on the wall; of a point in time that of UTC, and a day more, for zones are.
fn date_of(stamp: Stamp) -> Option<Date> {
    match stamp {
        Stamp::Local(civil) => Some(civil.date()),
        Stamp::Utc(time) => {
            let instant = jiff::Timestamp::from_second(time.seconds()).ok()?;
            Some(instant.to_zoned(TimeZone::UTC).date())
        }
    }
}
