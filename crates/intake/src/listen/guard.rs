//! Who may send: everybody else is turned away before a byte is read.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Senders;

/// How often the log tells of those who were turned away.
const TELL_EVERY: Duration = Duration::from_secs(60);

pub(super) struct Guard {
    senders: Senders,
    denied: Mutex<Denied>,
}

#[derive(Default)]
struct Denied {
    count: u64,
    told: Option<Instant>,
}

impl Guard {
    pub(super) fn new(senders: Senders) -> Self {
        Self { senders, denied: Mutex::default() }
    }

    /// Whether somebody at an address may send; who may not is told to the log, now and then.
    pub(super) fn admits(&self, address: IpAddr, way: &'static str) -> bool {
        let address = address.to_canonical();
        let admits = match &self.senders {
            Senders::Local => address.is_loopback(),
            Senders::Of(networks) => networks.iter().any(|network| network.contains(&address)),
            Senders::All => true,
        };
        if !admits {
            self.deny(address, way);
        }
        admits
    }

    fn deny(&self, address: IpAddr, way: &'static str) {
        let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        denied.count += 1;
        if denied.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            denied.told = Some(Instant::now());
            let times = std::mem::take(&mut denied.count);
            tracing::warn!(
                listener = way, %address, times,
                "a sender was turned away that the listener's `allow` does not hold"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_named_is_turned_away() {
        let admits = |senders: &Senders, address: &str| {
            Guard::new(senders.clone()).admits(address.parse().unwrap(), "syslog-tcp")
        };
        let local = Senders::Local;
        assert!(admits(&local, "127.0.0.9") && admits(&local, "::1"));
        assert!(admits(&local, "::ffff:127.0.0.1") && !admits(&local, "10.0.0.1"));
        let some = Senders::Of(vec!["10.0.0.0/8".parse().unwrap()]);
        assert!(admits(&some, "10.1.2.3") && admits(&some, "::ffff:10.1.2.3"));
        assert!(!admits(&some, "11.0.0.1") && !admits(&some, "127.0.0.1"));
        assert!(!admits(&Senders::Of(Vec::new()), "127.0.0.1"));
        assert!(admits(&Senders::All, "192.0.2.1"));
    }
}
