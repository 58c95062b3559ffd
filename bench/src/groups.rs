//! Device groups at the size of their limits: 1,000,000 machines and 2,000 groups. How long all
//! machines take to follow new rules, and what questions cost meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use inventory::access::device_group::{
    AutomationLevel, Condition, DeviceGroup, MAX_GROUPS, Operator, OsCondition, Rules,
};
use inventory::access::directory::Directory;
use inventory::access::scope::{Groups, Scope};
use inventory::ids::TenantId;
use inventory::query::{MachineList, MachineSelector, Page, UserSelector, Window};
use inventory::time::Timestamp;
use store::Store;

use crate::fleet::{self, PLATFORMS, SITES, name, user};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Machines
    #[arg(long, default_value_t = 1_000_000)]
    machines: u64,
    /// Machines of one step of regrouping
    #[arg(long, default_value_t = 5_000)]
    step: u64,
}

/// Questions of each kind that are measured with nothing else going on.
const IDLE_QUESTIONS: usize = 5_000;
const LIST: Page = Page { skip: 0, top: 100 };

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = store::open(&format!("sqlite:{}/groups.sqlite", folder.path().display()))?;
    tokio::runtime::Runtime::new()?.block_on(measure(&store, args))
}

async fn measure(store: &Arc<dyn Store>, args: &Args) -> anyhow::Result<()> {
    let tenant = store.default_tenant().await?.number;
    let start = Instant::now();
    fleet::fill(store, tenant, args.machines).await?;
    println!("filled in {:.1} s", start.elapsed().as_secs_f64());

    let asker = Asker { store: Arc::clone(store), tenant, machines: args.machines };
    let mut random = fastrand::Rng::with_seed(2);
    let mut idle = Latencies::default();
    for _ in 0..IDLE_QUESTIONS {
        asker.ask_point(&mut random, &mut idle).await?;
    }
    for _ in 0..IDLE_QUESTIONS / 50 {
        asker.ask_list(&mut idle).await?;
    }
    idle.print("idle");

    let kept = store.directory(tenant).await?;
    let directory = Directory { device_groups: groups(), ..kept.directory };
    anyhow::ensure!(store.save_directory(tenant, kept.generation, &directory).await?, "saved");
    let (seconds, moved, longest) = regroup_under_questions(&asker, args.step).await?;
    println!(
        "regrouped {} machines ({moved} moved) among {} groups in {seconds:.1} s, {:.0}/s; the \
         longest step took {:.0} ms",
        args.machines,
        directory.device_groups.len(),
        args.machines as f64 / seconds,
        longest.as_secs_f64() * 1000.0
    );
    ask_as_people(&asker).await
}

