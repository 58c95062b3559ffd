//! What systemd-logind says of a session that begins, where its words are all there is.
//!
//! Newer versions say `New session '5' of user 'ann' with class 'user' and type 'wayland'.` Older ones name
//! no class, so that sessions of the logon screen and of services cannot be told from a person's; these
//! are not read. In the journal an entry has fields, and the session's process, too.

use std::collections::VecDeque;

use inventory::rule::Opening;
use inventory::time::{TICKS_PER_SECOND, Timestamp};

/// How many of sshd's logons wait for their session.
const MAX_WAITING: usize = 4096;
/// A session begins right after its logon; stamps can be of whole seconds, and hosts slow.
const MAX_WAIT_TICKS: i64 = 60 * TICKS_PER_SECOND;

/// Whether a program of this name is logind.
pub(crate) fn is_program(name: &str) -> bool {
    name == "systemd-logind"
}

/// Whether sessions of a class are a person's.
pub(crate) fn is_of_a_person(class: &str) -> bool {
    Opening { class, ..Opening::default() }.is_of_a_person("")
}

/// A session that began.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Session<'a> {
    pub(crate) id: &'a str,
    pub(crate) user: &'a str,
    pub(crate) class: &'a str,
    kind: &'a str,
}

impl<'a> Session<'a> {
    /// Reads a message, without the program's name before it.
    pub(crate) fn read(message: &'a str) -> Option<Self> {
        let rest = message.trim().strip_prefix("New session '")?;
        let (id, rest) = rest.split_once("' of user '")?;
        let (user, rest) = rest.split_once("' with class '")?;
        let (class, rest) = rest.split_once("' and type '")?;
        let kind = rest.strip_suffix("'.")?;
        Some(Self { id, user, class, kind })
    }

    /// Whether it can be of ssh: its sessions have a terminal or none, never a screen (pam_systemd(8)).
    pub(crate) fn has_no_screen(&self) -> bool {
        !matches!(self.kind, "x11" | "wayland" | "mir")
    }
}

/// Logons of sshd, each of which one session may be, so that one logon is told once: whose session
/// that is, its process or its user tells. What is told again, as senders do that were refused, is found
/// to be the same again.
#[derive(Debug, Default)]
pub(crate) struct Waiting(VecDeque<Told>);

#[derive(Debug)]
struct Told {
    /// Stands for machine and process, or machine and user.
    of: u64,
    time: Timestamp,
    /// Stands for the session that it was found to be.
    session: Option<u64>,
}

impl Waiting {
    /// sshd told of a logon.
    pub(crate) fn add(&mut self, of: u64, time: Timestamp) {
        if self.0.iter().any(|told| told.of == of && told.time == time) {
            return;
        }
        if self.0.len() == MAX_WAITING {
            self.0.pop_front();
        }
        self.0.push_back(Told { of, time, session: None });
    }

    /// Whether sshd told of a session's logon; each logon is one session's.
    pub(crate) fn is_of_logon(&mut self, of: u64, session: u64, time: Timestamp) -> bool {
        let is_soon = |logon: Timestamp| (time.ticks() - logon.ticks()).abs() <= MAX_WAIT_TICKS;
        let is_free = |told: &Told| told.session.is_none_or(|known| known == session);
        let mut told = self.0.iter_mut();
        let told = told.find(|told| told.of == of && is_soon(told.time) && is_free(told));
        told.map(|told| told.session = Some(session)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_read_where_their_class_is_told() {
        let session = Session::read(
            "New session 'c2' of user 'ann' with class 'user-early' and type 'wayland'.",
        );
        let expected = Session { id: "c2", user: "ann", class: "user-early", kind: "wayland" };
        assert_eq!(session, Some(expected));
        for message in [
            "New session 5 of user ann.",
            "New session '5' of user 'ann'.",
            "New session '5' of user 'ann' with class 'user' and type 'tty",
            "Removed session 5.",
            "",
        ] {
            assert_eq!(Session::read(message), None, "{message}");
        }
    }
}
