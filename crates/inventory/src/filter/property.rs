//! The properties of entities: names, kinds, nullability and order as the EDM has them (defender-api.md
//! §2, §3, §12).

use super::Items;
use crate::machine::{
    AdapterType, DeviceValue, ExclusionReason, ExposureLevel, HealthStatus, ManagedBy,
    ManagedByStatus, OnboardingStatus, OperationalStatus, RiskScore,
};

/// The namespace of the EDM.
pub const NAMESPACE: &str = "microsoft.windowsDefenderATP.api";

/// What a path can start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntityKind {
    /// `Machine`
    Machine,
    /// `User`
    User,
    /// `MachineIpAddress`, an item of `ipAddresses`
    IpAddress,
    /// `VmMetadata`, a part of a machine
    VmMetadata,
    /// A text, an item of `machineTags`
    Text,
}

/// What a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Edm.String`
    Text,
    /// `Edm.Guid`, as text
    Guid,
    /// `Edm.Boolean`
    Boolean,
    /// `Edm.Int32` or `Edm.Int64`
    Integer,
    /// `Edm.Double`, which no property holds
    Double,
    /// `Edm.DateTimeOffset`
    Moment,
    /// `Edm.Date`, which no property holds
    Date,
    /// `Edm.TimeOfDay`, which no property holds
    TimeOfDay,
    /// An enumeration: the name of its type in the [`NAMESPACE`], and its members in their order
    Choice(&'static str, &'static [&'static str]),
    /// A collection
    Items(Items),
    /// A complex value
    Complex(EntityKind),
}

/// A property.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Property {
    /// Its name on the wire; queries may write it in any case.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What is read for it; `None` for collections and complex values.
    pub field: Option<Field>,
    /// The EDM lets it be null; collections of this EDM leave that open.
    pub is_nullable: bool,
    /// A navigation property: not in an entity unless it is expanded.
    pub is_navigation: bool,
}

/// A value that a row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Field {
    Machine(MachineField),
    Vm(VmField),
    User(UserField),
    Address(AddressField),
    /// The item of a collection of texts itself.
    Item,
}

macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($field:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum $name { $($field),+ }

        impl $name {
            /// Every one.
            pub const ALL: &'static [$name] = &[$($name::$field),+];
        }
    };
}

fields! {
    /// The single values of a machine, as the wire shows them: a choice that nobody told is its default,
    /// health follows from the clock.
    MachineField {
        Id, MergedIntoMachineId, IsPotentialDuplication, IsExcluded, ExclusionReason,
        ComputerDnsName, FirstSeen, LastSeen, OsPlatform, OsProcessor, Version, LastIpAddress,
        LastExternalIpAddress, AgentVersion, OsBuild, HealthStatus, DeviceValue, RbacGroupId,
        RbacGroupName, RiskScore, ExposureLevel, IsAadJoined, AadDeviceId, OnboardingStatus,
        OsArchitecture, ManagedBy, ManagedByStatus,
    }
}

fields! {
    /// The values of a machine's `vmMetadata`; null where there is none.
    VmField { VmId, CloudProvider, ResourceId, SubscriptionId }
}

fields! {
    /// The values of a user: of all that the scope and window show, or on one machine inside
    /// `logOnUsers`.
    UserField {
        Id, AccountName, AccountDomain, AccountSid, FirstSeen, LastSeen, MostPrevalentMachineId,
        LeastPrevalentMachineId, LogonTypes, LogOnMachinesCount, IsDomainAdmin, IsOnlyNetworkUser,
    }
}

fields! {
    /// The values of an item of `ipAddresses`.
    AddressField { IpAddress, MacAddress, Type, OperationalStatus }
}

/// The members of an enumeration, as a table of the EDM, under the vendor's name of its type.
macro_rules! choice {
    ($type:ident) => {
        choice!($type, stringify!($type))
    };
    ($type:ident, $name:expr) => {{
        const NAMES: [&str; $type::ALL.len()] = {
            let mut names = [""; $type::ALL.len()];
            let mut at = 0;
            while at < names.len() {
                names[at] = $type::ALL[at].as_str();
                at += 1;
            }
            names
        };
        Kind::Choice($name, &NAMES)
    }};
}

