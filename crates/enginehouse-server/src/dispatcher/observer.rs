//! Who is told how transactions went: the metrics, and tests.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::ids::LaneId;
use enginehouse_core::lane::LaneKey;
use enginehouse_core::time::Timestamp;

use super::effects::Effects;
use crate::log_limit::LogLimit;

/// Is told how every transaction went.
pub trait Observer: Send {
    /// A transaction has committed.
    fn committed(&self, commit: &CommittedTransaction<'_>);
    /// A transaction has failed.
    fn failed(&self);
    /// Decides which lines about failures are logged.
    fn log_limit(&self) -> LogLimit {
        LogLimit::default()
    }
    /// How many claims wait for events, and how many requests wait for the dispatcher.
    fn waiting(&self, claims: usize, requests: usize);
}

/// A transaction that has committed.
pub struct CommittedTransaction<'a> {
    /// How many requests it carried out.
    pub requests: usize,
    /// From its beginning to its commit.
    pub duration: Duration,
    /// The store's time, as the transaction saw it.
    pub now: Timestamp,
    pub effects: &'a Effects,
    /// Looks up a lane that the effects count by; none if it has been deleted.
    pub lanes: &'a dyn Fn(LaneId) -> Option<Arc<LaneKey>>,
}
