//! How often an engine may register: a few times in quick succession, as at a restart, and then once a second.
//!
//! Each registration ends locks, writes the registry, and has every server read it. An engine that registers in a loop, because
//! two processes share its id or it crashes at once, must not keep the others busy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enginehouse_core::ids::EngineId;
use tokio::time::Instant;

use crate::timers::Timer;

/// How long it takes until an engine may register once more.
const INTERVAL: Duration = Duration::from_secs(1);
/// How many registrations may follow each other without a pause.
const BURST: u32 = 3;
/// From how many engines on those are forgotten that may register as often as any.
const TIDY_FROM: usize = 1_000;

/// Clones count together.
#[derive(Clone, Default)]
pub(super) struct RegistrationLimit {
    /// When each engine will have all of them again.
    full_at: Arc<Mutex<HashMap<EngineId, Instant>>>,
}

impl RegistrationLimit {
    /// Counts a registration.
    ///
    /// # Errors
    /// It is one too many: after how long it would not be.
    pub(super) fn admit(&self, engine_id: &EngineId) -> Result<(), Duration> {
        self.admit_at(engine_id, Timer::now())
    }

    fn admit_at(&self, engine_id: &EngineId, now: Instant) -> Result<(), Duration> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= TIDY_FROM {
            full_at.retain(|_, full_at| *full_at > now);
        }
        let full = full_at.get(engine_id).copied().unwrap_or(now).max(now);
        let missing = full.saturating_duration_since(now) + INTERVAL;
        let room = INTERVAL * BURST;
        if missing > room {
            return Err(missing.saturating_sub(room));
        }
        full_at.insert(engine_id.clone(), now + missing);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_registrations_may_follow_each_other_and_then_one_a_second() {
        let (limit, now) = (RegistrationLimit::default(), Timer::now());
        let admit =
            |engine: &str, millis| limit.admit_at(&engine.parse().unwrap(), now + Duration::from_millis(millis));
        for _ in 0..3 {
            assert_eq!(admit("a", 0), Ok(()));
        }
        assert_eq!(admit("a", 0), Err(Duration::from_secs(1)));
        assert_eq!(admit("b", 0), Ok(()), "each engine for itself");
        assert_eq!(admit("a", 900), Err(Duration::from_millis(100)));
        assert_eq!(admit("a", 1_000), Ok(()), "a refused one does not count");
        assert_eq!(admit("a", 1_000), Err(Duration::from_secs(1)));
        for _ in 0..3 {
            assert_eq!(admit("a", 60_000), Ok(()), "after a pause it may do so again");
        }
    }
}
