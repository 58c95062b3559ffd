//! The limits are exact: compared, call by call, with counting what a window holds.

use proptest::prelude::*;

use super::*;

const SECOND: i64 = TICKS_PER_SECOND;

fn quotas(limit: Limit) -> Quotas {
    let mut limits = Limits::off();
    limits.set(api::NAMES[0], Some(limit)).unwrap();
    Quotas::new(limits)
}

fn key(app: u128) -> Key {
    Key { api: api::NAMES[0], tenant: TenantId(1), app: Uuid::from_u128(app) }
}

fn at(ticks: i64) -> Timestamp {
    Timestamp::from_ticks(ticks).unwrap()
}

/// Accepted calls, and the rule as the documentation words it.
struct Counted {
    limit: Limit,
    accepted: Vec<i64>,
}

impl Counted {
    fn admits(&self, now: i64) -> bool {
        let within = |period_s: i64| {
            let from = now - period_s * SECOND;
            self.accepted.iter().filter(|&&call| call >= from).count()
        };
        within(MINUTE_S) < self.limit.per_minute as usize
            && within(HOUR_S) < self.limit.per_hour as usize
    }
}

/// Steps between calls: bursts, ticks around the borders of both periods, and long pauses.
fn steps() -> impl Strategy<Value = Vec<i64>> {
    let step = prop_oneof![
        6 => Just(0),
        4 => 1..5 * SECOND,
        2 => (-2_i64..=2).prop_map(|ticks| MINUTE_S * SECOND + ticks),
        2 => (1_i64..=60).prop_map(|seconds| seconds * SECOND),
        1 => (-2_i64..=2).prop_map(|ticks| HOUR_S * SECOND + ticks),
        1 => 0..2 * HOUR_S * SECOND,
    ];
    proptest::collection::vec(step, 1..400)
}

proptest! {
    #[test]
    fn admits_exactly_what_counting_admits(
        steps in steps(),
        per_minute in 1_u32..6,
        more in 0_u32..12,
    ) {
        let limit = Limit::new(per_minute, per_minute + more).unwrap();
        let quotas = quotas(limit);
        let mut counted = Counted { limit, accepted: Vec::new() };
        let mut now = 1_700_000_000 * SECOND;
        for step in steps {
            now += step;
            match quotas.admit(key(1), at(now)) {
                Ok(()) => {
                    prop_assert!(counted.admits(now));
                    counted.accepted.push(now);
                }
                Err(exceeded) => {
                    prop_assert!(!counted.admits(now));
                    // The stated wait suffices, and a second less would not.
                    let wait = exceeded.retry_after_s * SECOND;
                    prop_assert!(counted.admits(now + wait));
                    prop_assert!(!counted.admits(now + wait - SECOND));
                    prop_assert!(exceeded.retry_after_s >= 1);
                }
            }
        }
        for (calls, period_s) in [(limit.per_minute, MINUTE_S), (limit.per_hour, HOUR_S)] {
            for window in counted.accepted.windows(calls as usize + 1) {
                prop_assert!(window[calls as usize] - window[0] > period_s * SECOND);
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_locks_nobody_out(
        steps in proptest::collection::vec(-20_000 * SECOND..20_000 * SECOND, 1..60),
    ) {
        let limit = Limit::new(2, 3).unwrap();
        let quotas = quotas(limit);
        let mut now = 1_700_000_000 * SECOND;
        for step in steps {
            now += step;
            for _ in 0..4 {
                if let Err(exceeded) = quotas.admit(key(1), at(now)) {
                    prop_assert!(exceeded.retry_after_s <= HOUR_S + 1);
                }
            }
            prop_assert!(quotas.admit(key(1), at(now)).is_err(), "more than the quota");
        }
    }
}

#[test]
fn the_vendors_quota_holds_over_a_day_of_constant_pressure() {
    let quotas = quotas(Limit::VENDOR);
    let mut accepted = Vec::new();
    let start = 1_700_000_000 * SECOND;
    for call in 0..20 * 86_400 {
        let now = start + call * SECOND / 20;
        if quotas.admit(key(1), at(now)).is_ok() {
            accepted.push(now);
        }
    }
    for (calls, period_s) in [(100, MINUTE_S), (1500, HOUR_S)] {
        let mut windows = accepted.windows(calls + 1);
        assert!(windows.all(|window| window[calls] - window[0] > period_s * SECOND));
    }
    // Nothing is given away but the tick that keeps both ends of an hour out of one window.
    assert_eq!(accepted.len(), 24 * 1500);
    assert!(accepted[..100].iter().all(|&call| call < start + 5 * SECOND));
}

#[test]
fn calls_that_arrive_out_of_order_are_counted_once_and_in_order() {
    let quotas = quotas(Limit::new(3, 3).unwrap());
    let now = 1_700_000_000 * SECOND;
    for ticks in [0, -5, 3] {
        assert!(quotas.admit(key(1), at(now + ticks)).is_ok());
    }
    let exceeded = quotas.admit(key(1), at(now - 7)).unwrap_err();
    assert_eq!(exceeded.retry_after_s, HOUR_S + 1);
    assert!(quotas.admit(key(1), at(now + HOUR_S * SECOND)).is_err());
    assert!(quotas.admit(key(1), at(now + HOUR_S * SECOND + 1)).is_ok());
}

#[test]
fn who_no_longer_calls_is_forgotten() {
    let quotas = quotas(Limit::VENDOR);
    let mut now = 1_700_000_000 * SECOND;
    for app in 0..1000 {
        now += 10 * SECOND;
        quotas.admit(key(app), at(now)).unwrap();
        let kept = quotas.log.lock().unwrap().rings.len();
        // An hour of apps, and those since the last sweep.
        assert!(kept <= 360 + 7, "{kept}");
    }
}
