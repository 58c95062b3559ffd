//! Who may see what, against an oracle that is written here without the server's code: for random
//! groups, roles, rules, machines, logons and people, every answer holds what the caller may see
//! and nothing else, and what they may not see is as if it did not exist.

mod world;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use inventory::access::Permission;
use inventory::access::device_group::{AutomationLevel, Condition, Operator, Rules};
use inventory::access::directory::{
    ADMINISTRATOR_ROLE, DeviceGroupSettings, RolePermission, RoleSettings,
};
use inventory::ids::MachineId;
use inventory::logon::MachineRef;
use inventory::machine::{MachineFacts, MachineReport};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use server::outside::{ClaimNames, Kind, OutsideIssuer};
use uuid::Uuid;

use self::world::{
    GROUPS, GroupSet, LOCAL, Machine, NAMES, OPERATORS, Person, Rows, USERS, World, world,
};
use crate::harness::{Answer, Server, unlimited};
use crate::inventory::logon;
use crate::people::{EVERY_SCOPE, after};
use crate::provider::{Key, Provider};

/// Where a world is served.
struct Stage {
    server: Server,
    provider: Provider,
    key: Key,
}

fn id_of(machine: &Machine) -> String {
    MachineId::derived_from_name(machine.name).to_string()
}

fn aad_id_of(machine: &Machine) -> Uuid {
    let place = NAMES.iter().position(|name| *name == machine.name).unwrap();
    Uuid::from_u128(0x5b0c9f3e_6f0e_4a0b_9a6e_000000000001 + place as u128)
}

/// When the machine of a place was seen last: the later in the list, the later.
fn seen(server: &Server, machine: usize, logon: usize) -> inventory::time::Timestamp {
    after(server.now(), -10_000 + 100 * machine as i64 + logon as i64)
}

impl Stage {
    async fn build(world: &World) -> Self {
        let provider = Provider::start().await;
        let key = Key::p256("e");
        provider.show(&[&key]);
        let issuer = OutsideIssuer {
            kind: Kind::OpenId { issuer: provider.issuer(), claims: ClaimNames::default() },
            tenant: None,
            audiences: Vec::new(),
            discovery_url: None,
            ca: None,
        };
        let server =
            Server::start(server::config::Config { issuers: vec![issuer], ..unlimited() }).await;
        let stage = Self { server, provider, key };
        stage.tell(world).await;
        stage.rule(world).await;
        stage
    }

    /// Telemetry, and tags.
    async fn tell(&self, world: &World) {
        let (server, tenant) = (&self.server, self.server.tenant.number);
        let mut logons = Vec::new();
        for (place, (user, machine)) in world.logons.iter().enumerate() {
            let machine = machine % world.machines.len();
            let (name, domain) = USERS[*user];
            let at = seen(server, machine, place);
            logons.push(logon(name, domain, world.machines[machine].name, 2, at));
        }
        server.store.record(tenant, logons).await.unwrap();
        let report = |(place, machine): (usize, &Machine)| MachineReport {
            machine: MachineRef {
                aad_device_id: machine.has_aad_id.then(|| aad_id_of(machine)),
                ..MachineRef::named(machine.name)
            },
            time: seen(server, place, 50),
            facts: MachineFacts {
                os_platform: machine.platform.map(str::to_owned),
                aad_device_id: machine.has_aad_id.then(|| aad_id_of(machine)),
                ..MachineFacts::default()
            },
        };
        let reports = world.machines.iter().enumerate().map(report).collect();
        server.store.describe(tenant, reports).await.unwrap();
        let whole = inventory::access::scope::Scope::whole(tenant);
        for machine in &world.machines {
            let tags = machine.tags.iter().map(|tag| (*tag).to_owned()).collect();
            let id = MachineId::derived_from_name(machine.name);
            crate::harness::set_tags(&*server.store, &whole, id, tags).await.unwrap();
        }
    }

