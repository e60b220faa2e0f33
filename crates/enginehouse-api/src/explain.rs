//! Why events wait: of one event, of one engine, and of all lanes in which something waits.

use enginehouse_core::change::ChangeStep;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::event::EventStatus;
use enginehouse_core::explain::{Passage, Verdict};
use enginehouse_core::filter::PageRequest;
use enginehouse_core::ids::{Capability, EngineId, EventId, EventType, QueueName, ScenarioRunId};
use enginehouse_core::input::Value;
use enginehouse_core::read_fields;
use enginehouse_core::time::Timestamp;
use enginehouse_core::verdict::WaitingVerdict;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};
use utoipa::{IntoParams, ToSchema};

use crate::page::{ListKind, Page, PageQuery, page_request, read_cursor, read_limit};

/// Why an event does not run now, or what has become of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventExplanation {
    /// The event.
    pub event_id: EventId,
    /// The kind of work.
    pub event_type: EventType,
    /// The queue.
    pub queue: QueueName,
    /// Where it is in its life.
    pub status: EventStatus,
    /// What holds it, in one word.
    pub verdict: Verdict,
    /// Since when it has been due, running or finished; null while it is not due.
    #[schema(required = true)]
    pub since: Option<Timestamp>,
    /// One sentence that a person can act on.
    pub summary: String,
    /// Every gate between it and an engine, in the order in which they are asked; empty unless it is queued.
    pub gates: Vec<ExplainedGate>,
    /// How far it gets with the fleet; null unless it is queued.
    #[schema(required = true)]
    pub engines: Option<ExplainedEngines>,
    /// The engine that was asked about; null if none was, or unless the event is queued.
    #[schema(required = true)]
    pub asked_engine: Option<NearEngineView>,
    /// The engine that is held back for it, so that nothing passes it any more; null if none is.
    #[schema(required = true)]
    pub held_back_engine: Option<HeldBackEngine>,
    /// What would let it run now, step by step; empty if nothing has to change, or unless it is queued.
    pub smallest_change: Vec<ChangeView>,
    /// Which events are claimed before it; null unless it is queued.
    #[schema(required = true)]
    pub position: Option<QueuePosition>,
    /// As of when, by the store's clock. A large fleet is looked at anew every few seconds.
    pub as_of: Timestamp,
}

/// An engine that is held back for an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HeldBackEngine {
    /// The engine.
    pub engine_id: EngineId,
    /// Since when.
    pub since: Timestamp,
    /// When it is expected to have room for the event.
    pub opens_at: Timestamp,
}

/// The event for which an engine is held back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StarvingEventView {
    /// The event.
    pub event_id: EventId,
    /// Since when.
    pub since: Timestamp,
    /// When the engine is expected to have room for it.
    pub opens_at: Timestamp,
}

/// A gate, as an event meets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedGate {
    /// Its name. `available_at` is the time; all others are those of a claim.
    pub gate: String,
    /// Whether it lets the event through.
    pub state: Passage,
    /// What it asks, and how many engines pass that passed those before.
    pub detail: String,
    /// When it opens by itself; null where that is not known, and where it is open.
    #[schema(required = true)]
    pub opens_at: Option<Timestamp>,
    /// The engine that is nearest to passing; null where the gate is open, or no engine's.
    #[schema(required = true)]
    pub holder: Option<EngineId>,
}

/// How far an event gets with the fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedEngines {
    /// All engines that are registered and have not stopped.
    pub registered: u64,
    /// Those that could run it when they are idle and at their best.
    pub fit_when_empty: u64,
    /// Those that have room for it now.
    pub fit_now: u64,
    /// Some of those that have room for it now: those that asked for events last come first.
    pub free: Vec<FreeEngine>,
    /// Some of the others: those for which least would have to change come first.
    pub nearest: Vec<NearEngineView>,
}

/// An engine that has room for an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FreeEngine {
    /// The engine.
    pub engine_id: EngineId,
    /// When it last asked this server for events; null if it has not, since the server was started.
    #[schema(required = true)]
    pub last_claim_at: Option<Timestamp>,
}

