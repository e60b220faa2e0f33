//! Addresses that send tokens which open nothing: a few at once, and then ten a second, are answered with 401, and the rest
//! with 429. A secret of 256 bits cannot be guessed; but whoever tries must not keep the server busy, and should be seen.
//!
//! A token that opens is never kept waiting for others from its address.

use std::sync::Arc;
use std::time::Duration;

use crate::budget::ClientAddress;
use crate::rate_limit::{KeyedRateLimit, RateLimit};

/// Ten a second, and twenty without a pause.
const LIMIT: RateLimit = RateLimit::new(Duration::from_millis(100), 20);

/// Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct FailedLogins(Arc<KeyedRateLimit<ClientAddress>>);

impl Default for FailedLogins {
    fn default() -> Self {
        Self(Arc::new(KeyedRateLimit::new(LIMIT)))
    }
}

impl FailedLogins {
    /// Counts a failure. Answers whether it was one too many.
    pub(crate) fn is_too_many(&self, address: ClientAddress) -> bool {
        self.0.admit(&address).is_err()
    }

    /// Whether one more would be too many.
    pub(crate) fn is_over(&self, address: ClientAddress) -> bool {
        self.0.is_over(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timers::Timer;

    #[test]
    fn an_address_that_fails_often_is_slowed_and_no_other_one() {
        let (logins, now) = (FailedLogins::default(), Timer::now());
        let address = |last| ClientAddress::from(std::net::IpAddr::from([10, 0, 0, last]));
        let fail = |times, last, at| (0..times).filter(|_| logins.0.admit_at(&address(last), at).is_ok()).count();
        assert_eq!(fail(100, 1, now), 20);
        assert_eq!(fail(100, 2, now), 20);
        assert_eq!(fail(100, 1, now + Duration::from_secs(1)), 10);
        assert_eq!(fail(100, 1, now + Duration::from_secs(60)), 20);
    }
}
