//! What goes over the wire: the entities with their exact names, order and JSON types
//! (defender-api.md §2, §3 and §12).

mod device_group;
mod session;

use std::net::IpAddr;

use inventory::filter::EntityKind;
use inventory::logon::LogonTypes;
use inventory::machine as domain;
use inventory::relation::MachineUser;
use inventory::time::Timestamp;
use serde::Serialize;
use serde::ser::Serializer;
use uuid::Uuid;

pub use self::device_group::DeviceGroup;
pub use self::session::Session;
use crate::query::Entity;
use crate::question::Queryable;

/// A machine: the 30 keys of 2026 in the order of the captures.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    #[serde(serialize_with = "text")]
    id: inventory::ids::MachineId,
    #[serde(serialize_with = "optional_text")]
    merged_into_machine_id: Option<inventory::ids::MachineId>,
    is_potential_duplication: bool,
    is_excluded: bool,
    exclusion_reason: Option<&'static str>,
    computer_dns_name: String,
    #[serde(serialize_with = "text")]
    first_seen: Timestamp,
    #[serde(serialize_with = "text")]
    last_seen: Timestamp,
    os_platform: Option<String>,
    os_processor: Option<String>,
    version: Option<String>,
    last_ip_address: Option<IpAddr>,
    last_external_ip_address: Option<IpAddr>,
    agent_version: Option<String>,
    os_build: Option<i64>,
    health_status: &'static str,
    device_value: &'static str,
    rbac_group_id: i32,
    rbac_group_name: Option<String>,
    risk_score: &'static str,
    exposure_level: &'static str,
    is_aad_joined: bool,
    aad_device_id: Option<Uuid>,
    machine_tags: Vec<String>,
    onboarding_status: &'static str,
    os_architecture: Option<String>,
    managed_by: &'static str,
    managed_by_status: &'static str,
    ip_addresses: Vec<IpAddress>,
    vm_metadata: Option<VmMetadata>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct IpAddress {
    ip_address: IpAddr,
    mac_address: Option<String>,
    r#type: &'static str,
    operational_status: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VmMetadata {
    vm_id: Option<String>,
    cloud_provider: &'static str,
    resource_id: Option<String>,
    subscription_id: Option<String>,
}

impl Entity for Machine {
    const TYPE: &'static str = "Machine";
    const SET: &'static str = "Machines";
    const PROPERTIES: &'static [&'static str] = &[
        "id",
        "mergedIntoMachineId",
        "isPotentialDuplication",
        "isExcluded",
        "exclusionReason",
        "computerDnsName",
        "firstSeen",
        "lastSeen",
        "osPlatform",
        "osProcessor",
        "version",
        "lastIpAddress",
        "lastExternalIpAddress",
        "agentVersion",
        "osBuild",
        "healthStatus",
        "deviceValue",
        "rbacGroupId",
        "rbacGroupName",
        "riskScore",
        "exposureLevel",
        "isAadJoined",
        "aadDeviceId",
        "machineTags",
        "onboardingStatus",
        "osArchitecture",
        "managedBy",
        "managedByStatus",
        "ipAddresses",
        "vmMetadata",
    ];
}

impl Queryable for Machine {
    const KIND: EntityKind = EntityKind::Machine;
}

impl Queryable for User {
    const KIND: EntityKind = EntityKind::User;
}

impl Machine {
    /// The machine as it stands at a moment. What telemetry did not tell is written as the
    /// vendor's service writes it for a device without that product (§2.1).
    pub fn new(machine: domain::Machine, now: Timestamp) -> Self {
        let health_status = machine.health(now).as_str();
        let facts = machine.facts;
        Self {
            id: machine.id,
            merged_into_machine_id: machine.merged_into,
            is_potential_duplication: machine.is_potential_duplication,
            is_excluded: machine.exclusion.is_some(),
            exclusion_reason: machine.exclusion.map(domain::ExclusionReason::as_str),
            computer_dns_name: machine.computer_dns_name,
            first_seen: machine.first_seen,
            last_seen: machine.last_seen,
            os_platform: facts.os_platform,
            os_processor: facts.os_processor,
            version: facts.version,
            last_ip_address: facts.last_ip_address,
            last_external_ip_address: facts.last_external_ip_address,
            agent_version: facts.agent_version,
            os_build: facts.os_build,
            health_status,
            device_value: machine.device_value.as_str(),
            rbac_group_id: machine.rbac_group_id,
            rbac_group_name: machine.rbac_group_name,
            risk_score: facts.risk_score.unwrap_or(domain::RiskScore::None).as_str(),
            exposure_level: facts.exposure_level.unwrap_or(domain::ExposureLevel::None).as_str(),
            is_aad_joined: facts.is_aad_joined.unwrap_or(false),
            aad_device_id: facts.aad_device_id,
            machine_tags: machine.tags,
            onboarding_status: facts
                .onboarding_status
                .unwrap_or(domain::OnboardingStatus::Onboarded)
                .as_str(),
            os_architecture: facts.os_architecture,
            managed_by: facts.managed_by.unwrap_or(domain::ManagedBy::Unknown).as_str(),
            managed_by_status: facts
                .managed_by_status
                .unwrap_or(domain::ManagedByStatus::Unknown)
                .as_str(),
            ip_addresses: facts.ip_addresses.into_iter().map(IpAddress::new).collect(),
            vm_metadata: facts.vm_metadata.map(VmMetadata::new),
        }
    }
}

