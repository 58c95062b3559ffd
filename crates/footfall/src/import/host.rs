//! The logs that a host has: this one's, or those under another root, a mounted disk image say.
//!
//! What lies under another root belongs to somebody else, who may be an attacker: a link in it that
//! leads out of it is not followed, and no program of it is run.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use ingest::passwd::Passwd;
use inventory::identity::{Identifier, IdentifierKind};
use jiff::tz::TimeZone;

use super::journal::Journal;

/// Of a file that names something.
const MAX_NAME_BYTES: u64 = 64 * 1024;
/// A million users take some 64 MiB.
const MAX_PASSWD_BYTES: u64 = 256 * 1024 * 1024;
/// Files of one log at most; each is one that was rotated.
const MAX_FILES: usize = 10_000;

/// Where hosts keep their logs (hier(7), wtmpdb(8), lastlog2(8)): a folder, and what names of files
/// in it begin with, up to their end, a `.`, a `-` or a `_`.
const LOGS: [(&str, &str); 10] = [
    ("var/log", "wtmp"),
    ("var/log", "btmp"),
    ("var/lib/wtmpdb", "wtmp"),
    ("var/lib/lastlog", "lastlog2"),
    ("var/log", "lastlog"),
    ("var/log", "auth.log"),
    ("var/log", "secure"),
    ("var/log/audit", "audit.log"),
    ("Windows/System32/winevt/Logs", "Security.evtx"),
    ("Windows/System32/winevt/Logs", "Archive-Security"),
];
/// Where the journal's own files are; only the first outlives a start of the machine.
const JOURNALS: [&str; 2] = ["var/log/journal", "run/log/journal"];

/// What was found of a host.
#[derive(Debug, Default)]
pub(super) struct Host {
    /// Its name, where it can be told.
    pub(super) name: Option<String>,
    /// What its installation of Linux is known by.
    pub(super) machine_id: Option<Identifier>,
    /// The zone of its clock.
    pub(super) zone: Option<TimeZone>,
    pub(super) users: Passwd,
    /// The files that can be read.
    pub(super) files: Vec<PathBuf>,
    pub(super) journal: Option<Journal>,
    /// What there is and cannot be read, with the reason.
    pub(super) unreadable: Vec<(String, String)>,
    /// Something was denied, which an administrator may read.
    pub(super) is_denied: bool,
}

impl Host {
    /// Looks for the logs of this machine, or of the one whose files are under `root`.
    pub(super) fn look(root: Option<&Path>) -> Self {
        let own = own_root();
        let mut host = Self::default();
        let place = Place { root: root.unwrap_or(&own), is_foreign: root.is_some() };
        host.name = host_name(&place);
        host.machine_id = machine_id(&place);
        host.zone = zone(&place);
        if let Some(bytes) = place.read("etc/passwd", MAX_PASSWD_BYTES) {
            host.users = Passwd::parse(&bytes);
        }
        for (folder, prefix) in LOGS {
            host.look_in(&place, folder, prefix);
        }
        host.look_for_journal(&place);
        host
    }

    fn look_in(&mut self, place: &Place<'_>, folder: &str, prefix: &str) {
        let path = place.root.join(folder);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    self.refuse(&path, &error);
                }
                return;
            }
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| is_log(name, prefix)).collect();
        names.sort();
        for name in names.into_iter().take(MAX_FILES) {
            let path = path.join(name);
            if !place.holds(&path) {
                let reason = "a link that leads out of the root".to_owned();
                self.unreadable.push((path.display().to_string(), reason));
                continue;
            }
            // Empty ones are what a rotation leaves, and say nothing.
            match File::open(&path).and_then(|file| file.metadata()) {
                Ok(metadata) if metadata.is_file() && metadata.len() > 0 => self.files.push(path),
                Ok(_) => {}
                Err(error) => self.refuse(&path, &error),
            }
        }
    }

    fn look_for_journal(&mut self, place: &Place<'_>) {
        let mut folders = JOURNALS.map(|folder| place.root.join(folder)).into_iter();
        let Some(folder) = folders.find(|path| path.is_dir() && place.holds(path)) else {
            return;
        };
        match Journal::find(place.is_foreign.then_some(folder.as_path())) {
            Some(journal) => self.journal = Some(journal),
            None => {
                let reason = "journalctl, which reads it, is not here".to_owned();
                self.unreadable.push((folder.display().to_string(), reason));
            }
        }
    }

    fn refuse(&mut self, path: &Path, error: &std::io::Error) {
        self.is_denied |= error.kind() == ErrorKind::PermissionDenied;
        self.unreadable.push((path.display().to_string(), error.to_string()));
    }

    /// Whether there is nothing to read.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.journal.is_none()
    }

    /// What is read, for people.
    pub(super) fn found(&self) -> Vec<String> {
        let files = self.files.iter().map(|path| path.display().to_string());
        files.chain(self.journal.as_ref().map(Journal::name)).collect()
    }
}

