use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn named(name: &str) -> Record {
    Record {
        id: MachineId::derived_from_name(name),
        name: name.to_owned(),
        held: Held::name(name).into_iter().collect(),
        decision: Decision::default(),
    }
}

fn vendors(id: u8, name: &str) -> Record {
    Record { id: MachineId([id; 20]), ..named(name) }
}

impl Record {
    fn holding(mut self, kind: IdentifierKind, value: u8, from: i64, until: i64) -> Self {
        let (first_seen, last_seen) = (from, until);
        self.held.push(Held { kind, value: vec![value], first_seen, last_seen, is_common: false });
        self
    }

    fn merged_into(mut self, other: &Record) -> Self {
        self.decision.merged_into = Some(other.id);
        self
    }

    fn apart(mut self) -> Self {
        self.decision.is_apart = true;
        self
    }
}

/// As which record each is shown, with `+` behind one that a person merged and `?` behind potential
/// duplicates.
fn shown(records: &[Record]) -> Vec<String> {
    let text = |place: &Place| {
        let merged = if place.is_merged { "+" } else { "" };
        let duplicate = if place.is_potential_duplication { "?" } else { "" };
        format!("{}{merged}{duplicate}", place.machine)
    };
    resolve(records).iter().map(text).collect()
}

use IdentifierKind::{EntraDeviceId, HardwareUuid, MachineId as LinuxId, OsqueryHost};

#[test]
fn a_full_name_joins_the_vendors_record_and_a_short_one_nothing() {
    assert_eq!(shown(&[named("ws1.corp.example"), vendors(1, "WS1.corp.example")]), ["1", "1"]);
    assert_eq!(shown(&[named("ws1"), vendors(1, "WS1")]), ["0", "1"]);
    assert_eq!(shown(&[vendors(2, "ws1"), vendors(1, "WS1")]), ["0", "1"]);
}

#[test]
fn a_machine_that_was_installed_anew_is_a_potential_duplicate() {
    let name = "ws1.corp.example";
    assert_eq!(shown(&[vendors(1, name), vendors(2, name)]), ["0?", "1?"]);
    // Nothing tells of which of both the name's record is.
    assert_eq!(shown(&[named(name), vendors(1, name), vendors(2, name)]), ["0?", "1?", "2?"]);
    // Unless something tells more than the name.
    let known = |record: Record| record.holding(EntraDeviceId, 7, 0, 9);
    let records = [known(named(name)), vendors(1, name), known(vendors(2, name))];
    assert_eq!(shown(&records), ["2?", "1?", "2?"]);
    // Or a person says that both are one.
    let old = vendors(1, name).merged_into(&vendors(2, name));
    assert_eq!(shown(&[named(name), old, vendors(2, name)]), ["2", "2+", "2"]);
    // Or that they are not.
    let records = [named(name), vendors(1, name).apart(), vendors(2, name)];
    assert_eq!(shown(&records), ["2", "1", "2"]);
}

#[test]
fn hardware_that_two_installations_share_joins_none_of_them() {
    let on = |record: Record| record.holding(HardwareUuid, 1, 0, 9);
    assert_eq!(shown(&[on(named("a")), on(vendors(1, "a.corp"))]), ["1", "1"]);
    assert_eq!(shown(&[on(vendors(1, "a")), on(vendors(2, "b"))]), ["0", "1"], "at once: cloned");
    let then = vendors(2, "b").holding(HardwareUuid, 1, 9, 12);
    assert_eq!(shown(&[on(vendors(1, "a")), then]), ["0?", "1?"]);
}

#[test]
fn a_machine_id_joins_names_one_after_the_other_and_no_clones() {
    let at = |name: &str, from, until| named(name).holding(LinuxId, 1, from, until);
    assert_eq!(
        shown(&[at("old.corp", 0, 5), at("new.corp", 6, 9)]),
        ["0", "0"].map(|_| { if named("new.corp").id < named("old.corp").id { "1" } else { "0" } })
    );
    assert_eq!(shown(&[at("web1.corp", 0, 5), at("web2.corp", 3, 9)]), ["0", "1"]);
    // The short and the full name of one host are told at the same time.
    assert_eq!(shown(&[at("web1", 0, 5), at("web1.corp", 3, 9)]), ["1", "1"]);
    // A name that is an identifier is no other name.
    let uuid = "4c4c4544-0051-3310-8052-b4c04f4a4d32";
    assert_eq!(shown(&[at(uuid, 0, 5), at("web1", 3, 9)]), ["1", "1"]);
}

