//! Tickets: what the sign-in side hands out and must know again, once or for a while.
//!
//! Of what was handed out the store keeps SHA-256 alone. What a ticket means is the business of
//! whoever wrote it; the store finds it, consumes it once, and forgets it when it has expired.

use uuid::Uuid;

use crate::time::Timestamp;

/// What a ticket is for. The numbers are kept in databases: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TicketKind {
    /// An authorization code.
    AuthorizationCode = 1,
    /// A refresh token.
    RefreshToken = 2,
    /// A device code, by which the device asks.
    DeviceCode = 3,
    /// A user code, by which the person finds the device's request.
    UserCode = 4,
    /// A browser's session.
    Session = 5,
    /// The id of an assertion that was used (`jti`).
    Assertion = 6,
    /// A token that was revoked before its time (`uti`).
    RevokedToken = 7,
    /// A person's consent to what an app asks.
    Consent = 8,
    /// A code of an authenticator app that was used.
    TotpCode = 9,
}

/// Something that was handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// What it is for.
    pub kind: TicketKind,
    /// SHA-256 of what was handed out.
    pub key: [u8; 32],
    /// From when on it is as if it had never been.
    pub expires: Timestamp,
    /// The operator whom it is about: all of a person's tickets can be revoked at once.
    pub operator: Option<Uuid>,
    /// The app that it is about.
    pub app: Option<Uuid>,
    /// Tickets that descend from one sign-in share it, and are revoked together.
    pub family: Option<Uuid>,
    /// What it means: JSON of whoever wrote it. No secret in clear.
    pub data: String,
}

/// Which tickets to revoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketsOf {
    /// All of an operator, but not their consents.
    Operator(Uuid),
    /// All of an app.
    App(Uuid),
    /// All that descend from one sign-in.
    Family(Uuid),
}
