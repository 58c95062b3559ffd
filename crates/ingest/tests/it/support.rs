//! A receiver that keeps everything, and ways to read bytes and files with it.

use std::io::Write;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ingest::input::{Input, discover};
use ingest::reject::{Reject, Skipped};
use ingest::{FileReport, Format, Options, Receiver, Tally};
use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::session::SessionEvent;
use inventory::time::Timestamp;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Collected {
    pub(crate) logons: Vec<Logon>,
    pub(crate) files: Vec<FileReport>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) rejects: Vec<Reject>,
    pub(crate) warnings: Vec<String>,
    pub(crate) progress_bytes: u64,
    pub(crate) reports: Vec<MachineReport>,
    pub(crate) changes: Vec<SessionEvent>,
    pub(crate) identities: Vec<(IdentityReport, Timestamp)>,
    /// After so many batches, break.
    pub(crate) break_after: Option<usize>,
}

impl Collected {
    /// All files together.
    pub(crate) fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        self.files.iter().for_each(|file| sum.add(&file.tally));
        sum
    }

    /// The users of the logons, in order.
    pub(crate) fn users(&self) -> Vec<&str> {
        let users = self.logons.iter().map(|logon| logon.account.name.as_str());
        users.collect()
    }

    /// The times of the logons as text, in order.
    pub(crate) fn times(&self) -> Vec<String> {
        let times = self.logons.iter().map(|logon| logon.time.to_string());
        times.collect()
    }
}

impl Receiver for Collected {
    fn logons(&mut self, _: Format, logons: Vec<Logon>) -> ControlFlow<()> {
        assert!(!logons.is_empty());
        self.logons.extend(logons);
        match &mut self.break_after {
            Some(0) => panic!("called after a break"),
            Some(left) => {
                *left -= 1;
                if *left == 0 {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            }
            None => ControlFlow::Continue(()),
        }
    }

    fn reports(&mut self, reports: Vec<MachineReport>) -> ControlFlow<()> {
        self.reports.extend(reports);
        ControlFlow::Continue(())
    }

    fn changes(&mut self, changes: Vec<SessionEvent>) -> ControlFlow<()> {
        assert!(!changes.is_empty());
        self.changes.extend(changes);
        ControlFlow::Continue(())
    }

    fn identities(&mut self, identities: Vec<(IdentityReport, Timestamp)>) -> ControlFlow<()> {
        self.identities.extend(identities);
        ControlFlow::Continue(())
    }

    fn file(&mut self, file: FileReport) {
        self.files.push(file);
    }

    fn skipped(&mut self, skipped: Skipped) {
        self.skipped.push(skipped);
    }

    fn rejected(&mut self, reject: Reject) {
        self.rejects.push(reject);
    }

    fn warning(&mut self, name: &str, text: &str) {
        self.warnings.push(format!("{name}: {text}"));
    }

    fn progress(&mut self, bytes: u64) {
        self.progress_bytes += bytes;
    }
}

pub(crate) fn options() -> Options {
    Options { threads: NonZeroUsize::new(2).unwrap(), ..Options::default() }
}

/// Reads bytes as standard input would bring them.
pub(crate) fn read_bytes(bytes: &[u8]) -> Collected {
    read_bytes_with(bytes, &options())
}

pub(crate) fn read_bytes_with(bytes: &[u8], options: &Options) -> Collected {
    let mut collected = Collected::default();
    assert!(ingest::read_from(bytes, "input", options, &mut collected).is_continue());
    collected
}

/// Reads a file by its path; the progress must come out at its size.
pub(crate) fn read_file(path: &Path) -> Collected {
    read_file_with(path, &options())
}

pub(crate) fn read_file_with(path: &Path, options: &Options) -> Collected {
    let (inputs, skipped) = discover(&[path.to_owned()]);
    assert!(skipped.is_empty(), "{skipped:?}");
    let mut collected = Collected::default();
    for input in &inputs {
        assert!(ingest::read(input, options, &mut collected).is_continue());
    }
    let size: u64 = inputs.iter().map(Input::size_bytes).sum();
    assert_eq!(collected.progress_bytes, size);
    collected
}

/// A file with these bytes, for as long as the folder lives.
pub(crate) fn write(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The real files, which are not in the project.
pub(crate) fn data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if folder.join("sources.tsv").exists() {
        return Some(folder);
    }
    eprintln!("SKIPPED: there is no {}", folder.display());
    None
}

/// A made event in NXLog's shape, on a collector at UTC+02:00; `extra` replaces or adds members.
pub(crate) fn nxlog(user: &str, minute: u32, extra: &str) -> String {
    let comma = if extra.is_empty() { "" } else { "," };
    format!(
        "{{\"EventTime\":\"2026-03-01 10:{minute:02}:00\",\"Hostname\":\"WS-1.corp.example\",\
         \"EventID\":4624,\"Channel\":\"Security\",\"RecordNumber\":{minute},\
         \"TargetUserName\":\"{user}\",\"TargetDomainName\":\"CORP\",\
         \"TargetUserSid\":\"S-1-5-21-1-2-3-1104\",\"TargetLogonId\":\"0x{minute:x}00\",\
         \"LogonType\":\"2\",\"IpAddress\":\"192.0.2.{minute}\",\
         \"EventReceivedTime\":\"2026-03-01 10:{minute:02}:01\",\
         \"@timestamp\":\"2026-03-01T08:{minute:02}:02.5Z\"{comma}{extra}}}"
    )
}

/// A record that is no logon.
pub(crate) fn other(minute: u32) -> String {
    format!(
        "{{\"EventTime\":\"2026-03-01 10:{minute:02}:00\",\"Hostname\":\"WS-1.corp.example\",\
         \"EventID\":4688,\"Channel\":\"Security\",\"ProcessName\":\"a {{b}} \\\"c\\\" 4x24\"}}"
    )
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
