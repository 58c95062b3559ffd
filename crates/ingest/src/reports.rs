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
        let same = self.held.iter_mut().rev().find(|held| {
            held.time == report.time
                && held.machine.id == report.machine.id
                && held.machine.name == report.machine.name
                && held.facts.ip_addresses.len() < MAX_ADDRESSES
        });
        match same {
            Some(held) => {
                // Not every table has it.
                let device = held.machine.aad_device_id.or(report.machine.aad_device_id);
                held.machine.aad_device_id = device;
                held.facts.complete(report.facts);
            }
            None => self.held.push_back(report),
        }
        if self.held.len() > MAX_HELD { self.held.pop_front() } else { None }
    }

    /// The end of the file.
    pub(crate) fn rest(&mut self) -> Vec<MachineReport> {
        self.held.drain(..).collect()
    }
}
