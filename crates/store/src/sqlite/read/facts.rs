//! A machine as a row: its columns, reading and writing them.

use std::net::IpAddr;

use inventory::machine::{
    AdapterType, DeviceValue, ExclusionReason, ExposureLevel, Machine, MachineFacts,
    MachineIpAddress, MachineReport, ManagedBy, ManagedByStatus, OnboardingStatus,
    OperationalStatus, RiskScore, VmMetadata,
};
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use crate::sqlite::Failure;
use crate::sqlite::values::{machine_id, timestamp};

/// The columns that [`machine_of`] reads, in its order.
pub(super) const COLUMNS: &str = "id, merged_into, is_potential_duplication, exclusion, name,
    first_seen, last_seen, os_platform, os_processor, version, last_ip_address,
    last_external_ip_address, agent_version, os_build, device_value, rbac_group_id,
    rbac_group_name, risk_score, exposure_level, is_aad_joined, aad_device_id, tags,
    onboarding_status, os_architecture, managed_by, managed_by_status, ip_addresses, vm_metadata";

/// The same columns of one of several tables.
pub(super) fn qualified(table: &str) -> String {
    let columns: Vec<_> =
        COLUMNS.split(',').map(|column| format!("{table}.{}", column.trim())).collect();
    columns.join(", ")
}

/// How many these are.
pub(super) const COLUMN_COUNT: usize = 28;

#[derive(Serialize, Deserialize)]
struct StoredAddress {
    ip: IpAddr,
    mac: Option<String>,
    kind: String,
    status: String,
}

#[derive(Serialize, Deserialize)]
struct StoredVm {
    vm: Option<String>,
    resource: Option<String>,
    subscription: Option<String>,
}

