//! A small inventory with one of everything that an answer can show.

use inventory::account::Account;
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source};
use inventory::machine::{
    AdapterType, ExposureLevel, MachineFacts, MachineIpAddress, MachineReport, ManagedBy,
    OnboardingStatus, OperationalStatus, RiskScore, VmMetadata,
};
use inventory::time::Timestamp;

use crate::harness::{Server, time};

/// The Entra device id of `WS-014.corp.example`.
pub(crate) const AAD_DEVICE: &str = "5b0c9f3e-6f0e-4a0b-9a6e-2f1d3c4b5a69";

pub(crate) fn logon(user: &str, domain: &str, machine: &str, kind: u32, at: Timestamp) -> Logon {
    Logon {
        account: Account::from_log(user, domain, "").unwrap(),
        machine: MachineRef::named(machine),
        time: at,
        logon_type: LogonType::new(kind).unwrap(),
        remote_address: None,
        remote_name: None,
        source: Source::Evtx,
        key: EventKey {
            session: at.ticks().unsigned_abs(),
            record: Some(at.ticks().unsigned_abs()),
        },
    }
}

/// - `WS-014.corp.example`, of which everything is known: `CORP\jdoe` sits at it.
/// - `ws-020.corp.example`, silent for weeks: `CORP\jdoe` reached it over the network.
/// - `srv-01`: `LAB\jdoe`, `srv-01\chris phillips`, and `root` without a domain.
pub(crate) async fn fill(server: &Server) {
    let tenant = server.tenant.number;
    let logons = vec![
        logon("jdoe", "CORP", "ws-014.corp.example", 2, time("2026-11-20T08:14:55.7791856Z")),
        logon("JDoe", "corp", "WS-014.corp.example", 10, time("2026-11-23T09:40:05.684607Z")),
        logon("jdoe", "CORP", "ws-020.corp.example", 3, time("2026-10-01T12:00:00.55Z")),
        logon("jdoe", "LAB", "srv-01", 3, time("2026-11-22T01:00:00Z")),
        logon("chris phillips", "SRV-01", "srv-01", 2, time("2026-11-21T07:00:00Z")),
        logon("root", "", "srv-01", 8, time("2026-11-19T23:59:59.9999999Z")),
    ];
    server.store.record(tenant, logons).await.unwrap();
    let report = MachineReport {
        machine: MachineRef {
            aad_device_id: AAD_DEVICE.parse().ok(),
            ..MachineRef::named("WS-014.corp.example")
        },
        time: time("2026-11-23T09:30:00Z"),
        facts: facts(),
    };
    server.store.describe(tenant, vec![report]).await.unwrap();
}

fn facts() -> MachineFacts {
    let text = |text: &str| Some(text.to_owned());
    MachineFacts {
        os_platform: text("Windows11"),
        os_processor: text("x64"),
        version: text("23H2"),
        last_ip_address: "10.20.30.40".parse().ok(),
        last_external_ip_address: "2001:db8::7".parse().ok(),
        agent_version: text("10.8760.22631.4317"),
        os_build: Some(22631),
        os_architecture: text("64-bit"),
        is_aad_joined: Some(true),
        aad_device_id: AAD_DEVICE.parse().ok(),
        risk_score: Some(RiskScore::Medium),
        exposure_level: Some(ExposureLevel::Low),
        onboarding_status: Some(OnboardingStatus::Onboarded),
        managed_by: Some(ManagedBy::Intune),
        managed_by_status: None,
        ip_addresses: vec![
            MachineIpAddress {
                ip_address: "10.20.30.40".parse().unwrap(),
                mac_address: text("00005E0053FF"),
                adapter_type: AdapterType::Ethernet,
                operational_status: OperationalStatus::Up,
            },
            MachineIpAddress {
                ip_address: "127.0.0.1".parse().unwrap(),
                mac_address: None,
                adapter_type: AdapterType::SoftwareLoopback,
                operational_status: OperationalStatus::Up,
            },
        ],
        vm_metadata: Some(VmMetadata {
            vm_id: text("0f6d6c1e-5a1b-4b43-9a77-5d3c2b1a0f9e"),
            resource_id: text("/subscriptions/s/resourceGroups/g"),
            subscription_id: text("7d0b8a52-2f0e-4c55-8d25-6b1f0c9a4e11"),
        }),
        tags: Vec::new(),
    }
}
