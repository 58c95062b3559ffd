//! The accounts of a person, for whoever asks why.

use inventory::account::Account;
use inventory::person::PersonIdentifier;
use inventory::query::AccountKey;

/// An account of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonAccount {
    /// The account, as it was seen.
    pub account: Account,
    /// What makes it an account.
    pub key: AccountKey,
    /// What somebody decided of it.
    pub decision: PersonDecision,
    /// What is known of it, by which it may be joined with others.
    pub identifiers: Vec<PersonIdentifier>,
}

/// What somebody decided of an account; it wins over what logs and directories say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonDecision {
    /// Nothing that logs or directories say joins it with another.
    pub is_apart: bool,
    /// An account of the same person.
    pub linked_with: Option<AccountKey>,
}

/// An account that has a user's bare name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namesake {
    /// The account, with the domain that it is shown with.
    pub account: Account,
    /// What makes it an account.
    pub key: AccountKey,
    /// Whether the user that was asked for means it.
    pub is_meant: bool,
    /// How many machines it was on.
    pub machines: u64,
}
