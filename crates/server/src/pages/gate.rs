//! The gate before a page: nobody passes who has not signed in.
//!
//! It stands at the page's own address. Its forms are sent there too, and the page does not see
//! them; when all is shown that must be, the browser asks for the page again.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::frame::{self, Page};
use super::session::{self, Session};
use super::visit::Visit;
use crate::error::ApiError;
use crate::issuer::signin::{self, MAX_USER_NAME_BYTES, SignInError};
use crate::issuer::{password, totp};
use crate::state::AppState;

/// Options of a request that a sign-in fulfils: they are gone when the browser asks again.
const FULFILLED: &[&str] = &["prompt", "max_age"];
/// The one prompt that it does not fulfil.
const CONSENT: &str = "consent";

/// A gate, as the page behind it wants it.
#[derive(Clone, Copy)]
pub(super) struct Gate<'a> {
    /// For what a person signs in: `to use hunting console`.
    pub(super) purpose: &'a str,
    /// Who is expected.
    pub(super) hint: Option<&'a str>,
    /// Which sign-in is good enough.
    pub(super) wants: Wants,
    /// Where the page leads in the end, as a CSP source.
    pub(super) leads_to: Option<&'a str>,
    /// Whether the person may turn back: the page then sees the step `cancel`.
    pub(super) exit: Exit,
}

/// Which sign-in is good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// Any that holds.
    Any,
    /// One that is at most so many seconds old.
    Within(i64),
    /// A new one.
    New,
    /// Any, but the person is to say whether it is theirs.
    Chosen,
}

/// Whether a person may turn back at a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// There is nobody to be told.
    None,
    /// An app waits, and is told.
    Cancel,
}

/// Who is at the gate, and what they are shown if they may not pass.
pub(super) async fn pass(
    app: &AppState,
    visit: &Visit,
    gate: Gate<'_>,
) -> Result<Session, Response> {
    let answered = match visit.step() {
        Some("sign-in") => Some(check_password(app, visit, gate).await),
        Some("code") => Some(check_code(app, visit, gate).await),
        Some("other") => Some(Ok(visit.page(sign_in_page(visit, gate, None)))),
        Some("continue") => Some(Ok(on(visit))),
        _ => None,
    };
    if let Some(answered) = answered {
        return Err(answered.unwrap_or_else(IntoResponse::into_response));
    }
    let found = session::find(app, visit).await.map_err(IntoResponse::into_response)?;
    let is_form = visit.step().is_some();
    match found {
        None => Err(visit.page(sign_in_page(visit, gate, None))),
        Some(session) if !session.is_complete() => Err(visit.page(code_page(visit, gate, None))),
        // A form of the page behind was given to somebody who had passed.
        Some(session) if is_form => Ok(session),
        Some(session) => match gate.wants {
            Wants::Any => Ok(session),
            Wants::Within(seconds) if visit.call.now.seconds() - session.signed_in_s <= seconds => {
                Ok(session)
            }
            Wants::Within(_) | Wants::New => Err(visit.page(sign_in_page(visit, gate, None))),
            Wants::Chosen => Err(visit.page(choice_page(visit, gate, &session))),
        },
    }
}

async fn check_password(
    app: &AppState,
    visit: &Visit,
    gate: Gate<'_>,
) -> Result<Response, ApiError> {
    let user_name = visit.field("username").unwrap_or_default();
    let shown = visit.field("password").unwrap_or_default();
    let (call, tenant) = (&visit.call, &visit.tenant);
    match signin::check_password(app, call, tenant, user_name, shown).await {
        Err(error) => failed(visit, error, |said| sign_in_page(visit, gate, Some(said))),
        Ok(operator) => {
            let mut response = on(visit);
            let methods = match operator.totp {
                None => signin::methods(&operator),
                Some(_) => Vec::new(),
            };
            if !methods.is_empty() {
                note(visit, "signed in");
            }
            session::begin(app, visit, &operator, methods, &mut response).await?;
            Ok(response)
        }
    }
}

