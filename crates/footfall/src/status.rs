//! `footfall status`: who sends telemetry, what became of it, who went silent, and how a running
//! server does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use serde::Serialize;
use server::clock::{Clock, SystemClock};
use server::metrics::Status as ServerStatus;
use store::Sender;

use crate::cli::Status;
use crate::config::Config;
use crate::output::{self, Outcome};
use crate::place::Place;

/// Clocks of machines that are kept right differ by less, in seconds.
const CLOCKS_DIFFER_S: i64 = 120;
/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ANSWER: u64 = 1024 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    server: Option<ServerStatus>,
    senders: Vec<Row>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    kind: String,
    name: String,
    first_at: String,
    last_at: String,
    newest_logon: Option<String>,
    /// The same two for a person.
    #[serde(skip)]
    last: Timestamp,
    #[serde(skip)]
    newest: Option<Timestamp>,
    is_silent: bool,
    /// How many seconds its clock seems to be ahead of this machine's; `None` where it does not.
    clock_ahead_s: Option<i64>,
    received: u64,
    accepted: u64,
    duplicates: u64,
    noise: u64,
    rejected: u64,
}

/// Prints who sends, and how the server does that is configured.
pub(crate) async fn run(config: &Config, args: &Status) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    let now = SystemClock.now();
    let silent_after_s: i64 = args.silent_after.into();
    let senders = place.store.senders(place.tenant.number).await?;
    let rows: Vec<Row> = senders.into_iter().map(|it| row(it, now, silent_after_s)).collect();
    let server = match config.metrics.listen {
        None => None,
        Some(address) => match ask(address).await {
            Ok(status) => Some(status),
            Err(error) => {
                eprintln!("no server answers at {address}: {error:#}");
                None
            }
        },
    };
    let has_silent = rows.iter().any(|row| row.is_silent);
    let report = Report { server, senders: rows };
    if args.json {
        output::json(&report)?;
    } else {
        print(&report, config, now)?;
    }
    Ok(if args.check && has_silent { Outcome::Failed } else { Outcome::Done })
}

fn row(sender: Sender, now: Timestamp, silent_after_s: i64) -> Row {
    let Sender { kind, name, first_at, last_at, newest, ahead_ticks, counts } = sender;
    let ahead_s = ahead_ticks.map(|ticks| ticks / TICKS_PER_SECOND);
    Row {
        kind,
        name,
        first_at: first_at.to_string(),
        last_at: last_at.to_string(),
        newest_logon: newest.map(|time| time.to_string()),
        last: last_at,
        newest,
        clock_ahead_s: ahead_s.filter(|&seconds| seconds > CLOCKS_DIFFER_S),
        is_silent: (now.ticks() - last_at.ticks()) / TICKS_PER_SECOND >= silent_after_s,
        received: counts.received,
        accepted: counts.accepted,
        duplicates: counts.duplicates,
        noise: counts.noise,
        rejected: counts.rejected,
    }
}

/// Asks the metrics' listener, on this machine where it listens everywhere.
async fn ask(address: SocketAddr) -> anyhow::Result<ServerStatus> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let url = format!("http://{}/status", SocketAddr::new(ip, address.port()));
    let asking = tokio::task::spawn_blocking(move || {
        let settings = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).proxy(None);
        let mut answer = ureq::Agent::new_with_config(settings.build()).get(&url).call()?;
        answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string()
    });
    let text = asking.await??;
    serde_json::from_str(&text).context("it does not answer as this version of Footfall does")
}

fn print(report: &Report, config: &Config, now: Timestamp) -> anyhow::Result<()> {
    match (&report.server, config.metrics.listen) {
        (Some(server), _) => {
            let (commits, median, slow) = server.commits;
            output::line(&format!(
                "The server (version {}) is up for {}. {} of {} things wait to be written, {} MB of \
                 {} MB are held; of the last {commits} transactions half took {median:.1} ms at most, \
                 99 in a hundred {slow:.1} ms.",
                server.version,
                length(server.up_s.cast_signed()),
                server.waiting.0,
                server.waiting.1,
                server.held_bytes.0 >> 20,
                server.held_bytes.1 >> 20,
            ))?;
            if server.dropped > 0 {
                let dropped = output::count(server.dropped, "record");
                output::line(&format!(
                    "{dropped} came over UDP faster than they could be taken, and are lost."
                ))?;
            }
        }
        (None, Some(_)) => {}
        (None, None) => {
            eprintln!("hint: with metrics.listen in the configuration the server says how it does");
        }
    }
    if report.senders.is_empty() {
        eprintln!("Nobody has sent anything; docs/sources/live.md says how to.");
        return Ok(());
    }
    let mut table = output::table(&[
        "kind",
        "sender",
        "last",
        "newest logon",
        "received",
        "accepted",
        "duplicate",
        "noise",
        "rejected",
    ]);
    for row in &report.senders {
        let last = ago(now, row.last);
        output::add_row(
            &mut table,
            [
                row.kind.clone(),
                output::printable(&row.name),
                if row.is_silent { format!("{last} (silent)") } else { last },
                match (row.newest, row.clock_ahead_s) {
                    (_, Some(seconds)) => format!("clock {} ahead", length(seconds)),
                    (Some(time), None) => ago(now, time),
                    (None, None) => "-".to_owned(),
                },
                row.received.to_string(),
                row.accepted.to_string(),
                row.duplicates.to_string(),
                row.noise.to_string(),
                row.rejected.to_string(),
            ],
        );
    }
    output::print_table(&mut table)?;
    let off = report.senders.iter().filter(|row| row.clock_ahead_s.is_some()).count();
    if off > 0 {
        eprintln!(
            "the clock of {} is ahead; what lies further ahead than rule.max_ahead is rejected",
            output::count(off as u64, "sender")
        );
    }
    let silent = report.senders.iter().filter(|row| row.is_silent).count();
    if silent > 0 {
        eprintln!("{} silent", output::count(silent as u64, "sender"));
    }
    Ok(())
}

fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = (now.ticks() - then.ticks()) / TICKS_PER_SECOND;
    match seconds {
        ..0 => format!("in {}", length(-seconds)),
        _ => format!("{} ago", length(seconds)),
    }
}

/// A length of time in its largest unit.
fn length(seconds: i64) -> String {
    let (number, unit) = if seconds < 120 {
        (seconds, "s")
    } else if seconds < 7_200 {
        (seconds / 60, "min")
    } else if seconds < 172_800 {
        (seconds / 3_600, "h")
    } else {
        (seconds / 86_400, "d")
    };
    format!("{number} {unit}")
}
