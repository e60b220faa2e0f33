//! Events as they are returned, their history, and lists of them.

use std::collections::BTreeMap;
use std::time::Duration;

use enginehouse_core::event::{AttemptError, AttemptOutcome, DeadLetterReason, EventStatus};
use enginehouse_core::filter::{EventFilter, FilterSubject, FilterTerms, PageRequest};
use enginehouse_core::ids::{Capability, EngineId, EventId, EventType, QueueName, ScenarioRunId};
use enginehouse_core::input::Value;
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::{MAX_LABEL_LENGTH, MAX_PRIORITY, MAX_WAIT};
use enginehouse_core::lock::LockToken;
use enginehouse_core::policy::RetryPolicyPatch;
use enginehouse_core::read_fields;
use enginehouse_core::report::{AttemptProgress, AttemptUsage, PreviousAttempt};
use enginehouse_core::time::{Timestamp, seconds};
use enginehouse_core::trace_parent::TraceParent;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::filter::{FilterQuery, read_terms};
use crate::page::{ListKind, Page, PageQuery, page_request, read_cursor, read_limit};

/// One unit of work, as it stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Names it: a UUID of version 7.
    pub event_id: EventId,
    /// What kind of work it is.
    pub event_type: EventType,
    /// The queue it waits in.
    pub queue: QueueName,
    /// Where it is in its life.
    pub status: EventStatus,
    /// 0 (first) to 9 (last).
    #[schema(minimum = 0, maximum = 9)]
    pub priority: u8,
    /// The work itself, byte for byte as it was sent.
    pub payload: RawJson,
    /// Whether payload, result and the details of errors are left out, because the caller may not read them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub payload_hidden: bool,
    /// The number of the present attempt, or of the last one; 0 before the first.
    pub attempt: u32,
    /// Retries spent since the enqueue or the last redrive.
    pub retries: u32,
    /// Failed attempts over its whole life.
    pub failures: u32,
    /// Locks lost since the enqueue or the last redrive.
    pub losses: u32,
    /// How often it was redriven.
    pub redrives: u32,
    /// From when on it may be claimed, while queued.
    pub available_at: Timestamp,
    /// When it is cancelled if it is queued then, for a retry too; null if never.
    #[schema(required = true)]
    pub expires_at: Option<Timestamp>,
    /// When it was enqueued.
    pub enqueued_at: Timestamp,
    /// When it was completed or cancelled, or finally failed.
    #[schema(required = true)]
    pub finished_at: Option<Timestamp>,
    /// `finished_at`, if it is completed.
    #[schema(required = true)]
    pub completed_at: Option<Timestamp>,
    /// What its completion brought, byte for byte.
    #[schema(value_type = RawJson, required = true)]
    pub result: Option<RawJson>,
    /// What went wrong last.
    #[schema(required = true)]
    pub last_error: Option<AttemptError>,
    /// Why it is a dead letter; null if it is none.
    #[schema(required = true)]
    pub dead_letter: Option<DeadLetterReason>,
    /// Its lock; null unless processing.
    #[schema(required = true)]
    pub lock: Option<EventLock>,
    /// Whether it is cancelled as soon as its lock ends.
    pub cancel_requested: bool,
    /// The engine that claimed it last.
    #[schema(required = true)]
    pub engine_id: Option<EngineId>,
    /// The scenario run it belongs to.
    #[schema(required = true)]
    pub scenario_run_id: Option<ScenarioRunId>,
    /// What the engine must be capable of.
    pub required_capabilities: Vec<Capability>,
    /// Memory that the engine must have free, in MiB.
    #[schema(required = true)]
    pub required_memory_mb: Option<u64>,
    /// The range that the engine's version must lie in.
    #[schema(required = true)]
    pub engine_version: Option<String>,
    /// What makes a repeat of its enqueue safe; null if it has none, or none any more.
    #[schema(required = true)]
    pub idempotency_key: Option<String>,
    /// From when on the same key makes a new event; null if it has its key as long as it is kept.
    #[schema(required = true)]
    pub idempotency_key_expires_at: Option<Timestamp>,
    /// The event's own part of the retry policy.
    #[schema(required = true)]
    pub retry_policy: Option<RetryPolicyPatch>,
    /// How long a lock on it lasts unless extended, in seconds; null if it sets none itself.
    #[schema(required = true)]
    pub visibility_timeout_seconds: Option<u64>,
    /// How long one attempt may take, in seconds; null if it sets none itself.
    #[schema(required = true)]
    pub max_processing_seconds: Option<u64>,
    /// How long one attempt may go on without reporting progress, in seconds; null if it sets none itself.
    #[schema(required = true)]
    pub progress_timeout_seconds: Option<u64>,
    /// The producer's own words.
    pub labels: BTreeMap<String, String>,
    /// The span that enqueued it, as W3C Trace Context writes it.
    #[schema(required = true)]
    pub traceparent: Option<TraceParent>,
    /// What its attempts have used together, as far as engines have reported it: times added up, and the most memory. Absent
    /// where nothing was reported, and in answers to other calls than those that look at events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub usage: Option<AttemptUsage>,
    /// How far the attempt is that is under way, as its engine has reported it; absent as `usage` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub progress: Option<EventProgress>,
    /// What the attempts before have left. Only in the answer to the claim, and only of an event that was claimed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub previous: Option<PreviousAttempt>,
}

