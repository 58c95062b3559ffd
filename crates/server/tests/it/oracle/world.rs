//! A made inventory, and what must be true of it: rows of machines and users, put together here from what
//! was recorded.

use std::collections::{BTreeMap, BTreeSet};

use inventory::account::Account;
use inventory::filter::{EntityKind, Kind, properties};
use inventory::logon::{EventKey, Logon, LogonType, LogonTypes, MachineRef, Source};
use inventory::machine::{
    AdapterType, ExposureLevel, MachineFacts, MachineIpAddress, MachineReport, ManagedBy,
    ManagedByStatus, OnboardingStatus, OperationalStatus, RiskScore, VmMetadata,
};
use inventory::time::Timestamp;
use serde_json::Value;

use super::ask::{Dice, Row, V};
use crate::harness::{Server, set_tags, time, unlimited};

/// User and domain; what stands beside one another here is one user each.
pub(super) const USERS: &[(&str, &str, &str)] = &[
    ("jdoe", "CORP", "S-1-5-21-1-1-1-1104"),
    ("jdoe", "LAB", ""),
    ("jdoe", "", ""),
    ("Anna", "CORP", ""),
    ("anna", "lab", "S-1-5-21-2-2-2-1105"),
    ("Müller", "CORP", ""),
    ("o'neil", "CORP", "S-1-5-21-1-1-1-1107"),
    ("root", "", ""),
    ("svc_backup", "CORP", ""),
    ("100%", "x_y", ""),
    ("kim", "corp", ""),
];

const TEXTS: &[&str] =
    &["Windows11", "windows11", "Ubuntu", "", " x ", "a'b", "50%", "_", "Büro", "22H2"];
const TAGS: &[&str] = &["vip", "laptop", "Lab", "Büro", "a'b", "vip-2"];

pub(super) struct World {
    pub(super) server: Server,
    pub(super) token: String,
    pub(super) machines: Vec<Row>,
    /// By name, then by what tells accounts of a name apart.
    pub(super) users: Vec<Row>,
}

fn facts(dice: &mut Dice) -> MachineFacts {
    fn some<T>(dice: &mut Dice, make: impl FnOnce(&mut Dice) -> T) -> Option<T> {
        if dice.once_in(3) { None } else { Some(make(dice)) }
    }
    let text = |dice: &mut Dice| some(dice, |dice| dice.one(TEXTS).to_owned());
    let address = |dice: &mut Dice| MachineIpAddress {
        ip_address: dice.one(&["10.0.0.1", "10.0.0.2", "fe80::1"]).parse().unwrap(),
        mac_address: some(dice, |_| "00005E0053FF".to_owned()),
        adapter_type: AdapterType::Ethernet,
        operational_status: OperationalStatus::Up,
    };
    MachineFacts {
        os_platform: text(dice),
        os_processor: text(dice),
        version: text(dice),
        last_ip_address: some(dice, |dice| address(dice).ip_address),
        last_external_ip_address: some(dice, |dice| address(dice).ip_address),
        agent_version: text(dice),
        os_build: some(dice, |dice| dice.one(&[0, 1, 22631, -5])),
        os_architecture: text(dice),
        is_aad_joined: some(dice, |dice| dice.once_in(2)),
        aad_device_id: None,
        risk_score: some(dice, |dice| dice.one(RiskScore::ALL)),
        exposure_level: some(dice, |dice| dice.one(ExposureLevel::ALL)),
        onboarding_status: some(dice, |dice| dice.one(OnboardingStatus::ALL)),
        managed_by: some(dice, |dice| dice.one(ManagedBy::ALL)),
        managed_by_status: some(dice, |dice| dice.one(ManagedByStatus::ALL)),
        ip_addresses: vec![address(dice)],
        vm_metadata: some(dice, |dice| VmMetadata {
            vm_id: text(dice),
            resource_id: None,
            subscription_id: None,
        }),
        tags: Vec::new(),
    }
}

