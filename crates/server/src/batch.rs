//! `POST /api/$batch`: many requests in one (OData 4.01 JSON §19).
//!
//! Each is answered as if it had come alone, by the same service: with its own limit, its own line in the
//! audit and its own correlation id. Answers are sent while they are made, one in memory at a time.

use std::collections::HashSet;
use std::net::SocketAddr;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::api;
use crate::body::MAX_BYTES;
use crate::call::{Call, ThisCall};
use crate::envelope;
use crate::error::{self, ApiError};
use crate::permit::Permit;
use crate::pieces::{self, Gone};
use crate::service::Service;
use crate::target;

/// The route.
pub(crate) const PATH: &str = "/api/$batch";
/// Requests of one batch at most.
const MAX_REQUESTS: usize = 100;
/// Bytes of one answer inside a batch at most; what is longer has to be asked for alone.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Characters of an id at most.
const MAX_ID_CHARS: usize = 128;
/// Headers that a request inside a batch may have of its own. All others are those of the batch.
const OWN_HEADERS: &[&str] =
    &["accept", "content-type", "odata-maxversion", "odata-version", "prefer"];
/// Headers of the batch that are about its own body and answer.
const OF_THE_BATCH: &[HeaderName] = &[
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPECT,
    header::TRANSFER_ENCODING,
];

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    depends_on: Vec<String>,
    #[serde(default)]
    atomicity_group: Option<Value>,
    #[serde(default, rename = "if")]
    condition: Option<Value>,
}

/// The requests of a batch, checked.
pub(crate) struct Requests(Vec<Asked>);

impl<S: Send + Sync> FromRequest<S> for Requests {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("application/json");
        if !kind.trim().to_ascii_lowercase().starts_with("application/json") {
            return Err(ApiError::BadRequest(
                "A batch is application/json here: {\"requests\":[...]}.".to_owned(),
            ));
        }
        let bytes = to_bytes(request.into_body(), MAX_BYTES).await;
        let bytes = bytes.map_err(|_| incorrect("it is too long"))?;
        let Batch { requests } =
            serde_json::from_slice(&bytes).map_err(|error| incorrect(&error.to_string()))?;
        if requests.len() > MAX_REQUESTS {
            return Err(ApiError::BatchTooLarge {
                received: requests.len(),
                allowed: MAX_REQUESTS,
            });
        }
        let mut known = HashSet::new();
        let mut checked = Vec::with_capacity(requests.len());
        for (index, request) in requests.into_iter().enumerate() {
            let at = |what: &str| incorrect(&format!("requests[{index}]: {what}"));
            let asked: Asked =
                serde_json::from_value(request).map_err(|error| at(&error.to_string()))?;
            if asked.id.is_empty() || asked.id.chars().count() > MAX_ID_CHARS {
                return Err(at("id has to have 1 to 128 characters"));
            }
            if asked.atomicity_group.is_some() || asked.condition.is_some() {
                return Err(at("atomicityGroup and if are not supported"));
            }
            // Answered in the order of the batch, so that what comes before is done.
            if let Some(id) = asked.depends_on.iter().find(|id| !known.contains(*id)) {
                return Err(at(&format!("dependsOn names `{id}`, which does not come before")));
            }
            if !known.insert(asked.id.clone()) {
                return Err(at(&format!("the id `{}` is there twice", asked.id)));
            }
            checked.push(asked);
        }
        Ok(Self(checked))
    }
}

fn incorrect(what: &str) -> ApiError {
    ApiError::InvalidBody(format!("Request body is incorrect: {what}"))
}

/// `POST /api/$batch`
pub(crate) async fn batch(
    ThisCall(call): ThisCall,
    _permit: Permit<api::Batch>,
    Extension(service): Extension<Service>,
    around: Around,
    Requests(requests): Requests,
) -> Result<Response, ApiError> {
    envelope::set_rows(&call, requests.len());
    let (sender, body) = pieces::body();
    tokio::spawn(async move {
        // Who has gone away wants nothing more done.
        let _ = answer(&call, service, &around, requests, sender).await;
    });
    Ok(envelope::ok(body))
}

/// What the requests of a batch share.
pub(crate) struct Around {
    /// The batch's own request, for its headers.
    parts: Parts,
    /// Where it came from.
    peer: Option<ConnectInfo<SocketAddr>>,
    /// Whether others go on after one failed (OData 4.01 Protocol §8.2.8.3).
    goes_on: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Around {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let preferences = parts.headers.get_all("prefer").into_iter();
        let goes_on = preferences.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
        let goes_on = goes_on.map(|it| it.trim().to_ascii_lowercase()).any(|preference| {
            let name = preference.strip_prefix("odata.").unwrap_or(&preference);
            matches!(name, "continue-on-error" | "continue-on-error=true")
        });
        let mut own = parts.clone();
        for name in OF_THE_BATCH {
            own.headers.remove(name);
        }
        own.headers.remove("prefer");
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().copied();
        Ok(Self { parts: own, peer, goes_on })
    }
}

