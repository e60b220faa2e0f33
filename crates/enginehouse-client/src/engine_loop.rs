//! An engine's whole life: register, claim, run a handler for each event, settle, shut down in good order.
//!
//! Three tasks do the talking:
//!
//! - **`exchange`** sends the results of handlers. One call settles all that have gathered, and claims as many events as that
//!   makes room for: with a backlog, an engine with one slot makes one call per event. A heartbeat that is due goes along.
//! - **`claims`** has the slots that no result made room for. When nothing is ready, it waits on the server for the first event.
//! - **`heartbeat`** keeps the engine and its locks alive by a call of its own whenever no exchange has done so in time: beside
//!   a handler that runs for an hour, and beside a claim that waits for a minute.
//!
//! **Only claims wait.** The server answers a whole exchange at once or, if it contains a claim that waits, when that wait is
//! over. So a result or a heartbeat never shares a call with a wait, or the engine would learn only a minute later that its
//! result was refused or its lock was lost. A handler that finishes while a claim waits has its result sent by a second call.
//! To cancel the wait instead would be wrong: its answer may be on the way, with locks that nobody would know of.
//!
//! **One claim at a time.** While a claim waits, an exchange claims nothing: whatever became ready went to the waiting claim.
//! At shutdown, events that a claim under way still brings are released, not lost.
//!
//! **What is repeated.** A settle is repeated until the server has answered it, which is safe: the lock's token makes a
//! second one the same as the first. If the answer to a claim is lost, nothing here knows its locks; no heartbeat lists them,
//! so the server releases them after two. A server that is away stops none of the tasks: handlers work on, and whether a lock
//! was lost meanwhile is for the server to say.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_api::claims::ClaimPart;
use enginehouse_api::engines::{DrainRequest, RegisterRequest};
use enginehouse_core::engine::{DynamicState, Metadata, StaticConfig};
use enginehouse_core::ids::{EngineId, EngineType, EventType, QueueName};
use enginehouse_core::limits::MAX_CLAIM_LIMIT;
use enginehouse_core::request::Affinity;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::calls::Client;
use crate::error::Error;

mod claims;
mod exchange;
mod handler;
mod heartbeat;
mod held_locks;

use claims::ClaimEnd;
use exchange::Finished;
pub use handler::{ClaimedEvent, EngineSummary, HandlerContext, HandlerOutcome, StopReason};
use heartbeat::{EngineSession, Heartbeats, SessionEnd};
use held_locks::HeldLocks;

/// How long the last settles and the deregistration may take at the very end.
const LAST_CALLS: Duration = Duration::from_secs(5);

/// Why an engine stopped other than by shutdown or drain.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// Another process has registered under the same id; this one's locks are lost.
    #[error("another process has registered as engine {0}")]
    Superseded(EngineId),
    /// The server refused to register the engine, or to let it claim.
    #[error(transparent)]
    Call(#[from] Error),
}

/// What an engine is, and how it works. [`EngineLoop::run`] runs it.
pub struct EngineLoop {
    client: Client,
    engine_id: EngineId,
    engine_type: EngineType,
    static_config: StaticConfig,
    max_concurrent: u32,
    queues: Vec<QueueName>,
    event_types: Vec<EventType>,
    affinity: Affinity,
    heartbeat_interval_seconds: Option<u64>,
    visibility_timeout_seconds: Option<u64>,
    claim_wait: Duration,
    load: Arc<dyn Fn() -> DynamicState + Send + Sync>,
    grace: Duration,
    stop_wait: Duration,
    hurry: CancellationToken,
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

    fn registration(&self) -> RegisterRequest {
        let mut static_config = self.static_config.clone();
        static_config.resource_limits.max_concurrent_events = Some(u64::from(self.max_concurrent));
        RegisterRequest {
            engine_type: self.engine_type.to_string(),
            metadata: Metadata { static_config, dynamic_state: (self.load)(), ..Metadata::default() },
            heartbeat_interval_seconds: self.heartbeat_interval_seconds,
        }
    }

    /// A claim of up to `limit` events.
    fn claim(&self, limit: usize, wait: Duration) -> ClaimPart {
        ClaimPart {
            limit: Some(limit as u64),
            visibility_timeout_seconds: self.visibility_timeout_seconds,
            wait_seconds: Some(wait.as_secs_f64()),
            queues: self.queues.iter().map(ToString::to_string).collect(),
            event_types: self.event_types.iter().map(ToString::to_string).collect(),
            affinity: self.affinity,
        }
    }

    /// Registers and works until `shutdown` is cancelled, the engine is drained to its end, or it cannot go on.
    ///
    /// At shutdown it claims no more, finishes what it holds within the grace, then stops the handlers, releases
    /// their events and deregisters.
    ///
    /// # Errors
    /// [`EngineError`]: it could not register, was superseded, or may not claim.
    pub async fn run<H, F>(self, shutdown: CancellationToken, handler: H) -> Result<EngineSummary, EngineError>
    where
        H: Fn(ClaimedEvent, HandlerContext) -> F + Send + Sync + 'static,
        F: Future<Output = HandlerOutcome> + Send + 'static,
    {
        let engine = self.client.register(&self.engine_id, &self.registration()).await?;
        tracing::info!(engine_id = %engine.engine_id, epoch = engine.epoch, "registered");
        let held = Arc::new(HeldLocks::default());
        let done = CancellationToken::new();
        let (heartbeats, session) = Heartbeats::start(&self, &engine, Arc::clone(&held), done.clone());
        let (finished, results) = mpsc::unbounded_channel();
        let running = Arc::new(RunningEngine {
            slots: Arc::new(Semaphore::new(self.max_concurrent as usize)),
            settings: self,
            session,
            heartbeats,
            held,
            finished,
            claiming: Mutex::new(()),
            handler,
            shutdown: shutdown.child_token(),
        });
        let exchanges = Arc::clone(&running);
        tokio::spawn(done.clone().run_until_cancelled_owned(async move { exchanges.exchange_results(results).await }));
        let end = running.claim_until_the_end().await;
        // Whatever ended the claims, an exchange that is under way may bring events yet: they are released.
        running.shutdown.cancel();
        running.finish(&end).await;
        done.cancel();
        match end {
            ClaimEnd::Refused(error) => Err(error.into()),
            ClaimEnd::Session(SessionEnd::Superseded) => {
                Err(EngineError::Superseded(running.settings.engine_id.clone()))
            }
            ClaimEnd::Shutdown | ClaimEnd::Session(SessionEnd::Drained) => Ok(running.held.summary()),
        }
    }
}

