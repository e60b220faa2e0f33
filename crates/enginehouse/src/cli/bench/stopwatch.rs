//! The time of a bench: how long ago it began.

use std::time::{Duration, Instant};

/// Runs from the moment it is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a bench measures how long calls take")]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Waits until so long after the start. The timer is a millisecond late at most, never early.
    pub(super) async fn reaches(self, elapsed: Duration) {
        tokio::time::sleep_until((self.0 + elapsed).into()).await;
    }
}
