//! How a directory is changed: read, changed as a value, written if nobody else was faster.

use inventory::access::directory::{Directory, Refused};
use inventory::ids::TenantId;
use store::{KeptDirectory, Regrouped, Store};

use super::{Administration, Error};

/// How often a change is tried again when others were faster.
pub(super) const TRIES: usize = 20;
/// Machines that one step looks at, so that other writers get their turn in between.
const REGROUP_STEP: u64 = 5_000;

/// Puts a tenant's machines into the device groups that the rules say now. Steps of several
/// processes add up; what one leaves unfinished another goes on with.
pub async fn regroup(store: &dyn Store, tenant: TenantId) -> Result<Regrouped, store::Error> {
    let mut sum = Regrouped::default();
    while !sum.finished {
        let step = store.regroup(tenant, REGROUP_STEP).await?;
        sum.machines += step.machines;
        sum.moved += step.moved;
        sum.finished = step.finished;
    }
    Ok(sum)
}

impl Administration<'_> {
    /// User groups, roles and device groups as they are.
    pub async fn directory(&self) -> Result<KeptDirectory, Error> {
        Ok(self.store.directory(self.tenant()).await?)
    }

    /// Changes the directory and records that; the result is the changed one, too.
    pub(super) async fn change_directory<T: Send>(
        &self,
        operation: &str,
        detail: String,
        change: impl Fn(&mut Directory) -> Result<T, Refused> + Send + Sync,
    ) -> Result<(T, Directory), Error> {
        self.audited(operation, detail, self.change(change)).await
    }

    pub(super) async fn change<T: Send>(
        &self,
        change: impl Fn(&mut Directory) -> Result<T, Refused> + Send + Sync,
    ) -> Result<(T, Directory), Error> {
        for _ in 0..TRIES {
            let KeptDirectory { mut directory, generation } = self.directory().await?;
            let before = directory.clone();
            let result = change(&mut directory)?;
            // What changes nothing costs nobody's caches anything.
            let is_done = before == directory
                || self.store.save_directory(self.tenant(), generation, &directory).await?;
            if is_done {
                return Ok((result, directory));
            }
        }
        Err(Error::Contended)
    }
}
