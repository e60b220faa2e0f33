//! Engines: registering, heartbeats, draining.

use std::cell::RefCell;

use enginehouse_core::access::session::SessionToken;
use enginehouse_core::engine::{DynamicState, EngineStatus, Metadata};
use enginehouse_core::filter::{EngineFilter, FilterSubject, FilterTerms, PageRequest};
use enginehouse_core::ids::{EngineId, EngineType, EventId, EventType};
use enginehouse_core::input::Value;
use enginehouse_core::invalid::{FieldError, Invalid};
use enginehouse_core::limits::{MAX_FIELD_ERRORS, MAX_LABEL_LENGTH, MAX_LOCK_TOKENS, MAX_QUARANTINED_TYPES};
use enginehouse_core::lock::LockToken;
use enginehouse_core::quarantine::{AutomaticQuarantine, Quarantine};
use enginehouse_core::read_fields;
use enginehouse_core::report::AttemptReport;
use enginehouse_core::request::Heartbeat;
use enginehouse_core::time::Timestamp;
use enginehouse_core::version::software_version;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::enqueue::{Warning, WarningCode};
use crate::filter::{FilterQuery, read_terms};
use crate::page::{ListKind, Page, PageQuery, page_request, read_cursor, read_limit};
use crate::reports::LockReport;

/// An engine introduces itself, for the first time or again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// Groups engines that are the same program: a name.
    #[schema(value_type = EngineType)]
    pub engine_type: String,
    /// What it says about itself; at most 64 KiB.
    #[serde(default)]
    pub metadata: Metadata,
    /// How often it will send a heartbeat, in seconds: 0 (never), or 1 to 300; 10 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 300)]
    pub heartbeat_interval_seconds: Option<u64>,
    /// Whether it takes over the id of an engine that lives, with the token that this one was registered with. Its locks end at
    /// once, and count for no loss.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takeover: bool,
}

/// A registered instance of a worker.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Engine {
    /// Names it.
    pub engine_id: EngineId,
    /// Groups it.
    pub engine_type: EngineType,
    /// How often this id has registered; to be sent with heartbeats and claims.
    pub epoch: i64,
    /// Where it is in its life.
    pub status: EngineStatus,
    /// Whether it is to get no new events, even after it was lost and came back.
    pub draining: bool,
    /// What keeps it from events now, though it is active; null if nothing does.
    #[schema(required = true)]
    pub quarantine: Option<Quarantine>,
    /// Those that it was put in because it failed events of a type more than others do, where that is enforced.
    #[serde(default)]
    #[schema(required = true)]
    pub automatic_quarantines: Vec<AutomaticQuarantine>,
    /// How often it must send a heartbeat, in seconds; 0 if never.
    pub heartbeat_interval_seconds: u64,
    /// After how many seconds of silence it is lost; null if never.
    #[schema(required = true)]
    pub lost_after_seconds: Option<u64>,
    /// When this epoch began.
    pub registered_at: Timestamp,
    /// When its last heartbeat arrived, or its registration.
    pub last_heartbeat_at: Timestamp,
    /// What it says about itself.
    pub metadata: Metadata,
    /// How many locks it holds.
    pub locks_held: u32,
    /// The locks it holds; only where one engine is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub locks: Option<Vec<EngineLock>>,
    /// What whoever runs it should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// What its process sends from now on, as the header `Enginehouse-Session`; only in the answer to its registration. Nobody can
    /// show it again, and the next registration ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session_token: Option<SessionToken>,
}

impl Engine {
    /// An engine as it is now and the number of its locks, as a list shows it.
    pub fn new(engine: &enginehouse_core::engine::RegisteredEngine, locks_held: u32, now: Timestamp) -> Self {
        Self {
            engine_id: engine.engine_id.clone(),
            engine_type: engine.engine_type.clone(),
            epoch: engine.epoch,
            status: engine.status,
            draining: engine.draining,
            quarantine: engine.quarantine_at(now).cloned(),
            automatic_quarantines: engine.automatic_quarantines.clone(),
            heartbeat_interval_seconds: engine.heartbeat_interval.as_secs(),
            lost_after_seconds: engine.lost_after().map(|wait| wait.as_secs()),
            registered_at: engine.registered_at,
            last_heartbeat_at: engine.last_heartbeat_at,
            metadata: engine.metadata.clone(),
            locks_held,
            locks: None,
            session_token: None,
            warnings: engine
                .metadata
                .static_config
                .engine_software_version
                .as_deref()
                .and_then(unreadable)
                .into_iter()
                .collect(),
        }
    }
}

/// Of a version that no range can have.
fn unreadable(version: &str) -> Option<Warning> {
    if software_version(version).is_some() {
        return None;
    }
    let detail = format!(
        "engine_software_version {version:?} is no semantic version such as 1.2.0: no event that asks for an engine_version is given to the engine"
    );
    Some(Warning { code: WarningCode::UnreadableVersion, detail, event_id: None })
}

/// One page of a list of them.
pub type EnginePage = Page<Engine>;

