//! The operations of the API: each with its name in limits and the permissions that open it
//! (defender-api.md §1.3, §3.2, §4).

use inventory::access::Permission;
use inventory::access::directory::RolePermission;

/// One operation of the API. Its limit and permissions hold wherever a handler takes a
/// [`Permit`](crate::permit::Permit) for it.
pub(crate) trait Api: Send + Sync + 'static {
    /// What its limit is called in the configuration: the name of the vendor's page on it.
    const NAME: &'static str;
    /// Roles of which any one opens it to an app that acts for itself.
    const APPLICATION: &'static [Permission];
    /// Scopes of which any one opens it to an app that acts for a person, if [`Api::ROLE`] does too.
    const DELEGATED: &'static [Permission];
    /// What one of the person's roles must permit (§8.1).
    const ROLE: RolePermission = RolePermission::ViewData;
    /// Roles that the refusal names.
    const APPLICATION_NAMED: &'static [Permission] = Self::APPLICATION;
    /// Scopes that the refusal names.
    const DELEGATED_NAMED: &'static [Permission] = Self::DELEGATED;
}

/// Names of every operation that has a limit; who sends is bounded by the intake.
pub(crate) const NAMES: &[&str] = &[
    Users::NAME,
    User::NAME,
    UserMachines::NAME,
    UserAlerts::NAME,
    Machines::NAME,
    BigPages::NAME,
    Machine::NAME,
    MachineTags::NAME,
    ManyMachineTags::NAME,
    DeviceValue::NAME,
    Exclusion::NAME,
    UpdateMachine::NAME,
    FindByTag::NAME,
    FindByIp::NAME,
    FindByIpLegacy::NAME,
    UntaggedMachines::NAME,
    DomainMachines::NAME,
    LogonUsers::NAME,
    MachineAlerts::NAME,
    Alerts::NAME,
    DeviceGroups::NAME,
    DeviceGroup::NAME,
    Metadata::NAME,
    Batch::NAME,
    Unsupported::NAME,
    ReadLimits::NAME,
    ReadAdministration::NAME,
    ChangeAdministration::NAME,
];

/// Application permissions to read machines.
pub(crate) const MACHINE_READERS: &[Permission] =
    &[Permission::MachineReadAll, Permission::MachineReadWriteAll];
/// Delegated permissions to read machines.
pub(crate) const MACHINE_READERS_DELEGATED: &[Permission] =
    &[Permission::MachineRead, Permission::MachineReadWrite];

/// `GET /api/users/{id}/machines`
pub(crate) struct UserMachines;
/// `GET /api/users/{id}/alerts`
pub(crate) struct UserAlerts;
/// `GET /api/machines`
pub(crate) struct Machines;
/// `GET /api/machines/bigPageSize`
pub(crate) struct BigPages;
/// `GET /api/machines/{id}`
pub(crate) struct Machine;
/// `GET /api/users`
pub(crate) struct Users;
/// `GET /api/users/{id}`
pub(crate) struct User;
/// `POST /api/machines/{id}/tags`
pub(crate) struct MachineTags;
/// `POST /api/machines/AddOrRemoveTagForMultipleMachines`
pub(crate) struct ManyMachineTags;
/// `POST /api/machines/{id}/setDeviceValue`
pub(crate) struct DeviceValue;
/// `POST /api/machines/{id}/setExclusion`
pub(crate) struct Exclusion;
/// `PATCH /api/machines/{id}`
pub(crate) struct UpdateMachine;
/// `GET /api/machines/findbytag`
pub(crate) struct FindByTag;
/// `GET /api/machines/findbyip(...)`
pub(crate) struct FindByIp;
/// `GET /api/machines/find(...)`
pub(crate) struct FindByIpLegacy;
/// `GET /api/machines/unTaggedMachines`
pub(crate) struct UntaggedMachines;
/// `GET /api/domains/{domain}/machines`
pub(crate) struct DomainMachines;
/// `GET /api/machines/{id}/logonusers`
pub(crate) struct LogonUsers;
/// `GET /api/machines/{id}/alerts`
pub(crate) struct MachineAlerts;
/// `GET /api/alerts`
pub(crate) struct Alerts;
/// `GET /api/deviceGroups`
pub(crate) struct DeviceGroups;
/// `GET /api/deviceGroups/{id}`
pub(crate) struct DeviceGroup;
/// `GET /api` and `GET /api/$metadata`
pub(crate) struct Metadata;
/// `POST /api/$batch`
pub(crate) struct Batch;
/// What is refused by name
pub(crate) struct Unsupported;

impl Api for UserMachines {
    const NAME: &'static str = "get-user-related-machines";
    const APPLICATION: &'static [Permission] = MACHINE_READERS;
    const DELEGATED: &'static [Permission] = MACHINE_READERS_DELEGATED;
}