/// Whether a file is a log, or one of it that was rotated: `wtmp`, `wtmp.1`, `wtmp-20260301`.
fn is_log(name: &str, prefix: &str) -> bool {
    let is_archive = prefix.starts_with("Archive");
    name.strip_prefix(prefix).is_some_and(|rest| {
        let is_end = rest.is_empty() || rest.starts_with(['.', '-', '_']);
        // Of a database SQLite may leave others beside it.
        is_end
            && !rest.contains("-wal")
            && !rest.contains("-shm")
            && !rest.ends_with("-journal")
            && (!is_archive || rest.ends_with(".evtx"))
    })
}

/// The root of the running system.
fn own_root() -> PathBuf {
    // Windows' folders are under the drive of the system.
    match std::env::var_os("SystemDrive") {
        Some(drive) if cfg!(windows) => PathBuf::from(format!("{}\\", drive.to_string_lossy())),
        _ => PathBuf::from("/"),
    }
}

/// A root, and whether it is another machine's.
struct Place<'a> {
    root: &'a Path,
    is_foreign: bool,
}

impl Place<'_> {
    /// Whether a path is inside, its links followed.
    fn holds(&self, path: &Path) -> bool {
        if !self.is_foreign {
            return true;
        }
        match (path.canonicalize(), self.root.canonicalize()) {
            (Ok(path), Ok(root)) => path.starts_with(root),
            // What is not there leads nowhere, and says so when it is opened.
            _ => path.symlink_metadata().is_ok_and(|metadata| !metadata.is_symlink()),
        }
    }

    fn read(&self, name: &str, max_bytes: u64) -> Option<Vec<u8>> {
        let path = self.root.join(name);
        if !self.holds(&path) || !path.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(max_bytes).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

/// The name that the machine has now, else the one that it is to have (hostname(5)).
fn host_name(place: &Place<'_>) -> Option<String> {
    let now = if cfg!(windows) {
        std::env::var("COMPUTERNAME").ok()
    } else {
        fs::read_to_string("/proc/sys/kernel/hostname").ok()
    };
    let now = now.filter(|_| !place.is_foreign);
    let set = || {
        let bytes = place.read("etc/hostname", MAX_NAME_BYTES)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = now.or_else(set)?;
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned)
}

/// The id of the installation (machine-id(5)), or D-Bus' where there is no systemd. An image that was never
/// started has none: its file is empty, or says so.
fn machine_id(place: &Place<'_>) -> Option<Identifier> {
    ["etc/machine-id", "var/lib/dbus/machine-id"].iter().find_map(|name| {
        let bytes = place.read(name, MAX_NAME_BYTES)?;
        Identifier::parse(IdentifierKind::MachineId, &String::from_utf8_lossy(&bytes))
    })
}

/// The zone that stamps of syslog are in: `etc/localtime` is a link to its file, `etc/timezone`
/// names it on Debian.
fn zone(place: &Place<'_>) -> Option<TimeZone> {
    let link = fs::read_link(place.root.join("etc/localtime")).ok();
    let linked = link
        .as_deref()
        .and_then(Path::to_str)
        .and_then(|path| path.split_once("zoneinfo/").map(|(_, name)| name.to_owned()));
    let named = || {
        let bytes = place.read("etc/timezone", MAX_NAME_BYTES)?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    TimeZone::get(&linked.or_else(named)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_logs_are_logs_and_what_merely_begins_so_is_none() {
        for (name, prefix, is) in [
            ("wtmp", "wtmp", true),
            ("wtmp.1", "wtmp", true),
            ("wtmp-20260301.gz", "wtmp", true),
            ("wtmp.db", "wtmp", true),
            ("wtmp_20260301.db", "wtmp", true),
            ("wtmp.db-wal", "wtmp", false),
            ("wtmp.db-journal", "wtmp", false),
            ("wtmpx", "wtmp", false),
            ("lastlog2.db", "lastlog", false),
            ("auth.log.2.gz", "auth.log", true),
            ("Archive-Security-2026-03-01-08-00-00-000.evtx", "Archive-Security", true),
            ("Archive-Security.txt", "Archive-Security", false),
        ] {
            assert_eq!(is_log(name, prefix), is, "{name}");
        }
    }
}
