//! Elasticsearch's bulk API, as shippers speak it: lines in pairs, what is to be done and the
//! document. A document is a record; where it would be kept, and under which id, says nothing.
//!
//! What may be sent again is refused with text that is no JSON: rsyslog takes any JSON for the
//! answer to its batch and throws that away, and nobody else reads it. Each item of an answer is of
//! its document, in their order; 400 is for what can never be read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use intake::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::body::{self, NotReceived};
use super::sender::{self, Refused};
use super::upload::retry_after;
use crate::call::ThisCall;
use crate::state::AppState;

/// What a sender's kind is called.
const KIND: &str = "bulk";
/// Clients of Elasticsearch want to know that they speak with it.
pub(super) const PRODUCT: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-elastic-product"), HeaderValue::from_static("Elasticsearch"));
const BULK_JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// Bytes of the name of an index or an id that are repeated.
const MAX_NAME_BYTES: usize = 512;

/// Why a request is refused as a whole.
pub(super) enum Refusing {
    Missing,
    Wrong,
    TooMany {
        retry_after_s: i64,
    },
    TooLarge,
    Busy,
    Internal,
    /// Nothing that could ever be read.
    Malformed(String),
}

impl From<Refused> for Refusing {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Missing | Refused::Malformed => Refusing::Missing,
            Refused::Wrong => Refusing::Wrong,
            Refused::TooMany { retry_after_s } => Refusing::TooMany { retry_after_s },
            Refused::Api(error) => error.into_response().status().into(),
        }
    }
}

/// What the API says with a status.
impl From<StatusCode> for Refusing {
    fn from(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Refusing::Missing,
            StatusCode::FORBIDDEN => Refusing::Wrong,
            StatusCode::INTERNAL_SERVER_ERROR => Refusing::Internal,
            _ => Refusing::Busy,
        }
    }
}

impl From<NotReceived> for Refusing {
    fn from(error: NotReceived) -> Self {
        match error {
            NotReceived::TooLarge => Refusing::TooLarge,
            // It may come whole the next time.
            NotReceived::Busy | NotReceived::Broken => Refusing::Busy,
            NotReceived::Encoding(text) => Refusing::Malformed(text),
        }
    }
}

impl From<Refusal> for Refusing {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Busy | Refusal::Stopped => Refusing::Busy,
            Refusal::Store(_) => Refusing::Internal,
            Refusal::Unreadable(error) => Refusing::Malformed(error.to_string()),
        }
    }
}

impl IntoResponse for Refusing {
    fn into_response(self) -> Response {
        let text = |status: StatusCode, words: &'static str| {
            (status, [PRODUCT, (header::CONTENT_TYPE, TEXT)], words).into_response()
        };
        match self {
            Refusing::Missing => {
                let mut response = text(
                    StatusCode::UNAUTHORIZED,
                    "missing authentication credentials: an app's CLIENT_ID:SECRET as ApiKey or Basic\n",
                );
                for scheme in ["Basic realm=\"footfall\", charset=\"UTF-8\"", "ApiKey"] {
                    response
                        .headers_mut()
                        .append(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
                }
                response
            }
            Refusing::Wrong => text(
                StatusCode::FORBIDDEN,
                "the credentials are wrong, or their app does not hold Telemetry.Write\n",
            ),
            Refusing::TooMany { retry_after_s } => {
                let mut response =
                    text(StatusCode::TOO_MANY_REQUESTS, "too many wrong credentials\n");
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
                response
            }
            Refusing::TooLarge => {
                text(StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than 64 MiB\n")
            }
            Refusing::Busy => {
                let busy = text(StatusCode::TOO_MANY_REQUESTS, "busy: send it again\n");
                ([retry_after()], busy).into_response()
            }
            Refusing::Internal => {
                text(StatusCode::INTERNAL_SERVER_ERROR, "the server is at fault\n")
            }
            Refusing::Malformed(reason) => {
                let status = StatusCode::BAD_REQUEST;
                let cause = json!({"type": "illegal_argument_exception", "reason": reason});
                let body = json!({
                    "error": {
                        "root_cause": [cause.clone()],
                        "type": cause["type"],
                        "reason": cause["reason"],
                    },
                    "status": status.as_u16(),
                });
                (status, [PRODUCT, (header::CONTENT_TYPE, BULK_JSON)], body.to_string())
                    .into_response()
            }
        }
    }
}

/// What is to be done with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Index,
    Create,
    Update,
    Delete,
}

/// An item of a request.
struct Item {
    action: Action,
    index: Option<String>,
    id: Option<String>,
    /// The number of its record, from 1; `None` where it has none.
    record: Option<u64>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    index: Option<Target<'a>>,
    #[serde(borrow)]
    create: Option<Target<'a>>,
    #[serde(borrow)]
    update: Option<Target<'a>>,
    #[serde(borrow)]
    delete: Option<Target<'a>>,
}

#[derive(Deserialize)]
struct Target<'a> {
    #[serde(borrow, default, rename = "_index")]
    index: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "_id")]
    id: Option<Cow<'a, str>>,
}

