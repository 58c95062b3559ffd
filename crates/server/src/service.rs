//! The whole server as one tower service: what surrounds the router.
//!
//! It gives each request its correlation id, origin and moment, brings the path to the router's
//! form, and on the way back writes errors, the headers that every answer has, and one line in
//! the log. All of this stands around the router and not in a layer of it, because a layer would
//! run after routing, and because a request without `Accept-Encoding` should not pay for
//! compression.

use std::any::Any;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use axum::response::IntoResponse;
use store::Store;
use tower::{BoxError, Layer};
use tower_http::CompressionLevel;
use tower_http::compression::{Compression, CompressionLayer};

use crate::Error;
use crate::audit::entry::Pending;
use crate::batch;
use crate::body::{self, Within};
use crate::call::{Call, Correlation, ThisCall};
use crate::clock::Clock;
use crate::config::{Bounds, Config};
use crate::error::{self, ApiError};
use crate::load::Load;
use crate::metrics::Requests;
use crate::origin::Origin;
use crate::path::Templates;
use crate::router::{self, HEALTH};
use crate::state::AppState;
use crate::telemetry;

/// How long a request may take before the server gives it up.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

const CORRELATION_ID: HeaderName = HeaderName::from_static("mise-correlation-id");
/// As captured (defender-api.md §1.4).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// The server as a service; clones share all state.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    app: Arc<AppState>,
    templates: Templates,
    router: Router,
    compressing: Compression<Router>,
    secure: bool,
}

/// Makes the service. `local` is where the listener is, for requests that name no host.
pub async fn service(
    config: Config,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    local: SocketAddr,
) -> Result<Service, Error> {
    let secure = crate::is_secure(&config);
    let tenant = store.default_tenant().await?;
    let own = Origin::of_address(secure, local);
    let app = Arc::new(AppState::new(config, tenant, store, clock, own)?);
    let router = router::router(Arc::clone(&app));
    // Answers are made once and sent often; the fastest level already cuts JSON to a tenth.
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest);
    Ok(Service(Arc::new(Inner {
        app,
        templates: Templates::new(router::routes().into_iter().map(|route| route.path)),
        compressing: compression.layer(router.clone()),
        router,
        secure,
    })))
}

impl Service {
    /// Waits until all that was asked so far is in the audit, durably.
    pub async fn flush_audit(&self) -> Result<(), Error> {
        self.0.app.audit.flush().await.map_err(|_| Error::Audit)
    }

    /// Where telemetry goes that comes to other listeners.
    pub fn intake(&self) -> &intake::Intake {
        &self.0.app.intake
    }

    pub(crate) fn requests(&self) -> &Requests {
        &self.0.app.requests
    }

    pub(crate) fn load(&self) -> &Load {
        &self.0.app.load
    }

    pub(crate) fn bounds(&self) -> Bounds {
        self.0.app.config.bounds
    }
}

impl<B> tower::Service<Request<B>> for Service
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let inner = Arc::clone(&self.0);
        let request = request.map(Body::new);
        Box::pin(async move { Ok(Inner::answer(&inner, request).await) })
    }
}

