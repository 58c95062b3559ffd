//! Bodies with telemetry: unpacked, within a bound of their own and within the intake's room.

use std::io::Read;
use std::pin::Pin;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, header};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use intake::{Held, Intake, Refusal};

/// Bytes of a body of records, packed or unpacked; shippers send some MB.
pub(crate) const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Bytes that are unpacked at once.
const PIECE: usize = 256 * 1024;

/// A body that is here.
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    /// Its part of the intake's room, until all that was made of it is written.
    _held: Vec<Held>,
}

/// Why a body is not here.
#[derive(Debug)]
pub(crate) enum NotReceived {
    TooLarge,
    /// There is no room for it.
    Busy,
    /// Its encoding is not known, or it is not what it says.
    Encoding(String),
    /// The client ended, or took too long.
    Broken,
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Zstd,
}

impl Encoding {
    /// What the headers say.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, NotReceived> {
        let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Self::Identity) };
        match value.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            "zstd" => Ok(Self::Zstd),
            other => Err(NotReceived::Encoding(format!(
                "the encoding `{}` is not known; gzip, deflate and zstd are",
                other.chars().take(40).collect::<String>()
            ))),
        }
    }

    /// Unpacks what comes out of a reader.
    pub(crate) fn unpack<'r>(
        self,
        packed: impl Read + Send + 'r,
    ) -> std::io::Result<Box<dyn Read + Send + 'r>> {
        Ok(match self {
            Self::Identity => Box::new(packed),
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Self::Deflate => Box::new(ZlibDecoder::new(packed)),
            Self::Zstd => Box::new(zstd::Decoder::new(packed)?),
        })
    }
}

/// Takes a whole body, unpacked.
pub(crate) async fn receive(
    intake: &Intake,
    headers: &HeaderMap,
    body: Body,
) -> Result<Received, NotReceived> {
    let encoding = Encoding::of(headers)?;
    let packed = collect(intake, body).await?;
    if encoding == Encoding::Identity {
        return Ok(packed);
    }
    let intake = intake.clone();
    let unpacking = tokio::task::spawn_blocking(move || unpack(&intake, encoding, &packed.bytes));
    unpacking.await.map_err(|_| NotReceived::Broken)?
}

async fn collect(intake: &Intake, mut body: Body) -> Result<Received, NotReceived> {
    let expected = body.size_hint().exact().unwrap_or(0);
    if expected > MAX_BYTES as u64 {
        return Err(NotReceived::TooLarge);
    }
    let mut bytes = Vec::new();
    let mut held = Vec::new();
    let mut room = 0;
    while let Some(frame) =
        std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
    {
        let frame = frame.map_err(|_| NotReceived::Broken)?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len() + data.len() > MAX_BYTES {
            return Err(NotReceived::TooLarge);
        }
        if bytes.len() + data.len() > room {
            let more = data.len().max(PIECE);
            held.push(intake.hold(more).await.map_err(|_| NotReceived::Busy)?);
            room += more;
        }
        bytes.extend_from_slice(data);
    }
    Ok(Received { bytes: bytes.into(), _held: held })
}

fn unpack(intake: &Intake, encoding: Encoding, packed: &[u8]) -> Result<Received, NotReceived> {
    let broken =
        |error: std::io::Error| NotReceived::Encoding(format!("cannot be unpacked: {error}"));
    let mut reader = encoding.unpack(packed).map_err(broken)?;
    let mut bytes = Vec::new();
    let mut held = Vec::new();
    loop {
        match intake.try_hold(PIECE) {
            Ok(room) => held.push(room),
            Err(Refusal::Busy) => return Err(NotReceived::Busy),
            Err(_) => return Err(NotReceived::Broken),
        }
        let read = (&mut reader).take(PIECE as u64).read_to_end(&mut bytes).map_err(broken)?;
        if bytes.len() > MAX_BYTES {
            return Err(NotReceived::TooLarge);
        }
        if read < PIECE {
            return Ok(Received { bytes: bytes.into(), _held: held });
        }
    }
}
