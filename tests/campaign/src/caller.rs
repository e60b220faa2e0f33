//! A client of one server, which records what it asks and what it is answered.

use std::time::Duration;

use anyhow::{Context, Result};
use enginehouse_api::claims::ClaimRequest;
use enginehouse_api::engines::{HeartbeatRequest, RegisterRequest};
use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_api::events::CancelRequest;
use enginehouse_api::settle::{CompleteRequest, ExtendRequest, FailRequest, ReleaseRequest};
use enginehouse_client::{Client, ClientConfig, Error};
use enginehouse_core::event::AttemptError;
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::json::RawJson;
use enginehouse_core::lock::LockToken;

use crate::history::{Answer, Call, CallHistory, CallOutcome, LockedEvent, Settling};

/// How long a call may take. An answer that comes later is unknown to the client.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct Caller {
    client: Client,
    history: CallHistory,
}

impl Caller {
    pub(crate) fn to(url: &str, history: &CallHistory) -> Result<Self> {
        let config = ClientConfig { timeout: TIMEOUT, ..ClientConfig::default() };
        let client = Client::with_config(url, config).context("the address of a server")?.with_max_repeats(0);
        Ok(Self { client, history: history.clone() })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Makes a call, records it, and answers what it records.
    async fn record<T>(
        &self,
        call: Call,
        answer: impl FnOnce(T) -> Answer,
        asking: impl Future<Output = Result<T, Error>>,
    ) -> CallOutcome {
        let invoked_at = self.history.now();
        let outcome = match asking.await {
            Ok(answered) => CallOutcome::Ok(answer(answered)),
            Err(error) if error.maybe_applied() => CallOutcome::Unknown,
            Err(error) => CallOutcome::Failed(error.code()),
        };
        self.history.record(invoked_at, call, outcome.clone());
        outcome
    }

    pub(crate) async fn enqueue(&self, request: &EnqueueRequest) -> CallOutcome {
        let call = Call::Enqueue {
            key: request.idempotency_key.clone().unwrap_or_default(),
            payload: request.payload.as_ref().map(|payload| payload.as_str().to_owned()).unwrap_or_default(),
        };
        let asking = self.client.enqueue(request);
        self.record(call, |it| Answer::Enqueued { event_id: it.event_id, available_at: it.available_at }, asking).await
    }

    /// Registers an engine that is lost after three times the interval.
    pub(crate) async fn register(&self, engine_id: &EngineId, interval: Duration) -> CallOutcome {
        let request = RegisterRequest {
            engine_type: "campaign".to_owned(),
            metadata: Default::default(),
            heartbeat_interval_seconds: Some(interval.as_secs()),
            takeover: false,
        };
        let asking = self.client.register(engine_id, &request);
        let call = Call::Register { engine_id: engine_id.clone() };
        self.record(call, |engine| Answer::Registered { epoch: engine.epoch }, asking).await
    }

    pub(crate) async fn heartbeat(&self, engine_id: &EngineId, epoch: i64, tokens: Vec<LockToken>) -> CallOutcome {
        let request = HeartbeatRequest { epoch, dynamic_state: None, lock_tokens: Some(tokens), reports: Vec::new() };
        let asking = self.client.heartbeat(engine_id, &request, TIMEOUT);
        let call = Call::Heartbeat { engine_id: engine_id.clone(), epoch };
        self.record(call, |it| Answer::Heartbeat { renewed: it.renewed, lost: it.lost }, asking).await
    }

    pub(crate) async fn claim(
        &self,
        engine_id: &EngineId,
        epoch: i64,
        queue: &str,
        limit: u64,
        wait_seconds: f64,
    ) -> CallOutcome {
        let request = ClaimRequest {
            epoch,
            limit: Some(limit),
            visibility_timeout_seconds: None,
            wait_seconds: Some(wait_seconds),
            queues: vec![queue.to_owned()],
            event_types: Vec::new(),
            affinity: Default::default(),
        };
        let asking = self.client.claim(engine_id, &request);
        let answer = |claimed: enginehouse_api::claims::ClaimResponse| {
            let claim = |event: enginehouse_api::events::Event| {
                let lock = event.lock?;
                Some(LockedEvent {
                    event_id: event.event_id,
                    token: lock.token?,
                    payload: event.payload.as_str().to_owned(),
                    available_at: event.available_at,
                    claimed_at: lock.claimed_at,
                })
            };
            Answer::Claimed(claimed.events.into_iter().filter_map(claim).collect())
        };
        self.record(Call::Claim { engine_id: engine_id.clone(), epoch }, answer, asking).await
    }

    pub(crate) async fn settle(&self, event_id: EventId, token: LockToken, how: Settling) -> CallOutcome {
        let call = Call::Settle { event_id, token, how: how.clone() };
        let lock_token = token;
        let asking = async {
            match how {
                Settling::Complete { result } => {
                    let request = CompleteRequest {
                        lock_token,
                        result: Some(RawJson::trusted(result)),
                        report: Default::default(),
                    };
                    self.client.complete(event_id, &request).await
                }
                Settling::Fail => {
                    let error = AttemptError { code: None, message: "the campaign fails it".to_owned(), details: None };
                    let request = FailRequest {
                        lock_token,
                        error,
                        retryable: None,
                        retry_after_seconds: Some(0.5),
                        dead_letter: None,
                        report: Default::default(),
                    };
                    self.client.fail(event_id, &request).await
                }
                Settling::Release => {
                    let request = ReleaseRequest { lock_token, delay_seconds: Some(0.3), report: Default::default() };
                    self.client.release(event_id, &request).await
                }
                Settling::Extend => {
                    let request =
                        ExtendRequest { lock_token, visibility_timeout_seconds: 300, report: Default::default() };
                    self.client.extend(event_id, &request).await
                }
            }
        };
        self.record(call, |it| Answer::Settled { status: it.status, available_at: it.available_at }, asking).await
    }

    /// By force, the engine that holds the event loses it at once.
    pub(crate) async fn cancel(&self, event_id: EventId, force: bool) -> CallOutcome {
        let asking = self.client.cancel(event_id, CancelRequest { force });
        self.record(Call::Cancel { event_id }, |_| Answer::Done, asking).await
    }

    pub(crate) async fn redrive(&self, event_id: EventId) -> CallOutcome {
        let request = Default::default();
        let asking = self.client.redrive(event_id, &request);
        self.record(Call::Redrive { event_id }, |_| Answer::Done, asking).await
    }
}
