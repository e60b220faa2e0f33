//! What a bench calls what it makes. No other run and nobody else has these names, so it can neither take from others nor be taken from.

use std::hash::{BuildHasher, Hasher, RandomState};

use enginehouse_core::ids::{EngineId, EventType, QueueName};

/// The beginning of every name, and the type of the engines.
pub(super) const PREFIX: &str = "enginehouse-bench";

#[derive(Clone, Debug)]
pub(super) struct BenchNames {
    /// Names the run, its event type, and the capability that its events require and only its engines have.
    pub(super) run: String,
    pub(super) event_type: EventType,
    pub(super) queue: QueueName,
}

impl BenchNames {
    /// Those of a new run, whose events go into `queue` or one of their own.
    pub(super) fn new(queue: Option<QueueName>) -> Self {
        let random = RandomState::new().build_hasher().finish() & 0xffff_ffff;
        let run = format!("{PREFIX}-{random:08x}");
        let event_type = run.parse().unwrap_or_else(|_| unreachable!("plain words joined by dashes are a name"));
        let own_queue = || run.parse().unwrap_or_else(|_| unreachable!("plain words joined by dashes are a name"));
        Self { event_type, queue: queue.unwrap_or_else(own_queue), run }
    }

    pub(super) fn engine_id(&self, number: u32) -> EngineId {
        let name = format!("{}-{number}", self.run);
        name.parse().unwrap_or_else(|_| unreachable!("plain words joined by dashes are a name"))
    }
}
