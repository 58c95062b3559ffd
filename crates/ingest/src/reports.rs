//! Reports of one machine at one moment made into one.
//!
//! Products report each adapter or address by itself, while a report replaces what is known of a
//! machine. The last few reports are held back, so that what belongs together meets wherever a
//! file is cut into parts.

use std::collections::VecDeque;

use inventory::machine::MachineReport;

/// How many reports are held back: of several machines that report at once.
const MAX_HELD: usize = 64;
/// More addresses than a machine has.
const MAX_ADDRESSES: usize = 1024;

/// Reports that others may still join.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    held: VecDeque<MachineReport>,
}

impl Reports {
    /// Takes the next report of a file; gives one that no other can join any more.
    pub(crate) fn take(&mut self, report: MachineReport) -> Option<MachineReport> {
        match self.held.iter_mut().rev().find(|held| are_one(held, &report)) {
            Some(held) => join(held, report),
            None => self.held.push_back(report),
        }
        if self.held.len() > MAX_HELD { self.held.pop_front() } else { None }
    }

    /// The end of the file.
    pub(crate) fn rest(&mut self) -> Vec<MachineReport> {
        self.held.drain(..).collect()
    }
}

/// Whether two reports are of one machine and moment, and there is room.
pub(crate) fn are_one(one: &MachineReport, other: &MachineReport) -> bool {
    one.time == other.time
        && one.machine.id == other.machine.id
        && one.machine.name == other.machine.name
        && one.facts.ip_addresses.len() + other.facts.ip_addresses.len() <= MAX_ADDRESSES
}

pub(crate) fn join(report: &mut MachineReport, other: MachineReport) {
    // Not every table has it.
    let device = report.machine.aad_device_id.or(other.machine.aad_device_id);
    report.machine.aad_device_id = device;
    for identifier in other.machine.identifiers {
        if !report.machine.identifiers.contains(&identifier) {
            report.machine.identifiers.push(identifier);
        }
    }
    report.facts.complete(other.facts);
}