impl Inner {
    async fn answer(self: &Arc<Self>, mut request: Request<Body>) -> Response<Body> {
        let started = Instant::now();
        let method = request.method().clone();
        let call = Arc::new(self.call(&request));
        let route = self.find_route(&mut request);
        let in_flight = self.app.load.enter();
        let is_refused = in_flight.is_none() && route != Some(HEALTH);
        // Who is told to come again has done nothing that were to be recorded, and nobody waits
        // for the audit to hear it.
        let pending = route
            .filter(|_| !is_refused)
            .and_then(|route| Pending::new(&self.app.audit, &call, route, &method, started));
        let response = match route {
            None => {
                body::discard(request.into_body()).await;
                StatusCode::NOT_FOUND.into_response()
            }
            Some(_) if is_refused => ApiError::Unavailable.into_response(),
            Some(route) => {
                if route == batch::PATH {
                    request.extensions_mut().insert(Service(Arc::clone(self)));
                }
                self.routed(request, route, &call).await
            }
        };
        let refused = error::refused_around(&response);
        let mut response = error::render(response, call.correlation);
        if let Some(reworded) =
            refused.zip(route).and_then(|(status, route)| telemetry::reworded(route, status))
        {
            response = reworded;
        }
        if let Some(pending) = pending {
            let deed = pending.deed();
            if let Err(unwritten) = pending.record(response.status().as_u16()).await {
                // An answer that nobody could account for is not given.
                let refusal = unwritten.refusal(deed).into_response();
                response = error::render(refusal, call.correlation);
            }
        }
        self.finish(&mut response, &method, call.correlation);
        self.app.requests.count(route, response.status(), started.elapsed());
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    correlation_id = %call.correlation.id(),
                    method = %method,
                    route = route.unwrap_or("-"),
                    status = response.status().as_u16(),
                    latency_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
                    app_id = call.app_id.get().map(tracing::field::display),
                    "request"
                )
            };
        }
        // Senders that are well are counted and say nothing else, many times a second.
        match route {
            Some(route) if router::is_of_senders(route) && response.status().is_success() => {
                log!(debug);
            }
            _ => log!(info),
        }
        response
    }

    async fn routed(
        &self,
        mut request: Request<Body>,
        route: &str,
        call: &Arc<Call>,
    ) -> Response<Body> {
        let method = request.method().clone();
        request.extensions_mut().insert(ThisCall(Arc::clone(call)));
        let (within, total) = match telemetry::patience(route) {
            None => (Within::All(self.app.config.bounds.body_timeout), REQUEST_TIMEOUT),
            Some(patience) => (Within::Idle(patience.idle), patience.total),
        };
        let rest = body::with_deadline(&mut request, within);
        let response = self.guarded(request, &method, total).await;
        if rest.is_late() {
            return StatusCode::REQUEST_TIMEOUT.into_response();
        }
        rest.discard().await;
        response
    }

    fn call(&self, request: &Request<Body>) -> Call {
        let app = &self.app;
        let public = app.config.public_url.as_ref();
        let uri = request.uri();
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let proxies = &app.config.trusted_proxies;
        Call {
            correlation: Correlation::new(),
            origin: Origin::of_request(uri, request.headers(), public, &app.own),
            target: uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
            now: app.clock.now(),
            address: peer.map(|peer| proxies.client(peer.0.ip(), request.headers())),
            tenant: OnceLock::new(),
            app_id: OnceLock::new(),
            person: OnceLock::new(),
            note: OnceLock::new(),
            rows: OnceLock::new(),
        }
    }

    /// The route of a request, whose path is brought to the router's form.
    fn find_route(&self, request: &mut Request<Body>) -> Option<&'static str> {
        let uri = request.uri();
        let (route, path) = self.templates.find(uri.path())?;
        if let std::borrow::Cow::Owned(mut rewritten) = path {
            if let Some(query) = uri.query() {
                rewritten.push('?');
                rewritten.push_str(query);
            }
            // Pieces of a path and a query that were parsed before; whatever else is no route.
            *request.uri_mut() = Uri::try_from(rewritten).ok()?;
        }
        Some(route)
    }

    /// Routes the request; a panic or an answer that takes too long is the server's fault.
    async fn guarded(
        &self,
        request: Request<Body>,
        method: &Method,
        within: Duration,
    ) -> Response<Body> {
        // A client that refuses the plain form and names no other gets it all the same (RFC 9110
        // §12.5.3 allows that); the compressing layer would answer 406, which the vendor never does.
        let encodings = request.headers().get_all(header::ACCEPT_ENCODING);
        let compresses = *method != Method::HEAD
            && encodings.iter().any(|value| {
                let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
                text.contains("gzip") || text.contains("deflate")
            });
        let answering = async {
            let answered = if compresses {
                let answer = tower::Service::call(&mut self.compressing.clone(), request).await;
                answer.map(|response| response.map(Body::new))
            } else {
                tower::Service::call(&mut self.router.clone(), request).await
            };
            answered.unwrap_or_else(|never| match never {})
        };
        let mut answering = pin!(answering);
        let caught = std::future::poll_fn(|context| {
            // A handler that panicked is dropped and never polled again; shared state is behind
            // locks whose poison is overlooked because each holds one complete value.
            let polled = catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(context)));
            match polled {
                Ok(poll) => poll.map(Ok),
                Err(panic) => Poll::Ready(Err(panicked(&panic))),
            }
        });
        match tokio::time::timeout(within, caught).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => error.into_response(),
            Err(_) => ApiError::internal("the request took too long").into_response(),
        }
    }

    /// The headers that every answer has.
    fn finish(&self, response: &mut Response<Body>, method: &Method, correlation: Correlation) {
        let length = response.body().size_hint().exact();
        let headers = response.headers_mut();
        headers.insert(CORRELATION_ID, correlation.header());
        if self.secure {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
        }
        if let (Some(length), false) = (length, headers.contains_key(header::CONTENT_LENGTH)) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        if *method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
    }
}

fn panicked(panic: &Box<dyn Any + Send>) -> ApiError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    ApiError::internal(format!("panic: {text}"))
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use inventory::time::Timestamp;
    use tower::ServiceExt;

    use super::*;
    use crate::clock::ManualClock;

    /// A service whose health check panics, as only a fault in a handler could make it.
    async fn faulty() -> Service {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let store = store::open(&url).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::MIN));
        let made = service(Config::default(), store, clock, ([127, 0, 0, 1], 80).into());
        let Service(inner) = made.await.unwrap();
        async fn fault() -> StatusCode {
            panic!("secret of the handler")
        }
        let router = Router::new().route("/healthz", get(fault));
        Service(Arc::new(Inner {
            app: Arc::clone(&inner.app),
            templates: Templates::new(["/healthz"]),
            compressing: CompressionLayer::new().layer(router.clone()),
            router,
            secure: false,
        }))
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_without_its_message() {
        let service = faulty().await;
        for encoding in [None, Some("gzip")] {
            let mut request = Request::get("/healthz");
            if let Some(encoding) = encoding {
                request = request.header(header::ACCEPT_ENCODING, encoding);
            }
            let request = request.body(Body::empty()).unwrap();
            let response = service.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert!(body.contains("\"code\":\"InternalServerError\",\"message\":\"\""), "{body}");
        }
    }
}
