//! wtmp, utmp and btmp: records of one size without a header, in four layouts (telemetry.md §4.1).
//!
//! The layout is the one in which most of the first records make sense. The files say neither on
//! which machine they were written nor whether they hold logons (wtmp, utmp) or failures (btmp):
//! a btmp is known by its type 6 records with names, which elsewhere are a getty's and say LOGIN.

mod layout;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::ControlFlow;

use inventory::logon::{EventKey, Logon, Source};
use inventory::time::{TICKS_PER_SECOND, TimeError, Timestamp};

use crate::linux::{self, Place, fixed};
use crate::reject::Position;
use crate::session::{OpenFile, Outcome, Session};
use crate::stream::Stream;
use crate::windows::FieldError;
use crate::{Format, Options};

pub(crate) use layout::is_log;
use layout::{Layout, Record, kinds};

/// How much is read at a time.
const BLOCK_BYTES: usize = 1024 * 1024;
/// How much is looked at to know the layout and whether it is a btmp.
const LOOK_BYTES: usize = 256 * 1024;
/// How far is looked for the next record where one was cut.
const RESUME_RECORDS: usize = 2;

/// Reads a file that looks like one of them.
pub(crate) fn read(
    session: &mut Session<'_>,
    name: &str,
    mut stream: Stream<'_>,
) -> ControlFlow<()> {
    let head = stream.look(LOOK_BYTES);
    let Some(layout) = Layout::of(head) else {
        session.skipped(name, "not a known format");
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
        let ahead = if ended { 0 } else { (1 + RESUME_RECORDS) * size };
        let mut at = 0;
        while bytes.len() - at >= size + ahead {
            let position = Position::Byte(start + at as u64);
            let rest = &bytes[at..];
            match self.misplaced(rest) {
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

    /// How many bytes stand before the next record; none in a sound file. A record that was cut,
    /// by a full disk or a crash, moves all that were written after it.
    fn misplaced(&self, rest: &[u8]) -> usize {
        let size = self.layout.size();
        let record = |at: usize| self.layout.record(&rest[at..]);
        let certain = |at: usize| record(at).is_some_and(|record| record.is_certain());
        // What stands before a certain record is one, however odd: it is read for what it says.
        if certain(0) || rest.len() == size || (rest.len() >= 2 * size && certain(size)) {
            return 0;
        }
        let last = rest.len() - size;
        let mut moved = (1..=last.min(RESUME_RECORDS * size)).filter(|at| at % size != 0);
        match moved.find(|&at| certain(at)) {
            Some(at) => at,
            None if record(0).is_some_and(|record| record.is_readable()) => 0,
            None => size,
        }
    }

    fn record(&self, record: &Record<'_>, position: Position, outcome: &mut Outcome) {
        let part = outcome.part(Format::Utmp);
        let failed = self.failures && matches!(record.kind, kinds::LOGIN | kinds::USER);
        if failed || record.kind != kinds::USER || fixed(record.user).is_empty() {
            part.tally.records += 1;
            part.tally.failures += u64::from(failed);
            return;
        }
        match self.logon(record) {
            Ok(logon) => part.count(logon),
            Err(error) => outcome.rejects.push(position, error),
        }
    }

    fn logon(&self, record: &Record<'_>) -> Result<Option<Logon>, FieldError> {
        let micros = if (0..1_000_000).contains(&record.micros) { record.micros } else { 0 };
        let ticks = micros * (TICKS_PER_SECOND / 1_000_000);
        let time = Timestamp::from_seconds(record.seconds, ticks)
            .ok_or(FieldError::Time { field: "ut_tv", error: TimeError::Range })?;
        let host = fixed(record.host);
        let address = address(record.address).map(|address| address.to_string());
        let local = address.is_none() && is_local(&host);
        let remote = match (&address, local) {
            (Some(address), _) => address,
            (None, false) => host.as_ref(),
            (None, true) => "",
        };
        let entry = linux::Entry {
            user: &fixed(record.user),
            host: "",
            time,
            place: if local { Place::Local } else { Place::Remote },
            remote,
            source: Source::Utmp,
            key: key(&fixed(record.line), &host),
        };
        linux::logon(self.options, &entry)
    }
}

/// Whether a host is none: `:0` is a display, `:pts/9:S.0` a window of screen.
pub(crate) fn is_local(host: &str) -> bool {
    host.is_empty() || host.starts_with(':')
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
