//! `/{tenant}/oauth2/deviceauth`: a person types the code that a device shows, and says whether it may
//! act for them (RFC 8628 §3.3).
//!
//! Wrong codes count as failed sign-ins of their address. What is asked is always shown and agreed to,
//! since the device may be somebody else's (§5.4).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use inventory::access::App;
use inventory::access::ticket::{Ticket, TicketKind};
use maud::html;

use super::consent;
use super::frame::{self, Page};
use super::gate::{self, Exit, Gate, Wants};
use super::session::Session;
use super::visit::Visit;
use crate::error::ApiError;
use crate::issuer::delegation::{Decision, Delegation, Device, user_code_key};
use crate::issuer::scopes::Asked;
use crate::issuer::signin;
use crate::state::AppState;

/// Decisions that a device's own questions may overtake.
const TRIES: usize = 16;
const UNKNOWN: &str = "There is no such code, or it has expired. Look at your device again.";

/// A device that waits.
struct Waiting {
    ticket: Ticket,
    device: Device,
    app: App,
}

/// `GET` and `POST /{tenant}/oauth2/deviceauth`
pub(crate) async fn page(State(app): State<Arc<AppState>>, visit: Visit) -> Response {
    let gate = Gate {
        purpose: "to connect your device",
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
    let step = visit.step();
    if !matches!(step, Some("find" | "allow" | "decline")) {
        return Ok(visit.page(entry_page(visit, None)));
    }
    let code = visit.field("user_code").unwrap_or_default();
    if let Err(error) = signin::count_address(app, &visit.call) {
        return gate::failed(visit, error, |said| entry_page(visit, Some(said)));
    }
    let Some(waiting) = find(app, visit, code).await? else {
        gate::note(visit, "AADSTS70019");
        return Ok(visit.page(entry_page(visit, Some(UNKNOWN)).status(StatusCode::BAD_REQUEST)));
    };
    signin::forgive_address(app, &visit.call);
    // The first one to set it.
    let _ = visit.call.app_id.set(waiting.app.client_id);
    let decision = match step {
        Some("allow") => Decision::Allowed(delegation(&waiting.device, session)),
        Some("decline") => Decision::Declined,
        _ => return Ok(visit.page(question_page(visit, session, &waiting, code))),
    };
    let is_allowed = decision != Decision::Declined;
    if !decide(app, visit, waiting, decision).await? {
        return Ok(visit.page(entry_page(visit, Some(UNKNOWN)).status(StatusCode::BAD_REQUEST)));
    }
    let tenant = visit.tenant.number;
    app.store
        .take_ticket(tenant, TicketKind::UserCode, user_code_key(code), visit.call.now)
        .await?;
    gate::note(visit, if is_allowed { "device allowed" } else { "device declined" });
    Ok(visit.page(end_page(is_allowed)))
}

/// The device that shows a code, while nobody has decided.
async fn find(app: &AppState, visit: &Visit, code: &str) -> Result<Option<Waiting>, ApiError> {
    let (tenant, now) = (visit.tenant.number, visit.call.now);
    let key = user_code_key(code);
    let of_user = app.store.ticket(tenant, TicketKind::UserCode, key, now).await?;
    let decoded = of_user.and_then(|ticket| HEXLOWER.decode(ticket.data.as_bytes()).ok());
    let Some(key) = decoded.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) else {
        return Ok(None);
    };
    let Some(ticket) = app.store.ticket(tenant, TicketKind::DeviceCode, key, now).await? else {
        return Ok(None);
    };
    let device: Device = serde_json::from_str(&ticket.data)
        .map_err(|error| ApiError::internal(format!("a device code: {error}")))?;
    let of_device = app.store.app(tenant, device.client_id).await?;
    let in_force = of_device.filter(|app| app.revoked.is_none());
    let is_pending = device.decision == Decision::Pending;
    Ok(in_force.filter(|_| is_pending).map(|app| Waiting { ticket, device, app }))
}

fn delegation(device: &Device, session: &Session) -> Delegation {
    Delegation {
        client_id: device.client_id,
        operator: session.operator.id,
        resource: device.resource.clone(),
        scopes: device.scopes.clone(),
        openid: device.openid.clone(),
        nonce: None,
        signed_in_s: session.signed_in_s,
        methods: session.methods.clone(),
    }
}

/// Keeps the decision, if the device still waits.
async fn decide(
    app: &AppState,
    visit: &Visit,
    waiting: Waiting,
    decision: Decision,
) -> Result<bool, ApiError> {
    let (tenant, now) = (visit.tenant.number, visit.call.now);
    let Waiting { mut ticket, mut device, .. } = waiting;
    for _ in 0..TRIES {
        device.decision = decision.clone();
        let data = serde_json::to_string(&device);
        let data = data.map_err(|error| ApiError::internal(format!("a device code: {error}")))?;
        let next = Ticket { data, ..ticket.clone() };
        if app.store.change_ticket(tenant, &ticket.data, &next, now).await? {
            return Ok(true);
        }
        // The device asked in between, which changed the ticket.
        let again = app.store.ticket(tenant, TicketKind::DeviceCode, ticket.key, now).await?;
        let Some(again) = again else { return Ok(false) };
        device = serde_json::from_str(&again.data)
            .map_err(|error| ApiError::internal(format!("a device code: {error}")))?;
        if device.decision != Decision::Pending {
            return Ok(false);
        }
        ticket = again;
    }
    Ok(false)
}

fn entry_page(visit: &Visit, complaint: Option<&str>) -> Page<'static> {
    let typed = visit.field("user_code").or(visit.query.get("user_code")).unwrap_or_default();
    let body = html! {
        p { "Enter the code that your app or device shows." }
        (frame::complaint(complaint))
        form method="post" action=(visit.call.target.path()) {
            (frame::mark(&visit.mark()))
            label for="user_code" { "Code" }
            input #user_code .code name="user_code" type="text" autocomplete="off" required autofocus
                autocapitalize="characters" spellcheck="false" maxlength="32" value=(typed);
            button name="step" value="find" { "Continue" }
        }
    };
    Page::new("Connect a device", body)
}

fn question_page(visit: &Visit, session: &Session, waiting: &Waiting, code: &str) -> Page<'static> {
    let Waiting { device, app, .. } = waiting;
    let asked = Asked {
        resource: device.resource.clone(),
        scopes: device.scopes.clone(),
        openid: device.openid.clone(),
    };
    let body = html! {
        p { "Are you trying to sign in to " strong { (app.name) } " on another device? It asks to:" }
        (consent::list(&asked))
        p.complaint {
            "Go on only if you started this yourself a moment ago. Nobody who helps you will ever ask \
             you to enter a code here."
        }
        p.small { "You are signed in as " strong { (session.operator.user_name) } "." }
        form method="post" action=(visit.call.target.path()) {
            (frame::mark(&visit.mark()))
            input type="hidden" name="user_code" value=(code);
            button name="step" value="allow" { "Allow" }
            button.plain name="step" value="decline" { "Decline" }
        }
    };
    Page::new("Allow a device", body)
}

fn end_page(is_allowed: bool) -> Page<'static> {
    let said = if is_allowed {
        "Your device is signed in. You may close this window."
    } else {
        "Your device was not signed in. You may close this window."
    };
    Page::new("Done", html! { p.done { (said) } })
}