    /// Groups, roles and rules.
    async fn rule(&self, world: &World) {
        let now = self.server.now();
        let names = |set: GroupSet| -> Vec<String> {
            let is_in = |(place, _): &(usize, _)| set & (1 << place) != 0;
            let chosen = GROUPS.iter().enumerate().filter(is_in);
            chosen.map(|(_, name)| (*name).to_owned()).collect()
        };
        let rows = |rows: &Rows| -> Vec<Condition> {
            let row = |(operator, value): &(usize, &str)| Condition {
                condition: OPERATORS[*operator],
                value: (*value).to_owned(),
            };
            rows.iter().map(row).collect()
        };
        self.server
            .change_directory(|directory| {
                for (place, name) in GROUPS.iter().enumerate() {
                    match place < LOCAL {
                        true => directory.add_local_group(Uuid::new_v4(), name).unwrap(),
                        false => directory.add_directory_group(name, name).unwrap(),
                    }
                }
                for (place, role) in world.roles.iter().enumerate() {
                    let permission = match role.views {
                        true => RolePermission::ViewData,
                        false => RolePermission::AlertsInvestigation,
                    };
                    let name = format!("role {place}");
                    let (description, permissions) = (String::new(), vec![permission]);
                    let settings = RoleSettings { name: name.clone(), description, permissions };
                    directory.add_role(settings).unwrap();
                    for group in names(role.held_by) {
                        directory.assign(&name, &group).unwrap();
                    }
                }
                for group in names(world.administrators) {
                    directory.assign(&ADMINISTRATOR_ROLE.to_string(), &group).unwrap();
                }
                for (place, group) in world.device_groups.iter().enumerate() {
                    let platforms = group.platforms.iter().map(|name| (*name).to_owned()).collect();
                    let on_platform = inventory::access::device_group::OsCondition {
                        condition: Operator::In,
                        values_list: platforms,
                    };
                    let rules = Rules {
                        devices_names_conditions: rows(&group.names),
                        devices_domains_conditions: rows(&group.domains),
                        devices_tags_conditions: rows(&group.tags),
                        devices_os_conditions: match group.platforms.is_empty() {
                            true => Vec::new(),
                            false => vec![on_platform],
                        },
                    };
                    let name = format!("group {place}");
                    let settings = DeviceGroupSettings {
                        name: name.clone(),
                        description: String::new(),
                        automation_level: AutomationLevel::default(),
                        rules,
                    };
                    directory.add_device_group(settings, now).unwrap();
                    let access = names(group.access & world.with_roles());
                    directory.set_access(&name, &access, now).unwrap();
                }
                let access = names(world.ungrouped & world.with_roles());
                directory.set_access("0", &access, now).unwrap();
            })
            .await;
    }

    async fn token_of(&self, place: usize, person: &Person) -> String {
        let groups = match person {
            Person::Operator { rank, groups } => {
                let operator = self.server.operator(&format!("person {place}"), *rank).await;
                self.server
                    .change_directory(|directory| {
                        for (bit, name) in GROUPS.iter().enumerate().take(LOCAL) {
                            if groups & (1 << bit) != 0 {
                                directory.add_member(name, operator.id).unwrap();
                            }
                        }
                    })
                    .await;
                return self.server.person_token(operator.id, EVERY_SCOPE).await;
            }
            Person::Guest { groups } => groups,
        };
        // Names of local groups in a provider's token mean nothing.
        let told: Vec<_> = (0..GROUPS.len())
            .filter(|bit| groups & (1 << bit) != 0)
            .map(|bit| GROUPS[bit].to_uppercase())
            .collect();
        self.key.sign(&json!({
            "iss": self.provider.issuer(),
            "aud": crate::harness::AUDIENCE,
            "exp": self.server.now().seconds() + 600,
            "sub": format!("guest-{place}"),
            "azp": "desk",
            "scp": EVERY_SCOPE,
            "groups": told,
        }))
    }
}

fn ids(answer: &Answer) -> Result<BTreeSet<String>, TestCaseError> {
    prop_assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let rows = answer.json()["value"].as_array().unwrap().clone();
    let ids: BTreeSet<_> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    prop_assert_eq!(ids.len(), rows.len());
    Ok(ids)
}

/// One caller, against the oracle.
async fn check(
    stage: &Stage,
    world: &World,
    who: &str,
    token: &str,
    groups: Option<Vec<Option<usize>>>,
) -> Result<(), TestCaseError> {
    let server = &stage.server;
    let get = async |path: String| server.get(&path.replace(' ', "%20"), token).await;
    let Some(groups) = groups else {
        for path in [
            "/api/machines",
            "/api/machines/ws-01",
            "/api/users/anna/machines",
            "/api/machines/ws-01/logonusers",
            "/api/users",
            "/api/users/$count",
            "/api/users/anna",
            "/api/machines/$count",
            "/api/deviceGroups",
            "/api/deviceGroups/0",
        ] {
            let answer = get(path.to_owned()).await;
            prop_assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {}", who, path);
        }
        return Ok(());
    };
    check_groups(stage, world, (who, token), &groups).await?;
    let sees = world.machines_of(&groups);
    let ids_of = |places: &[usize]| -> BTreeSet<String> {
        places.iter().map(|place| id_of(&world.machines[*place])).collect()
    };
    let all = get("/api/machines".to_owned()).await;
    prop_assert_eq!(ids(&all)?, ids_of(&sees), "{}", who);
    for row in all.json()["value"].as_array().unwrap() {
        let machine = world.machines.iter().find(|machine| row["id"] == id_of(machine)).unwrap();
        let group = world.group_of(machine);
        let (id, name) = group
            .map_or((0, Value::Null), |place| (place as i64 + 1, json!(format!("group {place}"))));
        prop_assert_eq!(&row["rbacGroupId"], &json!(id), "{}", machine.name);
        prop_assert_eq!(&row["rbacGroupName"], &name);
    }
    for (name, domain) in USERS {
        let was_on = |only: Option<&str>| -> Vec<usize> {
            let of = |(user, machine): &(usize, usize)| {
                let is = USERS[*user].0 == *name && only.is_none_or(|only| USERS[*user].1 == only);
                is.then(|| machine % world.machines.len()).filter(|machine| sees.contains(machine))
            };
            world.logons.iter().filter_map(of).collect()
        };
        let answer = get(format!("/api/users/{name}/machines")).await;
        prop_assert_eq!(ids(&answer)?, ids_of(&was_on(None)), "{} {}", who, name);
        if !domain.is_empty() {
            let answer = get(format!("/api/users/{domain}%5C{name}/machines")).await;
            prop_assert_eq!(ids(&answer)?, ids_of(&was_on(Some(domain))), "{} {}", who, name);
        }
    }
    check_users(stage, world, (who, token), &sees).await?;
    for (place, machine) in world.machines.iter().enumerate() {
        check_machine(stage, world, (who, token), (place, machine), &sees).await?;
    }
    Ok(())
}

