//! What there is to read: files, the files of folders, standard input.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::reject::{Skipped, printable};

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// A file.
    File {
        /// Where it is.
        path: PathBuf,
        /// Its size as the folder tells it; 0 for a pipe.
        size_bytes: u64,
    },
}

impl Input {
    /// What reports call it.
    pub fn name(&self) -> String {
        match self {
            Input::Stdin => "standard input".to_owned(),
            Input::File { path, .. } => name_of(path),
        }
    }

    /// How many bytes there are to read, as far as is known.
    pub fn size_bytes(&self) -> u64 {
        match self {
            Input::Stdin => 0,
            Input::File { size_bytes, .. } => *size_bytes,
        }
    }
}

/// Finds what the paths name, in their order: `-` is standard input, a folder is all files below
/// it, sorted by name, links followed. What is not there or cannot be read is told beside it.
pub fn discover(paths: &[PathBuf]) -> (Vec<Input>, Vec<Skipped>) {
    let mut inputs = Vec::new();
    let mut skipped = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            inputs.push(Input::Stdin);
            continue;
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => walk(path, &mut inputs, &mut skipped),
            Ok(metadata) => {
                inputs.push(Input::File { path: path.clone(), size_bytes: metadata.len() })
            }
            Err(error) => skipped.push(Skipped::new(name_of(path), reason(&error))),
        }
    }
    (inputs, skipped)
}

fn walk(folder: &Path, inputs: &mut Vec<Input>, skipped: &mut Vec<Skipped>) {
    let found_before = inputs.len() + skipped.len();
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let name = name_of(error.path().unwrap_or(folder));
                let reason = match error.io_error() {
                    _ if error.loop_ancestor().is_some() => {
                        "a link to a folder that it is in".to_owned()
                    }
                    Some(error) => reason(error),
                    None => error.to_string(),
                };
                skipped.push(Skipped::new(name, reason));
                continue;
            }
        };
        let kind = entry.file_type();
        if kind.is_file() {
            inputs.push(Input::File {
                size_bytes: entry.metadata().map_or(0, |metadata| metadata.len()),
                path: entry.into_path(),
            });
        } else if !kind.is_dir() {
            // A pipe or a device in a folder could block for ever; named by itself it is read.
            skipped.push(Skipped::new(name_of(entry.path()), "not a regular file"));
        }
    }
    if inputs.len() + skipped.len() == found_before {
        skipped.push(Skipped::new(name_of(folder), "a folder without files"));
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        _ => error.to_string(),
    }
}

fn name_of(path: &Path) -> String {
    printable(&path.to_string_lossy())
}
