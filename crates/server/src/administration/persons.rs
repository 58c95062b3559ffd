//! Whose accounts are whose: a person's word against what logs and directories say.

use inventory::query::{AccountKey, UpnLookup, UserSelector};
use store::{PersonAccount, PersonDecision};

use super::{Administration, Error, shown};

/// Why a decision makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum Unlinkable {
    /// Several accounts have the name.
    #[error("`{name}` is several accounts: name one as DOMAIN\\name or by its SID, of {}", list(.keys))]
    Several {
        /// The name.
        name: String,
        /// The accounts.
        keys: Vec<AccountKey>,
    },
    /// Both are the same account.
    #[error("`{0}` is the same account: name another")]
    Same(String),
    /// There is nothing to undo.
    #[error("nobody decided that of `{0}`: `person show` shows what was decided")]
    Undecided(String),
}

fn list(keys: &[AccountKey]) -> String {
    let text = |key: &AccountKey| match key.authority.as_str() {
        "" => key.name.clone(),
        authority => format!("{} ({authority})", key.name),
    };
    keys.iter().map(text).collect::<Vec<_>>().join(", ")
}

impl Administration<'_> {
    /// The accounts of the person that a text names, with why they are.
    pub async fn person(&self, text: &str) -> Result<Vec<PersonAccount>, Error> {
        let user = UserSelector::parse(text, UpnLookup::LocalPart);
        let accounts = self.store.person(self.tenant(), text, user.as_ref()).await?;
        if accounts.is_empty() {
            return Err(Error::Unknown { what: "user", name: shown(text) });
        }
        Ok(accounts)
    }

    /// Says that accounts are one person's.
    pub async fn link(&self, one: &str, others: &[String]) -> Result<Vec<PersonAccount>, Error> {
        let detail = format!("`{}`: {}", shown(one), others.join(", "));
        self.audited("person.link", detail, async {
            let with = self.account(one).await?;
            let mut decisions = Vec::new();
            for other in others {
                let account = self.account(other).await?;
                if account == with {
                    return Err(Unlinkable::Same(shown(other)).into());
                }
                let decision = self.decision_of(&account, other).await?;
                let linked_with = Some(with.clone());
                decisions.push((account, PersonDecision { linked_with, ..decision }));
            }
            self.store.decide_persons(self.tenant(), decisions, self.author()).await?;
            self.person(one).await
        })
        .await
    }

    /// Undoes what [`Administration::link`] did to an account.
    pub async fn undo_link(&self, text: &str) -> Result<Vec<PersonAccount>, Error> {
        self.audited("person.link", format!("`{}`: undone", shown(text)), async {
            let account = self.account(text).await?;
            let decision = self.decision_of(&account, text).await?;
            if decision.linked_with.is_none() {
                return Err(Unlinkable::Undecided(shown(text)).into());
            }
            self.keep(account, PersonDecision { linked_with: None, ..decision }, text).await
        })
        .await
    }

    /// Says that an account is nobody else's, whatever logs and directories say.
    pub async fn unlink(&self, text: &str) -> Result<Vec<PersonAccount>, Error> {
        self.audited("person.unlink", format!("`{}`", shown(text)), async {
            let account = self.account(text).await?;
            self.keep(account, PersonDecision { is_apart: true, linked_with: None }, text).await
        })
        .await
    }

    /// Undoes what [`Administration::unlink`] did to an account.
    pub async fn undo_unlink(&self, text: &str) -> Result<Vec<PersonAccount>, Error> {
        self.audited("person.unlink", format!("`{}`: undone", shown(text)), async {
            let account = self.account(text).await?;
            let decision = self.decision_of(&account, text).await?;
            if !decision.is_apart {
                return Err(Unlinkable::Undecided(shown(text)).into());
            }
            self.keep(account, PersonDecision { is_apart: false, ..decision }, text).await
        })
        .await
    }

    async fn keep(
        &self,
        account: AccountKey,
        decision: PersonDecision,
        text: &str,
    ) -> Result<Vec<PersonAccount>, Error> {
        let decisions = vec![(account, decision)];
        self.store.decide_persons(self.tenant(), decisions, self.author()).await?;
        self.person(text).await
    }

    /// The one account that a text names.
    async fn account(&self, text: &str) -> Result<AccountKey, Error> {
        let user = UserSelector::parse(text, UpnLookup::LocalPart);
        let mut keys = self.store.accounts(self.tenant(), text, user.as_ref()).await?;
        match keys.len() {
            0 => Err(Error::Unknown { what: "user", name: shown(text) }),
            1 => Ok(keys.remove(0)),
            _ => Err(Unlinkable::Several { name: shown(text), keys }.into()),
        }
    }

    async fn decision_of(&self, key: &AccountKey, text: &str) -> Result<PersonDecision, Error> {
        let accounts = self.person(text).await?;
        let found = accounts.into_iter().find(|account| account.key == *key);
        Ok(found.map(|account| account.decision).unwrap_or_default())
    }
}
