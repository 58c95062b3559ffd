//! What ends before its time: a token, by `/{tenant}/oauth2/v2.0/revoke` (RFC 7009), and all that
//! descends from a sign-in.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use inventory::access::Tenant;
use inventory::access::ticket::{Ticket, TicketKind, TicketsOf};
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use store::Store;
use uuid::Uuid;

use crate::auth::jws::{Algorithm, Jws, PublicKey};
use crate::call::{Call, ThisCall};
use crate::issuer::assertion::Endpoint;
use crate::issuer::client::{self, Client};
use crate::issuer::endpoint::{self, Form};
use crate::issuer::handed_out::sha256;
use crate::issuer::refusal::Refusal;
use crate::issuer::request::Fields;
use crate::issuer::{LIFETIME_S, keys};
use crate::query::Id;
use crate::state::AppState;

/// How far the clocks of servers on one database may differ, in seconds.
const SKEW_S: i64 = 300;

/// `POST /{tenant}/oauth2/v2.0/revoke`: 200 whether there was such a token or not (§2.2).
pub(crate) async fn revoke(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    Id(tenant_name): Id,
    Form(fields): Form,
) -> Response {
    let revoking = async {
        let tenant = endpoint::tenant(&app, &call, &tenant_name, &fields).await?;
        let endpoint =
            Endpoint { app: &app, call: &call, tenant: &tenant, tenant_name: &tenant_name };
        let client = client::authenticate(endpoint, &fields).await?;
        let token = Fields::required(&fields.token, "token")?;
        match Jws::parse(token) {
            Ok(jws) => revoke_access(&app, &call, &tenant, &client, &jws).await,
            Err(_) => revoke_refresh(&app, &call, &tenant, &client, token).await,
        }
    };
    match revoking.await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => endpoint::refused(&refusal, &call, fields.client_request_id),
    }
}

/// With a refresh token goes all that descends from the same sign-in.
async fn revoke_refresh(
    app: &AppState,
    call: &Call,
    tenant: &Tenant,
    client: &Client,
    token: &str,
) -> Result<(), Refusal> {
    let kind = TicketKind::RefreshToken;
    let found = app.store.ticket(tenant.number, kind, sha256(token), call.now).await?;
    let of_client = found.filter(|ticket| ticket.app == Some(client.app.client_id));
    if let Some(family) = of_client.and_then(|ticket| ticket.family) {
        end_sign_in(app.store.as_ref(), tenant.number, family, call.now).await?;
    }
    Ok(())
}

/// Ends all that descends from one sign-in, at once: the browser's session, codes, refresh tokens, and
/// the access tokens that name it (`sid`).
pub(crate) async fn end_sign_in(
    store: &dyn Store,
    tenant: TenantId,
    family: Uuid,
    now: Timestamp,
) -> Result<(), store::Error> {
    // First what issues tokens, so that none is made after its like were revoked.
    store.revoke_tickets(tenant, TicketsOf::Family(family)).await?;
    let until = now.plus_seconds(LIFETIME_S + SKEW_S).unwrap_or(Timestamp::MAX);
    let revoked = revoked_token(&family.to_string(), until, None);
    store.add_ticket(tenant, &revoked, now).await?;
    Ok(())
}

/// Remembers a token or sign-in as revoked.
fn revoked_token(id: &str, until: Timestamp, app: Option<Uuid>) -> Ticket {
    Ticket {
        kind: TicketKind::RevokedToken,
        key: sha256(id),
        expires: until,
        operator: None,
        app,
        family: None,
        data: String::new(),
    }
}

/// An access token of a person is remembered as revoked until it would have expired.
async fn revoke_access(
    app: &AppState,
    call: &Call,
    tenant: &Tenant,
    client: &Client,
    jws: &Jws<'_>,
) -> Result<(), Refusal> {
    let mut is_ours = false;
    for key in app.store.signing_keys(tenant.number).await? {
        let numbers = keys::public_key(&key)
            .map_err(|error| Refusal::internal(format!("signing key {}: {error}", key.kid)))?;
        let public = PublicKey::rsa(&numbers.n, &numbers.e, vec![Algorithm::Rs256]);
        is_ours |= key.kid == jws.kid && jws.is_signed_by(&public);
    }
    let claims = &jws.claims;
    let of_client = claims.id("appid").is_ok_and(|id| id == Some(client.app.client_id));
    let (Ok(Some(id)), Ok(Some(expires_s))) = (claims.text("uti"), claims.seconds("exp")) else {
        return Ok(());
    };
    if !is_ours || !of_client || expires_s <= call.now.seconds() {
        return Ok(());
    }
    let until = Timestamp::from_seconds(expires_s, 0).unwrap_or(Timestamp::MAX);
    let revoked = revoked_token(id, until, Some(client.app.client_id));
    app.store.add_ticket(tenant.number, &revoked, call.now).await?;
    Ok(())
}