/// What an engine said of its load in the last quarter of an hour, as far as the server that answers has run for so long.
///
/// The lists go together: what stands at one place of each was noted at the same moment, once a minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EngineLoad {
    /// Which engine.
    pub engine_id: EngineId,
    /// When it was noted, oldest first; at most 15. Nothing is noted of an engine while it is lost.
    pub at: Vec<Timestamp>,
    /// Processor time of the engine, in percent of one core, at its last heartbeat; null where it did not say.
    pub cpu_percent: Vec<Option<f64>>,
    /// Memory in use, in MiB, at its last heartbeat; null where it did not say.
    pub memory_usage_mb: Vec<Option<f64>>,
    /// How many locks it held.
    pub locks_held: Vec<u32>,
}

/// A page of loads.
pub type EngineLoadPage = Page<EngineLoad>;

/// A lock that an engine holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EngineLock {
    /// On which event.
    pub event_id: EventId,
    /// What kind of work it is.
    pub event_type: EventType,
    /// Which attempt it is, counted from 1.
    pub attempt: u32,
    /// When the attempt began.
    pub claimed_at: Timestamp,
    /// When it is lost unless renewed.
    pub expires_at: Timestamp,
    /// Whether the event is cancelled as soon as the lock ends.
    pub cancel_requested: bool,
}

/// Which engines to list, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EnginesQuery {
    #[serde(flatten)]
    pub filter: EngineFilter,
    #[serde(flatten)]
    pub terms: FilterQuery,
    #[serde(flatten)]
    pub page: PageQuery,
}

impl EnginesQuery {
    pub fn read(value: Value<'_>) -> Option<(EngineFilter, FilterTerms, PageRequest)> {
        read_fields!(value;
            status: optional(|value| value.word()),
            stopped: optional(|value| value.boolean()),
            engine_type: optional(|value| value.parsed()),
            capability: optional(|value| value.parsed()),
            filter: optional(|value| read_terms(value, FilterSubject::Engines)),
            limit: optional(read_limit),
            cursor: optional(|value| read_cursor(value, ListKind::Engines)),
        );
        let terms = filter.unwrap_or(FilterTerms::none(FilterSubject::Engines));
        let filter = EngineFilter { status, stopped, engine_type, capability, ..EngineFilter::default() };
        Some((filter, terms, page_request(limit, cursor)))
    }
}

/// No new events for the engine. The body may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrainRequest {
    /// Whether it becomes `stopped` by itself when its last lock is settled.
    #[serde(default)]
    pub stop_when_drained: bool,
    /// Only if the engine is in this epoch: an engine that drains itself does not drain the process that has taken over
    /// its id. In any epoch if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<i64>,
}

impl DrainRequest {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            stop_when_drained: or_default(|value| value.boolean()),
            epoch: optional(|value| value.integer()),
        );
        Some(Self { stop_when_drained: stop_when_drained?, epoch })
    }
}

/// No events for the engine, or none of some types, until a time or until somebody lifts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuarantineRequest {
    /// Why; at most 256 characters.
    #[schema(min_length = 1, max_length = 256, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub reason: String,
    /// When it ends by itself; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The event types that it is for, at most 100; all if absent or empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub event_types: Vec<EventType>,
}

impl QuarantineRequest {
    /// Reads a quarantine that begins now.
    pub fn read(value: Value<'_>, now: Timestamp) -> Option<Quarantine> {
        read_fields!(value;
            reason: required(|value| value.line(1..=MAX_LABEL_LENGTH)),
            until: optional(|value| value.parsed()),
            event_types: or_default(|value| value.list(0..=MAX_QUARANTINED_TYPES, |value| value.parsed())),
        );
        if let Some(until) = until.filter(|until| *until <= now) {
            value.refuse_field("until", format_args!("must be in the future, was {until}"));
            return None;
        }
        Some(Quarantine { reason: reason?, since: now, until, event_types: event_types? })
    }
}

/// How to deregister an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeregisterQuery {
    /// Only if the engine is in this epoch: an engine that says goodbye does not remove the process that has taken over
    /// its id. In any epoch if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<i64>,
}

impl DeregisterQuery {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value; epoch: optional(|value| value.integer()));
        Some(Self { epoch })
    }
}

/// An engine says that it is alive.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatRequest {
    /// The epoch that its registration answered with.
    pub epoch: i64,
    /// How it is doing; replaces what was known. Absent: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_state: Option<DynamicState>,
    /// The locks it still works on: they are renewed, and one left out twice is released. At most 1,000.
    /// Absent says nothing about any lock; an empty list says that it works on none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 1_000)]
    pub lock_tokens: Option<Vec<LockToken>>,
    /// What it reports of its attempts; at most 1,000. A report counts if its lock is among the `renewed` of the answer; one that
    /// is wrong, or too large, is left out, and `errors` says why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1_000)]
    pub reports: Vec<LockReport>,
}

