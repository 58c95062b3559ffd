//! The device code flow (RFC 8628, defender-api.md §7.2): a device asks for a code, a person types it
//! in a browser, and the device asks until they have decided.

use std::sync::Arc;

use aws_lc_rs::rand;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use inventory::access::ticket::{Ticket, TicketKind};
use inventory::time::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::call::ThisCall;
use crate::error::JSON;
use crate::issuer::Token;
use crate::issuer::assertion::Endpoint;
use crate::issuer::client::{self, Client, Proven};
use crate::issuer::delegation::{Decision, Device, user_code_key};
use crate::issuer::endpoint::{self, Form};
use crate::issuer::grants::{self, Request};
use crate::issuer::handed_out::{random, sha256};
use crate::issuer::person::{self, Grounds, from_json, to_json};
use crate::issuer::refusal::Refusal;
use crate::issuer::request::{Fields, Version};
use crate::query::Id;
use crate::state::AppState;

/// How long a person may take, in seconds.
const LIFETIME_S: i64 = 900;
/// Seconds between two questions of a device, as it is told.
const INTERVAL_S: i64 = 5;
/// Seconds between two questions that are borne.
const LEAST_INTERVAL_S: i64 = 1;
/// Letters of a user code: none that looks or sounds like another, and no vowels, which make words.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const USER_CODE_LETTERS: usize = 9;

/// `POST /{tenant}/oauth2/devicecode`
pub(crate) async fn v1(
    State(app): State<Arc<AppState>>,
    call: ThisCall,
    tenant: Id,
    form: Form,
) -> Response {
    begin(&app, call, tenant, Version::V1, form).await
}

/// `POST /{tenant}/oauth2/v2.0/devicecode`
pub(crate) async fn v2(
    State(app): State<Arc<AppState>>,
    call: ThisCall,
    tenant: Id,
    form: Form,
) -> Response {
    begin(&app, call, tenant, Version::V2, form).await
}

async fn begin(
    app: &AppState,
    ThisCall(call): ThisCall,
    Id(tenant_name): Id,
    version: Version,
    Form(fields): Form,
) -> Response {
    let answer = async {
        let tenant = endpoint::tenant(app, &call, &tenant_name, &fields).await?;
        let client_id = Fields::required(&fields.client_id, "client_id")?;
        let of_app = client::find(app.store.as_ref(), &tenant, client_id).await?;
        // The first one to set it.
        let _ = call.app_id.set(of_app.client_id);
        let endpoint = Endpoint { app, call: &call, tenant: &tenant, tenant_name: &tenant_name };
        // Who can prove itself may leave that to the token request, as with the vendor.
        let shows = fields.client_secret.is_some() || fields.client_assertion.is_some();
        let client = if shows || of_app.revoked.is_some() {
            client::authenticate(endpoint, &fields).await?
        } else {
            Client { app: of_app, proven: Proven::Nothing }
        };
        let request = Request {
            app,
            call: &call,
            tenant: &tenant,
            version,
            client: &client,
            fields: &fields,
        };
        ask(&request).await
    };
    match answer.await {
        Ok(body) => (
            [(header::CONTENT_TYPE, JSON), (header::CACHE_CONTROL, endpoint::NO_STORE)],
            body.to_string(),
        )
            .into_response(),
        Err(refusal) => endpoint::refused(&refusal, &call, fields.client_request_id),
    }
}

