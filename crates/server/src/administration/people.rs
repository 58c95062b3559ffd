//! Persons in the inventory: forgetting one.

use inventory::query::UserSelector;
use store::Forgotten;
use uuid::Uuid;

use crate::administration::{Administration, Error};

/// What was done to forget a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Forgetting {
    /// What was erased.
    pub forgotten: Forgotten,
    /// What stands in the audit in the place of the name.
    pub pseudonym: String,
    /// Entries of the audit that held the name.
    pub entries: u64,
}

impl Administration<'_> {
    /// Erases a person from the inventory and puts a pseudonym in the place of their name in the audit.
    /// Reading the same logs again brings them back.
    pub async fn forget(&self, user: &UserSelector) -> Result<Forgetting, Error> {
        let pseudonym = format!("forgotten-{}", &Uuid::new_v4().simple().to_string()[..8]);
        // The deed is recorded under the pseudonym: the name is to be nowhere.
        self.audited("person.forget", pseudonym.clone(), async {
            let forgotten = self.store.forget(self.tenant(), user).await?;
            let entries =
                self.store.pseudonymise_audit(self.tenant(), &user.name, &pseudonym).await?;
            Ok(Forgetting { forgotten, pseudonym: pseudonym.clone(), entries })
        })
        .await
    }
}
