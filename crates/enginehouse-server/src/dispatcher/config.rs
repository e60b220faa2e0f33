//! What an operator may decide about dispatch.

use std::time::Duration;

use enginehouse_core::limits::HOLD_BACK_AFTER;
use enginehouse_core::policy::Policy;
pub use enginehouse_core::retention::Retention;

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
