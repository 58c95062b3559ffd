//! `POST /osquery/enroll`: a machine shows a secret, tells what it is and gets a key.

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use inventory::identity::{Identifier, IdentifierKind};
use inventory::ids::TenantId;
use inventory::node::{Enrollment, Node, Platform};
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use serde_json::{Map, Value};
use store::Enrolled;
use uuid::Uuid;

use super::body::Sender;
use super::line::Lines;
use super::{Desk, KIND, answer, body, invalid, refused};
use crate::error::ApiError;
use crate::issuer::handed_out::{random, sha256};
use crate::issuer::signin::{self, SignInError};

/// What node keys begin with.
const KEY_PREFIX: &str = "footfall_node_";
/// Characters of what a machine tells of itself at most.
const MAX_CHARS: usize = 255;
/// The tables of which a machine tells a row when it enrolls, and which describe it.
const TABLES: [&str; 3] = ["system_info", "os_version", "osquery_info"];

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    enroll_secret: Option<String>,
    #[serde(default)]
    host_identifier: Value,
    #[serde(default)]
    platform_type: Value,
    #[serde(default)]
    host_details: Map<String, Value>,
}

#[derive(Serialize)]
struct Answer {
    node_key: String,
    node_invalid: bool,
}

/// Enrolls a machine. Once it is answered, the machine is one of the inventory.
pub(crate) async fn enroll(desk: Desk, request: Request) -> Result<Response, ApiError> {
    let Desk { app, call } = &desk;
    let (parts, body) = request.into_parts();
    let read =
        body::read(app, &parts.headers, body, Sender::Stranger, body::MAX_SMALL_BYTES).await?;
    let asked: Asked = body::parse(&read.bytes)?;
    let enrollment = described(&asked, &desk)?;
    let _ = call.person.set(enrollment.host_name.clone());
    if let Err(SignInError::TooMany { retry_after_s }) = signin::count_address(app, call) {
        let _ = call.note.set("too many failed sign-ins from the address".to_owned());
        let mut response = invalid()?;
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        return Ok(response);
    }
    let secret = asked.enroll_secret.as_deref().unwrap_or_default();
    let Some((tenant, secret)) = app.store.find_enroll_secret(sha256(secret)).await? else {
        let _ = call.note.set("refused: the enroll secret is none that is in force".to_owned());
        return invalid();
    };
    signin::forgive_address(app, call);
    let _ = call.tenant.set(tenant);
    let random = random().ok_or_else(|| ApiError::internal("the system gave no random bytes"))?;
    let node_key = format!("{KEY_PREFIX}{random}");
    let key = sha256(&node_key);
    let enrolled = app.store.enroll_node(tenant, &enrollment, &secret, key, call.now).await?;
    let id = match enrolled {
        Enrolled::As(id) => id,
        Enrolled::Revoked => {
            let _ = call.note.set("refused: the node was revoked".to_owned());
            return invalid();
        }
        Enrolled::Full => {
            let _ = call.note.set("refused: there are as many nodes as there may be".to_owned());
            tracing::warn!("a node was refused: there are as many as there may be");
            return invalid();
        }
    };
    let _ = call.note.set(format!("node {id} by the secret `{secret}`"));
    let node = Node {
        id,
        enrollment,
        secret,
        enrolled: call.now,
        last_seen: call.now,
        asked: None,
        revoked: None,
    };
    report(&desk, tenant, &node, &asked.host_details).await?;
    answer(&Answer { node_key, node_invalid: false })
}

/// Makes what the machine tells of itself a report of it.
async fn report(
    desk: &Desk,
    tenant: TenantId,
    node: &Node,
    details: &Map<String, Value>,
) -> Result<(), ApiError> {
    let mut lines = Lines::default();
    for table in TABLES {
        let Some(row) = details.get(table).filter(|row| row.is_object()) else { continue };
        let rows = to_raw_value(&[row]).map_err(|error| ApiError::internal(error.to_string()))?;
        lines.add_rows(&format!("footfall_enroll_{table}"), &rows, node, desk.call.now);
    }
    let app = &desk.app;
    let origin = intake::Origin::new(tenant, KIND, node.enrollment.host_name.clone());
    let told = app.intake.records(&origin, desk.call.now, lines.records).await;
    told.map(drop).map_err(|refusal| refused(app, refusal))
}

/// What the machine tells of itself, within bounds.
fn described(asked: &Asked, desk: &Desk) -> Result<Enrollment, ApiError> {
    let cell = |table: &str, column: &str| -> String {
        let row = asked.host_details.get(table);
        text(row.and_then(|row| row.get(column)).unwrap_or(&Value::Null))
    };
    let host_identifier = text(&asked.host_identifier);
    let names = [
        cell("system_info", "hostname"),
        cell("system_info", "computer_name"),
        host_identifier.clone(),
    ];
    let named = names.into_iter().find(|name| !name.is_empty());
    let host_name = named.ok_or_else(|| body::bad("it does not say which machine it is"))?;
    let bits = [text(&asked.platform_type), cell("osquery_info", "platform_mask")];
    let bits = bits.iter().find_map(|text| text.parse().ok()).unwrap_or(0);
    let hardware: Option<Uuid> =
        Identifier::parse(IdentifierKind::HardwareUuid, &cell("system_info", "uuid"))
            .map(|identifier| identifier.value);
    Ok(Enrollment {
        host_identifier,
        hardware,
        host_name,
        platform: Platform::from_bits(bits),
        version: cell("osquery_info", "version"),
        address: desk.call.address,
    })
}

/// A text or number as text without control characters; empty for anything else.
fn text(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    text.chars().filter(|char| !char.is_control()).take(MAX_CHARS).collect()
}
