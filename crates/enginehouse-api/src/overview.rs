//! What a person should know at a glance: what needs somebody first, and how fast the work goes.

use enginehouse_core::durations::DurationHistogram;
use enginehouse_core::ids::{EngineId, EventId, EventType, QueueName};
use enginehouse_core::minutes::MinuteTally;
use enginehouse_core::time::Timestamp;
use enginehouse_core::verdict::WaitingVerdict;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::engines::EngineCounts;
use crate::event_types::DurationFigures;
use crate::events::EventCounts;
use crate::stats::EventTypeStats;

/// The state of everything in a few numbers, and what needs a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// What needs a person, the most urgent first; at most 50.
    pub attention: Vec<AttentionItem>,
    /// How many events there are, by status.
    pub events: EventCounts,
    /// How many engines there are, by status.
    pub engines: EngineCounts,
    /// How many dead letters nobody has resolved.
    pub dead_letters: u64,
    /// How many claims wait for events, at this server.
    pub waiting_claims: u64,
    /// The event that has waited longest of those that could be claimed; null if none waits.
    #[schema(required = true)]
    pub oldest: Option<OldestEvent>,
    /// How fast the work goes.
    pub rates: ActivityRates,
}

/// Since when the oldest event has waited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OldestEvent {
    /// Its queue.
    pub queue: QueueName,
    /// Its type.
    pub event_type: EventType,
    /// Since when it could be claimed.
    pub available_at: Timestamp,
}

/// How fast the work goes: of the last whole minute, and the one that has begun.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActivityRates {
    /// Events that were enqueued.
    pub enqueued_per_second: f64,
    /// Events that were given to engines.
    pub claimed_per_second: f64,
    /// Attempts that completed their events.
    pub completed_per_second: f64,
    /// Attempts that failed or took too long.
    pub failed_per_second: f64,
    /// Attempts that ended because their locks were lost.
    pub lost_per_second: f64,
    /// From when an event could be claimed to its claim; null if none was claimed.
    #[schema(required = true)]
    pub waiting: Option<DurationFigures>,
    /// From a claim to the end of the attempt; null if none has ended.
    #[schema(required = true)]
    pub processing: Option<DurationFigures>,
}

impl ActivityRates {
    /// What was counted within so many seconds.
    pub fn new(tally: &MinuteTally, seconds: f64) -> Self {
        // Three decimals tell one event in a quarter of an hour from none.
        let rate = |count: u64| (count as f64 / seconds.max(1.0) * 1_000.0).round() / 1_000.0;
        let figures = |histogram: &DurationHistogram| histogram.summary().map(DurationFigures::from);
        Self {
            enqueued_per_second: rate(tally.enqueued),
            claimed_per_second: rate(tally.claimed),
            completed_per_second: rate(tally.completed),
            failed_per_second: rate(tally.failed),
            lost_per_second: rate(tally.lost),
            waiting: figures(&tally.waiting),
            processing: figures(&tally.processing),
        }
    }
}

/// What kind of thing needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttentionKind {
    /// The store is damaged, or has rows that cannot be read.
    StoreDamaged,
    /// The disk of the data file is nearly full.
    DiskLow,
    /// No engine that is registered could ever run the events of a lane.
    LaneImpossible,
    /// The events of a lane wait for a person: something is paused, or no engine that fits is active.
    LaneBlocked,
    /// An engine has been silent for so long that it is lost.
    EngineLost,
    /// Locks were lost within the last quarter of an hour.
    LocksLost,
    /// Events became dead letters within the last quarter of an hour.
    DeadLettersGrow,
    /// An engine or a version fails more than others do.
    Suspect,
    /// Events that could run have waited for more than ten minutes.
    EventsWait,
    /// The clock has leapt ahead: finished events are not deleted.
    PruningHeld,
}

/// Something that needs a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttentionItem {
    /// What kind of thing it is.
    pub kind: AttentionKind,
    /// One sentence that a person can act on.
    pub summary: String,
    /// How many events, locks, engines or dead letters it is about.
    pub count: u64,
    /// Since when; null if that is not known.
    #[schema(required = true)]
    pub since: Option<Timestamp>,
    /// The queue that it is about; null if it is about none.
    #[schema(required = true)]
    pub queue: Option<QueueName>,
    /// The event type that it is about; null if it is about none, or several.
    #[schema(required = true)]
    pub event_type: Option<EventType>,
    /// The engine that it is about; null if it is about none.
    #[schema(required = true)]
    pub engine_id: Option<EngineId>,
    /// An event that shows it; null if there is none.
    #[schema(required = true)]
    pub event_id: Option<EventId>,
}

impl AttentionItem {
    /// One that is about nothing in particular.
    pub fn new(kind: AttentionKind, summary: String, count: u64) -> Self {
        Self { kind, summary, count, since: None, queue: None, event_type: None, engine_id: None, event_id: None }
    }
}

/// What is in one queue of one event type, and how fast it goes there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueueActivity {
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
    /// The worst verdict on what waits there: `impossible` and `blocked` say that no engine serves some of it; null if nothing
    /// waits. Of a large fleet, it is looked for every few seconds.
    #[schema(required = true)]
    pub verdict: Option<WaitingVerdict>,
    /// How fast it goes.
    pub rates: ActivityRates,
}

impl QueueActivity {
    /// What is there, what is to be said of it, and how fast it goes.
    pub fn new(stats: EventTypeStats, verdict: Option<WaitingVerdict>, rates: ActivityRates) -> Self {
        let EventTypeStats {
            queue,
            event_type,
            paused,
            lanes,
            queued,
            processing,
            completed,
            failed,
            cancelled,
            oldest_available_at,
        } = stats;
        Self {
            queue,
            event_type,
            paused,
            lanes,
            queued,
            processing,
            completed,
            failed,
            cancelled,
            oldest_available_at,
            verdict,
            rates,
        }
    }
}

/// What is in every queue, by event type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueueActivityList {
    /// As of when, by the store's clock.
    pub as_of: Timestamp,
    /// Those with the most events, at most 1,000, in the order of their names.
    pub queues: Vec<QueueActivity>,
    /// How many queues with an event type are left out.
    pub left_out: u64,
}
