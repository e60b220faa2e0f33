//! An engine's whole life: register, claim, run a handler for each event, settle, leave in good order.
//!
//! Three tasks share the work. [`run`](Builder::run) claims as many events as it has free slots and gives each to the
//! handler. `heartbeat` speaks up for every lock from its claim until its settle is answered, and hears which are
//! lost, which events are called off, and whether to drain. `settle` hands in what the handlers bring, as
//! many at a time as have gathered, until the server has answered each.
//!
//! A server that is away stops none of them: handlers work on, heartbeats and settles are repeated, and whether a
//! lock was lost meanwhile is for the server to say.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_api::claims::ClaimRequest;
use enginehouse_api::engines::{DrainRequest, RegisterRequest};
use enginehouse_api::problem::Code;
use enginehouse_api::settle::Settlement;
use enginehouse_core::engine::{DynamicState, Metadata, StaticConfig};
use enginehouse_core::ids::{EngineId, EngineType, EventType, QueueName};
use enginehouse_core::limits::MAX_CLAIM_LIMIT;
use enginehouse_core::request::Affinity;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::backoff::{Backoff, pause};
use crate::calls::Client;
use crate::error::Error;

mod event;
mod heartbeat;
mod held;
mod settle;

pub use event::{ClaimedEvent, Context, Outcome, StopReason, Summary};
use heartbeat::{End, Session};
use held::Held;
use settle::Settler;

/// How long a claim that was under way at shutdown may still bring events, which are then given back.
const LAST_CLAIM: Duration = Duration::from_millis(250);
/// How long the last settles and the deregistration may take at the very end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Why an engine stopped other than by being told to.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// Another process has registered under the same id; the locks are its own to claim anew.
    #[error("another process has registered as engine {0}")]
    Superseded(EngineId),
    /// The server refused to register the engine, or to let it claim.
    #[error(transparent)]
    Call(#[from] Error),
}

/// Begins with [`Engine::builder`].
#[derive(Debug)]
pub struct Engine;

impl Engine {
    /// An engine that is yet to be described and run.
    pub fn builder(client: Client, engine_id: EngineId, engine_type: EngineType) -> Builder {
        Builder {
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
}

/// What an engine is, and how it works.
pub struct Builder {
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

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("engine_id", &self.engine_id).finish_non_exhaustive()
    }
}

impl Builder {
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

    /// How often it speaks up; the server's default unless set. With 0, only the locks' timeouts bound it.
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

    /// Measures how the engine is doing, for each heartbeat.
    #[must_use]
    pub fn load(self, load: impl Fn() -> DynamicState + Send + Sync + 'static) -> Self {
        Self { load: Arc::new(load), ..self }
    }

    /// How long it finishes what it holds after it was told to stop: 30 s unless set.
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

    /// Registers and works until `shutdown` is cancelled, the engine is drained to its end, or it cannot go on.
    ///
    /// At shutdown it claims no more, finishes what it holds within the grace, then stops the handlers, gives
    /// their events back and deregisters.
    ///
    /// # Errors
    /// [`EngineError`]: it could not register, was superseded, or may not claim.
    pub async fn run<H, F>(self, shutdown: CancellationToken, handler: H) -> Result<Summary, EngineError>
    where
        H: Fn(ClaimedEvent, Context) -> F + Send + Sync + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let engine = self.client.register(&self.engine_id, &self.registration()).await?;
        tracing::info!(engine_id = %engine.engine_id, epoch = engine.epoch, "registered");
        let held = Arc::new(Held::default());
        let done = CancellationToken::new();
        let heartbeat = heartbeat::start(&self, &engine, Arc::clone(&held), done.clone());
        let settler = Settler::start(self.client.clone(), done.clone());
        let mut running = Running {
            slots: Arc::new(Semaphore::new(self.max_concurrent as usize)),
            engine: self,
            session: heartbeat.session.clone(),
            beat_now: heartbeat.beat_now,
            held,
            settler,
            handler: Arc::new(handler),
            shutdown,
        };
        let end = running.claim_until_the_end().await;
        running.finish(&end).await;
        done.cancel();
        let summary = running.held.summary();
        match end {
            ClaimEnd::Refused(error) => Err(error.into()),
            ClaimEnd::Session(End::Superseded) => Err(EngineError::Superseded(running.engine.engine_id)),
            ClaimEnd::Shutdown | ClaimEnd::Session(End::Drained) => Ok(summary),
        }
    }
}

