//! Questions in the query language: the filters that the vendor documents, each as the first page
//! and as a count, and a thousand users in one question beside a thousand questions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use inventory::access::Permission;
use inventory::access::scope::Scope;
use inventory::change::{Author, MachineChange};
use inventory::query::MachineSelector;
use inventory::time::Timestamp;
use serde_json::Value;
use server::clock::{Clock, SystemClock};
use server::config::Config;
use server::limits::Limits;
use server::service::{Service, service};
use store::Store;
use tower::ServiceExt;

use crate::caller::Caller;
use crate::fleet;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Machines
    #[arg(long, default_value_t = 100_000)]
    machines: u64,
    /// Rows of a page
    #[arg(long, default_value_t = 10_000)]
    top: u64,
    /// Times that each question is asked
    #[arg(long, default_value_t = 20)]
    times: usize,
}

/// The documented filters (defender-api.md §5.2), and what clients send.
const FILTERS: [&str; 14] = [
    "computerDnsName eq 's0042-ws-0000042.dept05.corp.example'",
    "startswith(computerDnsName,'s0042-')",
    "contains(computerDnsName,'-0000042')",
    "osPlatform eq 'Windows11'",
    "osPlatform in ('Ubuntu','Windows10')",
    "riskScore eq 'High'",
    "riskScore eq 'High' and osPlatform eq 'WindowsServer2022'",
    "healthStatus ne 'Active'",
    "onboardingStatus eq 'Onboarded'",
    "lastSeen gt 2025-07-30Z",
    "lastSeen ge 2025-07-01T00:00:00Z and lastSeen lt 2025-07-02T00:00:00Z",
    "rbacGroupId eq 140",
    "machineTags/any(tag: tag eq 'Bench')",
    "logOnUsers/any(u: u/accountName eq 'user42')",
];
/// Machines that have the tag above.
const TAGGED: u64 = 500;
const USERS: u64 = 1_000;

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(args))
}

async fn measure(args: &Args) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = store::open(&format!("sqlite:{}/questions.sqlite", folder.path().display()))?;
    let tenant = store.default_tenant().await?.number;
    fleet::fill(&store, tenant, args.machines).await?;
    let clock = Arc::new(SystemClock);
    let now = clock.now();
    tag(store.as_ref(), &Scope::whole(tenant), args.machines, now).await?;
    // The logons are of 2025.
    let config = Config { limits: Limits::off(), look_back_days: None, ..Config::default() };
    let service = service(config, Arc::clone(&store), clock, ([127, 0, 0, 1], 80).into()).await?;
    let permissions = vec![Permission::MachineReadAll, Permission::UserReadAll];
    let caller = Caller::register(store.as_ref(), permissions, now).await?;
    let mut asker = Asker { service, token: caller.token(store.as_ref(), now).await?, asked: 0 };

    println!("| $filter | rows | page p50 | page p99 | us a row | count p50 |");
    println!("|---|---|---|---|---|---|");
    for filter in [None].into_iter().chain(FILTERS.map(Some)) {
        asker.list(args, filter).await?;
    }
    asker.users(args).await
}

async fn tag(
    store: &dyn Store,
    scope: &Scope,
    machines: u64,
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut tagged = Vec::new();
    for place in 0..TAGGED.min(machines) {
        let number = place * (machines / TAGGED.min(machines));
        let selector = MachineSelector::Name(fleet::name(number));
        tagged.extend(store.machine(scope, &selector).await?.map(|machine| machine.id));
    }
    let change = MachineChange::AddTag("Bench".to_owned());
    let author = Author { time: now, app: None, person: None };
    store.change_machines(scope, tagged, vec![change], author).await?;
    Ok(())
}

/// Asks in process.
struct Asker {
    service: Service,
    token: String,
    asked: u64,
}

impl Asker {
    /// The answer's bytes, and the time until they are all there.
    async fn ask(&mut self, question: &str) -> anyhow::Result<(Duration, Bytes)> {
        self.asked += 1;
        // A parameter that nothing reads keeps the answer from being a remembered one.
        let question = question.replace(' ', "+");
        let sign = if question.contains('?') { '&' } else { '?' };
        let path = format!("{question}{sign}n={}", self.asked);
        let request = Request::get(path)
            .header("host", "footfall.example")
            .header("authorization", format!("Bearer {}", self.token))
            .body(Empty::<Bytes>::new())?;
        let start = Instant::now();
        let response = self.service.clone().oneshot(request).await?;
        let status = response.status();
        let collected = response.into_body().collect().await;
        let body = collected.map_err(|error| anyhow::anyhow!("a body: {error}"))?.to_bytes();
        let time = start.elapsed();
        anyhow::ensure!(status == 200, "{question}: {status} {}", String::from_utf8_lossy(&body));
        Ok((time, body))
    }

    async fn list(&mut self, args: &Args, filter: Option<&str>) -> anyhow::Result<()> {
        let asked = filter.map_or_else(String::new, |filter| format!("$filter={filter}&"));
        let (mut pages, mut counts, mut rows) = (Vec::new(), Vec::new(), 0);
        for _ in 0..args.times {
            let (time, body) = self.ask(&format!("/api/machines?{asked}$top={}", args.top)).await?;
            pages.push(time);
            rows = rows_of(&body)?.len();
            let path = format!("/api/machines/$count?{}", asked.trim_end_matches('&'));
            counts.push(self.ask(path.trim_end_matches('?')).await?.0);
        }
        let page = at(&mut pages, 0.5);
        println!(
            "| `{}` | {rows} | {} | {} | {:.1} | {} |",
            filter.unwrap_or("-"),
            ms(page),
            ms(at(&mut pages, 0.99)),
            page.as_secs_f64() * 1e6 / rows.max(1) as f64,
            ms(at(&mut counts, 0.5)),
        );
        Ok(())
    }

    /// The machines of a thousand users, in one question and one by one.
    async fn users(&mut self, args: &Args) -> anyhow::Result<()> {
        let each = (args.machines / fleet::MACHINES_A_USER / USERS).max(1);
        let names: Vec<String> = (0..USERS).map(|place| format!("user{}", place * each)).collect();
        let all =
            format!("/api/users?$filter=accountName in ('{}')&$expand=machines", names.join("','"));
        let (mut together, mut singly, mut machines) = (Vec::new(), Vec::new(), 0);
        for _ in 0..args.times {
            let (time, body) = self.ask(&all).await?;
            together.push(time);
            let in_one: usize = rows_of(&body)?
                .iter()
                .map(|user| user["machines"].as_array().map_or(0, Vec::len))
                .sum();
            let mut whole = Duration::ZERO;
            machines = 0;
            for name in &names {
                let (time, body) = self.ask(&format!("/api/users/{name}/machines")).await?;
                whole += time;
                machines += rows_of(&body)?.len();
            }
            singly.push(whole);
            anyhow::ensure!(in_one == machines, "{in_one} machines in one, {machines} singly");
        }
        println!(
            "{machines} machines of {USERS} users: {} in one question, {} in {USERS}",
            ms(at(&mut together, 0.5)),
            ms(at(&mut singly, 0.5)),
        );
        Ok(())
    }
}

fn rows_of(body: &[u8]) -> anyhow::Result<Vec<Value>> {
    let mut answer: Value = serde_json::from_slice(body)?;
    let rows = answer["value"].take();
    rows.as_array().cloned().ok_or_else(|| anyhow::anyhow!("no rows"))
}

fn at(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let place = (times.len() as f64 * share) as usize;
    times.get(place).copied().unwrap_or_default()
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
