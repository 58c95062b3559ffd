//! Questions in the query language: the filters that the vendor documents, each as the first page
//! and as a count, and a thousand users in one question beside a thousand questions.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use inventory::access::scope::Scope;
use inventory::change::{Author, MachineChange};
use inventory::filter::{Binder, Condition, EntityKind};
use inventory::ids::TenantId;
use inventory::query::{MachineList, MachineSelector, Page, UserList, UserSelector, Window};
use inventory::time::Timestamp;
use store::Store;

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
    let folder = tempfile::tempdir()?;
    let store = store::open(&format!("sqlite:{}/questions.sqlite", folder.path().display()))?;
    tokio::runtime::Runtime::new()?.block_on(measure(&store, args))
}

async fn measure(store: &Arc<dyn Store>, args: &Args) -> anyhow::Result<()> {
    let tenant = store.default_tenant().await?.number;
    fleet::fill(store, tenant, args.machines).await?;
    let scope = Scope::whole(tenant);
    tag(store, &scope, args.machines).await?;

    println!("| $filter | rows | page p50 | page p99 | us a row | count p50 |");
    println!("|---|---|---|---|---|---|");
    ask(store, &scope, args, None, "-").await?;
    for text in FILTERS {
        let filter = bind(text)?;
        ask(store, &scope, args, Some(filter), text).await?;
    }
    users(store, tenant, args).await
}

async fn tag(store: &Arc<dyn Store>, scope: &Scope, machines: u64) -> anyhow::Result<()> {
    let mut tagged = Vec::new();
    for place in 0..TAGGED.min(machines) {
        let number = place * (machines / TAGGED.min(machines));
        let selector = MachineSelector::Name(fleet::name(number));
        tagged.extend(store.machine(scope, &selector).await?.map(|machine| machine.id));
    }
    let change = MachineChange::AddTag("Bench".to_owned());
    let author = Author { time: now(), app: None, person: None };
    store.change_machines(scope, tagged, vec![change], author).await?;
    Ok(())
}

/// After the last logon.
fn now() -> Timestamp {
    Timestamp::from_seconds(1_754_006_400, 0).unwrap_or(Timestamp::MAX)
}

fn bind(text: &str) -> anyhow::Result<Condition> {
    let options = odata::options::parse(&format!("$filter={text}"), 10_000)?;
    let filter = options.filter.ok_or_else(|| anyhow::anyhow!("no filter in {text}"))?;
    let mut binder = Binder::new(EntityKind::Machine, now());
    binder.condition(&filter).map_err(|error| anyhow::anyhow!("{text}: {}", error.message))
}

async fn ask(
    store: &Arc<dyn Store>,
    scope: &Scope,
    args: &Args,
    filter: Option<Condition>,
    text: &str,
) -> anyhow::Result<()> {
    let page = Page { skip: 0, top: args.top };
    let list = MachineList { filter, ..MachineList::all(page, now()) };
    let (mut pages, mut counts, mut rows) = (Vec::new(), Vec::new(), 0);
    for _ in 0..args.times {
        let start = Instant::now();
        rows = black_box(store.machines(scope, list.clone()).await?).machines.len();
        pages.push(start.elapsed());
        let start = Instant::now();
        black_box(store.count_machines(scope, list.clone()).await?);
        counts.push(start.elapsed());
    }
    let page = at(&mut pages, 0.5);
    println!(
        "| `{text}` | {rows} | {} | {} | {:.1} | {} |",
        ms(page),
        ms(at(&mut pages, 0.99)),
        page.as_secs_f64() * 1e6 / rows.max(1) as f64,
        ms(at(&mut counts, 0.5)),
    );
    Ok(())
}

/// The machines of a thousand users, in one question and one by one.
async fn users(store: &Arc<dyn Store>, tenant: TenantId, args: &Args) -> anyhow::Result<()> {
    let scope = Scope::whole(tenant);
    let names: Vec<String> =
        (0..USERS).map(|place| fleet::user(place * (args.machines / USERS))).collect();
    let (mut together, mut singly) = (Vec::new(), Vec::new());
    let mut found: HashMap<&str, u64> = HashMap::new();
    for _ in 0..args.times {
        let start = Instant::now();
        let text = format!("accountName in ('{}')", names.join("','"));
        let options = odata::options::parse(&format!("$filter={text}"), 10_000)?;
        let filter = options.filter.ok_or_else(|| anyhow::anyhow!("no filter"))?;
        let mut binder = Binder::new(EntityKind::User, now());
        let filter = binder.condition(&filter).map_err(|error| anyhow::anyhow!(error.message))?;
        let list = UserList {
            filter: Some(filter),
            of: None,
            window: Window::ALL,
            order: Vec::new(),
            after: None,
            page: Page { skip: 0, top: 10_000 },
            now: now(),
        };
        let users = store.users(&scope, list).await?.users;
        let accounts = users.into_iter().map(|user| user.account).collect();
        let machines = store.machines_of_accounts(&scope, accounts, Window::ALL).await?;
        together.push(start.elapsed());
        found.insert("together", machines.iter().map(|of| of.len() as u64).sum());

        let start = Instant::now();
        let mut rows = 0;
        for name in &names {
            let user = UserSelector { name: name.clone(), domain: None };
            let page = Page { skip: 0, top: 10_000 };
            rows += store.machines_of_user(&scope, &user, Window::ALL, page).await?.len() as u64;
        }
        singly.push(start.elapsed());
        found.insert("singly", rows);
    }
    anyhow::ensure!(found["together"] == found["singly"], "not the same machines: {found:?}");
    println!(
        "machines of {USERS} users ({} in all): {} in one question, {} in {USERS}",
        found["singly"],
        ms(at(&mut together, 0.5)),
        ms(at(&mut singly, 0.5)),
    );
    Ok(())
}

fn at(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let place = (times.len() as f64 * share) as usize;
    times.get(place).copied().unwrap_or_default()
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