impl World {
    pub(super) async fn new(machines: usize) -> Self {
        let server = Server::start(unlimited()).await;
        let mut dice = Dice(7);
        let mut logons = Vec::new();
        let (store, tenant) = (&server.store, server.tenant.number);
        let scope = inventory::access::scope::Scope::whole(tenant);
        for number in 0..machines {
            let name = match number % 4 {
                0 => format!("WS-{number}.corp.example"),
                1 => format!("ws-{number}"),
                2 => format!("srv_{number}.lab.example"),
                _ => format!("Büro-{number}"),
            };
            let day = dice.one(&["2026-10-01", "2026-11-15", "2026-11-16", "2026-11-22"]);
            let at = time(&format!("{day}T{:02}:{:02}:00.25Z", dice.roll(24), dice.roll(3)));
            let machine = MachineRef::named(&name);
            let report =
                MachineReport { machine: machine.clone(), time: at, facts: facts(&mut dice) };
            store.describe(tenant, vec![report]).await.unwrap();
            for _ in 0..dice.roll(7) {
                let (user, domain, sid) = dice.one(USERS);
                let at = at.plus_seconds(-(dice.roll(5) as i64) * 40_000).unwrap();
                logons.push(Logon {
                    account: Account::from_log(user, domain, sid).unwrap(),
                    machine: machine.clone(),
                    time: at,
                    logon_type: LogonType::new(dice.one(&[2, 3, 4, 8, 10])).unwrap(),
                    remote_address: None,
                    remote_name: None,
                    source: Source::Evtx,
                    key: EventKey { session: logons.len() as u64, record: Some(1) },
                });
            }
            let selector = inventory::query::MachineSelector::parse(&name).unwrap();
            let id = store.machine(&scope, &selector).await.unwrap().unwrap().id;
            let tags: BTreeSet<&str> = (0..dice.roll(3)).map(|_| dice.one(TAGS)).collect();
            let tags = tags.into_iter().map(str::to_owned).collect();
            set_tags(&**store, &scope, id, tags).await;
        }
        store.record(tenant, logons.clone()).await.unwrap();
        let token = server.reader().await;
        let mut rows = machines_of(&server, &token).await;
        let mut users = users_of(&logons, &rows);
        relate(&logons, &mut rows, &mut users);
        Self { server, token, machines: rows, users }
    }
}

/// What the wire says of every machine; that what it says is what was recorded, other tests hold.
async fn machines_of(server: &Server, token: &str) -> Vec<Row> {
    let all = server.get("/api/machines", token).await.json();
    all["value"].as_array().unwrap().iter().map(machine).collect()
}

fn machine(row: &Value) -> Row {
    let value = |value: &Value, kind: Kind| match (value, kind) {
        (Value::Bool(truth), _) => V::Bool(*truth),
        (Value::Number(number), _) => V::Number(number.as_i64().unwrap()),
        (Value::String(text), Kind::Moment) => V::Moment(time(text)),
        (Value::String(text), _) => V::Text(text.clone()),
        _ => V::Null,
    };
    let of = properties(EntityKind::Machine);
    Row {
        id: row["id"].as_str().unwrap().to_owned(),
        kind: EntityKind::Machine,
        values: of.iter().map(|property| value(&row[property.name], property.kind)).collect(),
        tags: serde_json::from_value(row["machineTags"].clone()).unwrap(),
        related: Vec::new(),
    }
}

fn name_of(machine: &Row) -> &str {
    let place = properties(EntityKind::Machine).iter().position(|it| it.name == "computerDnsName");
    match &machine.values[place.unwrap()] {
        V::Text(name) => name,
        other => panic!("{other:?} is no name"),
    }
}

/// The logons of each user, by name and authority.
fn by_user(logons: &[Logon]) -> BTreeMap<(String, String), Vec<&Logon>> {
    let mut users: BTreeMap<_, Vec<&Logon>> = BTreeMap::new();
    for logon in logons {
        let account = &logon.account;
        let key = (account.name.clone(), account.authority().to_owned());
        users.entry(key).or_default().push(logon);
    }
    users
}

