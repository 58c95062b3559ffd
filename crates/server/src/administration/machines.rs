//! Tags of machines.

use inventory::access::scope::Scope;
use inventory::change::{Author, MAX_TAGS, MachineChange};
use inventory::machine::Machine;
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
            let unknown = || Error::Unknown { what: "machine", name: shown(machine) };
            let tags = checked(&tags)?;
            let selector = MachineSelector::parse(machine).ok_or_else(unknown)?;
            let found = self.store.machine(scope, &selector).await?.ok_or_else(unknown)?;
            let changes = vec![MachineChange::SetTags(tags)];
            let changed =
                self.store.change_machines(scope, vec![found.id], changes, self.author()).await?;
            changed.into_iter().next().ok_or_else(unknown)
        })
        .await
    }
}

impl Administration<'_> {
    fn author(&self) -> Author {
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
