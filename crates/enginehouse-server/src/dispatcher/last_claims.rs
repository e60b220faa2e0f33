//! When each engine last asked for events: what explanations tell of engines that could run something and do not.
//!
//! Kept in memory, and for the engines that ask this server. A claim that waits asks when it comes, once a minute at least.
//!
//! Every claim is noted, so nobody who reads keeps the place where it is: readers take what was noted since the last of them,
//! and put it together with what was taken before in a place of their own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enginehouse_core::ids::EngineId;
use enginehouse_core::time::Timestamp;

/// Above this, what is remembered is dropped and learnt anew: most of these engines are gone.
const MAX_REMEMBERED: usize = 100_000;

type ClaimTimes = HashMap<EngineId, Timestamp>;

/// When each engine last asked for events. Cheap to clone.
#[derive(Clone, Default)]
pub struct LastClaims {
    /// What was noted since somebody last read: locked for each claim, and by readers only to take it.
    recent: Arc<Mutex<ClaimTimes>>,
    /// What readers have taken, for them alone.
    taken: Arc<Mutex<Arc<ClaimTimes>>>,
}

/// Nobody panics while holding one of these, and if somebody did, the times are as good as before.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LastClaims {
    /// Engines ask now.
    pub(super) fn note<'a>(&self, engines: impl IntoIterator<Item = &'a EngineId>, now: Timestamp) {
        let mut recent = locked(&self.recent);
        for engine_id in engines {
            match recent.get_mut(engine_id) {
                Some(at) => *at = now,
                None => {
                    if recent.len() >= MAX_REMEMBERED {
                        recent.clear();
                    }
                    recent.insert(engine_id.clone(), now);
                }
            }
        }
    }

    /// The times of all engines, to be looked up.
    pub fn all(&self) -> Arc<ClaimTimes> {
        let mut taken = locked(&self.taken);
        let recent = std::mem::take(&mut *locked(&self.recent));
        let times = Arc::make_mut(&mut taken);
        times.extend(recent.iter().map(|(engine_id, at)| (engine_id.clone(), *at)));
        if times.len() > MAX_REMEMBERED {
            *times = recent;
        }
        Arc::clone(&taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> EngineId {
        format!("e{number}").parse().unwrap()
    }

    #[test]
    fn the_last_time_counts_and_what_is_remembered_is_bounded() {
        let claims = LastClaims::default();
        for number in 0..=MAX_REMEMBERED {
            claims.note([&id(number)], Timestamp::from_millis(5));
        }
        assert_eq!(claims.all().len(), 1);
        claims.note([&id(MAX_REMEMBERED)], Timestamp::from_millis(9));
        assert_eq!(*claims.all(), HashMap::from([(id(MAX_REMEMBERED), Timestamp::from_millis(9))]));
        for number in 0..MAX_REMEMBERED {
            claims.note([&id(number)], Timestamp::from_millis(10));
        }
        assert_eq!(claims.all().len(), MAX_REMEMBERED, "those of before are dropped");
    }

    /// What one reader has taken, the next still finds.
    #[test]
    fn what_was_read_is_not_forgotten() {
        let claims = LastClaims::default();
        claims.note([&id(1), &id(2)], Timestamp::from_millis(5));
        let before = claims.all();
        claims.note([&id(2)], Timestamp::from_millis(6));
        let both = HashMap::from([(id(1), Timestamp::from_millis(5)), (id(2), Timestamp::from_millis(6))]);
        assert_eq!((before.len(), &*claims.all(), &*claims.all()), (2, &both, &both));
        assert_eq!(before[&id(2)], Timestamp::from_millis(5), "who has read has read");
    }

    /// A claim is not kept waiting by somebody who reads, however long that takes.
    #[test]
    fn nobody_who_reads_keeps_a_claim_waiting() {
        let claims = LastClaims::default();
        let _reading = locked(&claims.taken);
        claims.note([&id(1)], Timestamp::from_millis(5));
        assert_eq!(locked(&claims.recent).len(), 1);
    }
}