const fn value(name: &'static str, kind: Kind, field: Field) -> Property {
    Property { name, kind, field: Some(field), is_nullable: true, is_navigation: false }
}

const fn never_null(property: Property) -> Property {
    Property { is_nullable: false, ..property }
}

const fn machine(name: &'static str, kind: Kind, field: MachineField) -> Property {
    value(name, kind, Field::Machine(field))
}

const fn part(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, field: None, is_nullable: true, is_navigation: false }
}

const fn navigation(name: &'static str, items: Items) -> Property {
    let kind = Kind::Items(items);
    Property { name, kind, field: None, is_nullable: true, is_navigation: true }
}

/// In the order of the wire, navigation last.
const MACHINE: &[Property] = &[
    never_null(machine("id", Kind::Text, MachineField::Id)),
    machine("mergedIntoMachineId", Kind::Text, MachineField::MergedIntoMachineId),
    never_null(machine(
        "isPotentialDuplication",
        Kind::Boolean,
        MachineField::IsPotentialDuplication,
    )),
    never_null(machine("isExcluded", Kind::Boolean, MachineField::IsExcluded)),
    machine("exclusionReason", choice!(ExclusionReason), MachineField::ExclusionReason),
    machine("computerDnsName", Kind::Text, MachineField::ComputerDnsName),
    machine("firstSeen", Kind::Moment, MachineField::FirstSeen),
    machine("lastSeen", Kind::Moment, MachineField::LastSeen),
    machine("osPlatform", Kind::Text, MachineField::OsPlatform),
    machine("osProcessor", Kind::Text, MachineField::OsProcessor),
    machine("version", Kind::Text, MachineField::Version),
    machine("lastIpAddress", Kind::Text, MachineField::LastIpAddress),
    machine("lastExternalIpAddress", Kind::Text, MachineField::LastExternalIpAddress),
    machine("agentVersion", Kind::Text, MachineField::AgentVersion),
    machine("osBuild", Kind::Integer, MachineField::OsBuild),
    never_null(machine(
        "healthStatus",
        choice!(HealthStatus, "MachineHealthStatus"),
        MachineField::HealthStatus,
    )),
    never_null(machine("deviceValue", choice!(DeviceValue), MachineField::DeviceValue)),
    never_null(machine("rbacGroupId", Kind::Integer, MachineField::RbacGroupId)),
    machine("rbacGroupName", Kind::Text, MachineField::RbacGroupName),
    machine("riskScore", choice!(RiskScore), MachineField::RiskScore),
    never_null(machine("exposureLevel", choice!(ExposureLevel), MachineField::ExposureLevel)),
    machine("isAadJoined", Kind::Boolean, MachineField::IsAadJoined),
    machine("aadDeviceId", Kind::Guid, MachineField::AadDeviceId),
    part("machineTags", Kind::Items(Items::MachineTags)),
    never_null(machine(
        "onboardingStatus",
        choice!(OnboardingStatus),
        MachineField::OnboardingStatus,
    )),
    machine("osArchitecture", Kind::Text, MachineField::OsArchitecture),
    never_null(machine(
        "managedBy",
        choice!(ManagedBy, "DeviceManagedBy"),
        MachineField::ManagedBy,
    )),
    never_null(machine(
        "managedByStatus",
        choice!(ManagedByStatus, "DeviceManagedByStatus"),
        MachineField::ManagedByStatus,
    )),
    part("ipAddresses", Kind::Items(Items::IpAddresses)),
    part("vmMetadata", Kind::Complex(EntityKind::VmMetadata)),
    navigation("logOnUsers", Items::LogOnUsers),
];

/// What `vmMetadata/cloudProvider` may be (defender-api.md §12).
const CLOUDS: Kind = Kind::Choice("vmCloudProvider", &["Unknown", "Azure"]);

const VM: &[Property] = &[
    value("vmId", Kind::Text, Field::Vm(VmField::VmId)),
    never_null(value("cloudProvider", CLOUDS, Field::Vm(VmField::CloudProvider))),
    value("resourceId", Kind::Text, Field::Vm(VmField::ResourceId)),
    value("subscriptionId", Kind::Text, Field::Vm(VmField::SubscriptionId)),
];

