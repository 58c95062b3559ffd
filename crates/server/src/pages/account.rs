//! `/{tenant}/account`: a person's own password, authenticator app and sign-ins.
//!
//! Whoever finds a browser open shall not take the account over: each change asks for the password.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, PreEscaped, html};
use qrcodegen::{QrCode, QrCodeEcc};

use super::frame::{self, Page};
use super::gate::{self, Exit, Gate, Wants};
use super::session::{self, Session};
use super::visit::Visit;
use crate::administration::{Actor, Administration, Error, Who};
use crate::error::ApiError;
use crate::issuer::password::{MAX_CHARS, MIN_CHARS};
use crate::issuer::{signin, totp};
use crate::state::AppState;

/// Light modules around a QR code (ISO/IEC 18004 §6.3.8).
const QUIET: i32 = 4;

/// What the page says after something was done, by its name in the query.
const DONE: &[(&str, &str)] = &[
    ("password", "Your password was changed, and you were signed out everywhere."),
    ("totp", "From now on a code of your authenticator app is asked for when you sign in."),
    ("no-totp", "Codes of an authenticator app are no longer asked for."),
    ("everywhere", "You were signed out everywhere."),
];

/// `GET` and `POST /{tenant}/account`
pub(crate) async fn page(State(app): State<Arc<AppState>>, visit: Visit) -> Response {
    let gate = Gate {
        purpose: "to see your account",
        hint: None,
        wants: Wants::Any,
        leads_to: None,
        exit: Exit::None,
    };
    let session = match gate::pass(&app, &visit, gate).await {
        Ok(session) => session,
        Err(page) => return page,
    };
    answer(&app, &visit, &session).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(app: &AppState, visit: &Visit, session: &Session) -> Result<Response, ApiError> {
    match visit.step() {
        Some("password") => set_password(app, visit, session).await,
        Some("totp-new") => new_totp(visit, session),
        Some("totp-set") => set_totp(app, visit, session).await,
        Some("totp-remove") => remove_totp(app, visit, session).await,
        Some("sign-out") => {
            let mut response = visit.go_to(visit.call.target.path());
            session::end(app, visit, session, &mut response).await?;
            Ok(response)
        }
        Some("everywhere") => {
            let actor = actor(visit, session);
            let administration = Administration::new(app.store.as_ref(), &actor);
            administration.sign_out(&session.operator.user_name).await?;
            Ok(done(visit, "everywhere"))
        }
        _ => Ok(visit.page(overview(visit, session, None))),
    }
}

async fn set_password(
    app: &AppState,
    visit: &Visit,
    session: &Session,
) -> Result<Response, ApiError> {
    let new = visit.field("new").unwrap_or_default();
    if visit.field("again").unwrap_or_default() != new {
        return Ok(complain(visit, session, "The new password was not repeated as it is."));
    }
    if let Err(refused) =
        prove(app, visit, session, |said| overview(visit, session, Some(said))).await
    {
        return refused;
    }
    let actor = actor(visit, session);
    let administration = Administration::new(app.store.as_ref(), &actor);
    match administration.set_password(&session.operator.user_name, new).await {
        Ok(()) => Ok(done(visit, "password")),
        Err(Error::Password(error)) => {
            let said = format!("The password was not changed: {error}.");
            Ok(complain(visit, session, &said))
        }
        Err(error) => Err(error.into()),
    }
}

fn new_totp(visit: &Visit, session: &Session) -> Result<Response, ApiError> {
    let secret = totp::new_secret();
    let secret = secret.ok_or_else(|| ApiError::internal("the system gave no random bytes"))?;
    Ok(visit.page(totp_page(visit, session, &totp::written(&secret), None)?))
}

async fn set_totp(app: &AppState, visit: &Visit, session: &Session) -> Result<Response, ApiError> {
    let written = visit.field("secret").unwrap_or_default();
    let Some(secret) = totp::read(written) else { return new_totp(visit, session) };
    let code = visit.field("code").unwrap_or_default();
    if totp::matching_step(&secret, code, visit.call.now).is_none() {
        let said = "That is not the code of this secret. Is your phone's clock right?";
        let page = totp_page(visit, session, written, Some(said))?;
        return Ok(visit.page(page.status(StatusCode::BAD_REQUEST)));
    }
    if let Err(refused) =
        prove(app, visit, session, |said| overview(visit, session, Some(said))).await
    {
        return refused;
    }
    let actor = actor(visit, session);
    let administration = Administration::new(app.store.as_ref(), &actor);
    administration.set_totp(&session.operator.user_name, secret).await?;
    Ok(done(visit, "totp"))
}

async fn remove_totp(
    app: &AppState,
    visit: &Visit,
    session: &Session,
) -> Result<Response, ApiError> {
    if let Err(refused) =
        prove(app, visit, session, |said| overview(visit, session, Some(said))).await
    {
        return refused;
    }
    let actor = actor(visit, session);
    let administration = Administration::new(app.store.as_ref(), &actor);
    administration.remove_totp(&session.operator.user_name).await?;
    Ok(done(visit, "no-totp"))
}

/// Asks whether it is they who sit there: their password must be right.
async fn prove<'p>(
    app: &AppState,
    visit: &Visit,
    session: &Session,
    page: impl FnOnce(&str) -> Page<'p>,
) -> Result<(), Result<Response, ApiError>> {
    let shown = visit.field("current").unwrap_or_default();
    let user_name = &session.operator.user_name;
    let checked = signin::check_password(app, &visit.call, &visit.tenant, user_name, shown).await;
    match checked {
        Ok(_) => Ok(()),
        Err(error) => Err(gate::failed(visit, error, page)),
    }
}

