//! An engine: claims events of the run and completes them, one call after the other, over one connection.

use std::time::Duration;

use enginehouse_api::claims::{ClaimPart, ClaimRequest, ExchangeRequest};
use enginehouse_api::engines::{Engine, RegisterRequest};
use enginehouse_api::events::Event;
use enginehouse_api::problem::Code;
use enginehouse_api::settle::{CompleteRequest, SettleOutcome, SettleRequest, Settlement, SettlementResult};
use enginehouse_client::{Client, Error, StaticConfig};
use enginehouse_core::engine::{Metadata, ResourceLimits};
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::lock::LockToken;

use super::context::{BenchContext, backoff};
use super::figures::Timed;
use super::names::{BenchNames, PREFIX};
use super::payload::sent_at;

/// How long a claim waits for a first event.
const CLAIM_WAIT_SECONDS: f64 = 1.0;
/// An engine calls far more often than that: it is lost only when nothing is answered for long.
const HEARTBEAT_INTERVAL_SECONDS: u64 = 30;

/// Registers an engine which alone, with its like, is capable of the events of the run. Nobody else has its id.
pub(super) async fn register(
    client: &Client,
    names: &BenchNames,
    engine_id: &EngineId,
    batch: u32,
) -> Result<Engine, Error> {
    let resource_limits = ResourceLimits { max_concurrent_events: Some(batch.into()), ..ResourceLimits::default() };
    let static_config =
        StaticConfig { capabilities: vec![names.run.clone()], resource_limits, ..StaticConfig::default() };
    let request = RegisterRequest {
        engine_type: PREFIX.to_owned(),
        metadata: Metadata { static_config, ..Metadata::default() },
        heartbeat_interval_seconds: Some(HEARTBEAT_INTERVAL_SECONDS),
        takeover: true,
    };
    client.register(engine_id, &request).await
}

/// An event in hand.
struct BenchLock {
    event_id: EventId,
    lock_token: LockToken,
    sent_at: Option<Duration>,
}

/// One engine at its work.
pub(super) struct BenchEngine<'a> {
    context: &'a BenchContext,
    client: Client,
    engine_id: EngineId,
    epoch: i64,
}

impl<'a> BenchEngine<'a> {
    /// An engine that is registered.
    pub(super) fn new(context: &'a BenchContext, engine: Engine) -> Self {
        let client = context.client().with_session(engine.session_token.as_ref());
        Self { context, client, engine_id: engine.engine_id, epoch: engine.epoch }
    }

    /// Claims and completes until the run ends. Then it holds nothing, unless a completion was not answered.
    pub(super) async fn run(mut self) {
        while !self.context.stop.is_cancelled() {
            let mut held = self.claim().await;
            while !held.is_empty() {
                held = if self.context.shape.exchange {
                    self.exchange(held).await
                } else {
                    self.complete(&held).await;
                    Vec::new()
                };
                self.context.stop_when_done();
            }
        }
    }

    /// Waits for events. A claim that waits when the run ends is dropped: what it is given goes back to the queue.
    async fn claim(&mut self) -> Vec<BenchLock> {
        let mut backoff = backoff();
        loop {
            let from = self.context.watch.elapsed();
            let request = ClaimRequest {
                epoch: self.epoch,
                limit: Some(self.context.shape.batch.into()),
                visibility_timeout_seconds: None,
                wait_seconds: Some(CLAIM_WAIT_SECONDS),
                queues: vec![self.context.names.queue.to_string()],
                event_types: vec![self.context.names.event_type.to_string()],
                affinity: Default::default(),
            };
            let claimed = tokio::select! {
                claimed = self.client.claim(&self.engine_id, &request) => claimed,
                () = self.context.stop.cancelled() => return Vec::new(),
            };
            match claimed {
                Ok(claimed) if claimed.events.is_empty() => self.context.figures().claimed_nothing(from),
                Ok(claimed) => {
                    let to = self.context.watch.elapsed();
                    self.context.figures().answered(Timed::Claim, from, to);
                    return held_events(claimed.events);
                }
                Err(error) => {
                    let code = error.code();
                    self.context.failed(Timed::Claim, error, &mut backoff).await;
                    self.register_again(code).await;
                }
            }
        }
    }

