//! Making the database so as the evidence says.

use std::collections::{BTreeMap, BTreeSet};

use inventory::identity::{Place, resolve};
use inventory::ids::TenantId;
use rusqlite::{Connection, params};

use super::cluster::{self, Cluster, Now};
use super::relations::{self, AccountDay};
use super::{records_of, rows};
use crate::sqlite::Failure;
use crate::sqlite::groups::{self, Matchers};
use crate::sqlite::times::recompute_machine;

/// Records of an older schema, or that retention left alone, that a batch settles beside its own.
const SOME: i64 = 500;

/// What became of doubts.
#[derive(Default)]
pub(in crate::sqlite) struct Settled {
    /// Records belong to others than before: numbers that are remembered are wrong.
    pub(in crate::sqlite) any: bool,
    /// Machines that may belong into another device group.
    pub(in crate::sqlite) misplaced: BTreeSet<i64>,
}

/// Looks at records again, and at all that they are connected with.
pub(in crate::sqlite) fn settle(
    db: &Connection,
    tenant: TenantId,
    unsettled: &BTreeSet<i64>,
) -> Result<Settled, Failure> {
    let mut settled = Settled::default();
    let mut seen: BTreeSet<i64> = BTreeSet::new();
    for &record in unsettled {
        if seen.contains(&record) {
            continue;
        }
        let cluster = cluster::load(db, tenant, record)?;
        seen.extend(&cluster.numbers);
        apply(db, &cluster, &mut settled)?;
    }
    Ok(settled)
}

/// The same for some of the records that wait in the database.
pub(in crate::sqlite) fn settle_some(
    db: &Connection,
    tenant: TenantId,
) -> Result<Settled, Failure> {
    let waiting: BTreeSet<i64> = db
        .prepare_cached("SELECT machine FROM machine_unsettled WHERE tenant = ?1 LIMIT ?2")?
        .query_map([tenant.0, SOME], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let settled = settle(db, tenant, &waiting)?;
    for record in waiting {
        db.prepare_cached("DELETE FROM machine_unsettled WHERE machine = ?1")?.execute([record])?;
    }
    Ok(settled)
}

fn apply(db: &Connection, cluster: &Cluster, settled: &mut Settled) -> Result<(), Failure> {
    let places = resolve(&cluster.records);
    let mut members: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (at, place) in places.iter().enumerate() {
        members.entry(cluster.numbers[place.machine]).or_default().push(at);
    }
    let wanted = |at: usize, place: &Place| {
        let machine = cluster.numbers[place.machine];
        let is_joined = members.get(&machine).is_some_and(|members| members.len() > 1);
        let own = Now { machine: cluster.numbers[at], is_merged: false, is_joined: false };
        if is_joined { Now { machine, is_merged: place.is_merged, is_joined } } else { own }
    };
    let wanted: Vec<Now> = places.iter().enumerate().map(|(at, place)| wanted(at, place)).collect();
    // Machines to which a record comes, or from which one goes.
    let touched: BTreeSet<i64> = cluster
        .now
        .iter()
        .zip(&wanted)
        .filter(|(now, wanted)| now != wanted)
        .flat_map(|(now, wanted)| [now.machine, wanted.machine])
        .collect();
    if !touched.is_empty() {
        settled.any = true;
        let is_touched = |at: &usize| {
            touched.contains(&cluster.now[*at].machine) || touched.contains(&wanted[*at].machine)
        };
        let moved: Vec<usize> = (0..cluster.numbers.len()).filter(is_touched).collect();
        regroup(db, cluster, &wanted, &moved)?;
        settled.misplaced.extend(moved.iter().map(|&at| wanted[at].machine));
        settled.misplaced.extend(moved.iter().map(|&at| cluster.numbers[at]));
    }
    for (at, place) in places.iter().enumerate() {
        db.prepare_cached(
            "UPDATE machine SET is_potential_duplication = ?2
             WHERE number = ?1 AND is_potential_duplication <> ?2",
        )?
        .execute(params![cluster.numbers[at], place.is_potential_duplication])?;
    }
    Ok(())
}

/// Puts records under the machines that they are wanted under, with all that follows.
fn regroup(
    db: &Connection,
    cluster: &Cluster,
    wanted: &[Now],
    moved: &[usize],
) -> Result<(), Failure> {
    let mut days: BTreeMap<i64, BTreeSet<AccountDay>> = BTreeMap::new();
    for machine in moved.iter().map(|&at| cluster.now[at].machine).collect::<BTreeSet<_>>() {
        let of_machine = relations::days_of(db, machine)?;
        relations::clear(db, machine, &of_machine)?;
        days.insert(machine, of_machine);
    }
    for &at in moved {
        rows::keep(db, cluster.numbers[at])?;
        rows::hide(db, cluster.numbers[at])?;
    }
    let mut wanted_days: BTreeMap<i64, BTreeSet<AccountDay>> = BTreeMap::new();
    for &at in moved {
        let (record, place) = (cluster.numbers[at], wanted[at]);
        rows::put(db, record, place.machine, place.is_merged)?;
        let of_machine = wanted_days.entry(place.machine).or_default();
        of_machine.extend(days.get(&cluster.now[at].machine).into_iter().flatten());
        if place.is_merged {
            let into = cluster.numbers.iter().position(|number| *number == place.machine);
            rows::show(db, record, into.map(|into| cluster.records[into].id))?;
        } else if place.machine == record {
            rows::show(db, record, None)?;
        }
    }
    for (machine, days) in wanted_days {
        let records = records_of(db, machine)?;
        relations::rebuild(db, machine, &records, &days)?;
        if records.len() > 1 {
            rows::refresh(db, machine)?;
        } else {
            rows::unkeep(db, machine)?;
        }
        recompute_machine(db, machine)?;
    }
    Ok(())
}

/// Looks at records again where no batch does, and puts what has changed into device groups.
pub(in crate::sqlite) fn settle_and_place(
    db: &Connection,
    tenant: TenantId,
    unsettled: &BTreeSet<i64>,
    matchers: &mut Matchers,
) -> Result<(), Failure> {
    let settled = settle(db, tenant, unsettled)?;
    if settled.misplaced.is_empty() {
        return Ok(());
    }
    let Some(matcher) = matchers.of(db, tenant)? else { return Ok(()) };
    settled.misplaced.iter().try_for_each(|&machine| groups::place(db, &matcher, machine))
}
