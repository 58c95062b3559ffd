//! A machine as a row: its columns, reading and writing them.

use std::net::IpAddr;

use inventory::machine::{
    AdapterType, DeviceValue, ExclusionReason, ExposureLevel, Machine, MachineFacts,
    MachineIpAddress, MachineReport, ManagedBy, ManagedByStatus, OnboardingStatus,
    OperationalStatus, RiskScore, VmMetadata,
};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};
use serde::{Deserialize, Serialize};

use crate::sqlite::Failure;
use crate::sqlite::values::{from_json, machine_id, timestamp, to_json};

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
        tags: Vec::new(),
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

/// Takes those of a report's facts that are no older than what is known, each by itself, and of two of
/// one moment the greater value, so that the order of reports does not matter. Whether the platform is
/// another now.
pub(in crate::sqlite) fn write(
    db: &Connection,
    table: &str,
    number: i64,
    report: &MachineReport,
) -> Result<bool, Failure> {
    let time = report.time.ticks();
    let mut values = values(&report.facts)?;
    let (times, platform): (Option<String>, Value) = db
        .prepare_cached(&format!("SELECT facts_at, os_platform FROM {table} WHERE number = ?1"))?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut times: Vec<Option<i64>> =
        times.as_deref().map(from_json).transpose()?.unwrap_or_default();
    times.resize(REPORTED.len(), None);
    for ((value, known), column) in values.iter_mut().zip(&mut times).zip(REPORTED) {
        if *value == Value::Null || known.is_some_and(|known| known > time) {
            *value = Value::Null;
        } else if *known == Some(time) {
            *value = greater(db, table, number, column, value)?;
        } else {
            *known = Some(time);
        }
    }
    let is_another = values[0] != Value::Null && values[0] != platform;
    let head = [Value::from(number), time.into(), to_json(&times)?.into()];
    db.prepare_cached(&update_sql(table))?
        .execute(params_from_iter(head.into_iter().chain(values)))?;
    Ok(is_another)
}

/// The greater of a fact that is known and another.
fn greater(
    db: &Connection,
    table: &str,
    number: i64,
    column: &str,
    other: &Value,
) -> Result<Value, Failure> {
    let find = format!("SELECT max(coalesce({column}, ?2), ?2) FROM {table} WHERE number = ?1");
    Ok(db.prepare_cached(&find)?.query_row(params![number, other], |row| row.get(0))?)
}

/// The columns that reports fill. Their order is stored (0007_fact_times.sql): a new one goes to
/// the end.
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

/// What a report says for each of them; null where it says nothing.
fn values(facts: &MachineFacts) -> Result<[Value; REPORTED.len()], Failure> {
    fn text(text: Option<impl Into<String>>) -> Value {
        text.map_or(Value::Null, |text| Value::Text(text.into()))
    }
    let address = |address: Option<IpAddr>| text(address.map(|address| address.to_string()));
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
    let addresses = if addresses.is_empty() { None } else { Some(to_json(&addresses)?) };
    let vm = facts.vm_metadata.as_ref().map(|vm| StoredVm {
        vm: vm.vm_id.clone(),
        resource: vm.resource_id.clone(),
        subscription: vm.subscription_id.clone(),
    });
    Ok([
        text(facts.os_platform.as_deref()),
        text(facts.os_processor.as_deref()),
        text(facts.version.as_deref()),
        address(facts.last_ip_address),
        address(facts.last_external_ip_address),
        text(facts.agent_version.as_deref()),
        facts.os_build.into(),
        text(facts.risk_score.map(RiskScore::as_str)),
        text(facts.exposure_level.map(ExposureLevel::as_str)),
        facts.is_aad_joined.into(),
        facts.aad_device_id.map_or(Value::Null, |id| Value::Blob(id.as_bytes().to_vec())),
        text(facts.onboarding_status.map(OnboardingStatus::as_str)),
        text(facts.os_architecture.as_deref()),
        text(facts.managed_by.map(ManagedBy::as_str)),
        text(facts.managed_by_status.map(ManagedByStatus::as_str)),
        text(addresses),
        text(vm.map(|vm| to_json(&vm)).transpose()?),
    ])
}

fn update_sql(table: &str) -> String {
    let mut sql = format!(
        "UPDATE {table} SET first_report = min(coalesce(first_report, ?2), ?2),
             last_report = max(coalesce(last_report, ?2), ?2), facts_at = ?3",
    );
    for (column, value) in REPORTED.iter().zip(4..) {
        sql.push_str(&format!(", {column} = coalesce(?{value}, {column})"));
    }
    sql.push_str(" WHERE number = ?1");
    sql
}
