//! The machine and what is known of it (defender-api.md §2 and §12).

use std::net::IpAddr;

use uuid::Uuid;

use crate::ids::MachineId;
use crate::logon::MachineRef;
use crate::time::{SECONDS_PER_DAY, Timestamp};

/// Seconds without a sign of life after which a machine counts as inactive: 7 days, as the vendor
/// has it (defender-api.md §10, re-onboarded machines).
pub const INACTIVE_AFTER_S: i64 = 7 * SECONDS_PER_DAY;

/// An enum of the wire format: its values with the exact text of the vendor's EDM.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$value_doc])* #[allow(missing_docs)] $value),+ }

        impl $name {
            /// Every value, in the order of the EDM.
            pub const ALL: &'static [$name] = &[$($name::$value),+];

            /// The text on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$value => stringify!($value)),+ }
            }

            /// Reads the text of the wire in any case.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str().eq_ignore_ascii_case(text))
            }
        }
    };
}

wire_enum! {
    /// Why a machine is excluded.
    ExclusionReason { Other, InactiveDevice, DuplicateDevice, DeviceDoesNotExist, DeviceOutOfScope }
}
wire_enum! {
    /// Whether the sensor reports.
    HealthStatus {
        Active, Inactive, ImpairedCommunication, NoSensorData, NoSensorDataImpairedCommunication,
        Unknown,
    }
}
wire_enum! {
    /// How much the device is worth to its owner.
    DeviceValue { Normal, Low, High }
}
wire_enum! {
    /// Risk from active alerts.
    RiskScore { None, Informational, Low, Medium, High }
}
wire_enum! {
    /// Exposure to known vulnerabilities.
    ExposureLevel { None, Low, Medium, High }
}
wire_enum! {
    /// Whether the device reports to the service.
    OnboardingStatus { InsufficientInfo, Onboarded, CanBeOnboarded, Unsupported }
}
wire_enum! {
    /// Which product manages the device.
    ManagedBy { Unknown, Intune, SystemCenterConfigurationManager, MicrosoftDefenderForEndpoint }
}
wire_enum! {
    /// Whether that product could apply its settings.
    ManagedByStatus { Unknown, Success, Error }
}
wire_enum! {
    /// Kind of a network adapter (.NET `NetworkInterfaceType`).
    AdapterType {
        Unknown, Other, Ethernet, TokenRing, PPP, SoftwareLoopback, ATM, IEEE80211, Tunnel, IEEE1394,
    }
}
wire_enum! {
    /// State of a network adapter (.NET `OperationalStatus`).
    OperationalStatus { Up, Down, Testing, Unknown, Dormant, Present, LowerLayerDown }
}

/// One address of a network adapter (defender-api.md §2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineIpAddress {
    /// Without prefix length or scope id.
    pub ip_address: IpAddr,
    /// 12 upper-case hex digits without separators.
    pub mac_address: Option<String>,
    /// Kind of the adapter.
    pub adapter_type: AdapterType,
    /// State of the adapter.
    pub operational_status: OperationalStatus,
}

/// The cloud's view of a virtual machine (defender-api.md §2.4); the vendor knows Azure alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmMetadata {
    /// The virtual machine's GUID.
    pub vm_id: Option<String>,
    /// The resource's path.
    pub resource_id: Option<String>,
    /// The subscription's GUID.
    pub subscription_id: Option<String>,
}

/// A machine: all that the wire format says of it, unknown facts left empty.
///
/// `healthStatus` is not here: it follows from [`Machine::last_seen`] and the clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// Its id on the wire.
    pub id: MachineId,
    /// The record that this one was merged into.
    pub merged_into: Option<MachineId>,
    /// Another record seems to be the same device.
    pub is_potential_duplication: bool,
    /// Why it is excluded; `None` for a machine that is not.
    pub exclusion: Option<ExclusionReason>,
    /// The name as last reported, its case kept.
    pub computer_dns_name: String,
    /// First sign of life.
    pub first_seen: Timestamp,
    /// Last sign of life.
    pub last_seen: Timestamp,
    /// What the machine reported of itself.
    pub facts: MachineFacts,
    /// How much it is worth to its owner.
    pub device_value: DeviceValue,
    /// Its device group; 0 for none.
    pub rbac_group_id: i32,
    /// The name of that group.
    pub rbac_group_name: Option<String>,
    /// Tags, in the order in which they were set.
    pub tags: Vec<String>,
}

