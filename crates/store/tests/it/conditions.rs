//! Questions as SQL answer what they answer in memory: thousands of generated filters and orders over
//! machines with nulls, odd texts and users.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use inventory::filter::{
    Binder, EntityKind, Field, Items, Kind, MachineAt, Property, Row, Value, order, properties,
};
use inventory::ids::MachineId;
use inventory::machine::{
    AdapterType, DeviceValue, ExposureLevel, Machine, MachineIpAddress, ManagedBy,
    OnboardingStatus, OperationalStatus, RiskScore, VmMetadata,
};
use inventory::query::{Listed, MachineList, Order, Page, UserList, UserSelector, Window};
use inventory::relation::User;
use odata::expression::{Expr, OrderBy};
use proptest::prelude::*;

use super::*;
use asked::{filter, sort};

mod asked;

const NOW: &str = "2025-06-20T12:00:00.25Z";
const TEXTS: &[&str] = &[
    "Windows11",
    "windows11",
    "WINDOWS10",
    "Ubuntu",
    "",
    " ",
    "a'b",
    "%",
    "_",
    "\\",
    "Büro",
    "BÜRO",
    "\u{212a}elvin",
    "kelvin",
    "\u{130}x",
    "ix",
    "Straße",
    "ΣΑΣ",
    "σας",
    "🦀",
    "22H2",
    "1809",
    "10.0.0.1",
    "fe80::1",
    "a\u{10ffff}",
    "null",
    "x\u{0}y",
];
const TAGS: &[&str] = &["vip", "VIP", "lab", "Büro", "büro", "", "a'b"];
const NAMES: &[&str] = &[
    "ws-1.corp.example",
    "WS-1",
    "srv.lab.example",
    "MÜLLER-PC",
    "müller-pc.corp.example",
    "10.0.0.9",
];
const USERS: &[&str] = &["corp\\jdoe", "lab\\jdoe", "anna", "corp\\Müller", "kim"];

/// The store, its machines, and who was on them.
struct World {
    fixture: Fixture,
    machines: Vec<WithUsers>,
    runtime: tokio::runtime::Runtime,
}

/// A machine and its users.
pub(super) struct WithUsers {
    pub(super) machine: Machine,
    pub(super) users: Vec<User>,
}

pub(super) struct At<'w>(pub(super) &'w WithUsers);

impl Row for At<'_> {
    fn value(&self, field: Field) -> Value {
        MachineAt { machine: &self.0.machine, now: time(NOW) }.value(field)
    }

    fn items(&self, of: Items) -> Vec<Box<dyn Row + '_>> {
        match of {
            Items::LogOnUsers => {
                let row = |user: &User| Box::new(user.clone()) as Box<dyn Row>;
                self.0.users.iter().map(row).collect()
            }
            Items::MachineTags => tags(&self.0.machine),
            Items::IpAddresses => {
                let row = |address| Box::new(address) as Box<dyn Row>;
                self.0.machine.facts.ip_addresses.iter().map(row).collect()
            }
            Items::Machines => Vec::new(),
        }
    }
}

/// A text as a row of its own.
struct Tag<'t>(&'t str);

impl Row for Tag<'_> {
    fn value(&self, field: Field) -> Value {
        if field == Field::Item { Value::Text(self.0.to_owned()) } else { Value::Null }
    }

    fn items(&self, _: Items) -> Vec<Box<dyn Row + '_>> {
        Vec::new()
    }
}

fn tags(machine: &Machine) -> Vec<Box<dyn Row + '_>> {
    machine.tags.iter().map(|tag| Box::new(Tag(tag)) as Box<dyn Row>).collect()
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (fixture, machines) = runtime.block_on(fill());
        World { fixture, machines, runtime }
    })
}

/// A number that looks random and is the same each time.
fn pick(seed: usize, of: usize) -> usize {
    (seed.wrapping_mul(2_654_435_761) >> 7) % of
}

fn some<T>(seed: usize, value: T) -> Option<T> {
    (pick(seed, 3) > 0).then_some(value)
}