/// `POST /_bulk`, `POST /{index}/_bulk`, and the same with PUT.
pub(crate) async fn bulk(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let taken = async {
        let sender = sender::authenticate(&app, &headers, &call).await?;
        let received = body::receive(&app.intake, &headers, body).await?;
        let parts = body::take_apart(received.bytes.clone(), split).await?;
        let (items, records) = parts.map_err(Refusing::Malformed)?;
        let started = std::time::Instant::now();
        let outcome = app.intake.records(&sender.origin(KIND), call.now, records).await?;
        let rejected = outcome.rejected.into_iter();
        let rejected = rejected.filter_map(|it| Some((it.number?, it.reason))).collect();
        Ok::<_, Refusing>(answer(&call.target, &items, &rejected, started.elapsed().as_millis()))
    };
    taken.await.unwrap_or_else(|refusing| {
        if matches!(refusing, Refusing::Busy) {
            app.intake.stats().refuse(KIND);
        }
        refusing.into_response()
    })
}

/// The items of a body, and the records among them; what is wrong where it is no such body.
fn split(body: &Bytes) -> Result<(Vec<Item>, Vec<Bytes>), String> {
    let mut items = Vec::new();
    let mut records: Vec<Bytes> = Vec::new();
    // rsyslog leaves an empty line behind each document.
    let mut lines = (1u64..)
        .zip(body.split(|&byte| byte == b'\n'))
        .filter(|(_, line)| !line.trim_ascii().is_empty());
    while let Some((number, line)) = lines.next() {
        let malformed = |what: &str| format!("Malformed action/metadata line [{number}], {what}");
        let text = std::str::from_utf8(line).map_err(|_| malformed("it is not UTF-8"))?;
        let parsed: Line<'_> =
            serde_json::from_str(text).map_err(|error| malformed(&error.to_string()))?;
        let (action, target) = match parsed {
            Line { index: Some(target), .. } => (Action::Index, target),
            Line { create: Some(target), .. } => (Action::Create, target),
            Line { update: Some(target), .. } => (Action::Update, target),
            Line { delete: Some(target), .. } => (Action::Delete, target),
            _ => return Err(malformed("expected index, create, update or delete")),
        };
        let record = match action {
            Action::Delete => None,
            _ => {
                let (_, document) =
                    lines.next().ok_or_else(|| malformed("its document is missing"))?;
                let is_record = action != Action::Update;
                is_record.then(|| {
                    records.push(body.slice_ref(document));
                    records.len() as u64
                })
            }
        };
        let own = |name: Option<Cow<'_, str>>| {
            name.filter(|name| name.len() <= MAX_NAME_BYTES).map(Cow::into_owned)
        };
        items.push(Item { action, index: own(target.index), id: own(target.id), record });
    }
    match items.is_empty() {
        true => Err("request body is required".to_owned()),
        false => Ok((items, records)),
    }
}

/// The answer: its keys in this order and without blanks, as some senders look for it in the text.
#[derive(Serialize)]
struct Answer<'a> {
    took: u64,
    errors: bool,
    items: Vec<HashMap<&'static str, Done<'a>>>,
}

#[derive(Serialize)]
struct Done<'a> {
    _index: &'a str,
    _id: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    _version: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    _shards: Option<Shards>,
    #[serde(skip_serializing_if = "Option::is_none")]
    _seq_no: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    _primary_term: Option<u8>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cause<'a>>,
}

#[derive(Serialize)]
struct Shards {
    total: u8,
    successful: u8,
    failed: u8,
}

#[derive(Serialize)]
struct Cause<'a> {
    r#type: &'static str,
    reason: &'a str,
}

fn answer(
    target: &axum::http::uri::PathAndQuery,
    items: &[Item],
    rejected: &HashMap<u64, String>,
    took_ms: u128,
) -> Response {
    // `/{index}/_bulk` names the index of items that name none.
    let named = target.path().trim_matches('/').strip_suffix("/_bulk").unwrap_or("footfall");
    let mut errors = false;
    let items = items
        .iter()
        .map(|item| {
            let refused = match (item.action, item.record) {
                (Action::Update, _) => Some("only index and create are taken"),
                (_, Some(record)) => rejected.get(&record).map(String::as_str),
                _ => None,
            };
            errors |= refused.is_some();
            (name(item.action), done(item, named, refused))
        })
        .map(|pair| HashMap::from([pair]))
        .collect();
    let took = u64::try_from(took_ms).unwrap_or(u64::MAX);
    // Texts and numbers, which always serialise.
    let body = serde_json::to_vec(&Answer { took, errors, items }).unwrap_or_default();
    (StatusCode::OK, [PRODUCT, (header::CONTENT_TYPE, BULK_JSON)], body).into_response()
}

fn name(action: Action) -> &'static str {
    match action {
        Action::Index => "index",
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
    }
}

fn done<'a>(item: &'a Item, named: &'a str, refused: Option<&'a str>) -> Done<'a> {
    let index = item.index.as_deref().unwrap_or(named);
    let id = match &item.id {
        Some(id) => Cow::Borrowed(id.as_str()),
        None => Cow::Owned(Uuid::new_v4().simple().to_string()),
    };
    let taken = refused.is_none().then_some(());
    let (status, result) = match (refused, item.action) {
        (Some(_), _) => (400, None),
        (None, Action::Delete) => (404, Some("not_found")),
        (None, _) => (201, Some("created")),
    };
    Done {
        _index: index,
        _id: id,
        _version: taken.map(|()| 1),
        result,
        _shards: taken.map(|()| Shards { total: 1, successful: 1, failed: 0 }),
        _seq_no: taken.map(|()| 0),
        _primary_term: taken.map(|()| 1),
        status,
        error: refused.map(|reason| Cause { r#type: "document_parsing_exception", reason }),
    }
}
