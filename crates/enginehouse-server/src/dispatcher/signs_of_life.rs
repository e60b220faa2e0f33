//! Signs of life: every call of an engine's present epoch shows that its process lives, not its heartbeats alone.
//!
//! A call moves the engine's deadline in its row, so that every server of a shared store knows it. That is one write per half
//! an interval at most, however often the engine calls; and a claim that waits has one made for it in each interval.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::ids::EngineId;
use enginehouse_core::time::Timestamp;
use enginehouse_store::StoreError;

use super::context::TransactionContext;

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

/// Moves the deadlines of engines that have called. One that another transaction works for is left out: that is a sign, too.
pub(super) async fn see(context: &mut TransactionContext<'_>, callers: &Callers) -> Result<(), StoreError> {
    if callers.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = callers.keys().cloned().collect();
    let engines = context.transaction.free_engines_by_id(&ids).await?;
    // An older process than the one that has registered says nothing of it.
    let present = engines.into_iter().filter(|engine| callers.get(&engine.engine_id) == Some(&engine.epoch));
    let (now, mut engines, mut seen) = (context.now, Vec::new(), Vec::new());
    for engine in present {
        seen.extend(engine.seen(now));
        engines.push(engine);
    }
    context.seen_engines.keep(engines.iter().chain(&seen));
    if !seen.is_empty() {
        context.transaction.write_engines(&seen).await?;
    }
    Ok(())
}
