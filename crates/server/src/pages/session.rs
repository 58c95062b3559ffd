//! A browser in which somebody signed in: a ticket whose text is in a cookie.

use axum::response::Response;
use inventory::access::operator::Operator;
use inventory::access::ticket::{Ticket, TicketKind};
use inventory::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::visit::Visit;
use crate::error::ApiError;
use crate::issuer::handed_out::{random, sha256};
use crate::issuer::revocation;
use crate::state::AppState;

/// How long a sign-in holds in a browser, in seconds: a long shift.
const LIFETIME_S: i64 = 12 * 3600;
/// How long the code of an authenticator app is waited for, in seconds.
const CODE_LIFETIME_S: i64 = 300;

/// What is known of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Data {
    /// When the person signed in, seconds since 1970.
    signed_in_s: i64,
    /// How (RFC 8176); empty while their second factor is waited for.
    methods: Vec<String>,
}

/// Somebody who signed in, or of whom the password was right.
pub(super) struct Session {
    pub(super) operator: Operator,
    /// When, seconds since 1970.
    pub(super) signed_in_s: i64,
    /// How (RFC 8176).
    pub(super) methods: Vec<String>,
    /// What descends from this sign-in shares it.
    pub(super) family: Uuid,
}

impl Session {
    /// Whether they have shown all that is asked of them.
    pub(super) fn is_complete(&self) -> bool {
        !self.methods.is_empty()
    }
}

/// The session of a browser, if it still holds.
pub(super) async fn find(app: &AppState, visit: &Visit) -> Result<Option<Session>, ApiError> {
    let (tenant, now) = (visit.tenant.number, visit.call.now);
    let Some(text) = visit.cookie(&name(visit)) else { return Ok(None) };
    let Some(ticket) = app.store.ticket(tenant, TicketKind::Session, sha256(text), now).await?
    else {
        return Ok(None);
    };
    let (Some(operator), Some(family)) = (ticket.operator, ticket.family) else { return Ok(None) };
    let data: Data = serde_json::from_str(&ticket.data)
        .map_err(|error| ApiError::internal(format!("a session: {error}")))?;
    let Some(operator) = app.store.operator(tenant, operator).await? else { return Ok(None) };
    let was_signed_out = data.signed_in_s < operator.tokens_valid_from.seconds();
    if operator.disabled.is_some() || was_signed_out {
        return Ok(None);
    }
    // The first one to set it.
    let _ = visit.call.person.set(operator.user_name.clone());
    Ok(Some(Session { operator, signed_in_s: data.signed_in_s, methods: data.methods, family }))
}

/// Begins a session in a browser, whose earlier one ends. Without `methods` it is one that waits for a
/// second factor.
pub(super) async fn begin(
    app: &AppState,
    visit: &Visit,
    operator: &Operator,
    methods: Vec<String>,
    response: &mut Response,
) -> Result<(), ApiError> {
    forget(app, visit).await?;
    let now = visit.call.now;
    let text = random().ok_or_else(|| ApiError::internal("the system gave no random bytes"))?;
    let life_s = if methods.is_empty() { CODE_LIFETIME_S } else { LIFETIME_S };
    // Not before the moment from which their tokens count, or it would look signed out at once.
    let data = Data { signed_in_s: operator.issue_time_s(now), methods };
    let ticket = Ticket {
        kind: TicketKind::Session,
        key: sha256(&text),
        expires: now.plus_seconds(life_s).unwrap_or(Timestamp::MAX),
        operator: Some(operator.id),
        app: None,
        family: Some(Uuid::new_v4()),
        data: serde_json::to_string(&data)
            .map_err(|error| ApiError::internal(error.to_string()))?,
    };
    app.store.add_ticket(visit.tenant.number, &ticket, now).await?;
    visit.set_cookie(response, &name(visit), &text, None);
    Ok(())
}

/// Signs the browser out, and ends what apps were given in this session.
pub(super) async fn end(
    app: &AppState,
    visit: &Visit,
    session: &Session,
    response: &mut Response,
) -> Result<(), ApiError> {
    let (store, tenant) = (app.store.as_ref(), visit.tenant.number);
    revocation::end_sign_in(store, tenant, session.family, visit.call.now).await?;
    visit.set_cookie(response, &name(visit), "", Some(0));
    Ok(())
}

/// Leaves the session of a browser for another one. What apps were given in it stays.
async fn forget(app: &AppState, visit: &Visit) -> Result<(), ApiError> {
    if let Some(text) = visit.cookie(&name(visit)) {
        let (tenant, now) = (visit.tenant.number, visit.call.now);
        app.store.take_ticket(tenant, TicketKind::Session, sha256(text), now).await?;
    }
    Ok(())
}

/// One cookie for each tenant, so that a person may be signed in at several.
fn name(visit: &Visit) -> String {
    format!("footfall-session-{}", visit.tenant.id.simple())
}
