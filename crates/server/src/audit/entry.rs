//! What an entry says of a request.
//!
//! Nothing that could be a secret gets in: of the sign-in side the path alone is kept, since its
//! queries and bodies hold secrets, and of the API's own queries whatever looks like a token or
//! calls itself a credential is blanked, since a client may put one anywhere.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use axum::http::Method;
use inventory::access::audit::{Deed, Entry};

use crate::audit::{Audit, Unwritten};
use crate::call::Call;
use crate::router;

/// Bytes of a path and query that are kept.
const DETAIL_BYTES: usize = 2048;
/// Bytes of a person's name that are kept.
const PERSON_BYTES: usize = 256;
/// Bytes of a method that are kept; those of HTTP are far shorter, but a client may send any word.
const METHOD_BYTES: usize = 32;
/// What stands in the place of what must not be kept.
const BLANKED: &str = "***";
/// How texts begin that are secrets wherever they stand: JWTs, and this server's client secrets.
const SECRET_BEGINNINGS: &[&str] = &["eyJ", crate::administration::credentials::SECRET_PREFIX];
/// Names of query parameters whose values are credentials (RFC 6750 §2.3, RFC 6749, RFC 7521).
const CREDENTIALS: &[&str] = &[
    "access_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "id_token",
    "password",
    "refresh_token",
    "token",
];
/// What sign-in libraries and browsers fetch before anybody signs in: public, and asked for by
/// whoever passes by.
const PUBLIC: &[&str] = &[
    "/healthz",
    "/openapi.json",
    "/common/discovery/instance",
    "/common/userrealm/{user}",
    "/{tenant}/.well-known/openid-configuration",
    "/{tenant}/v2.0/.well-known/openid-configuration",
    "/{tenant}/discovery/keys",
    "/{tenant}/discovery/v2.0/keys",
];

/// What kind of deed a request to a route is; `None` for what is not recorded.
fn deed(route: &str, method: &Method) -> Option<Deed> {
    // What is sent is counted by its sender, many times a second.
    if router::is_of_senders(route) {
        return None;
    }
    let only_reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if route == "/api" || route.starts_with("/api/") {
        Some(Deed::Call)
    } else if route.starts_with("/admin/") {
        Some(if only_reads { Deed::Call } else { Deed::Administration })
    } else if PUBLIC.contains(&route) || route.starts_with("/assets/") || is_telemetry(route) {
        None
    } else {
        Some(Deed::SignIn)
    }
}

/// What machines send and fetch all the time, once they are enrolled: telemetry, not questions.
fn is_telemetry(route: &str) -> bool {
    route.contains("/osquery/") && route != "/osquery/enroll"
}

/// A request that is being answered and will be recorded, even when its client goes away before
/// the answer: then with status 0.
pub(crate) struct Pending<'a> {
    audit: &'a Arc<Audit>,
    call: &'a Call,
    route: &'static str,
    method: &'a Method,
    deed: Deed,
    started: Instant,
    recorded: bool,
}

impl<'a> Pending<'a> {
    /// `None` for what is not recorded.
    pub(crate) fn new(
        audit: &'a Arc<Audit>,
        call: &'a Call,
        route: &'static str,
        method: &'a Method,
        started: Instant,
    ) -> Option<Self> {
        let deed = deed(route, method).filter(|&deed| audit.keeps(deed))?;
        Some(Self { audit, call, route, method, deed, started, recorded: false })
    }

    pub(crate) fn deed(&self) -> Deed {
        self.deed
    }

    /// Records the request with the status of its answer.
    pub(crate) async fn record(mut self, status: u16) -> Result<(), Unwritten> {
        let entry = self.entry(status);
        let recorded = self.audit.record(entry).await;
        self.recorded = true;
        recorded
    }

    fn entry(&self, status: u16) -> Entry {
        let call = self.call;
        let latency = self.started.elapsed().as_micros();
        let method = cut(self.method.as_str(), METHOD_BYTES);
        Entry {
            time: call.now,
            tenant: call.tenant.get().copied(),
            deed: self.deed,
            correlation: call.correlation.id(),
            app: call.app_id.get().copied(),
            person: call.person.get().map(|name| cut(name, PERSON_BYTES).to_owned()),
            address: call.address,
            operation: [method, " ", self.route].concat(),
            detail: self.detail(),
            status,
            rows: call.rows.get().copied(),
            latency_us: u64::try_from(latency).unwrap_or(u64::MAX),
        }
    }

