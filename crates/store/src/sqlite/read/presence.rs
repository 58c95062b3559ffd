//! Who was where at a moment.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use inventory::account::Account;
use inventory::ids::MachineId;
use inventory::logon::{LogonType, LogonTypes};
use inventory::query::{PresenceOf, UserSelector};
use inventory::session::{
    LONGEST_CONNECTION_DAYS, LONGEST_SESSION_DAYS, Presence, SessionChange, SessionState, Stay, at,
};
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use rusqlite::{Row, ToSql, named_params, params};

use super::visible::Visible;
use super::{account_at, number, user_columns, who};
use crate::sqlite::values::{machine_id, timestamp};
use crate::sqlite::{Failure, identity, sessions};

/// Ticks of a day.
const DAY: i64 = 86_400 * TICKS_PER_SECOND;

/// The days of some relations on which logons may have opened sessions that were there at the moment.
fn days(relations: &str) -> String {
    format!(
        "SELECT {}, machine.id, machine.name, days.day, days.logon_type, related.account,
             related.machine
         FROM ({relations}) AS related
         CROSS JOIN machine ON machine.number = related.machine
         CROSS JOIN relation_day AS days
             ON days.account = related.account AND days.machine = related.machine
         CROSS JOIN account ON account.number = related.account
         WHERE days.day <= :day AND days.day >= :day - CASE
             WHEN (1 << days.logon_type) & :interactive THEN {LONGEST_SESSION_DAYS}
             ELSE {LONGEST_CONNECTION_DAYS} END",
        user_columns()
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
    let (is_of, values) = who::with_values(user)?;
    let relations = format!(
        "SELECT account, machine FROM relation
         WHERE account IN (SELECT number FROM account WHERE {is_of})"
    );
    let who: Vec<(&str, &dyn ToSql)> =
        values.iter().map(|(name, value)| (name.as_str(), value as &dyn ToSql)).collect();
    there(visible, &relations, &who, moment)
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
    let mut statement = visible.prepare(&days(relations))?;
    let (day, interactive) = (moment.day().0, LogonTypes::INTERACTIVE.bits());
    let of_moment = named_params! { ":day": day, ":interactive": interactive };
    let values: Vec<_> = who.iter().chain(of_moment).copied().collect();
    let mut rows = statement.query(values.as_slice())?;
    let mut opened: HashMap<_, Opened> = HashMap::new();
    let mut records: HashMap<i64, Vec<Record>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let day = Day::of(row)?;
        let records = match records.entry(day.number) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(records_of(visible, day.number)?),
        };
        for record in records {
            open(visible, &day, record, moment, &mut opened)?;
        }
    }
    Ok(opened.into_values().filter_map(|one| one.at(moment)).collect())
}

/// A day of a relation, and a type of its logons.
struct Day {
    account: Account,
    machine: MachineId,
    computer_dns_name: String,
    day: i64,
    logon_type: LogonType,
    /// The account's number.
    account_number: i64,
    /// The machine's.
    number: i64,
}

impl Day {
    fn of(row: &Row<'_>) -> Result<Self, Failure> {
        let number: u32 = row.get(8)?;
        let logon_type = LogonType::new(number)
            .ok_or_else(|| Failure::Damaged(format!("{number} is no logon type")))?;
        Ok(Self {
            account: account_at(row, 0)?,
            machine: machine_id(row.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?)?,
            computer_dns_name: row.get(6)?,
            day: row.get(7)?,
            logon_type,
            account_number: row.get(9)?,
            number: row.get(10)?,
        })
    }
}

/// One of the records that are a machine.
struct Record {
    number: i64,
    /// What is known of its sessions is under this number.
    host: Option<i64>,
}

fn records_of(visible: &Visible<'_>, machine: i64) -> Result<Vec<Record>, Failure> {
    let db = visible.db();
    let mut id = db.prepare_cached(
        "SELECT id FROM main.machine WHERE number = ?1
         UNION SELECT id FROM main.machine_record WHERE number = ?1",
    )?;
    let mut records = Vec::new();
    for number in identity::records_of(db, machine)? {
        let id: Vec<u8> = id.query_row([number], |row| row.get(0))?;
        let host = sessions::find_host(db, visible.tenant(), machine_id(&id)?)?;
        records.push(Record { number, host });
    }
    Ok(records)
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

/// Adds the sessions that the logons of a day opened on a record, up to the moment.
fn open(
    visible: &Visible<'_>,
    of: &Day,
    record: &Record,
    moment: Timestamp,
    opened: &mut HashMap<Key, Opened>,
) -> Result<(), Failure> {
    let mut logons = visible.db().prepare_cached(
        "SELECT event.second * ?5 + event.fraction, event.session, remote.address, remote.name
         FROM event LEFT JOIN remote ON remote.number = event.remote
         WHERE event.day = ?1 AND event.quarter IN quarters AND event.account = ?2
         AND event.machine = ?3 AND event.logon_type = ?4",
    )?;
    let mut rows = logons.query(params![
        of.day,
        of.account_number,
        record.number,
        of.logon_type.number(),
        TICKS_PER_SECOND
    ])?;
    while let Some(row) = rows.next()? {
        let since = timestamp(of.day * DAY + row.get::<_, i64>(0)?)?;
        if since.seconds() > moment.seconds() {
            continue;
        }
        let session: i64 = row.get(1)?;
        let changes = match record.host {
            None => Vec::new(),
            Some(host) => sessions::changes(visible.db(), host, session)?,
        };
        let address: Option<String> = row.get(2)?;
        let name: Option<String> = row.get(3)?;
        let stay = Stay {
            since,
            until: None,
            state: SessionState::Active,
            logon_type: of.logon_type,
            remote_address: address.and_then(|address| address.parse().ok()),
            remote_name: name.filter(|name| !name.is_empty()),
        };
        let presence = Presence {
            account: of.account.clone(),
            machine: of.machine,
            computer_dns_name: of.computer_dns_name.clone(),
            stay,
        };
        let session = Some(session).filter(|_| !LogonTypes::INTERACTIVE.contains(of.logon_type));
        let key = (of.account.clone(), of.machine, since.seconds(), of.logon_type, session);
        let one = Opened { presence, changes };
        match opened.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().join(&one),
            Entry::Vacant(new) => drop(new.insert(one)),
        }
    }
    Ok(())
}
