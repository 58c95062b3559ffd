//! What a running server does beside answering: it puts machines into their device groups when
//! rules changed, whoever changed them, and forgets tickets that have expired.

use std::sync::Arc;
use std::time::Duration;

use server::clock::{Clock, SystemClock};
use store::Store;
use tokio::time::MissedTickBehavior;

/// How often it is looked whether rules changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After so many looks the rules are applied without a sign of change: another process may have
/// been ended in the middle of it.
const LOOKS_BETWEEN_SURE_ONES: u32 = 60;
/// Machines of one transaction: some tens of milliseconds in which others cannot write.
const STEP: u64 = 5_000;
/// How often expired tickets are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// Begins both works; they end with the process.
pub(super) fn start(store: &Arc<dyn Store>) {
    tokio::spawn(keep_grouped(Arc::clone(store)));
    tokio::spawn(keep_forgetting(Arc::clone(store)));
}

async fn keep_grouped(store: Arc<dyn Store>) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watch = Watch::default();
    loop {
        every.tick().await;
        let outcome = async {
            if watch.is_due(&*store)? {
                regroup(&*store).await?;
            }
            Ok::<_, store::Error>(())
        };
        if let Err(error) = outcome.await {
            watch = Watch::default();
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "machines could not be put into their device groups; trying again"
            );
        }
    }
}

async fn keep_forgetting(store: Arc<dyn Store>) {
    let mut every = tokio::time::interval(FORGET_EVERY);
    loop {
        every.tick().await;
        match store.forget_tickets(SystemClock.now()).await {
            Ok(0) => {}
            Ok(tickets) => tracing::debug!(tickets, "forgot expired tickets"),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "expired tickets could not be forgotten"
            ),
        }
    }
}

/// Tells whether rules may have changed, at the cost of two numbers.
#[derive(Default)]
struct Watch {
    version: Option<u64>,
    access_version: Option<u64>,
    looks: u32,
}

impl Watch {
    fn is_due(&mut self, store: &dyn Store) -> Result<bool, store::Error> {
        let is_sure = self.looks == 0;
        self.looks = (self.looks + 1) % LOOKS_BETWEEN_SURE_ONES;
        let version = store.version()?;
        if self.version.replace(version) == Some(version) {
            return Ok(is_sure);
        }
        let access_version = store.access_version()?;
        Ok(self.access_version.replace(access_version) != Some(access_version) || is_sure)
    }
}

/// Puts every tenant's machines where the rules want them. A tenant with nothing to do costs one
/// small question.
async fn regroup(store: &dyn Store) -> Result<(), store::Error> {
    for tenant in store.tenants().await? {
        let mut moved = 0;
        loop {
            let step = store.regroup(tenant.number, STEP).await?;
            moved += step.moved;
            if step.finished {
                break;
            }
            // Others write between two steps.
            tokio::task::yield_now().await;
        }
        if moved > 0 {
            tracing::info!(tenant = %tenant.id, moved, "machines follow the device groups' rules");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use inventory::access::device_group::{Condition, Operator, Rules};
    use inventory::access::directory::DeviceGroupSettings;
    use inventory::access::scope::Scope;
    use inventory::query::{MachineList, Page};
    use inventory::time::Timestamp;

    use super::*;

    #[tokio::test]
    async fn machines_follow_rules_that_another_process_changed() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("footfall.sqlite").display());
        let (own, other) = (store::open(&url).unwrap(), store::open(&url).unwrap());
        let tenant = own.default_tenant().await.unwrap().number;
        let fleet = crate::fleet::generate(1, SystemClock.now());
        own.record(tenant, fleet.logons).await.unwrap();
        let mut watch = Watch::default();
        assert!(watch.is_due(&*own).unwrap(), "the first look is a sure one");
        regroup(&*own).await.unwrap();
        assert!(!watch.is_due(&*own).unwrap(), "nothing has changed");

        let kept = other.directory(tenant).await.unwrap();
        let mut directory = kept.directory;
        let every = Condition { condition: Operator::Contains, value: ".".to_owned() };
        let rules = Rules { devices_names_conditions: vec![every], ..Rules::default() };
        let settings = DeviceGroupSettings {
            name: "all".to_owned(),
            description: String::new(),
            automation_level: Default::default(),
            rules,
        };
        let id = directory.add_device_group(settings, SystemClock.now()).unwrap();
        assert!(other.save_directory(tenant, kept.generation, &directory).await.unwrap());
        // What other processes change is seen after a tenth of a millisecond.
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(watch.is_due(&*own).unwrap(), "the rules have changed");
        regroup(&*own).await.unwrap();
        let machines = own
            .machines(&Scope::whole(tenant), MachineList::all(Page::ALL, Timestamp::MAX))
            .await
            .unwrap()
            .machines;
        assert!(!machines.is_empty());
        assert!(machines.iter().all(|machine| machine.rbac_group_id == id));
        assert!(!watch.is_due(&*own).unwrap(), "moved machines are no change of rules");
    }
}
