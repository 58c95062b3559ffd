//! Bytes as a file brings them, through everything that reads telemetry: archives, recognition, and
//! the parser of whichever format they are taken for; and line by line, as senders' records. Which one that is the seeds say: fuzz/run
//! starts once from those of each format.
//!
//! Nothing may panic, take memory without a bound or run without an end. A panic that the reader
//! caught and told as a defect counts, unless the EVTX crate made it: that is why it is caught.

#![no_main]

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use ingest::live::{self, Memory};
use ingest::reject::{Position, Reject, Skipped};
use ingest::{FileReport, Format, Options, Receiver};
use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::session::SessionEvent;
use inventory::time::Timestamp;
use libfuzzer_sys::fuzz_target;

/// Counts, and keeps defects.
#[derive(Default)]
struct Told {
    logons: u64,
    defects: Vec<Reject>,
}

impl Receiver for Told {
    fn logons(&mut self, _: Format, logons: Vec<Logon>) -> ControlFlow<()> {
        self.logons += logons.len() as u64;
        ControlFlow::Continue(())
    }

    fn reports(&mut self, _: Vec<MachineReport>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn changes(&mut self, _: Vec<SessionEvent>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn identities(&mut self, _: Vec<(IdentityReport, Timestamp)>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn file(&mut self, file: FileReport) {
        assert!(file.tally.logons <= file.tally.records.max(self.logons), "{file:?}");
    }

    fn skipped(&mut self, _: Skipped) {}

    fn rejected(&mut self, reject: Reject) {
        let is_defect = reject.reason.starts_with("left out after a defect of ours");
        if is_defect && !matches!(reject.position, Position::Chunk(_)) {
            self.defects.push(reject);
        }
    }

    fn warning(&mut self, _: &str, _: &str) {}

    fn progress(&mut self, _: u64) {}
}

fuzz_target!(
    init: {
        // Those that are caught go on; libfuzzer's own hook would end the process.
        std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    },
    |bytes: &[u8]| {
        let options = Options {
            device: Some("device".to_owned()),
            year: Some(2026),
            threads: NonZeroUsize::MIN,
            ..Options::default()
        };
        let mut told = Told::default();
        let flow = ingest::read_from(bytes, "input", &options, &mut told);
        assert!(flow.is_continue());
        // And as a sender's records, one by one.
        let records = bytes.split(|&byte| byte == b'\n');
        let mut memory = Memory::default();
        let flow =
            live::read(records, "input", Timestamp::MAX, &options, &mut memory, &mut told);
        assert!(flow.is_continue());
        assert!(told.defects.is_empty(), "{:?}", told.defects);
    }
);