/// An engine beside an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NearEngineView {
    /// The engine.
    pub engine_id: EngineId,
    /// Where it is in its life.
    pub status: EngineStatus,
    /// Whether it could run the event when it is idle and at its best.
    pub fits_when_empty: bool,
    /// Every gate that keeps it from the event; empty if none does.
    pub fails: Vec<FailedGate>,
    /// What would let it run the event, if the event's queue and time do; empty if nothing has to change.
    pub change: Vec<ChangeView>,
    /// What it holds, the longest held first; at most 5.
    pub holds: Vec<HeldEvent>,
    /// When it last asked this server for events; null if it has not, since the server was started.
    #[schema(required = true)]
    pub last_claim_at: Option<Timestamp>,
}

/// A gate that an engine does not pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FailedGate {
    /// Its name.
    pub gate: String,
    /// How it fails, and by how much.
    pub detail: String,
}

/// An event that an engine holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HeldEvent {
    /// The event.
    pub event_id: EventId,
    /// The kind of work.
    pub event_type: EventType,
    /// Since when it holds it.
    pub claimed_at: Timestamp,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    /// What kind of thing.
    pub action: ChangeAction,
    /// The same in words.
    pub detail: String,
    /// The engine that it is done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub engine_id: Option<EngineId>,
    /// The event that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_id: Option<EventId>,
    /// The queue that it is done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub queue: Option<QueueName>,
    /// The event type that it is done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_type: Option<EventType>,
    /// The scenario run that it is done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub scenario_run_id: Option<ScenarioRunId>,
    /// The capabilities that the engine has to have too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
    /// The range that the engine's version has to lie in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub engine_version: Option<String>,
    /// The new value of a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to: Option<f64>,
}

/// What kind of thing there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ChangeAction {
    /// Resume a queue.
    ResumeQueue,
    /// Resume an event type.
    ResumeEventType,
    /// Resume a scenario run.
    ResumeScenarioRun,
    /// Make the event available now.
    MakeAvailable,
    /// Let an engine that drains take events again.
    ResumeEngine,
    /// Lift the quarantine of an engine.
    LiftQuarantine,
    /// Set `retry_elsewhere` to `off`, so that the engine may retry an event that it has failed.
    RetryHere,
    /// Start a lost engine again.
    StartEngine,
    /// Register an engine with a higher `max_concurrent_events`.
    RaiseMaxConcurrentEvents,
    /// Register an engine with a higher `memory_limit_mb`, or with one at all.
    RaiseMemoryLimit,
    /// Register an engine with more capabilities.
    AddCapabilities,
    /// Run another version of an engine's software.
    ChangeVersion,
    /// Let an engine finish what it holds.
    EmptyEngine,
    /// Let an event run first, for which an engine is held back.
    RunFirst,
    /// Bring an engine's processor time down to the mark.
    LowerCpu,
    /// Register an engine.
    RegisterEngine,
}

