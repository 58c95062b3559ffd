//! How many calls an app may make: an exact log of the last calls, not a bucket.
//!
//! For each API, tenant and app the instants of the last accepted calls are kept, as many as the
//! hour allows. A call is admitted when the call that many places back is older than the period,
//! so that no window of a minute or an hour, wherever it starts, ever holds more than its limit,
//! and the whole quota can be used at once (defender-api.md §13.16). A refused call leaves no
//! trace. A ring costs 8 bytes a call: 12 kB at the vendor's limits.

pub mod report;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use inventory::ids::TenantId;
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use uuid::Uuid;

use crate::api;
use crate::config::Error;

/// Calls in a period at most that a limit can allow: what bounds the memory of one ring.
pub const MAX_CALLS: u32 = 100_000;
const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 3600;
/// How far requests that run side by side may see the clock differ, in ticks. A greater step back
/// is a clock that was set.
const JITTER: i64 = TICKS_PER_SECOND;

/// Calls that one app may make to one API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    per_minute: u32,
    per_hour: u32,
}

impl Limit {
    /// The vendor's: 100 in any minute and 1,500 in any hour (defender-api.md §1.1).
    pub const VENDOR: Limit = Limit { per_minute: 100, per_hour: 1500 };

    /// Calls in any 60 seconds and in any hour: from 1 to [`MAX_CALLS`].
    pub fn new(per_minute: u32, per_hour: u32) -> Result<Self, Error> {
        if per_minute == 0 || per_minute > per_hour || per_hour > MAX_CALLS {
            return Err(Error::Limit { max: MAX_CALLS });
        }
        Ok(Self { per_minute, per_hour })
    }
}

/// The limits of all APIs; `None` stands for no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    other: Option<Limit>,
    of_api: BTreeMap<String, Option<Limit>>,
}

impl Limits {
    /// The vendor's limit for every API: of those that there are, it documents the same for each
    /// (defender-api.md §3, §4).
    pub fn vendor() -> Self {
        Self { other: Some(Limit::VENDOR), of_api: BTreeMap::new() }
    }

    /// No limit for any API.
    pub fn off() -> Self {
        Self { other: None, of_api: BTreeMap::new() }
    }

    /// Names that [`Limits::set`] knows.
    pub fn apis() -> &'static [&'static str] {
        api::NAMES
    }

    /// Sets the limit of one API, by the name of the vendor's page on it
    /// (`get-user-related-machines`).
    pub fn set(&mut self, api: &str, limit: Option<Limit>) -> Result<(), Error> {
        if !api::NAMES.contains(&api) {
            return Err(Error::UnknownApi {
                name: api.chars().take(100).collect(),
                known: api::NAMES.join(", "),
            });
        }
        self.of_api.insert(api.to_owned(), limit);
        Ok(())
    }

    fn of(&self, api: &str) -> Option<Limit> {
        self.of_api.get(api).copied().unwrap_or(self.other)
    }
}

/// A refusal: which limit, and when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exceeded {
    pub(crate) calls: u32,
    pub(crate) period_s: i64,
    /// Whole seconds after which a call is admitted, if none is in between.
    pub(crate) retry_after_s: i64,
}

/// Whose calls are counted together (defender-api.md §6.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) api: &'static str,
    pub(crate) tenant: TenantId,
    pub(crate) app: Uuid,
}

/// The calls of the last hour.
pub(crate) struct Quotas {
    limits: Limits,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    /// Ticks of accepted calls, oldest first.
    rings: HashMap<Key, VecDeque<i64>>,
    /// When rings without calls in the last hour were dropped last.
    swept: i64,
}

impl Quotas {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, log: Mutex::default() }
    }

    /// Counts a call, or refuses it without counting.
    pub(crate) fn admit(&self, key: Key, now: Timestamp) -> Result<(), Exceeded> {
        let Some(limit) = self.limits.of(key.api) else {
            return Ok(());
        };
        let now = now.ticks();
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.sweep(now);
        let ring = log.rings.entry(key).or_default();
        let at = settle(ring, now);
        if let Some(exceeded) = exceeded(ring, limit, at, now) {
            return Err(exceeded);
        }
        ring.push_back(at);
        if ring.len() > limit.per_hour as usize {
            ring.pop_front();
        }
        Ok(())
    }
}

/// What is left of a limit for one app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) api: &'static str,
    pub(crate) app: Uuid,
    pub(crate) last_minute: usize,
    pub(crate) last_hour: usize,
    pub(crate) limit: Limit,
    /// The refusal that a call would get now.
    pub(crate) exceeded: Option<Exceeded>,
}

impl Quotas {
    /// Who of a tenant called within the last hour, and what is left to them; by API and app.
    pub(crate) fn usage(&self, tenant: TenantId, now: Timestamp) -> Vec<Usage> {
        let now = now.ticks();
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = log.rings.iter().filter(|(key, _)| key.tenant == tenant);
        let usage = of_tenant.filter_map(|(key, ring)| {
            // A ring is in order, and a period holds its ends.
            let within = |period_s: i64| {
                let from = now - period_s * TICKS_PER_SECOND;
                ring.len() - ring.partition_point(|&at| at < from)
            };
            let limit = self.limits.of(key.api)?;
            let (last_minute, last_hour) = (within(MINUTE_S), within(HOUR_S));
            let at = ring.back().map_or(now, |&last| last.max(now));
            let exceeded = exceeded(ring, limit, at, now);
            let (api, app) = (key.api, key.app);
            (last_hour > 0).then_some(Usage { api, app, last_minute, last_hour, limit, exceeded })
        });
        let mut usage: Vec<_> = usage.collect();
        drop(log);
        usage.sort_unstable_by_key(|usage| (usage.api, usage.app));
        usage
    }
}

impl Log {
    /// Forgets who has not called for an hour, at most once a minute.
    fn sweep(&mut self, now: i64) {
        if (self.swept..self.swept + MINUTE_S * TICKS_PER_SECOND).contains(&now) {
            return;
        }
        self.swept = now;
        let hour_ago = now - HOUR_S * TICKS_PER_SECOND;
        self.rings.retain(|_, ring| ring.back().is_some_and(|&last| last >= hour_ago));
    }
}

/// The instant at which a call counts, so that the ring stays in order.
///
/// A call that is a little behind the last one counts with it. When the clock was set back, calls
/// of the hour that now lies ahead count as made now: nobody waits for longer than a full period,
/// and nobody gets more than the quota.
fn settle(ring: &mut VecDeque<i64>, now: i64) -> i64 {
    match ring.back() {
        Some(&last) if now < last && last - now <= JITTER => last,
        Some(&last) if now < last => {
            ring.iter_mut().for_each(|at| *at = now.min(*at));
            now
        }
        _ => now,
    }
}

fn exceeded(ring: &VecDeque<i64>, limit: Limit, at: i64, now: i64) -> Option<Exceeded> {
    [(limit.per_minute, MINUTE_S), (limit.per_hour, HOUR_S)]
        .into_iter()
        .filter_map(|(calls, period_s)| {
            let place = ring.len().checked_sub(calls as usize)?;
            // The first instant at which the period, its ends included, no longer holds that call.
            let free = ring[place] + period_s * TICKS_PER_SECOND + 1;
            (at < free).then(|| Exceeded {
                calls,
                period_s,
                retry_after_s: (free - now).div_euclid(TICKS_PER_SECOND)
                    + i64::from((free - now).rem_euclid(TICKS_PER_SECOND) != 0),
            })
        })
        .max_by_key(|exceeded| exceeded.retry_after_s)
}

#[cfg(test)]
mod tests;
