//! How an app that sent somebody here is answered: where, and in which form.

use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use inventory::access::App;
use maud::html;

use super::fields::pair;
use super::frame::{self, Page, Submits};
use super::visit::Visit;
use crate::error::ApiError;
use crate::issuer::refusal::Refusal;

/// Hosts that are the person's own machine.
const LOOPBACK: &[&str] = &["localhost", "127.0.0.1", "[::1]"];

/// Where and how an app is answered.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) redirect_uri: String,
    mode: Mode,
    state: Option<String>,
    /// The redirect URI as a CSP source.
    pub(super) source: String,
}

/// `response_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Query,
    Fragment,
    FormPost,
}

impl Reply {
    /// The answer to a request, whose redirect URI must be one of the app's. Without one the app's only
    /// one is meant.
    pub(super) fn read(
        app: &App,
        redirect_uri: Option<&str>,
        mode: Option<&str>,
        state: Option<&str>,
    ) -> Result<Self, Refusal> {
        let redirect_uri = match (redirect_uri, app.redirect_uris.as_slice()) {
            (None, [only]) => only.clone(),
            (None, _) => return Err(Refusal::missing("redirect_uri")),
            (Some(asked), known) if known.iter().any(|known| is_same(known, asked)) => {
                asked.to_owned()
            }
            (Some(asked), _) => return Err(Refusal::unknown_redirect(asked, app)),
        };
        let mode = match mode {
            None | Some("query") => Mode::Query,
            Some("fragment") => Mode::Fragment,
            Some("form_post") => Mode::FormPost,
            Some(other) => return Err(Refusal::unsupported_mode(other)),
        };
        let source = source(&redirect_uri);
        Ok(Self { redirect_uri, mode, state: state.map(str::to_owned), source })
    }

    /// Gives the app its code.
    pub(super) fn code(&self, visit: &Visit, code: &str) -> Response {
        self.answer(visit, &[("code", code)])
    }

    /// Tells the app why it gets none.
    pub(super) fn refuse(&self, visit: &Visit, refusal: &Refusal) -> Response {
        if let Some(reason) = refusal.internal_reason() {
            return ApiError::internal(reason).into_response();
        }
        let (error, number) = refusal.code();
        // The first one to set it.
        let _ = visit.call.note.set(format!("AADSTS{number}"));
        self.answer(
            visit,
            &[
                ("error", refusal.at_authorization(error)),
                ("error_description", &refusal.to_string()),
            ],
        )
    }

    fn answer(&self, visit: &Visit, answer: &[(&str, &str)]) -> Response {
        let state = self.state.as_deref().map(|state| ("state", state));
        let answer: Vec<_> = answer.iter().copied().chain(state).collect();
        if self.mode == Mode::FormPost {
            return self.post(visit, &answer);
        }
        let pairs: Vec<_> = answer.iter().map(|(name, value)| pair(name, value)).collect();
        let separator = match self.mode {
            Mode::Fragment => '#',
            _ if self.redirect_uri.contains('?') => '&',
            _ => '?',
        };
        let place = format!("{}{separator}{}", self.redirect_uri, pairs.join("&"));
        match HeaderValue::from_str(&place) {
            Ok(place) => {
                let no_referrer = HeaderValue::from_static("no-referrer");
                let headers = [
                    (header::LOCATION, place),
                    (header::CACHE_CONTROL, frame::NO_STORE),
                    (header::REFERRER_POLICY, no_referrer),
                ];
                (StatusCode::FOUND, headers).into_response()
            }
            Err(_) => ApiError::internal("a redirect URI that is no header").into_response(),
        }
    }

    /// OAuth 2.0 Form Post Response Mode: the browser carries the answer in a form.
    fn post(&self, visit: &Visit, answer: &[(&str, &str)]) -> Response {
        let body = html! {
            p { "You are being taken back to the app." }
            form method="post" action=(self.redirect_uri) data-submit="" {
                @for (name, value) in answer {
                    input type="hidden" name=(name) value=(value);
                }
                button { "Continue" }
            }
        };
        visit.page(Page {
            leads_to: Some(&self.source),
            submits: Submits::ByItself,
            ..Page::new("Signing in", body)
        })
    }
}

/// Whether a redirect URI is the registered one: character by character, but for the port on the
/// person's own machine, which such apps are given by chance (RFC 8252 §7.3).
pub(super) fn is_same(registered: &str, asked: &str) -> bool {
    registered == asked
        || matches!((loopback(registered), loopback(asked)),
            (Some(registered), Some(asked)) if registered == asked)
}

/// Host and rest of a URI that leads to the person's own machine, the port left out.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let host = LOOPBACK.iter().find(|host| authority.starts_with(**host))?;
    let port = &authority[host.len()..];
    let is_port = |port: &str| !port.is_empty() && port.parse::<u16>().is_ok();
    let fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    fits.then_some((host, rest))
}

/// What a form's policy calls the place: its origin, or its scheme where it has none.
pub(super) fn source(uri: &str) -> String {
    let scheme = uri.split(':').next().unwrap_or_default();
    let parsed: Option<Uri> = uri.parse().ok();
    let authority = parsed.as_ref().and_then(Uri::authority).map(|known| known.as_str());
    let is_plain = |text: &&str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    };
    match authority.filter(is_plain) {
        Some(authority) if scheme.starts_with("http") => format!("{scheme}://{authority}"),
        _ => format!("{scheme}:"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_are_the_same_to_the_letter() {
        for (registered, asked) in [
            ("https://app.example/back", "https://app.example/back"),
            ("http://localhost/back", "http://localhost:9/back"),
            ("http://localhost:8400/back", "http://localhost/back"),
            ("http://127.0.0.1", "http://127.0.0.1:65535"),
            ("http://[::1]/", "http://[::1]:80/"),
            ("msal1://auth", "msal1://auth"),
        ] {
            assert!(is_same(registered, asked), "{registered} {asked}");
        }
        for (registered, asked) in [
            ("https://app.example/back", "https://app.example/back/"),
            ("https://app.example/back", "https://APP.example/back"),
            ("https://app.example/back", "https://app.example:443/back"),
            ("https://app.example/back", "https://app.example/back?x=1"),
            ("https://app.example/back", "https://app.example.evil.example/back"),
            ("https://localhost/back", "https://localhost:9/back"),
            ("http://localhost/back", "http://localhost:9/backdoor"),
            ("http://localhost/back", "http://localhost.evil.example/back"),
            ("http://localhost/back", "http://localhost:9@evil.example/back"),
            ("http://localhost/back", "http://localhost:/back"),
            ("http://localhost/back", "http://localhost:99999/back"),
            ("http://localhost/back", "http://127.0.0.1/back"),
            ("http://localhost", "http://localhost:80.evil.example"),
        ] {
            assert!(!is_same(registered, asked), "{registered} {asked}");
        }
    }

    #[test]
    fn policies_name_origins() {
        for (uri, expected) in [
            ("https://app.example/back?x=1", "https://app.example"),
            ("http://localhost:9/back", "http://localhost:9"),
            ("http://[::1]:9/back", "http://[::1]:9"),
            ("msal1://auth", "msal1:"),
            ("com.example.app:/cb", "com.example.app:"),
            ("https://a;b/", "https:"),
        ] {
            assert_eq!(source(uri), expected, "{uri}");
        }
    }
}
