//! Where an app may have people sent back to (RFC 6749 §3.1.2, RFC 8252).

use axum::http::Uri;

use super::invalid::{Invalid, MAX_URI_CHARS};

/// Redirect URIs of an app at most.
const MAX_REDIRECT_URIS: usize = 100;
/// Schemes that name no app: browsers give them a meaning of their own.
const NO_APPS: &[&str] = &[
    "about",
    "blob",
    "data",
    "file",
    "filesystem",
    "ftp",
    "javascript",
    "mailto",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// What kind of app it is; a confidential one is a web site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppKind {
    /// It keeps a secret or key.
    Confidential,
    /// It runs where no secret is safe.
    Public,
}

/// Refuses redirect URIs that would give codes away.
pub(super) fn check_all(uris: &[String], kind: AppKind) -> Result<(), Invalid> {
    if uris.len() > MAX_REDIRECT_URIS {
        let (what, found, most) = ("redirect URI", uris.len(), MAX_REDIRECT_URIS);
        return Err(Invalid::TooMany { what, found, most });
    }
    uris.iter().try_for_each(|uri| check(uri, kind))
}

fn check(text: &str, kind: AppKind) -> Result<(), Invalid> {
    let shown: String = text.chars().take(200).filter(|c| !c.is_control()).collect();
    if text.len() > MAX_URI_CHARS {
        return Err(Invalid::TooLong { what: "redirect URI", most: MAX_URI_CHARS });
    }
    if text.contains('#') {
        return Err(Invalid::RedirectFragment(shown));
    }
    let is_uri =
        text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&byte));
    let parts = text.split_once(':').filter(|(scheme, rest)| is_scheme(scheme) && !rest.is_empty());
    let Some((scheme, rest)) = parts.filter(|_| is_uri) else {
        return Err(Invalid::RedirectUri(shown));
    };
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "https" && scheme != "http" {
        let is_own = kind == AppKind::Public && !NO_APPS.contains(&scheme.as_str());
        return if is_own { Ok(()) } else { Err(Invalid::RedirectScheme(shown)) };
    }
    let host = host(text, rest).ok_or_else(|| Invalid::RedirectUri(shown.clone()))?;
    let is_loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str());
    if scheme == "https" || is_loopback { Ok(()) } else { Err(Invalid::RedirectInsecure(shown)) }
}

/// The host of a web address, which must not pretend to be another by a user's name before it.
fn host(text: &str, rest: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let authority = uri.authority()?;
    let is_plain = rest.starts_with("//") && !authority.as_str().contains('@');
    let host = authority.host().to_ascii_lowercase();
    (is_plain && !host.is_empty()).then_some(host)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sent_where_nobody_else_reads_them() {
        use AppKind::{Confidential, Public};
        for (uri, kind, expected) in [
            ("https://app.example/signed-in?x=1", Confidential, "ok"),
            ("HTTPS://app.example", Confidential, "ok"),
            ("http://localhost:8400/cb", Confidential, "ok"),
            ("http://127.0.0.1", Public, "ok"),
            ("http://[::1]:80/", Public, "ok"),
            ("msal1234://auth", Public, "ok"),
            ("com.example.app:/cb", Public, "ok"),
            ("com.example.app:/cb", Confidential, "scheme"),
            ("javascript:alert(1)", Public, "scheme"),
            ("data:text/html,x", Public, "scheme"),
            ("http://app.example/", Public, "in clear"),
            ("http://localhost.evil.example/", Public, "in clear"),
            ("http://localhost@evil.example/", Public, "absolute"),
            ("https://good.example@evil.example/", Public, "absolute"),
            ("https:app.example", Public, "absolute"),
            ("https://", Public, "absolute"),
            ("https://app.example/#x", Public, "fragment"),
            ("https://app.example/\\x", Public, "absolute"),
            ("https://app.example/ x", Public, "absolute"),
            ("https://app.example/\r\nx", Public, "absolute"),
            ("/signed-in", Public, "absolute"),
            ("//app.example/", Public, "absolute"),
            ("app", Public, "absolute"),
            ("", Public, "absolute"),
        ] {
            let said = check(uri, kind).map_or_else(|error| error.to_string(), |()| "ok".into());
            assert!(said.contains(expected), "{uri} {kind:?}: {said}");
        }
    }
}
