//! The resources that tokens are asked and accepted for (defender-api.md §7.3, §13.4).

use crate::call::Call;
use crate::origin::{self, Origin};
use crate::state::AppState;

/// The vendor's names for the API, as clients use them, without a slash at the end.
const VENDORS: &[&str] = &[
    "https://api.securitycenter.microsoft.com",
    "https://api.securitycenter.windows.com",
    "https://api.security.microsoft.com",
    "https://securitycenter.onmicrosoft.com/windowsatpservice",
    "https://api-gcc.securitycenter.microsoft.us",
    "https://api-gov.securitycenter.microsoft.us",
    "https://security.microsoft.com/mtp",
    "fc780465-2017-40d4-a0c5-307022471b92",
];

/// The resource of a token that nothing else is asked for.
pub const DEFAULT_RESOURCE: &str = VENDORS[0];

/// The server's own origins, which count as resources.
pub(crate) fn own<'a>(app: &'a AppState, call: &'a Call) -> [&'a Origin; 2] {
    [app.config.public_url.as_ref().unwrap_or(&call.origin), &call.origin]
}

/// Whether a resource, with or without a slash at its end, is this API: a name of the vendor's or
/// the server's own origin.
pub(crate) fn is_ours(resource: &str, own: &[&Origin]) -> bool {
    let name = resource.strip_suffix('/').unwrap_or(resource);
    let host = name.strip_prefix("https://").unwrap_or_default();
    VENDORS.iter().any(|known| known.eq_ignore_ascii_case(name))
        // The regional hosts too: a client that asks for a token for the host it calls.
        || (origin::is_vendors(host) && !host.starts_with("login."))
        || own.iter().any(|origin| origin.is_named_by(resource))
}
