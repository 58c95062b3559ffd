//! Telemetry that is sent while questions are asked: many senders over Splunk's collector and
//! Elasticsearch's bulk at a fixed rate, how long a logon takes from its event to an answer, what
//! questions cost meanwhile beside the idle server, how much memory the server has; and then as fast
//! as it goes.

mod connection;
mod events;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::fill;
use connection::Connection;
use events::{Events, Way};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the filled store is kept from run to run; without it a new one is made each time
    #[arg(long)]
    database: Option<PathBuf>,
    /// The program to measure
    #[arg(long, default_value = "target/release/footfall")]
    program: PathBuf,
    /// Seconds of sending at the rate
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Events a second, all senders together
    #[arg(long, default_value_t = 5_000)]
    rate: u64,
    /// Senders, half of each kind
    #[arg(long, default_value_t = 50)]
    senders: u64,
    /// How long a sender collects events before it sends them, in milliseconds
    #[arg(long, default_value_t = 200)]
    flush_ms: u64,
    /// Questions a second
    #[arg(long, default_value_t = 50)]
    questions: u64,
    /// Seconds of the idle server before, and of sending as fast as it goes after; 0 for neither
    #[arg(long, default_value_t = 20)]
    others: u64,
}

/// Events of a batch where senders go as fast as they can.
const FAST_BATCH: u64 = 500;
/// Pause between two looks for a logon.
const LOOK: Duration = Duration::from_millis(10);
/// How long a logon may take before the measurement fails.
const LOST: Duration = Duration::from_secs(30);

/// What is measured against.
struct Target {
    address: SocketAddr,
    /// Of who asks.
    bearer: String,
    /// `CLIENT_ID:SECRET` of who sends.
    secret: String,
}

