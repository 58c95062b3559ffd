//! Who is who among machines: a person's word against what telemetry makes of it.

use inventory::access::scope::Scope;
use inventory::fold;
use inventory::identity::Decision;
use inventory::ids::MachineId;
use inventory::query::MachineSelector;
use store::{Identities, MachineRecord};

use super::{Administration, Error, shown};

/// Why a decision makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum Undecidable {
    /// Both are the same already.
    #[error("`{one}` and `{other}` are one machine already: `machine identities` shows why")]
    One {
        /// A name or id.
        one: String,
        /// Another of the same machine.
        other: String,
    },
    /// What was merged away cannot take others in.
    #[error("`{machine}` is merged into {into} itself: name that machine")]
    Merged {
        /// The machine.
        machine: String,
        /// Into which.
        into: MachineId,
    },
    /// Several records have the name.
    #[error("`{name}` is several records of one machine: name one by its id, of {}", list(.ids))]
    Several {
        /// The name.
        name: String,
        /// The ids of the records.
        ids: Vec<MachineId>,
    },
    /// There is nothing to take apart.
    #[error("`{0}` is one with no other: `machine identities` shows what is")]
    Alone(String),
    /// There is nothing to undo.
    #[error("nobody decided that of `{0}`: `machine identities` shows what people decided")]
    Undecided(String),
}

fn list(ids: &[MachineId]) -> String {
    ids.iter().map(MachineId::to_string).collect::<Vec<_>>().join(" or ")
}

impl Administration<'_> {
    /// What a machine consists of, and why.
    pub async fn identities(&self, scope: &Scope, machine: &str) -> Result<Identities, Error> {
        let unknown = || Error::Unknown { what: "machine", name: shown(machine) };
        let selector = MachineSelector::parse(machine).ok_or_else(unknown)?;
        self.store.identities(scope, &selector).await?.ok_or_else(unknown)
    }

    /// Makes machines one, which is shown as the first: the others stay in lists, as merged into it.
    pub async fn merge(
        &self,
        scope: &Scope,
        survivor: &str,
        others: &[String],
    ) -> Result<Identities, Error> {
        let detail = format!("`{}`: {}", shown(survivor), others.join(", "));
        self.audited("machine.merge", detail, async {
            let target = self.identities(scope, survivor).await?;
            let into = target.machine.id;
            let mut decisions = Vec::new();
            if let Some(root) = target.machine.merged_into {
                // One of the others survived it until now: the other way round from now on.
                let is_among = self.are_among(scope, root, others).await?;
                if !is_among {
                    return Err(Undecidable::Merged { machine: shown(survivor), into: root }.into());
                }
                let decision = decision_of(&target, into);
                decisions.push((into, Decision { merged_into: None, ..decision }));
            }
            for other in others {
                let found = self.identities(scope, other).await?;
                let id = found.machine.id;
                if id == into || found.machine.merged_into == Some(into) {
                    let (one, other) = (shown(survivor), shown(other));
                    return Err(Undecidable::One { one, other }.into());
                }
                let decision = decision_of(&found, id);
                decisions.push((id, Decision { merged_into: Some(into), ..decision }));
            }
            self.decide(scope, decisions, survivor).await
        })
        .await
    }

    /// Undoes what [`Administration::merge`] did to a machine.
    pub async fn unmerge(&self, scope: &Scope, machine: &str) -> Result<Identities, Error> {
        self.audited("machine.merge", format!("`{}`: undone", shown(machine)), async {
            let found = self.identities(scope, machine).await?;
            let record = record(&found, machine)?;
            if record.decision.merged_into.is_none() {
                return Err(Undecidable::Undecided(shown(machine)).into());
            }
            let decision = Decision { merged_into: None, ..record.decision };
            self.decide(scope, vec![(record.id, decision)], machine).await
        })
        .await
    }

    /// Takes a record out of a machine: nothing that telemetry tells joins it again.
    pub async fn split(&self, scope: &Scope, machine: &str) -> Result<Identities, Error> {
        self.audited("machine.split", format!("`{}`", shown(machine)), async {
            let found = self.identities(scope, machine).await?;
            let record = record(&found, machine)?;
            // What only looks like others is split from them too: it does so no more.
            if found.records.len() < 2 && found.lookalikes.is_empty() {
                return Err(Undecidable::Alone(shown(machine)).into());
            }
            let decision = Decision { is_apart: true, merged_into: None };
            self.decide(scope, vec![(record.id, decision)], machine).await
        })
        .await
    }

    /// Undoes what [`Administration::split`] did to a record: telemetry joins it again where it would.
    pub async fn unsplit(&self, scope: &Scope, machine: &str) -> Result<Identities, Error> {
        self.audited("machine.split", format!("`{}`: undone", shown(machine)), async {
            let found = self.identities(scope, machine).await?;
            let record = record(&found, machine)?;
            if !record.decision.is_apart {
                return Err(Undecidable::Undecided(shown(machine)).into());
            }
            let decision = Decision { is_apart: false, ..record.decision };
            self.decide(scope, vec![(record.id, decision)], machine).await
        })
        .await
    }

    async fn are_among(
        &self,
        scope: &Scope,
        machine: MachineId,
        others: &[String],
    ) -> Result<bool, Error> {
        for other in others {
            if self.identities(scope, other).await?.machine.id == machine {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn decide(
        &self,
        scope: &Scope,
        decisions: Vec<(MachineId, Decision)>,
        machine: &str,
    ) -> Result<Identities, Error> {
        let id = decisions.last().map(|&(id, _)| id);
        let unknown = || Error::Unknown { what: "machine", name: shown(machine) };
        if !self.store.decide_identities(scope, decisions, self.author()).await? {
            return Err(unknown());
        }
        let selector = MachineSelector::Id(id.ok_or_else(unknown)?);
        self.store.identities(scope, &selector).await?.ok_or_else(unknown)
    }
}

fn decision_of(identities: &Identities, id: MachineId) -> Decision {
    let record = identities.records.iter().find(|record| record.id == id);
    record.map_or_else(Decision::default, |record| record.decision)
}

/// The one record that a person means.
fn record<'i>(identities: &'i Identities, text: &str) -> Result<&'i MachineRecord, Undecidable> {
    let text = fold(text.trim());
    let named = |is: &dyn Fn(&MachineRecord) -> bool| -> Vec<&'i MachineRecord> {
        identities.records.iter().filter(|record| is(record)).collect()
    };
    let host = |record: &MachineRecord| {
        let name = fold(&record.name);
        name.split('.').next().map(str::to_owned)
    };
    let found = [
        named(&|record| record.id.to_string() == text),
        named(&|record| fold(&record.name) == text),
        named(&|record| host(record).as_ref() == Some(&text)),
        // Another name or id of the machine: that as which it is shown.
        named(&|record| record.id == identities.machine.id),
    ];
    let found = found.into_iter().find(|records| !records.is_empty()).unwrap_or_default();
    match found.as_slice() {
        [one] => Ok(one),
        several => {
            let ids = several.iter().map(|record| record.id).collect();
            Err(Undecidable::Several { name: shown(&text), ids })
        }
    }
}