impl Api for Machines {
    const NAME: &'static str = "get-machines";
    const APPLICATION: &'static [Permission] = MACHINE_READERS;
    const DELEGATED: &'static [Permission] = MACHINE_READERS_DELEGATED;
}

impl Api for BigPages {
    const NAME: &'static str = "get-machines-big-page-size";
    const APPLICATION: &'static [Permission] = MACHINE_READERS;
    const DELEGATED: &'static [Permission] = MACHINE_READERS_DELEGATED;
}

impl Api for Machine {
    const NAME: &'static str = "get-machine-by-id";
    const APPLICATION: &'static [Permission] = MACHINE_READERS;
    const DELEGATED: &'static [Permission] = MACHINE_READERS_DELEGATED;
}

impl Api for FindByTag {
    const NAME: &'static str = "find-machines-by-tag";
    const APPLICATION: &'static [Permission] = MACHINE_READERS;
    const DELEGATED: &'static [Permission] = MACHINE_READERS_DELEGATED;
}

impl Api for FindByIp {
    const NAME: &'static str = "find-machines-by-ip";
    const APPLICATION: &'static [Permission] = MACHINE_READERS;
    const DELEGATED: &'static [Permission] = MACHINE_READERS_DELEGATED;
}

impl Api for FindByIpLegacy {
    const NAME: &'static str = "find-machine-info-by-ip";
    const APPLICATION: &'static [Permission] = MACHINE_READERS;
    const DELEGATED: &'static [Permission] = &[];
}

impl Api for UntaggedMachines {
    const NAME: &'static str = "get-untagged-machines";
    const APPLICATION: &'static [Permission] = MACHINE_READERS;
    const DELEGATED: &'static [Permission] = MACHINE_READERS_DELEGATED;
}

impl Api for DomainMachines {
    const NAME: &'static str = "get-domain-related-machines";
    const APPLICATION: &'static [Permission] = MACHINE_READERS;
    const DELEGATED: &'static [Permission] = MACHINE_READERS_DELEGATED;
}

impl Api for Users {
    const NAME: &'static str = "get-users";
    const APPLICATION: &'static [Permission] = &[Permission::UserReadAll];
    const DELEGATED: &'static [Permission] = &[Permission::UserReadAll];
}

impl Api for User {
    const NAME: &'static str = "get-user-information";
    const APPLICATION: &'static [Permission] = &[Permission::UserReadAll];
    const DELEGATED: &'static [Permission] = &[Permission::UserReadAll];
}

impl Api for MachineTags {
    const NAME: &'static str = "add-or-remove-machine-tags";
    const APPLICATION: &'static [Permission] = &[Permission::MachineReadWriteAll];
    const DELEGATED: &'static [Permission] = &[Permission::MachineReadWrite];
    const ROLE: RolePermission = RolePermission::ManageSecuritySettings;
}

impl Api for ManyMachineTags {
    const NAME: &'static str = "add-or-remove-multiple-machine-tags";
    const APPLICATION: &'static [Permission] = &[Permission::MachineReadWriteAll];
    const DELEGATED: &'static [Permission] = &[Permission::MachineReadWrite];
    const ROLE: RolePermission = RolePermission::ManageSecuritySettings;
}

impl Api for DeviceValue {
    const NAME: &'static str = "set-device-value";
    const APPLICATION: &'static [Permission] = &[Permission::MachineReadWriteAll];
    const DELEGATED: &'static [Permission] = &[Permission::MachineReadWrite];
    const ROLE: RolePermission = RolePermission::ManageSecuritySettings;
}

impl Api for Exclusion {
    const NAME: &'static str = "set-exclusion";
    const APPLICATION: &'static [Permission] = &[Permission::MachineReadWriteAll];
    const DELEGATED: &'static [Permission] = &[Permission::MachineReadWrite];
    const ROLE: RolePermission = RolePermission::ManageSecuritySettings;
}

impl Api for UpdateMachine {
    const NAME: &'static str = "update-machine-method";
    const APPLICATION: &'static [Permission] = &[Permission::MachineReadWriteAll];
    const DELEGATED: &'static [Permission] = &[Permission::MachineReadWrite];
    const ROLE: RolePermission = RolePermission::AlertsInvestigation;
}

impl Api for LogonUsers {
    const NAME: &'static str = "get-machine-log-on-users";
    const APPLICATION: &'static [Permission] = &[Permission::UserReadAll];
    const DELEGATED: &'static [Permission] = &[Permission::UserReadAll];
}

