//! Scenario runs: groups of events, and the engines that work on them.

use enginehouse_core::ids::{EngineId, ScenarioRunId};
use enginehouse_core::input::Value;
use enginehouse_core::limits::MAX_LABEL_LENGTH;
use enginehouse_core::read_fields;
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::events::EventCounts;
use crate::page::Page;

/// A group of events with one `scenario_run_id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScenarioRun {
    /// Names it.
    pub scenario_run_id: ScenarioRunId,
    /// How many of its events there are, by status.
    pub events: EventCounts,
    /// When the first of its events that are kept was enqueued.
    pub first_enqueued_at: Timestamp,
    /// When one of its events was enqueued or changed its status last.
    pub last_activity_at: Timestamp,
    /// How many of its events end each second: an average in which an end counts less the longer ago it is, by a factor of *e*
    /// after 5 minutes.
    pub ends_per_second: f64,
    /// When the events that are queued and processing now will have ended, if they go on to end as fast; absent if none are left,
    /// none ends, or the run is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub estimated_end_at: Option<Timestamp>,
    /// Since when it is paused; absent if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub paused_at: Option<Timestamp>,
    /// Why it is paused; absent if nobody has said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pause_reason: Option<String>,
    /// The engines that are on it; only where one run is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub engines: Option<Vec<EngineId>>,
}

/// How to cancel a scenario run. The body may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunCancelRequest {
    /// Whether to take the locks away from engines that work on its events, instead of asking these to stop.
    #[serde(default)]
    pub force: bool,
    /// Why, for the history: at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub reason: Option<String>,
}

impl RunCancelRequest {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            force: or_default(|value| value.boolean()),
            reason: optional(|value| value.line(0..=MAX_LABEL_LENGTH)),
        );
        Some(Self { force: force?, reason })
    }
}

/// One page of a list of them.
pub type ScenarioRunPage = Page<ScenarioRun>;