/// The users of machines that are seen, with these machines alone; counts and filters too.
async fn check_users(
    stage: &Stage,
    world: &World,
    (who, token): (&str, &str),
    sees: &[usize],
) -> Result<(), TestCaseError> {
    let get = async |path: &str| stage.server.get(path, token).await;
    let id = |place: usize| match USERS[place] {
        (name, "") => name.to_owned(),
        (name, domain) => format!("{}\\{name}", domain.to_lowercase()),
    };
    let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (user, machine) in &world.logons {
        let machine = machine % world.machines.len();
        if sees.contains(&machine) {
            expected.entry(id(*user)).or_default().insert(id_of(&world.machines[machine]));
        }
    }
    let answer = get("/api/users?$expand=machines($select=id)&$count=true").await;
    prop_assert_eq!(answer.status, StatusCode::OK, "{} {}", who, answer.text());
    prop_assert_eq!(&answer.json()["@odata.count"], &json!(expected.len()));
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in answer.json()["value"].as_array().unwrap() {
        let machines = row["machines"].as_array().unwrap();
        prop_assert_eq!(&row["logOnMachinesCount"], &json!(machines.len()), "{}", who);
        let ids = machines.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        shown.insert(row["id"].as_str().unwrap().to_owned(), ids);
    }
    prop_assert_eq!(&shown, &expected, "{}", who);
    let count = get("/api/machines/$count").await;
    prop_assert_eq!(count.text(), sees.len().to_string(), "{}", who);
    for (place, (name, _)) in USERS.iter().enumerate() {
        let answer = get(&format!("/api/users/{}", name.replace(' ', "%20"))).await;
        let is_there = USERS
            .iter()
            .enumerate()
            .any(|(other, (of_other, _))| of_other == name && expected.contains_key(&id(other)));
        if is_there {
            prop_assert_eq!(answer.status, StatusCode::OK, "{} {}", who, name);
        } else {
            // A name that nobody ever had, as long as this one.
            let never = "q".repeat(name.len());
            let unknown = get(&format!("/api/users/{never}")).await;
            prop_assert_eq!(unknown.status, StatusCode::NOT_FOUND);
            prop_assert_eq!(same(&answer, name), same(&unknown, &never), "{} {}", who, name);
        }
        let filter = format!("machines/any(m:m/id+eq+'{}')", id_of(&world.machines[0]));
        let named = format!("accountName+eq+'{}'+and+{filter}", name.replace(' ', "%20"));
        let answer = get(&format!("/api/users?$filter={named}")).await;
        let first = id_of(&world.machines[0]);
        let knows = expected.get(&id(place)).is_some_and(|machines| machines.contains(&first));
        let found = ids(&answer)?;
        prop_assert_eq!(found.contains(&id(place)), knows, "{} {}", who, name);
    }
    Ok(())
}

