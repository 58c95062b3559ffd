//! Operators: the people who sign in to this server itself.

use std::fmt;

use aws_lc_rs::rand;
use data_encoding::BASE32_NOPAD;
use inventory::access::operator::{Operator, TotpSecret};
use inventory::access::ticket::TicketsOf;
use inventory::fold;
use uuid::Uuid;

use super::directory::TRIES;
use super::invalid::{self, Invalid};
use super::{Administration, Error, shown};
use crate::issuer::{password, totp};

/// Operators of a tenant at most.
const MAX_OPERATORS: usize = 10_000;
/// Random bytes of a password that is made here.
const PASSWORD_BYTES: usize = 16;
const WHAT: &str = "operator";

/// A new operator.
pub struct NewOperator<'a> {
    /// What they sign in with.
    pub user_name: &'a str,
    /// What others call them.
    pub display_name: &'a str,
    /// Their first password.
    pub password: &'a str,
    /// Whether they may do everything.
    pub rank: Rank,
}

impl fmt::Debug for NewOperator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOperator").field("user_name", &self.user_name).finish_non_exhaustive()
    }
}

/// Whether an operator holds the built-in administrator role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// They do.
    Administrator,
    /// They have what the roles of their groups give them.
    Member,
}

/// What is to be different about an operator; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorChange {
    /// What others call them.
    pub display_name: Option<String>,
    /// Whether they are an administrator.
    pub rank: Option<Rank>,
    /// Whether they may sign in.
    pub entry: Option<Entry>,
}

/// Whether an operator may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// They may.
    Enabled,
    /// They may not, and their tokens are refused.
    Disabled,
}

