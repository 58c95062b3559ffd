//! Which records are one machine.
//!
//! All records that anything connects are judged at once, and by what is known of them alone, so that
//! the outcome does not depend on the order in which they came. People's decisions come first. Then each
//! kind of identifier has its turn, the one that says the most first: whoever shares a value is one
//! machine, unless that would make one of several installations or boards. Then none of them is joined,
//! and they are shown as potential duplicates for a person to decide.

use std::collections::{BTreeMap, BTreeSet};

use super::IdentifierKind;
use super::name::{full_name, host_label};
use crate::fold;
use crate::ids::MachineId;

/// Records that may share a value and still be joined by it. What more of them have is a vendor's or an
/// image's, and no machine's own.
pub const MAX_HOLDERS: usize = 8;

/// What telemetry told under one id of the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The vendor's id, else the one that is derived from the name.
    pub id: MachineId,
    /// The name as last reported.
    pub name: String,
    /// The identifiers that were told of it; a full name is one.
    pub held: Vec<Held>,
    /// What a person decided about it.
    pub decision: Decision,
}

/// A value that a record holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// What it is of.
    pub kind: IdentifierKind,
    /// The bytes of a UUID, or a folded name.
    pub value: Vec<u8>,
    /// When it was first told, as ticks.
    pub first_seen: i64,
    /// When it was last told.
    pub last_seen: i64,
    /// More than [`MAX_HOLDERS`] records hold it.
    pub is_common: bool,
}

/// What a person decided about a record; it wins over every identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Nothing that telemetry tells joins it with another.
    pub is_apart: bool,
    /// The record that it was merged into.
    pub merged_into: Option<MachineId>,
}

/// Where a record belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The record that the machine is shown as, by its place among the records; itself when it is
    /// that, or alone.
    pub machine: usize,
    /// A person merged it: it is shown beside the machine, as the vendor shows such records.
    pub is_merged: bool,
    /// Another machine seems to be the same device.
    pub is_potential_duplication: bool,
    /// The identifiers that it shares with other records of its machine, by their places in
    /// [`Record::held`].
    pub shared: Vec<usize>,
}

/// Values by which a machine can only be one, of a group of records.
type Own = [BTreeSet<Vec<u8>>; 3];
/// Who holds a value: records, and the place in what each holds.
type Holders = Vec<(usize, usize)>;

/// The places of records, in their order. They must be all that are connected with one another.
pub fn resolve(records: &[Record]) -> Vec<Place> {
    let mut groups = Groups::new(records.len());
    let merges = merges(records);
    for &(from, into) in &merges {
        groups.join(from, into);
    }
    let own: Vec<Own> = records.iter().map(own_values).collect();
    let values = usable_values(records, &own);
    for kind in IdentifierKind::ALL {
        let of_kind = values.iter().filter(|((one, _), _)| *one == kind);
        let sets: Vec<Vec<usize>> = of_kind
            .map(|(_, holders)| holders.iter().map(|&(record, _)| record).collect())
            .collect();
        join_where_one(&mut groups, records, &own, &sets);
    }
    places(records, &mut groups, &merges, &values)
}

/// What people merged, as pairs of records that are there.
fn merges(records: &[Record]) -> Vec<(usize, usize)> {
    let find = |id: MachineId| records.iter().position(|record| record.id == id);
    let pair = |(from, record): (usize, &Record)| {
        let into = find(record.decision.merged_into?)?;
        (into != from).then_some((from, into))
    };
    records.iter().enumerate().filter_map(pair).collect()
}

/// A vendor's id is given anew to each installation, as is a machine-id; a board is one.
fn own_values(record: &Record) -> Own {
    let of = |kind: IdentifierKind| -> BTreeSet<Vec<u8>> {
        let held = record.held.iter().filter(|held| held.kind == kind && !held.is_common);
        held.map(|held| held.value.clone()).collect()
    };
    let vendor = is_vendors(record).then(|| record.id.0.to_vec());
    let machine_id = of(IdentifierKind::MachineId);
    [vendor.into_iter().collect(), machine_id, of(IdentifierKind::HardwareUuid)]
}

