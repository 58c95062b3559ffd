//! Splunk's HTTP Event Collector, as its senders speak it: `/services/collector` with events in JSON,
//! one behind the other, `/raw` with lines, `/ack` and `/health`.
//!
//! Answers have Splunk's numbers and words. Busy is 503 with code 9, since senders of the protocol
//! come again after that and not after 429. Numbers of acknowledgment are given when the events are
//! durable, so that every number that was ever given is acknowledged, by this process or the one
//! before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use intake::{Outcome, Refusal};
use inventory::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::body::{self, NotReceived, Received};
use super::sender::{self, Refused, Sender};
use super::upload::retry_after;
use crate::call::{Call, ThisCall};
use crate::error::JSON;
use crate::state::AppState;

/// What a sender's kind is called.
const KIND: &str = "hec";
/// Numbers that one request may ask about.
const MAX_ACKS: usize = 10_000;

/// Numbers of acknowledgment: they go on from the moment of the start, so that those of an earlier
/// process are smaller. They stay below 2^53, which is what JavaScript's numbers hold.
pub(crate) struct Acks(AtomicU64);

impl Acks {
    pub(crate) fn new(now: Timestamp) -> Self {
        const TICKS_PER_MICRO: i64 = inventory::time::TICKS_PER_SECOND / 1_000_000;
        let epoch = Timestamp::from_seconds(0, 0).map_or(0, |epoch| epoch.ticks());
        let micros = (now.ticks() - epoch).max(0) / TICKS_PER_MICRO;
        Self(AtomicU64::new(micros.cast_unsigned()))
    }

    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    fn was_given(&self, number: u64) -> bool {
        number < self.0.load(Ordering::Relaxed)
    }
}

/// What the collector says.
#[derive(Clone)]
pub(super) enum Said {
    Success,
    TokenRequired,
    InvalidAuthorization,
    InvalidToken,
    NoData,
    InvalidFormat(usize),
    /// Nothing of the events was understood: the number of the first, and why.
    NotUnderstood(usize, String),
    InternalError,
    Busy,
    ChannelMissing,
    EventRequired(usize),
    EventBlank(usize),
    Healthy,
    Unhealthy,
    TooLarge,
}

impl Said {
    fn words(&self) -> (StatusCode, u32, &'static str) {
        match self {
            Said::Success => (StatusCode::OK, 0, "Success"),
            Said::TokenRequired => (StatusCode::UNAUTHORIZED, 2, "Token is required"),
            Said::InvalidAuthorization => (StatusCode::UNAUTHORIZED, 3, "Invalid authorization"),
            Said::InvalidToken => (StatusCode::FORBIDDEN, 4, "Invalid token"),
            Said::NoData => (StatusCode::BAD_REQUEST, 5, "No data"),
            Said::InvalidFormat(_) | Said::NotUnderstood(..) => {
                (StatusCode::BAD_REQUEST, 6, "Invalid data format")
            }
            Said::InternalError => (StatusCode::INTERNAL_SERVER_ERROR, 8, "Internal server error"),
            Said::Busy => (StatusCode::SERVICE_UNAVAILABLE, 9, "Server is busy"),
            Said::ChannelMissing => (StatusCode::BAD_REQUEST, 10, "Data channel is missing"),
            Said::EventRequired(_) => (StatusCode::BAD_REQUEST, 12, "Event field is required"),
            Said::EventBlank(_) => (StatusCode::BAD_REQUEST, 13, "Event field cannot be blank"),
            Said::Healthy => (StatusCode::OK, 17, "HEC is healthy"),
            Said::Unhealthy => {
                (StatusCode::SERVICE_UNAVAILABLE, 18, "HEC is unhealthy, queues are full")
            }
            Said::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 27, "Request entity too large"),
        }
    }

    pub(super) fn answer(self, ack: Option<u64>) -> Response {
        let (status, code, text) = self.words();
        let mut body = json!({"text": text, "code": code});
        if let Said::InvalidFormat(at)
        | Said::NotUnderstood(at, _)
        | Said::EventRequired(at)
        | Said::EventBlank(at) = self
        {
            body["invalid-event-number"] = at.into();
        }
        // Splunk's senders log the body; no number of the protocol's says why.
        if let Said::NotUnderstood(_, reason) = self {
            body["reason"] = reason.into();
        }
        if let Some(ack) = ack {
            body["ackId"] = ack.into();
        }
        let response = (status, [(header::CONTENT_TYPE, JSON)], body.to_string());
        match status {
            StatusCode::SERVICE_UNAVAILABLE => ([retry_after()], response).into_response(),
            _ => response.into_response(),
        }
    }
}

