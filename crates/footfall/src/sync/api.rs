//! Asks the source: within its limits, with a token that holds, and again where that may help.

use std::time::{Duration, Instant};

use inventory::time::TICKS_PER_SECOND;
use server::clock::{Clock, SystemClock};
use store::{Admission, SyncSource};

use super::client::{Client, Fault, Method, Request};
use super::display::Display;
use super::page::Page;
use super::patience::Attempts;
use super::settings::Settings;
use super::summary::Calls;
use super::token::{self, Token};
use crate::output;
use crate::place::Place;

/// Characters of an address that an error shows.
const SHOWN_CHARS: usize = 200;

/// An API of the source, as its limits count them: the vendor has a page on each.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Machines,
    LogonUsers,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Machines => "get-machines",
            Self::LogonUsers => "get-machine-log-on-users",
        }
    }

    /// Bytes of a page at most. Ten thousand machines have some 20 MB, the users of one a few kB.
    fn max_bytes(self) -> u64 {
        match self {
            Self::Machines => 128 * 1024 * 1024,
            Self::LogonUsers => 16 * 1024 * 1024,
        }
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{what}: given up after {}", output::count((*attempts).into(), "attempt"))]
    GivenUp {
        what: String,
        attempts: u32,
        #[source]
        fault: Fault,
    },
    #[error("{what}")]
    Refused {
        what: String,
        #[source]
        fault: Fault,
    },
    #[error("no access token: {what}")]
    NoToken {
        what: String,
        #[source]
        fault: Fault,
    },
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    pub(super) fn refused(url: &str, fault: Fault) -> Self {
        Self::Refused { what: shown("GET", url), fault }
    }

    /// The status of a refusal, and whether it says nothing beyond.
    pub(super) fn status(&self) -> Option<(u16, bool)> {
        match self {
            Self::Refused { fault: Fault::Status { status, is_empty, .. }, .. } => {
                Some((*status, *is_empty))
            }
            _ => None,
        }
    }
}

/// The source, as it is asked.
pub(super) struct Api<'a> {
    pub(super) settings: &'a Settings,
    pub(super) source: SyncSource,
    client: &'a Client,
    place: &'a Place,
    token: Option<Token>,
    /// Whether the address is one of a server at all.
    has_answered: bool,
    pub(super) calls: Calls,
}

impl<'a> Api<'a> {
    pub(super) fn new(settings: &'a Settings, client: &'a Client, place: &'a Place) -> Self {
        Self {
            settings,
            source: settings.source(),
            client,
            place,
            token: None,
            has_answered: false,
            calls: Calls::default(),
        }
    }

    /// A page of a list.
    pub(super) async fn page(
        &mut self,
        kind: Kind,
        url: &str,
        display: &Display,
    ) -> Result<Page, Error> {
        let mut attempts = self.settings.patience.begin();
        let mut is_renewed = false;
        loop {
            // First, since a token may end while it is waited.
            self.admit(kind, display).await?;
            let bearer = self.bearer(display).await?;
            let request = Request {
                url: url.to_owned(),
                is_local: self.settings.url.is_local(),
                method: Method::Get { bearer, page_rows: self.settings.page_rows },
                max_bytes: kind.max_bytes(),
            };
            self.calls.made += 1;
            let answer = self.client.send(request).await;
            self.has_answered |= answer.is_ok();
            let fault = match answer.and_then(|answer| Page::read(answer, &self.settings.url)) {
                Ok(page) => return Ok(page),
                Err(fault) => fault,
            };
            // The source may end a token before its time, and once a new one helps.
            if matches!(fault, Fault::Status { status: 401, .. }) && !is_renewed {
                is_renewed = true;
                self.token = None;
                self.calls.repeated += 1;
                continue;
            }
            if !fault.may_pass() {
                return Err(Error::refused(url, fault));
            }
            let what = shown("GET", url);
            if let Err(fault) = self.wait(&mut attempts, &what, fault, display).await {
                return Err(Error::GivenUp { what, attempts: attempts.made, fault });
            }
            self.calls.repeated += 1;
        }
    }

    /// Waits before the next attempt; gives the fault back if there is to be none.
    async fn wait(
        &mut self,
        attempts: &mut Attempts,
        what: &str,
        fault: Fault,
        display: &Display,
    ) -> Result<(), Fault> {
        let Some(wait) = attempts.after(fault.retry_after(), self.has_answered) else {
            return Err(fault);
        };
        tracing::info!(error = &fault as &dyn std::error::Error, what, "it is tried again");
        self.calls.waited += wait;
        display.wait(wait, &fault.to_string()).await;
        Ok(())
    }

    /// Waits until a call is within the limits.
    async fn admit(&mut self, kind: Kind, display: &Display) -> Result<(), Error> {
        let limits = &self.settings.limits;
        if limits.is_empty() {
            return Ok(());
        }
        let (store, tenant) = (&self.place.store, self.place.tenant.number);
        let app = self.settings.client_id;
        loop {
            let now = SystemClock.now();
            let admission =
                store.admit_sync_call(tenant, &self.source, app, kind.name(), limits, now).await?;
            let Admission::NotBefore(free) = admission else { return Ok(()) };
            let ticks = free.ticks().saturating_sub(now.ticks()).max(TICKS_PER_SECOND / 100);
            let wait = Duration::from_nanos(ticks.cast_unsigned().saturating_mul(100));
            self.calls.waited += wait;
            display.wait(wait, "the limit of calls").await;
        }
    }

    async fn bearer(&mut self, display: &Display) -> Result<String, Error> {
        if let Some(bearer) = self.token.as_ref().and_then(Token::bearer) {
            return Ok(bearer.to_owned());
        }
        let mut attempts = self.settings.patience.begin();
        loop {
            let request = token::request(self.settings);
            let what = shown("POST", &request.url);
            let sent = Instant::now();
            let answer = self.client.send(request).await;
            self.has_answered |= answer.is_ok();
            let fault = match answer.and_then(|answer| Token::read(answer, sent)) {
                Ok(token) => {
                    let bearer = token.text().to_owned();
                    self.token = Some(token);
                    return Ok(bearer);
                }
                Err(fault) => fault,
            };
            if !fault.may_pass() {
                return Err(Error::NoToken { what, fault });
            }
            if let Err(fault) = self.wait(&mut attempts, &what, fault, display).await {
                return Err(Error::NoToken { what, fault });
            }
        }
    }
}

/// A request as an error shows it.
fn shown(method: &str, url: &str) -> String {
    format!("{method} {}", output::printable_within(url, SHOWN_CHARS))
}
