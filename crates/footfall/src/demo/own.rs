//! Where a demo keeps its inventory when nobody named a place: in a folder of its own in the user's data
//! folder, which `--database demo` finds, gone at the end.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::config;

/// The folder of the one demo of a user, or a passing one where another demo runs already.
pub(super) enum Own {
    User { folder: PathBuf, _lock: File },
    Passing(tempfile::TempDir),
}

impl Own {
    /// Takes the place, and removes what a demo left there that was killed.
    pub(super) fn take() -> anyhow::Result<Self> {
        if let Some(folder) = config::demo_folder()
            && let Some(lock) = lock(&folder)?
        {
            // Somebody may have put an inventory of their own there.
            let database = folder.join(config::DEMO_FILE);
            store::check_demo(&url(&database))?;
            remove(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
            return Ok(Self::User { folder, _lock: lock });
        }
        Ok(Self::Passing(tempfile::tempdir().context("cannot make a folder for the demo")?))
    }

    /// The database, as the demo opens it.
    pub(super) fn database(&self) -> String {
        match self {
            Self::User { folder, .. } => url(&folder.join(config::DEMO_FILE)),
            Self::Passing(folder) => url(&folder.path().join(config::DEMO_FILE)),
        }
    }

    /// The database, as a person names it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::User { .. } => config::DEMO.to_owned(),
            Self::Passing(_) => self.database(),
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Self::User { folder, .. } = self {
            // What cannot be removed now the next demo removes.
            let _ = remove(folder);
        }
    }
}

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// `None` where another demo has it, or where nothing can be written.
fn lock(folder: &Path) -> anyhow::Result<Option<File>> {
    let Some(above) = folder.parent() else { return Ok(None) };
    let opened = std::fs::create_dir_all(above).and_then(|()| {
        File::options().create(true).append(true).open(folder.with_extension("lock"))
    });
    let Ok(file) = opened else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the demo's folder"),
    }
}

fn remove(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
