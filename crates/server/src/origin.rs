//! Scheme and authority under which a caller sees the server.
//!
//! Clients refuse a next link to another origin and MSAL refuses a token endpoint without https
//! (defender-api.md §13.2, §13.13), so every absolute URL that is answered starts with the origin
//! of the request itself.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

use crate::config;

/// Host names under which the vendor's clients know the API and the sign-in service
/// (defender-api.md §1.5). Whoever reaches the server under one of these came through a DNS entry
/// or proxy of their own, and over https.
const VENDOR_HOSTS: &[&str] = &[
    "api.security.microsoft.com",
    "us.api.security.microsoft.com",
    "eu.api.security.microsoft.com",
    "uk.api.security.microsoft.com",
    "au.api.security.microsoft.com",
    "swa.api.security.microsoft.com",
    "ina.api.security.microsoft.com",
    "aea.api.security.microsoft.com",
    "api.securitycenter.microsoft.com",
    "api-us.securitycenter.microsoft.com",
    "api-eu.securitycenter.microsoft.com",
    "api-uk.securitycenter.microsoft.com",
    "api-au.securitycenter.microsoft.com",
    "api.securitycenter.windows.com",
    "api-gcc.securitycenter.microsoft.us",
    "api-gov.securitycenter.microsoft.us",
    "api-gcc.security.microsoft.us",
    "api-gov.security.microsoft.us",
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoftonline.us",
];

/// Bytes of a host name with port that are believed at most (RFC 1035 names, and a port).
const MAX_AUTHORITY_BYTES: usize = 253 + 6;

/// Scheme and authority: `https://footfall.example:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    secure: bool,
    authority: Authority,
}

impl Origin {
    pub(crate) fn of_address(secure: bool, address: SocketAddr) -> Self {
        let ip = address.ip();
        // An unspecified address is where the server listens, not where anyone can reach it.
        let text = match (ip.is_unspecified(), address) {
            (true, _) => format!("localhost:{}", address.port()),
            (false, address) => address.to_string(),
        };
        // IPv6 scopes (`%2`) are the one part of an address that is no authority.
        let authority = text.parse().unwrap_or_else(|_| Authority::from_static("localhost"));
        Self { secure, authority }
    }

    /// The origin of a request: the public one where there is one, except for a request under a
    /// name of the vendor; else what the request says; else the listener's own address.
    pub(crate) fn of_request(
        uri: &Uri,
        headers: &HeaderMap,
        public: Option<&Origin>,
        own: &Origin,
    ) -> Self {
        let asked = asked_authority(uri, headers);
        match (asked, public) {
            (Some(authority), _) if is_vendors(authority.host()) => {
                Self { secure: true, authority }
            }
            (_, Some(public)) => public.clone(),
            (Some(authority), None) => Self { secure: own.secure, authority },
            (None, None) => own.clone(),
        }
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// Host, and port where one is written.
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// The host alone, an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// Whether a secret may be sent there: over https, or in clear within this machine.
    pub fn keeps_secrets(&self) -> bool {
        self.secure || is_local(self.host())
    }

    /// Whether a URI leads there and nowhere else.
    pub fn holds(&self, uri: &Uri) -> bool {
        let default = if self.secure { 443 } else { 80 };
        let port = |authority: &Authority| authority.port_u16().unwrap_or(default);
        let authority = uri.authority().filter(|it| !it.as_str().contains('@'));
        uri.scheme_str().is_some_and(|scheme| scheme.eq_ignore_ascii_case(self.scheme()))
            && authority.is_some_and(|authority| {
                authority.host().eq_ignore_ascii_case(self.host())
                    && port(authority) == port(&self.authority)
            })
    }

    /// Whether it is an origin of this machine.
    pub fn is_local(&self) -> bool {
        is_local(self.host())
    }

    /// Whether a text names this origin, with or without a slash behind it.
    pub(crate) fn is_named_by(&self, text: &str) -> bool {
        text.trim_end_matches('/').split_once("://").is_some_and(|(scheme, authority)| {
            scheme.eq_ignore_ascii_case(self.scheme())
                && authority.eq_ignore_ascii_case(self.authority())
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority)
    }
}

impl FromStr for Origin {
    type Err = config::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || config::Error::PublicUrl(text.chars().take(200).collect());
        let (scheme, rest) = text.trim().split_once("://").ok_or_else(refused)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(refused()),
        };
        let authority = authority(rest.strip_suffix('/').unwrap_or(rest)).ok_or_else(refused)?;
        Ok(Self { secure, authority })
    }
}