pub(super) fn machine_of(row: &Row<'_>) -> Result<Machine, Failure> {
    let merged_into: Option<Vec<u8>> = row.get(1)?;
    Ok(Machine {
        id: machine_id(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?,
        merged_into: merged_into.as_deref().map(machine_id).transpose()?,
        is_potential_duplication: row.get(2)?,
        exclusion: word(row, 3, ExclusionReason::parse)?,
        computer_dns_name: row.get(4)?,
        first_seen: timestamp(row.get(5)?)?,
        last_seen: timestamp(row.get(6)?)?,
        device_value: word(row, 14, DeviceValue::parse)?.unwrap_or(DeviceValue::Normal),
        rbac_group_id: row.get(15)?,
        rbac_group_name: row.get(16)?,
        tags: json(row, 21)?.unwrap_or_default(),
        facts: facts_of(row)?,
    })
}

fn facts_of(row: &Row<'_>) -> Result<MachineFacts, Failure> {
    let vm: Option<StoredVm> = json(row, 27)?;
    let addresses: Vec<StoredAddress> = json(row, 26)?.unwrap_or_default();
    Ok(MachineFacts {
        os_platform: row.get(7)?,
        os_processor: row.get(8)?,
        version: row.get(9)?,
        last_ip_address: word(row, 10, |text| text.parse().ok())?,
        last_external_ip_address: word(row, 11, |text| text.parse().ok())?,
        agent_version: row.get(12)?,
        os_build: row.get(13)?,
        risk_score: word(row, 17, RiskScore::parse)?,
        exposure_level: word(row, 18, ExposureLevel::parse)?,
        is_aad_joined: row.get(19)?,
        aad_device_id: row.get(20)?,
        onboarding_status: word(row, 22, OnboardingStatus::parse)?,
        os_architecture: row.get(23)?,
        managed_by: word(row, 24, ManagedBy::parse)?,
        managed_by_status: word(row, 25, ManagedByStatus::parse)?,
        ip_addresses: addresses
            .into_iter()
            .map(|address| MachineIpAddress {
                ip_address: address.ip,
                mac_address: address.mac,
                adapter_type: AdapterType::parse(&address.kind).unwrap_or(AdapterType::Unknown),
                operational_status: OperationalStatus::parse(&address.status)
                    .unwrap_or(OperationalStatus::Unknown),
            })
            .collect(),
        vm_metadata: vm.map(|vm| VmMetadata {
            vm_id: vm.vm,
            resource_id: vm.resource,
            subscription_id: vm.subscription,
        }),
    })
}

/// A text column that holds one of a set of words.
fn word<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Failure> {
    let value = row.get_ref(column)?;
    let text = value.as_str_or_null().map_err(rusqlite::Error::from)?;
    text.map(|text| {
        parse(text).ok_or_else(|| {
            Failure::Damaged(format!(
                "a machine has `{text}` in column {}",
                column_name(row, column)
            ))
        })
    })
    .transpose()
}

fn column_name<'r>(row: &'r Row<'_>, column: usize) -> &'r str {
    row.as_ref().column_name(column).unwrap_or("?")
}

fn json<T: for<'de> Deserialize<'de>>(row: &Row<'_>, column: usize) -> Result<Option<T>, Failure> {
    let value = row.get_ref(column)?;
    let text = value.as_str_or_null().map_err(rusqlite::Error::from)?;
    text.map(|text| {
        serde_json::from_str(text).map_err(|error| {
            Failure::Damaged(format!(
                "a machine has bad JSON in {}: {error}",
                column_name(row, column)
            ))
        })
    })
    .transpose()
}

/// Takes a report's facts. A newer report replaces what it names; an older one fills gaps only.
pub(in crate::sqlite) fn write(
    db: &Connection,
    table: &str,
    number: i64,
    report: &MachineReport,
    newer: bool,
) -> Result<(), Failure> {
    let facts = &report.facts;
    let addresses: Vec<_> = facts
        .ip_addresses
        .iter()
        .map(|address| StoredAddress {
            ip: address.ip_address,
            mac: address.mac_address.clone(),
            kind: address.adapter_type.as_str().to_owned(),
            status: address.operational_status.as_str().to_owned(),
        })
        .collect();
    let vm = facts.vm_metadata.as_ref().map(|vm| StoredVm {
        vm: vm.vm_id.clone(),
        resource: vm.resource_id.clone(),
        subscription: vm.subscription_id.clone(),
    });
    let text = |error: serde_json::Error| Failure::Damaged(error.to_string());
    let addresses = if addresses.is_empty() {
        None
    } else {
        Some(serde_json::to_string(&addresses).map_err(text)?)
    };
    let vm = vm.map(|vm| serde_json::to_string(&vm).map_err(text)).transpose()?;
    db.prepare_cached(&update_sql(table))?.execute(params![
        number,
        newer,
        report.time.ticks(),
        facts.os_platform,
        facts.os_processor,
        facts.version,
        facts.last_ip_address.map(|address| address.to_string()),
        facts.last_external_ip_address.map(|address| address.to_string()),
        facts.agent_version,
        facts.os_build,
        facts.risk_score.map(RiskScore::as_str),
        facts.exposure_level.map(ExposureLevel::as_str),
        facts.is_aad_joined,
        facts.aad_device_id,
        facts.onboarding_status.map(OnboardingStatus::as_str),
        facts.os_architecture,
        facts.managed_by.map(ManagedBy::as_str),
        facts.managed_by_status.map(ManagedByStatus::as_str),
        addresses,
        vm,
    ])?;
    Ok(())
}

/// The columns that reports fill, in the order of [`write`]'s values from the fourth on.
pub(in crate::sqlite) const REPORTED: [&str; 17] = [
    "os_platform",
    "os_processor",
    "version",
    "last_ip_address",
    "last_external_ip_address",
    "agent_version",
    "os_build",
    "risk_score",
    "exposure_level",
    "is_aad_joined",
    "aad_device_id",
    "onboarding_status",
    "os_architecture",
    "managed_by",
    "managed_by_status",
    "ip_addresses",
    "vm_metadata",
];

fn update_sql(table: &str) -> String {
    let mut sql = format!(
        "UPDATE {table} SET first_report = min(coalesce(first_report, ?3), ?3),
             last_report = max(coalesce(last_report, ?3), ?3)",
    );
    for (column, value) in REPORTED.iter().zip(4..) {
        sql.push_str(&format!(
            ", {column} = CASE WHEN ?2 THEN coalesce(?{value}, {column})
               ELSE coalesce({column}, ?{value}) END"
        ));
    }
    sql.push_str(" WHERE number = ?1");
    sql
}
