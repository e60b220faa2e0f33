//! The state that the tasks of one engine share, and the handlers that it runs.

use std::sync::Arc;

use enginehouse_api::settle::{SettleOutcome, Settlement};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::builder::EngineLoop;
use super::handler::{ClaimedEvent, HandlerContext, HandlerOutcome, StopReason};
use super::heartbeat::{EngineSession, Heartbeats};
use super::held_locks::HeldLocks;
use crate::backoff::pause;

/// The result of a handler, and the slot that is free once the server has answered.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) settlement: Settlement,
    pub(super) slot: Option<OwnedSemaphorePermit>,
}

/// What the tasks of one engine share.
pub(super) struct RunningEngine<H> {
    pub(super) settings: EngineLoop,
    /// One for each event that it may work on at once. An event has its slot until its settle is answered.
    pub(super) slots: Arc<Semaphore>,
    pub(super) session: watch::Receiver<EngineSession>,
    pub(super) heartbeats: Arc<Heartbeats>,
    pub(super) held: Arc<HeldLocks>,
    /// As many results as there are slots, so the channel needs no bound of its own.
    pub(super) finished: mpsc::UnboundedSender<Finished>,
    /// Held for as long as a claim is under way, so that there is one at a time.
    pub(super) claiming: Mutex<()>,
    pub(super) handler: H,
    pub(super) shutdown: CancellationToken,
}

impl<H, F> RunningEngine<H>
where
    H: Fn(ClaimedEvent, HandlerContext) -> F + Send + Sync + 'static,
    F: Future<Output = HandlerOutcome> + Send + 'static,
{
    pub(super) fn no_slots(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.slots).try_acquire_many_owned(0).expect("nobody closes it")
    }

    /// The slots that are free now; maybe none.
    pub(super) fn free_slots(&self) -> OwnedSemaphorePermit {
        let mut slots = self.no_slots();
        while let Ok(one_more) = Arc::clone(&self.slots).try_acquire_owned() {
            slots.merge(one_more);
        }
        slots
    }

    /// Runs the handler for each event, in a task of its own. During a shutdown the events are released instead.
    pub(super) fn handle(self: &Arc<Self>, events: Vec<ClaimedEvent>, mut slots: OwnedSemaphorePermit) {
        let session = self.session.borrow().secret;
        for event in events {
            let event = event.in_session(session);
            // Heartbeats list the lock from here on, whatever the handler does.
            let context = self.held.add(&event);
            let slot = slots.split(1);
            if self.shutdown.is_cancelled() {
                self.finish_event(&event, &context, HandlerOutcome::Release { delay_seconds: None }, slot);
                continue;
            }
            let mut work = tokio::spawn((self.handler)(event.clone(), context.clone()));
            self.held.can_abort(&event.token, work.abort_handle());
            let running = Arc::clone(self);
            tokio::spawn(async move {
                let ended = tokio::select! {
                    ended = &mut work => ended,
                    // Not left to the next heartbeat: somebody else may be given the event by then.
                    () = time_out(&event) => {
                        running.held.time_out(&event.token);
                        work.await
                    }
                };
                let outcome = match ended {
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
            // The server has counted the failure.
            (Some(StopReason::TimedOut), _) => {
                self.held.settled(&event.token, Some(SettleOutcome::Fail));
                return;
            }
            // It was ready before it was stopped: a completion still counts.
            (Some(_), outcome @ HandlerOutcome::Complete { .. }) | (None, outcome) => outcome,
            // What fails because it was stopped says nothing about the event.
            (Some(_), _) => HandlerOutcome::Release { delay_seconds: None },
        };
        self.held.is_settling(&event.token);
        if self.finished.send(Finished { settlement: outcome.settlement(event, context.reports.last()), slot }).is_err()
        {
            // The engine has given up settling: it is past the end of its shutdown.
            self.held.settled(&event.token, None);
        }
    }
}

/// Ends when the attempt has taken as long as it may.
async fn time_out(event: &ClaimedEvent) {
    match event.time_limit() {
        Some(limit) => pause(limit).await,
        None => std::future::pending().await,
    }
}
