//! Tags of machines.

use inventory::access::scope::Scope;
use inventory::change::{Author, MAX_TAGS, MachineChange};
use inventory::machine::{ExclusionReason, Machine};
use inventory::query::MachineSelector;

use super::invalid::{self, Invalid};
use super::{Administration, Error, Who, shown};

impl Administration<'_> {
    /// Sets the tags of a machine, by id, name or Entra device id; its device group follows. What
    /// the scope does not hold does not exist.
    pub async fn set_tags(
        &self,
        scope: &Scope,
        machine: &str,
        tags: Vec<String>,
    ) -> Result<Machine, Error> {
        let detail = format!("`{}`: {}", shown(machine), tags.join(", "));
        self.audited("machine.tags", detail, async {
            let tags = checked(&tags)?;
            self.change_machine(scope, machine, MachineChange::SetTags(tags)).await
        })
        .await
    }

    /// Excludes a machine, or with `None` takes it in again.
    pub async fn set_exclusion(
        &self,
        scope: &Scope,
        machine: &str,
        reason: Option<ExclusionReason>,
    ) -> Result<Machine, Error> {
        let said = reason.map_or("included", ExclusionReason::as_str);
        let detail = format!("`{}`: {said}", shown(machine));
        self.audited("machine.exclusion", detail, async {
            self.change_machine(scope, machine, MachineChange::SetExclusion(reason)).await
        })
        .await
    }

    async fn change_machine(
        &self,
        scope: &Scope,
        machine: &str,
        change: MachineChange,
    ) -> Result<Machine, Error> {
        let unknown = || Error::Unknown { what: "machine", name: shown(machine) };
        let selector = MachineSelector::parse(machine).ok_or_else(unknown)?;
        let found = self.store.machine(scope, &selector).await?.ok_or_else(unknown)?;
        let (machines, changes) = (vec![found.id], vec![change]);
        let changed = self.store.change_machines(scope, machines, changes, self.author()).await?;
        changed.into_iter().next().ok_or_else(unknown)
    }
}

impl Administration<'_> {
    pub(super) fn author(&self) -> Author {
        let (app, person) = match &self.actor.who {
            Who::App(app) => (Some(*app), None),
            Who::Person { app, name } => (Some(*app), Some(name.clone())),
            Who::Operator(name) | Who::System(name) => (None, Some(name.clone())),
        };
        Author { time: self.now(), app, person }
    }
}

/// Tags without blanks around them, each once without regard to case.
pub(crate) fn checked(tags: &[String]) -> Result<Vec<String>, Invalid> {
    if tags.len() > MAX_TAGS {
        return Err(Invalid::Tags { found: tags.len(), most: MAX_TAGS });
    }
    let mut seen = std::collections::HashSet::new();
    let tags = tags.iter().map(|tag| invalid::name("tag", tag)).collect::<Result<Vec<_>, _>>()?;
    Ok(tags.into_iter().filter(|tag| seen.insert(inventory::fold(tag))).collect())
}