#[derive(Default)]
struct Sent {
    accepted: AtomicU64,
    refused: AtomicU64,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = args.database.clone().unwrap_or_else(|| folder.path().join("bench.sqlite"));
    let url = format!("sqlite:{}", database.display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if !database.exists() {
        eprintln!("filling {}", database.display());
        let store = store::open(&url)?;
        runtime.block_on(fill::fill(&store))?;
    }
    let (_, bearer) = crate::http::app(&args.program, &url, "Machine.Read.All")?;
    let (secret, _) = crate::http::app(&args.program, &url, "Telemetry.Write")?;
    let server = crate::http::Server::on_all_cores(&args.program, &url)?;
    let target = Arc::new(Target { address: server.address(), bearer, secret });
    runtime.block_on(measure(args, target, server.id()))
}

async fn measure(args: &Args, target: Arc<Target>, server: u32) -> anyhow::Result<()> {
    let idle = ask_for(args, &target, Duration::from_secs(args.others)).await?;
    let memory_before = memory_mb(server)?;
    let time = Duration::from_secs(args.seconds);
    let (sent, events) = (Arc::<Sent>::default(), Arc::new(Events::default()));
    let memory = tokio::spawn(watch_memory(server, time));
    let sending = send_at_rate(args, &target, &events, &sent, time);
    let (busy, delays) = tokio::join!(ask_for(args, &target, time), sending);
    let (mut busy, mut delays) = (busy?, delays?);
    let memory = memory.await??;
    let mut idle = idle;
    println!("{} events/s for {} s, {} senders", args.rate, args.seconds, args.senders);
    println!("| | p50 | p99 | most |\n|---|---|---|---|");
    row("event to answer", &mut delays);
    row("question, idle", &mut idle);
    row("question, while events come", &mut busy);
    println!(
        "accepted {} of {}; refused requests {}",
        sent.accepted.load(Ordering::Relaxed),
        events.made(),
        sent.refused.load(Ordering::Relaxed),
    );
    let at = |tenths: usize| memory[(memory.len() * tenths / 10).min(memory.len() - 1)];
    println!(
        "memory (MB): {memory_before} before; after each fifth of the time {}, {}, {}, {}, {}",
        at(2),
        at(4),
        at(6),
        at(8),
        at(10),
    );
    for way in [Way::Hec, Way::Bulk] {
        let rate = ceiling(args, &target, &events, way).await?;
        println!("as fast as it goes, {}: {rate:.0} events/s", way.name());
    }
    Ok(())
}

fn row(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| {
        let at = (times.len().saturating_sub(1) as f64 * share) as usize;
        times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    };
    println!(
        "| {name} ({}) | {:.1} ms | {:.1} ms | {:.1} ms |",
        times.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// Asks for the machines of users at a fixed rate; how long each answer took from when it was due.
async fn ask_for(
    args: &Args,
    target: &Arc<Target>,
    time: Duration,
) -> anyhow::Result<Vec<Duration>> {
    const CONNECTIONS: u64 = 4;
    let mut asking = JoinSet::new();
    let start = Instant::now();
    let pause = Duration::from_secs(1) * CONNECTIONS as u32 / args.questions.max(1) as u32;
    for number in 0..CONNECTIONS {
        let target = Arc::clone(target);
        asking.spawn(async move {
            let mut connection = Connection::new(target.address).await?;
            let mut random = fastrand::Rng::with_seed(number);
            let mut due = start + pause * number as u32 / CONNECTIONS as u32;
            let mut took = Vec::new();
            while due < start + time {
                tokio::time::sleep_until(due.into()).await;
                let (machines, users) = fill::CLASSES[random.usize(..fill::CLASSES.len())];
                let user = fill::user(machines, random.u64(..users));
                let path = format!("/api/users/{user}/machines");
                let authorization = format!("Bearer {}", target.bearer);
                let (status, _) = connection.get(&path, &authorization).await?;
                anyhow::ensure!(status == 200, "a question was answered {status}");
                took.push(due.elapsed());
                due += pause;
            }
            Ok(took)
        });
    }
    let mut all = Vec::new();
    while let Some(took) = asking.join_next().await {
        all.extend(took??);
    }
    Ok(all)
}

/// Sends at the rate; how long logons took from their event to an answer.
async fn send_at_rate(
    args: &Args,
    target: &Arc<Target>,
    events: &Arc<Events>,
    sent: &Arc<Sent>,
    time: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let delays = Arc::<Mutex<Vec<Duration>>>::default();
    let flush_ms = args.flush_ms;
    let flush = Duration::from_millis(flush_ms);
    let batch = args.rate * args.flush_ms / 1_000 / args.senders;
    anyhow::ensure!(batch > 0, "so few events fill no batch: raise --rate or --flush-ms");
    let start = Instant::now();
    let mut senders = JoinSet::new();
    for number in 0..args.senders {
        let (target, events, sent) = (Arc::clone(target), Arc::clone(events), Arc::clone(sent));
        let delays = Arc::clone(&delays);
        senders.spawn(async move {
            let way = if number % 2 == 0 { Way::Hec } else { Way::Bulk };
            let mut connection = Connection::new(target.address).await?;
            let mut random = fastrand::Rng::with_seed(number);
            let mut looks = JoinSet::new();
            let mut due = start + flush * number as u32 / 50;
            let mut round = 0;
            while due < start + time {
                // Events happen while the sender collects them; one a second is looked for.
                let happened = due + flush.mul_f64(random.f64());
                let is_looked_for = round * flush_ms % 1_000 < flush_ms;
                let probe = is_looked_for.then(|| format!("probe{number}x{round}"));
                let body = events.batch(way, batch, probe.as_deref(), &mut random);
                due += flush;
                round += 1;
                tokio::time::sleep_until(due.into()).await;
                if let Some(user) = probe {
                    let (target, delays) = (Arc::clone(&target), Arc::clone(&delays));
                    looks.spawn(async move {
                        let delay = look_for(&target, &user, happened).await?;
                        delays.lock().await.push(delay);
                        anyhow::Ok(())
                    });
                }
                deliver(&mut connection, &target, way, body, batch, &sent).await?;
            }
            while let Some(look) = looks.join_next().await {
                look??;
            }
            anyhow::Ok(())
        });
    }
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    let delays = std::mem::take(&mut *delays.lock().await);
    Ok(delays)
}

/// Sends a batch until it is accepted.
async fn deliver(
    connection: &mut Connection,
    target: &Target,
    way: Way,
    body: String,
    events: u64,
    sent: &Sent,
) -> anyhow::Result<()> {
    let authorization = way.authorization(&target.secret);
    loop {
        let (status, _) = connection.post(way.path(), &authorization, body.as_bytes()).await?;
        match status {
            200 => {
                sent.accepted.fetch_add(events, Ordering::Relaxed);
                return Ok(());
            }
            429 | 503 => {
                sent.refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            _ => anyhow::bail!("a batch was answered {status}"),
        }
    }
}

/// Asks for a user's machines until there are some; how long that is after their logon.
async fn look_for(target: &Target, user: &str, happened: Instant) -> anyhow::Result<Duration> {
    let mut connection = Connection::new(target.address).await?;
    let authorization = format!("Bearer {}", target.bearer);
    loop {
        let path = format!("/api/users/{user}/machines");
        let (_, body) = connection.get(&path, &authorization).await?;
        if body.windows(15).any(|text| text == b"computerDnsName") {
            return Ok(happened.elapsed());
        }
        anyhow::ensure!(happened.elapsed() < LOST, "the logon of {user} is in no answer");
        tokio::time::sleep(LOOK).await;
    }
}

/// Accepted events a second where every sender sends the next batch when the last one was answered.
async fn ceiling(
    args: &Args,
    target: &Arc<Target>,
    events: &Arc<Events>,
    way: Way,
) -> anyhow::Result<f64> {
    let time = Duration::from_secs(args.others);
    let sent = Arc::<Sent>::default();
    let start = Instant::now();
    let mut senders = JoinSet::new();
    for number in 0..args.senders {
        let (target, events, sent) = (Arc::clone(target), Arc::clone(events), Arc::clone(&sent));
        senders.spawn(async move {
            let mut connection = Connection::new(target.address).await?;
            let mut random = fastrand::Rng::with_seed(1_000 + number);
            while start.elapsed() < time {
                let body = events.batch(way, FAST_BATCH, None, &mut random);
                deliver(&mut connection, &target, way, body, FAST_BATCH, &sent).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    Ok(sent.accepted.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64().max(1e-9))
}

/// The server's memory, now and then.
async fn watch_memory(server: u32, time: Duration) -> anyhow::Result<Vec<u64>> {
    let start = Instant::now();
    let mut seen = Vec::new();
    while start.elapsed() < time {
        seen.push(memory_mb(server)?);
        tokio::time::sleep(time / 100).await;
    }
    Ok(seen)
}

/// What of a process is in memory, in MB, without what the system has of its files.
fn memory_mb(process: u32) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kb = line.and_then(|rest| rest.split_whitespace().next()).context("no RssAnon")?;
    Ok(kb.parse::<u64>()? / 1_024)
}
