//! Rows of the tables that describe a machine, in the words of the vendor's API.

use std::borrow::Cow;

use inventory::identity::{Identifier, IdentifierKind};
use inventory::logon::remote_address;
use inventory::machine::{
    AdapterType, MachineFacts, MachineIpAddress, MachineReport, OperationalStatus,
};

use super::Sender;
use crate::defender::{mac, tells_place};
use crate::object::Object;
use crate::platform::platform;
use crate::product::{Found, bounded};
use crate::windows::{FieldError, present};

/// A row of a table about the machine; of any other table nothing is told.
pub(super) fn report(row: &Object<'_>, sender: &Sender<'_, '_>) -> Result<Found, FieldError> {
    let mut own = Cow::Borrowed("");
    let mut hardware = None;
    let facts = if is_system_info(row) {
        own = row.text("hostname");
        if own.is_empty() {
            own = row.text("computer_name");
        }
        hardware = Identifier::parse(IdentifierKind::HardwareUuid, &row.text("uuid"));
        MachineFacts { os_processor: processor(&row.text("cpu_type")), ..MachineFacts::default() }
    } else if row.has_all(&["name", "version", "platform"]) {
        os_version(row)?
    } else if row.has_all(&["version", "build_platform"])
        || row.has_all(&["version", "config_hash"])
    {
        MachineFacts { agent_version: text(row, "version")?, ..MachineFacts::default() }
    } else if row.has_all(&["address", "interface"]) {
        address(row)
    } else if row.has_all(&["interface", "mac"]) || is_kernel_info(row) {
        // Nothing that a machine's description has; but the machine was there.
        MachineFacts::default()
    } else {
        return Ok(Found::Other);
    };
    let machine = sender.machine(&own)?.identified(hardware);
    Ok(Found::Report(MachineReport { machine, time: sender.time()?, facts }))
}

fn is_system_info(row: &Object<'_>) -> bool {
    row.has_any(&["hostname", "computer_name"])
        && row.has_any(&["cpu_brand", "hardware_serial", "physical_memory", "hardware_model"])
}

fn is_kernel_info(row: &Object<'_>) -> bool {
    row.has_all(&["version", "arguments"]) && row.has_any(&["path", "device"])
}

fn text(row: &Object<'_>, column: &'static str) -> Result<Option<String>, FieldError> {
    let text = row.text(column);
    bounded(&[(column, &text)])?;
    Ok(present(&text).map(str::to_owned))
}

fn os_version(row: &Object<'_>) -> Result<MachineFacts, FieldError> {
    let (name, platform) = (row.text("name"), row.text("platform"));
    bounded(&[("name", &name), ("platform", &platform)])?;
    let arch = row.text("arch");
    let os_build = row.text("build").parse().ok();
    Ok(MachineFacts {
        os_platform: os_platform(&name, &platform, os_build),
        // Of `12 (bookworm)` and `22.04.3 LTS (Jammy Jellyfish)` the number.
        version: text(row, "version")?
            .and_then(|version| version.split_whitespace().next().map(str::to_owned)),
        os_build,
        os_architecture: architecture(&arch).map(str::to_owned),
        os_processor: processor(&arch),
        ..MachineFacts::default()
    })
}

/// The name tells the release of Windows, the platform's id which Linux it is.
fn os_platform(name: &str, id: &str, build: Option<i64>) -> Option<String> {
    let text = if id == "windows" { name } else { present(id).unwrap_or(name) };
    platform(text, build)
}

fn architecture(arch: &str) -> Option<&'static str> {
    match arch.to_ascii_lowercase().as_str() {
        "64-bit" | "x86_64" | "amd64" | "arm64" | "aarch64" | "x86_64h" | "arm64e" => {
            Some("64-bit")
        }
        "32-bit" | "i386" | "i686" | "x86" => Some("32-bit"),
        arch if arch.contains("64-bit") => Some("64-bit"),
        _ => None,
    }
}

fn processor(arch: &str) -> Option<String> {
    let known = match arch.to_ascii_lowercase().as_str() {
        "x86_64" | "x86_64h" | "amd64" => "x64",
        "arm64" | "arm64e" | "aarch64" => "arm64",
        "i386" | "i686" | "x86" => "x86",
        _ => return None,
    };
    Some(known.to_owned())
}

/// An address; the MAC is beside it where the query joins `interface_details`.
fn address(row: &Object<'_>) -> MachineFacts {
    let found = remote_address(&row.text("address")).filter(|address| tells_place(*address));
    let ip_addresses = found.map(|ip_address| MachineIpAddress {
        ip_address,
        mac_address: mac(&row.text("mac")),
        adapter_type: AdapterType::Unknown,
        operational_status: OperationalStatus::Unknown,
    });
    MachineFacts {
        last_ip_address: found,
        ip_addresses: ip_addresses.into_iter().collect(),
        ..MachineFacts::default()
    }
}