/// How far an attempt is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventProgress {
    /// From 0 to 100.
    #[schema(required = true)]
    pub percent: Option<f64>,
    /// In words.
    #[schema(required = true)]
    pub message: Option<String>,
    /// When it was reported.
    pub reported_at: Timestamp,
}

impl EventProgress {
    pub fn new(reported_at: Timestamp, progress: AttemptProgress) -> Self {
        let AttemptProgress { percent, message } = progress;
        Self { percent, message, reported_at }
    }
}

/// One page of a list of them.
pub type EventPage = Page<Event>;

/// The exclusive, time-limited right of one engine to process an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventLock {
    /// `processing_by_` and the engine's id.
    pub holder: String,
    /// The engine.
    pub engine_id: EngineId,
    /// Proves that its bearer holds the lock. Only in the answer to the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub token: Option<LockToken>,
    /// When the attempt began.
    pub claimed_at: Timestamp,
    /// When it is lost unless renewed.
    pub expires_at: Timestamp,
    /// When the attempt fails whatever its holder does; absent if it may take as long as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub times_out_at: Option<Timestamp>,
    /// When the attempt fails as stuck unless progress is reported before; absent if it needs to report none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub progress_due_at: Option<Timestamp>,
}

impl EventLock {
    /// A lock as everybody may see it: without its token.
    pub fn public(lock: &enginehouse_core::lock::Lock) -> Self {
        Self {
            holder: lock.holder(),
            engine_id: lock.engine_id.clone(),
            token: None,
            claimed_at: lock.claimed_at,
            expires_at: lock.expires_at,
            times_out_at: lock.times_out_at(),
            progress_due_at: lock.progress_limit.map(|limit| limit.due_at),
        }
    }

    /// A lock as its claimer gets it: with its token.
    pub fn for_claimer(lock: &enginehouse_core::lock::Lock) -> Self {
        Self { token: Some(lock.token), ..Self::public(lock) }
    }
}

/// Whether to wait for the end of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WaitQuery {
    /// How long to wait for the event to complete, fail or be cancelled; 0 to 60, and 0 if absent. Then the answer has it as it
    /// is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 60)]
    pub wait_seconds: Option<f64>,
}

impl WaitQuery {
    pub fn read(value: Value<'_>) -> Option<Duration> {
        read_fields!(value; wait_seconds: optional(read_wait));
        Some(wait_seconds.unwrap_or_default())
    }
}

/// How long a caller wants to wait.
pub(crate) fn read_wait(value: Value<'_>) -> Option<Duration> {
    value.number(0.0..=MAX_WAIT.as_secs_f64()).map(seconds)
}

/// Which events to list. Newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EventsQuery {
    #[serde(flatten)]
    pub filter: EventFilter,
    #[serde(flatten)]
    pub terms: FilterQuery,
    #[serde(flatten)]
    pub page: PageQuery,
}

