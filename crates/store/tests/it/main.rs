//! The contract of [`store::Store`], on every engine that there is.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod access;
mod addresses;
mod audit;
mod conditions;
mod deadline;
mod deliveries;
mod file;
mod forget;
mod groups;
mod identities;
mod inventory_facts;
mod migration;
mod namesakes;
mod operators;
mod persons;
mod related;
mod relations;
mod remotes;
mod scope;
mod sessions;
mod sync;
mod tenants;
mod tickets;
mod version;

use std::sync::Arc;

use inventory::access::device_group::{
    AutomationLevel, Condition, DeviceGroup, Operator, OsCondition, Rules,
};
use inventory::access::directory::Directory;
use inventory::access::scope::{Groups, Scope};
use inventory::account::Account;
use inventory::change::{Author, MachineChange};
use inventory::ids::{MachineId, TenantId};
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source};
use inventory::machine::{Machine, MachineFacts, MachineReport};

use inventory::time::{Stamp, Timestamp};
use store::Store;

/// A store in a folder that goes with it.
struct Fixture {
    store: Arc<dyn Store>,
    tenant: TenantId,
    folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let tenant = store.default_tenant().await.unwrap().number;
        Self { store, tenant, folder }
    }

    fn scope(&self) -> Scope {
        Scope::whole(self.tenant)
    }

    /// What somebody sees who may see some device groups.
    fn groups(&self, ids: impl IntoIterator<Item = i32>) -> Scope {
        Scope::new(self.tenant, Groups::only(ids))
    }

    /// Replaces the device groups, in the order of their rank.
    async fn save_groups(&self, groups: Vec<DeviceGroup>) {
        let kept = self.store.directory(self.tenant).await.unwrap();
        let directory = Directory { device_groups: groups, ..kept.directory };
        let saved = self.store.save_directory(self.tenant, kept.generation, &directory).await;
        assert!(saved.unwrap());
    }

    /// Puts all machines into their groups.
    async fn regroup(&self) {
        while !self.store.regroup(self.tenant, 3).await.unwrap().finished {}
    }

    /// SQL from outside, for what no method of the store does.
    fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("footfall.sqlite")).unwrap()
    }

    /// The same file opened once more, as another process would.
    fn again(&self) -> Arc<dyn Store> {
        open(&self.folder)
    }
}

fn open(folder: &tempfile::TempDir) -> Arc<dyn Store> {
    store::open(&format!("sqlite:{}/footfall.sqlite", folder.path().display())).unwrap()
}

fn time(text: &str) -> Timestamp {
    Stamp::parse(text).unwrap().in_zone(&jiff::tz::TimeZone::UTC).unwrap()
}

/// A logon of `user` (`DOMAIN\name`) on a machine.
fn logon(user: &str, machine: &str, at: &str, kind: u32, session: u64) -> Logon {
    Logon {
        account: Account::from_log(user, "", "").unwrap(),
        machine: MachineRef::named(machine),
        time: time(at),
        logon_type: LogonType::new(kind).unwrap(),
        remote_address: None,
        remote_name: None,
        source: Source::Evtx,
        key: EventKey { session, record: Some(session) },
    }
}

fn group(id: i32, rules: Rules) -> DeviceGroup {
    DeviceGroup {
        id,
        name: format!("Group {id}"),
        description: String::new(),
        automation_level: AutomationLevel::default(),
        rules,
        access: Vec::new(),
        changed: 0,
    }
}

fn named(condition: Operator, value: &str) -> Rules {
    let row = Condition { condition, value: value.to_owned() };
    Rules { devices_names_conditions: vec![row], ..Rules::default() }
}

fn tagged(tag: &str) -> Rules {
    let row = Condition { condition: Operator::Equals, value: tag.to_owned() };
    Rules { devices_tags_conditions: vec![row], ..Rules::default() }
}

fn of_platform(platform: &str) -> Rules {
    let row = OsCondition { condition: Operator::Equals, values_list: vec![platform.to_owned()] };
    Rules { devices_os_conditions: vec![row], ..Rules::default() }
}

/// A machine's report of its platform.
fn runs(machine: MachineRef, at: &str, platform: &str) -> MachineReport {
    let facts = MachineFacts { os_platform: Some(platform.to_owned()), ..MachineFacts::default() };
    MachineReport { machine, time: time(at), facts }
}

/// Sets the tags of a machine; `None` for one that the scope does not show.
async fn set_tags(
    store: &dyn Store,
    scope: &Scope,
    machine: MachineId,
    tags: Vec<String>,
) -> Option<Machine> {
    let author = Author { time: time("2025-06-02T00:00:00Z"), app: None, person: None };
    let changes = vec![MachineChange::SetTags(tags)];
    store.change_machines(scope, vec![machine], changes, author).await.unwrap().pop()
}