async fn check_code(app: &AppState, visit: &Visit, gate: Gate<'_>) -> Result<Response, ApiError> {
    let waiting = session::find(app, visit).await?.filter(|session| !session.is_complete());
    // It waited too long.
    let Some(Session { operator, .. }) = waiting else {
        return Ok(visit.page(sign_in_page(visit, gate, None)));
    };
    let code = visit.field("code").unwrap_or_default();
    match signin::check_code(app, &visit.call, &visit.tenant, &operator, code).await {
        Err(error) => failed(visit, error, |said| code_page(visit, gate, Some(said))),
        Ok(()) => {
            let mut response = on(visit);
            note(visit, "signed in");
            let methods = signin::methods(&operator);
            session::begin(app, visit, &operator, methods, &mut response).await?;
            Ok(response)
        }
    }
}

/// Leads the browser to the page again, as somebody who signed in.
fn on(visit: &Visit) -> Response {
    let kept = if visit.query.get("prompt") == Some(CONSENT) { &FULFILLED[1..] } else { FULFILLED };
    visit.go_to(&visit.here_without(kept))
}

/// A page again, with what was wrong.
pub(super) fn failed<'p>(
    visit: &Visit,
    error: SignInError,
    page: impl FnOnce(&str) -> Page<'p>,
) -> Result<Response, ApiError> {
    let (_, said) = error.code();
    let (status, said, retry_after_s) = match error {
        SignInError::Internal(reason) => return Err(ApiError::internal(reason)),
        SignInError::Busy => (StatusCode::SERVICE_UNAVAILABLE, said.to_owned(), Some(1)),
        SignInError::Locked { retry_after_s } | SignInError::TooMany { retry_after_s } => {
            let said = format!("{said} Try again in {retry_after_s} seconds.");
            (StatusCode::TOO_MANY_REQUESTS, said, Some(retry_after_s))
        }
        _ => (StatusCode::BAD_REQUEST, said.to_owned(), None),
    };
    let mut response = visit.page(page(&said).status(status));
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

fn sign_in_page<'p>(visit: &Visit, gate: Gate<'p>, complaint: Option<&str>) -> Page<'p> {
    let typed = visit.field("username").or(gate.hint).unwrap_or_default();
    let body = html! {
        p { "Sign in " (gate.purpose) "." }
        (frame::complaint(complaint))
        form method="post" action=(visit.call.target.as_str()) {
            (frame::mark(&visit.mark()))
            label for="username" { "User name" }
            input #username name="username" type="text" autocomplete="username" required
                maxlength=(MAX_USER_NAME_BYTES) value=(typed) autofocus[typed.is_empty()]
                autocapitalize="none" spellcheck="false";
            label for="password" { "Password" }
            input #password name="password" type="password" autocomplete="current-password" required
                maxlength=(password::MAX_CHARS) autofocus[!typed.is_empty()];
            (buttons("sign-in", "Sign in", gate))
        }
    };
    Page { leads_to: gate.leads_to, ..Page::new("Sign in", body) }
}

fn code_page<'p>(visit: &Visit, gate: Gate<'p>, complaint: Option<&str>) -> Page<'p> {
    let body = html! {
        p { "Enter the code that your authenticator app shows." }
        (frame::complaint(complaint))
        form method="post" action=(visit.call.target.as_str()) {
            (frame::mark(&visit.mark()))
            label for="code" { "Code" }
            input #code name="code" type="text" inputmode="numeric" autocomplete="one-time-code"
                required autofocus maxlength=(totp::DIGITS + 2);
            (buttons("code", "Continue", gate))
            button.plain name="step" value="other" formnovalidate { "Sign in as somebody else" }
        }
    };
    Page { leads_to: gate.leads_to, ..Page::new("Enter your code", body) }
}

fn choice_page<'p>(visit: &Visit, gate: Gate<'p>, session: &Session) -> Page<'p> {
    let body = html! {
        p { "Choose an account " (gate.purpose) "." }
        form method="post" action=(visit.call.target.as_str()) {
            (frame::mark(&visit.mark()))
            button name="step" value="continue" { "Continue as " (session.operator.user_name) }
            button.plain name="step" value="other" { "Use another account" }
        }
    };
    Page { leads_to: gate.leads_to, ..Page::new("Choose an account", body) }
}

fn buttons(step: &str, label: &str, gate: Gate<'_>) -> Markup {
    html! {
        button name="step" value=(step) { (label) }
        @if gate.exit == Exit::Cancel {
            button.plain name="step" value="cancel" formnovalidate { "Cancel" }
        }
    }
}

/// For the audit; the first one to set it.
pub(super) fn note(visit: &Visit, text: &str) {
    let _ = visit.call.note.set(text.to_owned());
}
