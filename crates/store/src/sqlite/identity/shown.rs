//! Why something is one machine.

use inventory::identity::resolve;
use inventory::query::MachineSelector;
use rusqlite::{Connection, params};

use super::cluster;
use crate::sqlite::Failure;
use crate::sqlite::read::visible::Visible;
use crate::sqlite::read::{self, id_of, number_of_relations};
use crate::sqlite::values::timestamp;
use crate::{Identities, Lookalike, MachineRecord};

/// A machine with its records, and what else looks like it.
pub(in crate::sqlite) fn identities(
    db: &Connection,
    visible: &Visible<'_>,
    selector: &MachineSelector,
) -> Result<Option<Identities>, Failure> {
    let Some(machine) = read::machine(visible, selector)? else { return Ok(None) };
    let Some(number) = number_of_relations(visible, machine.id)? else { return Ok(None) };
    let cluster = cluster::load(db, visible.tenant(), number)?;
    let places = resolve(&cluster.records);
    let mut identities = Identities { machine, records: Vec::new(), lookalikes: Vec::new() };
    for (at, record) in cluster.records.iter().enumerate() {
        if cluster.now[at].machine == number {
            let (first_seen, last_seen) = times(db, cluster.numbers[at])?;
            identities.records.push(MachineRecord {
                id: record.id,
                name: record.name.clone(),
                first_seen: timestamp(first_seen)?,
                last_seen: timestamp(last_seen)?,
                is_shown: cluster.numbers[at] == number,
                decision: record.decision,
                held: record.held.clone(),
                shared: places[at].shared.clone(),
            });
        }
    }
    identities.records.sort_by_key(|record| (!record.is_shown, record.id));
    for (at, record) in cluster.records.iter().enumerate() {
        if cluster.now[at].machine == number {
            continue;
        }
        let of_machine = identities.records.iter().flat_map(|own| &own.held);
        let same = of_machine
            .filter(|own| record.held.iter().any(|it| it.kind == own.kind && it.value == own.value))
            .min_by_key(|own| own.kind);
        // A machine outside of the scope is as if there were none.
        if let (Some(same), Some(id)) = (same, id_of(visible, cluster.now[at].machine)?) {
            identities.lookalikes.push(Lookalike {
                machine: id,
                record: record.id,
                name: record.name.clone(),
                same: same.clone(),
            });
        }
    }
    identities.lookalikes.sort_by_key(|one| one.record);
    Ok(Some(identities))
}

fn times(db: &Connection, record: i64) -> Result<(i64, i64), Failure> {
    Ok(db
        .prepare_cached(
            "SELECT first_seen, last_seen FROM machine_record WHERE number = ?1
             UNION ALL SELECT first_seen, last_seen FROM machine WHERE number = ?1 LIMIT 1",
        )?
        .query_row(params![record], |row| Ok((row.get(0)?, row.get(1)?)))?)
}