impl IpAddress {
    fn new(address: domain::MachineIpAddress) -> Self {
        Self {
            ip_address: address.ip_address,
            mac_address: address.mac_address,
            r#type: address.adapter_type.as_str(),
            operational_status: address.operational_status.as_str(),
        }
    }
}

impl VmMetadata {
    fn new(vm: domain::VmMetadata) -> Self {
        Self {
            vm_id: vm.vm_id,
            cloud_provider: "Azure",
            resource_id: vm.resource_id,
            subscription_id: vm.subscription_id,
        }
    }
}

/// A user as a machine's logon users have it: all twelve keys, those that the vendor leaves null
/// on this route null too (§3.1).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    id: String,
    account_name: String,
    account_domain: Option<String>,
    account_sid: Option<String>,
    #[serde(serialize_with = "text")]
    first_seen: Timestamp,
    #[serde(serialize_with = "text")]
    last_seen: Timestamp,
    most_prevalent_machine_id: Option<String>,
    least_prevalent_machine_id: Option<String>,
    logon_types: String,
    log_on_machines_count: Option<u64>,
    is_domain_admin: bool,
    is_only_network_user: bool,
    /// The accounts of its name, where they are asked for.
    #[serde(rename = "@footfall.accounts", skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<AccountOfName>>,
}

/// An account that has a user's bare name: an annotation of our own.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountOfName {
    account_name: String,
    account_domain: Option<String>,
    account_sid: Option<String>,
    log_on_machines_count: u64,
    /// Whether the user is made of it.
    is_meant: bool,
}

impl AccountOfName {
    pub(crate) fn new(namesake: store::Namesake) -> Self {
        let account = namesake.account;
        Self {
            account_name: account.name,
            account_domain: Some(account.domain).filter(|domain| !domain.is_empty()),
            account_sid: account.sid,
            log_on_machines_count: namesake.machines,
            is_meant: namesake.is_meant,
        }
    }
}

impl Entity for User {
    const TYPE: &'static str = "User";
    const SET: &'static str = "Users";
    const PROPERTIES: &'static [&'static str] = &[
        "id",
        "accountName",
        "accountDomain",
        "accountSid",
        "firstSeen",
        "lastSeen",
        "mostPrevalentMachineId",
        "leastPrevalentMachineId",
        "logonTypes",
        "logOnMachinesCount",
        "isDomainAdmin",
        "isOnlyNetworkUser",
    ];
}

impl User {
    /// The account and what it did on the machine.
    pub fn new(user: MachineUser) -> Self {
        let MachineUser { account, shares_name, relation } = user;
        Self {
            id: account.id_among(shares_name),
            account_domain: Some(account.domain).filter(|domain| !domain.is_empty()),
            account_name: account.name,
            account_sid: None,
            first_seen: relation.first_seen.whole_second(),
            last_seen: relation.last_seen.whole_second(),
            most_prevalent_machine_id: None,
            least_prevalent_machine_id: None,
            logon_types: relation.logon_types.words().join(", "),
            log_on_machines_count: None,
            // Telemetry tells who logged on, not which groups they are in.
            is_domain_admin: false,
            is_only_network_user: relation.logon_types.is_subset(LogonTypes::NETWORK),
            accounts: None,
        }
    }
}

impl User {
    /// Its key.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The same with the accounts of its name.
    pub(crate) fn with_accounts(self, accounts: Vec<AccountOfName>) -> Self {
        Self { accounts: Some(accounts), ..self }
    }

    /// The same under another key.
    pub(crate) fn under(self, id: String) -> Self {
        Self { id, ..self }
    }

    /// An account and what it did on all machines that are shown.
    pub fn of(user: inventory::relation::User) -> Self {
        let inventory::relation::User { account, shares_name, relation, machines, .. } = user;
        let account_sid = account.sid.clone();
        Self {
            account_sid,
            most_prevalent_machine_id: user.most_prevalent.map(|id| id.to_string()),
            least_prevalent_machine_id: user.least_prevalent.map(|id| id.to_string()),
            log_on_machines_count: Some(machines),
            ..Self::new(MachineUser { account, shares_name, relation })
        }
    }
}

fn text<T: std::fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn optional_text<T: std::fmt::Display, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}
