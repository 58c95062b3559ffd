//! What a person allowed an app: the content of authorization codes, device codes and refresh
//! tokens, and the ground on which a token that speaks for a person is issued.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::issuer::handed_out::sha256;

/// A person's word that an app may act for them. Kept as the data of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delegation {
    /// The app.
    pub(crate) client_id: Uuid,
    /// The operator who signed in.
    pub(crate) operator: Uuid,
    /// The API that tokens are for, as it was asked for.
    pub(crate) resource: String,
    /// Permissions by their names in `scp`: what was asked and the app holds (`Machine.Read`).
    pub(crate) scopes: Vec<String>,
    /// OpenID scopes that were asked for: `openid`, `profile`, `email`, `offline_access`.
    pub(crate) openid: Vec<String>,
    /// The client's own value for its id token.
    pub(crate) nonce: Option<String>,
    /// When they signed in, seconds since 1970.
    pub(crate) signed_in_s: i64,
    /// How (RFC 8176): `pwd`, `otp`, `mfa`.
    pub(crate) methods: Vec<String>,
}

/// An authorization code's content ([`inventory::access::ticket::TicketKind::AuthorizationCode`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) delegation: Delegation,
    /// The redirect URI of the request, which the token request must repeat.
    pub(crate) redirect_uri: String,
    /// The PKCE challenge (RFC 7636), S256; `None` where a confidential client sent none.
    pub(crate) challenge: Option<String>,
}

/// A device's request ([`inventory::access::ticket::TicketKind::DeviceCode`]).
///
/// The ticket of kind `UserCode` holds, as its data, the hex digits of the device code's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) client_id: Uuid,
    pub(crate) resource: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) openid: Vec<String>,
    /// What the person said.
    pub(crate) decision: Decision,
    /// When the device asked last, seconds since 1970; for `slow_down`.
    pub(crate) asked_s: i64,
}

/// What a person said to a device's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Decision {
    Pending,
    Declined,
    Allowed(Delegation),
}

/// Characters of a user code that are looked at, at most.
const MAX_USER_CODE_CHARS: usize = 32;

/// The key of a user code's ticket. People write codes in either case, with hyphens and blanks.
pub(crate) fn user_code_key(code: &str) -> [u8; 32] {
    let code: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(MAX_USER_CODE_CHARS)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    sha256(&code)
}
