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
const MIN_TIDY_AT: usize = 1_000;

/// Clones count together.
#[derive(Clone, Default)]
pub(super) struct RegistrationLimit(Arc<Mutex<Registrations>>);

#[derive(Default)]
struct Registrations {
    /// When each engine will have all of them again.
    full_at: HashMap<EngineId, Instant>,
    /// From how many engines on it is looked through again: twice as many as were left, so that each registration pays for a
    /// look at two of them, however large the fleet is that comes at once.
    tidy_at: usize,
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
        let mut registrations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Registrations { full_at, tidy_at } = &mut *registrations;
        if full_at.len() >= (*tidy_at).max(MIN_TIDY_AT) {
            full_at.retain(|_, full_at| *full_at > now);
            *tidy_at = full_at.len() * 2;
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
    fn engines_are_forgotten_again_and_not_looked_through_each_time() {
        let (limit, now) = (RegistrationLimit::default(), Timer::now());
        let register = |engines: std::ops::Range<usize>, second| {
            for engine in engines {
                let engine_id = format!("e{engine}").parse().unwrap();
                limit.admit_at(&engine_id, now + Duration::from_secs(second)).unwrap();
            }
            let registrations = limit.0.lock().unwrap();
            (registrations.full_at.len(), registrations.tidy_at)
        };
        assert_eq!(register(0..MIN_TIDY_AT, 0), (MIN_TIDY_AT, 0));
        assert_eq!(register(1_000..1_500, 0), (1_500, 2 * MIN_TIDY_AT), "one look has found nothing to forget");
        assert_eq!(register(1_500..2_001, 10), (501, 1_000), "those of ten seconds ago are forgotten");
    }

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
