//! What happened minute by minute: for charts.

use enginehouse_core::ids::{EventType, QueueName};
use enginehouse_core::input::Value;
use enginehouse_core::minutes::MinuteTally;
use enginehouse_core::read_fields;
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::{IntoParams, ToSchema};

use crate::event_types::DurationFigures;

/// Longest step, in seconds.
pub const MAX_STEP_SECONDS: u32 = 3_600;

/// What the series of an answer are of.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MinuteGrouping {
    /// One of each queue and event type.
    #[default]
    QueueAndEventType,
    /// One of each queue.
    Queue,
    /// One of each event type.
    EventType,
    /// One of everything together.
    All,
}

/// Which minutes to show, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MinutesQuery {
    /// Only of this queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueName>,
    /// Only of this event type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// From this moment on; an hour before `to` if absent. What is older than 72 hours is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Before this moment; now if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// How long each step is: whole minutes, up to an hour. If absent, as long that there are 300 steps at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 60, maximum = 3_600)]
    pub step_seconds: Option<u32>,
    /// Whether there is a series of each queue and event type, of each queue, of each event type, or of everything together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub group_by: Option<MinuteGrouping>,
}

impl MinutesQuery {
    /// Reads the query.
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            queue: optional(|value| value.parsed()),
            event_type: optional(|value| value.parsed()),
            from: optional(|value| value.parsed()),
            to: optional(|value| value.parsed()),
            step_seconds: optional(|value| value.whole(60..=MAX_STEP_SECONDS)),
            group_by: optional(|value| value.word()),
        );
        Some(Self { queue, event_type, from, to, step_seconds, group_by })
    }
}

/// What happened, step by step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MinutesResponse {
    /// When the first step begins.
    pub from: Timestamp,
    /// When the last step ends.
    pub to: Timestamp,
    /// How long each step is.
    pub step_seconds: u32,
    /// In the order of their names.
    pub series: Vec<MinuteSeries>,
}

/// What happened to some of the events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MinuteSeries {
    /// Of which queue; null if it is not of one. Where series are of queues and event types, the one that has neither is of all
    /// that were not told apart: a server tells 500 queues with an event type apart.
    #[schema(required = true)]
    pub queue: Option<QueueName>,
    /// Of which event type; null if it is not of one.
    #[schema(required = true)]
    pub event_type: Option<EventType>,
    /// Oldest first. A step in which nothing happened has none.
    pub points: Vec<MinutePoint>,
}

/// What happened within one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MinutePoint {
    /// When the step begins.
    pub at: Timestamp,
    /// Events that were enqueued.
    pub enqueued: u64,
    /// Events that were given to engines.
    pub claimed: u64,
    /// Attempts that completed their events.
    pub completed: u64,
    /// Attempts that failed or took too long, whether or not they are repeated.
    pub failed: u64,
    /// Attempts that ended because their locks were lost.
    pub lost: u64,
    /// Events that became dead letters.
    pub dead_lettered: u64,
    /// From when an event could be claimed to its claim; absent if none was claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<DurationFigures>,
    /// From a claim to the end of the attempt: completed, failed or timed out; absent if none has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing: Option<DurationFigures>,
}

impl MinutePoint {
    /// What was counted from a moment on.
    pub fn new(at: Timestamp, tally: &MinuteTally) -> Self {
        let MinuteTally { enqueued, claimed, completed, failed, lost, dead_lettered, waiting, processing } = tally;
        Self {
            at,
            enqueued: *enqueued,
            claimed: *claimed,
            completed: *completed,
            failed: *failed,
            lost: *lost,
            dead_lettered: *dead_lettered,
            waiting: waiting.summary().map(DurationFigures::from),
            processing: processing.summary().map(DurationFigures::from),
        }
    }
}
