//! Sleeps until the earliest due time, and notices when it has overslept.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// How much later than it was due a wake-up may come before that is an outage: the process was stopped or starved, and
/// the silence of engines meanwhile says nothing.
const STALL: Duration = Duration::from_secs(5);

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

    /// Whether a wake-up that was due has come far too late.
    pub(crate) fn overslept(&self) -> bool {
        self.planned.is_some_and(|planned| Self::now().saturating_duration_since(planned) > STALL)
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

/// Whether so long a wait within one transaction is an outage.
pub(crate) fn is_stall(took: Duration) -> bool {
    took > STALL
}
