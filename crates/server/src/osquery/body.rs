//! What nodes send: JSON, plain or packed with gzip, of which a log may be large.
//!
//! Nothing is read or unpacked for which there is no room, so that neither many senders nor a packed
//! body that unpacks to very much take more memory than telemetry may. Before it is known who sends,
//! a large body has to be the only one, so that strangers cannot take the room of all others.

use std::future::poll_fn;
use std::io::Read;
use std::pin::Pin;

use axum::body::{Body, HttpBody};
use axum::http::HeaderMap;
use bytes::Buf;
use intake::{Held, Intake, Refusal};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use super::{Strangers, refused};
use crate::error::ApiError;
use crate::state::AppState;
use crate::telemetry::body::{Encoding, NotReceived};

/// Bytes of a body at most, unpacked. A log of 1,024 lines, as many as osquery sends at once, may have
/// 128 KiB in each on average.
pub(super) const MAX_BYTES: usize = 128 * 1024 * 1024;
/// Bytes of a body that holds no log.
pub(super) const MAX_SMALL_BYTES: usize = 1024 * 1024;
/// Characters of what is wrong with a body at most.
const SHOWN_CHARS: usize = 300;
/// Room is taken in such parts.
const PART: usize = 64 * 1024;

/// A body, unpacked, and the room that it takes.
pub(super) struct Unpacked {
    pub(super) bytes: Vec<u8>,
    pub(super) held: Vec<Held>,
    /// The place of a stranger, until it is known who sent it.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

/// Who sends a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// A node that showed its key before.
    Known,
    /// Whoever it is, the body tells.
    Stranger,
}

/// Room for bytes that come little by little.
struct Holding {
    intake: Intake,
    strangers: Strangers,
    sender: Sender,
    most: usize,
    used: usize,
    held: Vec<Held>,
    place: Option<OwnedSemaphorePermit>,
}

/// Why there is no room for more.
enum NoRoom {
    /// The body is larger than any may be.
    TooLarge(usize),
    /// There is none now.
    Busy(Refusal),
}

impl Holding {
    fn new(app: &AppState, sender: Sender, most: usize) -> Self {
        Self {
            intake: app.intake.clone(),
            strangers: app.nodes.strangers.clone(),
            sender,
            most,
            used: 0,
            held: Vec::new(),
            place: None,
        }
    }

    fn take(&mut self, bytes: usize) -> Result<(), NoRoom> {
        self.used = self.used.saturating_add(bytes);
        if self.used > self.most {
            return Err(NoRoom::TooLarge(self.most));
        }
        let is_large = self.used > MAX_SMALL_BYTES;
        if is_large && self.sender == Sender::Stranger && self.place.is_none() {
            self.place = Some(self.strangers.place().ok_or(NoRoom::Busy(Refusal::Busy))?);
        }
        while self.held.len() * PART < self.used {
            self.held.push(self.intake.try_hold(PART).map_err(NoRoom::Busy)?);
        }
        Ok(())
    }
}

fn no_room(app: &AppState, why: NoRoom) -> ApiError {
    match why {
        NoRoom::TooLarge(allowed) => ApiError::TooLarge { allowed },
        NoRoom::Busy(refusal) => refused(app, refusal),
    }
}

/// Reads a body of so many bytes at most.
pub(super) async fn read(
    app: &AppState,
    headers: &HeaderMap,
    mut body: Body,
    sender: Sender,
    most: usize,
) -> Result<Unpacked, ApiError> {
    let encoding = match Encoding::of(headers) {
        Ok(encoding) => encoding,
        Err(NotReceived::Encoding(why)) => return Err(bad(&why)),
        Err(_) => return Err(bad("its encoding is not known")),
    };
    let mut holding = Holding::new(app, sender, most);
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| bad("it could not be read to its end"))?;
        let Some(data) = frame.data_ref() else { continue };
        holding.take(data.remaining()).map_err(|why| no_room(app, why))?;
        bytes.extend_from_slice(data);
    }
    if encoding == Encoding::Identity {
        return Ok(Unpacked { bytes, held: holding.held, place: holding.place });
    }
    let mut unpacking = Holding::new(app, sender, most);
    unpacking.place = holding.place.take();
    let unpacked = tokio::task::spawn_blocking(move || {
        // The room of the packed bytes is given back with them.
        let _packed = holding;
        let unpacked = unpack(encoding, &bytes, &mut unpacking);
        (unpacked, unpacking)
    });
    let (unpacked, Holding { held, place, .. }) =
        unpacked.await.map_err(|error| ApiError::internal(error.to_string()))?;
    match unpacked {
        Ok(bytes) => Ok(Unpacked { bytes, held, place }),
        Err(Packed::NoRoom(why)) => Err(no_room(app, why)),
        Err(Packed::Damaged) => Err(bad("it is not packed as it says, or not whole")),
    }
}

/// Why a body could not be unpacked.
enum Packed {
    NoRoom(NoRoom),
    Damaged,
}

fn unpack(encoding: Encoding, packed: &[u8], holding: &mut Holding) -> Result<Vec<u8>, Packed> {
    let mut decoder = encoding.unpack(packed).map_err(|_| Packed::Damaged)?;
    let mut bytes = Vec::new();
    let mut part = vec![0; PART];
    loop {
        let count = decoder.read(&mut part).map_err(|_| Packed::Damaged)?;
        if count == 0 {
            return Ok(bytes);
        }
        holding.take(count).map_err(Packed::NoRoom)?;
        bytes.extend_from_slice(&part[..count]);
    }
}

/// Reads a body, which is an object.
pub(super) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ApiError> {
    // Of an array serde would take the values in the order of the fields.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(bad("it must be an object"));
    }
    serde_json::from_slice(bytes).map_err(|error| bad(&error.to_string()))
}

/// Refuses a body that makes no sense.
pub(super) fn bad(why: &str) -> ApiError {
    // It may repeat the body's own words.
    let why: String = why.chars().take(SHOWN_CHARS).collect();
    ApiError::InvalidBody(format!("Request body is incorrect: {why}"))
}