/// Regroups to the end while another task asks; seconds, machines that moved, longest step.
async fn regroup_under_questions(asker: &Asker, step: u64) -> anyhow::Result<(f64, u64, Duration)> {
    let done = Arc::new(AtomicBool::new(false));
    let questions = tokio::spawn({
        let (asker, done) = (asker.clone(), Arc::clone(&done));
        async move {
            let mut random = fastrand::Rng::with_seed(3);
            let mut latencies = Latencies::default();
            while !done.load(Ordering::Relaxed) {
                for _ in 0..50 {
                    asker.ask_point(&mut random, &mut latencies).await?;
                }
                asker.ask_list(&mut latencies).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            anyhow::Ok(latencies)
        }
    });
    let start = Instant::now();
    let (mut moved, mut longest) = (0, Duration::ZERO);
    loop {
        let begun = Instant::now();
        let regrouped = asker.store.regroup(asker.tenant, step).await?;
        longest = longest.max(begun.elapsed());
        moved += regrouped.moved;
        if regrouped.finished {
            break;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    done.store(true, Ordering::Relaxed);
    questions.await??.print("while regrouping");
    Ok((seconds, moved, longest))
}

/// What questions cost those who see one group, many, and nearly all.
async fn ask_as_people(asker: &Asker) -> anyhow::Result<()> {
    let start = Instant::now();
    let counts = asker.store.group_counts(asker.tenant).await?;
    println!("counts of {} groups: {:.1} ms", counts.len(), ms(start));
    let all: Vec<i32> = counts.iter().map(|count| count.group).collect();
    let smallest = counts.iter().min_by_key(|count| count.machines);
    let one: Vec<i32> = smallest.map(|count| count.group).into_iter().collect();
    for (who, groups) in [("one small group", &one[..]), ("20 groups", &all[..20]), ("all", &all)] {
        let scope = Scope::new(asker.tenant, Groups::only(groups.iter().copied()));
        let machines =
            counts.iter().filter(|count| groups.contains(&count.group)).map(|c| c.machines);
        println!("seen by those of {who}: {} machines", machines.sum::<u64>());
        let mut random = fastrand::Rng::with_seed(4);
        let mut latencies = Latencies::default();
        for _ in 0..100 {
            asker.ask_point_of(&scope, &mut random, &mut latencies).await?;
            asker.ask_list_of(&scope, &mut latencies).await?;
        }
        latencies.print(who);
        let start = Instant::now();
        let totals = asker.store.totals(&scope).await?;
        println!("  totals: {:.1} ms ({totals:?})", ms(start));
    }
    let value = "no machine".to_owned();
    let nothing = Rules {
        devices_names_conditions: vec![Condition { condition: Operator::Contains, value }],
        ..Rules::default()
    };
    let value = "no tag".to_owned();
    let no_tag = Rules {
        devices_tags_conditions: vec![Condition { condition: Operator::Equals, value }],
        ..Rules::default()
    };
    let whole = Scope::whole(asker.tenant);
    for (what, rules) in [("names", nothing), ("tags", no_tag), ("many", groups()[0].rules.clone())]
    {
        let start = Instant::now();
        let found = asker.store.preview(&whole, &rules, 10).await?.len();
        println!("preview of rules on {what}: {found} machines in {:.1} ms", ms(start));
    }
    Ok(())
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

#[derive(Clone)]
struct Asker {
    store: Arc<dyn Store>,
    tenant: TenantId,
    machines: u64,
}

#[derive(Default)]
struct Latencies {
    points: Vec<Duration>,
    lists: Vec<Duration>,
}

impl Asker {
    async fn ask_point(
        &self,
        random: &mut fastrand::Rng,
        latencies: &mut Latencies,
    ) -> anyhow::Result<()> {
        self.ask_point_of(&Scope::whole(self.tenant), random, latencies).await
    }

    async fn ask_list(&self, latencies: &mut Latencies) -> anyhow::Result<()> {
        self.ask_list_of(&Scope::whole(self.tenant), latencies).await
    }

    /// A machine by name, and a user's machines, each as one question.
    async fn ask_point_of(
        &self,
        scope: &Scope,
        random: &mut fastrand::Rng,
        latencies: &mut Latencies,
    ) -> anyhow::Result<()> {
        let number = random.u64(0..self.machines);
        let by_name = MachineSelector::Name(name(number));
        let start = Instant::now();
        std::hint::black_box(self.store.machine(scope, &by_name).await?);
        latencies.points.push(start.elapsed());
        let user = UserSelector { name: user(number), domain: None, accounts: None };
        let start = Instant::now();
        let page = Page { skip: 0, top: 100 };
        std::hint::black_box(self.store.machines_of_user(scope, &user, Window::ALL, page).await?);
        latencies.points.push(start.elapsed());
        Ok(())
    }

    async fn ask_list_of(&self, scope: &Scope, latencies: &mut Latencies) -> anyhow::Result<()> {
        let start = Instant::now();
        std::hint::black_box(
            self.store.machines(scope, MachineList::all(LIST, Timestamp::MAX)).await?,
        );
        latencies.lists.push(start.elapsed());
        Ok(())
    }
}

impl Latencies {
    fn print(mut self, when: &str) {
        for (what, times) in
            [("point questions", &mut self.points), ("lists of 100", &mut self.lists)]
        {
            times.sort_unstable();
            let at = |share: f64| {
                let place = (times.len() as f64 * share) as usize;
                times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e6)
            };
            println!(
                "  {when}: {} {what}: p50 {:.0} us, p99 {:.0} us, longest {:.0} us",
                times.len(),
                at(0.5),
                at(0.99),
                times.last().map_or(0.0, |time| time.as_secs_f64() * 1e6)
            );
        }
    }
}

/// As many groups as there may be: for each site the workstations and the rest, by name, domain and
/// platform; every tenth also asks for a tag that nothing has, so that its machines go elsewhere.
fn groups() -> Vec<DeviceGroup> {
    let condition = |condition, value: String| Condition { condition, value };
    (0..MAX_GROUPS)
        .map(|place| {
            let site = place as u64 % SITES;
            let platforms = if (place as u64) < SITES { &PLATFORMS[..2] } else { &PLATFORMS[2..] };
            let tags = if place % 10 == 9 {
                vec![condition(Operator::Equals, format!("tag{place}"))]
            } else {
                Vec::new()
            };
            DeviceGroup {
                id: place as i32 + 1,
                name: format!("Site {site}, {}", platforms[0]),
                description: String::new(),
                automation_level: AutomationLevel::default(),
                rules: Rules {
                    devices_names_conditions: vec![
                        condition(Operator::StartsWith, format!("S{site:04}-ws")),
                        condition(Operator::Contains, format!("-srv{site}-")),
                    ],
                    devices_domains_conditions: vec![
                        condition(Operator::EndsWith, "corp.example".to_owned()),
                        condition(Operator::Equals, format!("site{site}.example")),
                    ],
                    devices_tags_conditions: tags,
                    devices_os_conditions: vec![OsCondition {
                        condition: Operator::In,
                        values_list: platforms.iter().map(|&name| name.to_owned()).collect(),
                    }],
                },
                access: Vec::new(),
                changed: 0,
            }
        })
        .collect()
}