/// Whether a record has the vendor's id; others are known by their name.
fn is_vendors(record: &Record) -> bool {
    record.id != MachineId::derived_from_name(&record.name)
}

/// The values that can join, with the records that hold each.
fn usable_values(records: &[Record], own: &[Own]) -> BTreeMap<(IdentifierKind, Vec<u8>), Holders> {
    let mut values: BTreeMap<_, Holders> = BTreeMap::new();
    for (at, record) in records.iter().enumerate() {
        // A bare name can be several machines': what then is told of it is of which?
        let is_ambiguous = !is_vendors(record) && own[at].iter().any(|values| values.len() > 1);
        if is_ambiguous || record.decision.is_apart {
            continue;
        }
        for (place, held) in record.held.iter().enumerate() {
            let is_one_of_several = !is_vendors(record)
                && record.held.iter().any(|one| one.kind == held.kind && one.value != held.value);
            if !held.is_common && !is_one_of_several {
                values.entry((held.kind, held.value.clone())).or_default().push((at, place));
            }
        }
    }
    values.retain(|(kind, _), holders| !is_cloned(records, *kind, holders));
    values
}

/// Whether machines of different names hold an installation's or a board's value at the same time. One
/// that was renamed holds it under one name after the other.
fn is_cloned(records: &[Record], kind: IdentifierKind, holders: &Holders) -> bool {
    if !matches!(kind, IdentifierKind::MachineId | IdentifierKind::HardwareUuid) {
        return false;
    }
    let labelled = |&(record, place): &(usize, usize)| {
        let record = &records[record];
        Some((host_label(&record.name)?, &record.held[place]))
    };
    let named: Vec<_> = holders.iter().filter_map(labelled).collect();
    named.iter().enumerate().any(|(at, (label, held))| {
        named[at + 1..].iter().any(|(other_label, other)| {
            label != other_label
                && held.first_seen < other.last_seen
                && other.first_seen < held.last_seen
        })
    })
}

/// Joins the records of each set, and of sets that meet, where they can be one machine.
fn join_where_one(groups: &mut Groups, records: &[Record], own: &[Own], sets: &[Vec<usize>]) {
    let mut met = groups.clone();
    for set in sets {
        set.windows(2).for_each(|pair| met.join(pair[0], pair[1]));
    }
    let mut candidates: BTreeMap<usize, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
    for record in 0..records.len() {
        let (met, group) = (met.of(record), groups.of(record));
        candidates.entry(met).or_default().entry(group).or_default().push(record);
    }
    for groups_met in candidates.into_values().filter(|met| met.len() > 1) {
        let units: Vec<_> = groups_met.into_values().collect();
        let is_apart =
            |unit: &Vec<usize>| unit.iter().any(|&record| records[record].decision.is_apart);
        if units.iter().any(is_apart) || !can_be_one(own, &units) {
            continue;
        }
        let first = units[0][0];
        units.iter().flatten().for_each(|&record| groups.join(first, record));
    }
}

/// Whether no two of some groups of records have different values of what a machine has one of.
fn can_be_one(own: &[Own], units: &[Vec<usize>]) -> bool {
    (0..3).all(|kind| {
        let of_unit = |unit: &Vec<usize>| -> BTreeSet<&Vec<u8>> {
            unit.iter().flat_map(|&record| &own[record][kind]).collect()
        };
        let sets: Vec<_> = units.iter().map(of_unit).filter(|values| !values.is_empty()).collect();
        sets.iter().enumerate().all(|(at, one)| {
            sets[at + 1..].iter().all(|other| one.intersection(other).next().is_some())
        })
    })
}

