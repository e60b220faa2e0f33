//! Counts and ages of everything in the store: in all, by queue and event type, and by lane.

use enginehouse_core::ids::{Capability, EventType, QueueName, ScenarioRunId};
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::engines::EngineCounts;
use crate::events::EventCounts;
use crate::page::Page;

/// What is in the store at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// The moment, by the store's clock.
    pub now: Timestamp,
    /// Until when no finished event is deleted, because the clock has leapt ahead; null if it has not.
    #[schema(required = true)]
    pub pruning_held_until: Option<Timestamp>,
    /// How many events there are, by status.
    pub events: EventCounts,
    /// The same, by queue and event type: those with the most events, at most 1,000, in the order of their names.
    pub event_types: Vec<EventTypeStats>,
    /// How many queues with an event type are left out above.
    pub event_types_left_out: u64,
    /// How many lanes there are: `/v1/stats/lanes` lists them.
    pub lanes: u64,
    /// How many engines there are, by status.
    pub engines: EngineCounts,
    /// How many dead letters nobody has resolved.
    pub dead_letters: u64,
    /// How many claims are waiting for events.
    pub waiting_claims: u64,
}

/// What is in one queue of one event type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventTypeStats {
    /// The queue.
    pub queue: QueueName,
    /// The kind of work.
    pub event_type: EventType,
    /// Whether its queue or its event type is paused.
    pub paused: bool,
    /// How many lanes its events are in.
    pub lanes: u64,
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
    /// Since when the first of its waiting events may be claimed, or from when on; null if none waits.
    #[schema(required = true)]
    pub oldest_available_at: Option<Timestamp>,
}

/// What is in one lane: events that no engine could tell apart for dispatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LaneStats {
    /// The queue.
    pub queue: QueueName,
    /// The kind of work.
    pub event_type: EventType,
    /// 0 (first) to 9 (last).
    #[schema(minimum = 0, maximum = 9)]
    pub priority: u8,
    /// What the engine must be capable of.
    pub required_capabilities: Vec<Capability>,
    /// Memory that the engine must have free, in MiB.
    #[schema(required = true)]
    pub required_memory_mb: Option<u64>,
    /// The range that the engine's version must lie in.
    #[schema(required = true)]
    pub engine_version: Option<String>,
    /// The scenario run whose events these are, if that was paused while they waited: they stand apart until they are claimed.
    #[schema(required = true)]
    pub scenario_run_id: Option<ScenarioRunId>,
    /// Whether its queue, its event type or its scenario run is paused.
    pub paused: bool,
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
    /// Since when the first of its waiting events may be claimed, or from when on; null if none waits.
    #[schema(required = true)]
    pub oldest_available_at: Option<Timestamp>,
}

/// One page of a list of them.
pub type LaneStatsPage = Page<LaneStats>;
