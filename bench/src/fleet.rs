//! A fleet of any size: machines of 1,000 sites with a report each, eight machines a user.

use std::net::Ipv4Addr;
use std::sync::Arc;

use inventory::account::Account;
use inventory::ids::TenantId;
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source};
use inventory::machine::{ExposureLevel, MachineFacts, MachineReport, RiskScore};
use inventory::time::Timestamp;
use store::Store;
use uuid::Uuid;

pub(crate) const PLATFORMS: [&str; 4] = ["Windows11", "Windows10", "WindowsServer2022", "Ubuntu"];
pub(crate) const SITES: u64 = 1_000;
pub(crate) const MACHINES_A_USER: u64 = 8;

/// 2025-06-02T00:00:00Z; the reports and logons are of the 60 days after it.
const START_S: i64 = 1_748_822_400;
const BATCH: usize = 50_000;
const VERSIONS: [&str; 5] = ["21H2", "22H2", "23H2", "24H2", "1809"];
const EXPOSURES: [ExposureLevel; 3] =
    [ExposureLevel::Low, ExposureLevel::Medium, ExposureLevel::High];
const RISKS: [RiskScore; 4] = [RiskScore::None, RiskScore::Low, RiskScore::Medium, RiskScore::High];

/// The name of a machine: of one of [`SITES`] sites.
pub(crate) fn name(number: u64) -> String {
    format!("s{:04}-ws-{number:07}.dept{:02}.corp.example", number % SITES, number % 37)
}

/// The user of a machine.
pub(crate) fn user(number: u64) -> String {
    format!("user{}", number / MACHINES_A_USER)
}

/// Every machine with a report, and eight machines a user.
pub(crate) async fn fill(
    store: &Arc<dyn Store>,
    tenant: TenantId,
    machines: u64,
) -> anyhow::Result<()> {
    let numbers: Vec<u64> = (0..machines).collect();
    for numbers in numbers.chunks(BATCH) {
        let reports = numbers.iter().map(|&number| report(number)).collect();
        store.describe(tenant, reports).await?;
        store.record(tenant, numbers.iter().map(|&number| logon(number)).collect()).await?;
    }
    Ok(())
}

fn time(number: u64) -> Timestamp {
    let second = START_S + (number.wrapping_mul(2_654_435_761) % (60 * 86_400)) as i64;
    Timestamp::from_seconds(second, 0).unwrap_or(Timestamp::MIN)
}

fn report(number: u64) -> MachineReport {
    let platform = PLATFORMS[(number / SITES) as usize % PLATFORMS.len()];
    MachineReport {
        machine: MachineRef::named(name(number)),
        time: time(number),
        facts: MachineFacts {
            os_platform: Some(platform.to_owned()),
            os_processor: Some("x64".to_owned()),
            agent_version: Some("10.8760.22631.4317".to_owned()),
            os_build: Some(22631),
            version: Some(VERSIONS[(number / 3) as usize % VERSIONS.len()].to_owned()),
            risk_score: Some(RISKS[(number % 7) as usize % RISKS.len()]),
            exposure_level: Some(EXPOSURES[(number % 11) as usize % EXPOSURES.len()]),
            last_ip_address: Some(Ipv4Addr::from(0x0A00_0000 + number as u32).into()),
            aad_device_id: Some(Uuid::from_u128(number.into())),
            ..MachineFacts::default()
        },
    }
}

fn logon(number: u64) -> Logon {
    Logon {
        account: Account { name: user(number), domain: "corp".to_owned(), ..Account::default() },
        machine: MachineRef::named(name(number)),
        time: time(number),
        logon_type: LogonType::new(2).unwrap_or_else(|| unreachable!()),
        remote_address: None,
        remote_name: None,
        source: Source::Simulated,
        key: EventKey { session: number, record: Some(number + 1) },
    }
}
