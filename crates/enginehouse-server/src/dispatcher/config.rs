//! What an operator may decide about dispatch.

use std::time::Duration;

use enginehouse_core::event::EventStatus;
use enginehouse_core::limits::HOLD_BACK_AFTER;
use enginehouse_core::policy::Policy;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::EventState;

/// What an operator may decide about dispatch.
#[derive(Clone, Debug)]
pub struct DispatchConfig {
    /// The policy of events for which nothing nearer says otherwise.
    pub default_policy: Policy,
    pub retention: Retention,
    pub caps: Caps,
    /// The mark for processor time, in percent of one core, above which an engine is given no events; none if there is none.
    pub max_cpu_percent: Option<f64>,
    /// After how long an engine is held back for an event that others pass, where nothing nearer says otherwise; never if none.
    pub hold_back_after: Option<Duration>,
    /// How many requests may wait for the dispatcher.
    pub max_waiting_requests: usize,
}

impl Default for DispatchConfig {
    fn default() -> Self {
        Self {
            default_policy: Policy::DEFAULT,
            retention: Retention::DEFAULT,
            caps: Caps::DEFAULT,
            max_cpu_percent: None,
            hold_back_after: Some(HOLD_BACK_AFTER),
            max_waiting_requests: 10_000,
        }
    }
}

/// How many of what callers make there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    pub max_lanes: usize,
    pub max_engines: usize,
    /// No bound if none.
    pub max_queued_per_queue: Option<u64>,
}

impl Caps {
    pub const DEFAULT: Self = Self { max_lanes: 10_000, max_engines: 50_000, max_queued_per_queue: None };
}

/// How long finished events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Completed events.
    pub completed: Duration,
    /// Failed and cancelled events. Dead letters stay until somebody resolves them.
    pub failed: Duration,
}

impl Retention {
    /// 7 days for completed events, 30 days for failed and cancelled ones.
    pub const DEFAULT: Self =
        Self { completed: Duration::from_secs(7 * 86_400), failed: Duration::from_secs(30 * 86_400) };

    /// When an event may be deleted, if it is one that may.
    pub(super) fn end_for(&self, event: &EventState) -> Option<Timestamp> {
        let kept = if event.status == EventStatus::Completed { self.completed } else { self.failed };
        event.finished_at.filter(|_| event.dead_letter.is_none()).map(|at| at + kept)
    }

    /// The shorter of both.
    pub(super) fn shortest(&self) -> Duration {
        self.completed.min(self.failed)
    }
}
