//! What becomes of a logon's session, and whether somebody was there at a moment.
//!
//! A logon (4624) opens a session; 4634, 4647, 4778, 4779, 4800 and 4801 tell what happens to it
//! (telemetry.md §1, §2.1). They bound sessions and never relate: counts, first and last seen are
//! of logons alone. Why a session without an end counts for a while: docs/adr/0016-sessions.md.

use std::net::IpAddr;

use crate::account::Account;
use crate::ids::MachineId;
use crate::logon::{LogonType, LogonTypes, MachineRef};
use crate::time::{SECONDS_PER_DAY, Timestamp};

/// Days before a moment in which the logons of somebody who sat at the machine, or sat at it from
/// afar, are looked for.
pub const LONGEST_SESSION_DAYS: i32 = 30;
/// The same for other logons: connections over the network, batch jobs, services.
pub const LONGEST_CONNECTION_DAYS: i32 = 1;
/// Seconds that somebody counts as there after the last sign of a session whose end is not known:
/// a machine that loses power writes none.
const OPEN_SESSION_S: i64 = SECONDS_PER_DAY;
/// The same for other logons, which are over in moments: as much as `findbyip` takes in.
const OPEN_CONNECTION_S: i64 = 15 * 60;

/// What happens to a session. The number is what the store keeps, so a number is never given to
/// another change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SessionChange {
    /// It ended (4634).
    Ended = 1,
    /// The user logged off (4647).
    LoggedOff = 2,
    /// A remote client connected to it again (4778).
    Reconnected = 3,
    /// The remote client left it (4779).
    Disconnected = 4,
    /// The screen was locked (4800).
    Locked = 5,
    /// And unlocked (4801).
    Unlocked = 6,
}

impl SessionChange {
    /// Every change.
    pub const ALL: [SessionChange; 6] = [
        SessionChange::Ended,
        SessionChange::LoggedOff,
        SessionChange::Reconnected,
        SessionChange::Disconnected,
        SessionChange::Locked,
        SessionChange::Unlocked,
    ];

    /// The change that the store keeps under a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|change| *change as u8 == number)
    }

    /// Whether the session is over.
    pub fn is_end(self) -> bool {
        matches!(self, SessionChange::Ended | SessionChange::LoggedOff)
    }
}

/// A change of a session, as a machine's log tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEvent {
    /// Where.
    pub machine: MachineRef,
    /// The session's id (`TargetLogonId`), which the logon has in its key.
    pub session: u64,
    /// When; shippers cut it to seconds or milliseconds.
    pub time: Timestamp,
    /// What.
    pub change: SessionChange,
}

/// How a session stood at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// In use, as far as is known.
    Active,
    /// Behind a locked screen.
    Locked,
    /// Without the remote client.
    Disconnected,
}

impl SessionState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            SessionState::Active => "Active",
            SessionState::Locked => "Locked",
            SessionState::Disconnected => "Disconnected",
        }
    }
}

/// A session that was there at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The logon that opened it.
    pub since: Timestamp,
    /// Its end; `None` where none is known.
    pub until: Option<Timestamp>,
    /// How it stood at the moment.
    pub state: SessionState,
    /// The logon's type.
    pub logon_type: LogonType,
    /// From where the logon came.
    pub remote_address: Option<IpAddr>,
    /// The name that the other end gave itself.
    pub remote_name: Option<String>,
}

/// Somebody who was on a machine at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Presence {
    /// Who.
    pub account: Account,
    /// Where.
    pub machine: MachineId,
    /// The machine's name as last reported.
    pub computer_dns_name: String,
    /// The session.
    pub stay: Stay,
}

/// Whether a session that a logon opened was there at a moment: until when it lasted, where that
/// is known, and how it stood. `changes` are those of its id on its machine, in any order; ids
/// come again after the machine starts anew, so what follows the first end is another session's.
///
/// Seconds count: of times that shippers cut, nothing finer holds.
pub fn at(
    moment: Timestamp,
    logon: Timestamp,
    logon_type: LogonType,
    changes: &[(Timestamp, SessionChange)],
) -> Option<(Option<Timestamp>, SessionState)> {
    if logon.seconds() > moment.seconds() {
        return None;
    }
    let of_this = || changes.iter().filter(|(time, _)| time.seconds() >= logon.seconds());
    let until = of_this().filter(|(_, change)| change.is_end()).map(|&(time, _)| time).min();
    let mut before: Vec<_> =
        of_this().filter(|(time, _)| time.seconds() <= moment.seconds()).collect();
    before.sort_unstable();
    let is_there = match until {
        Some(until) => until.seconds() >= moment.seconds(),
        None => {
            let last_sign = before.last().map_or(logon, |(time, _)| *time);
            let open_s = if LogonTypes::INTERACTIVE.contains(logon_type) {
                OPEN_SESSION_S
            } else {
                OPEN_CONNECTION_S
            };
            moment.seconds() - last_sign.seconds() <= open_s
        }
    };
    let state = before.iter().rev().find_map(|(_, change)| match change {
        SessionChange::Ended | SessionChange::LoggedOff => None,
        SessionChange::Reconnected | SessionChange::Unlocked => Some(SessionState::Active),
        SessionChange::Disconnected => Some(SessionState::Disconnected),
        SessionChange::Locked => Some(SessionState::Locked),
    });
    is_there.then_some((until, state.unwrap_or(SessionState::Active)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + seconds, 0).unwrap()
    }

    fn state(
        kind: u32,
        changes: &[(i64, SessionChange)],
        moment: i64,
    ) -> Option<(Option<i64>, SessionState)> {
        let changes: Vec<_> = changes.iter().map(|&(at, change)| (time(at), change)).collect();
        let found = at(time(moment), time(0), LogonType::new(kind).unwrap(), &changes);
        found.map(|(until, state)| (until.map(|it| it.seconds() - 1_700_000_000), state))
    }

    #[test]
    fn a_session_is_there_from_its_logon_to_its_first_end() {
        use SessionChange::{Ended, LoggedOff};
        let ends = [(100, LoggedOff), (101, Ended), (900, Ended)];
        assert_eq!(state(2, &ends, -1), None);
        assert_eq!(state(2, &ends, 0), Some((Some(100), SessionState::Active)));
        assert_eq!(state(2, &ends, 100), Some((Some(100), SessionState::Active)));
        assert_eq!(state(2, &ends, 101), None);
        // An end before the logon is that of an older session with the same id.
        assert_eq!(state(2, &[(-5, Ended)], 10), Some((None, SessionState::Active)));
    }

    #[test]
    fn locks_and_breaks_tell_how_it_stood() {
        use SessionChange::{Disconnected, Ended, Locked, Reconnected, Unlocked};
        let changes =
            [(50, Ended), (30, Disconnected), (10, Locked), (20, Unlocked), (40, Reconnected)];
        let states = [5, 15, 25, 35, 45].map(|moment| state(10, &changes, moment).unwrap().1);
        use SessionState as S;
        assert_eq!(states, [S::Active, S::Locked, S::Active, S::Disconnected, S::Active]);
    }

    #[test]
    fn without_an_end_it_counts_for_a_while_after_the_last_sign() {
        let day = SECONDS_PER_DAY;
        assert!(state(2, &[], day).is_some());
        assert_eq!(state(2, &[], day + 1), None);
        assert!(state(2, &[(day, SessionChange::Locked)], 2 * day).is_some());
        assert!(state(3, &[], 900).is_some());
        assert_eq!(state(3, &[], 901), None);
    }
}
