//! Which files there are: those that are named, those of folders, and what became of a log that was
//! rotated while nobody looked.

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use ingest::input::Input;

use super::file;
use super::places::{FileId, Places};
use super::report::{Event, Report};

/// Files beside a named one that are looked at when it was replaced.
const MAX_SIBLINGS: usize = 1_000;

/// A file that was found.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) id: FileId,
    pub(super) path: PathBuf,
    /// The log that it is, or was before it was rotated.
    pub(super) log: String,
    /// It was found in a folder, or rotated: packed, it was probably read before.
    pub(super) is_maybe_old: bool,
}

impl Target {
    fn of(path: &Path, metadata: &Metadata, is_maybe_old: bool) -> Self {
        let (id, log) = (FileId::of(path, metadata), path.display().to_string());
        Self { id, path: path.to_owned(), log, is_maybe_old }
    }
}

/// Finds files.
pub(super) struct Targets {
    paths: Vec<PathBuf>,
    /// What a named path was when it was looked at last.
    named: HashMap<PathBuf, (FileId, u64)>,
    told: HashSet<String>,
}

impl Targets {
    pub(super) fn new(paths: &[PathBuf]) -> Self {
        Self { paths: paths.to_vec(), named: HashMap::new(), told: HashSet::new() }
    }

    /// The files that there are now; what was rotated stands before what took its place.
    pub(super) fn find(&mut self, places: &Places, report: &Report) -> Vec<Target> {
        let mut found: Vec<Target> = Vec::new();
        for path in self.paths.clone() {
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.folder(&path, &mut found, report),
                Ok(metadata) if metadata.is_file() => {
                    let target = Target::of(&path, &metadata, false);
                    let now = (target.id.clone(), metadata.len());
                    let before = self.named.insert(path.clone(), now.clone());
                    // Another file, or a shorter one.
                    if before.is_none_or(|(id, length)| id != now.0 || length > now.1) {
                        siblings(&path, &target.id, places, &mut found);
                    }
                    found.push(target);
                }
                Ok(_) => self.skip(&path, "not a regular file", report),
                // It may come, or come back.
                Err(error) => {
                    let path = path.display().to_string();
                    if self.told.insert(path.clone()) {
                        report.tell(&Event::Waiting { path, reason: error.to_string() });
                    }
                }
            }
        }
        let mut ids = HashSet::new();
        found.retain(|target| ids.insert(target.id.clone()));
        found
    }

    fn folder(&mut self, folder: &Path, found: &mut Vec<Target>, report: &Report) {
        let (inputs, skipped) = ingest::input::discover(&[folder.to_owned()]);
        for input in inputs {
            if let Input::File { path, .. } = input
                && let Ok(metadata) = fs::metadata(&path)
            {
                found.push(Target::of(&path, &metadata, true));
            }
        }
        for skipped in skipped {
            self.skip(Path::new(&skipped.name), &skipped.reason, report);
        }
    }

    fn skip(&mut self, path: &Path, reason: &str, report: &Report) {
        /// Of more files than that nothing is told.
        const MAX_TOLD: usize = 10_000;
        let path = path.display().to_string();
        if self.told.len() < MAX_TOLD && self.told.insert(path.clone()) {
            report.tell(&Event::Skipped { path, reason: reason.to_owned() });
        }
    }
}

/// Files beside a named one that hold a rest of what it was: the same file under another name, or a copy
/// of what was read up to some place.
fn siblings(path: &Path, now: &FileId, places: &Places, found: &mut Vec<Target>) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|it| it.to_str()))
    else {
        return;
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let log = path.display().to_string();
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok).take(MAX_SIBLINGS) {
        let beside = entry.path();
        let is_named_after =
            entry.file_name().to_str().is_some_and(|other| other.starts_with(name));
        let Ok(metadata) = fs::metadata(&beside) else { continue };
        let target = Target { log: log.clone(), ..Target::of(&beside, &metadata, true) };
        if !is_named_after || !metadata.is_file() || target.id == *now {
            continue;
        }
        if file::is_rest(&target, &metadata, places) {
            found.push(target);
        }
    }
}
