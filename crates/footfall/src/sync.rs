//! `footfall sync defender`: reads another server of the API, within its limits, and goes on where it was
//! stopped.
//!
//! A round walks over the source's machines (`round`), notes which of them changed, and then asks for the
//! users of each. Every step is recorded before it is noted as done, and what is recorded twice counts once,
//! so that a kill at any moment costs a repeated call and nothing else. `settings` is what is in force; `api`
//! asks with patience, within the limits, with a token of `token`, over the `client`; `page` is an answer,
//! `watch` sees which machines are in it while the import reads it, `display`, `summary`
//! and `advice` tell a person.

mod advice;
mod api;
mod client;
mod display;
mod page;
mod patience;
mod round;
mod settings;
mod summary;
mod token;
mod watch;

use std::time::Duration;

use crate::cli::SyncDefender;
use crate::config::Config;
use crate::output::Outcome;
use crate::place::Place;
use crate::signal::{self, Interrupts};
use api::Api;
use client::Client;
use display::Display;
use round::Round;
use settings::Settings;
use summary::Summary;

/// Reads the source once, or again and again until it is stopped.
pub(crate) async fn run(config: &Config, args: &SyncDefender) -> anyhow::Result<Outcome> {
    let settings = Settings::new(config, args)?;
    let place = Place::open(config).await?;
    let client = Client::start(&settings)?;
    let mut interrupts = Interrupts::new()?;
    signal::ignore_hangups("the sync")?;
    let mut api = Api::new(&settings, &client, &place);
    let every = args.every.or(config.sync.defender.every.map(|every| every.get()));
    let every = every.filter(|_| !args.once).map(|seconds| Duration::from_secs(seconds.into()));
    let mut full = args.full;
    loop {
        let round = one_round(config, &mut api, &place, full, &mut interrupts).await;
        let Some(every) = every else {
            let summary = round?;
            summary.print(args.json)?;
            return Ok(summary.outcome());
        };
        match round {
            Ok(summary) => {
                summary.print(args.json)?;
                if summary.is_interrupted {
                    return Ok(Outcome::Done);
                }
                full = false;
            }
            Err(error) => {
                let error: &dyn std::error::Error = error.as_ref();
                tracing::error!(error, "the sync stopped; it is tried again in {every:?}");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            // It was told to go on until it is stopped.
            () = interrupts.next() => return Ok(Outcome::Done),
        }
    }
}

/// One round, as far as it comes before an interrupt.
async fn one_round(
    config: &Config,
    api: &mut Api<'_>,
    place: &Place,
    full: bool,
    interrupts: &mut Interrupts,
) -> anyhow::Result<Summary> {
    let display = Display::new();
    let mut round = Round::new(config, api, place, &display, full);
    let done = tokio::select! {
        done = round.run() => Some(done),
        // Whatever it waits for is left: each step is whole in itself.
        () = interrupts.next() => None,
    };
    let mut summary = round.finish().await?;
    display.finish();
    match done {
        None => summary.is_interrupted = true,
        Some(done) => done.map_err(advice::stopped)?,
    }
    crate::retention::apply(config, &*place.store, place.tenant.number).await?;
    summary.totals = place.store.totals(&place.scope()).await?;
    Ok(summary)
}
