//! Sends the results of handlers: one call settles all that have gathered, and claims events for the room they made.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_api::claims::ExchangeRequest;
use enginehouse_api::problem::Code;
use enginehouse_api::settle::{SettleOutcome, SettleRequest, Settlement, SettlementResult};
use enginehouse_core::event::AttemptError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::handler::{ClaimedEvent, HandlerContext, HandlerOutcome};
use super::report_buffer::weight as report_weight;
use super::running::{Finished, RunningEngine};
use crate::backoff::{Backoff, pause};
use crate::error::Error;

/// Most settlements of one call.
const MAX_SETTLEMENTS: usize = 200;
/// Most bytes of results in one call, below the limit of a body.
const MAX_BYTES: usize = 512 * 1024;
/// How often the server may fail over one settlement, not for want of reach, before it is dropped.
const MAX_SERVER_ERRORS: u32 = 5;

impl<H, F> RunningEngine<H>
where
    H: Fn(ClaimedEvent, HandlerContext) -> F + Send + Sync + 'static,
    F: Future<Output = HandlerOutcome> + Send + 'static,
{
    pub(super) async fn exchange_results(self: &Arc<Self>, mut results: mpsc::UnboundedReceiver<Finished>) {
        while let Some(first) = results.recv().await {
            let mut bytes = weight(&first.settlement);
            let mut batch = vec![first];
            while batch.len() < MAX_SETTLEMENTS && bytes < MAX_BYTES {
                let Ok(next) = results.try_recv() else { break };
                bytes += weight(&next.settlement);
                batch.push(next);
            }
            self.deliver(batch).await;
        }
    }

    /// Repeats a batch for as long as the server is away.
    async fn deliver(self: &Arc<Self>, mut batch: Vec<Finished>) {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
        let mut as_engine = true;
        while !batch.is_empty() {
            let answered = if as_engine { self.exchange(&mut batch).await } else { self.settle(&mut batch).await };
            match answered {
                Ok(()) => {}
                Err(error) if error.is_passing() => tracing::warn!(%error, "could not settle; trying again"),
                // The engine is refused, and its heartbeat finds out what to do. Its results still count as far as their
                // locks do, which a settle by itself is answered with.
                Err(error) if as_engine && refuses_the_engine(&error) => {
                    self.heartbeats.send_now();
                    as_engine = false;
                    continue;
                }
                // Nothing of it was carried out. It is the fault of one settlement, so each goes by itself.
                Err(error) => {
                    tracing::warn!(%error, "a batch of settlements was refused; sending them one by one");
                    for finished in batch {
                        self.deliver_alone(finished).await;
                    }
                    return;
                }
            }
            if !batch.is_empty() {
                pause(backoff.next(None)).await;
            }
        }
    }

    /// Settles, claims, and heartbeats if that is due, in one call. The undecided ones stay in `batch`.
    async fn exchange(self: &Arc<Self>, batch: &mut Vec<Finished>) -> Result<(), Error> {
        let engine = &self.settings;
        let (epoch, client, may_claim) = {
            let session = self.session.borrow();
            let client = session.client.clone();
            (session.epoch, client, session.end.is_none() && !session.draining && !self.shutdown.is_cancelled())
        };
        let claiming = if may_claim { self.claiming.try_lock().ok() } else { None };
        let mut slots = if claiming.is_some() { self.free_slots() } else { self.no_slots() };
        let heartbeat = self.heartbeats.part_if_due();
        let has_heartbeat = heartbeat.is_some();
        let reported: Vec<_> =
            heartbeat.iter().flat_map(|part| &part.reports).map(|report| report.lock_token).collect();
        let request = ExchangeRequest {
            epoch,
            settlements: batch.iter().map(|finished| finished.settlement.clone()).collect(),
            heartbeat,
            claim: claiming.is_some().then(|| engine.claim(slots.num_permits() + batch.len(), Duration::ZERO)),
        };
        let answer = client.exchange(&engine.engine_id, &request).await.inspect_err(|_| {
            if has_heartbeat {
                self.held.reports_ended(&reported, None);
                self.heartbeats.part_failed();
            }
        })?;
        self.held.reports_ended(&reported, answer.heartbeat.as_ref());
        let answered = self.answer_each(batch, answer.settlements, &mut slots);
        if let Some(heartbeat) = answer.heartbeat {
            self.heartbeats.answered(&heartbeat);
        }
        let events = answer.claim.unwrap_or_default().events;
        self.handle(events.into_iter().filter_map(ClaimedEvent::new).collect(), slots);
        answered
    }

    /// Settles without being the engine of an epoch: the token of each lock counts, and the session.
    async fn settle(self: &Arc<Self>, batch: &mut Vec<Finished>) -> Result<(), Error> {
        let settlements = batch.iter().map(|finished| finished.settlement.clone()).collect();
        let client = self.session.borrow().client.clone();
        let answer = client.settle(&SettleRequest { settlements }).await?;
        self.answer_each(batch, answer.results, &mut self.no_slots())
    }

    async fn deliver_alone(self: &Arc<Self>, finished: Finished) {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
        let mut server_errors = 0;
        let mut one = vec![finished];
        loop {
            let answered = self.settle(&mut one).await;
            let Some(finished) = one.first_mut() else { return };
            if let Err(error) = answered {
                let settlement = &mut finished.settlement;
                match error.code() {
                    _ if error.is_passing() => {}
                    // Alone, it is larger than a whole body may be.
                    Some(Code::InvalidRequest | Code::TooLarge) if !is_plain_failure(settlement) => {
                        *settlement = refused_result(settlement, &error);
                        continue;
                    }
                    _ if server_errors < MAX_SERVER_ERRORS && error.maybe_applied() => server_errors += 1,
                    _ => {
                        tracing::error!(event_id = %settlement.event_id, %error, "a settlement was dropped");
                        self.held.settled(&settlement.lock_token, None);
                        return;
                    }
                }
            }
            pause(backoff.next(None)).await;
        }
    }

    /// Takes those that the server has decided on out of `batch`, and their slots into `slots`.
    fn answer_each(
        &self,
        batch: &mut Vec<Finished>,
        answers: Vec<SettlementResult>,
        slots: &mut OwnedSemaphorePermit,
    ) -> Result<(), Error> {
        let in_order = answers.len() == batch.len()
            && answers
                .iter()
                .zip(&*batch)
                .all(|(answer, finished)| answer.event_id == Some(finished.settlement.event_id));
        if !in_order {
            let reason = "the answers do not match the settlements".to_owned();
            return Err(Error::Unexpected { status: 200, reason });
        }
        for (mut finished, answer) in std::mem::take(batch).into_iter().zip(answers) {
            let settlement = &finished.settlement;
            let settled = match answer.error {
                None => Some(settlement.outcome),
                Some(problem) if Error::from(problem.clone()).is_passing() => {
                    batch.push(finished);
                    continue;
                }
                // The result can't be stored: that is a failure of the attempt.
                Some(problem)
                    if matches!(problem.code, Code::InvalidRequest | Code::TooLarge)
                        && !is_plain_failure(settlement) =>
                {
                    finished.settlement = refused_result(settlement, &problem);
                    batch.push(finished);
                    continue;
                }
                Some(problem) if problem.code == Code::LockLost && self.held.has_timed_out(&settlement.lock_token) => {
                    self.held.time_out(&settlement.lock_token);
                    Some(SettleOutcome::Fail)
                }
                Some(problem) => {
                    tracing::warn!(event_id = %settlement.event_id, %problem, "a settlement was refused");
                    None
                }
            };
            self.held.settled(&settlement.lock_token, settled);
            if let Some(slot) = finished.slot {
                slots.merge(slot);
            }
        }
        Ok(())
    }
}