    /// Completes events: one by the call for one, more as a batch.
    async fn complete(&self, held: &[BenchLock]) {
        let mut backoff = backoff();
        let from = self.context.watch.elapsed();
        loop {
            let answer = match held {
                [one] => {
                    let request =
                        CompleteRequest { lock_token: one.lock_token, result: None, report: Default::default() };
                    self.client.complete(one.event_id, &request).await.map(|_| None)
                }
                _ => {
                    let request = SettleRequest { settlements: completions(held) };
                    self.client.settle(&request).await.map(|answer| Some(answer.results))
                }
            };
            match answer {
                Ok(results) => return self.completed(Timed::Complete, from, held, results.as_deref()),
                Err(error) if is_of_the_event(error.code()) => {
                    let code = error.code().map_or("", Code::name);
                    return self.context.figures().failed(Timed::Complete, code);
                }
                Err(error) => self.context.failed(Timed::Complete, error, &mut backoff).await,
            }
            if self.context.stop.is_cancelled() {
                return;
            }
        }
    }

    /// Completes events, and claims the next ones if there are any.
    async fn exchange(&mut self, held: Vec<BenchLock>) -> Vec<BenchLock> {
        let mut backoff = backoff();
        let from = self.context.watch.elapsed();
        loop {
            let claim = (!self.context.stop.is_cancelled()).then(|| ClaimPart {
                limit: Some(self.context.shape.batch.into()),
                queues: vec![self.context.names.queue.to_string()],
                event_types: vec![self.context.names.event_type.to_string()],
                ..ClaimPart::default()
            });
            let request =
                ExchangeRequest { epoch: self.epoch, settlements: completions(&held), heartbeat: None, claim };
            match self.client.exchange(&self.engine_id, &request).await {
                Ok(answer) => {
                    self.completed(Timed::Exchange, from, &held, Some(&answer.settlements));
                    return held_events(answer.claim.unwrap_or_default().events);
                }
                Err(error) => {
                    let code = error.code();
                    self.context.failed(Timed::Exchange, error, &mut backoff).await;
                    self.register_again(code).await;
                }
            }
            if self.context.stop.is_cancelled() {
                return Vec::new();
            }
        }
    }

    /// Takes down what became of events. Without results, all are completed.
    fn completed(&self, call: Timed, from: Duration, held: &[BenchLock], results: Option<&[SettlementResult]>) {
        let to = self.context.watch.elapsed();
        let refusal = |place: usize| results.and_then(|results| results.get(place)?.error.as_ref());
        let mut figures = self.context.figures();
        figures.answered(call, from, to);
        let completed = held.iter().enumerate().filter(|(place, _)| refusal(*place).is_none());
        figures.completed(from, to, completed.map(|(_, event)| event.sent_at));
        for refused in (0..held.len()).filter_map(refusal) {
            figures.failed(call, refused.code.name());
        }
    }

    /// Registers again if the server has given the engine up.
    async fn register_again(&mut self, code: Option<Code>) {
        // Superseded by itself: nobody else has its id, but the answer to a registration may have been lost.
        if !matches!(code, Some(Code::EngineLost | Code::EngineNotRegistered | Code::EngineSuperseded)) {
            return;
        }
        let batch = self.context.shape.batch;
        // Without an answer, the next call fails in the same way.
        if let Ok(engine) = register(&self.client, &self.context.names, &self.engine_id, batch).await {
            self.client = self.client.clone().with_session(engine.session_token.as_ref());
            self.epoch = engine.epoch;
        }
    }
}

fn held_events(events: Vec<Event>) -> Vec<BenchLock> {
    let held = events.into_iter().filter_map(|event| {
        let lock_token = event.lock?.token?;
        Some(BenchLock { event_id: event.event_id, lock_token, sent_at: sent_at(&event.payload) })
    });
    held.collect()
}

fn completions(held: &[BenchLock]) -> Vec<Settlement> {
    let complete = |event: &BenchLock| Settlement::new(event.event_id, event.lock_token, SettleOutcome::Complete);
    held.iter().map(complete).collect()
}

/// Whether one event is refused, which somebody else has got or ended meanwhile, and not the call.
const fn is_of_the_event(code: Option<Code>) -> bool {
    matches!(code, Some(Code::LockLost | Code::WrongStatus | Code::NotFound))
}
