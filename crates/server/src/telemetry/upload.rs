//! `POST /api/ingest`: a file of any format that the importer reads, as it comes.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use intake::{Outcome, Refusal};
use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::sync::mpsc;

use super::RETRY_AFTER_S;
use super::body::{Encoding, NotReceived};
use super::sender::{self, Refused};
use crate::call::ThisCall;
use crate::error::{ApiError, JSON, chain};
use crate::state::AppState;

/// Rejects that an answer names one by one.
const MAX_REJECTED: usize = 1_000;
/// Pieces of a body that wait for the reader.
const PIECES: usize = 4;

/// What became of a file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    received: u64,
    accepted: u64,
    duplicate: u64,
    noise: u64,
    failed_logons: u64,
    rejected: u64,
    rejections: Vec<Rejection>,
    skipped: Vec<String>,
    warnings: Vec<String>,
}

/// A piece that could not be read.
#[derive(Serialize)]
struct Rejection {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    reason: String,
}

/// `POST /api/ingest`
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Response, ApiError> {
    let sender = sender::authenticate(&app, &headers, &call).await.map_err(refused)?;
    let mut origin = sender.origin("ingest");
    read_query(query.as_deref().unwrap_or_default(), &mut origin)?;
    if body.is_end_stream() {
        return Err(ApiError::BadRequest("the body is the file, and there is none".to_owned()));
    }
    let encoding = Encoding::of(&headers).map_err(|error| match error {
        NotReceived::Encoding(text) => ApiError::BadRequest(text),
        _ => ApiError::Unavailable,
    })?;
    let (pieces, waiting) = mpsc::channel(PIECES);
    let reading = app.intake.file(&origin, call.now, move || encoding.unpack(Pieces::new(waiting)));
    let (outcome, ()) = tokio::join!(reading, hand_on(body, pieces));
    match outcome {
        Ok(outcome) => match outcome.not_understood() {
            Some(reason) => {
                Err(ApiError::BadRequest(format!("nothing of the body was understood: {reason}")))
            }
            None => Ok(answer(outcome)),
        },
        Err(refusal) => Err(refuse(&app, refusal)),
    }
}

/// Hands a body's pieces to the thread that reads them; its pace is the client's.
async fn hand_on(body: Body, pieces: mpsc::Sender<io::Result<Bytes>>) {
    use http_body_util::BodyExt;
    let mut body = body;
    while let Some(frame) = body.frame().await {
        let piece = match frame {
            Ok(frame) => match frame.into_data() {
                Ok(data) => Ok(data),
                Err(_) => continue,
            },
            Err(error) => Err(io::Error::other(error)),
        };
        let is_last = piece.is_err();
        if pieces.send(piece).await.is_err() || is_last {
            return;
        }
    }
}

/// The body as a reader, on a thread that may block.
struct Pieces {
    waiting: mpsc::Receiver<io::Result<Bytes>>,
    piece: VecDeque<u8>,
}

impl Pieces {
    fn new(waiting: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self { waiting, piece: VecDeque::new() }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.waiting.blocking_recv() {
                Some(piece) => self.piece = Vec::from(piece?).into(),
                None => return Ok(0),
            }
        }
        self.piece.read(buffer)
    }
}

/// `?timezone=Europe/Berlin&device=web-1`, as the importer's options.
fn read_query(query: &str, origin: &mut intake::Origin) -> Result<(), ApiError> {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = value.replace('+', " ");
        let value = percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned();
        match key {
            "timezone" => {
                let zone = TimeZone::get(&value).map_err(|_| {
                    ApiError::BadRequest(format!(
                        "`{}` is no time zone; write one as Europe/Berlin",
                        value.chars().take(64).collect::<String>()
                    ))
                })?;
                origin.timezone = Some(zone);
            }
            "device" if !value.is_empty() && value.len() <= 255 => origin.device = Some(value),
            "device" => {
                return Err(ApiError::BadRequest("`device` is the name of a machine".to_owned()));
            }
            _ => {
                let key: String = key.chars().take(64).collect();
                return Err(ApiError::BadRequest(format!(
                    "`{key}` is no parameter; timezone and device are"
                )));
            }
        }
    }
    Ok(())
}

fn answer(outcome: Outcome) -> Response {
    let counts = outcome.counts;
    let rejections = outcome.rejected.into_iter().take(MAX_REJECTED).map(|rejected| Rejection {
        file: Some(rejected.name).filter(|name| name != intake::BODY),
        line: rejected.number,
        reason: rejected.reason,
    });
    let answer = Answer {
        received: counts.received,
        accepted: counts.accepted,
        duplicate: counts.duplicates,
        noise: counts.noise,
        failed_logons: outcome.failures,
        rejected: counts.rejected,
        rejections: rejections.collect(),
        skipped: outcome.skipped,
        warnings: outcome.warnings,
    };
    // Numbers and texts, which always serialise.
    let body = serde_json::to_vec(&answer).unwrap_or_default();
    (StatusCode::OK, [(header::CONTENT_TYPE, JSON)], body).into_response()
}

/// As the API tells it.
fn refused(refused: Refused) -> ApiError {
    match refused {
        Refused::Missing => {
            ApiError::Unauthorized("The authorization header is missing.".to_owned())
        }
        Refused::Malformed | Refused::Wrong => {
            ApiError::Unauthorized("The access token is not valid.".to_owned())
        }
        Refused::TooMany { .. } => ApiError::Unavailable,
        Refused::Api(error) => error,
    }
}

/// Why telemetry was not taken.
fn refuse(app: &AppState, refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Busy => {
            app.intake.stats().refuse("ingest");
            ApiError::Unavailable
        }
        Refusal::Stopped => ApiError::Unavailable,
        Refusal::Unreadable(error) => ApiError::BadRequest(format!("cannot be unpacked: {error}")),
        Refusal::Store(error) => ApiError::internal(chain(&*error)),
    }
}

/// The header of whoever is to come again.
pub(crate) fn retry_after() -> (header::HeaderName, HeaderValue) {
    (header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S))
}
