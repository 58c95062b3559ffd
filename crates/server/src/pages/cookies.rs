//! Cookies: read by name, and written so that no script and no other site can use them.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::origin::Origin;

/// Over https the browser itself refuses a cookie of this beginning that another host or a page
/// without encryption set (RFC 6265bis §4.1.3.2).
const HOST_PREFIX: &str = "__Host-";

/// The name of a cookie at an origin.
pub(super) fn name(origin: &Origin, name: &str) -> String {
    if is_secure(origin) { format!("{HOST_PREFIX}{name}") } else { name.to_owned() }
}

/// The value of a cookie.
pub(super) fn find<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| known.trim() == name).map(|(_, value)| value.trim())
}

/// `Set-Cookie` for a value that needs no escaping; for the browser's own session without `life_s`,
/// and to forget the cookie with a `life_s` of 0. A link from elsewhere brings it along (`Lax`), a form
/// from elsewhere does not.
pub(super) fn set(
    origin: &Origin,
    name: &str,
    value: &str,
    life_s: Option<i64>,
) -> Option<HeaderValue> {
    let secure = if is_secure(origin) { "; Secure" } else { "" };
    let life = life_s.map_or_else(String::new, |life_s| format!("; Max-Age={life_s}"));
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{life}");
    HeaderValue::from_str(&text).ok()
}

fn is_secure(origin: &Origin) -> bool {
    origin.scheme() == "https"
}
