//! Targets as people write them, `machines?$filter=osPlatform eq 'Windows11'`, brought to what a request
//! line holds.

use axum::http::uri::PathAndQuery;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::origin::Origin;

/// What a request line cannot hold, or holds with another meaning. What is encoded already stays.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Why a text is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoTarget {
    #[error("the URL is empty")]
    Empty,
    #[error("the URL leads to another server")]
    Elsewhere,
    #[error("the URL is malformed")]
    Malformed,
}

/// A path below `/api`, with its query: from one below `/api`, from one that leaves `/api` out, or from an
/// absolute URL of the server.
pub(crate) fn of_api(text: &str, origin: &Origin) -> Result<PathAndQuery, NoTarget> {
    let text = text.trim();
    let own = origin.to_string();
    let path = match text.strip_prefix(own.as_str()) {
        Some(path) if path.is_empty() || path.starts_with(['/', '?']) => path,
        _ if text.split(['?', '(']).next().is_some_and(|path| path.contains("://")) => {
            return Err(NoTarget::Elsewhere);
        }
        _ => text,
    };
    if path.is_empty() {
        return Err(NoTarget::Empty);
    }
    let path = path.strip_prefix('/').unwrap_or(path);
    let first = path.split(['/', '?']).next().unwrap_or_default();
    let below = if first.eq_ignore_ascii_case("api") { "/" } else { "/api/" };
    let target = format!("{below}{}", utf8_percent_encode(path, ENCODED));
    target.parse().map_err(|_| NoTarget::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_written_in_many_ways() {
        let origin = Origin::of_address(false, ([127, 0, 0, 1], 8080).into());
        let read = |text: &str| of_api(text, &origin).map(|target| target.to_string());
        for (text, expected) in [
            ("machines", "/api/machines"),
            ("/machines?$top=1", "/api/machines?$top=1"),
            ("/api/v1.0/machines", "/api/v1.0/machines"),
            ("api", "/api"),
            ("http://127.0.0.1:8080/api/users", "/api/users"),
            (
                "machines?$filter=osPlatform eq 'Windows11'",
                "/api/machines?$filter=osPlatform%20eq%20'Windows11'",
            ),
            (
                "machines?$filter=computerDnsName%20eq%20'a'",
                "/api/machines?$filter=computerDnsName%20eq%20'a'",
            ),
            ("users/CORP\\müller/machines", "/api/users/CORP%5Cm%C3%BCller/machines"),
            ("machines?$filter=x eq 'http://a'", "/api/machines?$filter=x%20eq%20'http://a'"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(read(" "), Err(NoTarget::Empty));
        assert_eq!(read("https://example.org/api/machines"), Err(NoTarget::Elsewhere));
        assert_eq!(read("http://127.0.0.1:80801/api/machines"), Err(NoTarget::Elsewhere));
    }
}
