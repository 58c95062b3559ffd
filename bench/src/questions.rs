//! Questions in the query language: the filters that the vendor documents, each as the first page
//! and as a count, and a thousand users in one question beside a thousand questions.

mod floor;
mod users;

use std::path::Path;
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
    /// Machines; several numbers make a run for each
    #[arg(long, default_value = "100000", value_delimiter = ',')]
    machines: Vec<u64>,
    /// Rows of a page
    #[arg(long, default_value_t = 10_000)]
    top: u64,
    /// Times that each question is asked
    #[arg(long, default_value_t = 20)]
    times: usize,
}

/// Filters, each with the condition that means the same to the sqlite3 program: those on the properties
/// that the vendor documents (defender-api.md §5.1), then others that clients send.
const FILTERS: [(&str, &str); 23] = [
    ("computerDnsName eq '{name}'", "name_key = '{name}'"),
    ("startswith(computerDnsName,'s0042-')", "name_key >= 's0042-' AND name_key < 's0042.'"),
    ("contains(computerDnsName,'-0000042')", "name_key LIKE '%-0000042%'"),
    ("id eq '{id}'", "id = x'{id}'"),
    ("version eq '22H2'", "version = '22H2' COLLATE NOCASE"),
    ("deviceValue eq 'High'", "device_value = 'High' COLLATE NOCASE AND device_value <> 'Normal'"),
    ("aadDeviceId eq 00000000-0000-0000-0000-00000000002a", "aad_device_id = x'{aad}'"),
    (
        "machineTags/any(tag: tag eq 'Bench')",
        "number IN (
        SELECT machine FROM machine_tag WHERE tenant = 1 AND tag = 'Bench')",
    ),
    ("lastSeen gt 2025-07-30Z", "last_seen > 17538336000000000"),
    (
        "lastSeen ge 2025-07-01T00:00:00Z and lastSeen lt 2025-07-02T00:00:00Z",
        "last_seen >= 17513280000000000 AND last_seen < 17514144000000000",
    ),
    ("exposureLevel eq 'High'", "coalesce(exposure_level, 'None') = 'High' COLLATE NOCASE"),
    (
        "onboardingStatus eq 'Onboarded'",
        "coalesce(onboarding_status, 'Onboarded') = 'Onboarded' COLLATE NOCASE",
    ),
    ("lastIpAddress eq '10.0.0.42'", "last_ip_address = '10.0.0.42' COLLATE NOCASE"),
    ("healthStatus ne 'Active'", "last_seen < 17800000000000000"),
    ("osPlatform eq 'Windows11'", "os_platform = 'Windows11' COLLATE NOCASE"),
    (
        "osPlatform in ('Ubuntu','Windows10')",
        "os_platform COLLATE NOCASE IN ('Ubuntu', 'Windows10')",
    ),
    ("riskScore eq 'High'", "coalesce(risk_score, 'None') = 'High' COLLATE NOCASE"),
    (
        "riskScore eq 'High' and osPlatform eq 'WindowsServer2022'",
        "coalesce(risk_score, 'None') = 'High' COLLATE NOCASE
         AND os_platform = 'WindowsServer2022' COLLATE NOCASE",
    ),
    ("rbacGroupId eq 140", "rbac_group_id = 140"),
    (
        "logOnUsers/any(u: u/accountName eq 'user42')",
        "number IN (SELECT machine FROM relation
        WHERE account IN (SELECT number FROM account WHERE tenant = 1 AND name = 'user42'))",
    ),
    (
        "logOnUsers/any(u: contains(u/accountName,'r4242'))",
        "number IN (SELECT machine FROM relation
        WHERE account IN (SELECT number FROM account WHERE tenant = 1 AND name LIKE '%r4242%'))",
    ),
    (
        "logOnUsers/any(u: endswith(u/accountName,'7'))",
        "number IN (SELECT machine FROM relation
        WHERE account IN (SELECT number FROM account WHERE tenant = 1 AND name LIKE '%7'))",
    ),
    (
        "logOnUsers/any(u: u/lastSeen ge 2025-07-31T12:00:00Z)",
        "number IN (SELECT machine FROM relation WHERE last_seen >= 17539632000000000)",
    ),
];
/// Machines that have the tag above.
const TAGGED: u64 = 500;

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(args))
}