/// The answer to one request of a batch.
#[derive(Serialize)]
struct Answered {
    id: String,
    status: u16,
    headers: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
}

/// Answers one request after the other.
async fn answer(
    call: &Call,
    mut service: Service,
    around: &Around,
    requests: Vec<Asked>,
    sender: pieces::Sender,
) -> Result<(), Gone> {
    let mut failed: HashSet<String> = HashSet::new();
    let mut piece = b"{\"responses\":[".to_vec();
    for (index, asked) in requests.into_iter().enumerate() {
        let stopped = !around.goes_on && !failed.is_empty();
        let missed = asked.depends_on.iter().any(|id| failed.contains(id));
        let answered = match request(call, around, &asked) {
            _ if stopped || missed => failure(
                asked.id,
                StatusCode::FAILED_DEPENDENCY,
                "FailedDependency",
                "An earlier request of the batch failed. Prefer: continue-on-error goes on.",
            ),
            Err(what) => failure(asked.id, StatusCode::BAD_REQUEST, "BadRequest", &what),
            Ok(request) => {
                let Ok(response) = tower::Service::call(&mut service, request).await;
                read(asked.id, response).await
            }
        };
        if index > 0 {
            piece.push(b',');
        }
        // Texts, a number and JSON that was checked, which always serialise.
        let _ = serde_json::to_writer(&mut piece, &answered);
        sender.send(std::mem::take(&mut piece)).await?;
        if answered.status >= 400 {
            failed.insert(answered.id);
        }
    }
    piece.extend_from_slice(b"]}");
    sender.send(piece).await?;
    sender.end().await
}

/// One request as it would have come alone.
fn request(call: &Call, around: &Around, asked: &Asked) -> Result<Request<Body>, String> {
    let target = target::of_api(&asked.url, &call.origin).map_err(|error| error.to_string())?;
    let path = target.path().trim_end_matches('/').to_ascii_lowercase();
    if path.ends_with("/$batch") || path.ends_with("/%24batch") {
        return Err("a batch cannot hold a batch".to_owned());
    }
    let method = asked.method.to_ascii_uppercase();
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| "the method is none")?;
    let body = match &asked.body {
        None | Some(Value::Null) => Body::empty(),
        Some(body) => Body::from(body.to_string()),
    };
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from(target);
    *request.version_mut() = around.parts.version;
    *request.headers_mut() = around.parts.headers.clone();
    if asked.body.is_some() {
        request.headers_mut().insert(header::CONTENT_TYPE, error::JSON);
    }
    for (name, value) in &asked.headers {
        let name = name.to_ascii_lowercase();
        if !OWN_HEADERS.contains(&name.as_str()) {
            continue;
        }
        let refused = || format!("the header {name} has no such value");
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        request.headers_mut().insert(name, value.ok_or_else(refused)?);
    }
    if let Some(peer) = &around.peer {
        request.extensions_mut().insert(*peer);
    }
    Ok(request)
}

async fn read(id: String, response: Response) -> Answered {
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_ANSWER_BYTES).await else {
        return failure(
            id,
            StatusCode::INSUFFICIENT_STORAGE,
            "AnswerTooLong",
            "The answer is too long for a batch. Ask for it alone, or for less of it.",
        );
    };
    let is_json = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let text = String::from_utf8_lossy(&bytes);
    let body = match (text.is_empty(), is_json) {
        (true, _) => None,
        (false, true) => RawValue::from_string(text.into_owned()).ok(),
        // What is not JSON stands there as a text (OData 4.01 JSON §19.2).
        (false, false) => serde_json::value::to_raw_value(&text).ok(),
    };
    Answered { id, status: parts.status.as_u16(), headers: shown(&parts.headers), body }
}

/// The headers of an answer that are about what it holds.
fn shown(headers: &HeaderMap) -> Map<String, Value> {
    let is_hop = |name: &HeaderName| {
        matches!(*name, header::CONTENT_LENGTH | header::VARY | header::STRICT_TRANSPORT_SECURITY)
    };
    let text = |value: &HeaderValue| Value::from(value.to_str().unwrap_or_default());
    let shown = headers.iter().filter(|(name, _)| !is_hop(name));
    shown.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

fn failure(id: String, status: StatusCode, code: &str, message: &str) -> Answered {
    let body = json!({"error": {"code": code, "message": message}});
    let headers = Map::from_iter([("content-type".to_owned(), "application/json".into())]);
    let body = serde_json::value::to_raw_value(&body).ok();
    Answered { id, status: status.as_u16(), headers, body }
}
