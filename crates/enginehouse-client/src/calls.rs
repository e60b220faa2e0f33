//! The calls of the HTTP API, one method each. Each fails with an [`Error`]: no answer, or a problem.

use std::time::Duration;

use enginehouse_api::changes::ChangeRequest;
use enginehouse_api::dead_letters::{
    BulkDiscardRequest, BulkDiscardResponse, BulkRedriveRequest, BulkRedriveResponse, DeadLetter, DeadLetterPreview,
    DeadLetterPreviewQuery, DeadLetterSummary, DeadLettersQuery, DiscardRequest,
};
use enginehouse_api::event_types::PauseRequest;
use enginehouse_api::events::Event;
use enginehouse_api::explain::{BlockedLane, BlockedQuery, EngineExplanation, EventExplanation, ExplainQuery};
use enginehouse_api::minutes::{MinutesQuery, MinutesResponse};
use enginehouse_api::operations::BulkOperation;
use enginehouse_api::overview::{Overview, QueueActivityList};
use enginehouse_api::page::{Page, PageQuery};
use enginehouse_api::scenario_runs::{RunCancelRequest, ScenarioRun};
use enginehouse_api::stats::{LaneStats, Stats};
use enginehouse_api::stream::{StreamQuery, StreamTopic, StreamTopics};
use enginehouse_api::suspects::SuspectList;
use enginehouse_api::system::SystemInfo;
use enginehouse_core::access::session::SessionToken;
use enginehouse_core::ids::{EngineId, EventId, ScenarioRunId};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::server_url::BadUrl;
use crate::tls::ClientTls;
use crate::topic_stream::TopicStream;
use crate::transport::{ClientConfig, HttpCall, Repeat, RequestBody, Transport};

mod audit;
mod engines;
mod events;
mod operations;
mod settings;
mod tokens;

/// How much longer than its wait a claim may take.
const CLAIM_MARGIN: Duration = Duration::from_secs(10);

/// Calls one server. Cheap to clone; the clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Transport,
}

impl Client {
    /// A client of the server at `url`: `https://queue.example.org`, `http://127.0.0.1:7420` or, for short,
    /// `127.0.0.1:7420` or `:7420`; or `unix:/PATH` of its socket. Connects with the first call.
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

    /// The same client, calling as the process of an engine: with the `session_token` that the registration answered. What
    /// heartbeats, claims and settles has to, as soon as the server has access tokens.
    #[must_use]
    pub fn with_session(self, session: Option<&SessionToken>) -> Self {
        Self { transport: self.transport.with_session(session) }
    }

    /// The server's address.
    pub fn url(&self) -> &str {
        self.transport.url()
    }

    /// Whether a token is sent unencrypted to another machine.
    pub const fn shows_token(&self) -> bool {
        self.transport.shows_token()
    }

    /// What `https://` is spoken with.
    pub const fn tls(&self) -> &ClientTls {
        self.transport.tls()
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

    /// Keeps the events of a scenario run from being claimed, for a reason if one is given.
    pub async fn pause_scenario_run(
        &self,
        scenario_run_id: &ScenarioRunId,
        request: &PauseRequest,
    ) -> Result<ScenarioRun, Error> {
        self.post(format!("/v1/scenario-runs/{scenario_run_id}/pause"), RequestBody::json(request), Repeat::Always)
            .await
    }

    /// Lets the events of a scenario run be claimed again.
    pub async fn resume_scenario_run(&self, scenario_run_id: &ScenarioRunId) -> Result<ScenarioRun, Error> {
        self.post(format!("/v1/scenario-runs/{scenario_run_id}/resume"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Cancels the events of a scenario run that are queued or processing now: an operation, which goes on by itself.
    pub async fn cancel_scenario_run(
        &self,
        scenario_run_id: &ScenarioRunId,
        request: &RunCancelRequest,
    ) -> Result<BulkOperation, Error> {
        let path = format!("/v1/scenario-runs/{scenario_run_id}/cancel");
        self.post(path, RequestBody::json(request), Repeat::IfNotApplied).await
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

    /// How the server is set up, and how it does.
    pub async fn system(&self) -> Result<SystemInfo, Error> {
        self.get("/v1/system".to_owned()).await
    }

    /// Counts and ages of everything in the store.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.get("/v1/stats".to_owned()).await
    }

    /// Lanes and their counts, in the order in which they were made.
    pub async fn lanes(&self, page: &PageQuery) -> Result<Page<LaneStats>, Error> {
        self.list("/v1/stats/lanes", page).await
    }

    /// What happened, step by step, of the last 72 hours.
    pub async fn minutes(&self, query: &MinutesQuery) -> Result<MinutesResponse, Error> {
        self.list("/v1/stats/minutes", query).await
    }

    /// The state of everything in a few numbers, and what needs a person.
    pub async fn overview(&self) -> Result<Overview, Error> {
        self.get("/v1/stats/overview".to_owned()).await
    }

    /// What is in every queue by event type, and how fast it goes there.
    pub async fn queue_activity(&self) -> Result<QueueActivityList, Error> {
        self.get("/v1/stats/queues".to_owned()).await
    }

    /// Topics as they change: all that there is first. Whoever comes back begins anew.
    pub async fn follow(&self, topics: &[StreamTopic]) -> Result<TopicStream, Error> {
        let query = StreamQuery { topics: StreamTopics(topics.to_vec()) };
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        Ok(TopicStream::new(self.transport.stream(&format!("/v1/stream?{query}")).await?))
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
