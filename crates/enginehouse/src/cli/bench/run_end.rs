//! How a run ended.

use std::time::Duration;

use serde::Serialize;

/// Why a bench ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BenchEnd {
    /// It lasted as long as it was to last.
    Duration,
    /// As many events were measured as were to be.
    Events,
    /// By a signal, such as Ctrl-C.
    Interrupted,
    /// Nothing was enqueued or completed any more.
    Stalled,
    /// By an error that no repeat helps.
    Failed,
}

/// Why a run ended, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunEnd {
    pub(super) by: BenchEnd,
    pub(super) producers_ended_at: Duration,
    pub(super) ended_at: Duration,
    /// Whether calls were under way that nobody waits for any more.
    pub(super) is_cut_off: bool,
}
