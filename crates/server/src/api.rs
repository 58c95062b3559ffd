//! The operations of the API: each with its name in limits and the permissions that open it
//! (defender-api.md §1.3, §3.2, §4).

use inventory::access::Permission;

/// One operation of the API. Its limit and permission hold wherever a handler takes a
/// [`Permit`](crate::permit::Permit) for it.
pub(crate) trait Api: Send + Sync + 'static {
    /// What its limit is called in the configuration: the name of the vendor's page on it.
    const NAME: &'static str;
    /// Permissions of which any one opens it.
    const ACCEPTED: &'static [Permission];
    /// Permissions that the refusal lists: those that an app can hold.
    const LISTED: &'static [Permission];
}

/// Names of every operation.
pub(crate) const NAMES: &[&str] = &[
    UserMachines::NAME,
    UserAlerts::NAME,
    Machines::NAME,
    Machine::NAME,
    LogonUsers::NAME,
    MachineAlerts::NAME,
    Alerts::NAME,
];

const MACHINE_READERS: &[Permission] = &[
    Permission::MachineRead,
    Permission::MachineReadAll,
    Permission::MachineReadWrite,
    Permission::MachineReadWriteAll,
];
const MACHINE_READERS_LISTED: &[Permission] =
    &[Permission::MachineReadAll, Permission::MachineReadWriteAll];

/// `GET /api/users/{id}/machines`
pub(crate) struct UserMachines;
/// `GET /api/users/{id}/alerts`
pub(crate) struct UserAlerts;
/// `GET /api/machines`
pub(crate) struct Machines;
/// `GET /api/machines/{id}`
pub(crate) struct Machine;
/// `GET /api/machines/{id}/logonusers`
pub(crate) struct LogonUsers;
/// `GET /api/machines/{id}/alerts`
pub(crate) struct MachineAlerts;
/// `GET /api/alerts`
pub(crate) struct Alerts;

impl Api for UserMachines {
    const NAME: &'static str = "get-user-related-machines";
    const ACCEPTED: &'static [Permission] = MACHINE_READERS;
    const LISTED: &'static [Permission] = MACHINE_READERS_LISTED;
}

impl Api for Machines {
    const NAME: &'static str = "get-machines";
    const ACCEPTED: &'static [Permission] = MACHINE_READERS;
    const LISTED: &'static [Permission] = MACHINE_READERS_LISTED;
}

impl Api for Machine {
    const NAME: &'static str = "get-machine-by-id";
    const ACCEPTED: &'static [Permission] = MACHINE_READERS;
    const LISTED: &'static [Permission] = MACHINE_READERS_LISTED;
}

impl Api for LogonUsers {
    const NAME: &'static str = "get-machine-log-on-users";
    const ACCEPTED: &'static [Permission] = &[Permission::UserReadAll];
    const LISTED: &'static [Permission] = &[Permission::UserReadAll];
}

// Any permission opens the sets of alerts: they are the connection test of clients that hold Machine
// permissions alone (defender-api.md §13.14), and they are empty.
const ALERT_READERS_LISTED: &[Permission] =
    &[Permission::AlertReadAll, Permission::AlertReadWriteAll];

impl Api for UserAlerts {
    const NAME: &'static str = "get-user-related-alerts";
    const ACCEPTED: &'static [Permission] = Permission::ALL;
    const LISTED: &'static [Permission] = ALERT_READERS_LISTED;
}

impl Api for MachineAlerts {
    const NAME: &'static str = "get-machine-related-alerts";
    const ACCEPTED: &'static [Permission] = Permission::ALL;
    const LISTED: &'static [Permission] = ALERT_READERS_LISTED;
}

impl Api for Alerts {
    const NAME: &'static str = "get-alerts";
    const ACCEPTED: &'static [Permission] = Permission::ALL;
    const LISTED: &'static [Permission] = ALERT_READERS_LISTED;
}
