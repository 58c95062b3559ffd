//! How long to wait before something is tried again, and when to give up.

use std::time::Duration;

/// The longest time that is waited because the source says so: twice the longest period of its limits.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(2 * 3600);
/// Attempts at a server that has never answered: an address that is wrong stays wrong.
const FIRST_ATTEMPTS: u32 = 3;

/// What the configuration says of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) attempts: u32,
    pub(super) first_wait: Duration,
    pub(super) longest_wait: Duration,
}

/// The attempts at one thing.
#[derive(Debug)]
pub(super) struct Attempts {
    patience: Patience,
    pub(super) made: u32,
}

impl Patience {
    pub(super) fn begin(self) -> Attempts {
        Attempts { patience: self, made: 0 }
    }
}

impl Attempts {
    /// How long to wait after an attempt that failed; `None` to give up.
    pub(super) fn after(
        &mut self,
        retry_after: Option<Duration>,
        has_answered: bool,
    ) -> Option<Duration> {
        self.made += 1;
        let most = self.patience.attempts;
        if self.made >= if has_answered { most } else { most.min(FIRST_ATTEMPTS) } {
            return None;
        }
        let doubled = 2u32.saturating_pow(self.made - 1);
        let longest = self.patience.first_wait.saturating_mul(doubled);
        // Half of it by chance, so that many who were refused at once do not come at once again.
        let backoff = longest.min(self.patience.longest_wait).mul_f64(0.5 + fastrand::f64() / 2.0);
        match retry_after.filter(|wait| !wait.is_zero()) {
            None => Some(backoff),
            Some(wait) => Some(wait).filter(|wait| *wait <= LONGEST_RETRY_AFTER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        attempts: 6,
        first_wait: Duration::from_secs(1),
        longest_wait: Duration::from_secs(4),
    };

    #[test]
    fn waits_grow_to_a_bound_and_end() {
        let mut attempts = PATIENCE.begin();
        for longest_s in [1.0, 2.0, 4.0, 4.0, 4.0] {
            let wait = attempts.after(None, true).unwrap().as_secs_f64();
            assert!(wait >= longest_s / 2.0 && wait <= longest_s, "{wait}");
        }
        assert_eq!(attempts.after(None, true), None);
        let mut attempts = PATIENCE.begin();
        assert!(attempts.after(None, false).is_some() && attempts.after(None, false).is_some());
        assert_eq!(attempts.after(None, false), None);
    }

    #[test]
    fn the_source_says_how_long_within_reason() {
        let after = |seconds| PATIENCE.begin().after(Some(Duration::from_secs(seconds)), true);
        assert_eq!(after(30), Some(Duration::from_secs(30)));
        assert!(after(0).unwrap() >= Duration::from_millis(500));
        assert_eq!(after(100_000), None);
    }
}
