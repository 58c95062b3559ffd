//! From where a user came to a machine.

use std::collections::BTreeSet;

use inventory::account::Account;
use inventory::ids::MachineId;
use inventory::query::Window;
use inventory::relation::Remotes;
use rusqlite::named_params;

use super::visible::Visible;
use super::{number_of_relations, since, who};
use crate::sqlite::Failure;

/// Logons of a relation after which no earlier day is looked at. Who has more came from the same places
/// again and again.
const MAX_LOGONS: usize = 20_000;
/// Addresses and names of a relation at most.
const MAX_REMOTES: usize = 100;

/// The other ends of the logons of each relation.
pub(in crate::sqlite) fn remotes(
    visible: &Visible<'_>,
    relations: &[(Account, MachineId)],
    window: Window,
) -> Result<Vec<Remotes>, Failure> {
    relations.iter().map(|(account, machine)| of_one(visible, account, *machine, window)).collect()
}

fn of_one(
    visible: &Visible<'_>,
    account: &Account,
    machine: MachineId,
    window: Window,
) -> Result<Remotes, Failure> {
    let mut remotes = Remotes::default();
    let is_of = who::in_domain(":name", ":domain");
    let mut accounts =
        visible.prepare(&format!("SELECT json_group_array(number) FROM account WHERE {is_of}"))?;
    let who = named_params! { ":name": account.name, ":domain": account.domain };
    let accounts: String = accounts.query_row(who, |row| row.get(0))?;
    let Some(machine) = number_of_relations(visible, machine)? else { return Ok(remotes) };
    let mut days = visible.prepare(
        "SELECT DISTINCT day FROM relation_day
         WHERE account IN (SELECT value FROM json_each(:accounts)) AND machine = :machine
         AND day >= :since ORDER BY day DESC",
    )?;
    let mut days = days.query(named_params! {
        ":accounts": accounts,
        ":machine": machine,
        ":since": since(window),
    })?;
    let mut of_day = visible.prepare(
        "SELECT remote.address, remote.name
         FROM event CROSS JOIN remote ON remote.number = event.remote
         WHERE event.day = :day AND event.quarter IN quarters
         AND event.account IN (SELECT value FROM json_each(:accounts))
         AND event.machine IN (SELECT :machine UNION
             SELECT record.number FROM machine_record AS record WHERE record.machine = :machine)
         AND (1 << event.logon_type) & :types",
    )?;
    let (mut addresses, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut looked_at = 0;
    while let (Some(day), true) = (days.next()?, looked_at < MAX_LOGONS) {
        let mut rows = of_day.query(named_params! {
            ":day": day.get::<_, i64>(0)?,
            ":accounts": accounts,
            ":machine": machine,
            ":types": window.logon_types.bits(),
        })?;
        while let Some(row) = rows.next()? {
            looked_at += 1;
            let address = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            let name = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            if let Ok(address) = address.parse()
                && remotes.addresses.len() < MAX_REMOTES
                && addresses.insert(address)
            {
                remotes.addresses.push(address);
            }
            if !name.is_empty() && remotes.names.len() < MAX_REMOTES && !names.contains(name) {
                names.insert(name.to_owned());
                remotes.names.push(name.to_owned());
            }
        }
    }
    Ok(remotes)
}