impl HeartbeatRequest {
    /// Reads a heartbeat, and the epoch of who sends it.
    pub fn read(value: Value<'_>) -> Option<(i64, ReadHeartbeat)> {
        let parts = HeartbeatParts::default();
        read_fields!(value;
            epoch: required(|value| value.integer()),
            dynamic_state: optional(|value| parts.read(value, DynamicState::read)),
            lock_tokens: optional(|value| parts.read(value, |value| parts.read_lock_tokens(value))),
            reports: or_default(|value| parts.read(value, |value| parts.read_reports(value))),
        );
        let heartbeat = parts.heartbeat(value, dynamic_state, lock_tokens, reports);
        Some((epoch?, heartbeat))
    }
}

/// The heartbeat of an exchange: as one by itself, without the epoch.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatPart {
    /// How it is doing; replaces what was known. Absent: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_state: Option<DynamicState>,
    /// The locks it still works on. Absent says nothing about any lock; an empty list says that it works
    /// on none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 1_000)]
    pub lock_tokens: Option<Vec<LockToken>>,
    /// What it reports of its attempts; at most 1,000. A report counts if its lock is among the `renewed` of the answer; one that
    /// is wrong, or too large, is left out, and `errors` says why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1_000)]
    pub reports: Vec<LockReport>,
}

impl HeartbeatPart {
    pub(crate) fn read(value: Value<'_>) -> Option<ReadHeartbeat> {
        let parts = HeartbeatParts::default();
        read_fields!(value;
            dynamic_state: optional(|value| parts.read(value, DynamicState::read)),
            lock_tokens: optional(|value| parts.read(value, |value| parts.read_lock_tokens(value))),
            reports: or_default(|value| parts.read(value, |value| parts.read_reports(value))),
        );
        Some(parts.heartbeat(value, dynamic_state, lock_tokens, reports))
    }
}

/// A heartbeat, and what is wrong with it. An engine is not lost for a state that cannot be kept: that stays as before.
#[derive(Clone, Debug, Default)]
pub struct ReadHeartbeat {
    pub heartbeat: Heartbeat,
    pub errors: Vec<FieldError>,
}

/// The parts of a heartbeat, each of which is read by itself.
#[derive(Default)]
struct HeartbeatParts(RefCell<Vec<FieldError>>);

impl HeartbeatParts {
    fn read<T>(&self, value: Value<'_>, read: impl FnOnce(Value<'_>) -> Option<T>) -> Option<T> {
        value.alone(read).map_err(|refused| self.0.borrow_mut().extend(refused.errors)).ok()
    }

    /// Those that are tokens.
    fn read_lock_tokens(&self, value: Value<'_>) -> Option<Vec<LockToken>> {
        value.list(0..=MAX_LOCK_TOKENS, |value| self.read(value, |value| value.parsed()))
    }

    /// Those that can be taken. One that cannot still says which lock its engine works on.
    fn read_reports(&self, value: Value<'_>) -> Option<Vec<(LockToken, AttemptReport)>> {
        value.list(0..=MAX_LOCK_TOKENS, |value| {
            let mut lock_token = None;
            let read = self.read(value, |value| LockReport::read(value, &mut lock_token));
            read.or_else(|| Some((lock_token?, AttemptReport::default())))
        })
    }

    fn heartbeat(
        self,
        value: Value<'_>,
        dynamic_state: Option<DynamicState>,
        lock_tokens: Option<Vec<LockToken>>,
        reports: Option<Vec<(LockToken, AttemptReport)>>,
    ) -> ReadHeartbeat {
        let mut errors = self.0.into_inner();
        errors.truncate(MAX_FIELD_ERRORS);
        if !errors.is_empty() {
            value.refuse_too(std::iter::once(&Invalid::fields(errors.clone())));
        }
        let reports = reports.unwrap_or_default();
        ReadHeartbeat { heartbeat: Heartbeat { dynamic_state, lock_tokens, reports }, errors }
    }
}

/// What the server has to tell an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatResponse {
    /// Where the engine is in its life.
    pub status: EngineStatus,
    /// The locks that were listed or reported on and are renewed.
    pub renewed: Vec<LockToken>,
    /// Those of them that are lost: stop working on their events.
    pub lost: Vec<LockToken>,
    /// The events that are to be cancelled: stop working on them.
    pub cancel: Vec<EventId>,
    /// Whether the engine is to take no new events.
    pub drain: bool,
    /// What was wrong with `dynamic_state`, `lock_tokens` or `reports`, and so was left out: the heartbeat counts nevertheless.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// How many engines there are, by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EngineCounts {
    /// May claim events.
    pub active: u64,
    /// Get no new events.
    pub draining: u64,
    /// Missed their heartbeats.
    pub lost: u64,
    /// Deregistered, or drained to the end.
    pub stopped: u64,
}

impl EngineCounts {
    /// The count of one status.
    pub fn of(&mut self, status: EngineStatus) -> &mut u64 {
        match status {
            EngineStatus::Active => &mut self.active,
            EngineStatus::Draining => &mut self.draining,
            EngineStatus::Lost => &mut self.lost,
            EngineStatus::Stopped => &mut self.stopped,
        }
    }
}
