//! What Linux hosts write: real variants that no capture at hand has, made here, and damage.

mod auditd;
mod databases;
mod foreign;
mod journal;
mod listing;
mod records;
mod syslog;

use ingest::Options;

use crate::support::options;

fn on(device: &str) -> Options {
    Options { device: Some(device.to_owned()), ..options() }
}

/// Of each logon its user, machine, type and remote side.
fn told(read: &crate::support::Collected) -> Vec<String> {
    let logons = read.logons.iter().map(|logon| {
        let remote = logon.remote_address.map(|address| address.to_string());
        let remote = remote.or(logon.remote_name.clone()).unwrap_or_default();
        let (account, machine) = (&logon.account.name, &logon.machine.name);
        format!("{account}@{machine} {} {remote}", logon.logon_type.number()).trim().to_owned()
    });
    logons.collect()
}

/// The reasons of what was rejected, with where it is.
fn rejects(read: &crate::support::Collected) -> Vec<String> {
    let rejects = read.rejects.iter();
    rejects.map(|reject| format!("{}: {}", reject.position, reject.reason)).collect()
}