impl From<&ChangeStep> for ChangeView {
    fn from(step: &ChangeStep) -> Self {
        let view = |action| Self {
            action,
            detail: step.to_string(),
            engine_id: None,
            event_id: None,
            queue: None,
            event_type: None,
            scenario_run_id: None,
            capabilities: Vec::new(),
            engine_version: None,
            to: None,
        };
        let of = |action, engine_id: &EngineId| Self { engine_id: Some(engine_id.clone()), ..view(action) };
        match step {
            ChangeStep::ResumeQueue(queue) => Self { queue: Some(queue.clone()), ..view(ChangeAction::ResumeQueue) },
            ChangeStep::ResumeEventType(event_type) => {
                Self { event_type: Some(event_type.clone()), ..view(ChangeAction::ResumeEventType) }
            }
            ChangeStep::ResumeRun(run) => {
                Self { scenario_run_id: Some(run.clone()), ..view(ChangeAction::ResumeScenarioRun) }
            }
            ChangeStep::MakeAvailable { .. } => view(ChangeAction::MakeAvailable),
            ChangeStep::ResumeEngine(engine_id) => of(ChangeAction::ResumeEngine, engine_id),
            ChangeStep::LiftQuarantine(engine_id) => of(ChangeAction::LiftQuarantine, engine_id),
            ChangeStep::RetryHere(engine_id) => of(ChangeAction::RetryHere, engine_id),
            ChangeStep::StartEngine(engine_id) => of(ChangeAction::StartEngine, engine_id),
            ChangeStep::EmptyEngine(engine_id) => of(ChangeAction::EmptyEngine, engine_id),
            ChangeStep::RaiseMaxConcurrentEvents { engine_id, to } => {
                Self { to: Some(f64::from(*to)), ..of(ChangeAction::RaiseMaxConcurrentEvents, engine_id) }
            }
            ChangeStep::RaiseMemoryLimit { engine_id, to_mb, .. } => {
                // At most 2^30: exact as a double.
                Self { to: Some(*to_mb as f64), ..of(ChangeAction::RaiseMemoryLimit, engine_id) }
            }
            ChangeStep::AddCapabilities { engine_id, capabilities } => {
                Self { capabilities: capabilities.clone(), ..of(ChangeAction::AddCapabilities, engine_id) }
            }
            ChangeStep::ChangeVersion { engine_id, required } => {
                Self { engine_version: Some(required.clone()), ..of(ChangeAction::ChangeVersion, engine_id) }
            }
            ChangeStep::RunFirst { engine_id, event_id } => {
                Self { event_id: Some(*event_id), ..of(ChangeAction::RunFirst, engine_id) }
            }
            ChangeStep::LowerCpu { engine_id, to_percent } => {
                Self { to: Some(*to_percent), ..of(ChangeAction::LowerCpu, engine_id) }
            }
            ChangeStep::RegisterEngine { capabilities, memory_limit_mb, engine_version } => Self {
                capabilities: capabilities.clone(),
                engine_version: engine_version.clone(),
                to: memory_limit_mb.map(|limit| limit as f64),
                ..view(ChangeAction::RegisterEngine)
            },
        }
    }
}

/// Which events are claimed before an event, as far as engines that could run it claim them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueuePosition {
    /// Events of the same queue, event type, priority and requirements that became available before it; at most 10,000.
    pub ahead_in_lane: u64,
    /// Queued events of better priorities that engines which could run this one could run too.
    pub ahead_by_priority: u64,
}

/// What an engine could claim, and what keeps it from more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EngineExplanation {
    /// The engine.
    pub engine_id: EngineId,
    /// Where it is in its life.
    pub status: EngineStatus,
    /// One sentence that a person can act on.
    pub summary: String,
    /// When it last asked this server for events; null if it has not, since the server was started.
    #[schema(required = true)]
    pub last_claim_at: Option<Timestamp>,
    /// What it holds, the longest held first; at most 5.
    pub holds: Vec<HeldEvent>,
    /// The event for which it is held back from what would delay that; null if there is none.
    #[schema(required = true)]
    pub held_back_for: Option<StarvingEventView>,
    /// How many locks it holds.
    pub held: u32,
    /// The most that it may hold.
    pub max_concurrent_events: u32,
    /// The memory that what it holds requires, in MiB.
    pub held_memory_mb: u64,
    /// The memory that it declares, in MiB.
    #[schema(required = true)]
    pub memory_limit_mb: Option<u64>,
    /// How many events it could be given now, one at a time.
    pub could_claim: u64,
    /// Where those are: the best priority first; at most 20 lanes.
    pub claimable: Vec<WaitingLane>,
    /// What keeps it from the others, the gate with the most events first.
    pub kept_from: Vec<KeptFrom>,
    /// Single changes that would open something, the one that opens most first; at most 10.
    pub would_open: Vec<WouldOpen>,
    /// As of when, by the store's clock. A large fleet is looked at anew every few seconds.
    pub as_of: Timestamp,
}

