//! Bodies of requests: how long one may take to arrive.
//!
//! How long it may be is said where it is read: 1 MiB, unless a route says otherwise.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Request;
use tokio::time::Sleep;

/// Bytes of a body at most, on routes that say nothing else.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// Whether a body took too long.
#[derive(Clone, Default)]
pub(crate) struct Late(Option<Arc<AtomicBool>>);

impl Late {
    pub(crate) fn is_late(&self) -> bool {
        self.0.as_ref().is_some_and(|late| late.load(Ordering::Relaxed))
    }
}

/// Gives the body of a request a time by which all of it must be here.
pub(crate) fn with_deadline(request: &mut Request<Body>, within: Duration) -> Late {
    if request.body().is_end_stream() {
        return Late::default();
    }
    let late = Arc::new(AtomicBool::new(false));
    let body = std::mem::take(request.body_mut());
    let timed = Timed { body, within, deadline: None, late: Arc::clone(&late) };
    *request.body_mut() = Body::new(timed);
    Late(Some(late))
}

/// The rest of the body did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the body took too long")]
struct TooLate;

struct Timed {
    body: Body,
    within: Duration,
    /// Runs from the first time that something is missing: most bodies come with their headers.
    deadline: Option<Pin<Box<Sleep>>>,
    late: Arc<AtomicBool>,
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        let within = this.within;
        let deadline = this.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        deadline.as_mut().poll(context).map(|()| {
            this.late.store(true, Ordering::Relaxed);
            Some(Err(axum::Error::new(TooLate)))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
