//! Connections: how many there may be, who is at the other end, and how long one may sit on an
//! answer.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::Request;
use axum_server::accept::Accept;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;

use crate::service::Service;

type Waiting = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

/// Makes the service of each connection, once there is a place for it. While there is none,
/// nothing is accepted, and who comes waits in the listener's queue.
pub(crate) struct Connections {
    service: Service,
    slots: Arc<Semaphore>,
    waiting: Option<Waiting>,
    place: Option<OwnedSemaphorePermit>,
}

/// The service of one connection.
#[derive(Clone)]
pub(crate) struct Connection {
    service: Service,
    peer: SocketAddr,
    /// Given back when the last clone goes, with the connection.
    _place: Arc<OwnedSemaphorePermit>,
}

/// The server stops: no connection is taken any more.
#[derive(Debug, thiserror::Error)]
#[error("the server stops")]
pub(crate) struct Stopping;

impl Connections {
    pub(crate) fn new(service: Service) -> Self {
        let slots = Arc::clone(service.load().slots());
        Self { service, slots, waiting: None, place: None }
    }
}

impl tower::Service<SocketAddr> for Connections {
    type Response = Connection;
    type Error = Stopping;
    type Future = Ready<Result<Connection, Stopping>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Stopping>> {
        if self.place.is_none() {
            let slots = &self.slots;
            // Closed when the server stops, which ends the wait without a place.
            let acquire = || -> Waiting {
                let slots = Arc::clone(slots);
                Box::pin(async move { slots.acquire_owned().await.ok() })
            };
            let waiting = self.waiting.get_or_insert_with(acquire);
            self.place = ready!(waiting.as_mut().poll(context));
            self.waiting = None;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, peer: SocketAddr) -> Self::Future {
        let service = self.service.clone();
        ready(match self.place.take() {
            Some(place) => Ok(Connection { service, peer, _place: Arc::new(place) }),
            None => Err(Stopping),
        })
    }
}

impl<B> tower::Service<Request<B>> for Connection
where
    Service: tower::Service<Request<B>, Error = Infallible>,
{
    type Response = <Service as tower::Service<Request<B>>>::Response;
    type Error = Infallible;
    type Future = <Service as tower::Service<Request<B>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        tower::Service::<Request<B>>::poll_ready(&mut self.service, context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(ConnectInfo(self.peer));
        self.service.call(request)
    }
}

/// Cuts off a client that takes nothing of its answer for a while.
#[derive(Clone, Copy)]
pub(crate) struct WriteTimeout(pub(crate) Duration);

impl<S> Accept<TcpStream, S> for WriteTimeout {
    type Stream = Pin<Box<TimeoutStream<TcpStream>>>;
    type Service = S;
    type Future = Ready<io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.0));
        ready(Ok((Box::pin(stream), service)))
    }
}
