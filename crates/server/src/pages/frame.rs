//! What every page has: its look, and the headers that keep other sites and scripts out of it.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::visit::MARK;
use crate::call::Call;
use crate::error::ApiError;
use crate::issuer::refusal::Refusal;

/// Pages hold marks and names, and are for nobody else.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// What a form's own requests tell their target of where they come from: this server, and others
/// nothing. `no-referrer` would hide the origin from this server too, which compares it.
const REFERRER: HeaderValue = HeaderValue::from_static("same-origin");

/// A page.
pub(super) struct Page<'a> {
    pub(super) status: StatusCode,
    pub(super) title: &'a str,
    pub(super) body: Markup,
    /// Where forms of the page may lead beside this server, as a CSP source: the app that waits.
    pub(super) leads_to: Option<&'a str>,
    /// Whether it sends its form by itself, where the browser allows scripts.
    pub(super) submits: Submits,
}

/// Who sends the form of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Submits {
    /// The person.
    ByHand,
    /// The page itself, by the one script that there is.
    ByItself,
}

impl<'a> Page<'a> {
    /// A page that leads nowhere else.
    pub(super) fn new(title: &'a str, body: Markup) -> Self {
        Self { status: StatusCode::OK, title, body, leads_to: None, submits: Submits::ByHand }
    }

    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

/// Writes a page.
pub(super) fn render(page: Page<'_>) -> Response {
    let script = page.submits == Submits::ByItself;
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (page.title) " - Footfall" }
                link rel="stylesheet" href="/assets/pages.css";
                @if script { script src="/assets/submit.js" defer {} }
            }
            body {
                main {
                    p.brand { "Footfall" }
                    h1 { (page.title) }
                    (page.body)
                }
            }
        }
    };
    let target = page.leads_to.map_or_else(String::new, |source| format!(" {source}"));
    let scripts = if script { "'self'" } else { "'none'" };
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src {scripts}; form-action 'self'{target}; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    let Ok(policy) = HeaderValue::from_str(&policy) else {
        return ApiError::internal("a page that leads to what is no address").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, NO_STORE),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, REFERRER),
        (
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
        ),
    ];
    (page.status, headers, markup.into_string()).into_response()
}

/// The field by which a form is known as ours.
pub(super) fn mark(mark: &str) -> Markup {
    html! { input type="hidden" name=(MARK) value=(mark); }
}

/// What is wrong, above a form.
pub(super) fn complaint(text: Option<&str>) -> Markup {
    html! { @if let Some(text) = text { p.complaint role="alert" { (text) } } }
}

/// A refusal that cannot be told to an app, since it is not known where the app is.
pub(super) fn refused(call: &Call, refusal: &Refusal) -> Response {
    if let Some(reason) = refusal.internal_reason() {
        return ApiError::internal(reason).into_response();
    }
    // The first one to set it.
    let _ = call.note.set(format!("AADSTS{}", refusal.code().1));
    let body = html! {
        p { "The request of the app that sent you here cannot be answered." }
        p.complaint role="alert" { (refusal) }
        p.small { "For whoever looks after the app: correlation id " (call.correlation.id()) }
    };
    render(Page::new("Something is wrong", body).status(StatusCode::BAD_REQUEST))
}

/// A form of ours that is no longer good, or of somebody who pretends to be us.
pub(super) fn stale_form() -> Page<'static> {
    let body = html! {
        p {
            "This form was not given to this browser, or cookies are turned off. Go back, load the \
             page again and repeat what you did."
        }
    };
    Page::new("The form is out of date", body).status(StatusCode::FORBIDDEN)
}
