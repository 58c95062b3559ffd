//! The systemd journal as `journalctl -o json` and `-o export` give it (telemetry.md §4.2).
//!
//! Both forms give the same entries. Of them count what sshd says of logons, and the sessions that
//! systemd-logind opens, except those of an sshd that spoke before: one logon is told once.

mod export;
mod json;

use inventory::identity::{Identifier, IdentifierKind};
use inventory::logon::{EventKey, Source};
use inventory::time::{TICKS_PER_SECOND, TimeError, Timestamp};

use crate::linux::{self, Place};
use crate::logind::{self, Waiting};
use crate::session::Outcome;
use crate::sshd::{self, Said};
use crate::windows::FieldError;
use crate::{Format, Options};

pub(crate) use export::{is_export, read as read_export};
pub(crate) use json::entry;

/// logind's message of a session that begins.
pub(crate) const SESSION_START: &str = "8d45620c1a4348dbb17410da57c60c66";

/// The fields of an entry that are asked for; empty when it lacks them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    realtime: String,
    cursor: String,
    host: String,
    machine_id: String,
    identifier: String,
    command: String,
    executable: String,
    uid: String,
    pid: String,
    /// What the writer says its process is, for where the kernel's word is missing.
    syslog_pid: String,
    message: String,
    message_id: String,
    session_id: String,
    user_id: String,
    leader: String,
    class: String,
}

impl Entry {
    /// Where the value of a key goes; `None` when nobody asks for it.
    pub(crate) fn slot(&mut self, key: &str) -> Option<&mut String> {
        Some(match key {
            "__REALTIME_TIMESTAMP" => &mut self.realtime,
            "__CURSOR" => &mut self.cursor,
            "_HOSTNAME" => &mut self.host,
            "_MACHINE_ID" => &mut self.machine_id,
            "SYSLOG_IDENTIFIER" => &mut self.identifier,
            "_COMM" => &mut self.command,
            "_EXE" => &mut self.executable,
            "_UID" => &mut self.uid,
            "_PID" => &mut self.pid,
            "SYSLOG_PID" => &mut self.syslog_pid,
            "MESSAGE" => &mut self.message,
            "MESSAGE_ID" => &mut self.message_id,
            "SESSION_ID" => &mut self.session_id,
            "USER_ID" => &mut self.user_id,
            "LEADER" => &mut self.leader,
            "CLASS" => &mut self.class,
            _ => return None,
        })
    }

    fn time(&self) -> Result<Timestamp, FieldError> {
        const TICKS_PER_MICRO: i64 = TICKS_PER_SECOND / 1_000_000;
        if self.realtime.is_empty() {
            return Err(FieldError::Missing("__REALTIME_TIMESTAMP"));
        }
        let micros = self.realtime.parse::<i64>().ok();
        micros
            .and_then(|micros| micros.checked_mul(TICKS_PER_MICRO))
            .and_then(Timestamp::from_ticks)
            .ok_or(FieldError::Time { field: "__REALTIME_TIMESTAMP", error: TimeError::Range })
    }

    /// Whether sshd wrote it. The identifier is anybody's to choose; the command, the executable and the
    /// user are the kernel's word, where the process lived long enough to be asked. A program of a
    /// user's own may be called sshd, too: what lets people in is root's.
    fn is_of_sshd(&self) -> bool {
        let named = |name: &str| name.is_empty() || sshd::is_program(name);
        let known = !self.identifier.is_empty() || !self.command.is_empty();
        known && named(&self.identifier) && named(&self.command) && self.is_of_root(named)
    }

    /// Whether the kernel says nothing else than that a program of root's wrote it, whose name fits.
    fn is_of_root(&self, named: impl Fn(&str) -> bool) -> bool {
        // A program that was replaced while it ran.
        let executable = self.executable.strip_suffix(" (deleted)").unwrap_or(&self.executable);
        let executable = executable.rsplit('/').next().unwrap_or_default();
        named(executable) && matches!(self.uid.as_str(), "" | "0")
    }

    fn process(&self) -> &str {
        if self.pid.is_empty() { &self.syslog_pid } else { &self.pid }
    }

    /// Whether logind wrote it, in the same way.
    fn is_session_start(&self) -> bool {
        let named = |name: &str| name.is_empty() || name.starts_with("systemd-logind");
        self.message_id == SESSION_START && named(&self.command) && self.is_of_root(named)
    }
}

/// Reads the entries of a file, in order.
pub(crate) struct Reader<'a> {
    options: &'a Options,
    /// Of sshd's logons whose session did not begin yet, a hash of machine and process: both can
    /// be as long as a line.
    pub(crate) waiting: Waiting,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        Self { options, waiting: Waiting::default() }
    }

    pub(crate) fn entry(&mut self, entry: &Entry, outcome: &mut Outcome) -> Result<(), FieldError> {
        let found = if entry.is_session_start() {
            self.session(entry)?
        } else if entry.is_of_sshd() {
            match Said::read(&entry.message) {
                Said::Accepted(accepted) => Some(self.accepted(entry, &accepted)?),
                Said::Failed(times) => {
                    let tally = &mut outcome.part(Format::Journal).tally;
                    tally.failures += times;
                    None
                }
                Said::Other => None,
            }
        } else {
            None
        };
        let part = outcome.part(Format::Journal);
        let Some(found) = found else {
            part.tally.records += 1;
            return Ok(());
        };
        let mut logon = linux::logon(self.options, &found)?;
        let id = Identifier::parse(IdentifierKind::MachineId, &entry.machine_id);
        if let (Some(logon), Some(id)) = (&mut logon, id) {
            // The entry's own: it may be another host's of the same name.
            logon.machine.identifiers = vec![id];
        }
        part.count(&self.options.rule, logon)
    }

    fn accepted<'e>(
        &mut self,
        entry: &'e Entry,
        accepted: &sshd::Accepted<'e>,
    ) -> Result<linux::Entry<'e>, FieldError> {
        let time = entry.time()?;
        self.waiting.add(linux::session(&[&entry.host, entry.process()]), time);
        Ok(linux::Entry {
            user: accepted.user,
            host: &entry.host,
            time,
            place: Place::Remote,
            remote: accepted.remote,
            source: Source::Sshd,
            key: accepted.key(entry.process()),
        })
    }

    /// A session of a person; `None` for those of the logon screen, of services, and of an sshd
    /// that told of its logon.
    fn session<'e>(&mut self, entry: &'e Entry) -> Result<Option<linux::Entry<'e>>, FieldError> {
        // Older versions write no class: the account tells (the rule).
        let is_of_a_person = logind::is_of_a_person(&entry.class);
        let leader = linux::session(&[&entry.host, &entry.leader]);
        let (id, time) = (linux::session(&[&entry.session_id]), entry.time()?);
        let is_told = self.waiting.is_of_logon(leader, id, time);
        if is_told || !is_of_a_person {
            return Ok(None);
        }
        Ok(Some(linux::Entry {
            user: &entry.user_id,
            host: &entry.host,
            time,
            place: Place::Local,
            remote: "",
            source: Source::Logind,
            key: EventKey {
                session: linux::session(&["logind", &entry.session_id, &entry.leader]),
                record: None,
            },
        }))
    }
}