/// Keeps the device's request and tells it its codes.
async fn ask(request: &Request<'_>) -> Result<serde_json::Value, Refusal> {
    let asked = grants::asked(request)?;
    if asked.scopes.is_empty() {
        return Err(Refusal::consent_required(&request.client.app));
    }
    let no_bytes = || Refusal::internal("the system gave no random bytes");
    let device_code = random().ok_or_else(no_bytes)?;
    let user_code = new_user_code().ok_or_else(no_bytes)?;
    let device = Device {
        client_id: request.client.app.client_id,
        resource: asked.resource,
        scopes: asked.scopes,
        openid: asked.openid,
        decision: Decision::Pending,
        asked_s: 0,
    };
    let now = request.call.now;
    let key = sha256(&device_code);
    let ticket = Ticket {
        kind: TicketKind::DeviceCode,
        key,
        expires: now.plus_seconds(LIFETIME_S).unwrap_or(Timestamp::MAX),
        operator: None,
        app: Some(device.client_id),
        family: None,
        data: to_json(&device)?,
    };
    let of_user = Ticket {
        kind: TicketKind::UserCode,
        key: user_code_key(&user_code),
        data: key.iter().map(|byte| format!("{byte:02x}")).collect(),
        ..ticket.clone()
    };
    let (store, tenant) = (&request.app.store, request.tenant.number);
    if !store.add_ticket(tenant, &of_user, now).await? {
        // Some 5 * 10^11 codes: it takes more luck than anybody has.
        return Err(Refusal::internal("a user code came twice"));
    }
    store.add_ticket(tenant, &ticket, now).await?;
    // By its id: whoever opens the page does not say which app is meant, as `common` would need.
    let uri = format!("{}/{}/oauth2/deviceauth", request.call.origin, request.tenant.id);
    let message = format!(
        "To sign in, use a web browser to open the page {uri} and enter the code {user_code} to \
         authenticate."
    );
    let mut answer = json!({
        "user_code": user_code,
        "device_code": device_code,
        "verification_uri": uri,
        "expires_in": LIFETIME_S,
        "interval": INTERVAL_S,
        "message": message,
    });
    if request.version == Version::V1 {
        answer["verification_url"] = answer["verification_uri"].take();
        answer["expires_in"] = LIFETIME_S.to_string().into();
        answer["interval"] = INTERVAL_S.to_string().into();
        answer.as_object_mut().map(|answer| answer.shift_remove("verification_uri"));
    }
    Ok(answer)
}

fn new_user_code() -> Option<String> {
    let mut code = String::with_capacity(USER_CODE_LETTERS);
    while code.len() < USER_CODE_LETTERS {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).ok()?;
        // Of 256 values 240 are twelve times each letter; the rest would favour some.
        let fair = bytes.iter().filter(|&&byte| byte < 240).map(|&byte| byte % 20);
        let wanted = USER_CODE_LETTERS - code.len();
        code.extend(fair.take(wanted).map(|index| char::from(LETTERS[usize::from(index)])));
    }
    Some(code)
}

/// The token that a device asks for, once the person has allowed it.
pub(crate) async fn token(request: Request<'_>) -> Result<Token, Refusal> {
    // Clients of version 1.0 call it `code`.
    let fields = request.fields;
    let code = fields.device_code.as_ref().or(fields.code.as_ref()).cloned();
    let code = Fields::required(&code, "device_code")?.to_owned();
    let (store, tenant, now) = (&request.app.store, request.tenant.number, request.call.now);
    let key = sha256(&code);
    let found = store.ticket(tenant, TicketKind::DeviceCode, key, now).await?;
    // One that has expired is forgotten and looks as one that never was.
    let ticket = found.ok_or_else(Refusal::device_expired)?;
    let device: Device = from_json(&ticket.data)?;
    if device.client_id != request.client.app.client_id {
        return Err(Refusal::unknown_device());
    }
    match &device.decision {
        Decision::Declined => {
            store.take_ticket(tenant, TicketKind::DeviceCode, key, now).await?;
            Err(Refusal::device_declined())
        }
        Decision::Pending => {
            let too_fast = now.seconds() - device.asked_s < LEAST_INTERVAL_S;
            let asked = Device { asked_s: now.seconds(), ..device };
            let next = Ticket { data: to_json(&asked)?, ..ticket.clone() };
            // When the person decides at this moment, the next question finds it.
            store.change_ticket(tenant, &ticket.data, &next, now).await?;
            Err(if too_fast { Refusal::device_too_fast() } else { Refusal::device_pending() })
        }
        Decision::Allowed(delegation) => {
            let taken = store.take_ticket(tenant, TicketKind::DeviceCode, key, now).await?;
            taken.ok_or_else(Refusal::device_expired)?;
            let family = Uuid::new_v4();
            let scopes = &delegation.scopes;
            person::issue(&request, Grounds { delegation, family, scopes, refresh_token: None })
                .await
        }
    }
}
