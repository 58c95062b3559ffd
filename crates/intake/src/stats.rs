//! What is counted for metrics, since the server started.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use inventory::time::TICKS_PER_SECOND;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use store::{Counts, Delivery, Recorded, SenderKey};

/// Senders with a series of their own; others are one, for addresses can be anybody's.
const MAX_SENDERS: usize = 1_000;
/// What the others are called.
const OTHERS: &str = "(others)";
/// From the time of a logon to its answer; what is older was sent late.
const LAG_SECONDS: [f64; 12] =
    [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3_600.0, 86_400.0];
/// Transactions whose times are remembered one by one.
const LAST_COMMITS: usize = 512;
const COMMIT_SECONDS: [f64; 12] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    kind: &'static str,
    sender: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    kind: &'static str,
}

/// The counters. Clones are one.
#[derive(Clone)]
pub struct Stats(Arc<Inner>);

struct Inner {
    named: Mutex<HashSet<SenderKey>>,
    received: Family<Of, Counter>,
    accepted: Family<Of, Counter>,
    duplicates: Family<Of, Counter>,
    noise: Family<Of, Counter>,
    rejected: Family<Of, Counter>,
    dropped: Family<Of, Counter>,
    /// The same of all senders.
    all_dropped: Counter,
    refused: Family<OfKind, Counter>,
    lag: Family<Of, Histogram, fn() -> Histogram>,
    wait: Histogram,
    commits: Histogram,
    /// How long the last transactions took, the oldest first.
    last_commits: Mutex<VecDeque<Duration>>,
    failures: Counter,
    waiting: Gauge,
    waiting_max: Gauge,
    held: Gauge,
    held_max: Gauge,
}

impl Default for Stats {
    fn default() -> Self {
        Self(Arc::new(Inner {
            named: Mutex::default(),
            received: Family::default(),
            accepted: Family::default(),
            duplicates: Family::default(),
            noise: Family::default(),
            rejected: Family::default(),
            dropped: Family::default(),
            all_dropped: Counter::default(),
            refused: Family::default(),
            lag: Family::new_with_constructor(|| Histogram::new(LAG_SECONDS)),
            wait: Histogram::new(COMMIT_SECONDS),
            commits: Histogram::new(COMMIT_SECONDS),
            last_commits: Mutex::default(),
            failures: Counter::default(),
            waiting: Gauge::default(),
            waiting_max: Gauge::default(),
            held: Gauge::default(),
            held_max: Gauge::default(),
        }))
    }
}

impl Stats {
    /// Shows them in a registry.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("footfall_intake");
        let this = &*self.0;
        for (name, help, family) in [
            ("received", "Records that came", &this.received),
            ("accepted", "Logons and reports that were kept", &this.accepted),
            ("duplicates", "Logons that were known", &this.duplicates),
            ("noise", "Logons that the rule leaves out", &this.noise),
            ("rejected", "Records that could not be read", &this.rejected),
            ("dropped", "Records that were lost for want of room (UDP)", &this.dropped),
        ] {
            registry.register(name, help, family.clone());
        }
        registry.register(
            "refused",
            "Requests whose senders were told to come again",
            this.refused.clone(),
        );
        registry.register_with_unit(
            "lag",
            "From the time of a logon to where answers show it",
            Unit::Seconds,
            this.lag.clone(),
        );
        registry.register_with_unit(
            "wait",
            "From where telemetry was read to where it was durable",
            Unit::Seconds,
            this.wait.clone(),
        );
        registry.register_with_unit(
            "commit",
            "How long transactions took",
            Unit::Seconds,
            this.commits.clone(),
        );
        for (name, help, gauge) in [
            ("waiting", "Logons and reports that wait to be written", &this.waiting),
            ("waiting_max", "How many may", &this.waiting_max),
            ("held_bytes", "Bytes of what was sent that are held", &this.held),
            ("held_bytes_max", "How many may be", &this.held_max),
        ] {
            registry.register(name, help, gauge.clone());
        }
        registry.register("commit_failures", "Transactions that failed", this.failures.clone());
    }

    /// A sender was told to come again.
    pub fn refuse(&self, kind: &'static str) {
        self.0.refused.get_or_create(&OfKind { kind }).inc();
    }

    /// So many records of a sender were lost: there was no room, and it does not send them again.
    pub fn dropped(&self, sender: &SenderKey, records: u64) {
        self.0.dropped.get_or_create(&self.of(sender)).inc_by(records);
        self.0.all_dropped.inc_by(records);
    }

    /// Records of all senders that were lost for want of room.
    pub fn all_dropped(&self) -> u64 {
        self.0.all_dropped.get()
    }

    /// How long the last transactions took, the shortest first; at most some hundred.
    pub fn last_commits(&self) -> Vec<Duration> {
        let last = self.0.last_commits.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last: Vec<_> = last.iter().copied().collect();
        last.sort_unstable();
        last
    }

    /// What waits and is held now, for who reads the metrics next.
    pub(crate) fn set_depths(&self, waiting: (usize, usize), held: (usize, usize)) {
        let this = &*self.0;
        for (gauge, value) in [
            (&this.waiting, waiting.0),
            (&this.waiting_max, waiting.1),
            (&this.held, held.0),
            (&this.held_max, held.1),
        ] {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }

    pub(crate) fn committed(&self, took: Duration) {
        self.0.commits.observe(took.as_secs_f64());
        let mut last = self.0.last_commits.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_COMMITS {
            last.pop_front();
        }
        last.push_back(took);
    }

    pub(crate) fn failed(&self) {
        self.0.failures.inc();
    }

    pub(crate) fn written(&self, delivery: &Delivery, recorded: Recorded, came: Instant) {
        let of = self.of(&delivery.sender);
        let Counts { received, noise, rejected, .. } = delivery.read;
        let others = (delivery.weight() - delivery.logons.len()) as u64;
        let this = &*self.0;
        for (family, count) in [
            (&this.received, received),
            (&this.accepted, recorded.added + others),
            (&this.duplicates, recorded.duplicates),
            (&this.noise, noise),
            (&this.rejected, rejected),
        ] {
            family.get_or_create(&of).inc_by(count);
        }
        let waited = came.elapsed().as_secs_f64();
        if delivery.weight() > 0 {
            this.wait.observe(waited);
        }
        let lag = this.lag.get_or_create(&of);
        for logon in &delivery.logons {
            // Clocks differ: what has not happened yet has no lag.
            let ticks = (delivery.at.ticks() - logon.time.ticks()).max(0);
            lag.observe(ticks as f64 / TICKS_PER_SECOND as f64 + waited);
        }
    }

    fn of(&self, sender: &SenderKey) -> Of {
        let mut named = self.0.named.lock().unwrap_or_else(PoisonError::into_inner);
        let is_named =
            named.contains(sender) || named.len() < MAX_SENDERS && named.insert(sender.clone());
        let name = if is_named { sender.name.as_str() } else { OTHERS };
        Of { kind: sender.kind, sender: name.to_owned() }
    }
}
