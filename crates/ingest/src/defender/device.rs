//! What machines report in DeviceInfo and DeviceNetworkInfo. The names of facts are those of the
//! vendor's API, which has them from these tables (defender-api.md §9).

use std::net::IpAddr;

use inventory::logon::remote_address;
use inventory::machine::{
    AdapterType, ExposureLevel, MachineFacts, MachineIpAddress, MachineReport, OnboardingStatus,
    OperationalStatus, VmMetadata,
};
use uuid::Uuid;

use super::{machine, time};
use crate::object::{Object, elements};
use crate::platform;
use crate::product::{Context, Found, bounded};
use crate::windows::{FieldError, present};

/// More addresses than an adapter has.
const MAX_ADDRESSES: usize = 256;

/// Columns of DeviceInfo, one of which a row must have to be taken for it.
pub(super) const INFO_COLUMNS: [&str; 9] = [
    "OSPlatform",
    "OSVersion",
    "OSVersionInfo",
    "OSBuild",
    "OSArchitecture",
    "ClientVersion",
    "PublicIP",
    "AadDeviceId",
    "IsAzureADJoined",
];

/// A row of DeviceInfo.
pub(super) fn info(row: &Object<'_>, context: &Context<'_>) -> Result<Found, FieldError> {
    let text = |column: &'static str| -> Result<Option<String>, FieldError> {
        let text = row.text(column);
        bounded(&[(column, &text)])?;
        Ok(present(&text).map(str::to_owned))
    };
    let word = |column: &str| row.text(column).replace(' ', "");
    let machine = machine(row, context)?;
    let os_build = row.text("OSBuild").parse().ok();
    let vm = VmMetadata {
        vm_id: text("AzureVmId")?,
        resource_id: text("AzureResourceId")?,
        subscription_id: text("AzureVmSubscriptionId")?,
    };
    let in_azure = vm.vm_id.is_some() || vm.resource_id.is_some();
    let facts = MachineFacts {
        os_platform: os_platform(text("OSPlatform")?, text("OSDistribution")?, os_build),
        // The release's name, where the product has one beside the number.
        version: text("OSVersionInfo")?.or(text("OSVersion")?),
        last_external_ip_address: remote_address(&row.text("PublicIP")),
        agent_version: text("ClientVersion")?,
        os_build,
        os_architecture: text("OSArchitecture")?,
        is_aad_joined: joined(&row.text("IsAzureADJoined")),
        aad_device_id: Uuid::try_parse(&row.text("AadDeviceId")).ok().filter(|id| !id.is_nil()),
        exposure_level: ExposureLevel::parse(&word("ExposureLevel")),
        onboarding_status: OnboardingStatus::parse(&word("OnboardingStatus")),
        vm_metadata: in_azure.then_some(vm),
        ..MachineFacts::default()
    };
    let time = time(row)?;
    Ok(Found::Report(MachineReport { machine, time, facts }))
}

/// The API says which Linux it is, the table says it beside.
fn os_platform(
    platform: Option<String>,
    distribution: Option<String>,
    build: Option<i64>,
) -> Option<String> {
    let name = match platform.as_deref() {
        Some("Linux") => distribution.or(platform),
        _ => platform,
    };
    platform::platform(&name?, build)
}

/// Whether a machine is joined to Entra ID, where that is told.
pub(crate) fn joined(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// A row of DeviceNetworkInfo: one adapter.
pub(super) fn network(row: &Object<'_>, context: &Context<'_>) -> Result<Found, FieldError> {
    let machine = machine(row, context)?;
    let adapter_type = adapter_type(&row.text("NetworkAdapterType"));
    let operational_status = OperationalStatus::parse(&row.text("NetworkAdapterStatus"))
        .unwrap_or(OperationalStatus::Unknown);
    let mac_address = mac(&row.text("MacAddress"));
    let addresses = addresses(&row.json("IPAddresses"));
    let is_up = operational_status == OperationalStatus::Up;
    let facts = MachineFacts {
        last_ip_address: addresses.iter().copied().find(|_| is_up),
        ip_addresses: addresses
            .iter()
            .map(|&ip_address| MachineIpAddress {
                ip_address,
                mac_address: mac_address.clone(),
                adapter_type,
                operational_status,
            })
            .collect(),
        ..MachineFacts::default()
    };
    let time = time(row)?;
    Ok(Found::Report(MachineReport { machine, time, facts }))
}

/// The table has .NET's names with more to them: `Wireless80211`, `Ethernet`.
fn adapter_type(text: &str) -> AdapterType {
    match AdapterType::parse(text) {
        Some(kind) => kind,
        None if text.eq_ignore_ascii_case("Wireless80211") => AdapterType::IEEE80211,
        None => AdapterType::Unknown,
    }
}

/// Twelve upper-case hex digits, whatever stands between them; none of an adapter without one.
pub(crate) fn mac(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|char| !matches!(char, '-' | ':' | '.')).collect();
    let is_mac = digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_mac && digits.bytes().any(|byte| byte != b'0')).then(|| digits.to_ascii_uppercase())
}

/// Those of `[{"IPAddress":"...","SubnetPrefix":..}]` that tell where a machine is: no loopback,
/// no link-local ones.
fn addresses(json: &str) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    // What cannot be read of a list says nothing; the rest of the row still does.
    let _ = elements(json, &mut |element| {
        let address = Object::parse(element).unwrap_or_default().text("IPAddress");
        addresses.extend(remote_address(&address).filter(|address| tells_place(*address)));
        addresses.len() < MAX_ADDRESSES
    });
    addresses
}

/// Whether an address is of this machine more than of any other.
pub(crate) fn tells_place(address: IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !address.is_loopback() && !address.is_unspecified() && !is_link_local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hardware_address_is_twelve_digits() {
        assert_eq!(mac("00155d01020a").as_deref(), Some("00155D01020A"));
        assert_eq!(mac("00-15-5D-01-02-0A").as_deref(), Some("00155D01020A"));
        assert_eq!(mac("00-00-00-00-00-00"), None);
        assert_eq!(mac("é0155D01020"), None);
    }

    #[test]
    fn addresses_that_every_machine_has_are_left_out() {
        let list = r#"[{"IPAddress":"10.1.0.20","SubnetPrefix":24},{"IPAddress":"fe80:1e::1"},
            {"IPAddress":"127.0.0.1"},{"IPAddress":"x"},7,{"IPAddress":"fd00::1"}]"#;
        let expected: Vec<IpAddr> =
            ["10.1.0.20", "fd00::1"].map(|text| text.parse().unwrap()).into();
        assert_eq!(addresses(list), expected);
        assert_eq!(addresses("not a list"), Vec::<IpAddr>::new());
    }
}
