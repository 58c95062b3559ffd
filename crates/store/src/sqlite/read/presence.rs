//! Who was where at a moment.

use std::collections::HashMap;

use inventory::account::Account;
use inventory::ids::MachineId;
use inventory::logon::{LogonType, LogonTypes};
use inventory::query::{PresenceOf, UserSelector};
use inventory::session::{
    LONGEST_CONNECTION_DAYS, LONGEST_SESSION_DAYS, Presence, SessionChange, SessionState, Stay, at,
};
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use rusqlite::{Row, ToSql, named_params};

use super::visible::Visible;
use super::{account_at, account_columns, number};
use crate::sqlite::values::{machine_id, timestamp};
use crate::sqlite::{Failure, sessions};

/// Ticks of a day.
const DAY: i64 = 86_400 * TICKS_PER_SECOND;

/// The logons of some relations that may have opened a session which was there at the moment.
fn question(relations: &str) -> String {
    format!(
        "SELECT {}, machine.id, machine.name, event.day * {DAY}
             + event.second * {TICKS_PER_SECOND} + event.fraction, event.logon_type,
             event.session, remote.address, remote.name
         FROM ({relations}) AS related
         CROSS JOIN machine ON machine.number = related.machine
         CROSS JOIN relation_day AS days
             ON days.account = related.account AND days.machine = related.machine
         CROSS JOIN event ON event.day = days.day AND event.account = days.account
             AND event.machine = days.machine AND event.logon_type = days.logon_type
         CROSS JOIN account ON account.number = related.account
         LEFT JOIN remote ON remote.number = event.remote
         WHERE days.day <= :day AND days.day >= :day - CASE
             WHEN (1 << days.logon_type) & :interactive THEN {LONGEST_SESSION_DAYS}
             ELSE {LONGEST_CONNECTION_DAYS} END",
        account_columns()
    )
}

/// The sessions that were there at a moment, the last begun first.
pub(in crate::sqlite) fn presences(
    visible: &Visible<'_>,
    of: &PresenceOf,
    moment: Timestamp,
) -> Result<Vec<Presence>, Failure> {
    let mut found = match of {
        PresenceOf::User(user) => of_user(visible, user, moment)?,
        PresenceOf::Machine(id) => of_machine(visible, *id, moment)?,
    };
    found.sort_by(|one, other| {
        let key = |it: &Presence| (it.machine, it.account.domain.clone(), it.account.name.clone());
        other.stay.since.cmp(&one.stay.since).then_with(|| key(one).cmp(&key(other)))
    });
    Ok(found)
}

fn of_user(
    visible: &Visible<'_>,
    user: &UserSelector,
    moment: Timestamp,
) -> Result<Vec<Presence>, Failure> {
    let accounts = "SELECT number FROM account WHERE name = :name AND (:domain IS NULL OR EXISTS (
        SELECT 1 FROM account_domain
        WHERE account_domain.account = account.number AND domain = :domain))";
    let relations = format!("SELECT account, machine FROM relation WHERE account IN ({accounts})");
    let who = named_params! { ":name": user.name, ":domain": user.domain };
    there(visible, &relations, who, moment)
}

fn of_machine(
    visible: &Visible<'_>,
    id: MachineId,
    moment: Timestamp,
) -> Result<Vec<Presence>, Failure> {
    let Some(machine) = number(visible, id)? else { return Ok(Vec::new()) };
    let relations = "SELECT account, machine FROM relation WHERE machine = :machine";
    there(visible, relations, named_params! { ":machine": machine }, moment)
}

fn there(
    visible: &Visible<'_>,
    relations: &str,
    who: &[(&str, &dyn ToSql)],
    moment: Timestamp,
) -> Result<Vec<Presence>, Failure> {
    let mut statement = visible.prepare(&question(relations))?;
    let (day, interactive) = (moment.day().0, LogonTypes::INTERACTIVE.bits());
    let of_moment = named_params! { ":day": day, ":interactive": interactive };
    let values: Vec<_> = who.iter().chain(of_moment).copied().collect();
    let mut rows = statement.query(values.as_slice())?;
    let mut opened: HashMap<_, Opened> = HashMap::new();
    while let Some(row) = rows.next()? {
        let Some((key, one)) = opened_by(visible, row, moment)? else { continue };
        opened.entry(key).and_modify(|known| known.join(&one)).or_insert(one);
    }
    Ok(opened.into_values().filter_map(|one| one.at(moment)).collect())
}

/// Account, machine, second, type and, for what is no session of a person's, session.
type Key = (Account, MachineId, i64, LogonType, Option<i64>);

/// A session as its logon opened it.
struct Opened {
    presence: Presence,
    changes: Vec<(Timestamp, SessionChange)>,
}

impl Opened {
    /// Adds the other half: an administrator's logon at the machine is two sessions, with all rights
    /// and with few, of which often one alone is told to end (telemetry.md §2.1).
    fn join(&mut self, other: &Opened) {
        self.changes.extend(&other.changes);
        let stay = &mut self.presence.stay;
        stay.since = stay.since.min(other.presence.stay.since);
    }

    /// The session, where it was there at the moment.
    fn at(mut self, moment: Timestamp) -> Option<Presence> {
        let stay = &mut self.presence.stay;
        (stay.until, stay.state) = at(moment, stay.since, stay.logon_type, &self.changes)?;
        Some(self.presence)
    }
}

/// The session that a logon opened; `None` for one after the moment.
fn opened_by(
    visible: &Visible<'_>,
    row: &Row<'_>,
    moment: Timestamp,
) -> Result<Option<(Key, Opened)>, Failure> {
    let since = timestamp(row.get(7)?)?;
    if since.seconds() > moment.seconds() {
        return Ok(None);
    }
    let number: u32 = row.get(8)?;
    let logon_type = LogonType::new(number)
        .ok_or_else(|| Failure::Damaged(format!("{number} is no logon type")))?;
    let machine = machine_id(row.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?)?;
    let session: i64 = row.get(9)?;
    let changes = match sessions::find_host(visible.db(), visible.tenant(), machine)? {
        None => Vec::new(),
        Some(host) => sessions::changes(visible.db(), host, session)?,
    };
    let address: Option<String> = row.get(10)?;
    let name: Option<String> = row.get(11)?;
    let stay = Stay {
        since,
        until: None,
        state: SessionState::Active,
        logon_type,
        remote_address: address.and_then(|address| address.parse().ok()),
        remote_name: name.filter(|name| !name.is_empty()),
    };
    let (account, computer_dns_name) = (account_at(row, 0)?, row.get(6)?);
    let session = Some(session).filter(|_| !LogonTypes::INTERACTIVE.contains(logon_type));
    let key = (account.clone(), machine, since.seconds(), logon_type, session);
    let presence = Presence { account, machine, computer_dns_name, stay };
    Ok(Some((key, Opened { presence, changes })))
}
