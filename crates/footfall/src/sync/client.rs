//! Sends requests, one after another, on a thread of its own: one that is left alone ends with the process,
//! and holds up nobody who stops.

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use inventory::time::{TICKS_PER_SECOND, Timestamp};
use jiff::fmt::rfc2822::DateTimeParser;
use serde::Deserialize;
use server::clock::{Clock, SystemClock};
use tokio::sync::oneshot;
use ureq::http::header::{DATE, RETRY_AFTER};
use ureq::http::{HeaderMap, HeaderName, Response};
use ureq::{Agent, Body};

use super::settings::Settings;
use crate::output;

/// How long an answer may take, from the name's resolution to the last byte: a page of ten thousand
/// machines has some 20 MB.
const TIMEOUT: Duration = Duration::from_secs(300);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a refusal that are read, and characters of what it says that are shown.
const MAX_REFUSAL_BYTES: u64 = 64 * 1024;
const MAX_SAID_CHARS: usize = 500;
/// HTTP dates as servers must write them (RFC 9110 §5.6.7). A wrong name of the day is overlooked.
const HTTP_DATE: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

pub(super) struct Client {
    jobs: mpsc::Sender<Job>,
}

struct Job {
    request: Request,
    answer: oneshot::Sender<Result<Answer, Fault>>,
}

/// A request. It may hold a secret, so nothing prints it.
pub(super) struct Request {
    pub(super) url: String,
    /// Whether it stays on this machine, where the environment's proxy does not lead.
    pub(super) is_local: bool,
    pub(super) method: Method,
    /// Bytes of the answer at most.
    pub(super) max_bytes: u64,
}

pub(super) enum Method {
    Get { bearer: String, page_rows: u32 },
    Post { form: Vec<(&'static str, String)> },
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The clock of who answered (RFC 9110 §6.6.1).
    pub(super) date: Option<Timestamp>,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the connection failed")]
    Connection(#[source] ureq::Error),
    #[error("the answer has more than {max_bytes} bytes")]
    TooBig { max_bytes: u64 },
    #[error("the answer is {status}{said}")]
    Status { status: u16, said: String, is_empty: bool, retry_after: Option<Duration> },
    #[error("the answer cannot be read")]
    Garbage(#[source] serde_json::Error),
    #[error("the answer is none of this API")]
    Foreign,
    #[error("the answer's next link leads elsewhere, and is not followed: {0}")]
    Link(String),
    #[error("pages of the same machines come again and again")]
    Endless,
    #[error("the access token is no text that a header can hold")]
    Token,
    #[error("what sends requests has ended")]
    Ended,
}

impl Fault {
    /// Whether it may be gone at the next attempt.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Connection(_) | Self::Garbage(_) => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            _ => false,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl Client {
    pub(super) fn start(settings: &Settings) -> io::Result<Self> {
        // Tokens and secrets are for one server each: redirects are not followed.
        let agent: Agent = Agent::config_builder()
            .tls_config(settings.tls.clone())
            .timeout_global(Some(TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent("footfall")
            .build()
            .into();
        let (jobs, queue) = mpsc::channel::<Job>();
        std::thread::Builder::new().name("sync".to_owned()).spawn(move || {
            for job in queue {
                // Who asked may have stopped.
                let _ = job.answer.send(send(&agent, job.request));
            }
        })?;
        Ok(Self { jobs })
    }

    pub(super) async fn send(&self, request: Request) -> Result<Answer, Fault> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job { request, answer }).map_err(|_| Fault::Ended)?;
        answered.await.map_err(|_| Fault::Ended)?
    }
}

fn send(agent: &Agent, request: Request) -> Result<Answer, Fault> {
    let sent = match request.method {
        Method::Get { bearer, page_rows } => {
            let mut call = agent
                .get(&request.url)
                .header("Authorization", format!("Bearer {bearer}"))
                .header("Accept", "application/json")
                // A server that follows OData 4.01 (§8.2.8.5) gives pages of so many, and next links.
                .header("Prefer", format!("odata.maxpagesize={page_rows}"));
            if request.is_local {
                call = call.config().proxy(None).build();
            }
            call.call()
        }
        Method::Post { form } => {
            let mut call = agent.post(&request.url).header("Accept", "application/json");
            if request.is_local {
                call = call.config().proxy(None).build();
            }
            call.send_form(form)
        }
    };
    read(sent.map_err(Fault::Connection)?, request.max_bytes)
}

fn read(mut response: Response<Body>, max_bytes: u64) -> Result<Answer, Fault> {
    let status = response.status().as_u16();
    let date = date(response.headers(), DATE);
    let retry_after = retry_after(response.headers(), date);
    let body = if status == 200 {
        if response.body().content_length().is_some_and(|length| length > max_bytes) {
            return Err(Fault::TooBig { max_bytes });
        }
        let read = response.body_mut().with_config().limit(max_bytes).read_to_vec();
        read.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => Fault::TooBig { max_bytes },
            error => Fault::Connection(error),
        })?
    } else {
        // The status is what counts.
        let read = response.body_mut().with_config().limit(MAX_REFUSAL_BYTES).read_to_vec();
        read.unwrap_or_default()
    };
    Ok(Answer { status, date, retry_after, body })
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    let text = headers.get(name)?.to_str().ok()?;
    HTTP_DATE.parse_timestamp(text).ok().map(Timestamp::from_jiff)
}

/// Seconds, or a date by the clock of who answered (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap, now: Option<Timestamp>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let until = date(headers, RETRY_AFTER)?;
    let now = now.unwrap_or_else(|| SystemClock.now());
    let ticks = until.ticks().saturating_sub(now.ticks()).max(0).cast_unsigned();
    Some(Duration::from_secs(ticks.div_ceil(TICKS_PER_SECOND.cast_unsigned())))
}

impl Answer {
    /// A refusal as a fault, with what it says of itself.
    pub(super) fn into_fault(self) -> Fault {
        let said = said(&self.body).map(|said| {
            let line = said.lines().next().unwrap_or_default();
            format!(": {}", output::printable_within(line, MAX_SAID_CHARS))
        });
        Fault::Status {
            status: self.status,
            said: said.unwrap_or_default(),
            is_empty: self.body.is_empty(),
            retry_after: self.retry_after,
        }
    }
}

/// The message of the API (defender-api.md §6.1), or the description of who gives tokens (§7.2).
fn said(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Refusal {
        Api { error: Message },
        Token { error_description: String },
    }
    #[derive(Deserialize)]
    struct Message {
        message: String,
    }
    match serde_json::from_slice(body).ok()? {
        Refusal::Api { error } => Some(error.message),
        Refusal::Token { error_description } => Some(error_description),
    }
}