fn places(
    records: &[Record],
    groups: &mut Groups,
    merges: &[(usize, usize)],
    values: &BTreeMap<(IdentifierKind, Vec<u8>), Holders>,
) -> Vec<Place> {
    let group: Vec<usize> = (0..records.len()).map(|record| groups.of(record)).collect();
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    group.iter().enumerate().for_each(|(at, &of)| members.entry(of).or_default().push(at));
    let shown: BTreeMap<usize, usize> =
        members.iter().map(|(&of, members)| (of, shown_as(records, members, merges))).collect();
    let mut places: Vec<Place> = group
        .iter()
        .enumerate()
        .map(|(at, of)| Place {
            machine: shown[of],
            is_merged: shown[of] != at && merges.iter().any(|&(from, _)| from == at),
            is_potential_duplication: false,
            shared: Vec::new(),
        })
        .collect();
    let mut duplicates: BTreeSet<usize> = BTreeSet::new();
    for ((kind, value), holders) in values {
        let is_split = holders.iter().any(|&(record, _)| group[record] != group[holders[0].0]);
        for &(record, place) in holders {
            if holders.iter().any(|&(other, _)| other != record && group[other] == group[record]) {
                places[record].shared.push(place);
            }
            if is_split && is_current(&records[record], *kind, value) {
                duplicates.insert(group[record]);
            }
        }
    }
    // A name that many installations had, one after the other: machines that are made anew each day.
    for (at, record) in records.iter().enumerate() {
        let is_common = |held: &Held| {
            held.is_common && held.kind == IdentifierKind::DnsName && !record.decision.is_apart
        };
        let mut common = record.held.iter().filter(|held| is_common(held));
        if common.any(|held| is_current(record, held.kind, &held.value)) {
            duplicates.insert(group[at]);
        }
    }
    for (at, place) in places.iter_mut().enumerate() {
        // One that a person merged is decided about.
        place.is_potential_duplication = !place.is_merged && duplicates.contains(&group[at]);
    }
    places
}

/// Whether a record still has what made it look like another: a former name is another's by right.
fn is_current(record: &Record, kind: IdentifierKind, value: &[u8]) -> bool {
    kind != IdentifierKind::DnsName
        || full_name(&record.name).is_some_and(|name| name.as_bytes() == value)
}

/// The record that a machine is shown as: into which a person merged others, else the vendor's, else the
/// one with a full name, else the one with a name, else the smallest id.
fn shown_as(records: &[Record], members: &[usize], merges: &[(usize, usize)]) -> usize {
    let is_merged = |at: &usize| merges.iter().any(|(from, _)| from == at);
    let is_target = |at: &usize| merges.iter().any(|(_, into)| into == at);
    let rank = |at: &usize| {
        let record = &records[*at];
        let no_name = host_label(&record.name).is_none();
        let name = if no_name { 2 } else { usize::from(full_name(&record.name).is_none()) };
        (is_merged(at), !is_target(at), !is_vendors(record), name, record.id)
    };
    members.iter().copied().min_by_key(rank).unwrap_or_default()
}

/// Records in disjoint groups; a group is known by its smallest record.
#[derive(Clone)]
struct Groups(Vec<usize>);

impl Groups {
    fn new(records: usize) -> Self {
        Self((0..records).collect())
    }

    fn of(&mut self, record: usize) -> usize {
        let mut at = record;
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.of(one), self.of(other));
        self.0[one.max(other)] = one.min(other);
    }
}

/// The identifier that a full name is, told at no time in particular.
impl Held {
    /// The folded name of a record that is known by its name.
    pub fn name(name: &str) -> Option<Self> {
        let value = full_name(name)?;
        (value == fold(name)).then(|| Self {
            kind: IdentifierKind::DnsName,
            value: value.into_bytes(),
            first_seen: i64::MIN,
            last_seen: i64::MAX,
            is_common: false,
        })
    }
}

#[cfg(test)]
mod tests;
