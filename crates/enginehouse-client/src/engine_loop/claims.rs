//! Claims events for the slots that are free, and waits on the server for the first one.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_api::claims::{ClaimPart, ClaimRequest};
use enginehouse_api::problem::Code;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, timeout};

use super::handler::{ClaimedEvent, HandlerContext, HandlerOutcome};
use super::heartbeat::{EngineSession, SessionEnd};
use super::running::RunningEngine;
use crate::backoff::{Backoff, pause};
use crate::error::Error;

/// How long a claim that is under way at shutdown may still bring events, which are then released.
const LAST_CLAIM: Duration = Duration::from_millis(250);

pub(super) enum ClaimEnd {
    Shutdown,
    Session(SessionEnd),
    Refused(Error),
}

enum ClaimError {
    End(ClaimEnd),
    Call(Error),
}

impl<H, F> RunningEngine<H>
where
    H: Fn(ClaimedEvent, HandlerContext) -> F + Send + Sync + 'static,
    F: Future<Output = HandlerOutcome> + Send + 'static,
{
    pub(super) async fn claim_until_the_end(self: &Arc<Self>) -> ClaimEnd {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));
        loop {
            match self.claim_once().await {
                // An empty answer came before its time: the server does not want to be asked again at once.
                Ok(is_hasty) if is_hasty => {}
                Ok(_) => {
                    backoff.reset();
                    continue;
                }
                Err(ClaimError::End(end)) => return end,
                Err(ClaimError::Call(error)) => match error.code() {
                    // The heartbeat knows what to do about these; and it alone, for it alone registers.
                    Some(Code::EngineLost | Code::EngineNotRegistered | Code::EngineSuperseded) => {
                        self.heartbeats.send_now();
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

    /// Claims events for all free slots as soon as there is one. Answers whether the server said too soon that there are none.
    async fn claim_once(self: &Arc<Self>) -> Result<bool, ClaimError> {
        let mut session = self.session.clone();
        let first = self.first_slot(&mut session).await.map_err(ClaimError::End)?;
        let _claiming = tokio::select! {
            claiming = self.claiming.lock() => claiming,
            end = ended(&mut session) => return Err(ClaimError::End(ClaimEnd::Session(end))),
            () = self.shutdown.cancelled() => return Err(ClaimError::End(ClaimEnd::Shutdown)),
        };
        let mut slots = self.free_slots();
        slots.merge(first);
        let engine = &self.settings;
        let EngineSession { epoch, client, .. } = session.borrow().clone();
        let ClaimPart { limit, visibility_timeout_seconds, wait_seconds, queues, event_types, affinity } =
            engine.claim(slots.num_permits(), engine.claim_wait);
        let request =
            ClaimRequest { epoch, limit, visibility_timeout_seconds, wait_seconds, queues, event_types, affinity };
        let began = Instant::now();
        let mut call = std::pin::pin!(client.claim(&engine.engine_id, &request));
        let answer = tokio::select! {
            answer = &mut call => answer.map_err(ClaimError::Call)?,
            end = ended(&mut session) => return Err(ClaimError::End(ClaimEnd::Session(end))),
            () = self.shutdown.cancelled() => {
                // It may be just about to answer: what it brings is released rather than lost.
                if let Ok(Ok(answer)) = timeout(LAST_CLAIM, call).await {
                    self.handle(answer.events.into_iter().filter_map(ClaimedEvent::new).collect(), slots);
                }
                return Err(ClaimError::End(ClaimEnd::Shutdown));
            }
        };
        let is_hasty = answer.events.is_empty() && began.elapsed() < engine.claim_wait.min(Duration::from_secs(1));
        self.handle(answer.events.into_iter().filter_map(ClaimedEvent::new).collect(), slots);
        Ok(is_hasty)
    }

    /// Waits until the engine may work on at least one more event.
    async fn first_slot(&self, session: &mut watch::Receiver<EngineSession>) -> Result<OwnedSemaphorePermit, ClaimEnd> {
        let may_claim = async {
            let state = session.wait_for(|state| state.end.is_some() || !state.draining).await;
            // The heartbeat task outlives this loop; without it there is nothing to wait for.
            state.map_or(Some(SessionEnd::Superseded), |state| state.end)
        };
        let end = tokio::select! {
            end = may_claim => end,
            () = self.shutdown.cancelled() => return Err(ClaimEnd::Shutdown),
        };
        if let Some(end) = end {
            return Err(ClaimEnd::Session(end));
        }
        tokio::select! {
            slot = Arc::clone(&self.slots).acquire_owned() => Ok(slot.expect("nobody closes it")),
            end = ended(session) => Err(ClaimEnd::Session(end)),
            () = self.shutdown.cancelled() => Err(ClaimEnd::Shutdown),
        }
    }
}

async fn ended(session: &mut watch::Receiver<EngineSession>) -> SessionEnd {
    match session.wait_for(|state| state.end.is_some()).await {
        Ok(state) => state.end.unwrap_or(SessionEnd::Superseded),
        Err(_) => SessionEnd::Superseded,
    }
}
