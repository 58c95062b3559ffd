//! What failed sign-ins cost: an account is locked for a while, and an address is refused.
//!
//! An attempt counts as failed before the password is looked at, and is taken back when it was
//! right. So many attempts at once cannot get more tries than the same number one after another.
//! Accounts are counted in the store, for all replicas. User names that nobody has are counted
//! here, so that they lock like others and their absence does not show.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use inventory::access::operator::Operator;
use inventory::ids::TenantId;
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use store::Store;
use uuid::Uuid;

/// Failed sign-ins after which an account is locked, and again with each one that follows.
pub const ACCOUNT_FAILURES: u32 = 10;
/// How long the first lock holds, in seconds; each that follows holds twice as long.
pub const FIRST_LOCK_S: i64 = 60;
/// How long a lock holds at most, in seconds.
pub const LONGEST_LOCK_S: i64 = 3600;
/// Failed sign-ins of one address within [`ADDRESS_PERIOD_S`] after which it is refused.
pub const ADDRESS_FAILURES: u32 = 30;
/// Seconds in which an address's failures are counted, and at whose end it is heard again.
pub const ADDRESS_PERIOD_S: u32 = 300;

/// Addresses, and names that nobody has, that are remembered at most.
const REMEMBERED: usize = 10_000;
/// Sign-ins to the same account that may be faster than this one.
const TRIES: usize = 32;
/// Bits of an IPv6 address that one customer has to themselves.
const IPV6_HOST_BITS: u32 = 64;

/// How many failed sign-ins are borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedSignIns {
    /// Of one account, before it is locked.
    pub per_account: u32,
    /// Of one address in a period, before it is refused.
    pub per_address: u32,
    /// The period in seconds.
    pub address_period_s: u32,
}

impl Default for FailedSignIns {
    fn default() -> Self {
        Self {
            per_account: ACCOUNT_FAILURES,
            per_address: ADDRESS_FAILURES,
            address_period_s: ADDRESS_PERIOD_S,
        }
    }
}

/// No attempt is heard before a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) until: Timestamp,
}

impl Refused {
    /// Whole seconds until an attempt is heard.
    pub(crate) fn retry_after_s(self, now: Timestamp) -> i64 {
        let ticks = self.until.ticks().saturating_sub(now.ticks()).max(0);
        ticks / TICKS_PER_SECOND + i64::from(ticks % TICKS_PER_SECOND != 0)
    }
}

/// An address as `footfall limits` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressState {
    /// The address; of an IPv6 network of 64 bits the first one.
    pub(crate) address: IpAddr,
    /// Failed sign-ins in its period.
    pub(crate) failures: u32,
    /// The period's end, at which the count begins anew.
    pub(crate) until: Timestamp,
    /// It is refused until then.
    pub(crate) is_refused: bool,
}

/// The failed sign-ins that this process remembers.
pub(crate) struct Throttle {
    bounds: FailedSignIns,
    addresses: Mutex<HashMap<IpAddr, Window>>,
    nobody: Mutex<HashMap<(TenantId, [u8; 32]), Lock>>,
}

/// Failures of an address since the first one.
#[derive(Clone, Copy)]
struct Window {
    failures: u32,
    until: Timestamp,
}

/// Failures of an account, and the lock that followed.
#[derive(Clone, Copy, Default)]
struct Lock {
    failures: u32,
    until: Option<Timestamp>,
}

impl Throttle {
    pub(crate) fn new(bounds: FailedSignIns) -> Self {
        Self { bounds, addresses: Mutex::default(), nobody: Mutex::default() }
    }

    /// Counts an attempt from an address as failed, or refuses it.
    pub(crate) fn count_address(&self, address: IpAddr, now: Timestamp) -> Result<(), Refused> {
        let mut windows = lock(&self.addresses);
        make_room(&mut windows, |window| window.until, now);
        let until = after(now, i64::from(self.bounds.address_period_s));
        let window = windows.entry(network(address)).or_insert(Window { failures: 0, until });
        // A clock that was set back shall not refuse anybody for longer than the period.
        if window.until <= now || window.until > until {
            *window = Window { failures: 0, until };
        }
        if window.failures >= self.bounds.per_address {
            return Err(Refused { until: window.until });
        }
        window.failures += 1;
        Ok(())
    }