const fn user(name: &'static str, kind: Kind, field: UserField) -> Property {
    value(name, kind, Field::User(field))
}

const USER: &[Property] = &[
    never_null(user("id", Kind::Text, UserField::Id)),
    user("accountName", Kind::Text, UserField::AccountName),
    user("accountDomain", Kind::Text, UserField::AccountDomain),
    user("accountSid", Kind::Text, UserField::AccountSid),
    user("firstSeen", Kind::Moment, UserField::FirstSeen),
    user("lastSeen", Kind::Moment, UserField::LastSeen),
    user("mostPrevalentMachineId", Kind::Text, UserField::MostPrevalentMachineId),
    user("leastPrevalentMachineId", Kind::Text, UserField::LeastPrevalentMachineId),
    user("logonTypes", Kind::Text, UserField::LogonTypes),
    user("logOnMachinesCount", Kind::Integer, UserField::LogOnMachinesCount),
    user("isDomainAdmin", Kind::Boolean, UserField::IsDomainAdmin),
    user("isOnlyNetworkUser", Kind::Boolean, UserField::IsOnlyNetworkUser),
    navigation("machines", Items::Machines),
];

const fn address(name: &'static str, kind: Kind, field: AddressField) -> Property {
    value(name, kind, Field::Address(field))
}

const ADDRESS: &[Property] = &[
    address("ipAddress", Kind::Text, AddressField::IpAddress),
    address("macAddress", Kind::Text, AddressField::MacAddress),
    address("type", choice!(AdapterType, "InterfaceType"), AddressField::Type),
    address(
        "operationalStatus",
        choice!(OperationalStatus, "IpInterfaceOperationalStatus"),
        AddressField::OperationalStatus,
    ),
];

/// The properties of an entity or complex value, in the order of the wire.
pub fn properties(of: EntityKind) -> &'static [Property] {
    match of {
        EntityKind::Machine => MACHINE,
        EntityKind::User => USER,
        EntityKind::IpAddress => ADDRESS,
        EntityKind::VmMetadata => VM,
        EntityKind::Text => &[],
    }
}

impl EntityKind {
    /// The name of its type in the EDM.
    pub fn type_name(self) -> &'static str {
        match self {
            EntityKind::Machine => "microsoft.windowsDefenderATP.api.Machine",
            EntityKind::User => "microsoft.windowsDefenderATP.api.User",
            EntityKind::IpAddress => "microsoft.windowsDefenderATP.api.MachineIpAddress",
            EntityKind::VmMetadata => "microsoft.windowsDefenderATP.api.VmMetadata",
            EntityKind::Text => "Edm.String",
        }
    }

    /// The property of a name in any case.
    pub fn property(self, name: &str) -> Option<&'static Property> {
        properties(self).iter().find(|property| property.name.eq_ignore_ascii_case(name))
    }
}

impl Property {
    /// The name of its type in the EDM.
    pub fn type_name(&self) -> String {
        let primitive = match self.kind {
            Kind::Text => "String",
            Kind::Guid => "Guid",
            Kind::Boolean => "Boolean",
            // The only one of 32 bits.
            Kind::Integer if self.field == Some(Field::Machine(MachineField::RbacGroupId)) => {
                "Int32"
            }
            Kind::Integer => "Int64",
            Kind::Double => "Double",
            Kind::Moment => "DateTimeOffset",
            Kind::Date => "Date",
            Kind::TimeOfDay => "TimeOfDay",
            Kind::Choice(name, _) => return format!("{NAMESPACE}.{name}"),
            Kind::Items(items) => return format!("Collection({})", items.kind().type_name()),
            Kind::Complex(kind) => return kind.type_name().to_owned(),
        };
        format!("Edm.{primitive}")
    }
}

impl Items {
    /// What the items are.
    pub fn kind(self) -> EntityKind {
        match self {
            Items::MachineTags => EntityKind::Text,
            Items::IpAddresses => EntityKind::IpAddress,
            Items::LogOnUsers => EntityKind::User,
            Items::Machines => EntityKind::Machine,
        }
    }
}
