//! A body that is sent while it is made.
//!
//! What was not ended breaks off: the connection ends without the end of the body, so that nobody takes a
//! part for the whole.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::Frame;
use tokio::sync::mpsc;

/// Pieces that wait for a slow reader at most.
const WAITING: usize = 2;

/// Where the pieces of a body are put.
pub(crate) struct Sender(mpsc::Sender<Option<Bytes>>);

/// Nobody reads any more.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the answer any more")]
pub(crate) struct Gone;

/// A body, and where its pieces are put.
pub(crate) fn body() -> (Sender, Body) {
    let (sender, received) = mpsc::channel(WAITING);
    (Sender(sender), Body::new(Pieces { received, ended: false }))
}

impl Sender {
    /// Adds a piece, once the reader has taken those before.
    pub(crate) async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), Gone> {
        self.0.send(Some(bytes.into())).await.map_err(|_| Gone)
    }

    /// Ends the body.
    pub(crate) async fn end(self) -> Result<(), Gone> {
        self.0.send(None).await.map_err(|_| Gone)
    }
}

/// The rest was not made.
#[derive(Debug, thiserror::Error)]
#[error("the answer was broken off")]
struct Broken;

struct Pieces {
    received: mpsc::Receiver<Option<Bytes>>,
    ended: bool,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.received.poll_recv(context).map(|piece| match piece {
            Some(Some(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(None) => {
                self.ended = true;
                None
            }
            None => {
                self.ended = true;
                Some(Err(axum::Error::new(Broken)))
            }
        })
    }
}
