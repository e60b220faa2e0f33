//! What is remembered of the last signs of life, so that not every call is a look at its engine's row.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::ids::EngineId;
use enginehouse_core::time::Timestamp;

/// Above this, what is remembered of engines is dropped and learnt anew: most of them are gone.
const MAX_REMEMBERED: usize = 100_000;

/// When the next call of an engine is worth a look at its row. A hint, shared by the workers: too early costs a look.
#[derive(Clone, Default)]
pub(super) struct SeenEngines(Arc<Mutex<HashMap<EngineId, Timestamp>>>);

/// The engines that have called, each with the epoch that its call is of.
pub(super) type Callers = BTreeMap<EngineId, i64>;

impl SeenEngines {
    fn times(&self) -> MutexGuard<'_, HashMap<EngineId, Timestamp>> {
        // Nobody panics while holding it, and if somebody did, the hints are as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the rows of engines as they are now.
    pub(super) fn keep<'a>(&self, engines: impl IntoIterator<Item = &'a RegisteredEngine>) {
        let mut times = self.times();
        if times.len() > MAX_REMEMBERED {
            times.clear();
        }
        for engine in engines {
            times.insert(engine.engine_id.clone(), engine.seen_again_at().unwrap_or(Timestamp::MAX));
        }
    }

    /// Leaves out the callers that were seen just before.
    pub(super) fn worth_a_look(&self, mut callers: Callers, now: Timestamp) -> Callers {
        let times = self.times();
        callers.retain(|engine_id, _| times.get(engine_id).is_none_or(|at| *at <= now));
        callers
    }
}
