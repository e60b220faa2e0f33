//! The calls of the HTTP API, one method each. Each fails with an [`Error`]: no answer, or a problem.

use std::time::Duration;

use enginehouse_api::bulk_events::{BulkCancelRequest, BulkEventsResponse, BulkRetryRequest};
use enginehouse_api::changes::ChangeRequest;
use enginehouse_api::claims::{ClaimRequest, ClaimResponse, ExchangeRequest, ExchangeResponse};
use enginehouse_api::dead_letters::{
    BulkDiscardRequest, BulkDiscardResponse, BulkRedriveRequest, BulkRedriveResponse, DeadLetter, DeadLetterPreview,
    DeadLetterPreviewQuery, DeadLetterSummary, DeadLettersQuery, DiscardRequest,
};
use enginehouse_api::engines::{
    DrainRequest, Engine, EnginesQuery, HeartbeatRequest, HeartbeatResponse, QuarantineRequest, RegisterRequest,
};
use enginehouse_api::enqueue::{BatchRequest, BatchResponse, EnqueueRequest, EnqueueResponse, NdjsonResponse};
use enginehouse_api::event_types::{EventTypeSettings, PauseRequest, QueueSettings, Settings};
use enginehouse_api::events::{CancelRequest, Event, EventsQuery, HistoryResponse};
use enginehouse_api::explain::{BlockedLane, BlockedQuery, EngineExplanation, EventExplanation, ExplainQuery};
use enginehouse_api::idempotency_keys::{ReleaseKeyQuery, ReleasedKey};
use enginehouse_api::logs::{LogQuery, LogResponse};
use enginehouse_api::page::{Page, PageQuery};
use enginehouse_api::scenario_runs::ScenarioRun;
use enginehouse_api::settle::{
    CompleteRequest, ExtendRequest, FailRequest, ReleaseRequest, SettleRequest, SettleResponse,
};
use enginehouse_api::stats::{LaneStats, Stats};
use enginehouse_api::suspects::SuspectList;
use enginehouse_core::ids::{EngineId, EventId, EventType, QueueName, ScenarioRunId};
use enginehouse_core::limits::MAX_WAIT;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::backoff::pause;
use crate::error::Error;
use crate::log_stream::LogStream;
use crate::server_url::BadUrl;
use crate::transport::{ClientConfig, HttpCall, Repeat, RequestBody, Transport};

/// How much longer than its wait a claim may take.
const CLAIM_MARGIN: Duration = Duration::from_secs(10);

/// Calls one server. Cheap to clone; the clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Transport,
}

impl Client {
    /// A client of the server at `url`: `https://queue.example.org`, `http://127.0.0.1:7420` or, for short,
    /// `127.0.0.1:7420` or `:7420`. Connects with the first call.
    ///
    /// # Errors
    /// A URL that no server can have.
    pub fn new(url: &str) -> Result<Self, BadUrl> {
        Self::with_config(url, ClientConfig::default())
    }

    /// The same, with other timeouts and repeats.
    ///
    /// # Errors
    /// A URL that no server can have.
    pub fn with_config(url: &str, config: ClientConfig) -> Result<Self, BadUrl> {
        Transport::new(url, config).map(|transport| Self { transport })
    }

    /// A client like this one, with connections of its own.
    ///
    /// # Errors
    /// The system does not let it be made.
    pub fn reconnected(&self) -> Result<Self, BadUrl> {
        self.transport.reconnected().map(|transport| Self { transport })
    }

    /// The same client, repeating each call up to so many times where a repeat is safe and may help.
    #[must_use]
    pub fn with_max_repeats(self, max_repeats: u32) -> Self {
        Self { transport: self.transport.with_max_repeats(max_repeats) }
    }

    /// The server's address.
    pub fn url(&self) -> &str {
        self.transport.url()
    }

    async fn get<T: DeserializeOwned>(&self, path: String) -> Result<T, Error> {
        let call =
            HttpCall { method: Method::GET, path, body: RequestBody::Nothing, repeat: Repeat::Always, timeout: None };
        self.transport.json(call).await
    }

    async fn list<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<T, Error> {
        // These queries hold only words and numbers, which always fit into a query string.
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        let mark = if query.is_empty() { "" } else { "?" };
        self.get(format!("{path}{mark}{query}")).await
    }

