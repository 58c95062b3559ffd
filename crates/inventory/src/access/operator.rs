//! Operators: the people who sign in to this server itself, where no other identity provider does
//! it. (The people that telemetry tells of are [`crate::account`]s.)

use std::fmt;

use uuid::Uuid;

use crate::time::Timestamp;

/// A person who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Their object id, as in the `oid` of their tokens.
    pub id: Uuid,
    /// What they sign in with, folded; unique in the tenant (`anna@corp.example`).
    pub user_name: String,
    /// What others call them.
    pub display_name: String,
    /// The hash of their password: a PHC string of argon2id.
    pub password: PasswordHash,
    /// The secret of their authenticator app, where they have one.
    pub totp: Option<TotpSecret>,
    /// They hold the built-in administrator role (defender-api.md §8.1).
    pub is_administrator: bool,
    /// When they were added.
    pub created: Timestamp,
    /// When they were shut out; they cannot sign in, and their tokens are refused.
    pub disabled: Option<Timestamp>,
    /// Tokens that were issued to them before this moment are refused: their last sign-out
    /// everywhere, or change of password.
    pub tokens_valid_from: Timestamp,
    /// Failed sign-ins since the last good one.
    pub failures: u32,
    /// No sign-in is tried before this moment.
    pub locked_until: Option<Timestamp>,
}

impl Operator {
    /// The moment that a token issued to them now states (`iat`), in seconds since 1970. Tokens count
    /// whole seconds: one issued in the second of a sign-out must not look older than it.
    pub fn issue_time_s(&self, now: Timestamp) -> i64 {
        now.seconds().max(self.tokens_from_s())
    }

    /// Whether a token that states this moment of issue still holds.
    pub fn holds_token_of(&self, issued_s: i64) -> bool {
        issued_s >= self.tokens_from_s()
    }

    /// Ends every token that was issued to them before now. The moment is kept as a whole second after
    /// all that such a token may state, also where several sign-outs come within one second.
    pub fn end_tokens(&mut self, now: Timestamp) {
        let from_s = now.seconds().max(self.tokens_from_s()).saturating_add(1);
        self.tokens_valid_from = Timestamp::from_seconds(from_s, 0).unwrap_or(Timestamp::MAX);
    }

    /// The first whole second that is not before [`Operator::tokens_valid_from`].
    fn tokens_from_s(&self) -> i64 {
        let (seconds, from) = (self.tokens_valid_from.seconds(), self.tokens_valid_from);
        let is_whole = Timestamp::from_seconds(seconds, 0) == Some(from);
        if is_whole { seconds } else { seconds + 1 }
    }
}

/// A password's hash, a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

/// The shared secret of an authenticator app (RFC 6238), raw bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(pub Vec<u8>);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(***)")
    }
}
