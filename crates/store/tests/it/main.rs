//! The contract of [`store::Store`], on every engine that there is.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod access;
mod file;
mod inventory_facts;
mod relations;

use std::sync::Arc;

use inventory::account::Account;
use inventory::ids::TenantId;
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source};
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
