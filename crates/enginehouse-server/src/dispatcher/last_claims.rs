//! When each engine last asked for events: what explanations tell of engines that could run something and do not.
//!
//! Kept in memory, and for the engines that ask this server. A claim that waits asks when it comes, once a minute at least.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enginehouse_core::ids::EngineId;
use enginehouse_core::time::Timestamp;

/// Above this, what is remembered is dropped and learnt anew: most of these engines are gone.
const MAX_REMEMBERED: usize = 100_000;

/// When each engine last asked for events. Cheap to clone.
#[derive(Clone, Default)]
pub struct LastClaims(Arc<Mutex<HashMap<EngineId, Timestamp>>>);

impl LastClaims {
    fn times(&self) -> MutexGuard<'_, HashMap<EngineId, Timestamp>> {
        // Nobody panics while holding it, and if somebody did, the times are as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Engines ask now.
    pub(super) fn note<'a>(&self, engines: impl IntoIterator<Item = &'a EngineId>, now: Timestamp) {
        let mut times = self.times();
        for engine_id in engines {
            match times.get_mut(engine_id) {
                Some(at) => *at = now,
                None => {
                    if times.len() >= MAX_REMEMBERED {
                        times.clear();
                    }
                    times.insert(engine_id.clone(), now);
                }
            }
        }
    }

    /// The times of all engines, to be looked up.
    pub fn all(&self) -> HashMap<EngineId, Timestamp> {
        self.times().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_time_counts_and_what_is_remembered_is_bounded() {
        let claims = LastClaims::default();
        let id = |number: usize| -> EngineId { format!("e{number}").parse().unwrap() };
        for number in 0..=MAX_REMEMBERED {
            claims.note([&id(number)], Timestamp::from_millis(5));
        }
        assert_eq!(claims.all().len(), 1);
        claims.note([&id(MAX_REMEMBERED)], Timestamp::from_millis(9));
        assert_eq!(claims.all(), HashMap::from([(id(MAX_REMEMBERED), Timestamp::from_millis(9))]));
    }
}