fn facts(seed: usize) -> MachineFacts {
    let text =
        |salt: usize| some(seed + salt, TEXTS[pick(seed * 31 + salt, TEXTS.len())].to_owned());
    let address = |salt: usize| MachineIpAddress {
        ip_address: ["10.0.0.1", "10.0.0.2", "fe80::1"][pick(seed + salt, 3)].parse().unwrap(),
        mac_address: some(seed + salt, "00005E0053FF".to_owned()),
        adapter_type: AdapterType::ALL[pick(seed + salt, AdapterType::ALL.len())],
        operational_status: OperationalStatus::ALL[pick(seed, 2)],
    };
    MachineFacts {
        os_platform: text(1),
        os_processor: text(2),
        version: text(3),
        last_ip_address: some(seed + 4, address(4).ip_address),
        last_external_ip_address: some(seed + 5, address(5).ip_address),
        agent_version: text(6),
        os_build: some(seed + 7, [0, 22631, -5, i64::MAX][pick(seed + 7, 4)]),
        os_architecture: text(8),
        is_aad_joined: some(seed + 9, pick(seed + 9, 2) == 0),
        aad_device_id: some(seed + 10, uuid::Uuid::from_u128(pick(seed, 4) as u128 + 1)),
        risk_score: some(seed + 11, RiskScore::ALL[pick(seed + 11, 5)]),
        exposure_level: some(seed + 12, ExposureLevel::ALL[pick(seed + 12, 4)]),
        onboarding_status: some(seed + 13, OnboardingStatus::ALL[pick(seed + 13, 4)]),
        managed_by: some(seed + 14, ManagedBy::ALL[pick(seed + 14, 4)]),
        managed_by_status: None,
        ip_addresses: (0..pick(seed + 15, 3)).map(|salt| address(salt + 16)).collect(),
        vm_metadata: some(
            seed + 17,
            VmMetadata { vm_id: text(18), resource_id: text(19), subscription_id: None },
        ),
        tags: Vec::new(),
    }
}

async fn fill() -> (Fixture, Vec<WithUsers>) {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, fixture.tenant);
    let days = ["2025-06-01", "2025-06-12", "2025-06-13", "2025-06-19"];
    for place in 0..60_usize {
        let mut id = [9; 20];
        id[..2].copy_from_slice(&(pick(place, 50_000) as u16).to_be_bytes());
        id[19] = place as u8;
        let machine = MachineRef {
            name: NAMES[pick(place, NAMES.len())].to_owned(),
            id: Some(MachineId(id)),
            aad_device_id: None,
            ..MachineRef::default()
        };
        let at = format!("{}T11:59:{:02}.5Z", days[pick(place + 3, days.len())], place);
        let facts = facts(place);
        store
            .describe(
                tenant,
                vec![MachineReport { machine: machine.clone(), time: time(&at), facts }],
            )
            .await
            .unwrap();
        let mut logons = Vec::new();
        for session in 0..pick(place + 5, 4) {
            let kind = [2, 3, 8, 10][pick(place + session, 4)];
            let mut one =
                logon(USERS[pick(place + session, USERS.len())], "", &at, kind, session as u64);
            one.machine = machine.clone();
            logons.push(one);
        }
        store.record(tenant, logons).await.unwrap();
        let tags: Vec<_> = (0..pick(place + 6, 3))
            .map(|salt| TAGS[pick(place + salt, TAGS.len())].to_owned())
            .collect();
        set_tags(&**store, &fixture.scope(), MachineId(id), tags).await;
        let value = DeviceValue::ALL[pick(place + 7, DeviceValue::ALL.len())];
        let author = Author { time: time(NOW), app: None, person: None };
        let changes = vec![MachineChange::SetValue(value)];
        let changed =
            store.change_machines(&fixture.scope(), vec![MachineId(id)], changes, author).await;
        assert_eq!(changed.unwrap()[0].device_value, value);
    }
    let all =
        store.machines(&fixture.scope(), MachineList::all(Page::ALL, time(NOW))).await.unwrap();
    let mut machines = Vec::new();
    for machine in all.machines {
        let users =
            store.users_of_machine(&fixture.scope(), machine.id, Window::ALL).await.unwrap();
        let user = |user: inventory::relation::MachineUser| User {
            account: user.account,
            shares_name: user.shares_name,
            relation: user.relation,
            machines: 0,
            most_prevalent: None,
            least_prevalent: None,
        };
        machines.push(WithUsers { machine, users: users.into_iter().map(user).collect() });
    }
    (fixture, machines)
}