async fn measure(args: &Args) -> anyhow::Result<()> {
    if !floor::is_installed() {
        println!("SKIPPED: the floor of each page, as there is no program sqlite3 here");
    }
    for machines in &args.machines {
        println!("\n{machines} machines:\n");
        measure_fleet(args, *machines).await?;
    }
    Ok(())
}

async fn measure_fleet(args: &Args, machines: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("questions.sqlite");
    let store = store::open(&format!("sqlite:{}", database.display()))?;
    let tenant = store.default_tenant().await?.number;
    fleet::fill(&store, tenant, machines).await?;
    let clock = Arc::new(SystemClock);
    let now = clock.now();
    let scope = Scope::whole(tenant);
    tag(store.as_ref(), &scope, machines, now).await?;
    // The logons are of 2025.
    let config = Config { limits: Limits::off(), look_back_days: None, ..Config::default() };
    let local = ([127, 0, 0, 1], 80).into();
    let service = service(config.clone(), Arc::clone(&store), clock, local).await?;
    let permissions = vec![Permission::MachineReadAll, Permission::UserReadAll];
    let caller = Caller::register(store.as_ref(), permissions, now).await?;
    let token = caller.token(store.as_ref(), now).await?;
    let selector = MachineSelector::Name(fleet::name(42));
    let one = store.machine(&scope, &selector).await?;
    let id = one.map(|machine| machine.id.to_string()).unwrap_or_default();
    let mut asker = Asker { service, token: token.clone(), asked: 0 };

    println!("| $filter | rows | page p50 | page p99 | sqlite3 | of it | count p50 |");
    println!("|---|---|---|---|---|---|---|");
    asker.list(args, &database, None).await?;
    for (filter, condition) in FILTERS {
        let filled = |text: &str| {
            let text = text.replace("{name}", &fleet::name(42)).replace("{id}", &id);
            text.replace("{aad}", "0000000000000000000000000000002a")
        };
        asker.list(args, &database, Some((&filled(filter), &filled(condition)))).await?;
    }
    users::measure(args, machines, config, store, &token).await
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

    /// A filter's first page and count, beside the program that prints the same rows.
    async fn list(
        &mut self,
        args: &Args,
        database: &Path,
        filter: Option<(&str, &str)>,
    ) -> anyhow::Result<()> {
        let (filter, condition) = filter.unwrap_or(("-", "1"));
        let asked = if filter == "-" { String::new() } else { format!("$filter={filter}&") };
        let has_floor = floor::is_installed();
        let (mut pages, mut counts, mut floors, mut rows) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for _ in 0..args.times {
            let (time, body) = self.ask(&format!("/api/machines?{asked}$top={}", args.top)).await?;
            pages.push(time);
            rows = rows_of(&body)?.len();
            let path = format!("/api/machines/$count?{}", asked.trim_end_matches('&'));
            counts.push(self.ask(path.trim_end_matches('?')).await?.0);
            if has_floor {
                floors.push(floor::print(database, condition, args.top)?);
            }
        }
        let (page, floor) = (at(&mut pages, 0.5), at(&mut floors, 0.5));
        let (floor, ratio) = match has_floor {
            true => (ms(floor), format!("{:.2}", page.as_secs_f64() / floor.as_secs_f64())),
            false => ("-".to_owned(), "-".to_owned()),
        };
        println!(
            "| `{filter}` | {rows} | {} | {} | {floor} | {ratio} | {} |",
            ms(page),
            ms(at(&mut pages, 0.99)),
            ms(at(&mut counts, 0.5)),
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
