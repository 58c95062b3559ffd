//! Rows of `logged_in_users`, `last` and `logon_sessions`: sessions, and when they began.

use std::borrow::Cow;

use inventory::account::Account;
use inventory::logon::{EventKey, Logon, LogonType, LogonTypes, Source, remote_address};
use inventory::rule::Verdict;

use super::{Sender, seconds};
use crate::object::Object;
use crate::product::{Found, bounded, session_of};
use crate::windows::{FieldError, present};

/// Names that utmp gives to what is no session of a person.
const PSEUDO_USERS: [&str; 5] = ["reboot", "runlevel", "shutdown", "boot", "LOGIN"];
/// Windows' number for what has none: `Undefined Logon Type`.
const UNDEFINED: u32 = 0;

/// What the tables say of a session.
pub(super) struct Session<'a> {
    /// It is one of a person, as far as the table tells.
    is_session: bool,
    /// It comes from a record of utmp; on Windows a session need have no name.
    is_of_utmp: bool,
    user: Cow<'a, str>,
    domain: Cow<'a, str>,
    sid: Cow<'a, str>,
    upn: Cow<'a, str>,
    time: (&'static str, Cow<'a, str>),
    host: Cow<'a, str>,
    kind: Kind<'a>,
}

/// How a table tells the way of a logon.
enum Kind<'a> {
    /// By a terminal, and by whether there is another end.
    Terminal(Cow<'a, str>),
    /// By a word, of the session with this id.
    Word(Cow<'a, str>, Cow<'a, str>),
}

impl<'a> Session<'a> {
    /// A row of one of the tables; `None` of another.
    pub(super) fn of(row: &Object<'a>) -> Option<Self> {
        let mut session = Session {
            is_session: true,
            is_of_utmp: false,
            user: row.text("user"),
            domain: Cow::Borrowed(""),
            sid: row.text("sid"),
            upn: Cow::Borrowed(""),
            time: ("time", row.text("time")),
            host: row.text("host"),
            kind: Kind::Terminal(row.text("tty")),
        };
        if row.has_all(&["user", "logon_time", "logon_type"]) {
            session.domain = row.text("logon_domain");
            session.sid = row.text("logon_sid");
            session.upn = row.text("upn");
            session.time = ("logon_time", row.text("logon_time"));
            session.kind = Kind::Word(row.text("logon_type"), row.text("logon_id"));
        } else if row.has_all(&["user", "time", "type", "tty"]) {
            // utmpx has other types too; Windows has sessions that are active.
            let kind = row.text("type");
            session.is_session = matches!(&*kind, "user" | "active");
            session.is_of_utmp = kind == "user";
        } else if row.has_all(&["username", "time", "type", "tty"]) {
            session.user = row.text("username");
            session.is_session = row.text("type") == "7";
            session.is_of_utmp = session.is_session;
        } else {
            return None;
        }
        session.is_session &= !PSEUDO_USERS.contains(&&*session.user);
        Some(session)
    }

    /// A try that SDDM up to 0.20 wrote into utmp like a logon: it names no terminal.
    fn is_refused(&self) -> bool {
        let has_no_terminal = matches!(&self.kind, Kind::Terminal(tty) if tty.trim().is_empty());
        self.is_of_utmp && has_no_terminal && !self.user.is_empty()
    }

    fn logon_type(&self) -> Option<LogonType> {
        match &self.kind {
            Kind::Word(word, _) if word == "Undefined Logon Type" => LogonType::new(UNDEFINED),
            Kind::Word(word, _) => LogonType::parse(&word.replace(' ', "")),
            Kind::Terminal(tty) => {
                let is_remote = self.has_other_end() || tty.starts_with("RDP-");
                LogonType::parse(if is_remote { "RemoteInteractive" } else { "Interactive" })
            }
        }
    }

    /// `:0` is a local display, and what has brackets a program's window.
    fn has_other_end(&self) -> bool {
        let is_local = self.host.starts_with(':') || self.host.contains(['(', ' ']);
        present(&self.host).is_some() && !is_local
    }

    /// A session at the machine is in two tables, of Windows even twice in one, with nothing in
    /// common but account and second; a session over the network has its id.
    fn key(&self, logon_type: LogonType) -> EventKey {
        let session = match &self.kind {
            Kind::Word(_, id) if !LogonTypes::INTERACTIVE.contains(logon_type) => {
                session_of(&["osquery:logon", id])
            }
            Kind::Word(..) => session_of(&["osquery:session"]),
            Kind::Terminal(tty) if self.sid.is_empty() => session_of(&["osquery:tty", tty]),
            Kind::Terminal(_) => session_of(&["osquery:session"]),
        };
        EventKey { session, record: None }
    }
}

pub(super) fn logon(session: &Session<'_>, sender: &Sender<'_, '_>) -> Result<Found, FieldError> {
    if !session.is_session {
        return Ok(Found::Other);
    }
    if session.is_refused() {
        return Ok(Found::Failure);
    }
    let logon_type = session.logon_type().ok_or_else(|| FieldError::LogonType {
        field: "logon_type",
        text: match &session.kind {
            Kind::Word(word, _) | Kind::Terminal(word) => word.chars().take(64).collect(),
        },
    })?;
    let Session { user, domain, sid, upn, .. } = session;
    if sender.context.rule.judge(user, domain, sid, logon_type) == Verdict::Noise {
        return Ok(Found::Logon(None));
    }
    bounded(&[("user", user), ("logon_domain", domain), ("sid", sid), ("upn", upn)])?;
    let Some(mut account) = Account::from_log(user, domain, sid) else {
        return Ok(Found::Logon(None));
    };
    account.upn = account.upn.or_else(|| present(upn).map(str::to_lowercase));
    let (field, text) = &session.time;
    let address = remote_address(&session.host);
    Ok(Found::Logon(Some(Logon {
        account,
        machine: sender.machine("")?,
        time: seconds(text).ok_or(FieldError::Missing(field))?,
        logon_type,
        remote_address: address,
        remote_name: remote_name(session).filter(|_| address.is_none()),
        source: Source::Osquery,
        key: session.key(logon_type),
    })))
}

/// The name of the other end. Windows' table holds an IPv6 address as the bytes that it is, which
/// is no name.
fn remote_name(session: &Session<'_>) -> Option<String> {
    let is_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_');
    let name = present(&session.host).filter(|_| session.has_other_end())?;
    (name.len() < 256 && name.chars().all(is_name)).then(|| name.to_owned())
}