/// Whether the server refuses whatever this epoch of the engine asks for. Nothing of the exchange was carried out.
fn refuses_the_engine(error: &Error) -> bool {
    matches!(error.code(), Some(Code::EngineLost | Code::EngineNotRegistered | Code::EngineSuperseded))
}

fn is_plain_failure(settlement: &Settlement) -> bool {
    settlement.error.as_ref().is_some_and(|error| error.code.as_deref() == Some("invalid_result"))
}

/// The failure that takes the place of a result which the server cannot store.
fn refused_result(settlement: &Settlement, why: impl Display) -> Settlement {
    let message = format!("the server refused the engine's result: {why}");
    Settlement {
        error: Some(AttemptError { code: Some("invalid_result".to_owned()), message, details: None }),
        retryable: Some(false),
        dead_letter: Some(true),
        ..Settlement::new(settlement.event_id, settlement.lock_token, SettleOutcome::Fail)
    }
}

fn weight(settlement: &Settlement) -> usize {
    let result = settlement.result.as_ref().map_or(0, |result| result.as_str().len());
    let error = settlement
        .error
        .as_ref()
        .map_or(0, |error| error.message.len() + error.details.as_ref().map_or(0, |details| details.as_str().len()));
    200 + result + error + report_weight(&settlement.report)
}
