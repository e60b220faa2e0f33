//! Sleeps until the earliest due time.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// When the dispatcher next has something to do that nobody asks for.
#[derive(Debug)]
pub(crate) struct Timer {
    planned: Option<Instant>,
}

impl Timer {
    /// A timer that is not set.
    pub(crate) const fn new() -> Self {
        Self { planned: None }
    }

    /// The present moment of the monotonic clock.
    pub(crate) fn now() -> Instant {
        Instant::now()
    }

    /// Sets the timer to a moment; to none, if nothing is due.
    pub(crate) fn set_at(&mut self, planned: Option<Instant>) {
        self.planned = planned;
    }

    /// Ends when the timer is due; never, if it is not set.
    pub(crate) fn due(&self) -> impl Future<Output = ()> + use<> {
        let planned = self.planned;
        async move {
            match planned {
                Some(planned) => tokio::time::sleep_until(planned).await,
                None => std::future::pending().await,
            }
        }
    }
}

/// Waits so long.
#[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
pub(crate) async fn pause(wait: Duration) {
    tokio::time::sleep(wait).await;
}

/// Ends at a moment; it may be moved while somebody waits for it.
pub(crate) fn alarm(at: Instant) -> tokio::time::Sleep {
    tokio::time::sleep_until(at)
}

/// Stops this thread for so long: for a thread that does nothing else.
#[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
pub(crate) fn rest(wait: Duration) {
    std::thread::sleep(wait);
}