/// Why no more events are claimed.
enum ClaimEnd {
    Shutdown,
    Session(End),
    Refused(Error),
}

struct Running<H> {
    engine: Builder,
    slots: Arc<Semaphore>,
    session: watch::Receiver<Session>,
    beat_now: Arc<tokio::sync::Notify>,
    held: Arc<Held>,
    settler: Settler,
    handler: Arc<H>,
    shutdown: CancellationToken,
}

impl<H, F> Running<H>
where
    H: Fn(ClaimedEvent, Context) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    async fn claim_until_the_end(&mut self) -> ClaimEnd {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));
        loop {
            let slots = match self.free_slots().await {
                Ok(slots) => slots,
                Err(end) => return end,
            };
            let began = Instant::now();
            match self.claim(slots.num_permits()).await {
                Ok(events) => {
                    // A server that answers an empty claim at once does not want to be asked again at once.
                    let hasty =
                        events.is_empty() && began.elapsed() < self.engine.claim_wait.min(Duration::from_secs(1));
                    self.begin(events, slots);
                    if !hasty {
                        backoff.reset();
                        continue;
                    }
                }
                Err(ClaimError::End(end)) => return end,
                Err(ClaimError::Call(error)) => match error.code() {
                    // The heartbeat knows what to do about these; and it alone, for it alone registers.
                    Some(Code::EngineLost | Code::EngineNotRegistered | Code::EngineSuperseded) => {
                        self.beat_now.notify_one();
                    }
                    _ if error.is_passing() || error.code() == Some(Code::Internal) => {
                        tracing::warn!(%error, "could not claim; trying again");
                    }
                    _ => return ClaimEnd::Refused(error),
                },
            }
            tokio::select! {
                () = pause(backoff.next(None)) => {}
                () = self.shutdown.cancelled() => return ClaimEnd::Shutdown,
            }
        }
    }

    /// Waits until it may work on at least one more event, and takes all slots that are free.
    async fn free_slots(&mut self) -> Result<OwnedSemaphorePermit, ClaimEnd> {
        let may_claim = async {
            let state = self.session.wait_for(|state| state.end.is_some() || !state.draining).await;
            // The heartbeat task outlives this loop; without it there is nothing to wait for.
            state.map_or(Some(End::Superseded), |state| state.end)
        };
        let ended = tokio::select! {
            ended = may_claim => ended,
            () = self.shutdown.cancelled() => return Err(ClaimEnd::Shutdown),
        };
        if let Some(end) = ended {
            return Err(ClaimEnd::Session(end));
        }
        let mut slots = tokio::select! {
            slot = Arc::clone(&self.slots).acquire_owned() => slot.expect("nobody closes it"),
            end = ended_session(&mut self.session) => return Err(ClaimEnd::Session(end)),
            () = self.shutdown.cancelled() => return Err(ClaimEnd::Shutdown),
        };
        while let Ok(one_more) = Arc::clone(&self.slots).try_acquire_owned() {
            slots.merge(one_more);
        }
        Ok(slots)
    }

    async fn claim(&mut self, limit: usize) -> Result<Vec<ClaimedEvent>, ClaimError> {
        let engine = &self.engine;
        let request = ClaimRequest {
            epoch: self.session.borrow().epoch,
            limit: Some(limit as u64),
            visibility_timeout_seconds: engine.visibility_timeout_seconds,
            wait_seconds: Some(engine.claim_wait.as_secs_f64()),
            queues: engine.queues.iter().map(ToString::to_string).collect(),
            event_types: engine.event_types.iter().map(ToString::to_string).collect(),
            affinity: engine.affinity,
        };
        let mut call = std::pin::pin!(engine.client.claim(&engine.engine_id, &request));
        let answer = tokio::select! {
            answer = &mut call => answer,
            end = ended_session(&mut self.session) => return Err(ClaimError::End(ClaimEnd::Session(end))),
            () = self.shutdown.cancelled() => {
                // It may be just about to answer: what it brings is given back rather than lost.
                if let Ok(Ok(answer)) = timeout(LAST_CLAIM, call).await {
                    let give_back = answer.events.into_iter().filter_map(ClaimedEvent::new).map(|event| {
                        self.settler.settle(Outcome::Release { delay_seconds: None }.settlement(&event))
                    });
                    drop(timeout(LAST_WORDS, futures_util::future::join_all(give_back)).await);
                }
                return Err(ClaimError::End(ClaimEnd::Shutdown));
            }
        };
        Ok(answer.map_err(ClaimError::Call)?.events.into_iter().filter_map(ClaimedEvent::new).collect())
    }

    /// Gives each event to the handler, in a task of its own.
    fn begin(&self, events: Vec<ClaimedEvent>, mut slots: OwnedSemaphorePermit) {
        for event in events {
            // The lock is listed by heartbeats from here on, whatever the handler does.
            let context = self.held.add(&event);
            let slot = slots.split(1);
            let work = tokio::spawn((self.handler)(event.clone(), context.clone()));
            self.held.can_abort(&event.token, work.abort_handle());
            let (held, settler) = (Arc::clone(&self.held), self.settler.clone());
            tokio::spawn(async move {
                let outcome = match work.await {
                    Ok(outcome) => outcome,
                    Err(error) if error.is_panic() => Outcome::failed("panic", "the handler panicked"),
                    Err(_aborted) => Outcome::Release { delay_seconds: None },
                };
                hand_in(&held, &settler, &event, &context, outcome).await;
                drop(slot);
            });
        }
    }

    /// Brings what is held to an end, and says goodbye.
    async fn finish(&self, end: &ClaimEnd) {
        let engine = &self.engine;
        let superseded = matches!(end, ClaimEnd::Session(End::Superseded));
        let all_done = || async { drop(self.slots.acquire_many(engine.max_concurrent).await) };
        if superseded {
            self.held.stop_all(StopReason::LockLost);
        } else {
            tracing::info!(held = self.held.len(), "finishing what is held");
            tokio::select! {
                done = timeout(engine.grace, all_done()) => drop(done),
                () = engine.hurry.cancelled() => {}
                // So that whoever looks sees why it takes no events. Its answer changes nothing here.
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
            drop(timeout(LAST_WORDS, all_done()).await);
        }
        if !superseded && !matches!(end, ClaimEnd::Session(End::Drained)) {
            match timeout(LAST_WORDS, engine.client.deregister(&engine.engine_id)).await {
                Ok(Ok(())) => tracing::info!("deregistered"),
                Ok(Err(error)) => tracing::warn!(%error, "could not deregister"),
                Err(_) => tracing::warn!("could not deregister in time"),
            }
        }
    }
}

enum ClaimError {
    End(ClaimEnd),
    Call(Error),
}

async fn ended_session(session: &mut watch::Receiver<Session>) -> End {
    match session.wait_for(|state| state.end.is_some()).await {
        Ok(state) => state.end.unwrap_or(End::Superseded),
        Err(_) => End::Superseded,
    }
}

/// Settles what a handler brought, unless there is nothing left to settle.
async fn hand_in(held: &Held, settler: &Settler, event: &ClaimedEvent, context: &Context, outcome: Outcome) {
    let outcome = match (context.stop_reason(), outcome) {
        (Some(StopReason::LockLost), _) => {
            tracing::warn!(event_id = %event.event_id, "dropped a result: its lock is lost");
            held.settled(&event.token, event::Tally::Lost);
            return;
        }
        // It was ready before it was stopped: a completion still counts.
        (Some(_), outcome @ Outcome::Complete { .. }) | (None, outcome) => outcome,
        // What fails because it was stopped says nothing about the event.
        (Some(_), _) => Outcome::Release { delay_seconds: None },
    };
    let settlement: Settlement = outcome.settlement(event);
    held.is_settling(&event.token);
    let tally = settler.settle(settlement).await;
    held.settled(&event.token, tally);
}
