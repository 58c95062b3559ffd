//! The resources that tokens are asked and accepted for (defender-api.md §7.3, §13.4).

use crate::call::Call;
use crate::origin::{self, Origin};
use crate::state::AppState;

/// The vendor's names for the API that are no hosts of it, as clients use them, without a slash at the
/// end; its hosts ([`origin::is_vendors`]) are names too, since a client asks for a token for the host
/// that it calls.
const VENDORS: &[&str] = &[
    "https://api.securitycenter.microsoft.com",
    "https://securitycenter.onmicrosoft.com/windowsatpservice",
    // The portal, by which interactive tools ask (mdatp-pwsh, DefenderHarvester).
    "https://securitycenter.microsoft.com/mtp",
    "https://securitycenter.microsoft.com",
    "https://securitycenter.windows.com",
    "https://security.microsoft.com/mtp",
    "https://security.microsoft.com",
    // The applications WindowsDefenderATP and Microsoft Threat Protection, by their ids.
    "fc780465-2017-40d4-a0c5-307022471b92",
    "8ee8fdad-f234-4243-8f3b-15c294843740",
];

/// The resource of a token that nothing else is asked for.
pub const DEFAULT_RESOURCE: &str = VENDORS[0];

/// The server's own origins, which count as resources.
pub(crate) fn own<'a>(app: &'a AppState, call: &'a Call) -> [&'a Origin; 2] {
    [app.config.public_url.as_ref().unwrap_or(&call.origin), &call.origin]
}

/// Whether a resource, with or without slashes at its end, is this API: a name of the vendor's or
/// the server's own origin.
pub(crate) fn is_ours(resource: &str, own: &[&Origin]) -> bool {
    let name = resource.trim_end_matches('/');
    let (scheme, host) = name.split_once("://").unwrap_or_default();
    VENDORS.iter().any(|known| known.eq_ignore_ascii_case(name))
        || (scheme.eq_ignore_ascii_case("https")
            && origin::is_vendors(host)
            && !host.to_ascii_lowercase().starts_with("login."))
        || own.iter().any(|origin| origin.is_named_by(resource))
}
