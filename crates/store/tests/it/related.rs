//! Questions about a machine's users and a user's machines, in every scope and window, and lists that are
//! walked since they are long, against the same in memory.

use std::collections::BTreeMap;

use inventory::filter::{Binder, Condition, EntityKind, Field, Items, MachineAt, Row, Value};
use inventory::logon::LogonTypes;
use inventory::query::{MachineList, Order, Page, UserList, Window};
use inventory::relation::User;
use inventory::time::Day;

use super::conditions::{At, WithUsers};
use super::*;

/// So many that the larger group is not walked from its machines.
const MACHINES: usize = 6_200;
const NOW: &str = "2025-06-20T12:00:00Z";
const USERS: &[&str] =
    &["corp\\jdoe", "lab\\jdoe", "anna", "corp\\Müller", "svc-backup", "svc-scan"];

const ABOUT_USERS: &[&str] = &[
    "logOnUsers/any(u: u/accountName eq 'JDOE')",
    "logOnUsers/any(u: contains(u/accountName,'SVC-'))",
    "logOnUsers/any(u: startswith(u/accountName,'mü') or endswith(u/accountName,'scan'))",
    "logOnUsers/any(u: u/accountName in ('anna','nobody') and u/lastSeen ge 2025-06-12Z)",
    "logOnUsers/any(u: u/lastSeen lt 2025-06-10Z and u/logonTypes has 'Interactive')",
    "logOnUsers/any(u: u/firstSeen gt 2025-06-10T00:00:00Z)",
    "logOnUsers/any(u: u/isOnlyNetworkUser)",
    "logOnUsers/any(u: u/accountDomain eq null)",
    "logOnUsers/any(u: u/mostPrevalentMachineId ne null or u/accountSid ne null)",
    "logOnUsers/any(u: not (u/accountName eq 'anna') and contains(u/id,'corp\\'))",
    "logOnUsers/any(u: u/accountName gt 'b' and u/accountName le 'jdoe')",
    "logOnUsers/any()",
    "not logOnUsers/any(u: contains(u/accountName,'a'))",
    "logOnUsers/all(u: startswith(u/accountName,'svc'))",
    "logOnUsers/all(u: u/logonTypes has 'Network') and logOnUsers/any()",
    "logOnUsers/any(u: endswith(u/accountName,'e')) or computerDnsName eq 'ws-7.corp.example'",
    "logOnUsers/any(u: contains(u/accountName,'backup')) and osPlatform eq 'Windows11'",
    "logOnUsers/$count gt 1 and logOnUsers/any(u: u/accountName ne 'anna')",
    "logOnUsers/any(u: u/lastSeen ge $it/lastSeen)",
    "machineTags/any(t: logOnUsers/any(u: u/accountName eq t))",
];
const ABOUT_MACHINES: &[&str] = &[
    "osPlatform eq 'windows11'",
    "osPlatform in ('Windows10','Windows11')",
    "contains(computerDnsName,'-7')",
    "healthStatus eq 'Active' and osPlatform ne 'Ubuntu'",
    "lastSeen ge 2025-06-12Z",
];
const OF_USERS: &[&str] = &[
    "machines/any(m: m/computerDnsName eq 'WS-7.corp.example')",
    "machines/any(m: contains(m/computerDnsName,'-61') and m/osPlatform eq 'Windows10')",
    "machines/all(m: m/osPlatform eq 'Windows11')",
    "not machines/any(m: m/lastSeen lt 2025-06-02Z)",
    "machines/any(m: startswith(m/computerDnsName,'ws-6')) and contains(accountName,'a')",
    "machines/any() and accountName eq 'jdoe'",
];

struct World {
    fixture: Fixture,
    windows: Vec<(Window, Vec<WithUsers>)>,
}

/// A user with machines as they are seen in a scope.
struct WithMachines<'w>(&'w User, Vec<&'w Machine>);

impl Row for WithMachines<'_> {
    fn value(&self, field: Field) -> Value {
        self.0.value(field)
    }

    fn items(&self, of: Items) -> Vec<Box<dyn Row + '_>> {
        let row = |machine| Box::new(MachineAt { machine, now: time(NOW) }) as Box<dyn Row>;
        if of == Items::Machines { self.1.iter().copied().map(row).collect() } else { Vec::new() }
    }
}

