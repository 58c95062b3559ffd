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
pub(crate) const NAMES: &[&str] =
    &[UserMachines::NAME, Machines::NAME, Machine::NAME, LogonUsers::NAME, Alerts::NAME];

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
/// `GET /api/machines`
pub(crate) struct Machines;
/// `GET /api/machines/{id}`
pub(crate) struct Machine;
/// `GET /api/machines/{id}/logonusers`
pub(crate) struct LogonUsers;
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

/// Any permission opens it: it is the connection test of clients that hold Machine permissions
/// alone (defender-api.md §13.14), and the set is empty.
impl Api for Alerts {
    const NAME: &'static str = "get-alerts";
    const ACCEPTED: &'static [Permission] = Permission::ALL;
    const LISTED: &'static [Permission] =
        &[Permission::AlertReadAll, Permission::AlertReadWriteAll];
}
