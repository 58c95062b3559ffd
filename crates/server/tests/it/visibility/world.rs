//! Worlds of machines, groups, roles and people, and the oracle: who may see what in one.

use inventory::access::device_group::Operator;
use proptest::prelude::*;

use crate::people::Rank;

/// Names of machines: short ones that are also the beginnings of long ones, domains, and cases.
pub(super) const NAMES: &[&str] = &[
    "ws-01",
    "ws-01.corp.example",
    "WS-02.corp.example",
    "srv-01.corp.example",
    "srv-01.lab.example",
    "srv-02",
    "db.lab.example",
];
pub(super) const TAGS: &[&str] = &["prod", "Test", "tier 0"];
pub(super) const PLATFORMS: &[&str] = &["Windows11", "Ubuntu"];
pub(super) const USERS: &[(&str, &str)] =
    &[("anna", "CORP"), ("anna", "LAB"), ("bob", "CORP"), ("chris doe", ""), ("root", "")];
/// User groups; the last two are a directory's elsewhere.
pub(super) const GROUPS: &[&str] = &["local-1", "local-2", "soc", "it"];
pub(super) const LOCAL: usize = 2;
pub(super) const OPERATORS: &[Operator] =
    &[Operator::StartsWith, Operator::EndsWith, Operator::Equals, Operator::Contains];

/// Which of [`GROUPS`], as bits.
pub(super) type GroupSet = u8;

#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) name: &'static str,
    pub(super) tags: Vec<&'static str>,
    pub(super) platform: Option<&'static str>,
    pub(super) has_aad_id: bool,
}

/// Rows of one condition: an operator of [`OPERATORS`] and a value.
pub(super) type Rows = Vec<(usize, &'static str)>;

#[derive(Clone, Debug)]
pub(super) struct DeviceGroup {
    pub(super) names: Rows,
    pub(super) domains: Rows,
    pub(super) tags: Rows,
    pub(super) platforms: Vec<&'static str>,
    pub(super) access: GroupSet,
}

#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) views: bool,
    pub(super) held_by: GroupSet,
}

#[derive(Clone, Debug)]
pub(super) enum Person {
    /// Signs in here, and is in these of the local groups.
    Operator { rank: Rank, groups: GroupSet },
    /// Signs in at a provider, whose token tells these groups.
    Guest { groups: GroupSet },
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) machines: Vec<Machine>,
    /// A user, a machine (modulo their number).
    pub(super) logons: Vec<(usize, usize)>,
    pub(super) device_groups: Vec<DeviceGroup>,
    pub(super) roles: Vec<Role>,
    pub(super) administrators: GroupSet,
    pub(super) ungrouped: GroupSet,
    pub(super) people: Vec<Person>,
}

pub(super) fn world() -> impl Strategy<Value = World> {
    let some = |from: &'static [&'static str]| proptest::sample::subsequence(from, 0..=from.len());
    let machines =
        proptest::sample::subsequence(NAMES, 1..=NAMES.len()).prop_flat_map(move |names| {
            let facts = (
                some(TAGS),
                proptest::option::of(proptest::sample::select(PLATFORMS)),
                any::<bool>(),
            );
            let machine =
                |(name, (tags, platform, has_aad_id))| Machine { name, tags, platform, has_aad_id };
            proptest::collection::vec(facts, names.len()).prop_map(move |facts| {
                names.clone().into_iter().zip(facts).map(machine).collect::<Vec<_>>()
            })
        });
    let rows = |values: &'static [&'static str]| {
        proptest::collection::vec((0..OPERATORS.len(), proptest::sample::select(values)), 0..3)
    };
    let groups = || 0u8..1 << GROUPS.len();
    let device_group = (
        rows(&["ws", "SRV-0", "01", "srv-02", "example", "ws-01.CORP.example"]),
        rows(&["corp", "example", "lab.example", "corp.example"]),
        rows(&["prod", "TEST", "tier"]),
        some(PLATFORMS),
        groups(),
    )
        .prop_map(|(names, domains, tags, platforms, access)| {
            // All four at once match hardly anything.
            let (names, domains) =
                if names.len() == 2 { (names, Vec::new()) } else { (Vec::new(), domains) };
            let (tags, platforms) =
                if tags.len() == 2 { (tags, Vec::new()) } else { (Vec::new(), platforms) };
            DeviceGroup { names, domains, tags, platforms, access }
        });
    let role = (any::<bool>(), groups()).prop_map(|(views, held_by)| Role { views, held_by });
    let rank = prop_oneof![9 => Just(Rank::Ordinary), 1 => Just(Rank::Administrator)];
    let person = prop_oneof![
        (rank, groups()).prop_map(|(rank, groups)| Person::Operator { rank, groups }),
        groups().prop_map(|groups| Person::Guest { groups }),
    ];
    let administrators = prop_oneof![5 => Just(0), 1 => groups()];
    (
        machines,
        proptest::collection::vec((0..USERS.len(), 0..NAMES.len()), 0..12),
        proptest::collection::vec(device_group, 0..5),
        proptest::collection::vec(role, 0..4),
        administrators,
        groups(),
        proptest::collection::vec(person, 1..4),
    )
        .prop_map(
            |(machines, logons, device_groups, roles, administrators, ungrouped, people)| World {
                machines,
                logons,
                device_groups,
                roles,
                administrators,
                ungrouped,
                people,
            },
        )
}

