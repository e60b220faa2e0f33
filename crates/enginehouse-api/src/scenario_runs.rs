//! Scenario runs: groups of events, and the engines that work on them.

use enginehouse_core::ids::{EngineId, ScenarioRunId};
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::events::EventCounts;
use crate::page::Page;

/// A group of events with one `scenario_run_id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScenarioRun {
    /// Names it.
    pub scenario_run_id: ScenarioRunId,
    /// How many of its events there are, by status.
    pub events: EventCounts,
    /// When the first of its events that are kept was enqueued.
    pub first_enqueued_at: Timestamp,
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

/// One page of a list of them.
pub type ScenarioRunPage = Page<ScenarioRun>;
