//! A store of the size that the measurements are about: 100,000 machines and 1,000,000 relations
//! of users with 1, 8 and 50 machines each.

use std::sync::Arc;

use inventory::account::Account;
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source};
use inventory::machine::{
    AdapterType, MachineFacts, MachineIpAddress, MachineReport, OperationalStatus,
};
use inventory::time::Timestamp;
use store::Store;

pub(crate) const MACHINES: u64 = 100_000;
/// How many machines each user of a class has, and how many users the class has.
pub(crate) const CLASSES: [(u64, u64); 3] = [(1, 100_000), (8, 50_000), (50, 10_000)];

/// 2025-06-02T00:00:00Z.
const START_S: i64 = 1_748_822_400;
const BATCH: usize = 50_000;

/// The name of a user of a class.
pub(crate) fn user(machines: u64, place: u64) -> String {
    format!("user{machines}x{place}")
}

/// Fills an empty store.
pub(crate) async fn fill(store: &Arc<dyn Store>) -> anyhow::Result<()> {
    let tenant = store.default_tenant().await?.number;
    let mut random = fastrand::Rng::with_seed(1);
    let mut batch = Vec::with_capacity(BATCH);
    let mut session = 0;
    for (machines, users) in CLASSES {
        for place in 0..users {
            for _ in 0..machines {
                session += 1;
                batch.push(logon(&user(machines, place), session, &mut random));
                if batch.len() == BATCH {
                    store.record(tenant, std::mem::take(&mut batch)).await?;
                }
            }
        }
    }
    store.record(tenant, batch).await?;
    let numbers: Vec<u64> = (0..MACHINES).collect();
    for numbers in numbers.chunks(BATCH) {
        let reports = numbers.iter().map(|&number| report(number)).collect();
        store.describe(tenant, reports).await?;
    }
    Ok(())
}

fn machine(number: u64) -> MachineRef {
    MachineRef::named(format!("ws-{number:06}.corp.example"))
}

fn time(seconds: i64, ticks: i64) -> Timestamp {
    Timestamp::from_seconds(START_S + seconds, ticks).unwrap_or(Timestamp::MIN)
}

/// A logon on any machine, within 60 days.
fn logon(user: &str, session: u64, random: &mut fastrand::Rng) -> Logon {
    let kinds = [2, 3, 7, 10].map(LogonType::new);
    Logon {
        account: Account {
            name: user.to_owned(),
            domain: "corp".to_owned(),
            sid: None,
            ..Account::default()
        },
        machine: machine(random.u64(0..MACHINES)),
        time: time(random.i64(0..60 * 86_400), random.i64(0..10_000_000)),
        logon_type: kinds[random.usize(0..4)].unwrap_or_else(|| unreachable!()),
        remote_address: None,
        remote_name: None,
        source: Source::Simulated,
        key: EventKey { session, record: Some(session) },
    }
}

fn report(number: u64) -> MachineReport {
    let octets = (number as u32).to_be_bytes();
    let address = std::net::Ipv4Addr::new(10, octets[1], octets[2], octets[3]).into();
    MachineReport {
        machine: machine(number),
        time: time(60 * 86_400 + number as i64 % 3600, 5_684_607),
        facts: MachineFacts {
            os_platform: Some("Windows11".to_owned()),
            os_processor: Some("x64".to_owned()),
            version: Some("23H2".to_owned()),
            last_ip_address: Some(address),
            last_external_ip_address: "203.0.113.7".parse().ok(),
            agent_version: Some("10.8760.22631.4317".to_owned()),
            os_build: Some(22631),
            os_architecture: Some("64-bit".to_owned()),
            is_aad_joined: Some(true),
            ip_addresses: vec![MachineIpAddress {
                ip_address: address,
                mac_address: Some("00005E0053FF".to_owned()),
                adapter_type: AdapterType::Ethernet,
                operational_status: OperationalStatus::Up,
            }],
            ..MachineFacts::default()
        },
    }
}
