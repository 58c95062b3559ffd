//! Fields as columns: what the wire shows, so that a fact that nobody told is its default.

use inventory::filter::{
    AddressField, Field, Function, MachineField, Scalar, UserField, Value, VmField,
};
use inventory::logon::LogonTypes;

/// A field of a table.
pub(super) fn of(alias: &str, field: Field, inactive_before: i64) -> String {
    match field {
        Field::Machine(field) => machine(alias, field, inactive_before),
        Field::Vm(field) => vm(alias, field),
        Field::User(field) => user(alias, field),
        Field::Address(field) => {
            let name = match field {
                AddressField::IpAddress => "ip",
                AddressField::MacAddress => "mac",
                AddressField::Type => "kind",
                AddressField::OperationalStatus => "status",
            };
            format!("({alias}.value ->> '{name}')")
        }
        Field::Item => format!("{alias}.value"),
    }
}

pub(super) fn machine(alias: &str, field: MachineField, inactive_before: i64) -> String {
    use MachineField as M;
    let plain = |column: &str| format!("{alias}.{column}");
    let told = |column: &str, default: &str| format!("coalesce({alias}.{column}, '{default}')");
    match field {
        M::Id => format!("lower(hex({alias}.id))"),
        M::MergedIntoMachineId => format!("nullif(lower(hex({alias}.merged_into)), '')"),
        M::IsPotentialDuplication => plain("is_potential_duplication"),
        M::IsExcluded => format!("({alias}.exclusion IS NOT NULL)"),
        M::ExclusionReason => plain("exclusion"),
        M::ComputerDnsName => plain("name"),
        M::FirstSeen => plain("first_seen"),
        M::LastSeen => plain("last_seen"),
        M::OsPlatform => plain("os_platform"),
        M::OsProcessor => plain("os_processor"),
        M::Version => plain("version"),
        M::LastIpAddress => plain("last_ip_address"),
        M::LastExternalIpAddress => plain("last_external_ip_address"),
        M::AgentVersion => plain("agent_version"),
        M::OsBuild => plain("os_build"),
        M::HealthStatus => format!(
            "(CASE WHEN {alias}.last_seen < {inactive_before} THEN 'Inactive' ELSE 'Active' END)"
        ),
        M::DeviceValue => plain("device_value"),
        M::RbacGroupId => plain("rbac_group_id"),
        M::RbacGroupName => plain("rbac_group_name"),
        M::RiskScore => told("risk_score", "None"),
        M::ExposureLevel => told("exposure_level", "None"),
        M::IsAadJoined => format!("coalesce({alias}.is_aad_joined, 0)"),
        M::AadDeviceId => format!("guid_text({alias}.aad_device_id)"),
        M::OnboardingStatus => told("onboarding_status", "Onboarded"),
        M::OsArchitecture => plain("os_architecture"),
        M::ManagedBy => told("managed_by", "Unknown"),
        M::ManagedByStatus => told("managed_by_status", "Unknown"),
    }
}

/// Columns of ASCII alone, or by whose index a constant of ASCII is found.
pub(super) fn is_ascii_column(field: MachineField) -> bool {
    use MachineField as M;
    matches!(
        field,
        M::ExclusionReason
            | M::OsPlatform
            | M::OsProcessor
            | M::Version
            | M::LastIpAddress
            | M::LastExternalIpAddress
            | M::AgentVersion
            | M::DeviceValue
            | M::RiskScore
            | M::ExposureLevel
            | M::OnboardingStatus
            | M::OsArchitecture
            | M::ManagedBy
            | M::ManagedByStatus
            | M::RbacGroupName
    )
}

/// What follows from the equality of a field with a value, said so that SQLite sees that an index has
/// every such row: that of machines' values leaves the usual one out.
pub(super) fn follows(alias: &str, field: Field, value: &str) -> String {
    match field {
        Field::Machine(MachineField::DeviceValue) if !value.eq_ignore_ascii_case("Normal") => {
            format!(" AND {alias}.device_value <> 'Normal'")
        }
        _ => String::new(),
    }
}

fn vm(alias: &str, field: VmField) -> String {
    let name = match field {
        VmField::VmId => "vm",
        VmField::ResourceId => "resource",
        VmField::SubscriptionId => "subscription",
        // The vendor knows no other (defender-api.md §2.4).
        VmField::CloudProvider => {
            return format!("(CASE WHEN {alias}.vm_metadata IS NOT NULL THEN 'Azure' END)");
        }
    };
    format!("({alias}.vm_metadata ->> '{name}')")
}

fn user(alias: &str, field: UserField) -> String {
    use UserField as U;
    // As the wire shows them (defender-api.md §3.1): whole seconds, also before 1970.
    let second = |column: &str| {
        format!("({alias}.{column} - (({alias}.{column} % 10000000) + 10000000) % 10000000)")
    };
    match field {
        U::Id => format!(
            "(CASE WHEN {alias}.domain <> '' OR {alias}.shares_name THEN {alias}.domain || '\\'
                 ELSE '' END || {alias}.name)"
        ),
        U::AccountName => format!("{alias}.name"),
        U::AccountDomain => format!("nullif({alias}.domain, '')"),
        U::AccountSid => format!("{alias}.sid"),
        U::FirstSeen => second("first_seen"),
        U::LastSeen => second("last_seen"),
        U::LogonTypes => format!("logon_words({alias}.logon_types)"),
        U::LogOnMachinesCount => format!("{alias}.machines"),
        U::MostPrevalentMachineId => format!("{alias}.most_prevalent"),
        U::LeastPrevalentMachineId => format!("{alias}.least_prevalent"),
        U::IsDomainAdmin => "0".to_owned(),
        U::IsOnlyNetworkUser => {
            format!("({alias}.logon_types & ~{} = 0)", LogonTypes::NETWORK.bits())
        }
    }
}

/// The kind of a value, for those that a column does not tell apart: `x` text, `m` moment, `d` date, `t`
/// time of day, `b` Boolean, `n` number or null.
pub(super) fn kind_letter(scalar: &Scalar) -> char {
    match scalar {
        Scalar::Value(value) => match value {
            Value::Null | Value::Integer(_) | Value::Double(_) => 'n',
            Value::Boolean(_) => 'b',
            Value::Text(_) => 'x',
            Value::Moment(_) => 'm',
            Value::Date(_) => 'd',
            Value::TimeOfDay(_) => 't',
        },
        Scalar::Property(_, field) => kind_of_field(*field),
        Scalar::Count(_) | Scalar::Ordinal(..) => 'n',
        Scalar::Truth(_) => 'b',
        Scalar::Apply(function, _) => match function {
            Function::ToLower
            | Function::ToUpper
            | Function::Trim
            | Function::Substring
            | Function::Concat => 'x',
            Function::Date => 'd',
            Function::Time => 't',
            _ => 'n',
        },
    }
}

fn kind_of_field(field: Field) -> char {
    use MachineField as M;
    use UserField as U;
    match field {
        Field::Machine(M::FirstSeen | M::LastSeen) | Field::User(U::FirstSeen | U::LastSeen) => 'm',
        Field::Machine(M::OsBuild | M::RbacGroupId) | Field::User(U::LogOnMachinesCount) => 'n',
        Field::Machine(M::IsPotentialDuplication | M::IsExcluded | M::IsAadJoined)
        | Field::User(U::IsDomainAdmin | U::IsOnlyNetworkUser) => 'b',
        Field::Machine(_) | Field::Vm(_) | Field::User(_) | Field::Address(_) | Field::Item => 'x',
    }
}