    async fn post<T: DeserializeOwned>(&self, path: String, body: RequestBody, repeat: Repeat) -> Result<T, Error> {
        self.transport.json(HttpCall { method: Method::POST, path, body, repeat, timeout: None }).await
    }

    async fn post_done(&self, path: String) -> Result<(), Error> {
        let call =
            HttpCall { method: Method::POST, path, body: RequestBody::Nothing, repeat: Repeat::Always, timeout: None };
        self.transport.done(call).await
    }

    async fn put<T: DeserializeOwned>(&self, path: String, body: RequestBody) -> Result<T, Error> {
        self.transport.json(HttpCall { method: Method::PUT, path, body, repeat: Repeat::Always, timeout: None }).await
    }

    async fn delete(&self, path: String, body: RequestBody, repeat: Repeat) -> Result<(), Error> {
        self.transport.done(HttpCall { method: Method::DELETE, path, body, repeat, timeout: None }).await
    }
}

/// Engines.
impl Client {
    /// Registers an engine, for the first time or again. A repeat begins one more epoch, and no harm is done.
    pub async fn register(&self, engine_id: &EngineId, request: &RegisterRequest) -> Result<Engine, Error> {
        self.put(format!("/v1/engines/{engine_id}"), RequestBody::json(request)).await
    }

    /// Registers an engine under an id that the server makes.
    pub async fn register_new(&self, request: &RegisterRequest) -> Result<Engine, Error> {
        self.post("/v1/engines".to_owned(), RequestBody::json(request), Repeat::IfNotApplied).await
    }

    /// Lists engines.
    pub async fn engines(&self, query: &EnginesQuery) -> Result<Page<Engine>, Error> {
        self.list("/v1/engines", query).await
    }

    /// One engine, with its locks.
    pub async fn engine(&self, engine_id: &EngineId) -> Result<Engine, Error> {
        self.get(format!("/v1/engines/{engine_id}")).await
    }

    /// Keeps an engine alive, and renews the locks that it lists. It may take no longer than `timeout`, and is not
    /// repeated: a later one has newer values.
    pub async fn heartbeat(
        &self,
        engine_id: &EngineId,
        request: &HeartbeatRequest,
        timeout: Duration,
    ) -> Result<HeartbeatResponse, Error> {
        let path = format!("/v1/engines/{engine_id}/heartbeat");
        let call = HttpCall {
            method: Method::POST,
            path,
            body: RequestBody::json(request),
            repeat: Repeat::IfNotApplied,
            timeout: Some(timeout),
        };
        self.transport.json(call).await
    }

    /// Stops giving an engine events.
    pub async fn drain_engine(&self, engine_id: &EngineId, request: DrainRequest) -> Result<Engine, Error> {
        self.post(format!("/v1/engines/{engine_id}/drain"), RequestBody::json(&request), Repeat::Always).await
    }