/// The oracle.
impl World {
    fn fits(operator: usize, text: &str, value: &str) -> bool {
        let (text, value) = (text.to_lowercase(), value.to_lowercase());
        match operator {
            0 => text.starts_with(&value),
            1 => text.ends_with(&value),
            2 => text == value,
            _ => text.contains(&value),
        }
    }

    fn is_in(group: &DeviceGroup, machine: &Machine) -> bool {
        let domain = machine.name.split_once('.').map_or("", |(_, domain)| domain);
        let any = |rows: &Rows, texts: &[&str]| {
            rows.is_empty()
                || rows.iter().any(|(operator, value)| {
                    texts.iter().any(|text| Self::fits(*operator, text, value))
                })
        };
        let conditions = group.names.len() + group.domains.len() + group.tags.len();
        conditions + group.platforms.len() > 0
            && any(&group.names, &[machine.name])
            && any(&group.domains, &[domain])
            && any(&group.tags, &machine.tags)
            && (group.platforms.is_empty()
                || machine.platform.is_some_and(|platform| group.platforms.contains(&platform)))
    }

    /// The place of a machine's group; `None` for machines of no group.
    pub(super) fn group_of(&self, machine: &Machine) -> Option<usize> {
        self.device_groups.iter().position(|group| Self::is_in(group, machine))
    }

    /// Groups that hold any role: only those can be in an access list.
    pub(super) fn with_roles(&self) -> GroupSet {
        self.roles.iter().fold(self.administrators, |all, role| all | role.held_by)
    }

    fn held(person: &Person) -> GroupSet {
        let local = (1 << LOCAL) - 1;
        match person {
            Person::Operator { groups, .. } => groups & local,
            Person::Guest { groups } => groups & !local,
        }
    }

    /// Every device group by rank, `None` standing for machines of no group.
    pub(super) fn groups(&self) -> Vec<Option<usize>> {
        (0..self.device_groups.len()).map(Some).chain([None]).collect()
    }

    /// The machines of some groups.
    pub(super) fn machines_of(&self, groups: &[Option<usize>]) -> Vec<usize> {
        let is_in = |index: &usize| groups.contains(&self.group_of(&self.machines[*index]));
        (0..self.machines.len()).filter(is_in).collect()
    }

    /// The device groups that a person sees; `None` for one who may view nothing at all.
    pub(super) fn visible(&self, person: &Person) -> Option<Vec<Option<usize>>> {
        let held = Self::held(person);
        let is_administrator = held & self.administrators != 0
            || matches!(person, Person::Operator { rank: Rank::Administrator, .. });
        if is_administrator {
            return Some(self.groups());
        }
        if !self.roles.iter().any(|role| role.views && role.held_by & held != 0) {
            return None;
        }
        let sees = |group: &Option<usize>| {
            let access = group.map_or(self.ungrouped, |group| self.device_groups[group].access);
            let access = access & self.with_roles();
            access == 0 || access & held != 0
        };
        Some(self.groups().into_iter().filter(sees).collect())
    }
}
