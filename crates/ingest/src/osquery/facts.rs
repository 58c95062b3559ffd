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
    Ok(MachineFacts {
        os_platform: os_platform(&name, &platform),
        // Of `12 (bookworm)` and `22.04.3 LTS (Jammy Jellyfish)` the number.
        version: text(row, "version")?
            .and_then(|version| version.split_whitespace().next().map(str::to_owned)),
        os_build: row.text("build").parse().ok(),
        os_architecture: architecture(&arch).map(str::to_owned),
        os_processor: processor(&arch),
        ..MachineFacts::default()
    })
}

/// The vendor's word for `Microsoft Windows 11 Enterprise`, `Ubuntu`, `Red Hat Enterprise Linux`.
fn os_platform(name: &str, platform: &str) -> Option<String> {
    let known = match platform {
        "windows" => return windows_platform(name),
        "darwin" => "macOS",
        "ubuntu" => "Ubuntu",
        "debian" => "Debian",
        "centos" => "CentOS",
        "rhel" => "RedHatEnterpriseLinux",
        // Every other by its own name.
        _ => present(name).or(present(platform))?,
    };
    Some(known.to_owned())
}

fn windows_platform(name: &str) -> Option<String> {
    let mut words = name.split_whitespace().skip_while(|word| *word != "Windows").skip(1);
    let (kind, number) = match words.next() {
        Some("Server") => ("WindowsServer", words.next()),
        number => ("Windows", number),
    };
    let number = number.filter(|number| number.starts_with(|char: char| char.is_ascii_digit()));
    Some(format!("{kind}{}", number.unwrap_or_default()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_have_the_vendors_names() {
        for (name, platform, expected) in [
            ("Microsoft Windows 11 Enterprise", "windows", "Windows11"),
            ("Microsoft Windows Server 2019 Standard", "windows", "WindowsServer2019"),
            ("Microsoft Windows 10 Pro", "windows", "Windows10"),
            ("macOS", "darwin", "macOS"),
            ("Debian GNU/Linux", "debian", "Debian"),
            ("Red Hat Enterprise Linux", "rhel", "RedHatEnterpriseLinux"),
            ("Rocky Linux", "rocky", "Rocky Linux"),
        ] {
            assert_eq!(os_platform(name, platform).as_deref(), Some(expected));
        }
    }
}
