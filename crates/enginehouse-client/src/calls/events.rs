//! Calls about events.

use std::time::Duration;

use enginehouse_api::bulk_events::{BulkCancelRequest, BulkEventsResponse, BulkRetryRequest};
use enginehouse_api::changes::ChangeRequest;
use enginehouse_api::enqueue::{BatchRequest, BatchResponse, EnqueueRequest, EnqueueResponse, NdjsonResponse};
use enginehouse_api::events::{CancelRequest, Event, EventsQuery, HistoryResponse};
use enginehouse_api::idempotency_keys::{ReleaseKeyQuery, ReleasedKey};
use enginehouse_api::logs::{LogQuery, LogResponse};
use enginehouse_api::page::Page;
use enginehouse_api::settle::{
    CompleteRequest, ExtendRequest, FailRequest, ReleaseRequest, SettleRequest, SettleResponse,
};
use enginehouse_core::ids::EventId;
use enginehouse_core::limits::MAX_WAIT;
use reqwest::Method;
use tokio::time::Instant;

use super::{CLAIM_MARGIN, Client};
use crate::backoff::pause;
use crate::error::Error;
use crate::log_stream::LogStream;
use crate::transport::{HttpCall, Repeat, RequestBody};

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
