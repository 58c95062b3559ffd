//! Entries into the audit and out of it: how fast, and how many bytes each takes.

use std::time::Instant;

use inventory::access::audit::{Deed, Entry, Filter};
use inventory::ids::TenantId;
use inventory::time::Timestamp;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Entries
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Entries of one transaction
    #[arg(long, default_value_t = 1_000)]
    batch: usize,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("audit.sqlite");
    let store = store::open(&format!("sqlite:{}", path.display()))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let entries: Vec<Entry> = (0..args.entries).map(entry).collect();
    let batches: Vec<_> = entries.chunks(args.batch).map(<[Entry]>::to_vec).collect();
    let start = Instant::now();
    for batch in batches {
        runtime.block_on(store.append_audit(batch))?;
    }
    let rate = |start: Instant| args.entries as f64 / start.elapsed().as_secs_f64();
    println!("{} entries in, {:.0}/s", args.entries, rate(start));
    let start = Instant::now();
    let mut read = 0u64;
    runtime.block_on(store.audit(&Filter::default(), &mut |_| {
        read += 1;
        Ok(())
    }))?;
    println!("{read} entries out, {:.0}/s", rate(start));
    drop(store);
    let bytes = std::fs::metadata(folder.path().join("audit.sqlite-audit"))?.len();
    println!("{:.0} bytes an entry", bytes as f64 / args.entries as f64);
    Ok(())
}

/// A call of the API, some 60 µs after the one before.
fn entry(number: u64) -> Entry {
    let second = 1_748_822_400 + (number / 16_000) as i64;
    let ticks = (number % 16_000 * 625) as i64;
    let mut id = [7; 16];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    Entry {
        time: Timestamp::from_seconds(second, ticks).unwrap_or(Timestamp::MIN),
        tenant: Some(TenantId(1)),
        deed: Deed::Call,
        correlation: uuid::Uuid::from_bytes(id),
        app: Some(uuid::Uuid::from_u128(7)),
        person: None,
        address: "10.1.76.35".parse().ok(),
        operation: "GET /api/users/{id}/machines".to_owned(),
        detail: format!("/api/users/user{}/machines", number % 100_000),
        status: 200,
        rows: Some(8),
        latency_us: 60,
    }
}
