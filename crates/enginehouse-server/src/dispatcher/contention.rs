//! What other transactions hold, as far as this server has noticed: rows, keys and lanes that a stranger, a paused server or an
//! application has locked and does not let go.
//!
//! Requests that need it are kept away from the others, who would have to wait with them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::lane::LaneKey;
use tokio::time::Instant;

use crate::timers::Timer;

/// For how long something counts as held after it was last found so.
const HELD_FOR: Duration = Duration::from_secs(3);
/// How much is remembered as held. What is more costs those who share a transaction with it a moment each time.
const MAX_REMEMBERED: usize = 10_000;

/// Something that a request needs for itself, and that somebody else may hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    Engine(EngineId),
    Event(EventId),
    IdempotencyKey(Arc<str>),
    Lane(LaneKey),
}

/// What is held. Shared by the scheduler and its workers.
#[derive(Clone, Default)]
pub(super) struct HeldResources(Arc<Mutex<Contention>>);

#[derive(Default)]
struct Contention {
    /// Until when each counts as held.
    resources: HashMap<Resource, Instant>,
    /// Engines that should have been lost while somebody held their rows. They could not be heard either.
    overdue: HashSet<EngineId>,
    /// Engines whose heartbeats this server has refused, because it could not write them.
    unheard: BTreeSet<EngineId>,
}

impl HeldResources {
    fn lock(&self) -> MutexGuard<'_, Contention> {
        // Nobody panics while holding it, and what is in it is a hint.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that these are held.
    pub(super) fn add(&self, resources: impl IntoIterator<Item = Resource>) {
        let now = Timer::now();
        let mut held = self.lock();
        held.resources.retain(|_, until| *until > now);
        for resource in resources {
            if held.resources.len() < MAX_REMEMBERED {
                held.resources.insert(resource, now + HELD_FOR);
            }
        }
    }

    /// Notes that these are free.
    pub(super) fn remove<'a>(&self, resources: impl IntoIterator<Item = &'a Resource>) {
        let mut held = self.lock();
        for resource in resources {
            held.resources.remove(resource);
        }
    }

    pub(super) fn contains(&self, resource: &Resource) -> bool {
        self.lock().resources.get(resource).is_some_and(|until| *until > Timer::now())
    }

    /// Whether nothing is.
    pub(super) fn is_empty(&self) -> bool {
        let now = Timer::now();
        !self.lock().resources.values().any(|until| *until > now)
    }

    /// Takes note of which engines should be lost now, and are held.
    pub(super) fn set_overdue(&self, engines: impl IntoIterator<Item = EngineId>) {
        self.lock().overdue = engines.into_iter().collect();
    }

    /// Whether an engine was held when it should have been lost.
    pub(super) fn was_overdue(&self, engine_id: &EngineId) -> bool {
        self.lock().overdue.contains(engine_id)
    }

    /// Notes that a sign of life of an engine was refused.
    pub(super) fn add_unheard(&self, engine_id: EngineId) {
        self.lock().unheard.insert(engine_id);
    }

    /// The engines whose signs of life were refused.
    pub(super) fn unheard(&self) -> Vec<EngineId> {
        self.lock().unheard.iter().cloned().collect()
    }

    /// Whether signs of life of an engine were refused, which nobody has made good for yet.
    pub(super) fn is_unheard(&self, engine_id: &EngineId) -> bool {
        self.lock().unheard.contains(engine_id)
    }

    pub(super) fn has_unheard(&self) -> bool {
        !self.lock().unheard.is_empty()
    }

    /// These engines have had their time extended, or are not there any more.
    pub(super) fn remove_unheard(&self, engines: &[EngineId]) {
        let mut held = self.lock();
        for engine_id in engines {
            held.unheard.remove(engine_id);
        }
    }
}