    /// The attempt that was counted was none of those to fear.
    pub(crate) fn forgive_address(&self, address: IpAddr) {
        let mut windows = lock(&self.addresses);
        let key = network(address);
        if let Some(window) = windows.get_mut(&key) {
            window.failures = window.failures.saturating_sub(1);
            if window.failures == 0 {
                windows.remove(&key);
            }
        }
    }

    /// Addresses with failed sign-ins.
    pub(crate) fn state(&self, now: Timestamp) -> Vec<AddressState> {
        let windows = lock(&self.addresses);
        let mut states: Vec<_> = windows
            .iter()
            .filter(|(_, window)| window.until > now)
            .map(|(&address, window)| AddressState {
                address,
                failures: window.failures,
                until: window.until,
                is_refused: window.failures >= self.bounds.per_address,
            })
            .collect();
        states.sort_by_key(|state| (std::cmp::Reverse(state.failures), state.address));
        states
    }

    /// Counts an attempt to sign in under a name that nobody has.
    pub(crate) fn count_nobody(
        &self,
        tenant: TenantId,
        name: [u8; 32],
        now: Timestamp,
    ) -> Result<(), Refused> {
        let mut locks = lock(&self.nobody);
        make_room(&mut locks, |lock| lock.until.unwrap_or(Timestamp::MIN), now);
        let known = locks.entry((tenant, name)).or_default();
        if let Some(until) = known.until.filter(|&until| until > now) {
            return Err(Refused { until });
        }
        known.failures = known.failures.saturating_add(1);
        known.until = self.lock_after(known.failures, now);
        Ok(())
    }

    /// Counts an attempt at an account as failed, or refuses it.
    pub(crate) async fn count(
        &self,
        store: &dyn Store,
        tenant: TenantId,
        operator: &Operator,
        now: Timestamp,
    ) -> Result<Result<Counted, Refused>, store::Error> {
        let mut seen = Lock { failures: operator.failures, until: operator.locked_until };
        for _ in 0..TRIES {
            if let Some(until) = seen.until.filter(|&until| until > now) {
                return Ok(Err(Refused { until }));
            }
            let failures = seen.failures.saturating_add(1);
            let until = self.lock_after(failures, now);
            if store.note_sign_in(tenant, operator.id, seen.failures, failures, until).await? {
                return Ok(Ok(Counted { until }));
            }
            match store.operator(tenant, operator.id).await? {
                Some(again) => {
                    seen = Lock { failures: again.failures, until: again.locked_until };
                }
                // Removed meanwhile: whatever the password is, nobody signs in.
                None => break,
            }
        }
        Ok(Err(Refused { until: after(now, 1) }))
    }

    /// Takes back one attempt that was counted, or all of them.
    pub(crate) async fn forgive(
        &self,
        store: &dyn Store,
        tenant: TenantId,
        operator: Uuid,
        forgiven: Forgiven,
    ) -> Result<(), store::Error> {
        for _ in 0..TRIES {
            let Some(known) = store.operator(tenant, operator).await? else { return Ok(()) };
            let (failures, until) = match forgiven {
                Forgiven::All => (0, None),
                // With the lock that it brought about, but with no other's.
                Forgiven::One(counted) => (
                    known.failures.saturating_sub(1),
                    known.locked_until.filter(|_| known.locked_until != counted.until),
                ),
            };
            if store.note_sign_in(tenant, operator, known.failures, failures, until).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Until when an account is locked after so many failures.
    fn lock_after(&self, failures: u32, now: Timestamp) -> Option<Timestamp> {
        let beyond = failures.checked_sub(self.bounds.per_account)?;
        let lock_s = FIRST_LOCK_S.checked_shl(beyond.min(16)).unwrap_or(LONGEST_LOCK_S);
        Some(after(now, lock_s.min(LONGEST_LOCK_S)))
    }
}

/// An attempt that counts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The lock that it brought about.
    until: Option<Timestamp>,
}

/// How much is forgiven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forgiven {
    /// All failures: the sign-in was complete.
    All,
    /// One attempt: the password was right, and more is needed.
    One(Counted),
}

