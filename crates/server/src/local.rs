//! The API for who already holds the database: the command line asks the same service as callers do, without
//! a token, a limit or a socket.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, StatusCode, header};
use inventory::access::Tenant;
use serde_json::Value;
use store::Store;

use crate::auth::Caller;
use crate::clock::Clock;
use crate::config::Config;
use crate::service::{Service, service};
use crate::{Error, origin, target};

/// The service for one process.
pub struct Local {
    service: Service,
    trusted: Trusted,
}

/// The caller of a request that needs no token. Requests from sockets cannot hold one.
#[derive(Clone)]
pub(crate) struct Trusted(pub(crate) Arc<Caller>);

/// An answer, whose body is read piece by piece.
pub struct Answer {
    status: StatusCode,
    content_type: String,
    body: Body,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The question is no URL below `/api`.
    #[error("cannot ask `{target}`: {reason}")]
    Target {
        /// What was asked.
        target: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The API refuses the question.
    #[error("{message}")]
    Refused {
        /// HTTP's status.
        status: u16,
        /// The API's words.
        message: String,
    },
    /// The API knows nothing of what the question names.
    #[error("{message}")]
    Unknown {
        /// The API's words.
        message: String,
    },
    /// The answer ended before its end; the log says why.
    #[error("the answer broke off")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Local {
    /// A service that shows all of a tenant. Calls are not kept in the audit: who has the database needs no
    /// service to read it.
    pub async fn new(
        config: Config,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        tenant: Tenant,
    ) -> Result<Self, Error> {
        let config = Config { audit_calls: false, ..config };
        let service = service(config, store, clock, ([127, 0, 0, 1], 0).into()).await?;
        Ok(Self { service, trusted: Trusted(Arc::new(Caller::local(tenant))) })
    }

    /// Asks for a path below `/api`, which may be left out, in one of the media types of `accept`.
    pub async fn get(&self, asked: &str, accept: &str) -> Result<Answer, AskError> {
        let fault = |reason: String| AskError::Target { target: asked.to_owned(), reason };
        let own = origin::Origin::of_address(false, ([127, 0, 0, 1], 0).into());
        let target = target::of_api(asked, &own).map_err(|error| fault(error.to_string()))?;
        let request = Request::get(target)
            .header(header::ACCEPT, accept)
            .extension(self.trusted.clone())
            .body(Body::empty())
            .map_err(|error| fault(error.to_string()))?;
        let Ok(response) = tower::Service::call(&mut self.service.clone(), request).await;
        let (parts, body) = response.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let content_type = kind.unwrap_or_default().to_owned();
        let mut answer = Answer { status: parts.status, content_type, body };
        if answer.status.is_success() { Ok(answer) } else { Err(answer.refusal(asked).await) }
    }
}

impl Answer {
    /// The media type, with its parameters.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// The next piece of the body; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, AskError> {
        loop {
            let frame = poll_fn(|context| Pin::new(&mut self.body).poll_frame(context)).await;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(AskError::Broken(error.into())),
                // Trailers say nothing here.
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// The whole body.
    pub async fn read(&mut self) -> Result<Vec<u8>, AskError> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.next().await? {
            whole.extend_from_slice(&bytes);
        }
        Ok(whole)
    }

    async fn refusal(&mut self, asked: &str) -> AskError {
        let body = match self.read().await {
            Ok(body) => body,
            Err(error) => return error,
        };
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let message = match body["error"]["message"].as_str() {
            Some(message) if !message.is_empty() => {
                let message = message.to_owned();
                if self.status == StatusCode::NOT_FOUND {
                    return AskError::Unknown { message };
                }
                message
            }
            // What is no route has no body.
            _ if self.status == StatusCode::NOT_FOUND => format!("there is no `{asked}`"),
            _ => format!("the answer is {}", self.status),
        };
        AskError::Refused { status: self.status.as_u16(), message }
    }
}