/// What the tasks of one engine share.
struct RunningEngine<H> {
    settings: EngineLoop,
    /// One for each event that it may work on at once. An event has its slot until its settle is answered.
    slots: Arc<Semaphore>,
    session: watch::Receiver<EngineSession>,
    heartbeats: Arc<Heartbeats>,
    held: Arc<HeldLocks>,
    /// As many results as there are slots, so the channel needs no bound of its own.
    finished: mpsc::UnboundedSender<Finished>,
    /// Held for as long as a claim is under way, so that there is one at a time.
    claiming: Mutex<()>,
    handler: H,
    shutdown: CancellationToken,
}

impl<H, F> RunningEngine<H>
where
    H: Fn(ClaimedEvent, HandlerContext) -> F + Send + Sync + 'static,
    F: Future<Output = HandlerOutcome> + Send + 'static,
{
    fn no_slots(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.slots).try_acquire_many_owned(0).expect("nobody closes it")
    }

    /// The slots that are free now; maybe none.
    fn free_slots(&self) -> OwnedSemaphorePermit {
        let mut slots = self.no_slots();
        while let Ok(one_more) = Arc::clone(&self.slots).try_acquire_owned() {
            slots.merge(one_more);
        }
        slots
    }

    /// Runs the handler for each event, in a task of its own. During a shutdown the events are released instead.
    fn handle(self: &Arc<Self>, events: Vec<ClaimedEvent>, mut slots: OwnedSemaphorePermit) {
        for event in events {
            // Heartbeats list the lock from here on, whatever the handler does.
            let context = self.held.add(&event);
            let slot = slots.split(1);
            if self.shutdown.is_cancelled() {
                self.finish_event(&event, &context, HandlerOutcome::Release { delay_seconds: None }, slot);
                continue;
            }
            let work = tokio::spawn((self.handler)(event.clone(), context.clone()));
            self.held.can_abort(&event.token, work.abort_handle());
            let running = Arc::clone(self);
            tokio::spawn(async move {
                let outcome = match work.await {
                    Ok(outcome) => outcome,
                    Err(error) if error.is_panic() => HandlerOutcome::failed("panic", "the handler panicked"),
                    Err(_aborted) => HandlerOutcome::Release { delay_seconds: None },
                };
                running.finish_event(&event, &context, outcome, slot);
            });
        }
    }

    /// Hands over the result of a handler to be settled, unless the lock is lost.
    fn finish_event(
        &self,
        event: &ClaimedEvent,
        context: &HandlerContext,
        outcome: HandlerOutcome,
        slot: Option<OwnedSemaphorePermit>,
    ) {
        let outcome = match (context.stop_reason(), outcome) {
            (Some(StopReason::LockLost), _) => {
                tracing::warn!(event_id = %event.event_id, "dropped a result: its lock is lost");
                self.held.settled(&event.token, None);
                return;
            }
            // It was ready before it was stopped: a completion still counts.
            (Some(_), outcome @ HandlerOutcome::Complete { .. }) | (None, outcome) => outcome,
            // What fails because it was stopped says nothing about the event.
            (Some(_), _) => HandlerOutcome::Release { delay_seconds: None },
        };
        self.held.is_settling(&event.token);
        if self.finished.send(Finished::new(outcome.settlement(event), slot)).is_err() {
            // The engine has given up settling: it is past the end of its shutdown.
            self.held.settled(&event.token, None);
        }
    }

    /// Brings what is held to an end, and deregisters.
    async fn finish(&self, end: &ClaimEnd) {
        let engine = &self.settings;
        let superseded = matches!(end, ClaimEnd::Session(SessionEnd::Superseded));
        let all_done = || async { drop(self.slots.acquire_many(engine.max_concurrent).await) };
        if superseded {
            self.held.stop_all(StopReason::LockLost);
        } else {
            tracing::info!(held = self.held.len(), "finishing what is held");
            tokio::select! {
                done = timeout(engine.grace, all_done()) => drop(done),
                () = engine.hurry.cancelled() => {}
                // So that the list of engines says why it takes no events. Its answer changes nothing here.
                () = async {
                    if self.held.len() > 0 {
                        drop(engine.client.drain_engine(&engine.engine_id, DrainRequest::default()).await);
                    }
                    std::future::pending::<()>().await;
                } => {}
            }
            self.held.stop_all(StopReason::ShuttingDown);
        }
        if timeout(engine.stop_wait, all_done()).await.is_err() {
            self.held.abort_all();
            drop(timeout(LAST_CALLS, all_done()).await);
        }
        if !superseded && !matches!(end, ClaimEnd::Session(SessionEnd::Drained)) {
            match timeout(LAST_CALLS, engine.client.deregister(&engine.engine_id)).await {
                Ok(Ok(())) => tracing::info!("deregistered"),
                Ok(Err(error)) => tracing::warn!(%error, "could not deregister"),
                Err(_) => tracing::warn!("could not deregister in time"),
            }
        }
    }
}