/// Events that wait and that no engine could tell apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WaitingLane {
    /// The queue.
    pub queue: QueueName,
    /// The kind of work.
    pub event_type: EventType,
    /// 0 (first) to 9 (last).
    #[schema(minimum = 0, maximum = 9)]
    pub priority: u8,
    /// What an engine must be capable of.
    pub required_capabilities: Vec<Capability>,
    /// Memory that an engine must have free, in MiB.
    #[schema(required = true)]
    pub required_memory_mb: Option<u64>,
    /// The range that an engine's version must lie in.
    #[schema(required = true)]
    pub engine_version: Option<String>,
    /// How many events wait there, due or not.
    pub queued: u64,
    /// Since when the first of them has been due, or from when on it will be.
    #[schema(required = true)]
    pub oldest_available_at: Option<Timestamp>,
}

/// Events that one gate keeps an engine from, those that several do counted with the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeptFrom {
    /// The gate. `available_at` is the time.
    pub gate: String,
    /// How many events.
    pub events: u64,
    /// How it fails for the first of them.
    pub detail: String,
}

/// A change, and how much it would open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WouldOpen {
    /// The change.
    pub change: ChangeView,
    /// How many events the engine could be given then, one at a time, beside those that it could be given now.
    pub events: u64,
}

/// A lane in which something waits, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BlockedLane {
    /// The queue.
    pub queue: QueueName,
    /// The kind of work.
    pub event_type: EventType,
    /// 0 (first) to 9 (last).
    #[schema(minimum = 0, maximum = 9)]
    pub priority: u8,
    /// What an engine must be capable of.
    pub required_capabilities: Vec<Capability>,
    /// Memory that an engine must have free, in MiB.
    #[schema(required = true)]
    pub required_memory_mb: Option<u64>,
    /// The range that an engine's version must lie in.
    #[schema(required = true)]
    pub engine_version: Option<String>,
    /// How many events wait there, due or not.
    pub queued: u64,
    /// The first of them; null if it was claimed meanwhile.
    #[schema(required = true)]
    pub first_event_id: Option<EventId>,
    /// Since when that has been due, or from when on it will be.
    #[schema(required = true)]
    pub oldest_available_at: Option<Timestamp>,
    /// What holds it, in one word.
    pub verdict: Verdict,
    /// One sentence that a person can act on.
    pub summary: String,
    /// Every gate, in the order in which they are asked.
    pub gates: Vec<ExplainedGate>,
    /// How far it gets with the fleet.
    pub engines: ExplainedEngines,
    /// What would let it run now, step by step; empty if nothing has to change.
    pub smallest_change: Vec<ChangeView>,
    /// As of when, by the store's clock. A large fleet is looked at anew every few seconds.
    pub as_of: Timestamp,
}

/// One page of a list of them.
pub type BlockedLanePage = Page<BlockedLane>;

/// Which lanes are listed in which something waits. All conditions must hold; one that is absent always does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BlockedFilter {
    /// Of this queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueName>,
    /// Of this event type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// With this verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<WaitingVerdict>,
}

/// Which lanes in which something waits, and which page of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BlockedQuery {
    #[serde(flatten)]
    pub filter: BlockedFilter,
    #[serde(flatten)]
    pub page: PageQuery,
}

impl BlockedQuery {
    pub fn read(value: Value<'_>) -> Option<(BlockedFilter, PageRequest)> {
        read_fields!(value;
            queue: optional(|value| value.parsed()),
            event_type: optional(|value| value.parsed()),
            verdict: optional(|value| value.word()),
            limit: optional(read_limit),
            cursor: optional(|value| read_cursor(value, ListKind::Blocked)),
        );
        Some((BlockedFilter { queue, event_type, verdict }, page_request(limit, cursor)))
    }
}

/// About which engine an explanation of an event is to say more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExplainQuery {
    /// An engine that the event was expected to run on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_id: Option<EngineId>,
}

impl ExplainQuery {
    /// Reads the query.
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value; engine_id: optional(|value| value.parsed()));
        Some(Self { engine_id })
    }
}
