//! wtmp, utmp and btmp: records of one size without a header, in four layouts (telemetry.md §4.1);
//! those of other systems are `foreign`.
//!
//! The layout is the one in which most of the first records make sense, throughout. The files say neither on
//! which machine they were written nor whether they hold logons (wtmp, utmp) or failures (btmp):
//! a btmp is known by its type 6 records with names, which elsewhere are a getty's and say LOGIN.

mod foreign;
mod layout;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::ControlFlow;

use inventory::logon::{EventKey, Logon, Source};
use inventory::rule::Opening;
use inventory::time::{TICKS_PER_SECOND, TimeError, Timestamp};

use crate::linux::{self, Place, fixed};
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::stream::Stream;
use crate::windows::FieldError;
use crate::{Format, Options};

use foreign::Foreign;
pub(crate) use layout::kinds;
use layout::{Layout, Record};

/// How much is read at a time.
const BLOCK_BYTES: usize = 1024 * 1024;
/// How much is looked at to know the layout and whether it is a btmp.
const LOOK_BYTES: usize = 256 * 1024;

/// Whether a file's first bytes are records of one of the layouts, or of another system's.
pub(crate) fn is_log(head: &[u8]) -> bool {
    Layout::of(head).is_some() || Foreign::of(head).is_some() || foreign::refusal(head).is_some()
}

/// Reads a file that looks like one of them.
pub(crate) fn read(
    session: &mut Session<'_>,
    name: &str,
    mut stream: Stream<'_>,
) -> ControlFlow<()> {
    let head = stream.look(LOOK_BYTES);
    let Some(layout) = Layout::of(head) else {
        if let Some(foreign) = Foreign::of(head) {
            return foreign::read(session, name, stream, foreign);
        }
        session.skipped(name, foreign::refusal(head).unwrap_or("not a known format"));
        return ControlFlow::Continue(());
    };
    let reader = Reader { options: session.options, layout, failures: is_btmp(layout, head, name) };
    let mut file = OpenFile::new(session, name, Format::Utmp);
    let mut flow = ControlFlow::Continue(());
    let mut pending = Vec::new();
    let mut start = 0;
    let mut ended = false;
    while !ended && flow.is_continue() {
        let kept = pending.len();
        pending.resize(kept + BLOCK_BYTES, 0);
        let (count, error) = stream.fill(&mut pending[kept..]);
        pending.truncate(kept + count);
        ended = count < BLOCK_BYTES;
        let mut outcome = Outcome::default();
        let used = reader.block(&pending, start, ended, &mut outcome);
        pending.drain(..used);
        start += used as u64;
        flow = file.take(outcome);
        if let Some(error) = error {
            file.cut(start + pending.len() as u64, &error);
        }
    }
    file.close(flow)
}

/// Whether the records of a file are failures.
///
/// GDM writes its failures as type 7, so that a file of nothing but those can be either; there
/// the name decides, because a failure must never put a user on a machine.
fn is_btmp(layout: Layout, head: &[u8], name: &str) -> bool {
    let mut other = false;
    let mut login_with_name = false;
    for record in layout.records(head) {
        match record.kind {
            kinds::EMPTY | kinds::USER => {}
            kinds::LOGIN => {
                login_with_name |= !fixed(record.user).eq_ignore_ascii_case("LOGIN");
            }
            _ => other = true,
        }
    }
    let file_name = name.rsplit('/').next().unwrap_or_default();
    !other && (login_with_name || file_name.contains("btmp"))
}

struct Reader<'a> {
    options: &'a Options,
    layout: Layout,
    failures: bool,
}