#[test]
fn a_bare_name_of_several_machines_joins_none() {
    let ws1 = named("ws1").holding(HardwareUuid, 1, 0, 9).holding(HardwareUuid, 2, 0, 9);
    let first = named("ws1.a.example").holding(HardwareUuid, 1, 0, 9);
    let second = named("ws1.b.example").holding(HardwareUuid, 2, 0, 9);
    assert_eq!(shown(&[ws1, first, second]), ["0", "1", "2"]);
    let ws1 = named("ws1").holding(OsqueryHost, 1, 0, 9).holding(OsqueryHost, 2, 0, 9);
    let first = named("ws1.a.example").holding(OsqueryHost, 1, 0, 9);
    assert_eq!(shown(&[ws1, first]), ["0", "1"]);
}

#[test]
fn a_person_may_merge_what_nothing_joins_and_the_survivor_stays() {
    let target = named("laptop");
    let merged = vendors(1, "ws1.corp").merged_into(&target);
    assert_eq!(shown(&[target.clone(), merged.clone(), named("ws1.corp")]), ["0", "0+", "0"]);
    // Of a merge into one another something is left.
    let back = target.merged_into(&merged);
    assert_eq!(shown(&[back, merged]), ["1+", "1"]);
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let names = ["ws1", "ws1.corp", "ws2.corp", "ws2", "db.corp"];
    let kinds = [LinuxId, HardwareUuid, EntraDeviceId, OsqueryHost];
    let held = (select(kinds.to_vec()), 0u8..3, 0i64..10, 0i64..5);
    let record = (
        select(names.to_vec()),
        proptest::option::of(0u8..6),
        proptest::collection::vec(held, 0..3),
        0usize..20,
        any::<u8>().prop_map(|n| n < 25),
    );
    proptest::collection::vec(record, 1..7).prop_map(|made| {
        let mut records: Vec<Record> = Vec::new();
        let mut targets = Vec::new();
        for (name, id, held, target, is_apart) in made {
            let mut record = id.map_or_else(|| named(name), |id| vendors(id, name));
            if records.iter().any(|known| known.id == record.id) {
                continue;
            }
            for (kind, value, from, long) in held {
                if !record.held.iter().any(|one| one.kind == kind && one.value == [value]) {
                    record = record.holding(kind, value, from, from + long);
                }
            }
            record.decision.is_apart = is_apart;
            records.push(record);
            targets.push(target);
        }
        let ids: Vec<_> = records.iter().map(|record| record.id).collect();
        for (record, target) in records.iter_mut().zip(targets) {
            record.decision.merged_into = ids.get(target).copied().filter(|id| *id != record.id);
        }
        records
    })
}

/// What is said of each record, by ids.
fn outcome(records: &[Record]) -> BTreeMap<MachineId, (MachineId, bool, bool)> {
    let places = resolve(records);
    let of = |(record, place): (&Record, Place)| {
        let machine = records[place.machine].id;
        (record.id, (machine, place.is_merged, place.is_potential_duplication))
    };
    records.iter().zip(places).map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_records_does_not_matter(
        (records, shuffled) in records().prop_flat_map(|records| {
            (Just(records.clone()), Just(records).prop_shuffle())
        })
    ) {
        prop_assert_eq!(outcome(&records), outcome(&shuffled));
    }

    /// Without a person's word no two installations become one, and no two short names either.
    #[test]
    fn inference_is_careful(records in records()) {
        let mut records = records;
        records.iter_mut().for_each(|record| record.decision.merged_into = None);
        let places = resolve(&records);
        for (one, place) in records.iter().zip(&places) {
            prop_assert!(!place.is_merged);
            for (other, of_other) in records.iter().zip(&places) {
                if one.id == other.id || place.machine != of_other.machine {
                    continue;
                }
                prop_assert!(!one.decision.is_apart);
                prop_assert!(!(is_vendors(one) && is_vendors(other)));
                prop_assert!(!place.shared.is_empty());
            }
        }
    }
}