/// What stands for an address: itself, or the network of a customer.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> IPV6_HOST_BITS << IPV6_HOST_BITS))
        }
        v4 => v4,
    }
}

/// Keeps a map within its bound: what is over goes first, else what ends first.
fn make_room<K: Copy + Eq + std::hash::Hash, V: Copy>(
    map: &mut HashMap<K, V>,
    ends: impl Fn(&V) -> Timestamp,
    now: Timestamp,
) {
    if map.len() < REMEMBERED {
        return;
    }
    map.retain(|_, value| ends(value) > now);
    if map.len() >= REMEMBERED
        && let Some(first) = map.iter().min_by_key(|(_, value)| ends(value)).map(|(&key, _)| key)
    {
        map.remove(&first);
    }
}

fn after(now: Timestamp, seconds: i64) -> Timestamp {
    now.plus_seconds(seconds).unwrap_or(Timestamp::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds, 0).unwrap()
    }

    fn throttle() -> Throttle {
        Throttle::new(FailedSignIns { per_account: 3, per_address: 2, address_period_s: 300 })
    }

    #[test]
    fn an_address_is_refused_for_the_rest_of_its_window() {
        let throttle = throttle();
        let address = "192.0.2.1".parse().unwrap();
        assert_eq!(throttle.count_address(address, at(0)), Ok(()));
        assert_eq!(throttle.count_address(address, at(100)), Ok(()));
        let refused = throttle.count_address(address, at(101)).unwrap_err();
        assert_eq!(refused.retry_after_s(at(101)), 199);
        assert!(throttle.state(at(101))[0].is_refused);
        assert_eq!(throttle.count_address(address, at(300)), Ok(()));
        assert_eq!(throttle.state(at(300))[0].failures, 1);
        throttle.forgive_address(address);
        assert_eq!(throttle.state(at(300)), []);
    }

    #[test]
    fn a_customers_ipv6_network_counts_as_one_address() {
        let throttle = throttle();
        for host in ["2001:db8::1", "2001:db8::2"] {
            assert_eq!(throttle.count_address(host.parse().unwrap(), at(0)), Ok(()));
        }
        assert!(throttle.count_address("2001:db8::3".parse().unwrap(), at(0)).is_err());
        assert!(throttle.count_address("2001:db8:0:1::3".parse().unwrap(), at(0)).is_ok());
        for mapped in ["::ffff:192.0.2.1", "192.0.2.1"] {
            assert_eq!(throttle.count_address(mapped.parse().unwrap(), at(0)), Ok(()));
        }
        assert!(throttle.count_address("192.0.2.1".parse().unwrap(), at(0)).is_err());
    }

    #[test]
    fn a_clock_that_was_set_back_refuses_nobody_for_longer_than_the_period() {
        let throttle = throttle();
        let address = "192.0.2.1".parse().unwrap();
        for _ in 0..2 {
            throttle.count_address(address, at(1_000_000)).unwrap();
        }
        assert_eq!(throttle.count_address(address, at(0)), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = throttle();
        for bits in 0..u32::try_from(REMEMBERED).unwrap() + 500 {
            throttle.count_address(IpAddr::V4(bits.into()), at(0)).unwrap();
            let mut name = [0; 32];
            name[..4].copy_from_slice(&bits.to_be_bytes());
            throttle.count_nobody(TenantId(1), name, at(0)).unwrap();
        }
        assert_eq!(lock(&throttle.addresses).len(), REMEMBERED);
        assert!(lock(&throttle.nobody).len() <= REMEMBERED);
    }

    #[test]
    fn locks_double_up_to_an_hour() {
        let throttle = throttle();
        let lock_s = |failures| throttle.lock_after(failures, at(0)).map(|until| until.seconds());
        assert_eq!(lock_s(2), None);
        assert_eq!([3, 4, 5, 8].map(lock_s), [Some(60), Some(120), Some(240), Some(1920)]);
        assert_eq!([9, 100, u32::MAX].map(lock_s), [Some(3600); 3]);
    }
}
