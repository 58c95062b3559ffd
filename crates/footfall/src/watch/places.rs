//! How far everything was read: from the store, and back to it after each pass.

use std::collections::HashMap;
use std::fs::Metadata;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use inventory::ids::TenantId;
use inventory::time::Timestamp;
use store::{Followed, Store};

use super::targets::Target;

/// A file, whatever it is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// Where the system has no numbers, its path.
    path: Option<String>,
}

impl FileId {
    #[cfg(unix)]
    pub(super) fn of(_: &Path, metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: metadata.dev(), inode: metadata.ino(), path: None }
    }

    #[cfg(not(unix))]
    pub(super) fn of(path: &Path, _: &Metadata) -> Self {
        Self { device: 0, inode: 0, path: Some(path.display().to_string()) }
    }

    fn of_place(place: &Followed) -> Self {
        let path = (place.inode == 0).then(|| place.source.clone());
        Self { device: place.device, inode: place.inode, path }
    }
}

/// All places, and those that the store does not have yet.
pub(super) struct Places {
    store: Arc<dyn Store>,
    tenant: TenantId,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    all: HashMap<FileId, Followed>,
    journals: HashMap<String, Followed>,
    changed: Vec<Followed>,
}

impl Kept {
    fn put(&mut self, place: Followed) {
        if place.cursor.is_empty() {
            self.all.insert(FileId::of_place(&place), place);
        } else {
            self.journals.insert(place.source.clone(), place);
        }
    }
}

impl Places {
    pub(super) async fn load(
        store: Arc<dyn Store>,
        tenant: TenantId,
    ) -> Result<Self, store::Error> {
        let mut kept = Kept::default();
        let mut places = store.followed(tenant).await?;
        // A number that was given to another file: the younger place is right.
        places.sort_by_key(|place| place.at);
        for place in places {
            kept.put(place);
        }
        Ok(Self { store, tenant, kept: Mutex::new(kept) })
    }

    fn with<R>(&self, work: impl FnOnce(&mut Kept) -> R) -> R {
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The place of a file, if it was read before.
    pub(super) fn of(&self, target: &Target) -> Option<Followed> {
        self.with(|kept| kept.all.get(&target.id).cloned())
    }

    /// The place that the same content had under other numbers: of a copy of a log that was rotated.
    pub(super) fn like(&self, is_like: impl Fn(&Followed) -> bool) -> Option<Followed> {
        self.with(|kept| {
            let like = kept.all.values().filter(|place| place.head_length > 0 && is_like(place));
            like.max_by_key(|place| place.position).cloned()
        })
    }

    /// When something of a log was read last.
    pub(super) fn last_read(&self, log: &str) -> Option<Timestamp> {
        self.with(|kept| {
            kept.all.values().filter(|place| place.source == log).map(|place| place.at).max()
        })
    }

    /// Where a journal goes on; empty at its start.
    pub(super) fn cursor(&self, journal: &str) -> String {
        self.with(|kept| kept.journals.get(journal).map(|it| it.cursor.clone()).unwrap_or_default())
    }

    /// Notes a place: what stands before it is on the disk.
    pub(super) fn keep(&self, place: Followed) {
        self.with(|kept| {
            kept.put(place.clone());
            let is_same = |other: &Followed| {
                (&other.source, other.device, other.inode)
                    == (&place.source, place.device, place.inode)
            };
            match kept.changed.iter_mut().find(|other| is_same(other)) {
                Some(other) => *other = place,
                None => kept.changed.push(place),
            }
        });
    }

    /// Writes what was noted.
    pub(super) async fn save(&self) -> Result<(), store::Error> {
        let changed = self.with(|kept| std::mem::take(&mut kept.changed));
        if changed.is_empty() {
            return Ok(());
        }
        self.store.keep_followed(self.tenant, changed).await
    }
}