    /// Gives a drained engine events again.
    pub async fn resume_engine(&self, engine_id: &EngineId) -> Result<Engine, Error> {
        self.post(format!("/v1/engines/{engine_id}/resume"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Keeps an engine from events, without stopping it.
    pub async fn quarantine_engine(&self, engine_id: &EngineId, request: &QuarantineRequest) -> Result<Engine, Error> {
        self.post(format!("/v1/engines/{engine_id}/quarantine"), RequestBody::json(request), Repeat::Always).await
    }

    /// Lifts the quarantine of an engine.
    pub async fn lift_quarantine(&self, engine_id: &EngineId) -> Result<Engine, Error> {
        self.post(format!("/v1/engines/{engine_id}/lift"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Deregisters an engine, in good order: what it holds is back in its queue, as after a release. With an epoch, only
    /// if no other process has taken over its id.
    pub async fn deregister(&self, engine_id: &EngineId, epoch: Option<i64>) -> Result<(), Error> {
        let query = epoch.map_or_else(String::new, |epoch| format!("?epoch={epoch}"));
        self.delete(format!("/v1/engines/{engine_id}{query}"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Claims events. Not repeated when its answer is lost: the server releases those locks by itself.
    pub async fn claim(&self, engine_id: &EngineId, request: &ClaimRequest) -> Result<ClaimResponse, Error> {
        let wait = enginehouse_core::time::seconds(request.wait_seconds.unwrap_or(0.0)).min(Duration::from_secs(60));
        let call = HttpCall {
            method: Method::POST,
            path: format!("/v1/engines/{engine_id}/claim"),
            body: RequestBody::json(request),
            repeat: Repeat::IfNotApplied,
            timeout: Some(wait + CLAIM_MARGIN),
        };
        self.transport.json(call).await
    }

    /// Settles, heartbeats and claims, in one transaction. The answer to all parts comes when the claim's wait is over.
    /// Repeated like its claim, if it has one: settlements and heartbeats may be repeated always.
    pub async fn exchange(&self, engine_id: &EngineId, request: &ExchangeRequest) -> Result<ExchangeResponse, Error> {
        let wait = request.claim.as_ref().and_then(|claim| claim.wait_seconds).unwrap_or(0.0);
        let wait = enginehouse_core::time::seconds(wait).min(Duration::from_secs(60));
        let call = HttpCall {
            method: Method::POST,
            path: format!("/v1/engines/{engine_id}/exchange"),
            body: RequestBody::json(request),
            repeat: if request.claim.is_none() { Repeat::Always } else { Repeat::IfNotApplied },
            timeout: (!wait.is_zero()).then(|| wait + CLAIM_MARGIN),
        };
        self.transport.json(call).await
    }
}

/// Events.
impl Client {
    /// Enqueues one event. Repeated after any passing failure if it has an idempotency key.
    pub async fn enqueue(&self, request: &EnqueueRequest) -> Result<EnqueueResponse, Error> {
        let repeat = if request.idempotency_key.is_some() { Repeat::Always } else { Repeat::IfNotApplied };
        self.post("/v1/events".to_owned(), RequestBody::json(request), repeat).await
    }

    /// Enqueues one event, and answers it once it has completed, failed or been cancelled, or as it is after so long. Repeated
    /// like [`Client::enqueue`].
    pub async fn enqueue_and_wait(&self, request: &EnqueueRequest, timeout: Duration) -> Result<Event, Error> {
        let began = Instant::now();
        let repeat = if request.idempotency_key.is_some() { Repeat::Always } else { Repeat::IfNotApplied };
        let wait = timeout.min(MAX_WAIT);
        let call = HttpCall {
            method: Method::POST,
            path: format!("/v1/events?wait_seconds={}", wait.as_secs_f64()),
            body: RequestBody::json(request),
            repeat,
            timeout: Some(wait + CLAIM_MARGIN),
        };
        let answer: EnqueueResponse = self.transport.json(call).await?;
        match answer.event {
            Some(event) if event.status.is_final() => Ok(*event),
            _ => self.wait_for_event(answer.event_id, timeout.saturating_sub(began.elapsed())).await,
        }
    }

    /// The event once it has completed, failed or been cancelled, or as it is after so long.
    pub async fn wait_for_event(&self, event_id: EventId, timeout: Duration) -> Result<Event, Error> {
        let began = Instant::now();
        loop {
            let wait = timeout.saturating_sub(began.elapsed()).min(MAX_WAIT);
            let asked = Instant::now();
            let call = HttpCall {
                method: Method::GET,
                path: format!("/v1/events/{event_id}?wait_seconds={}", wait.as_secs_f64()),
                body: RequestBody::Nothing,
                repeat: Repeat::Always,
                timeout: Some(wait + CLAIM_MARGIN),
            };
            let event: Event = self.transport.json(call).await?;
            if event.status.is_final() || began.elapsed() >= timeout {
                return Ok(event);
            }
            // A server that shuts down answers at once, and one that starts is asked again.
            pause(Duration::from_secs(1).saturating_sub(asked.elapsed())).await;
        }
    }

    /// Enqueues up to 10,000 events, all or nothing. Repeated after any passing failure if each has an
    /// idempotency key.
    pub async fn enqueue_batch(&self, request: &BatchRequest) -> Result<BatchResponse, Error> {
        let all_have_keys = request.events.iter().all(|event| event.idempotency_key.is_some());
        let repeat = if all_have_keys { Repeat::Always } else { Repeat::IfNotApplied };
        self.post("/v1/events/batch".to_owned(), RequestBody::json(request), repeat).await
    }

    /// Enqueues the good ones of some lines, each an event, and names the bad ones.
    pub async fn enqueue_lines(&self, lines: Vec<u8>, repeat: Repeat) -> Result<NdjsonResponse, Error> {
        self.post("/v1/events/batch".to_owned(), RequestBody::Ndjson(lines), repeat).await
    }

    /// Lists events.
    pub async fn events(&self, query: &EventsQuery) -> Result<Page<Event>, Error> {
        self.list("/v1/events", query).await
    }

    /// One event.
    pub async fn event(&self, event_id: EventId) -> Result<Event, Error> {
        self.get(format!("/v1/events/{event_id}")).await
    }

    /// Every attempt and every action of a person.
    pub async fn history(&self, event_id: EventId) -> Result<HistoryResponse, Error> {
        self.get(format!("/v1/events/{event_id}/history")).await
    }

    /// The ends of the logs of its attempts.
    pub async fn log(&self, event_id: EventId, attempt: Option<u32>) -> Result<LogResponse, Error> {
        self.list(&format!("/v1/events/{event_id}/log"), &LogQuery { attempt, follow: false }).await
    }

    /// The log of an attempt, the newest if none is named, as it grows until the attempt ends.
    pub async fn follow_log(&self, event_id: EventId, attempt: Option<u32>) -> Result<LogStream, Error> {
        let query = serde_urlencoded::to_string(LogQuery { attempt, follow: true }).unwrap_or_default();
        let path = format!("/v1/events/{event_id}/log?{query}");
        Ok(LogStream::new(self.transport.stream(&path).await?))
    }

    /// The event is done.
    pub async fn complete(&self, event_id: EventId, request: &CompleteRequest) -> Result<Event, Error> {
        self.post(format!("/v1/events/{event_id}/complete"), RequestBody::json(request), Repeat::Always).await
    }

    /// The attempt failed.
    pub async fn fail(&self, event_id: EventId, request: &FailRequest) -> Result<Event, Error> {
        self.post(format!("/v1/events/{event_id}/fail"), RequestBody::json(request), Repeat::Always).await
    }

    /// Releases the event; the attempt is not counted.
    pub async fn release(&self, event_id: EventId, request: &ReleaseRequest) -> Result<Event, Error> {
        self.post(format!("/v1/events/{event_id}/release"), RequestBody::json(request), Repeat::Always).await
    }

    /// Keeps the lock for longer.
    pub async fn extend(&self, event_id: EventId, request: &ExtendRequest) -> Result<Event, Error> {
        self.post(format!("/v1/events/{event_id}/extend"), RequestBody::json(request), Repeat::Always).await
    }

    /// Settles many, each with its own answer.
    pub async fn settle(&self, request: &SettleRequest) -> Result<SettleResponse, Error> {
        self.post("/v1/events/settle".to_owned(), RequestBody::json(request), Repeat::Always).await
    }

    /// Cancels an event.
    pub async fn cancel(&self, event_id: EventId, request: CancelRequest) -> Result<Event, Error> {
        self.post(format!("/v1/events/{event_id}/cancel"), RequestBody::json(&request), Repeat::Always).await
    }

    /// Makes a waiting event available now.
    pub async fn retry(&self, event_id: EventId) -> Result<Event, Error> {
        self.post(format!("/v1/events/{event_id}/retry"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Changes an event that waits. Not repeated if it may have been done, for it may be claimed by then.
    pub async fn change_event(&self, event_id: EventId, request: &ChangeRequest) -> Result<Event, Error> {
        let call = HttpCall {
            method: Method::PATCH,
            path: format!("/v1/events/{event_id}"),
            body: RequestBody::json(request),
            repeat: Repeat::IfNotApplied,
            timeout: None,
        };
        self.transport.json(call).await
    }

    /// Puts a failed or cancelled event back in its queue, changed if the request says so.
    pub async fn redrive_event(&self, event_id: EventId, request: &ChangeRequest) -> Result<Event, Error> {
        self.post(format!("/v1/events/{event_id}/redrive"), RequestBody::json(request), Repeat::IfNotApplied).await
    }

    /// Cancels events that match, up to the request's limit.
    pub async fn cancel_events(&self, request: &BulkCancelRequest) -> Result<BulkEventsResponse, Error> {
        self.post("/v1/events/cancel".to_owned(), RequestBody::json(request), Repeat::Always).await
    }

    /// Makes waiting events that match available now, up to the request's limit.
    pub async fn retry_events(&self, request: &BulkRetryRequest) -> Result<BulkEventsResponse, Error> {
        self.post("/v1/events/retry".to_owned(), RequestBody::json(request), Repeat::Always).await
    }

    /// Takes an idempotency key from its event: the next enqueue with it makes a new one. Not repeated if it may have been
    /// done, for somebody may have used the key since.
    pub async fn release_key(&self, idempotency_key: &str) -> Result<ReleasedKey, Error> {
        let query = ReleaseKeyQuery { idempotency_key: idempotency_key.to_owned() };
        // A query of one word always fits into a query string.
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        let call = HttpCall {
            method: Method::DELETE,
            path: format!("/v1/idempotency-keys?{query}"),
            body: RequestBody::Nothing,
            repeat: Repeat::IfNotApplied,
            timeout: None,
        };
        self.transport.json(call).await
    }
}

/// Event types and queues.
impl Client {
    /// Lists the event types that are known.
    pub async fn event_types(&self, query: &PageQuery) -> Result<Page<EventTypeSettings>, Error> {
        self.list("/v1/event-types", query).await
    }

    /// The settings of an event type.
    pub async fn event_type(&self, name: &EventType) -> Result<EventTypeSettings, Error> {
        self.get(format!("/v1/event-types/{name}")).await
    }

    /// Replaces the settings of an event type.
    pub async fn set_event_type(&self, name: &EventType, settings: &Settings) -> Result<EventTypeSettings, Error> {
        self.put(format!("/v1/event-types/{name}"), RequestBody::json(settings)).await
    }

    /// Removes the settings of an event type.
    pub async fn delete_event_type(&self, name: &EventType) -> Result<(), Error> {
        self.delete(format!("/v1/event-types/{name}"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Keeps events of a type from being claimed.
    pub async fn pause_event_type(&self, name: &EventType, request: &PauseRequest) -> Result<EventTypeSettings, Error> {
        self.post(format!("/v1/event-types/{name}/pause"), RequestBody::json(request), Repeat::Always).await
    }

    /// Lets events of a type be claimed again.
    pub async fn resume_event_type(&self, name: &EventType) -> Result<EventTypeSettings, Error> {
        self.post(format!("/v1/event-types/{name}/resume"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Lists the queues that are known.
    pub async fn queues(&self, query: &PageQuery) -> Result<Page<QueueSettings>, Error> {
        self.list("/v1/queues", query).await
    }

    /// The settings of a queue.
    pub async fn queue(&self, name: &QueueName) -> Result<QueueSettings, Error> {
        self.get(format!("/v1/queues/{name}")).await
    }

    /// Replaces the settings of a queue.
    pub async fn set_queue(&self, name: &QueueName, settings: &Settings) -> Result<QueueSettings, Error> {
        self.put(format!("/v1/queues/{name}"), RequestBody::json(settings)).await
    }

    /// Removes the settings of a queue.
    pub async fn delete_queue(&self, name: &QueueName) -> Result<(), Error> {
        self.delete(format!("/v1/queues/{name}"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Keeps a queue's events from being claimed.
    pub async fn pause_queue(&self, name: &QueueName, request: &PauseRequest) -> Result<QueueSettings, Error> {
        self.post(format!("/v1/queues/{name}/pause"), RequestBody::json(request), Repeat::Always).await
    }

    /// Lets a queue's events be claimed again.
    pub async fn resume_queue(&self, name: &QueueName) -> Result<QueueSettings, Error> {
        self.post(format!("/v1/queues/{name}/resume"), RequestBody::Nothing, Repeat::Always).await
    }
}

/// Dead letters, scenario runs and statistics.
impl Client {
    /// Says that the clock is right after it has leapt: finished events are deleted again when their retention ends.
    pub async fn accept_clock(&self) -> Result<(), Error> {
        self.post_done("/v1/clock/accept".to_owned()).await
    }

    /// Lists dead letters.
    pub async fn dead_letters(&self, query: &DeadLettersQuery) -> Result<Page<DeadLetter>, Error> {
        self.list("/v1/dead-letters", query).await
    }

    /// One dead letter.
    pub async fn dead_letter(&self, event_id: EventId) -> Result<DeadLetter, Error> {
        self.get(format!("/v1/dead-letters/{event_id}")).await
    }

    /// What a bulk redrive or discard would touch, in its order.
    pub async fn dead_letter_preview(&self, query: &DeadLetterPreviewQuery) -> Result<DeadLetterPreview, Error> {
        self.list("/v1/dead-letters/preview", query).await
    }

    /// Dead letters, grouped by event type and error.
    pub async fn dead_letter_summary(&self) -> Result<DeadLetterSummary, Error> {
        self.get("/v1/dead-letters/summary".to_owned()).await
    }

    /// Puts a dead letter back in its queue.
    pub async fn redrive(&self, event_id: EventId, request: &ChangeRequest) -> Result<Event, Error> {
        let path = format!("/v1/dead-letters/{event_id}/redrive");
        self.post(path, RequestBody::json(request), Repeat::IfNotApplied).await
    }

    /// Puts all dead letters that match back in their queues.
    pub async fn redrive_all(&self, request: &BulkRedriveRequest) -> Result<BulkRedriveResponse, Error> {
        self.post("/v1/dead-letters/redrive".to_owned(), RequestBody::json(request), Repeat::IfNotApplied).await
    }

    /// Gives up on a dead letter.
    pub async fn discard(&self, event_id: EventId, request: &DiscardRequest) -> Result<(), Error> {
        self.delete(format!("/v1/dead-letters/{event_id}"), RequestBody::json(request), Repeat::IfNotApplied).await
    }

    /// Gives up on all dead letters that match.
    pub async fn discard_all(&self, request: &BulkDiscardRequest) -> Result<BulkDiscardResponse, Error> {
        self.post("/v1/dead-letters/discard".to_owned(), RequestBody::json(request), Repeat::IfNotApplied).await
    }

    /// Lists scenario runs.
    pub async fn scenario_runs(&self, query: &PageQuery) -> Result<Page<ScenarioRun>, Error> {
        self.list("/v1/scenario-runs", query).await
    }

    /// One scenario run, with its engines.
    pub async fn scenario_run(&self, scenario_run_id: &ScenarioRunId) -> Result<ScenarioRun, Error> {
        self.get(format!("/v1/scenario-runs/{scenario_run_id}")).await
    }

    /// Why an event does not run now; and how far it gets with one engine, if one is named.
    pub async fn explain_event(&self, event_id: EventId, query: &ExplainQuery) -> Result<EventExplanation, Error> {
        self.list(&format!("/v1/events/{event_id}/explain"), query).await
    }

    /// What an engine could claim now, and what keeps it from more.
    pub async fn explain_engine(&self, engine_id: &EngineId) -> Result<EngineExplanation, Error> {
        self.get(format!("/v1/engines/{engine_id}/explain")).await
    }

    /// Lists the lanes in which events wait, the worst first, each explained.
    pub async fn blocked(&self, query: &BlockedQuery) -> Result<Page<BlockedLane>, Error> {
        self.list("/v1/blocked", query).await
    }

    /// Lists engines and versions that fail more than others do, the surest first.
    pub async fn suspects(&self) -> Result<SuspectList, Error> {
        self.get("/v1/suspects".to_owned()).await
    }

    /// Counts and ages of everything in the store.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.get("/v1/stats".to_owned()).await
    }

    /// Lanes and their counts, in the order in which they were made.
    pub async fn lanes(&self, page: &PageQuery) -> Result<Page<LaneStats>, Error> {
        self.list("/v1/stats/lanes", page).await
    }

    /// Whether the server is ready to serve.
    pub async fn ready(&self) -> Result<(), Error> {
        let call = HttpCall {
            method: Method::GET,
            path: "/readyz".to_owned(),
            body: RequestBody::Nothing,
            repeat: Repeat::IfNotApplied,
            timeout: None,
        };
        self.transport.done(call).await
    }
}