// Any permission of the vendor's opens what tells nothing of a device. The sets of alerts are the connection test of clients
// that hold Machine permissions alone (defender-api.md §13.14), and they are empty.
const ANY_APPLICATION: &[Permission] = &[
    Permission::MachineReadAll,
    Permission::MachineReadWriteAll,
    Permission::UserReadAll,
    Permission::AlertReadAll,
    Permission::AlertReadWriteAll,
];
const ANY_DELEGATED: &[Permission] = &[
    Permission::MachineRead,
    Permission::MachineReadWrite,
    Permission::UserReadAll,
    Permission::AlertRead,
    Permission::AlertReadWrite,
];
const ALERT_READERS: &[Permission] = &[Permission::AlertReadAll, Permission::AlertReadWriteAll];
const ALERT_READERS_DELEGATED: &[Permission] = &[Permission::AlertRead, Permission::AlertReadWrite];

impl Api for UserAlerts {
    const NAME: &'static str = "get-user-related-alerts";
    const APPLICATION: &'static [Permission] = ANY_APPLICATION;
    const DELEGATED: &'static [Permission] = ANY_DELEGATED;
    const APPLICATION_NAMED: &'static [Permission] = ALERT_READERS;
    const DELEGATED_NAMED: &'static [Permission] = ALERT_READERS_DELEGATED;
}

impl Api for MachineAlerts {
    const NAME: &'static str = "get-machine-related-alerts";
    const APPLICATION: &'static [Permission] = ANY_APPLICATION;
    const DELEGATED: &'static [Permission] = ANY_DELEGATED;
    const APPLICATION_NAMED: &'static [Permission] = ALERT_READERS;
    const DELEGATED_NAMED: &'static [Permission] = ALERT_READERS_DELEGATED;
}

impl Api for Alerts {
    const NAME: &'static str = "get-alerts";
    const APPLICATION: &'static [Permission] = ANY_APPLICATION;
    const DELEGATED: &'static [Permission] = ANY_DELEGATED;
    const APPLICATION_NAMED: &'static [Permission] = ALERT_READERS;
    const DELEGATED_NAMED: &'static [Permission] = ALERT_READERS_DELEGATED;
}

impl Api for DeviceGroups {
    const NAME: &'static str = "get-device-groups";
    const APPLICATION: &'static [Permission] = MACHINE_READERS;
    const DELEGATED: &'static [Permission] = MACHINE_READERS_DELEGATED;
}

impl Api for DeviceGroup {
    const NAME: &'static str = "get-device-group-by-id";
    const APPLICATION: &'static [Permission] = MACHINE_READERS;
    const DELEGATED: &'static [Permission] = MACHINE_READERS_DELEGATED;
}

// What the types are is no secret to whoever may read any of them.
impl Api for Metadata {
    const NAME: &'static str = "get-metadata";
    const APPLICATION: &'static [Permission] = ANY_APPLICATION;
    const DELEGATED: &'static [Permission] = ANY_DELEGATED;
}

// Each request inside needs its own.
impl Api for Batch {
    const NAME: &'static str = "batch";
    const APPLICATION: &'static [Permission] = ANY_APPLICATION;
    const DELEGATED: &'static [Permission] = ANY_DELEGATED;
}

// Which permission the vendor wants for it does not matter where nobody gets it.
impl Api for Unsupported {
    const NAME: &'static str = "unsupported";
    const APPLICATION: &'static [Permission] = ANY_APPLICATION;
    const DELEGATED: &'static [Permission] = ANY_DELEGATED;
}

/// `POST /api/ingest`, and whatever else takes telemetry with an access token
pub(crate) struct Ingest;

impl Api for Ingest {
    const NAME: &'static str = "ingest";
    const APPLICATION: &'static [Permission] = &[Permission::TelemetryWrite];
    const DELEGATED: &'static [Permission] = &[];
}

/// `GET /admin/v1/limits`
pub(crate) struct ReadLimits;

impl Api for ReadLimits {
    const NAME: &'static str = "admin-limits";
    const APPLICATION: &'static [Permission] =
        &[Permission::AdminReadAll, Permission::AdminReadWriteAll];
    const DELEGATED: &'static [Permission] = &[Permission::AdminRead, Permission::AdminReadWrite];
    const ROLE: RolePermission = RolePermission::ManagePortalSettings;
}

/// Reads of the administration: `GET /admin/v1/...`
pub(crate) struct ReadAdministration;
/// Changes by the administration: all other methods of `/admin/v1/...`
pub(crate) struct ChangeAdministration;

impl Api for ReadAdministration {
    const NAME: &'static str = "admin-read";
    const APPLICATION: &'static [Permission] =
        &[Permission::AdminReadAll, Permission::AdminReadWriteAll];
    const DELEGATED: &'static [Permission] = &[Permission::AdminRead, Permission::AdminReadWrite];
    const ROLE: RolePermission = RolePermission::ManagePortalSettings;
}

impl Api for ChangeAdministration {
    const NAME: &'static str = "admin-change";
    const APPLICATION: &'static [Permission] = &[Permission::AdminReadWriteAll];
    const DELEGATED: &'static [Permission] = &[Permission::AdminReadWrite];
    const ROLE: RolePermission = RolePermission::ManagePortalSettings;
}