fn actor(visit: &Visit, session: &Session) -> Actor {
    Actor {
        tenant: visit.tenant.clone(),
        who: Who::Operator(session.operator.user_name.clone()),
        address: visit.call.address,
        correlation: visit.call.correlation.id(),
        now: visit.call.now,
    }
}

fn done(visit: &Visit, what: &str) -> Response {
    visit.go_to(&format!("{}?done={what}", visit.call.target.path()))
}

fn complain(visit: &Visit, session: &Session, said: &str) -> Response {
    visit.page(overview(visit, session, Some(said)).status(StatusCode::BAD_REQUEST))
}

fn overview(visit: &Visit, session: &Session, complaint: Option<&str>) -> Page<'static> {
    let asked = visit.query.get("done").filter(|_| complaint.is_none());
    let done = asked.and_then(|name| DONE.iter().find(|(known, _)| *known == name));
    let mark = visit.mark();
    let form = |fields: Markup| {
        html! {
            form method="post" action=(visit.call.target.path()) {
                (frame::mark(&mark))
                input type="hidden" name="username" autocomplete="username"
                    value=(session.operator.user_name);
                (fields)
            }
        }
    };
    let body = html! {
        p { strong { (session.operator.display_name) } " (" (session.operator.user_name) ")" }
        @if let Some((_, said)) = done { p.done role="status" { (said) } }
        (frame::complaint(complaint))
        h2 { "Password" }
        (form(html! {
            (password("current", "current-password", "Current password"))
            (password("new", "new-password", "New password"))
            (password("again", "new-password", "New password, again"))
            p.small { "At least " (MIN_CHARS) " characters. You are signed out everywhere." }
            button name="step" value="password" { "Change password" }
        }))
        h2 { "Authenticator app" }
        @if session.operator.totp.is_some() {
            p { "A code of your authenticator app is asked for when you sign in." }
            (form(html! {
                (password("current", "current-password", "Current password"))
                button.plain name="step" value="totp-remove" { "Remove" }
            }))
        } @else {
            p { "Your password alone opens your account." }
            (form(html! { button name="step" value="totp-new" { "Set up" } }))
        }
        h2 { "Sign-ins" }
        (form(html! {
            button.plain name="step" value="sign-out" { "Sign out here" }
            button.plain name="step" value="everywhere" { "Sign out everywhere, and all apps" }
        }))
    };
    Page::new("Your account", body)
}

fn password(name: &str, autocomplete: &str, label: &str) -> Markup {
    html! {
        label { (label)
            input name=(name) type="password" autocomplete=(autocomplete) required
                maxlength=(MAX_CHARS);
        }
    }
}

fn totp_page(
    visit: &Visit,
    session: &Session,
    written: &str,
    complaint: Option<&str>,
) -> Result<Page<'static>, ApiError> {
    let secret = totp::read(written).ok_or_else(|| ApiError::internal("no secret"))?;
    let uri = totp::uri(&secret, &session.operator.user_name);
    let body = html! {
        p { "Scan this with your authenticator app, or type the key in." }
        div.qr { (qr(&uri)?) }
        p { code { (written) } }
        (frame::complaint(complaint))
        form method="post" action=(visit.call.target.path()) {
            (frame::mark(&visit.mark()))
            input type="hidden" name="secret" value=(written);
            label for="code" { "The code that it shows" }
            input #code name="code" type="text" inputmode="numeric" autocomplete="one-time-code"
                required autofocus maxlength=(totp::DIGITS + 2);
            (password("current", "current-password", "Your password"))
            button name="step" value="totp-set" { "Set up" }
            button.plain name="step" value="back" formnovalidate { "Cancel" }
        }
    };
    Ok(Page::new("Set up an authenticator app", body))
}

/// A QR code as a picture, one path of unit squares.
fn qr(text: &str) -> Result<Markup, ApiError> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)
        .map_err(|_| ApiError::internal("a text that is too long for a QR code"))?;
    let dark = |x: &(i32, i32)| code.get_module(x.0, x.1);
    let places = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
    let path: String =
        places.filter(dark).map(|(x, y)| format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET)).collect();
    let side = code.size() + 2 * QUIET;
    Ok(html! {
        svg viewBox={ "0 0 " (side) " " (side) } role="img" aria-label="QR code of the key below"
            shape-rendering="crispEdges" xmlns="http://www.w3.org/2000/svg" {
            path fill="#fff" d={ "M0 0h" (side) "v" (side) "H0z" } {}
            path fill="#000" d=(PreEscaped(path)) {}
        }
    })
}
