//! Outages: times in which engines could not be heard, so that their silence says nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::sweep::SHARED_SWEEP_INTERVAL;
use crate::timers::{Timer, is_stall};

/// Knows whether the next transaction is the first one after an outage. That transaction grants grace.
pub(super) struct OutageDetector {
    grace: PendingGrace,
    last_success: LastSuccess,
}

/// Whether grace has still to be granted.
///
/// Batches ask when their transactions begin. One that was started after an outage, but came to its transaction only after
/// another one had granted grace, must not grant it again: by then, the engines have had their time.
#[derive(Clone)]
pub(super) struct PendingGrace(Arc<AtomicBool>);

impl PendingGrace {
    pub(super) fn is_pending(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl OutageDetector {
    /// A start is the end of an outage.
    pub(super) fn new() -> Self {
        Self { grace: PendingGrace(Arc::new(AtomicBool::new(true))), last_success: LastSuccess(Timer::now()) }
    }

    pub(super) fn grace(&self) -> PendingGrace {
        self.grace.clone()
    }

    pub(super) fn last_success(&self) -> LastSuccess {
        self.last_success
    }

    /// There was an outage: the process stood still, or the store was away.
    pub(super) fn found(&self) {
        self.grace.0.store(true, Ordering::Release);
    }

    /// A transaction has committed. It has granted grace if `granted_grace`, but if it took as long as an outage, the next
    /// one must do so too.
    pub(super) fn committed(&mut self, granted_grace: bool, duration: Duration, store_is_shared: bool) {
        let pending = is_stall(duration)
            || self.grace.is_pending() && !granted_grace
            || store_is_shared && self.last_success.is_long_ago();
        self.grace.0.store(pending, Ordering::Release);
        self.last_success = LastSuccess(Timer::now());
    }
}

/// When the store has last carried something out.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastSuccess(Instant);

impl LastSuccess {
    /// Whether this was so long ago that a shared store, which is looked at all the time, must have been away. It may
    /// have been so without an error, as when it or the way to it stood still.
    pub(super) fn is_long_ago(self) -> bool {
        is_stall(Timer::now().saturating_duration_since(self.0).saturating_sub(SHARED_SWEEP_INTERVAL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_comes_late_to_its_transaction_grants_no_second_grace() {
        let mut outage = OutageDetector::new();
        let of_a_late_batch = outage.grace();
        assert!(of_a_late_batch.is_pending());
        outage.committed(true, Duration::ZERO, false);
        assert!(!of_a_late_batch.is_pending());
        outage.found();
        outage.committed(false, Duration::ZERO, false);
        assert!(of_a_late_batch.is_pending(), "a transaction that granted none leaves it to the next");
    }
}