/// The device groups, and each by its id.
async fn check_groups(
    stage: &Stage,
    world: &World,
    (who, token): (&str, &str),
    sees: &[Option<usize>],
) -> Result<(), TestCaseError> {
    let get = async |path: &str| stage.server.get(&format!("/api/deviceGroups{path}"), token).await;
    let id_of = |group: &Option<usize>| group.map_or(0, |place| place as i64 + 1);
    let shown = |answer: &Value| -> Vec<(i64, i64)> {
        let number = |row: &Value, key: &str| row[key].as_i64().unwrap();
        let rows = answer["value"].as_array().unwrap();
        rows.iter().map(|row| (number(row, "id"), number(row, "deviceCount"))).collect()
    };
    let count = |group: &Option<usize>| world.machines_of(&[*group]).len() as i64;
    let expected: Vec<_> = sees.iter().map(|group| (id_of(group), count(group))).collect();
    let all = get("").await.json();
    prop_assert_eq!(shown(&all), expected, "{}", who);
    let never = same(&get("/9").await, "9");
    prop_assert_eq!(never.0, StatusCode::NOT_FOUND);
    for group in world.groups() {
        let id = id_of(&group);
        let answer = get(&format!("/{id}")).await;
        let Some(place) = sees.iter().position(|seen| *seen == group) else {
            // Byte for byte as what never was.
            prop_assert_eq!(same(&answer, &id.to_string()), never.clone(), "{} {}", who, id);
            continue;
        };
        let mut answer = answer.json();
        answer.as_object_mut().unwrap().remove("@odata.context");
        prop_assert_eq!(&answer, &all["value"][place], "{} {}", who, id);
    }
    Ok(())
}

/// One machine, by each of its names.
async fn check_machine(
    stage: &Stage,
    world: &World,
    (who, token): (&str, &str),
    (place, machine): (usize, &Machine),
    sees: &[usize],
) -> Result<(), TestCaseError> {
    let server = &stage.server;
    let is_visible = sees.contains(&place);
    let mut keys = vec![(id_of(machine), is_visible.then_some(place))];
    if machine.has_aad_id {
        keys.push((aad_id_of(machine).to_string(), is_visible.then_some(place)));
    }
    // A full name, else a beginning of full names: of the machines that are seen, the latest.
    let name = machine.name.to_lowercase();
    let by_name = |fits: &dyn Fn(&str) -> bool| {
        sees.iter().copied().filter(|it| fits(&world.machines[*it].name.to_lowercase())).max()
    };
    let begins = format!("{name}.");
    let found = by_name(&|other| other == name).or_else(|| {
        if name.contains('.') { None } else { by_name(&|other| other.starts_with(&begins)) }
    });
    keys.push((machine.name.to_owned(), found));
    for (key, found) in keys {
        for route in ["", "/logonusers", "/alerts"] {
            let answer = server.get(&format!("/api/machines/{key}{route}"), token).await;
            let Some(found) = found else {
                // Byte for byte as what never was.
                let nobody: String =
                    key.chars().map(|c| if c.is_ascii_hexdigit() { 'e' } else { c }).collect();
                let never = server.get(&format!("/api/machines/{nobody}{route}"), token).await;
                prop_assert_eq!(never.status, StatusCode::NOT_FOUND);
                prop_assert_eq!(same(&answer, &key), same(&never, &nobody), "{} {}", who, key);
                continue;
            };
            prop_assert_eq!(answer.status, StatusCode::OK, "{} {}{}", who, key, route);
            let there = &world.machines[found];
            match route {
                "" => prop_assert_eq!(&answer.json()["id"], &json!(id_of(there))),
                "/logonusers" => {
                    let users =
                        world.logons.iter().filter(|(_, on)| on % world.machines.len() == found);
                    let users: BTreeSet<_> = users
                        .map(|(user, _)| match USERS[*user] {
                            (name, "") => name.to_owned(),
                            (name, domain) => format!("{domain}\\{name}"),
                        })
                        .map(|id| id.to_lowercase())
                        .collect();
                    let told = ids(&answer)?.into_iter().map(|id| id.to_lowercase()).collect();
                    prop_assert_eq!(users, told, "{} {}", who, key);
                }
                _ => prop_assert_eq!(ids(&answer)?.len(), 0),
            }
        }
    }
    Ok(())
}

/// All of an answer, but for ids of the request and of what was asked for.
fn same(answer: &Answer, key: &str) -> (StatusCode, BTreeMap<String, String>, String) {
    let correlation = answer.header("mise-correlation-id").to_owned();
    let hex = correlation.replace('-', "");
    let target = format!("|{}-{}.", &hex[..8], &hex[8..24]);
    let headers = answer
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().replace(&correlation, "")))
        .collect();
    (answer.status, headers, answer.text().replace(&target, "").replace(key, ""))
}

#[test]
fn answers_hold_what_their_caller_may_see() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 120, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&world(), |world| {
            runtime.block_on(async {
                let stage = Stage::build(&world).await;
                let readers = [Permission::MachineReadAll, Permission::UserReadAll];
                let app = stage.server.token(&readers).await;
                check(&stage, &world, "an app", &app, Some(world.groups())).await?;
                for (place, person) in world.people.iter().enumerate() {
                    let token = stage.token_of(place, person).await;
                    let who = format!("{person:?}");
                    check(&stage, &world, &who, &token, world.visible(person)).await?;
                }
                Ok(())
            })
        })
        .unwrap();
}
