//! How the fleet recovered from the loss of an engine.

use std::time::Duration;

use enginehouse_core::ids::EngineId;

pub(super) struct Recovery {
    pub(super) killed: EngineId,
    /// How many locks the killed engine held.
    pub(super) locks: usize,
    /// From the kill until other engines had claimed, or completed, all its events.
    pub(super) took: Duration,
    /// From the first tile to the last, the redriven one included.
    pub(super) rendering: Duration,
}

/// `1 lock`, `2 locks`.
pub(super) fn locks(count: usize) -> String {
    format!("{count} lock{}", if count == 1 { "" } else { "s" })
}