impl EventsQuery {
    pub fn read(value: Value<'_>) -> Option<(EventFilter, FilterTerms, PageRequest)> {
        read_fields!(value;
            status: optional(|value| value.word()),
            event_type: optional(|value| value.parsed()),
            queue: optional(|value| value.parsed()),
            scenario_run_id: optional(|value| value.parsed()),
            engine_id: optional(|value| value.parsed()),
            priority: optional(|value| value.whole(0..=MAX_PRIORITY)),
            label: optional(|value| value.parsed()),
            idempotency_key: optional(|value| value.line(1..=MAX_LABEL_LENGTH)),
            available_after: optional(|value| value.parsed()),
            enqueued_after: optional(|value| value.parsed()),
            enqueued_before: optional(|value| value.parsed()),
            filter: optional(|value| read_terms(value, FilterSubject::Events)),
            limit: optional(read_limit),
            cursor: optional(|value| read_cursor(value, ListKind::Events)),
        );
        let terms = filter.unwrap_or(FilterTerms::none(FilterSubject::Events));
        let filter = EventFilter {
            status,
            event_type,
            queue,
            scenario_run_id,
            engine_id,
            priority,
            label,
            idempotency_key,
            available_after,
            enqueued_after,
            enqueued_before,
            ..EventFilter::default()
        };
        Some((filter, terms, page_request(limit, cursor)))
    }
}

/// Everything that happened to an event.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HistoryResponse {
    /// The event.
    pub event_id: EventId,
    /// Its attempts, oldest first; the one that completed it and the one that is under way included.
    pub attempts: Vec<Attempt>,
    /// What its attempts have used together, as far as engines have reported it: times added up, and the most memory;
    /// null if they have reported none.
    #[schema(required = true)]
    pub usage: Option<AttemptUsage>,
    /// What people did to it, oldest first.
    pub actions: Vec<Action>,
}

/// One attempt.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// Its number, counted from 1.
    pub attempt: u32,
    /// Who made it.
    pub engine_id: EngineId,
    /// The version of the engine's software, as it was registered when it claimed the event.
    #[schema(required = true)]
    pub engine_software_version: Option<String>,
    /// How it ended; null while it is under way.
    #[schema(required = true)]
    pub outcome: Option<AttemptOutcome>,
    /// What went wrong.
    #[schema(required = true)]
    pub error: Option<AttemptError>,
    /// How long the event had been available before.
    pub waited_seconds: f64,
    /// When it began.
    pub claimed_at: Timestamp,
    /// When it ended; null while it is under way.
    #[schema(required = true)]
    pub ended_at: Option<Timestamp>,
    /// What it has used, as far as its engine has reported it; null if it has not.
    #[schema(required = true)]
    pub usage: Option<AttemptUsage>,
    /// How far it has come, as its engine has reported it; null if it has not.
    #[schema(required = true)]
    pub progress: Option<EventProgress>,
    /// Where its whole log is, if its engine has said so; else null.
    #[schema(required = true)]
    pub log_url: Option<String>,
}

/// Something that a person did to an event.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Action {
    /// When.
    pub at: Timestamp,
    /// What: `cancel`, `retry`, `change`, `redrive`, `discard`, `release_key`; or `expire`, which time did.
    pub action: String,
    /// Who: the accessor of a token, `anyone` where there are no tokens, or `server` for what it does by itself.
    pub by: String,
    /// Anything more about it.
    #[schema(required = true)]
    pub detail: Option<String>,
}

/// How many events there are, by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventCounts {
    /// Waiting to be claimed, now or later.
    pub queued: u64,
    /// Held by an engine.
    pub processing: u64,
    /// Done.
    pub completed: u64,
    /// Finally failed.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
}

impl EventCounts {
    /// The count of one status.
    pub fn of(&mut self, status: EventStatus) -> &mut u64 {
        match status {
            EventStatus::Queued => &mut self.queued,
            EventStatus::Processing => &mut self.processing,
            EventStatus::Completed => &mut self.completed,
            EventStatus::Failed => &mut self.failed,
            EventStatus::Cancelled => &mut self.cancelled,
        }
    }

    /// All of them.
    pub const fn total(&self) -> u64 {
        self.queued + self.processing + self.completed + self.failed + self.cancelled
    }
}

/// How to cancel an event. The body may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelRequest {
    /// Whether to take the lock away from an engine that works on it, instead of asking it to stop. It is told at its next
    /// heartbeat that the lock is lost, and what it settles is refused.
    #[serde(default)]
    pub force: bool,
}

impl CancelRequest {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value; force: or_default(|value| value.boolean()));
        Some(Self { force: force? })
    }
}
