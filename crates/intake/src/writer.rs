//! The task that writes: whatever came while it was busy goes into its next transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use inventory::ids::TenantId;
use store::{Delivery, Recorded, SenderKey, Store};
use tokio::sync::{mpsc, oneshot};

use crate::Refusal;
use crate::room::Held;
use crate::stats::Stats;

/// Logons and other things of one transaction at most, give or take a delivery.
const GROUP: usize = 50_000;
/// How long counts of deliveries that hold nothing to be written may wait for a transaction.
const QUIET: Duration = Duration::from_secs(5);
/// Senders whose counts wait at most.
const MAX_QUIET: usize = 10_000;

/// A delivery that waits to be written, and who waits for that.
pub(crate) struct Job {
    delivery: Delivery,
    came: Instant,
    done: oneshot::Sender<Result<Recorded, Refusal>>,
    room: Held,
}

impl Job {
    pub(crate) fn new(
        delivery: Delivery,
        room: Held,
    ) -> (Self, oneshot::Receiver<Result<Recorded, Refusal>>) {
        let (done, answer) = oneshot::channel();
        (Self { delivery, came: Instant::now(), done, room }, answer)
    }
}

/// What the task is told.
pub(crate) enum Order {
    Write(Box<Job>),
    /// To write what waits for its time, and say so.
    Flush(oneshot::Sender<()>),
}

/// Who waits for a delivery of a group.
struct Waiting {
    came: Instant,
    done: oneshot::Sender<Result<Recorded, Refusal>>,
    _room: Held,
}

pub(crate) struct Writer {
    store: Arc<dyn Store>,
    stats: Stats,
    /// Counts of deliveries that held nothing else. A transaction for each would cost more than
    /// they are worth.
    quiet: HashMap<(TenantId, SenderKey), Delivery>,
}

impl Writer {
    pub(crate) fn new(store: Arc<dyn Store>, stats: Stats) -> Self {
        Self { store, stats, quiet: HashMap::new() }
    }

    /// Writes until nobody can send any more.
    pub(crate) async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut quiet = tokio::time::interval(QUIET);
        quiet.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let mut next = tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => Some(order),
                    None => {
                        self.write(Vec::new(), true).await;
                        return;
                    }
                },
                _ = quiet.tick() => {
                    self.write(Vec::new(), true).await;
                    continue;
                }
            };
            let (mut group, mut flushes) = (Vec::new(), Vec::new());
            let mut weight = 0;
            while let Some(order) = next {
                match order {
                    Order::Write(job) => {
                        weight += job.delivery.weight();
                        group.push(*job);
                    }
                    Order::Flush(done) => flushes.push(done),
                }
                next = if weight < GROUP { orders.try_recv().ok() } else { None };
            }
            self.write(group, !flushes.is_empty()).await;
            for done in flushes {
                // Who is gone does not wait.
                let _ = done.send(());
            }
        }
    }

    /// Writes what came; counts that wait go with it, or when it is their time.
    async fn write(&mut self, group: Vec<Job>, is_time: bool) {
        let mut deliveries = Vec::with_capacity(group.len());
        let mut waiting = Vec::with_capacity(group.len());
        for Job { delivery, came, done, room } in group {
            if delivery.weight() == 0 {
                self.stats.written(&delivery, Recorded::default(), came);
                self.keep_quiet(delivery);
                let _ = done.send(Ok(Recorded::default()));
                continue;
            }
            deliveries.push(delivery);
            waiting.push(Waiting { came, done, _room: room });
        }
        if is_time || !deliveries.is_empty() {
            deliveries.extend(self.quiet.drain().map(|(_, delivery)| delivery));
        }
        if deliveries.is_empty() {
            return;
        }
        let deliveries: Arc<[Delivery]> = deliveries.into();
        match self.commit(Arc::clone(&deliveries)).await {
            Ok(recorded) => self.tell(waiting, &deliveries, &recorded),
            Err(error) if waiting.len() > 1 => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "what several senders sent could not be written together; trying one by one"
                );
                self.write_each(waiting, &deliveries).await;
            }
            Err(error) => self.refuse(waiting, error),
        }
    }

    /// Writes deliveries by themselves, so that one that cannot be written harms no other.
    async fn write_each(&mut self, waiting: Vec<Waiting>, deliveries: &[Delivery]) {
        for (one, delivery) in waiting.into_iter().zip(deliveries) {
            let alone: Arc<[Delivery]> = Arc::from([delivery.clone()]);
            match self.commit(Arc::clone(&alone)).await {
                Ok(recorded) => self.tell(vec![one], &alone, &recorded),
                Err(error) => self.refuse(vec![one], error),
            }
        }
    }

    async fn commit(&self, deliveries: Arc<[Delivery]>) -> Result<Vec<Recorded>, store::Error> {
        let started = Instant::now();
        let outcome = self.store.deliver(deliveries).await;
        self.stats.committed(started.elapsed());
        outcome
    }

    fn tell(&self, waiting: Vec<Waiting>, deliveries: &[Delivery], recorded: &[Recorded]) {
        for ((one, delivery), &recorded) in waiting.into_iter().zip(deliveries).zip(recorded) {
            self.stats.written(delivery, recorded, one.came);
            // Who is gone will send it again, and it will be known.
            let _ = one.done.send(Ok(recorded));
        }
    }

    fn refuse(&self, waiting: Vec<Waiting>, error: store::Error) {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "telemetry could not be written; its senders are told"
        );
        self.stats.failed();
        let error = Arc::new(error);
        for one in waiting {
            let _ = one.done.send(Err(Refusal::Store(Arc::clone(&error))));
        }
    }

    fn keep_quiet(&mut self, delivery: Delivery) {
        let key = (delivery.tenant, delivery.sender.clone());
        if let Some(sum) = self.quiet.get_mut(&key) {
            sum.read.add(&delivery.read);
            sum.at = sum.at.max(delivery.at);
        } else if self.quiet.len() < MAX_QUIET {
            // More at once are addresses that somebody makes up.
            self.quiet.insert(key, delivery);
        }
    }
}