/// Facts that a machine, or a tool on it, reports of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MachineFacts {
    /// Platform as the vendor writes it: `Windows11`, `WindowsServer2019`, `Ubuntu`.
    pub os_platform: Option<String>,
    /// `x64`, `arm64`.
    pub os_processor: Option<String>,
    /// OS release: `23H2`, `22.04`.
    pub version: Option<String>,
    /// Address of the last local adapter.
    pub last_ip_address: Option<IpAddr>,
    /// Address under which it was last seen from outside.
    pub last_external_ip_address: Option<IpAddr>,
    /// Version of the reporting agent.
    pub agent_version: Option<String>,
    /// OS build number.
    pub os_build: Option<i64>,
    /// `64-bit`, `32-bit`.
    pub os_architecture: Option<String>,
    /// Whether it is joined to Entra ID.
    pub is_aad_joined: Option<bool>,
    /// Its id in Entra ID.
    pub aad_device_id: Option<Uuid>,
    /// Risk from alerts, where the telemetry tells it.
    pub risk_score: Option<RiskScore>,
    /// Exposure, where the telemetry tells it.
    pub exposure_level: Option<ExposureLevel>,
    /// Onboarding state, where the telemetry tells it.
    pub onboarding_status: Option<OnboardingStatus>,
    /// Managing product, where the telemetry tells it.
    pub managed_by: Option<ManagedBy>,
    /// State of the management, where the telemetry tells it.
    pub managed_by_status: Option<ManagedByStatus>,
    /// Every address of every adapter.
    pub ip_addresses: Vec<MachineIpAddress>,
    /// The cloud's view of it.
    pub vm_metadata: Option<VmMetadata>,
    /// Tags that it has elsewhere. They join [`Machine::tags`], which are what holds; of a stored
    /// machine this is empty.
    pub tags: Vec<String>,
}

/// A machine's report of itself at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineReport {
    /// Which machine.
    pub machine: MachineRef,
    /// When it reported.
    pub time: Timestamp,
    /// What it reported; empty fields say nothing and leave what is known.
    pub facts: MachineFacts,
}

impl MachineFacts {
    /// Adds what another part of the same report says: addresses to addresses, facts where there
    /// was none.
    pub fn complete(&mut self, other: MachineFacts) {
        fn fill<T>(fact: &mut Option<T>, other: Option<T>) {
            if fact.is_none() {
                *fact = other;
            }
        }
        fill(&mut self.os_platform, other.os_platform);
        fill(&mut self.os_processor, other.os_processor);
        fill(&mut self.version, other.version);
        fill(&mut self.last_ip_address, other.last_ip_address);
        fill(&mut self.last_external_ip_address, other.last_external_ip_address);
        fill(&mut self.agent_version, other.agent_version);
        fill(&mut self.os_build, other.os_build);
        fill(&mut self.os_architecture, other.os_architecture);
        fill(&mut self.is_aad_joined, other.is_aad_joined);
        fill(&mut self.aad_device_id, other.aad_device_id);
        fill(&mut self.risk_score, other.risk_score);
        fill(&mut self.exposure_level, other.exposure_level);
        fill(&mut self.onboarding_status, other.onboarding_status);
        fill(&mut self.managed_by, other.managed_by);
        fill(&mut self.managed_by_status, other.managed_by_status);
        fill(&mut self.vm_metadata, other.vm_metadata);
        for address in other.ip_addresses {
            if !self.ip_addresses.contains(&address) {
                self.ip_addresses.push(address);
            }
        }
        for tag in other.tags {
            if !self.tags.contains(&tag) {
                self.tags.push(tag);
            }
        }
    }
}

impl Machine {
    /// The health at a moment: active until [`INACTIVE_AFTER_S`] have passed since it was seen.
    pub fn health(&self, now: Timestamp) -> HealthStatus {
        let idle_s = now.seconds() - self.last_seen.seconds();
        if idle_s > INACTIVE_AFTER_S { HealthStatus::Inactive } else { HealthStatus::Active }
    }
}
