//! The Linux audit log, raw or enriched (telemetry.md §4.4).
//!
//! A USER_LOGIN is a logon or a failure. An sshd that writes none is known by its session's
//! USER_START, which therefore waits until it is clear that no USER_LOGIN of its session comes.
//! A record is read from its front: names in it can be the attacker's.

mod record;

use std::collections::VecDeque;

use inventory::logon::{EventKey, Logon, Source};
use inventory::rule::Opening;

use crate::linux::{self, Place};
use crate::passwd::Passwd;
use crate::session::Outcome;
use crate::sshd;
use crate::windows::FieldError;
use crate::{Format, Options};

pub(crate) use record::Record;

/// How many USER_STARTs wait, and how many sessions are remembered.
const MAX_WAITING: usize = 1024;

/// Reads the records of a file, in order.
#[derive(Default)]
pub(crate) struct Reader {
    /// USER_STARTs of sessions without a USER_LOGIN so far. A session is known by a hash: its
    /// number can be as long as a line.
    waiting: VecDeque<(u64, Logon)>,
    /// Sessions that a USER_LOGIN opened.
    counted: VecDeque<u64>,
    /// A user had no name but the number.
    pub(crate) nameless: bool,
    /// Records come one by one, and nothing waits for those to come.
    is_live: bool,
}

impl Reader {
    /// Goes on after records of which these sessions were counted; `None` at the start of a file.
    pub(crate) fn after(counted: Option<VecDeque<u64>>) -> Self {
        let is_live = counted.is_some();
        Self { counted: counted.unwrap_or_default(), is_live, ..Self::default() }
    }

    /// Sessions that were counted.
    pub(crate) fn into_counted(self) -> VecDeque<u64> {
        self.counted
    }

    /// Reads a record. `host` is the machine that the line around it names, if one does.
    pub(crate) fn record(
        &mut self,
        options: &Options,
        record: &Record<'_>,
        host: &str,
        outcome: &mut Outcome,
    ) -> Result<(), FieldError> {
        let part = outcome.part(Format::Auditd);
        let opens_session = record.kind == "USER_START"
            && record.inner("op") == "PAM:session_open"
            && sshd::is_program(record.program());
        if record.kind != "USER_LOGIN" && !opens_session {
            part.tally.records += 1;
            return Ok(());
        }
        let succeeded = match record.result() {
            "success" | "yes" | "1" => true,
            "failed" | "no" | "0" => false,
            _ => return Err(FieldError::Missing("res")),
        };
        if !succeeded {
            part.tally.records += 1;
            part.tally.failures += u64::from(!opens_session);
            return Ok(());
        }
        let logon = self.logon(options, record, host)?;
        let machine = logon.as_ref().map_or("", |logon| logon.machine.name.as_str());
        let session = linux::session(&[machine, &record.session()]);
        match (logon, opens_session) {
            (Some(logon), true) => {
                part.check(&options.rule, logon.time)?;
                part.tally.records += 1;
                if !self.counted.contains(&session) {
                    self.wait(session, logon, outcome);
                }
            }
            (logon, true) => part.count(&options.rule, logon)?,
            (logon, false) => {
                self.waiting.retain(|(waiting, _)| *waiting != session);
                if self.counted.len() == MAX_WAITING {
                    self.counted.pop_front();
                }
                self.counted.push_back(session);
                part.count(&options.rule, logon)?;
            }
        }
        Ok(())
    }

    /// The end of the file: what still waits counts. Where more is to come it goes without its record's
    /// number, so that a USER_LOGIN of its session and second is the same logon.
    pub(crate) fn finish(&mut self, outcome: &mut Outcome) {
        for (_, mut logon) in self.waiting.drain(..) {
            if self.is_live {
                logon.key.record = None;
            }
            outcome.part(Format::Auditd).count_waited(logon);
        }
    }

    fn wait(&mut self, session: u64, logon: Logon, outcome: &mut Outcome) {
        if self.waiting.len() == MAX_WAITING
            && let Some((_, oldest)) = self.waiting.pop_front()
        {
            outcome.part(Format::Auditd).count_waited(oldest);
        }
        self.waiting.push_back((session, logon));
    }

    fn logon(
        &mut self,
        options: &Options,
        record: &Record<'_>,
        host: &str,
    ) -> Result<Option<Logon>, FieldError> {
        let user = self.user(&options.users, record);
        let address = match record.inner("addr") {
            "?" => "",
            address => address,
        };
        let remote = !address.is_empty() || sshd::is_program(record.program());
        let entry = linux::Entry {
            user: &user,
            host: if record.node.is_empty() { host } else { record.node },
            time: record.time,
            place: if remote { Place::Remote } else { Place::Local },
            remote: address,
            source: Source::Auditd,
            key: EventKey {
                session: linux::session(&["audit", &record.session()]),
                record: Some(record.serial),
            },
        };
        let opening = Opening { terminal: record.inner("terminal"), ..Opening::default() };
        linux::logon_of(options, &entry, opening)
    }

    /// A success has a number, whose name only an enriched record has; others have the name.
    fn user(&mut self, users: &Passwd, record: &Record<'_>) -> String {
        if let Some(name) = record.enriched_name() {
            return name.to_owned();
        }
        if let Some(name) = record.account() {
            return name;
        }
        let number = record.user_number();
        match number.parse().ok().and_then(|uid| users.name(uid)) {
            Some(name) => name.to_owned(),
            None => {
                self.nameless |= !number.is_empty();
                number.to_owned()
            }
        }
    }
}