    fn detail(&self) -> String {
        let target = &self.call.target;
        let mut detail = without_secrets(cut(target.path(), DETAIL_BYTES)).into_owned();
        if let (Some(query), Deed::Call) = (target.query(), self.deed) {
            detail.push('?');
            let room = DETAIL_BYTES.saturating_sub(detail.len());
            detail.push_str(&query_without_secrets(cut(query, room)));
        }
        if let Some(note) = self.call.note.get() {
            detail.push(' ');
            detail.push_str(note);
        }
        detail.truncate(cut(&detail, DETAIL_BYTES).len());
        detail
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.recorded {
            return;
        }
        let (audit, entry) = (Arc::clone(self.audit), self.entry(0));
        // Without a runtime the process is ending, and nothing can be written.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if audit.record(entry).await.is_err() {
                    tracing::error!("a request that was broken off could not be recorded");
                }
            });
        }
    }
}

/// The first bytes of a text, whole characters.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// A query whose credentials are blanked.
fn query_without_secrets(query: &str) -> Cow<'_, str> {
    if !query.split('&').any(is_credential) {
        return without_secrets(query);
    }
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_credential(pair) => Cow::Owned(format!("{name}={BLANKED}")),
        _ => without_secrets(pair),
    });
    Cow::Owned(pairs.collect::<Vec<_>>().join("&"))
}

/// Whether a pair of a query is named as a credential.
fn is_credential(pair: &str) -> bool {
    let Some((name, _)) = pair.split_once('=') else { return false };
    let is = |name: &str| CREDENTIALS.iter().any(|known| known.eq_ignore_ascii_case(name));
    is(name)
        || name.contains('%') && is(&percent_encoding::percent_decode_str(name).decode_utf8_lossy())
}

/// A text in which each word that begins as a secret does is blanked.
fn without_secrets(text: &str) -> Cow<'_, str> {
    if !SECRET_BEGINNINGS.iter().any(|beginning| text.contains(beginning)) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    let first = |text: &str| SECRET_BEGINNINGS.iter().filter_map(|begin| text.find(begin)).min();
    while let Some(start) = first(rest) {
        kept.push_str(&rest[..start]);
        kept.push_str(BLANKED);
        let secret = &rest[start..];
        let is_part = |byte: char| byte.is_ascii_alphanumeric() || "-_.~+%=".contains(byte);
        rest = secret.find(|char: char| !is_part(char)).map_or("", |end| &secret[end..]);
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_blanked_wherever_they_stand() {
        for (query, kept) in [
            ("$top=5&$filter=a%20eq%20'b'", "$top=5&$filter=a%20eq%20'b'"),
            ("access_token=abc&$top=1", "access_token=***&$top=1"),
            ("Access%5FToken=abc", "Access%5FToken=***"),
            ("x=eyJhbGciOi.eyJ9-_.sig&y=1", "x=***&y=1"),
            ("x='footfall_AbC'&client_secret", "x='***'&client_secret"),
            ("eyJ", "***"),
            ("a=\u{e9}eyJx\u{e9}", "a=\u{e9}***\u{e9}"),
        ] {
            assert_eq!(query_without_secrets(query), kept);
        }
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("\u{e9}\u{e9}", 3), "\u{e9}");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn what_is_not_public_is_recorded() {
        assert_eq!(deed("/api", &Method::GET), Some(Deed::Call));
        assert_eq!(deed("/api/machines", &Method::GET), Some(Deed::Call));
        assert_eq!(deed("/admin/v1/limits", &Method::GET), Some(Deed::Call));
        assert_eq!(deed("/admin/v1/apps", &Method::POST), Some(Deed::Administration));
        assert_eq!(deed("/{tenant}/oauth2/v2.0/token", &Method::GET), Some(Deed::SignIn));
        assert_eq!(deed("/a/page/to/come", &Method::POST), Some(Deed::SignIn));
        assert_eq!(deed("/healthz", &Method::GET), None);
        assert_eq!(deed("/osquery/enroll", &Method::POST), Some(Deed::SignIn));
        assert_eq!(deed("/osquery/log", &Method::POST), None);
        assert_eq!(deed("/{node}/osquery/{endpoint}", &Method::GET), None);
    }
}