impl Reader<'_> {
    /// Reads the records at the front of `bytes`, which begin at `start` in the file; how many
    /// bytes they were.
    fn block(&self, bytes: &[u8], start: u64, ended: bool, outcome: &mut Outcome) -> usize {
        let size = self.layout.size();
        // What follows a record says whether it stands where records stand.
        let ahead = if ended { 0 } else { (1 + layout::RESUME_RECORDS) * size };
        let mut at = 0;
        while bytes.len() - at >= size + ahead {
            let position = Position::Byte(start + at as u64);
            let rest = &bytes[at..];
            match self.layout.misplaced(rest) {
                0 => {
                    if let Some(record) = self.layout.record(rest) {
                        self.record(&record, position, outcome);
                    }
                    at += size;
                }
                odd => {
                    let reason = format_args!("{odd} bytes that are no record of {size}");
                    outcome.rejects.push(position, reason);
                    at += odd;
                }
            }
        }
        let left = bytes.len() - at;
        if ended && left > 0 {
            let position = Position::Byte(start + at as u64);
            let reason = format_args!("a record that ends after {left} of {size} bytes");
            outcome.rejects.push(position, reason);
            at = bytes.len();
        }
        at
    }

    fn record(&self, record: &Record<'_>, position: Position, outcome: &mut Outcome) {
        let (user, line) = (fixed(record.user), fixed(record.line));
        let kind = match record.kind {
            kinds::LOGIN | kinds::USER if self.failures => Kind::Failure,
            kinds::USER => Kind::of_user(&user, &line),
            _ => Kind::Other,
        };
        if kind != Kind::Logon {
            kind.count(outcome);
            return;
        }
        let micros = if (0..1_000_000).contains(&record.micros) { record.micros } else { 0 };
        let said = Said {
            user: &user,
            line: &line,
            host: &fixed(record.host),
            address: address(record.address),
            is_host_cut: false,
            time: time(record.seconds, micros),
        };
        said.count(self.options, position, outcome);
    }
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Logon,
    Failure,
    Other,
}

impl Kind {
    /// What a record of a user's process is. One that names no terminal is a try that was refused:
    /// SDDM up to 0.20 writes those like logons.
    pub(crate) fn of_user(user: &str, line: &str) -> Self {
        match (user.is_empty(), line.is_empty()) {
            (true, _) => Kind::Other,
            (false, true) => Kind::Failure,
            (false, false) => Kind::Logon,
        }
    }

    /// Counts a record that is no logon.
    pub(crate) fn count(self, outcome: &mut Outcome) {
        let tally = &mut outcome.part(Format::Utmp).tally;
        tally.records += 1;
        tally.failures += u64::from(self == Kind::Failure);
    }
}

/// What a record says of a logon, in whichever form it came.
pub(crate) struct Said<'a> {
    pub(crate) user: &'a str,
    pub(crate) line: &'a str,
    pub(crate) host: &'a str,
    pub(crate) address: Option<IpAddr>,
    /// The host is the front of a longer one.
    pub(crate) is_host_cut: bool,
    pub(crate) time: Result<Timestamp, FieldError>,
}

impl Said<'_> {
    pub(crate) fn count(self, options: &Options, position: Position, outcome: &mut Outcome) {
        let logon = self.logon(options);
        let part = outcome.part(Format::Utmp);
        if let Err(error) = logon.and_then(|logon| part.count(&options.rule, logon)) {
            outcome.rejects.push(position, error);
        }
    }

    fn logon(self, options: &Options) -> Result<Option<Logon>, FieldError> {
        let address = self.address.map(|address| address.to_string());
        let remote = address.as_deref().unwrap_or_else(|| remote_side(self.host));
        // What a blank ends is whole; the front of an address would be another one.
        let is_cut = self.is_host_cut && address.is_none() && remote == self.host;
        let entry = linux::Entry {
            user: self.user,
            host: "",
            time: self.time?,
            place: if remote.is_empty() { Place::Local } else { Place::Remote },
            remote: if is_cut { "" } else { remote },
            source: Source::Utmp,
            key: key(self.line, self.host),
        };
        linux::logon_of(options, &entry, Opening { terminal: self.line, ..Opening::default() })
    }
}

fn time(seconds: i64, micros: i64) -> Result<Timestamp, FieldError> {
    Timestamp::from_seconds(seconds, micros * (TICKS_PER_SECOND / 1_000_000))
        .ok_or(FieldError::Time { field: "ut_tv", error: TimeError::Range })
}

/// The other end that a host names; empty where it is none: `:0` is a display, `:pts/9:S.0` a window of
/// screen, `tmux(4321).%1` one of tmux. mosh writes `192.0.2.7 via mosh [4321]`.
pub(crate) fn remote_side(host: &str) -> &str {
    match host {
        host if host.starts_with(':') || host.contains('(') => "",
        host => host.split_whitespace().next().unwrap_or_default(),
    }
}

/// Line and host are what wtmp, utmp and lastlog all have of a logon.
pub(crate) fn key(line: &str, host: &str) -> EventKey {
    EventKey { session: linux::session(&["utmp", line, host]), record: None }
}

/// In network order; IPv4 in the first four bytes.
fn address(bytes: &[u8; 16]) -> Option<IpAddr> {
    let (first, rest) = bytes.split_first_chunk::<4>()?;
    if bytes.iter().all(|&byte| byte == 0) {
        None
    } else if rest.iter().all(|&byte| byte == 0) {
        Some(Ipv4Addr::from(*first).into())
    } else {
        Some(Ipv6Addr::from(*bytes).into())
    }
}