async fn world() -> World {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, fixture.tenant);
    fixture.save_groups(vec![group(1, of_platform("Ubuntu"))]).await;
    let machine = |place: usize| MachineRef::named(format!("ws-{place}.corp.example"));
    let at = |place: usize, hour: usize| {
        time(&format!("2025-06-{:02}T{hour:02}:{:02}:00.5Z", 1 + place % 19, place % 60))
    };
    let report = |place: usize| MachineReport {
        machine: machine(place),
        time: at(place, 3),
        facts: MachineFacts {
            os_platform: Some(["Windows11", "Windows10", "Ubuntu"][(place % 31).min(2)].to_owned()),
            ..MachineFacts::default()
        },
    };
    store.describe(tenant, (0..MACHINES).map(report).collect()).await.unwrap();
    let mut logons = Vec::new();
    for place in 0..MACHINES {
        // A third of the machines has a user, the first services are on few.
        for (rank, user) in USERS.iter().enumerate() {
            if !(place + rank).is_multiple_of(7 * (rank + 1)) {
                continue;
            }
            for day in 0..2 {
                let kind = [2, 3, 10, 3][(place + rank + day) % 4];
                let session = (place * 100 + rank * 10 + day) as u64;
                let mut one = logon(user, "", NOW, kind, session);
                (one.machine, one.time) = (machine(place), at(place + 5 * day, 4 + rank));
                logons.push(one);
            }
        }
    }
    store.record(tenant, logons).await.unwrap();
    let since = Some(Day(time("2025-06-08T00:00:00Z").day().0));
    let mut windows = Vec::new();
    for window in [Window::ALL, Window { since, logon_types: LogonTypes::INTERACTIVE }] {
        windows.push((window, with_users(&fixture, window).await));
    }
    World { fixture, windows }
}

async fn with_users(fixture: &Fixture, window: Window) -> Vec<WithUsers> {
    let (store, scope) = (&fixture.store, fixture.scope());
    let all = store.machines(&scope, MachineList::all(Page::ALL, time(NOW))).await.unwrap();
    let mut machines = Vec::new();
    for machine in all.machines {
        let users = store.users_of_machine(&scope, machine.id, window).await.unwrap();
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
    machines
}

/// Everything, many machines, and few.
fn scopes(fixture: &Fixture) -> Vec<Scope> {
    vec![fixture.scope(), fixture.groups([1]), fixture.groups([0])]
}

fn is_shown(scope: &Scope, machine: &Machine) -> bool {
    match scope.groups() {
        Groups::All => true,
        only => only.contains(machine.rbac_group_id),
    }
}

fn bound(kind: EntityKind, filter: &str) -> Condition {
    Binder::new(kind, time(NOW)).condition(&filter.parse().unwrap()).unwrap()
}

/// Asks for all pages of a list.
async fn walked(store: &dyn Store, scope: &Scope, mut list: MachineList) -> Vec<MachineId> {
    let mut found = Vec::new();
    loop {
        let listed = store.machines(scope, list.clone()).await.unwrap();
        found.extend(listed.machines.iter().map(|machine| machine.id));
        match listed.end {
            Some(end) => list.after = Some(end),
            None => return found,
        }
    }
}

#[tokio::test]
async fn machines_are_found_by_their_users_and_walked_in_both_orders() {
    let World { fixture, windows } = world().await;
    for scope in scopes(&fixture) {
        for (window, machines) in &windows {
            for filter in ABOUT_USERS.iter().chain(ABOUT_MACHINES) {
                let condition = bound(EntityKind::Machine, filter);
                // In memory they are in the order of time.
                let expected: Vec<_> = machines
                    .iter()
                    .filter(|one| is_shown(&scope, &one.machine) && condition.holds(&At(one)))
                    .map(|one| one.machine.id)
                    .collect();
                let list = MachineList {
                    filter: Some(condition),
                    window: *window,
                    ..MachineList::all(Page { skip: 0, top: 900 }, time(NOW))
                };
                let what = format!("{filter} {window:?} {:?}", scope.groups());
                let store = &*fixture.store;
                let count = store.count_machines(&scope, list.clone()).await.unwrap();
                assert_eq!(count, expected.len() as u64, "{what}");
                assert!(walked(store, &scope, list.clone()).await == expected, "{what}");
                let mut by_id = expected.clone();
                by_id.sort_unstable();
                let list = MachineList { order: Order::Id, ..list };
                assert!(walked(store, &scope, list).await == by_id, "{what} by id");
            }
        }
    }
}

#[tokio::test]
async fn users_are_found_by_their_machines() {
    let World { fixture, windows } = world().await;
    for scope in scopes(&fixture) {
        for (window, machines) in &windows {
            let list = |filter| UserList {
                filter,
                of: None,
                window: *window,
                order: Vec::new(),
                after: None,
                page: Page::ALL,
                now: time(NOW),
            };
            let all = fixture.store.users(&scope, list(None)).await.unwrap().users;
            assert_eq!(all.len(), USERS.len());
            let mut on: BTreeMap<String, Vec<&Machine>> = BTreeMap::new();
            for one in machines.iter().filter(|one| is_shown(&scope, &one.machine)) {
                for user in &one.users {
                    on.entry(user.account.id()).or_default().push(&one.machine);
                }
            }
            for filter in OF_USERS {
                let condition = bound(EntityKind::User, filter);
                let row = |user| WithMachines(user, on[&user.account.id()].clone());
                let expected: Vec<_> =
                    all.iter().filter(|user| condition.holds(&row(user))).cloned().collect();
                let what = format!("{filter} {window:?} {:?}", scope.groups());
                let list = list(Some(condition));
                let count = fixture.store.count_users(&scope, list.clone()).await.unwrap();
                assert_eq!(count, expected.len() as u64, "{what}");
                assert_eq!(
                    fixture.store.users(&scope, list).await.unwrap().users,
                    expected,
                    "{what}"
                );
            }
        }
    }
}