/// A password that nobody could guess: 26 characters that need no escaping in a shell.
pub fn generated_password() -> Result<String, Error> {
    let mut bytes = [0; PASSWORD_BYTES];
    rand::fill(&mut bytes).map_err(|_| Error::Random)?;
    // Letters and digits alone: a hyphen at the beginning would look like a flag.
    Ok(BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
}

impl Administration<'_> {
    /// Every operator, by user name.
    pub async fn operators(&self) -> Result<Vec<Operator>, Error> {
        Ok(self.store.operators(self.tenant()).await?)
    }

    /// The operator that a person means: by user name or id.
    pub async fn operator(&self, text: &str) -> Result<Operator, Error> {
        let text = text.trim();
        let found = match self.store.operator_named(self.tenant(), &fold(text)).await? {
            Some(operator) => Some(operator),
            None => match Uuid::try_parse(text) {
                Ok(id) => self.store.operator(self.tenant(), id).await?,
                Err(_) => None,
            },
        };
        found.ok_or_else(|| Error::Unknown { what: WHAT, name: shown(text) })
    }

    /// Adds an operator.
    pub async fn add_operator(&self, new: NewOperator<'_>) -> Result<Operator, Error> {
        let id = Uuid::new_v4();
        let as_administrator =
            if new.rank == Rank::Administrator { " as administrator" } else { "" };
        let detail = format!("{id} `{}`{as_administrator}", shown(new.user_name));
        self.audited("operator.add", detail, async {
            let user_name = checked_user_name(new.user_name)?;
            let display_name = invalid::name("display name", new.display_name)?;
            if self.operators().await?.len() >= MAX_OPERATORS {
                return Err(Error::TooMany { what: "operators", most: MAX_OPERATORS });
            }
            let operator = Operator {
                id,
                user_name,
                display_name,
                password: password::hash(new.password).await?,
                totp: None,
                is_administrator: new.rank == Rank::Administrator,
                created: self.now(),
                disabled: None,
                tokens_valid_from: self.now(),
                failures: 0,
                locked_until: None,
            };
            match self.store.add_operator(self.tenant(), &operator).await? {
                true => Ok(operator),
                false => Err(Error::Taken { what: WHAT, name: operator.user_name }),
            }
        })
        .await
    }

    /// Changes an operator.
    pub async fn change_operator(
        &self,
        operator: &str,
        change: OperatorChange,
    ) -> Result<Operator, Error> {
        let detail = format!("`{}`{}", shown(operator), described(&change));
        self.audited("operator.change", detail, async {
            let display_name = change.display_name.as_deref();
            let display_name =
                display_name.map(|name| invalid::name("display name", name)).transpose()?;
            let change_it = |operator: &mut Operator| {
                if let Some(name) = &display_name {
                    operator.display_name.clone_from(name);
                }
                if let Some(rank) = change.rank {
                    operator.is_administrator = rank == Rank::Administrator;
                }
                operator.disabled = match change.entry {
                    Some(Entry::Enabled) => None,
                    Some(Entry::Disabled) => operator.disabled.or(Some(self.now())),
                    None => operator.disabled,
                };
            };
            let operator = self.change_known(operator, change_it).await?;
            if change.entry == Some(Entry::Disabled) {
                self.revoke_tickets_of(&operator).await?;
            }
            Ok(operator)
        })
        .await
    }

    /// Gives an operator another password and signs them out everywhere.
    pub async fn set_password(&self, operator: &str, password: &str) -> Result<(), Error> {
        self.audited("operator.password", format!("`{}`", shown(operator)), async {
            // Before the password is hashed, which takes a while.
            self.operator(operator).await?;
            let hash = password::hash(password).await?;
            let change = |operator: &mut Operator| {
                operator.password = hash.clone();
                operator.end_tokens(self.now());
            };
            let operator = self.change_known(operator, change).await?;
            self.revoke_tickets_of(&operator).await
        })
        .await
    }

    /// Ends an operator's sessions and tokens, wherever they are.
    pub async fn sign_out(&self, operator: &str) -> Result<(), Error> {
        self.audited("operator.sign-out", format!("`{}`", shown(operator)), async {
            let end = |operator: &mut Operator| operator.end_tokens(self.now());
            let operator = self.change_known(operator, end).await?;
            self.revoke_tickets_of(&operator).await
        })
        .await
    }

    /// Lets an operator try again who failed to sign in too often.
    pub async fn unlock(&self, operator: &str) -> Result<(), Error> {
        self.audited("operator.unlock", format!("`{}`", shown(operator)), async {
            let Operator { id, failures, .. } = self.operator(operator).await?;
            match self.store.note_sign_in(self.tenant(), id, failures, 0, None).await? {
                true => Ok(()),
                false => Err(Error::Contended),
            }
        })
        .await
    }

    /// Gives an operator a new secret for their authenticator app, which they need from then on to
    /// sign in.
    pub async fn enrol_totp(&self, operator: &str) -> Result<(Operator, TotpSecret), Error> {
        self.audited("operator.totp.enrol", format!("`{}`", shown(operator)), async {
            let secret = totp::new_secret().ok_or(Error::Random)?;
            let set = |operator: &mut Operator| operator.totp = Some(secret.clone());
            let operator = self.change_known(operator, set).await?;
            Ok((operator, secret))
        })
        .await
    }

    /// Sets the secret of an operator's authenticator app, of which they have shown a code.
    pub(crate) async fn set_totp(&self, operator: &str, secret: TotpSecret) -> Result<(), Error> {
        self.audited("operator.totp.set", format!("`{}`", shown(operator)), async {
            let set = |operator: &mut Operator| operator.totp = Some(secret.clone());
            self.change_known(operator, set).await.map(drop)
        })
        .await
    }

    /// Lets an operator sign in without an authenticator app again.
    pub async fn remove_totp(&self, operator: &str) -> Result<(), Error> {
        self.audited("operator.totp.remove", format!("`{}`", shown(operator)), async {
            let remove = |operator: &mut Operator| operator.totp = None;
            self.change_known(operator, remove).await.map(drop)
        })
        .await
    }

    /// Removes an operator, and from local groups with them.
    pub async fn remove_operator(&self, operator: &str) -> Result<(), Error> {
        self.audited("operator.remove", format!("`{}`", shown(operator)), async {
            let operator = self.operator(operator).await?;
            // First what names them, so that a failure in between leaves no name without a person.
            self.change(|directory| {
                directory.forget_operator(operator.id);
                Ok(())
            })
            .await?;
            match self.store.remove_operator(self.tenant(), operator.id).await? {
                true => Ok(()),
                false => Err(Error::Unknown { what: WHAT, name: operator.user_name }),
            }
        })
        .await
    }

    /// Changes an operator: read, changed as a value, written if nobody else was faster. Who is
    /// disabled in between stays so.
    async fn change_known(
        &self,
        operator: &str,
        change: impl Fn(&mut Operator) + Send + Sync,
    ) -> Result<Operator, Error> {
        for _ in 0..TRIES {
            let known = self.operator(operator).await?;
            let mut changed = known.clone();
            change(&mut changed);
            if self.store.save_operator(self.tenant(), &known, &changed).await? {
                return Ok(changed);
            }
        }
        Err(Error::Contended)
    }

    async fn revoke_tickets_of(&self, operator: &Operator) -> Result<(), Error> {
        self.store.revoke_tickets(self.tenant(), TicketsOf::Operator(operator.id)).await?;
        Ok(())
    }
}

fn checked_user_name(text: &str) -> Result<String, Invalid> {
    let user_name = fold(&invalid::name("user name", text)?);
    // One that reads as an id would hide the operator who has it.
    let is_id = Uuid::try_parse(&user_name).is_ok();
    if is_id || user_name.contains(char::is_whitespace) {
        return Err(Invalid::UserName);
    }
    Ok(user_name)
}

/// What a change says, for the audit.
fn described(change: &OperatorChange) -> String {
    let mut text = String::new();
    if let Some(name) = &change.display_name {
        text += &format!(" display name `{}`", shown(name));
    }
    match change.rank {
        Some(Rank::Administrator) => text += " administrator",
        Some(Rank::Member) => text += " no administrator",
        None => {}
    }
    match change.entry {
        Some(Entry::Enabled) => text += " enabled",
        Some(Entry::Disabled) => text += " disabled",
        None => {}
    }
    text
}
