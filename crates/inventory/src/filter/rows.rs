//! Machines, their addresses and tags, and users as rows of values: what the wire shows of them.

use super::evaluate::Row;
use super::{AddressField, Field, Items, MachineField, UserField, Value, VmField};
use crate::logon::LogonTypes;
use crate::machine::{
    ExposureLevel, Machine, MachineIpAddress, ManagedBy, ManagedByStatus, OnboardingStatus,
    RiskScore, VmMetadata,
};
use crate::relation::User;
use crate::time::Timestamp;

/// A machine at a moment, without its users.
#[derive(Clone, Copy, Debug)]
pub struct MachineAt<'m> {
    /// The machine.
    pub machine: &'m Machine,
    /// The moment, on which health depends.
    pub now: Timestamp,
}

/// A text of a collection of texts.
struct Text<'t>(&'t str);

fn text(text: impl ToString) -> Value {
    Value::Text(text.to_string())
}

fn optional<T: ToString>(value: Option<T>) -> Value {
    value.map_or(Value::Null, text)
}

fn choice(name: Option<&'static str>) -> Value {
    optional(name)
}

impl Row for MachineAt<'_> {
    fn value(&self, field: Field) -> Value {
        match field {
            Field::Machine(field) => self.of_machine(field),
            Field::Vm(field) => {
                self.machine.facts.vm_metadata.as_ref().map_or(Value::Null, |vm| of_vm(vm, field))
            }
            Field::User(_) | Field::Address(_) | Field::Item => Value::Null,
        }
    }

    fn items(&self, of: Items) -> Vec<Box<dyn Row + '_>> {
        match of {
            Items::MachineTags => {
                let row = |tag| Box::new(Text(tag)) as Box<dyn Row>;
                self.machine.tags.iter().map(|tag| row(tag.as_str())).collect()
            }
            Items::IpAddresses => {
                let row = |address| Box::new(address) as Box<dyn Row>;
                self.machine.facts.ip_addresses.iter().map(row).collect()
            }
            Items::LogOnUsers | Items::Machines => Vec::new(),
        }
    }
}

impl MachineAt<'_> {
    fn of_machine(&self, field: MachineField) -> Value {
        use MachineField as M;
        let Self { machine, now } = *self;
        let facts = &machine.facts;
        match field {
            M::Id => text(machine.id),
            M::MergedIntoMachineId => optional(machine.merged_into),
            M::IsPotentialDuplication => Value::Boolean(machine.is_potential_duplication),
            M::IsExcluded => Value::Boolean(machine.exclusion.is_some()),
            M::ExclusionReason => choice(machine.exclusion.map(|reason| reason.as_str())),
            M::ComputerDnsName => text(&machine.computer_dns_name),
            M::FirstSeen => Value::Moment(machine.first_seen),
            M::LastSeen => Value::Moment(machine.last_seen),
            M::OsPlatform => optional(facts.os_platform.as_ref()),
            M::OsProcessor => optional(facts.os_processor.as_ref()),
            M::Version => optional(facts.version.as_ref()),
            M::LastIpAddress => optional(facts.last_ip_address),
            M::LastExternalIpAddress => optional(facts.last_external_ip_address),
            M::AgentVersion => optional(facts.agent_version.as_ref()),
            M::OsBuild => facts.os_build.map_or(Value::Null, Value::Integer),
            M::HealthStatus => choice(Some(machine.health(now).as_str())),
            M::DeviceValue => choice(Some(machine.device_value.as_str())),
            M::RbacGroupId => Value::Integer(machine.rbac_group_id.into()),
            M::RbacGroupName => optional(machine.rbac_group_name.as_ref()),
            M::RiskScore => choice(Some(facts.risk_score.unwrap_or(RiskScore::None).as_str())),
            M::ExposureLevel => {
                choice(Some(facts.exposure_level.unwrap_or(ExposureLevel::None).as_str()))
            }
            M::IsAadJoined => Value::Boolean(facts.is_aad_joined.unwrap_or(false)),
            M::AadDeviceId => optional(facts.aad_device_id),
            M::OnboardingStatus => {
                let status = facts.onboarding_status.unwrap_or(OnboardingStatus::Onboarded);
                choice(Some(status.as_str()))
            }
            M::OsArchitecture => optional(facts.os_architecture.as_ref()),
            M::ManagedBy => choice(Some(facts.managed_by.unwrap_or(ManagedBy::Unknown).as_str())),
            M::ManagedByStatus => {
                let status = facts.managed_by_status.unwrap_or(ManagedByStatus::Unknown);
                choice(Some(status.as_str()))
            }
        }
    }
}

fn of_vm(vm: &VmMetadata, field: VmField) -> Value {
    match field {
        VmField::VmId => optional(vm.vm_id.as_ref()),
        // The vendor knows no other (defender-api.md §2.4).
        VmField::CloudProvider => text("Azure"),
        VmField::ResourceId => optional(vm.resource_id.as_ref()),
        VmField::SubscriptionId => optional(vm.subscription_id.as_ref()),
    }
}

impl Row for Text<'_> {
    fn value(&self, field: Field) -> Value {
        if field == Field::Item { text(self.0) } else { Value::Null }
    }

    fn items(&self, _: Items) -> Vec<Box<dyn Row + '_>> {
        Vec::new()
    }
}

impl Row for &MachineIpAddress {
    fn value(&self, field: Field) -> Value {
        match field {
            Field::Address(AddressField::IpAddress) => text(self.ip_address),
            Field::Address(AddressField::MacAddress) => optional(self.mac_address.as_ref()),
            Field::Address(AddressField::Type) => text(self.adapter_type.as_str()),
            Field::Address(AddressField::OperationalStatus) => {
                text(self.operational_status.as_str())
            }
            _ => Value::Null,
        }
    }

    fn items(&self, _: Items) -> Vec<Box<dyn Row + '_>> {
        Vec::new()
    }
}

impl Row for User {
    fn value(&self, field: Field) -> Value {
        use UserField as U;
        let Field::User(field) = field else { return Value::Null };
        match field {
            U::Id => text(self.account.id_among(self.shares_name)),
            U::AccountName => text(&self.account.name),
            U::AccountDomain => {
                optional(Some(&self.account.domain).filter(|domain| !domain.is_empty()))
            }
            U::AccountSid => optional(self.account.sid.as_ref()),
            // As the wire shows them (defender-api.md §3.1).
            U::FirstSeen => Value::Moment(self.relation.first_seen.whole_second()),
            U::LastSeen => Value::Moment(self.relation.last_seen.whole_second()),
            U::MostPrevalentMachineId => optional(self.most_prevalent),
            U::LeastPrevalentMachineId => optional(self.least_prevalent),
            U::LogonTypes => text(self.relation.logon_types.words().join(", ")),
            U::LogOnMachinesCount => match i64::try_from(self.machines) {
                Ok(0) | Err(_) => Value::Null,
                Ok(machines) => Value::Integer(machines),
            },
            // Telemetry tells who logged on, not which groups they are in.
            U::IsDomainAdmin => Value::Boolean(false),
            U::IsOnlyNetworkUser => {
                Value::Boolean(self.relation.logon_types.is_subset(LogonTypes::NETWORK))
            }
        }
    }

    fn items(&self, _: Items) -> Vec<Box<dyn Row + '_>> {
        Vec::new()
    }
}
