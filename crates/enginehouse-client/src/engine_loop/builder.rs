//! What an engine is and how it works, set before it runs.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_api::claims::ClaimPart;
use enginehouse_api::engines::RegisterRequest;
use enginehouse_core::engine::{DynamicState, Metadata, StaticConfig};
use enginehouse_core::ids::{EngineId, EngineType, EventType, QueueName};
use enginehouse_core::limits::MAX_CLAIM_LIMIT;
use enginehouse_core::request::Affinity;
use tokio_util::sync::CancellationToken;

use crate::calls::Client;

/// What an engine is, and how it works. [`EngineLoop::run`] runs it.
pub struct EngineLoop {
    pub(super) client: Client,
    pub(super) engine_id: EngineId,
    engine_type: EngineType,
    static_config: StaticConfig,
    pub(super) max_concurrent: u32,
    queues: Vec<QueueName>,
    event_types: Vec<EventType>,
    affinity: Affinity,
    heartbeat_interval_seconds: Option<u64>,
    takeover: bool,
    visibility_timeout_seconds: Option<u64>,
    pub(super) claim_wait: Duration,
    pub(super) load: Arc<dyn Fn() -> DynamicState + Send + Sync>,
    pub(super) grace: Duration,
    pub(super) stop_wait: Duration,
    pub(super) hurry: CancellationToken,
}

impl std::fmt::Debug for EngineLoop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineLoop").field("engine_id", &self.engine_id).finish_non_exhaustive()
    }
}

impl EngineLoop {
    /// An engine that works on one event at a time, of any queue and type.
    pub fn new(client: Client, engine_id: EngineId, engine_type: EngineType) -> Self {
        Self {
            client,
            engine_id,
            engine_type,
            static_config: StaticConfig::default(),
            max_concurrent: 1,
            queues: Vec::new(),
            event_types: Vec::new(),
            affinity: Affinity::default(),
            heartbeat_interval_seconds: None,
            takeover: false,
            visibility_timeout_seconds: None,
            claim_wait: Duration::from_secs(20),
            load: Arc::new(DynamicState::default),
            grace: Duration::from_secs(30),
            stop_wait: Duration::from_secs(10),
            hurry: CancellationToken::new(),
        }
    }

    /// What the engine can do and may take; its `max_concurrent_events` is set from [`Self::max_concurrent`].
    #[must_use]
    pub fn static_config(self, static_config: StaticConfig) -> Self {
        Self { static_config, ..self }
    }

    /// How many events it works on at once: 1 to 1,000, 1 unless set.
    #[must_use]
    pub fn max_concurrent(self, max_concurrent: u32) -> Self {
        Self { max_concurrent: max_concurrent.clamp(1, MAX_CLAIM_LIMIT), ..self }
    }

    /// Takes events of these queues only.
    #[must_use]
    pub fn queues(self, queues: impl IntoIterator<Item = QueueName>) -> Self {
        Self { queues: queues.into_iter().collect(), ..self }
    }

    /// Takes events of these types only.
    #[must_use]
    pub fn event_types(self, event_types: impl IntoIterator<Item = EventType>) -> Self {
        Self { event_types: event_types.into_iter().collect(), ..self }
    }

    /// Whether events of its current scenario run come first.
    #[must_use]
    pub fn affinity(self, affinity: Affinity) -> Self {
        Self { affinity, ..self }
    }

    /// How often it heartbeats; the server's default unless set. With 0, only the locks' timeouts bound it.
    #[must_use]
    pub fn heartbeat_interval_seconds(self, seconds: u64) -> Self {
        Self { heartbeat_interval_seconds: Some(seconds), ..self }
    }

    /// Whether it takes over the id of an engine that lives, instead of waiting until that is lost. Its locks end at once, and count
    /// for no loss: so an event that kills its engine each time is not found out as long as the engine comes back at once.
    #[must_use]
    pub fn takeover(self, takeover: bool) -> Self {
        Self { takeover, ..self }
    }

    /// How long its locks last without being renewed, over every policy.
    #[must_use]
    pub fn visibility_timeout_seconds(self, seconds: u64) -> Self {
        Self { visibility_timeout_seconds: Some(seconds), ..self }
    }

    /// How long one claim waits for events: 20 s unless set, at most 60 s.
    #[must_use]
    pub fn claim_wait(self, claim_wait: Duration) -> Self {
        Self { claim_wait: claim_wait.min(Duration::from_secs(60)), ..self }
    }

    /// Measures the engine's load, for each heartbeat.
    #[must_use]
    pub fn load(self, load: impl Fn() -> DynamicState + Send + Sync + 'static) -> Self {
        Self { load: Arc::new(load), ..self }
    }

    /// How long it may finish what it holds once the shutdown begins: 30 s unless set.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// How long a handler may take to return once its context has stopped: 10 s unless set. Then it is dropped.
    #[must_use]
    pub fn stop_wait(self, stop_wait: Duration) -> Self {
        Self { stop_wait, ..self }
    }

    /// Ends the grace early when it is cancelled.
    #[must_use]
    pub fn hurry(self, hurry: CancellationToken) -> Self {
        Self { hurry, ..self }
    }

    pub(super) fn registration(&self) -> RegisterRequest {
        let mut static_config = self.static_config.clone();
        static_config.resource_limits.max_concurrent_events = Some(u64::from(self.max_concurrent));
        RegisterRequest {
            engine_type: self.engine_type.to_string(),
            metadata: Metadata { static_config, dynamic_state: (self.load)(), ..Metadata::default() },
            heartbeat_interval_seconds: self.heartbeat_interval_seconds,
            takeover: self.takeover,
        }
    }

    /// A claim of up to `limit` events.
    pub(super) fn claim(&self, limit: usize, wait: Duration) -> ClaimPart {
        ClaimPart {
            limit: Some(limit as u64),
            visibility_timeout_seconds: self.visibility_timeout_seconds,
            wait_seconds: Some(wait.as_secs_f64()),
            queues: self.queues.iter().map(ToString::to_string).collect(),
            event_types: self.event_types.iter().map(ToString::to_string).collect(),
            affinity: self.affinity,
        }
    }
}