fn users_of(logons: &[Logon], machines: &[Row]) -> Vec<Row> {
    let all = by_user(logons);
    let names: Vec<&str> = all.keys().map(|(name, _)| name.as_str()).collect();
    let row = |logons: &Vec<&Logon>| {
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for logon in logons {
            let machine = machines.iter().find(|row| name_of(row) == logon.machine.name);
            *counts.entry(machine.unwrap().id.as_str()).or_default() += 1;
        }
        // Of several the one with the lowest id, which comes first here.
        let most = counts.iter().rev().max_by_key(|(_, count)| **count).unwrap().0;
        let least = counts.iter().min_by_key(|(_, count)| **count).unwrap().0;
        let own = names.iter().filter(|name| **name == logons[0].account.name).count() > 1;
        let prevalent = |id: &str| V::Text(id.to_owned());
        let machines = V::Number(counts.len() as i64);
        user(logons, own, [prevalent(most), prevalent(least), machines])
    };
    all.values().map(row).collect()
}

/// A user who did this; `shares` says whether others have the name.
fn user(logons: &[&Logon], shares: bool, [most, least, machines]: [V; 3]) -> Row {
    let account = &logons[0].account;
    let seconds = |time: Timestamp| V::Moment(Timestamp::from_seconds(time.seconds(), 0).unwrap());
    let types: LogonTypes = logons.iter().map(|logon| logon.logon_type).collect();
    let id = match account.domain.as_str() {
        "" if shares => format!("\\{}", account.name),
        "" => account.name.clone(),
        domain => format!("{domain}\\{}", account.name),
    };
    let value = |name: &str| match name {
        "id" => V::Text(id.clone()),
        "accountName" => V::Text(account.name.clone()),
        "accountDomain" if account.domain.is_empty() => V::Null,
        "accountDomain" => V::Text(account.domain.clone()),
        "accountSid" => account.sid.clone().map_or(V::Null, V::Text),
        "firstSeen" => seconds(logons.iter().map(|logon| logon.time).min().unwrap()),
        "lastSeen" => seconds(logons.iter().map(|logon| logon.time).max().unwrap()),
        "mostPrevalentMachineId" => most.clone(),
        "leastPrevalentMachineId" => least.clone(),
        "logonTypes" => V::Text(types.words().join(", ")),
        "logOnMachinesCount" => machines.clone(),
        "isDomainAdmin" => V::Bool(false),
        "isOnlyNetworkUser" => {
            V::Bool(logons.iter().all(|logon| [3, 8].contains(&logon.logon_type.number())))
        }
        _ => V::Null,
    };
    let of = properties(EntityKind::User);
    Row {
        id: id.clone(),
        kind: EntityKind::User,
        values: of.iter().map(|property| value(property.name)).collect(),
        tags: Vec::new(),
        related: Vec::new(),
    }
}

/// Puts users into machines as `logonusers` has them (the last seen first, then by domain and name), and
/// machines into users (the last seen first, then by id, as `/api/machines` has them).
fn relate(logons: &[Logon], machines: &mut [Row], users: &mut [Row]) {
    let all = by_user(logons);
    let names: Vec<&str> = all.keys().map(|(name, _)| name.as_str()).collect();
    let plain = machines.to_vec();
    for (user, of_user) in users.iter_mut().zip(all.values()) {
        let on = |row: &&Row| of_user.iter().any(|logon| logon.machine.name == name_of(row));
        user.related = plain.iter().filter(on).cloned().collect();
    }
    for machine in machines {
        let mut related = Vec::new();
        for ((name, _), of_user) in &all {
            let here: Vec<&Logon> = (of_user.iter().copied())
                .filter(|logon| logon.machine.name == name_of(machine))
                .collect();
            let Some(last) = here.iter().map(|logon| logon.time).max() else { continue };
            let shares = names.iter().filter(|other| *other == name).count() > 1;
            let key = (std::cmp::Reverse(last), here[0].account.domain.clone(), name.clone());
            related.push((key, user(&here, shares, [V::Null, V::Null, V::Null])));
        }
        related.sort_by(|(one, _), (other, _)| one.cmp(other));
        machine.related = related.into_iter().map(|(_, user)| user).collect();
    }
}