fn list(filter: Option<&str>, by: Option<&str>, page: Page) -> Result<MachineList, String> {
    let mut binder = Binder::new(EntityKind::Machine, time(NOW));
    let filter = match filter {
        None => None,
        Some(text) => {
            let expr: Expr = text.parse().map_err(|error| format!("{error}: {text}"))?;
            Some(binder.condition(&expr).map_err(|error| format!("{error}: {text}"))?)
        }
    };
    let order = match by {
        None => Order::Id,
        Some(text) => {
            let order: OrderBy = text.parse().map_err(|error| format!("{error}: {text}"))?;
            Order::By(binder.sorts(&order).map_err(|error| format!("{error}: {text}"))?)
        }
    };
    Ok(MachineList { filter, order, ..MachineList::all(page, time(NOW)) })
}

fn ask(list: MachineList) -> Listed {
    let world = world();
    let scope = world.fixture.scope();
    world.runtime.block_on(world.fixture.store.machines(&scope, list)).unwrap()
}

fn ids<'m>(machines: impl IntoIterator<Item = &'m Machine>) -> Vec<MachineId> {
    machines.into_iter().map(|machine| machine.id).collect()
}

/// What memory says a list is.
fn expected(list: &MachineList) -> Vec<MachineId> {
    let holds =
        |one: &&WithUsers| list.filter.as_ref().is_none_or(|condition| condition.holds(&At(one)));
    let mut found: Vec<_> = world().machines.iter().filter(holds).collect();
    found.sort_by(|one, other| {
        let keys = match &list.order {
            Order::By(sorts) => order(sorts, &At(one), &At(other)),
            Order::Id | Order::LastSeen => Ordering::Equal,
        };
        keys.then(one.machine.id.cmp(&other.machine.id))
    });
    ids(found.iter().map(|one| &one.machine))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn sql_and_memory_agree_on_filters(filter in filter()) {
        let list = list(Some(&filter), None, Page::ALL).map_err(TestCaseError::fail)?;
        prop_assert_eq!(ids(&ask(list.clone()).machines), expected(&list), "{}", filter);
        let world = world();
        let scope = world.fixture.scope();
        let count = world.fixture.store.count_machines(&scope, list.clone());
        let count = world.runtime.block_on(count).unwrap();
        prop_assert_eq!(count, expected(&list).len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn sql_and_memory_agree_on_orders_and_walks_lose_nothing(sort in sort(), rows in 1..20u64) {
        let whole = list(None, Some(&sort), Page::ALL).map_err(TestCaseError::fail)?;
        let all = expected(&whole);
        prop_assert_eq!(&ids(&ask(whole.clone()).machines), &all, "{}", sort);
        let mut walked = Vec::new();
        let mut next = MachineList { page: Page { skip: 0, top: rows }, ..whole };
        loop {
            let listed = ask(next.clone());
            walked.extend(ids(&listed.machines));
            match listed.end {
                Some(end) => next.after = Some(end),
                None => break,
            }
        }
        prop_assert_eq!(walked, all, "{} by {}", sort, rows);
    }
}

#[test]
fn a_users_machines_are_a_list_too() {
    let by_user: BTreeMap<&str, usize> = USERS.iter().map(|user| (*user, 0)).collect();
    for user in by_user.keys() {
        let selector = UserSelector::parse(user, Default::default()).unwrap();
        let filter = "osPlatform ne null";
        let question = list(Some(filter), None, Page::ALL).unwrap();
        let question = MachineList { of_user: Some(selector.clone()), ..question };
        let world = world();
        let all = world.runtime.block_on(world.fixture.store.machines_of_user(
            &world.fixture.scope(),
            &selector,
            Window::ALL,
            Page::ALL,
        ));
        let mut expected: Vec<_> = all.unwrap().into_iter().map(|one| one.machine).collect();
        expected.retain(|machine| machine.facts.os_platform.is_some());
        expected.sort_by_key(|machine| machine.id);
        assert_eq!(ask(question).machines, expected, "{user}");
    }
}

#[test]
fn documented_filters_are_served_by_an_index() {
    let fixture = &world().fixture;
    let sql = fixture.sql();
    for (condition, index) in [
        ("tenant = 1 AND name_key = 'x'", "machine_by_name"),
        ("tenant = 1 AND name_key >= 'x' AND name_key < 'y'", "machine_by_name"),
        ("tenant = 1 AND os_platform COLLATE NOCASE = 'x'", "machine_by_platform"),
        ("tenant = 1 AND version COLLATE NOCASE = 'x'", "machine_by_version"),
        (
            "tenant = 1 AND coalesce(risk_score, 'None') COLLATE NOCASE = 'x'",
            "machine_by_risk_score",
        ),
        (
            "tenant = 1 AND device_value COLLATE NOCASE = 'x' AND device_value <> 'Normal'",
            "machine_by_device_value",
        ),
        ("tenant = 1 AND last_seen >= 5", "machine_by_last_seen"),
        ("tenant = 1 AND rbac_group_id = 5", "machine_by_group"),
    ] {
        let plan: String = sql
            .query_row(
                &format!("EXPLAIN QUERY PLAN SELECT 1 FROM machine WHERE {condition}"),
                [],
                |row| row.get(3),
            )
            .unwrap();
        assert!(plan.contains(index), "{condition}: {plan}");
    }
}

/// Every property orders, also one that is the same of every row: SQLite reads a number in ORDER BY as the
/// place of a column.
#[test]
fn every_property_and_constant_orders() {
    let names = |kind: EntityKind| {
        let single = |it: &&Property| !matches!(it.kind, Kind::Items(_) | Kind::Complex(_));
        let names = properties(kind).iter().filter(single).map(|it| it.name.to_owned());
        let vm = ["vmMetadata/vmId", "vmMetadata/cloudProvider", "machineTags/$count"];
        let of_kind = if kind == EntityKind::Machine { &vm[..] } else { &["machines/$count"] };
        let constants = ["true", "1", "-1", "null", "not false", "1 eq 1", "'a'", "2025-06-12Z"];
        let more = of_kind.iter().chain(&constants).map(|it| (*it).to_owned());
        names.chain(more).collect::<Vec<_>>()
    };
    for name in names(EntityKind::Machine) {
        for order in [name.clone(), format!("{name} desc"), format!("osBuild,{name} desc,id")] {
            let whole = list(None, Some(&order), Page::ALL).unwrap();
            let all = expected(&whole);
            assert_eq!(ids(&ask(whole.clone()).machines), all, "{order}");
            let mut next = MachineList { page: Page { skip: 0, top: 7 }, ..whole };
            let mut walked = Vec::new();
            loop {
                let listed = ask(next.clone());
                walked.extend(ids(&listed.machines));
                let Some(end) = listed.end else { break };
                next.after = Some(end);
            }
            assert_eq!(walked, all, "{order}");
        }
    }
    let world = world();
    let ask = |list: UserList| {
        world.runtime.block_on(world.fixture.store.users(&world.fixture.scope(), list)).unwrap()
    };
    for name in names(EntityKind::User) {
        for order in [name.clone(), format!("{name} desc"), format!("isDomainAdmin desc,{name}")] {
            let mut binder = Binder::new(EntityKind::User, time(NOW));
            let sorts = binder.sorts(&order.parse().unwrap()).unwrap();
            let page = Page { skip: 0, top: 2 };
            let mut next = UserList { order: sorts, page, ..users_by_name() };
            let whole = ask(UserList { page: Page::ALL, ..next.clone() }).users;
            assert_eq!(whole.len(), USERS.len(), "{order}");
            let mut walked = Vec::new();
            loop {
                let listed = ask(next.clone());
                walked.extend(listed.users);
                let Some(end) = listed.end else { break };
                next.after = Some(end);
            }
            assert_eq!(walked, whole, "{order}");
        }
    }
}

fn users_by_name() -> UserList {
    UserList {
        filter: None,
        of: None,
        window: Window::ALL,
        order: Vec::new(),
        after: None,
        page: Page::ALL,
        now: time(NOW),
    }
}

/// The questions about users that SQL answers itself, against the same in memory.
#[test]
fn sql_and_memory_agree_on_users() {
    let world = world();
    let scope = world.fixture.scope();
    let list = |filter: Option<&str>, by: &str| {
        let mut binder = Binder::new(EntityKind::User, time(NOW));
        let filter = filter.map(|text| binder.condition(&text.parse().unwrap()).unwrap());
        let order = match by {
            "" => Vec::new(),
            by => binder.sorts(&by.parse().unwrap()).unwrap(),
        };
        UserList { filter, order, ..users_by_name() }
    };
    let ask =
        |list: UserList| world.runtime.block_on(world.fixture.store.users(&scope, list)).unwrap();
    let all = ask(list(None, "")).users;
    assert_eq!(all.len(), USERS.len());
    for user in &all {
        // What each did is what the machines say of them.
        let on: Vec<_> = world
            .machines
            .iter()
            .flat_map(|one| one.users.iter().map(move |user| (one.machine.id, user)))
            .filter(|(_, one)| one.account.id() == user.account.id())
            .collect();
        assert_eq!(user.machines, on.len() as u64);
        let logons: u64 = on.iter().map(|(_, one)| one.relation.logon_count).sum();
        assert_eq!(user.relation.logon_count, logons);
        let most =
            on.iter().max_by_key(|(id, one)| (one.relation.logon_count, std::cmp::Reverse(*id)));
        let least = on.iter().min_by_key(|(id, one)| (one.relation.logon_count, *id));
        assert_eq!(user.most_prevalent, most.map(|(id, _)| *id));
        assert_eq!(user.least_prevalent, least.map(|(id, _)| *id));
    }
    for filter in [
        "accountName eq 'JDOE'",
        "accountName in ('jdoe','anna','nobody') and accountDomain ne null",
        "accountName eq 'jdoe' or accountName eq 'kim'",
        "not (accountName eq 'jdoe')",
        "accountName ne 'jdoe' and not contains(id,'\\')",
        "startswith(id,'corp\\')",
        "accountDomain eq null",
        "accountSid eq null and isDomainAdmin eq false",
        "logonTypes has 'Interactive'",
        "contains(logonTypes,'remote')",
        "isOnlyNetworkUser",
        "logOnMachinesCount gt 10 or logOnMachinesCount lt 3",
        "firstSeen lt 2025-06-12Z and lastSeen ge 2025-06-13Z",
        "mostPrevalentMachineId ne leastPrevalentMachineId",
        "length(accountName) gt 3 and toupper(accountName) ne null",
    ] {
        let question = list(Some(filter), "");
        let condition = question.filter.clone().unwrap();
        let expected: Vec<_> = all.iter().filter(|user| condition.holds(*user)).cloned().collect();
        let count = world.fixture.store.count_users(&scope, question.clone());
        assert_eq!(world.runtime.block_on(count).unwrap(), expected.len() as u64, "{filter}");
        assert_eq!(ask(question).users, expected, "{filter}");
    }
    for by in [
        "lastSeen desc",
        "logOnMachinesCount,id desc",
        "accountDomain desc,accountName",
        "logonTypes",
    ] {
        let whole = ask(list(None, by)).users;
        let mut next = list(None, by);
        let sorts = next.order.clone();
        assert!(
            whole.is_sorted_by(|one, other| order(&sorts, one, other) != Ordering::Greater),
            "{by}"
        );
        next.page = Page { skip: 0, top: 2 };
        let mut walked = Vec::new();
        loop {
            let listed = ask(next.clone());
            walked.extend(listed.users);
            match listed.end {
                Some(end) => next.after = Some(end),
                None => break,
            }
        }
        assert_eq!(walked, whole, "{by}");
    }
}
