//! Who may see what, against an oracle; and what changes a directory refuses.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use uuid::Uuid;

use super::*;
use crate::access::device_group::{Rules, UNGROUPED, UNGROUPED_NAME};
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::MIN;
const IDS: [&str; 5] = ["Helpdesk", "6f0d", "É-team", "ops", "local"];
const WIDS: [&str; 5] = [
    "62e90394-69f5-4237-9190-012177145e10",
    "194ae4cb-b126-40b2-bd5b-6091b380977d",
    "5d6b6bb7-de71-4623-b4af-96380a352509",
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "00000000-0000-0000-0000-000000000001",
];

fn operator(number: u8) -> Uuid {
    Uuid::from_u128(u128::from(number) + 100)
}

fn role(name: &str) -> RoleSettings {
    RoleSettings {
        name: name.to_owned(),
        description: String::new(),
        permissions: vec![RolePermission::ViewData],
    }
}

fn devices(name: &str) -> DeviceGroupSettings {
    DeviceGroupSettings {
        name: name.to_owned(),
        description: String::new(),
        automation_level: Default::default(),
        rules: Rules::default(),
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// User groups by any of [`IDS`] in any case: roles and access lists are written by people.
fn ids() -> impl Strategy<Value = Vec<String>> {
    let id = (select(&IDS[..]), any::<bool>()).prop_map(|(id, upper)| match upper {
        true => id.to_uppercase(),
        false => id.to_owned(),
    });
    vec(id, 0..3)
}

fn directory() -> impl Strategy<Value = Directory> {
    let members = vec(0_u8..3, 0..3)
        .prop_map(|numbers| Some(numbers.into_iter().map(operator).collect::<Vec<_>>()));
    let user_groups = subsequence(&IDS[..], 0..=5).prop_flat_map(move |ids| {
        let kinds = vec(prop_oneof![2 => Just(None), 1 => members.clone()], ids.len());
        (Just(ids), kinds).prop_map(|(ids, kinds)| {
            let group = |(id, members): (&str, _)| UserGroup {
                id: id.to_owned(),
                display_name: format!("the {id}"),
                members,
            };
            ids.into_iter().zip(kinds).map(group).collect::<Vec<_>>()
        })
    });
    let roles = vec((vec(select(RolePermission::ALL), 0..3), ids()), 0..3);
    (any::<bool>(), user_groups, ids(), roles, vec(ids(), 0..4), ids()).prop_map(
        |(role_based, user_groups, administrators, roles, lists, ungrouped_access)| {
            let mut directory =
                Directory { role_based, user_groups, ungrouped_access, ..Directory::default() };
            directory.roles[0].user_groups =
                if administrators.len() == 2 { administrators } else { Vec::new() };
            for (id, (permissions, user_groups)) in (2..).zip(roles) {
                let (name, description) = (format!("role {id}"), String::new());
                directory.roles.push(Role { id, name, description, permissions, user_groups });
            }
            for (at, list) in lists.into_iter().enumerate() {
                directory.add_device_group(devices(&format!("devices {at}")), NOW).unwrap();
                directory.device_groups[at].access = list;
            }
            directory
        },
    )
}

fn holder() -> impl Strategy<Value = Holder> {
    let wids = prop_oneof![2 => Just(Vec::new()), 1 => vec(select(&WIDS[..]), 1..3)];
    let operator = prop_oneof![Just(None), (0_u8..4).prop_map(|number| Some(operator(number)))];
    (operator, prop::bool::weighted(0.1), ids(), wids).prop_map(
        |(operator, is_administrator, groups, wids)| Holder {
            operator,
            is_administrator,
            groups,
            wids: wids.into_iter().map(|id| id.parse().unwrap()).collect(),
        },
    )
}

/// The rules of §8, each asked on its own: what is permitted, and which groups are visible.
fn oracle(directory: &Directory, holder: &Holder) -> (Vec<RolePermission>, Option<Vec<i32>>) {
    let low = |text: &str| text.to_lowercase();
    let is_in = |list: &[String]| {
        list.iter().any(|listed| {
            directory.user_groups.iter().any(|group| {
                let named = holder.groups.iter().any(|told| low(told) == low(&group.id));
                let belongs = match (&group.members, holder.operator) {
                    (None, _) => named,
                    (Some(members), Some(operator)) => members.contains(&operator),
                    (Some(_), None) => false,
                };
                low(listed) == low(&group.id) && belongs
            })
        })
    };
    let has = |numbers: &[usize]| {
        let is = |number: &usize| holder.wids.iter().any(|id| id.to_string() == WIDS[*number]);
        numbers.iter().any(is)
    };
    if holder.is_administrator || has(&[0, 1]) || is_in(&directory.roles[0].user_groups) {
        return (RolePermission::ALL.to_vec(), None);
    }
    if has(&[2, 3]) && !directory.role_based {
        return (vec![RolePermission::ViewData], None);
    }
    let permits = |permission: &&RolePermission| {
        let mut roles = directory.roles[1..].iter();
        roles.any(|role| role.permissions.contains(permission) && is_in(&role.user_groups))
    };
    let permissions: Vec<_> = RolePermission::ALL.iter().filter(permits).copied().collect();
    let mut visible = Vec::new();
    if permissions.contains(&RolePermission::ViewData) {
        if directory.ungrouped_access.is_empty() || is_in(&directory.ungrouped_access) {
            visible.push(0);
        }
        for group in &directory.device_groups {
            if group.access.is_empty() || is_in(&group.access) {
                visible.push(group.id);
            }
        }
    }
    (permissions, Some(visible))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn access_is_what_the_rules_say(directory in directory(), holder in holder()) {
        let access = directory.access(&holder);
        let (permissions, visible) = oracle(&directory, &holder);
        for permission in RolePermission::ALL {
            prop_assert_eq!(access.permits(*permission), permissions.contains(permission));
        }
        prop_assert_eq!(access.permissions, permissions);
        prop_assert_eq!(access.groups, visible.map_or(Groups::All, Groups::only));
    }

    #[test]
    fn the_document_reads_back_as_it_was(directory in directory()) {
        let text = serde_json::to_string(&directory).unwrap();
        prop_assert_eq!(serde_json::from_str::<Directory>(&text).unwrap(), directory);
    }
}

/// A directory with two user groups of which one holds a role and sees the device group.
fn example() -> Directory {
    let mut directory = Directory::default();
    directory.add_directory_group("g-1", "Helpdesk").unwrap();
    directory.add_directory_group("g-2", "Auditors").unwrap();
    directory.add_role(role("Viewers")).unwrap();
    directory.assign("viewers", "helpdesk").unwrap();
    directory.add_device_group(devices("Servers"), NOW).unwrap();
    directory.set_access("servers", &strings(&["HELPDESK"]), NOW).unwrap();
    directory
}

fn member_of(text: &str) -> Holder {
    Holder { groups: strings(&[text]), ..Holder::default() }
}

#[test]
fn a_reader_of_entra_loses_all_with_the_first_role() {
    let reader = Holder { wids: vec![WIDS[2].parse().unwrap()], ..Holder::default() };
    let mut directory = Directory::default();
    assert_eq!(directory.access(&reader).groups, Groups::All);
    assert!(!directory.access(&reader).permits(RolePermission::AlertsInvestigation));
    directory.add_role(role("Viewers")).unwrap();
    assert_eq!(directory.access(&reader), Directory::default().access(&Holder::default()));
    directory.remove_role("viewers").unwrap();
    assert!(directory.role_based, "it is never switched off again");
}

#[test]
fn a_token_never_names_a_local_group() {
    let mut directory = example();
    let id = Uuid::from_u128(7);
    directory.add_local_group(id, "Night shift").unwrap();
    directory.assign("Viewers", "night shift").unwrap();
    directory.add_member("night shift", operator(1)).unwrap();
    for text in [id.to_string(), "Night shift".to_owned()] {
        assert!(directory.access(&member_of(&text)).permissions.is_empty(), "{text}");
    }
    let holder = Holder { operator: Some(operator(1)), ..Holder::default() };
    assert_eq!(directory.access(&holder).groups, Groups::only([UNGROUPED]));
    directory.remove_member("night shift", operator(1)).unwrap();
    assert_eq!(directory.access(&holder).groups, Groups::only([]));
    // Nor can a directory's group take its id later.
    let taken = directory.add_directory_group(&id.to_string(), "x").unwrap_err();
    assert_eq!(taken.fault(), Fault::Conflict);
}

#[test]
fn an_access_list_never_runs_empty_by_itself() {
    let mut directory = example();
    let before = directory.clone();
    for (refused, text) in [
        (
            directory.remove_user_group("helpdesk").unwrap_err(),
            "`Helpdesk` is the only one with access to the device group `Servers`, which would be \
             open to everybody without it: give another user group access first, or open the \
             device group by an empty access list",
        ),
        (
            directory.unassign("viewers", "helpdesk").unwrap_err(),
            "`Helpdesk` would hold no role, but has access to the device group `Servers`: take it \
             out of that access list or assign another role to it first",
        ),
        (
            directory.set_access("servers", &strings(&["auditors"]), NOW).unwrap_err(),
            "`Auditors` holds no role, and only user groups with a role can be given access: \
             assign a role to it first",
        ),
    ] {
        assert_eq!(refused.to_string(), text);
        assert_eq!(refused.fault(), Fault::Conflict);
    }
    assert!(matches!(directory.remove_role("viewers"), Err(Refused::LastRole { .. })));
    assert_eq!(directory, before);

    directory.assign("1", "auditors").unwrap();
    directory.set_access("servers", &strings(&["auditors", "helpdesk"]), NOW).unwrap();
    directory.remove_user_group("helpdesk").unwrap();
    assert_eq!(directory.device_groups[0].access, strings(&["g-2"]));
    assert!(directory.roles[1].user_groups.is_empty());
    directory.set_access("0", &strings(&["auditors"]), NOW).unwrap();
    directory.set_access("servers", &[], NOW).unwrap();
    let refused = directory.remove_user_group("auditors").unwrap_err();
    assert!(refused.to_string().contains(UNGROUPED_NAME), "{refused}");
}

#[test]
fn names_and_ids_are_unique_without_regard_to_case() {
    let mut directory = example();
    for (id, name) in [("G-1", "x"), ("x", "HELPDESK"), ("helpdesk", "x"), ("x", "g-2")] {
        let refused = directory.add_directory_group(id, name).unwrap_err();
        assert!(matches!(refused, Refused::Taken { .. }), "{id} {name}");
    }
    assert!(matches!(
        directory.rename_user_group("helpdesk", "auditors"),
        Err(Refused::Taken { .. })
    ));
    directory.rename_user_group("helpdesk", "HelpDesk").unwrap();
    directory.add_directory_group("Same", "Same").unwrap();
    assert!(matches!(directory.add_role(role("VIEWERS")), Err(Refused::Taken { .. })));
    assert!(matches!(
        directory.add_device_group(devices("SERVERS"), NOW),
        Err(Refused::Taken { .. })
    ));
    let ungrouped = devices(&UNGROUPED_NAME.to_uppercase());
    assert!(matches!(directory.add_device_group(ungrouped, NOW), Err(Refused::Taken { .. })));
}

#[test]
fn the_built_in_role_keeps_what_it_is() {
    let mut directory = example();
    assert_eq!(directory.change_role("1", role("x")), Err(Refused::BuiltInRole));
    assert_eq!(directory.remove_role("1"), Err(Refused::BuiltInRole));
    let mut portal = role("Portal");
    portal.permissions.push(RolePermission::ManagePortalSettings);
    assert_eq!(directory.add_role(portal.clone()), Err(Refused::AdministratorsOnly));
    assert_eq!(directory.change_role("viewers", portal), Err(Refused::AdministratorsOnly));
    let mut nothing = role("Nothing");
    nothing.permissions.clear();
    assert_eq!(directory.add_role(nothing), Err(Refused::NoPermission));

    directory.assign("1", "auditors").unwrap();
    let access = directory.access(&member_of("G-2"));
    assert!(access.permits(RolePermission::ManagePortalSettings));
    assert_eq!(access.groups, Groups::All);
    directory.unassign("1", "auditors").unwrap();
    assert!(directory.access(&member_of("G-2")).permissions.is_empty());
}

#[test]
fn ids_are_never_given_again_and_ranks_move() {
    let mut directory = example();
    let role_id = directory.add_role(role("Other")).unwrap();
    directory.remove_role("other").unwrap();
    assert_eq!(directory.add_role(role("Other")).unwrap(), role_id + 1);
    for name in ["b", "c"] {
        directory.add_device_group(devices(name), NOW).unwrap();
    }
    let order = |directory: &Directory| -> Vec<String> {
        directory.device_groups.iter().map(|group| group.name.clone()).collect()
    };
    directory.move_device_group("c", 1, NOW).unwrap();
    assert_eq!(order(&directory), ["c", "Servers", "b"]);
    directory.move_device_group("c", 3, NOW).unwrap();
    assert_eq!(order(&directory), ["Servers", "b", "c"]);
    for rank in [0, 4] {
        let refused = directory.move_device_group("c", rank, NOW);
        assert_eq!(refused, Err(Refused::Rank { rank, last: 3 }));
    }
    directory.remove_device_group("c").unwrap();
    assert_eq!(directory.add_device_group(devices("c"), NOW).unwrap(), 4);
}

#[test]
fn what_is_too_much_or_odd_is_refused() {
    let mut directory = Directory::default();
    for (name, kind) in [
        (" ", Refused::EmptyText { what: "name of a role" }),
        ("a\u{7}", Refused::ControlCharacter { what: "name of a role" }),
        (&"x".repeat(257), Refused::LongText { what: "name of a role", most: 256 }),
    ] {
        assert_eq!(directory.add_role(role(name)), Err(kind));
    }
    assert_eq!(
        directory.assign("ghosts", "x").unwrap_err().to_string(),
        "there is no role `ghosts`: list them to see names and ids"
    );
    for number in 0..2_000 {
        directory.add_device_group(devices(&number.to_string()), NOW).unwrap();
    }
    let refused = directory.add_device_group(devices("one more"), NOW).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "there are 2000 device groups already, and no more are possible: remove one first"
    );
    directory.add_directory_group("g", "g").unwrap();
    let refused = directory.add_member("g", operator(1)).unwrap_err();
    assert_eq!(refused, Refused::NotLocal { group: "g".to_owned() });
}
