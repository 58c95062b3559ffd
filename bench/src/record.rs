//! Logons straight into the store: how fast, and how many bytes each takes in each table.

use std::time::Instant;

use inventory::access::scope::Scope;
use inventory::account::Account;
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source};
use inventory::time::Timestamp;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Logons to record
    #[arg(long, default_value_t = 1_000_000)]
    logons: u64,
    /// Users and machines among which they fall; each user keeps to five machines
    #[arg(long, default_value_t = 20_000)]
    users: u64,
    /// Logons of one transaction
    #[arg(long, default_value_t = 50_000)]
    batch: usize,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("record.sqlite");
    let store = store::open(&format!("sqlite:{}", path.display()))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let tenant = runtime.block_on(store.default_tenant())?.number;
    let logons = logons(args);
    for pass in ["new", "repeated"] {
        let batches: Vec<Vec<Logon>> = logons.chunks(args.batch).map(<[Logon]>::to_vec).collect();
        let start = Instant::now();
        for batch in batches {
            runtime.block_on(store.record(tenant, batch))?;
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{pass}: {} logons in {seconds:.2} s, {:.0}/s",
            args.logons,
            args.logons as f64 / seconds
        );
    }
    let totals = runtime.block_on(store.totals(&Scope::whole(tenant)))?;
    drop(store);
    let bytes = std::fs::metadata(&path)?.len();
    println!("{totals:?}, {bytes} bytes, {:.1} bytes/logon", bytes as f64 / args.logons as f64);
    Ok(())
}

/// Logons over 60 days in the order of time, as a log has them.
fn logons(args: &Args) -> Vec<Logon> {
    let mut random = fastrand::Rng::with_seed(1);
    let span_s = 60 * 86_400;
    (0..args.logons)
        .map(|number| {
            let user = random.u64(0..args.users);
            let machine = (user * 7 + random.u64(0..5)) % args.users;
            let second = 1_748_822_400 + (number * span_s / args.logons) as i64;
            Logon {
                account: Account {
                    name: format!("user{user}"),
                    domain: "corp".to_owned(),
                    ..Account::default()
                },
                machine: MachineRef::named(format!("ws-{machine:06}.corp.example")),
                time: Timestamp::from_seconds(second, random.i64(0..10_000_000))
                    .unwrap_or(Timestamp::MIN),
                logon_type: LogonType::new([2, 3, 7, 10][random.usize(0..4)])
                    .unwrap_or_else(|| unreachable!()),
                remote_address: None,
                remote_name: None,
                source: Source::Simulated,
                key: EventKey { session: 0x10_0000 + number * 37, record: Some(number + 1) },
            }
        })
        .collect()
}
