//! What must not expire after an outage.
//!
//! While the server or its store was away, no engine could send a heartbeat and no lock could be renewed: their
//! silence says nothing. So when service resumes, every deadline that engines meet by heartbeats is moved to
//! at least one full `lost_after` from then. The moved deadlines are written to the store, where people, sweeps
//! and other servers see the same ones.

use std::time::Duration;

use crate::limits::{DEFAULT_HEARTBEAT_INTERVAL, LOST_AFTER_INTERVALS};
use crate::time::Timestamp;

/// A deadline as it stands after service resumed at `resumed_at`: never earlier than it was.
pub fn postponed(deadline: Timestamp, resumed_at: Timestamp, grace: Duration) -> Timestamp {
    deadline.max(resumed_at + grace)
}

/// How long an engine has for its first heartbeat, from its heartbeat interval. One that sends no heartbeats has as
/// long as one with the default interval.
pub fn grace_for(heartbeat_interval: Duration) -> Duration {
    let interval = if heartbeat_interval.is_zero() { DEFAULT_HEARTBEAT_INTERVAL } else { heartbeat_interval };
    interval * LOST_AFTER_INTERVALS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_moved_only_if_it_comes_too_soon() {
        let resumed_at = Timestamp::from_millis(100_000);
        let grace = grace_for(Duration::from_secs(10));
        assert_eq!(grace, Duration::from_secs(30));
        for (deadline, want) in [(0, 130_000), (100_000, 130_000), (129_999, 130_000), (200_000, 200_000)] {
            assert_eq!(postponed(Timestamp::from_millis(deadline), resumed_at, grace).as_millis(), want);
        }
    }

    #[test]
    fn an_engine_without_heartbeats_has_the_default_grace() {
        assert_eq!(grace_for(Duration::ZERO), Duration::from_secs(30));
    }
}