impl From<Refused> for Said {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Missing => Said::TokenRequired,
            Refused::Malformed => Said::InvalidAuthorization,
            Refused::Wrong => Said::InvalidToken,
            Refused::TooMany { .. } => Said::Busy,
            Refused::Api(error) => error.into_response().status().into(),
        }
    }
}

/// What the API says with a status.
impl From<StatusCode> for Said {
    fn from(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Said::InvalidToken,
            StatusCode::INTERNAL_SERVER_ERROR => Said::InternalError,
            _ => Said::Busy,
        }
    }
}

impl From<NotReceived> for Said {
    fn from(error: NotReceived) -> Self {
        match error {
            NotReceived::TooLarge => Said::TooLarge,
            // It may come whole the next time.
            NotReceived::Busy | NotReceived::Broken => Said::Busy,
            NotReceived::Encoding(_) => Said::InvalidFormat(0),
        }
    }
}

impl From<Refusal> for Said {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Busy | Refusal::Stopped => Said::Busy,
            Refusal::Unreadable(_) => Said::InvalidFormat(0),
            Refusal::Store(_) => Said::InternalError,
        }
    }
}

/// `POST /services/collector/event`: objects with an `event` each.
pub(crate) async fn event(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let taken = async {
        let (sender, received) = receive(&app, &call, &headers, body).await?;
        let (events, fault) = body::take_apart(received.bytes.clone(), split).await??;
        if !events.is_empty() {
            understood(app.intake.records(&sender.origin(KIND), call.now, events).await?)?;
        }
        // What stood before it is kept, and is known when it comes again.
        fault.map_or(Ok(()), Err)
    };
    answer(&app, taken.await, channel(&uri, &headers).is_some())
}

/// `POST /services/collector/raw`: lines, or events in XML.
pub(crate) async fn raw(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let taken = async {
        let (sender, received) = receive(&app, &call, &headers, body).await?;
        take_raw(&app, &sender, call.now, received.bytes.clone()).await
    };
    answer(&app, taken.await, channel(&uri, &headers).is_some())
}

/// Who sends, and what.
async fn receive(
    app: &AppState,
    call: &Call,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Sender, Received), Said> {
    let sender = sender::authenticate(app, headers, call).await?;
    Ok((sender, body::receive(&app.intake, headers, body).await?))
}

async fn take_raw(
    app: &AppState,
    sender: &Sender,
    now: Timestamp,
    bytes: Bytes,
) -> Result<(), Said> {
    let text = bytes.trim_ascii();
    if text.is_empty() {
        return Err(Said::NoData);
    }
    let origin = sender.origin(KIND);
    // An event in XML may go over several lines.
    if text.starts_with(b"<Event") || text.starts_with(b"<?xml") {
        let body = move || Ok(std::io::Cursor::new(bytes));
        return understood(app.intake.file(&origin, now, body).await?);
    }
    let lines = text.split(|&byte| byte == b'\n').map(|line| bytes.slice_ref(line)).collect();
    understood(app.intake.records(&origin, now, lines).await?)
}

/// Refuses events of which nothing was understood. Where something was, the others are counted.
fn understood(outcome: Outcome) -> Result<(), Said> {
    match outcome.not_understood() {
        Some(reason) => {
            let first = outcome.rejected.first().and_then(|rejected| rejected.number);
            let at = first.map_or(0, |number| usize::try_from(number - 1).unwrap_or_default());
            Err(Said::NotUnderstood(at, reason))
        }
        None => Ok(()),
    }
}

fn answer(app: &AppState, taken: Result<(), Said>, with_channel: bool) -> Response {
    match taken {
        Ok(()) => Said::Success.answer(with_channel.then(|| app.acks.next())),
        Err(said) => {
            if matches!(said, Said::Busy) {
                app.intake.stats().refuse(KIND);
            }
            said.answer(None)
        }
    }
}

