//! The clients: producers, engines and operators, each at its own pace, until they are told to stop.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enginehouse_core::ids::EventId;
use tokio::time::Instant;

pub(crate) mod bystander;
pub(crate) mod engine;
pub(crate) mod operator;
pub(crate) mod producer;

/// How long clients wait after a failure.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);
/// The queue of the producers. Bystanders have queues of their own.
pub(crate) const QUEUE: &str = "default";

/// What clients share.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientFleet {
    state: Arc<FleetState>,
}

#[derive(Debug, Default)]
struct FleetState {
    producers_stop: AtomicBool,
    engines_stop: AtomicBool,
    is_calm: AtomicBool,
    /// Events that operators know of: a few of the latest.
    recent: Mutex<Vec<EventId>>,
    recorded: AtomicUsize,
}

/// How many events operators know of.
const RECENT: usize = 200;

impl ClientFleet {
    /// No more events, no more operators.
    pub(crate) fn stop_producers(&self) {
        self.state.producers_stop.store(true, Ordering::SeqCst);
    }

    pub(crate) fn stop_engines(&self) {
        self.state.engines_stop.store(true, Ordering::SeqCst);
    }

    /// Engines crash and pause no more: what is left can be finished.
    pub(crate) fn calm_down(&self) {
        self.state.is_calm.store(true, Ordering::SeqCst);
    }

    pub(crate) fn producers_are_stopped(&self) -> bool {
        self.state.producers_stop.load(Ordering::SeqCst)
    }

    pub(crate) fn engines_are_stopped(&self) -> bool {
        self.state.engines_stop.load(Ordering::SeqCst)
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.state.is_calm.load(Ordering::SeqCst)
    }

    pub(crate) fn remember(&self, event_id: EventId) {
        let number = self.state.recorded.fetch_add(1, Ordering::Relaxed);
        let mut recent = self.state.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() < RECENT {
            recent.push(event_id);
        } else {
            recent[number % RECENT] = event_id;
        }
    }

    pub(crate) fn recent(&self, number: usize) -> Option<EventId> {
        let recent = self.state.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.get(number % recent.len().max(1)).copied()
    }
}

/// The pace of a client is part of the load, not a wait for something to happen.
pub(crate) async fn pause(wait: Duration) {
    tokio::time::sleep_until(Instant::now() + wait).await;
}
