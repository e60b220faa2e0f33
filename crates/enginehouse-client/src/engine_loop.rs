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
//! To cancel the wait instead would be wrong: its answer may be on the way, with locks that the engine would not know of.
//!
//! **One claim at a time.** While a claim waits, an exchange claims nothing: whatever became ready went to the waiting claim.
//! At shutdown, events that a claim under way still brings are released, not lost.
//!
//! **What is repeated.** A settle is repeated until the server has answered it, which is safe: the lock's token makes a
//! second one the same as the first. If the answer to a claim is lost, nothing here knows its locks; no heartbeat lists them,
//! so the server releases them after two. A server that is away stops none of the tasks: handlers work on, and the server
//! decides afterwards whether a lock was lost.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_api::engines::{DrainRequest, Engine};
use enginehouse_api::problem::Code;
use enginehouse_core::ids::EngineId;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::backoff::{Backoff, pause};
use crate::error::Error;

mod builder;
mod claims;
mod exchange;
mod handler;
mod heartbeat;
mod held_locks;
mod report_buffer;
mod running;

pub use builder::EngineLoop;
use claims::ClaimEnd;
pub use handler::{ClaimedEvent, EngineSummary, HandlerContext, HandlerOutcome, StopReason};
use heartbeat::{Heartbeats, SessionEnd};
use held_locks::HeldLocks;
pub use report_buffer::CheckpointTooLarge;
use running::RunningEngine;

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

impl EngineLoop {
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
        let Some(engine) = self.register(&shutdown).await? else { return Ok(EngineSummary::default()) };
        tracing::info!(engine_id = %engine.engine_id, epoch = engine.epoch, "registered");
        for warning in &engine.warnings {
            tracing::warn!("{}", warning.detail);
        }
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

impl EngineLoop {
    /// Registers. If another process has the id and lives, that may be this engine's own process of before: it waits until that
    /// one is lost. None if it is to shut down by then.
    async fn register(&self, shutdown: &CancellationToken) -> Result<Option<Engine>, EngineError> {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(5));
        let mut waits = false;
        loop {
            let error = match self.client.register(&self.engine_id, &self.registration()).await {
                Ok(engine) => return Ok(Some(engine)),
                Err(error) if error.code() == Some(Code::EngineAlive) => error,
                Err(error) => return Err(error.into()),
            };
            if !std::mem::replace(&mut waits, true) {
                tracing::warn!(%error, "waiting for the engine's id");
            }
            tokio::select! {
                () = pause(backoff.next(None)) => {}
                () = shutdown.cancelled() => return Ok(None),
            }
        }
    }
}

impl<H> RunningEngine<H> {
    /// Brings what is held to an end, and deregisters.
    async fn finish(&self, end: &ClaimEnd) {
        let engine = &self.settings;
        // Another process may have taken over the id without this one knowing: neither call is meant for that one.
        let epoch = || Some(self.session.borrow().epoch);
        let client = self.session.borrow().client.clone();
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
                        let drain = DrainRequest { epoch: epoch(), ..DrainRequest::default() };
                        drop(client.drain_engine(&engine.engine_id, drain).await);
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
            match timeout(LAST_CALLS, client.deregister(&engine.engine_id, epoch())).await {
                Ok(Ok(())) => tracing::info!("deregistered"),
                Ok(Err(error)) if error.code() == Some(Code::EngineSuperseded) => {
                    tracing::info!("another process has taken over the engine's id");
                }
                Ok(Err(error)) => tracing::warn!(%error, "could not deregister"),
                Err(_) => tracing::warn!("could not deregister in time"),
            }
        }
    }
}
