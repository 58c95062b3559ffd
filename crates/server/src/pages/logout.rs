//! `/{tenant}/oauth2/logout` and `/{tenant}/oauth2/v2.0/logout`: signs a browser out, and leads back to an
//! app that asked for it (OpenID Connect RP-Initiated Logout 1.0).
//!
//! The person is asked first: a link of anybody's may lead here.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use inventory::access::App;
use maud::html;

use super::fields::pair;
use super::frame::{self, Page};
use super::reply;
use super::session;
use super::visit::{Form, Visit};
use crate::auth::jws::Jws;
use crate::error::ApiError;
use crate::state::AppState;

/// Where an app wants its people to go afterwards.
const AFTERWARDS: &str = "post_logout_redirect_uri";

/// `GET` and `POST /{tenant}/oauth2/logout`, of both versions.
pub(crate) async fn page(State(app): State<Arc<AppState>>, visit: Visit) -> Response {
    answer(&app, &visit).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(app: &AppState, visit: &Visit) -> Result<Response, ApiError> {
    if let Form::Foreign(fields) = &visit.form {
        // The token that hints at the app may be too long for an address, and nothing hangs on it.
        let query = fields.query_without(&["id_token_hint"]);
        return Ok(visit.go_to(&format!("{}?{query}", visit.call.target.path())));
    }
    let back = back(app, visit).await?;
    let Some(session) = session::find(app, visit).await? else { return Ok(ended(visit, back)) };
    if visit.step() == Some("sign-out") {
        let mut response = visit.go_to(visit.call.target.as_str());
        session::end(app, visit, &session, &mut response).await?;
        super::gate::note(visit, "signed out");
        return Ok(response);
    }
    let body = html! {
        p { "You are signed in as " strong { (session.operator.user_name) } "." }
        form method="post" action=(visit.call.target.as_str()) {
            (frame::mark(&visit.mark()))
            button name="step" value="sign-out" { "Sign out" }
        }
    };
    let source = back.as_deref().map(reply::source);
    Ok(visit.page(Page { leads_to: source.as_deref(), ..Page::new("Sign out?", body) }))
}

fn ended(visit: &Visit, back: Option<String>) -> Response {
    let Some(back) = back.and_then(|back| HeaderValue::from_str(&back).ok()) else {
        let body = html! { p.done { "You are signed out. You may close this window." } };
        return visit.page(Page::new("Signed out", body));
    };
    let headers = [(header::LOCATION, back), (header::CACHE_CONTROL, frame::NO_STORE)];
    (StatusCode::FOUND, headers).into_response()
}

/// Where the app wants the person to go, if it is one of the app's own addresses.
async fn back(app: &AppState, visit: &Visit) -> Result<Option<String>, ApiError> {
    let Some(wanted) = visit.query.get(AFTERWARDS) else { return Ok(None) };
    let Some(client) = client(app, visit).await? else { return Ok(None) };
    if !client.redirect_uris.iter().any(|known| reply::is_same(known, wanted)) {
        return Ok(None);
    }
    let Some(state) = visit.query.get("state") else { return Ok(Some(wanted.to_owned())) };
    let separator = if wanted.contains('?') { '&' } else { '?' };
    Ok(Some(format!("{wanted}{separator}{}", pair("state", state))))
}

/// The app that asks, by its id or by an id token that it got. Nobody is believed because of the token,
/// whose signature is not looked at: it chooses among addresses that are registered.
async fn client(app: &AppState, visit: &Visit) -> Result<Option<App>, ApiError> {
    let hinted = || {
        let jws = Jws::parse(visit.query.get("id_token_hint")?).ok()?;
        jws.claims.text("aud").ok()?.map(str::to_owned)
    };
    let named = visit.query.get("client_id").map(str::to_owned).or_else(hinted);
    match named.and_then(|id| id.parse().ok()) {
        Some(id) => Ok(app.store.app(visit.tenant.number, id).await?),
        None => Ok(None),
    }
}
