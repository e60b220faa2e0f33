//! How long to wait before a repeat.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Waits that double from one repeat to the next, and differ from client to client.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    repeats: u32,
}

impl Backoff {
    /// Waits of `first`, then twice as long each time, but never more than `max`.
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, repeats: 0 }
    }

    /// The next wait, and never less than the server asked for: between half and all of what the doubling
    /// gives, so that clients that failed together do not come back together.
    pub fn next(&mut self, asked: Option<Duration>) -> Duration {
        let whole = self.first.saturating_mul(1 << self.repeats.min(16)).min(self.max);
        self.repeats = self.repeats.saturating_add(1);
        let wait = whole.mul_f64(0.5 + 0.5 * random_fraction());
        asked.map_or(wait, |asked| asked + wait.min(asked.mul_f64(0.1)))
    }

    /// Begins anew: something succeeded.
    pub const fn reset(&mut self) {
        self.repeats = 0;
    }
}

/// A number from 0 to 1. It need not be more than good enough to spread clients.
fn random_fraction() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    // 32 random bits are exact as a double.
    f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

/// Lets `wait` pass.
pub(crate) async fn pause(wait: Duration) {
    #[expect(clippy::disallowed_methods, reason = "a backoff waits for nothing but time")]
    tokio::time::sleep(wait).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        for whole in [100, 200, 400, 800, 1_000, 1_000] {
            let wait = backoff.next(None).as_millis();
            assert!((whole / 2..=whole).contains(&wait), "{wait} for {whole}");
        }
        backoff.reset();
        assert!(backoff.next(None) <= Duration::from_millis(100));
    }

    #[test]
    fn a_repeat_is_never_earlier_than_the_server_asked() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let wait = backoff.next(Some(Duration::from_secs(7)));
        assert!((7_000..=7_700).contains(&wait.as_millis()), "{wait:?}");
    }

    #[test]
    fn many_repeats_do_not_overflow() {
        let mut backoff = Backoff { first: Duration::MAX, max: Duration::from_secs(1), repeats: u32::MAX };
        assert!(backoff.next(None) <= Duration::from_secs(1));
    }
}
