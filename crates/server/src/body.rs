//! Bodies of requests: how long one may take to arrive, and what becomes of those that nobody reads.
//!
//! How long it may be is said where it is read: 1 MiB, unless a route says otherwise.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, header};
use tokio::time::Sleep;

/// Bytes of a body at most, on routes that say nothing else.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// How long an answer waits for the rest of a body that nobody wants.
const UNWANTED: Duration = Duration::from_secs(2);

/// What is known of a body after the request was answered.
#[derive(Default)]
pub(crate) struct Rest(Option<Arc<Shared>>);

#[derive(Default)]
struct Shared {
    late: AtomicBool,
    unread: Mutex<Option<Body>>,
}

impl Rest {
    /// Whether the body took too long.
    pub(crate) fn is_late(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.late.load(Ordering::Relaxed))
    }

    /// Reads what the handler left, so that the client is done with sending when it is answered.
    pub(crate) async fn discard(self) {
        let unread = self.0.filter(|shared| !shared.late.load(Ordering::Relaxed));
        let unread = unread.and_then(|shared| lock(&shared).take());
        if let Some(body) = unread {
            discard(body).await;
        }
    }
}

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Option<Body>> {
    shared.unread.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a body and keeps nothing of it. A connection that ends while the client still sends breaks
/// the sending, and many clients then never look at the answer (RFC 9112 §9.6).
pub(crate) async fn discard(mut body: Body) {
    let reading = async {
        let mut left = MAX_BYTES;
        while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
        {
            match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // Whoever takes longer is cut off.
    let _ = tokio::time::timeout(UNWANTED, reading).await;
}

/// How long a body may take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Within {
    /// All of it, from the first time that something is missing.
    All(Duration),
    /// From one piece of it to the next.
    Idle(Duration),
}

/// Gives the body of a request a time by which it must be here.
pub(crate) fn with_deadline(request: &mut Request<Body>, within: Within) -> Rest {
    if request.body().is_end_stream() {
        return Rest::default();
    }
    let shared = Arc::<Shared>::default();
    let body = Some(std::mem::take(request.body_mut()));
    // Who asks before it sends (RFC 9110 §10.1.1) sends nothing that is not read.
    let is_asked_for = request.headers().contains_key(header::EXPECT);
    let timed = Timed { body, within, deadline: None, is_asked_for, shared: Arc::clone(&shared) };
    *request.body_mut() = Body::new(timed);
    Rest(Some(shared))
}

/// The rest of the body did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the body took too long")]
struct TooLate;

struct Timed {
    /// There until it is given back.
    body: Option<Body>,
    within: Within,
    /// Runs from the first time that something is missing: most bodies come with their headers.
    deadline: Option<Pin<Box<Sleep>>>,
    is_asked_for: bool,
    shared: Arc<Shared>,
}

impl Drop for Timed {
    fn drop(&mut self) {
        if !self.is_asked_for && !self.is_end_stream() {
            *lock(&self.shared) = self.body.take();
        }
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            if let Within::Idle(_) = this.within {
                this.deadline = None;
            }
            return Poll::Ready(frame);
        }
        let (Within::All(within) | Within::Idle(within)) = this.within;
        let deadline = this.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        deadline.as_mut().poll(context).map(|()| {
            this.shared.late.store(true, Ordering::Relaxed);
            Some(Err(axum::Error::new(TooLate)))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}