/// What the request line (HTTP/2, or a proxy's HTTP/1.1) or the `Host` header says.
fn asked_authority(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    match uri.authority() {
        Some(asked) => authority(asked.as_str()),
        None => authority(headers.get(header::HOST)?.to_str().ok()?),
    }
}

/// A host and port that may stand in a URL; no user name, nothing that ends the authority.
fn authority(text: &str) -> Option<Authority> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    if text.len() > MAX_AUTHORITY_BYTES || !text.bytes().all(allowed) {
        return None;
    }
    let authority: Authority = text.parse().ok()?;
    let port_reads = match text.rsplit_once(':') {
        Some((_, port)) if !port.contains(']') => authority.port_u16().is_some(),
        _ => true,
    };
    (!authority.host().is_empty() && port_reads).then_some(authority)
}

/// Whether a host is this machine.
pub(crate) fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub(crate) fn is_vendors(host: &str) -> bool {
    VENDOR_HOSTS.iter().any(|name| name.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(host: &str, public: Option<&str>, secure: bool) -> String {
        let own = Origin::of_address(secure, ([127, 0, 0, 1], 8080).into());
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        let public = public.map(|url| url.parse().unwrap());
        let uri = Uri::from_static("/api/machines");
        Origin::of_request(&uri, &headers, public.as_ref(), &own).to_string()
    }

    #[test]
    fn follows_the_request_without_a_public_url() {
        assert_eq!(origin("footfall.example:8443", None, true), "https://footfall.example:8443");
        assert_eq!(origin("footfall.example", None, false), "http://footfall.example");
        assert_eq!(origin("[::1]:80", None, false), "http://[::1]:80");
        for host in ["user@host", "a/b", "host:port", "host:99999", "", "a b", &"a".repeat(300)] {
            assert_eq!(origin(host, None, false), "http://127.0.0.1:8080", "{host}");
        }
    }

    #[test]
    fn a_public_url_holds_except_under_the_vendors_names() {
        let public = Some("https://footfall.example/");
        assert_eq!(origin("10.0.0.1:8080", public, false), "https://footfall.example");
        assert_eq!(
            origin("API.securitycenter.microsoft.com", public, false),
            "https://API.securitycenter.microsoft.com"
        );
        assert_eq!(
            origin("login.microsoftonline.com:8443", public, false),
            "https://login.microsoftonline.com:8443"
        );
    }

    #[test]
    fn an_origin_holds_its_own_uris_and_no_others() {
        let origin: Origin = "https://api.example".parse().unwrap();
        for uri in ["https://api.example/api?a", "https://API.example:443/"] {
            assert!(origin.holds(&uri.parse().unwrap()), "{uri}");
        }
        for uri in [
            "http://api.example/",
            "https://api.example:444/",
            "https://api.example.evil/",
            "https://api.example@evil/",
            "https://evil@api.example/",
            "/api",
        ] {
            assert!(!origin.holds(&uri.parse().unwrap()), "{uri}");
        }
        assert!(origin.keeps_secrets());
        assert!("http://[::1]:80".parse::<Origin>().unwrap().keeps_secrets());
        assert!(!"http://10.0.0.1".parse::<Origin>().unwrap().keeps_secrets());
    }

    #[test]
    fn a_public_url_is_an_origin_and_no_more() {
        for url in ["https://a.example", "HTTP://a.example:80/", "https://[2001:db8::1]:443"] {
            assert!(url.parse::<Origin>().is_ok(), "{url}");
        }
        for url in
            ["a.example", "https://", "ftp://a", "https://a/path", "https://u@a", "https://a?b"]
        {
            assert!(url.parse::<Origin>().is_err(), "{url}");
        }
    }
}
