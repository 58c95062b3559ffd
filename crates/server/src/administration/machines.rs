//! Tags of machines.

use inventory::access::scope::Scope;
use inventory::machine::Machine;
use inventory::query::MachineSelector;

use super::invalid::{self, Invalid};
use super::{Administration, Error, shown};

/// Tags of a machine at most.
pub const MAX_TAGS: usize = 100;

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
            self.store.set_tags(scope, found.id, tags).await?.ok_or_else(unknown)
        })
        .await
    }
}

/// Tags without blanks around them, each once without regard to case.
fn checked(tags: &[String]) -> Result<Vec<String>, Invalid> {
    if tags.len() > MAX_TAGS {
        return Err(Invalid::Tags { found: tags.len(), most: MAX_TAGS });
    }
    let mut seen = std::collections::HashSet::new();
    let tags = tags.iter().map(|tag| invalid::name("tag", tag)).collect::<Result<Vec<_>, _>>()?;
    Ok(tags.into_iter().filter(|tag| seen.insert(inventory::fold(tag))).collect())
}
