//! Addresses that send tokens which open nothing: a few at once, and then ten a second, are answered with 401, and the rest
//! with 429. A secret of 256 bits cannot be guessed; but whoever tries must not keep the server busy, and should be seen.
//!
//! A token that opens is never kept waiting for others from its address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::budget::ClientAddress;
use crate::timers::Timer;

/// After how long an address may fail once more.
const INTERVAL: Duration = Duration::from_millis(100);
/// How many failures may follow each other without a pause.
const BURST: u32 = 20;
/// From how many addresses on those are forgotten that may fail as often as any.
const MIN_TIDY_AT: usize = 1_000;

/// Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailedLogins(Arc<Mutex<Failures>>);

#[derive(Debug, Default)]
struct Failures {
    /// When each address may fail as often as any again.
    forgiven_at: HashMap<ClientAddress, Instant>,
    /// From how many addresses on it is looked through again: twice as many as were left.
    tidy_at: usize,
}

impl FailedLogins {
    /// Counts a failure. Answers whether it was one too many.
    pub(crate) fn is_too_many(&self, address: ClientAddress) -> bool {
        self.is_too_many_at(address, Timer::now())
    }

    /// Whether one more would be too many.
    pub(crate) fn is_over(&self, address: ClientAddress) -> bool {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let forgiven = failures.forgiven_at.get(&address).copied();
        forgiven.is_some_and(|at| at.saturating_duration_since(Timer::now()) > INTERVAL * (BURST - 1))
    }

    fn is_too_many_at(&self, address: ClientAddress, now: Instant) -> bool {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Failures { forgiven_at, tidy_at } = &mut *failures;
        if forgiven_at.len() >= (*tidy_at).max(MIN_TIDY_AT) {
            forgiven_at.retain(|_, at| *at > now);
            *tidy_at = forgiven_at.len() * 2;
        }
        let forgiven = forgiven_at.get(&address).copied().unwrap_or(now).max(now) + INTERVAL;
        if forgiven.saturating_duration_since(now) > INTERVAL * BURST {
            return true;
        }
        forgiven_at.insert(address, forgiven);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_fails_often_is_slowed_and_no_other_one() {
        let (logins, now) = (FailedLogins::default(), Timer::now());
        let address = |last| ClientAddress::from(std::net::IpAddr::from([10, 0, 0, last]));
        let fail = |times, last, at| (0..times).filter(|_| !logins.is_too_many_at(address(last), at)).count();
        assert_eq!(fail(100, 1, now), BURST as usize);
        assert_eq!(fail(100, 2, now), BURST as usize);
        assert_eq!(fail(100, 1, now + Duration::from_secs(1)), 10);
        assert_eq!(fail(100, 1, now + Duration::from_secs(60)), BURST as usize);
    }
}