/// What is asked of an envelope: whether there is an event in it.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    event: Option<&'a RawValue>,
}

impl Envelope<'_> {
    /// What is wrong with it, the event of this number.
    fn fault(&self, number: usize) -> Option<Said> {
        match self.event.map(RawValue::get) {
            None => Some(Said::EventRequired(number)),
            Some("\"\"") => Some(Said::EventBlank(number)),
            Some(_) => None,
        }
    }
}

/// The objects of a body, one behind the other or in an array, and what is wrong with the first that
/// is none.
fn split(body: &Bytes) -> Result<(Vec<Bytes>, Option<Said>), Said> {
    let text = body.trim_ascii();
    if text.is_empty() {
        return Err(Said::NoData);
    }
    if text.starts_with(b"[") {
        return Ok(split_array(body, text));
    }
    let mut events = Vec::new();
    let mut envelopes = serde_json::Deserializer::from_slice(text).into_iter::<Envelope<'_>>();
    let mut start = 0;
    while let Some(envelope) = envelopes.next() {
        let number = events.len();
        let fault = match envelope {
            // Of an array within the body serde would take the values in their order.
            Ok(_) if !text[start..].trim_ascii_start().starts_with(b"{") => {
                Some(Said::InvalidFormat(number))
            }
            Ok(envelope) => envelope.fault(number),
            Err(_) => Some(Said::InvalidFormat(number)),
        };
        if fault.is_some() {
            return Ok((events, fault));
        }
        let end = envelopes.byte_offset();
        events.push(body.slice_ref(&text[start..end]));
        start = end;
    }
    Ok((events, None))
}

fn split_array(body: &Bytes, text: &[u8]) -> (Vec<Bytes>, Option<Said>) {
    let mut events = Vec::new();
    let Ok(elements) = serde_json::from_slice::<Vec<&RawValue>>(text) else {
        return (events, Some(Said::InvalidFormat(0)));
    };
    for element in elements {
        let envelope = serde_json::from_str::<Envelope<'_>>(element.get());
        let number = events.len();
        let fault = match envelope {
            Ok(envelope) if element.get().starts_with('{') => envelope.fault(number),
            _ => Some(Said::InvalidFormat(number)),
        };
        if fault.is_some() {
            return (events, fault);
        }
        events.push(body.slice_ref(element.get().as_bytes()));
    }
    (events, None)
}

/// `POST /services/collector/ack`: which numbers are acknowledged.
pub(crate) async fn ack(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    #[derive(Deserialize)]
    struct Asked {
        acks: Vec<u64>,
    }
    let asked = async {
        sender::authenticate(&app, &headers, &call).await?;
        channel(&uri, &headers).ok_or(Said::ChannelMissing)?;
        let received = body::receive(&app.intake, &headers, body).await?;
        let asked = serde_json::from_slice::<Asked>(&received.bytes);
        asked.ok().filter(|asked| asked.acks.len() <= MAX_ACKS).ok_or(Said::InvalidFormat(0))
    };
    match asked.await {
        Ok(asked) => {
            let acks: Map<String, Value> = asked
                .acks
                .into_iter()
                .map(|number| (number.to_string(), app.acks.was_given(number).into()))
                .collect();
            ([(header::CONTENT_TYPE, JSON)], json!({"acks": acks}).to_string()).into_response()
        }
        Err(said) => said.answer(None),
    }
}

/// `GET /services/collector/health`: whether there is room.
pub(crate) async fn health(State(app): State<Arc<AppState>>) -> Response {
    let is_full = |(taken, all): (usize, usize)| taken >= all;
    let full = is_full(app.intake.waiting()) || is_full(app.intake.held());
    let said = if full { Said::Unhealthy } else { Said::Healthy };
    said.answer(None)
}

/// Of whose numbers of acknowledgment a request is.
fn channel(uri: &Uri, headers: &HeaderMap) -> Option<()> {
    let in_query = || {
        let query = uri.query().unwrap_or_default();
        query.split('&').any(|pair| pair.strip_prefix("channel=").is_some_and(|id| !id.is_empty()))
    };
    (headers.get("x-splunk-request-channel").is_some_and(|id| !id.is_empty()) || in_query())
        .then_some(())
}
