//! Outages: times in which engines could not be heard, so that their silence says nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::sweep::SHARED_SWEEP_INTERVAL;
use crate::timers::{Timer, is_stall};

/// Knows whether the next batch is the first one after an outage. That batch grants grace.
pub(super) struct OutageDetector {
    after_outage: bool,
    last_success: LastSuccess,
}

impl OutageDetector {
    /// A start is the end of an outage.
    pub(super) fn new() -> Self {
        Self { after_outage: true, last_success: LastSuccess(Timer::now()) }
    }

    pub(super) fn after_outage(&self) -> bool {
        self.after_outage
    }

    pub(super) fn last_success(&self) -> LastSuccess {
        self.last_success
    }

    /// There was an outage: the process stood still, or the store was away.
    pub(super) fn found(&mut self) {
        self.after_outage = true;
    }

    /// A transaction has committed. It has granted grace if `granted_grace`, but if it took as long as an outage, the next
    /// one must do so too.
    pub(super) fn committed(&mut self, granted_grace: bool, duration: Duration, store_is_shared: bool) {
        self.after_outage = is_stall(duration)
            || self.after_outage && !granted_grace
            || store_is_shared && self.last_success.is_long_ago();
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
